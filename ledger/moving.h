/*
 * moving — mailboxes get another IP, or none for now, and what is booked follows: slots keep day and number, and get the
 * second of the new plan. Without an IP the slots are free, and the messages wait, `ip_unavailable`.
 *
 * Each plan is raised and its openings are deleted before a slot is looked at.
 */
#pragma once

#include "ledger/plans.h"

struct move {
    struct uuid mailbox, pool;
    struct uuid ip;  /* UUID_NIL: none */
    int64_t ordinal; /* INT64_MIN with none */
};

struct moving {
    const struct move *moves; /* given: at most 1,000 */
    size_t count;
    void (*done)(struct moving *moving);

    struct act_step step;
    struct uuid *mailboxes;
    struct mailbox_plan *plans;
    struct uuid after; /* messages are moved a thousand at a time, in order of id */
    size_t held, asked;
};

void moving_start(struct act *act, struct moving *moving);
