/*
 * cancel — the customer does not want it sent any more. From `accepted` or `booked` only: what is authorized may already
 * be a dot, and exactly one of *cancelled* and *sent* comes true. The slot is free again, the recipient's mark returns.
 */
#pragma once

#include "ledger/act.h"

enum cancel_word {
    CANCEL_MADE,
    CANCEL_UNKNOWN,  /* no such message of this customer */
    CANCEL_TOO_LATE, /* sending, or ended; `state` says which */
};

struct cancel {
    struct uuid message; /* given */
    void (*done)(struct cancel *cancel);

    enum cancel_word word; /* told */
    struct text state;     /* the message's, before */
};

void cancel_message(struct act *act, struct cancel *cancel);
