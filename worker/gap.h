/*
 * gap — the least time between two messages that an IP begins (policy/spacing), from the mailboxes that it has now.
 *
 * The mailboxes are read every few seconds; which of their windows is open is computed anew whenever it is asked.
 */
#pragma once

#include "policy/spacing.h"

#include "worker/worker.h"

struct gap {
    struct worker *worker;
    struct uuid customer, ip;
    struct arena *arena; /* of the last reading */
    struct gap_share *shares;
    size_t share_count, mailboxes;
    struct transaction_wait wait;
    size_t asked;
    bool reading, known;
};

void gap_init(struct gap *gap, struct worker *worker, struct uuid customer, struct uuid ip);
void gap_end(struct gap *gap); /* no reading may be under way: gap_is_reading() */
void gap_read(struct gap *gap);
bool gap_is_reading(const struct gap *gap);
/* µs of the rules' time; asks nothing. Before the first reading: so long that nothing begins. */
int64_t gap_min_us(const struct gap *gap, struct instant now);
