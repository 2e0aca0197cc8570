#include "ledger/suppress.h"

#include "ledger/ending.h"

#include "ledger_statements.h"

struct suppressing {
    struct suppress *suppress;
    struct act_step step;
    struct ending ending;
    size_t inserted, found, waiting;
};

static bool suppress_is_domain(const struct suppress *suppress)
{
    return !text_has(suppress->key, '@');
}

static const char *suppress_reason_word(enum suppress_reason reason)
{
    switch (reason) {
    case SUPPRESS_API: return "api";
    case SUPPRESS_BOUNCE: return "bounce";
    case SUPPRESS_COMPLAINT: return "complaint";
    case SUPPRESS_UNSUBSCRIBE: return "unsubscribe";
    case SUPPRESS_IMPORT: return "import";
    }
    unreachable("a reason to suppress");
}

/* A domain may have more messages than one statement should hold: again, until a look finds none. */
static void suppress_look(struct act *act, struct suppressing *work);

static void suppress_round(struct ending *ending)
{
    struct suppressing *work = container_of(ending, struct suppressing, ending);
    work->suppress->messages += ending->ended;
    suppress_look(work->step.act, work);
}

static size_t suppress_waiting(struct act *act, const struct suppressing *work)
{
    return suppress_is_domain(work->suppress) ? messages_of_domain_count(act->transaction, work->waiting)
                                              : messages_of_recipient_count(act->transaction, work->waiting);
}

static void suppress_heard(struct act_step *step)
{
    struct suppressing *work = container_of(step, struct suppressing, step);
    struct act *act = step->act;
    size_t count = suppress_waiting(act, work);
    if (count == 0) {
        work->suppress->done(work->suppress);
        return;
    }
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = suppress_is_domain(work->suppress)
                          ? messages_of_domain_get(act->transaction, work->waiting, i).message_id
                          : messages_of_recipient_get(act->transaction, work->waiting, i).message_id;
    work->ending = (struct ending){
        .messages = messages,
        .count = count,
        .state = "suppressed",
        .code = "suppressed",
        .event = "message.suppressed",
        .done = suppress_round,
    };
    ending_start(act, &work->ending);
}

static void suppress_look(struct act *act, struct suppressing *work)
{
    struct text key = work->suppress->key;
    if (suppress_is_domain(work->suppress)) {
        recipients_of_domain_ask(act->transaction, &(struct recipients_of_domain){ act->customer, key });
        mailboxes_of_domain_ask(act->transaction, &(struct mailboxes_of_domain){ act->customer, key });
    } else {
        mailboxes_of_recipient_ask(act->transaction, &(struct mailboxes_of_recipient){ act->customer, key });
    }
    work->waiting =
        suppress_is_domain(work->suppress)
            ? messages_of_domain_ask(act->transaction, &(struct messages_of_domain){ act->customer, key })
            : messages_of_recipient_ask(act->transaction, &(struct messages_of_recipient){ act->customer, key });
    act_read(act, &work->step, suppress_heard);
}

static void suppress_made(struct act_step *step)
{
    struct suppressing *work = container_of(step, struct suppressing, step);
    struct suppress *suppress = work->suppress;
    struct suppression_find_row row = suppression_find_get(step->act->transaction, work->found, 0);
    suppress->made = suppression_insert_count(step->act->transaction, work->inserted) == 1;
    suppress->suppression = row.suppression_id;
    suppress->created_at = row.created_at;
    suppress_look(step->act, work);
}

void suppress_key(struct act *act, struct suppress *suppress)
{
    struct suppressing *work = arena_make(act->arena, struct suppressing);
    work->suppress = suppress;
    suppress->messages = 0;
    recipient_suppress_ask(act->transaction, &(struct recipient_suppress){ act->customer, suppress->key, act->now });
    work->inserted = suppression_insert_ask(act->transaction,
                                            &(struct suppression_insert){
                                                .customer = act->customer,
                                                .suppression = suppress->suppression,
                                                .address_key = suppress->key,
                                                .kind = suppress_is_domain(suppress) ? TEXT("domain") : TEXT("address"),
                                                .reason = text_of(suppress_reason_word(suppress->reason)),
                                                .now = act->now,
                                            });
    work->found = suppression_find_ask(act->transaction, &(struct suppression_find){ act->customer, suppress->key });
    act_read(act, &work->step, suppress_made);
}

/* ---- taken back ---- */

struct unsuppressing {
    struct unsuppress *unsuppress;
    struct act_step step;
    size_t deleted;
};

static void unsuppress_heard(struct act_step *step)
{
    struct unsuppressing *work = container_of(step, struct unsuppressing, step);
    struct act *act = step->act;
    work->unsuppress->found = suppression_delete_count(act->transaction, work->deleted) == 1;
    if (work->unsuppress->found) {
        struct text key = suppression_delete_get(act->transaction, work->deleted, 0).address_key;
        recipient_unsuppress_ask(act->transaction, &(struct recipient_unsuppress){ act->customer, key });
    }
    work->unsuppress->done(work->unsuppress);
}

void unsuppress_key(struct act *act, struct unsuppress *unsuppress)
{
    struct unsuppressing *work = arena_make(act->arena, struct unsuppressing);
    work->unsuppress = unsuppress;
    recipient_of_suppression_ask(act->transaction,
                                 &(struct recipient_of_suppression){ act->customer, unsuppress->suppression });
    work->deleted = suppression_delete_ask(act->transaction,
                                           &(struct suppression_delete){ act->customer, unsuppress->suppression });
    act_read(act, &work->step, unsuppress_heard);
}
