/*
 * ending — messages that wait are over: cancelled, suppressed, expired. Their slots are free again, marks of first writings
 * return, each has its event. Those that moved meanwhile (authorized, ended) are left alone.
 */
#pragma once

#include "ledger/freeing.h"

struct ending {
    const struct uuid *messages; /* given: at most 1,000 */
    size_t count;
    const char *state;  /* "cancelled", "suppressed", "expired", "bounced" */
    const char *code;   /* of the explanation */
    const char *event;  /* NULL: the caller tells it */
    struct text about;  /* TEXT_NONE */
    bool keep_openings; /* the mailboxes' openings were deleted, or are to be: nothing is given back */
    void (*done)(struct ending *ending);

    size_t ended; /* told */

    struct act_step step;
    struct freeing freeing;
    size_t asked, dropped;
};

void ending_start(struct act *act, struct ending *ending);
