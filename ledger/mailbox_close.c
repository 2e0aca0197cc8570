#include "ledger/closing.h"
#include "ledger/event.h"
#include "ledger/mailbox.h"

#include "ledger_statements.h"

struct close_work {
    struct mailbox_close *close;
    struct act_step step;
    struct closing closing;
    size_t held;
};

static void close_end(struct mailbox_close *close, enum mailbox_word word)
{
    close->word = word;
    close->done(close);
}

static void close_cancelled(struct closing *closing)
{
    struct close_work *work = container_of(closing, struct close_work, closing);
    work->close->cancelled = closing->cancelled;
    close_end(work->close, MAILBOX_CHANGED);
}

static void close_write(struct act *act, struct close_work *work)
{
    struct uuid mailbox = work->close->mailbox;
    mailbox_closed_ask(act->transaction, &(struct mailbox_closed){ act->customer, mailbox, act->now });
    openings_delete_ask(act->transaction, &(struct openings_delete){ act->customer, mailbox });
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "mailbox_id", ID_MAILBOX, mailbox);
    event_add(act, "mailbox.closed", UUID_NIL, event_data_end(&data));
    work->closing = (struct closing){ .mailbox = mailbox, .code = "mailbox_closed", .done = close_cancelled };
    closing_start(act, &work->closing);
}

static void close_heard(struct act_step *step)
{
    struct close_work *work = container_of(step, struct close_work, step);
    if (mailbox_hold_count(step->act->transaction, work->held) == 0)
        close_end(work->close, MAILBOX_UNKNOWN);
    else if (text_equal(mailbox_hold_get(step->act->transaction, work->held, 0).state, TEXT("closed")))
        close_end(work->close, MAILBOX_CLOSED);
    else
        close_write(step->act, work);
}

void mailbox_close(struct act *act, struct mailbox_close *close)
{
    struct close_work *work = arena_make(act->arena, struct close_work);
    work->close = close;
    close->cancelled = 0;
    work->held = mailbox_hold_ask(act->transaction, &(struct mailbox_hold){ act->customer, close->mailbox });
    act_read(act, &work->step, close_heard);
}
