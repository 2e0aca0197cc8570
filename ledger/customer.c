#include "ledger/customer.h"

#include "ledger/closing.h"

#include "ledger_statements.h"

struct customer_work {
    struct customer_change *change;
    struct act_step step;
    struct closing closing;
    size_t held;
};

static void customer_end(struct customer_change *change, enum customer_word word)
{
    change->word = word;
    change->done(change);
}

static void customer_cancelled(struct closing *closing)
{
    struct customer_work *work = container_of(closing, struct customer_work, closing);
    work->change->cancelled = closing->cancelled;
    customer_end(work->change, CUSTOMER_MOVED);
}

static void customer_written(struct act_step *step)
{
    struct customer_work *work = container_of(step, struct customer_work, step);
    if (work->change->move != CUSTOMER_CLOSE) {
        customer_end(work->change, CUSTOMER_MOVED);
        return;
    }
    work->closing = (struct closing){ .code = "cancelled", .done = customer_cancelled };
    closing_start(step->act, &work->closing);
}

/* The lanes first: from here on nothing is authorized. Then the plans, then the openings, which waits for bookings. */
static void customer_write(struct act *act, struct customer_work *work)
{
    enum customer_move move = work->change->move;
    struct text word = TEXT("customer_suspended");
    struct text state = move == CUSTOMER_RESUME    ? TEXT("active")
                        : move == CUSTOMER_SUSPEND ? TEXT("suspended")
                                                   : TEXT("closed");
    customer_set_ask(act->transaction, &(struct customer_set){ act->customer, state, act->now });
    if (move == CUSTOMER_RESUME)
        lanes_unhalt_ask(act->transaction, &(struct lanes_unhalt){ act->customer, word });
    else
        lanes_halt_ask(act->transaction, &(struct lanes_halt){ act->customer, word });
    mailboxes_raise_of_customer_ask(act->transaction, &(struct mailboxes_raise_of_customer){ act->customer });
    openings_delete_of_customer_ask(act->transaction, &(struct openings_delete_of_customer){ act->customer });
    act_read(act, &work->step, customer_written);
}

static void customer_heard(struct act_step *step)
{
    struct customer_work *work = container_of(step, struct customer_work, step);
    struct customer_change *change = work->change;
    if (customer_hold_count(step->act->transaction, work->held) == 0) {
        customer_end(change, CUSTOMER_UNKNOWN);
        return;
    }
    struct text state = customer_hold_get(step->act->transaction, work->held, 0).state;
    bool closed = text_equal(state, TEXT("closed"));
    bool same = (change->move == CUSTOMER_SUSPEND && text_equal(state, TEXT("suspended"))) ||
                (change->move == CUSTOMER_RESUME && text_equal(state, TEXT("active"))) ||
                (change->move == CUSTOMER_CLOSE && closed);
    if (same)
        customer_end(change, CUSTOMER_MOVED);
    else if (closed)
        customer_end(change, CUSTOMER_CLOSED);
    else
        customer_write(step->act, work);
}

void customer_change(struct act *act, struct customer_change *change)
{
    struct customer_work *work = arena_make(act->arena, struct customer_work);
    work->change = change;
    change->cancelled = 0;
    work->held = customer_hold_ask(act->transaction, &(struct customer_hold){ act->customer });
    act_read(act, &work->step, customer_heard);
}
