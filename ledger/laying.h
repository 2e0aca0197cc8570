/*
 * laying — openings of whole local days, for several mailboxes at once.
 *
 * Read the plan and the slots there are, ask policy/booking day by day, insert only where the plan's version still
 * stands. What was laid before is left as it is: laying goes on where it ended.
 */
#pragma once

#include "ledger/plans.h"

struct laying {
    const struct uuid *mailboxes; /* given: at most 1,000 */
    size_t count;
    int32_t days; /* whole local days from today on; no more than the horizon */
    void (*done)(struct laying *laying);

    size_t laid;              /* told: openings */
    size_t reached;           /* mailboxes whose openings stand for those days now */
    struct instant free_from; /* of the last mailbox: where the first day begins that was not laid */

    struct act_step step;
    size_t plans, *taken;
    size_t *stood;
};

void laying_start(struct act *act, struct laying *laying);

/* One insert of the openings given; the caller holds the plan (mailbox_laid, mailbox_stands) in the same transaction. */
void laying_insert(struct act *act, const struct mailbox_plan *plan, const struct opening *openings, size_t count);
