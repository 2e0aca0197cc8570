/*
 * ledger — what every write of the ledger stands on: a pool, a clock, randomness, and the zones it has read.
 *
 * One life: a program makes one at start and frees it after its pool has closed. Every change of a message or a slot in
 * any program goes through this room, in one transaction each (ledger/act.h).
 */
#pragma once

#include "io/clock.h"
#include "io/pg.h"
#include "io/random.h"

struct ledger_given {
    struct pg *pool; /* of the program's main role */
    const struct clock *clock;
    struct random *random;
};

struct ledger {
    struct pg *pool;
    const struct clock *clock;
    struct random *random;
    struct zones *zones; /* ledger/zones.h */
};

struct ledger *ledger_new(const struct ledger_given *given); /* yours, until ledger_free(); borrows what it is given */
void ledger_free(struct ledger **ledger);
