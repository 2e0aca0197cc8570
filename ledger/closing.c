#include "ledger/closing.h"

#include "ledger_statements.h"

static void closing_look(struct act *act, struct closing *closing);

static void closing_round(struct ending *ending)
{
    struct closing *closing = container_of(ending, struct closing, ending);
    closing->cancelled += ending->ended;
    closing_look(closing->step.act, closing);
}

static size_t closing_count(struct act *act, const struct closing *closing)
{
    return uuid_is_nil(closing->mailbox) ? messages_of_customer_count(act->transaction, closing->asked)
                                         : messages_of_mailboxes_count(act->transaction, closing->asked);
}

static struct uuid closing_get(struct act *act, const struct closing *closing, size_t row)
{
    return uuid_is_nil(closing->mailbox) ? messages_of_customer_get(act->transaction, closing->asked, row).message_id
                                         : messages_of_mailboxes_get(act->transaction, closing->asked, row).message_id;
}

static void closing_heard(struct act_step *step)
{
    struct closing *closing = container_of(step, struct closing, step);
    struct act *act = step->act;
    size_t count = closing_count(act, closing);
    if (count == 0) {
        closing->done(closing);
        return;
    }
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = closing_get(act, closing, i);
    closing->ending = (struct ending){
        .messages = messages,
        .count = count,
        .state = "cancelled",
        .code = closing->code,
        .event = "message.cancelled",
        .keep_openings = true,
        .done = closing_round,
    };
    ending_start(act, &closing->ending);
}

static void closing_look(struct act *act, struct closing *closing)
{
    static const struct text waiting[] = { { "accepted", 8 }, { "booked", 6 } };
    closing->asked =
        uuid_is_nil(closing->mailbox)
            ? messages_of_customer_ask(act->transaction, &(struct messages_of_customer){ act->customer })
            : messages_of_mailboxes_ask(
                  act->transaction,
                  &(struct messages_of_mailboxes){ act->customer, { &closing->mailbox, 1 }, { waiting, 2 }, UUID_NIL });
    act_read(act, &closing->step, closing_heard);
}

void closing_start(struct act *act, struct closing *closing)
{
    closing->cancelled = 0;
    closing_look(act, closing);
}
