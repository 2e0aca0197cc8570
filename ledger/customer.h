/*
 * customer — suspended, resumed, closed: before the answer no new authorization of any of its IPs is possible.
 *
 * Suspended is as all mailboxes paused: what is booked waits, and becomes `accepted` when its slot is over; resume books
 * it again. Closed is for ever: what is booked or waits is cancelled. Its IPs are released by the operator.
 */
#pragma once

#include "ledger/act.h"

enum customer_move { CUSTOMER_SUSPEND, CUSTOMER_RESUME, CUSTOMER_CLOSE };

enum customer_word {
    CUSTOMER_MOVED, /* or it was so already */
    CUSTOMER_UNKNOWN,
    CUSTOMER_CLOSED, /* neither suspended nor resumed any more */
};

/* act->customer: who. */
struct customer_change {
    enum customer_move move; /* given */
    void (*done)(struct customer_change *change);

    enum customer_word word; /* told */
    size_t cancelled;        /* messages */
};

void customer_change(struct act *act, struct customer_change *change);
