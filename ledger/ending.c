#include "ledger/ending.h"

#include "ledger/event.h"

#include "ledger_statements.h"

static void ending_freed(struct freeing *freeing)
{
    struct ending *ending = container_of(freeing, struct ending, freeing);
    ending->done(ending);
}

static void ending_free(struct ending *ending)
{
    struct act *act = ending->step.act;
    size_t count = slots_drop_count(act->transaction, ending->dropped);
    if (count == 0 || ending->keep_openings) {
        ending->done(ending);
        return;
    }
    struct freed *freed = arena_make_array(act->arena, struct freed, count);
    for (size_t i = 0; i < count; i++) {
        struct slots_drop_row row = slots_drop_get(act->transaction, ending->dropped, i);
        freed[i] = (struct freed){ row.mailbox_id, row.local_day, row.number };
    }
    ending->freeing = (struct freeing){ .freed = freed, .count = count, .done = ending_freed };
    freeing_start(act, &ending->freeing);
}

static void ending_heard(struct act_step *step)
{
    struct ending *ending = container_of(step, struct ending, step);
    struct act *act = step->act;
    ending->ended = messages_end_count(act->transaction, ending->asked);
    struct uuid *messages = arena_make_array(act->arena, struct uuid, ending->ended);
    struct uuid *mailboxes = arena_make_array(act->arena, struct uuid, ending->ended);
    for (size_t i = 0; i < ending->ended; i++) {
        struct messages_end_row row = messages_end_get(act->transaction, ending->asked, i);
        messages[i] = row.message_id;
        mailboxes[i] = row.mailbox_id;
    }
    if (ending->ended > 0)
        recipients_unmark_ask(act->transaction,
                              &(struct recipients_unmark){ act->customer, { messages, ending->ended } });
    if (ending->event != NULL)
        event_add_many(act, ending->event, messages, mailboxes, ending->ended, ending->about);
    ending_free(ending);
}

void ending_start(struct act *act, struct ending *ending)
{
    struct uuids messages = { ending->messages, ending->count };
    ending->ended = 0;
    ending->asked = messages_end_ask(act->transaction, &(struct messages_end){
                                                           .customer = act->customer,
                                                           .messages = messages,
                                                           .state = text_of(ending->state),
                                                           .code = text_of(ending->code),
                                                           .about = ending->about,
                                                           .now = act->now,
                                                       });
    ending->dropped = slots_drop_ask(act->transaction, &(struct slots_drop){ act->customer, messages });
    act_read(act, &ending->step, ending_heard);
}
