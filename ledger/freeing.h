/*
 * freeing — slots that were deleted while booked become openings again, but only where the mailbox's present plan has that
 * day and number, at the plan's second, still ahead, and the plan's version stands.
 */
#pragma once

#include "ledger/plans.h"

struct freed {
    struct uuid mailbox;
    struct day local_day;
    int16_t number;
};

struct freeing {
    const struct freed *freed; /* given: at most 1,000 */
    size_t count;
    void (*done)(struct freeing *freeing);

    struct act_step step;
    struct uuid *mailboxes;
    size_t mailbox_count, plans, *taken;
};

void freeing_start(struct act *act, struct freeing *freeing);
