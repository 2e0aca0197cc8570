/*
 * worker — what every lane of this process stands on.
 *
 * Made once by main.c and borrowed by everybody else in this room.
 */
#pragma once

#include "io/loop.h"
#include "io/statement.h"

#include "ledger/ledger.h"
#include "ledger/zones.h"

struct routes;

struct worker {
    struct loop *loop;
    struct clock *clock;
    struct random *random;
    struct pg *pg;     /* evenpost_worker: one customer a transaction */
    struct pg *due_pg; /* evenpost_due: the one read across customers */
    struct ledger *ledger;
    struct routes *routes;
    const char *halt; /* why no lane may send (worker/health); NULL: they may */
    const char *host;
    struct text place; /* of that host (io/host_lock) */
    int64_t pid;
    uint16_t lock_port;
    int64_t takeover_wait_us, close_us, settle_us, grace_us, drain_us; /* real */
};
