#include "ledger/cancel.h"

#include "ledger/ending.h"
#include "ledger/holding.h"

#include "ledger_statements.h"

struct cancelling {
    struct cancel *cancel;
    struct act_step step;
    struct ending ending;
    size_t held;
};

static void cancel_end(struct cancel *cancel, enum cancel_word word)
{
    cancel->word = word;
    cancel->done(cancel);
}

static void cancel_ended(struct ending *ending)
{
    struct cancelling *work = container_of(ending, struct cancelling, ending);
    assert(ending->ended == 1); /* its row is held since its state was read */
    cancel_end(work->cancel, CANCEL_MADE);
}

static void cancel_heard(struct act_step *step)
{
    struct cancelling *work = container_of(step, struct cancelling, step);
    struct cancel *cancel = work->cancel;
    if (message_hold_count(step->act->transaction, work->held) == 0) {
        cancel_end(cancel, CANCEL_UNKNOWN);
        return;
    }
    cancel->state = message_hold_get(step->act->transaction, work->held, 0).state;
    if (!text_equal(cancel->state, TEXT("accepted")) && !text_equal(cancel->state, TEXT("booked"))) {
        cancel_end(cancel, CANCEL_TOO_LATE);
        return;
    }
    work->ending = (struct ending){
        .messages = &cancel->message,
        .count = 1,
        .state = "cancelled",
        .code = "cancelled",
        .event = "message.cancelled",
        .done = cancel_ended,
    };
    ending_start(step->act, &work->ending);
}

void cancel_message(struct act *act, struct cancel *cancel)
{
    struct cancelling *work = arena_make(act->arena, struct cancelling);
    work->cancel = cancel;
    cancel->state = TEXT_NONE;
    work->held = holding_ask(act, cancel->message);
    act_read(act, &work->step, cancel_heard);
}
