/*
 * claim — one way to claim a kind of work, and to let it go.
 *
 * One life of a work: it sleeps for `every_us`; it is claimed, by a row in `works` that is held for some real seconds; its
 * begin() is called; it does what it found, and ends with work_end(): it sleeps again, or begins anew at once when there is
 * more than it took. Where another process has the claim, or the database is away, it looks again a little later.
 *
 * A claim is a hint that saves double work. Two processes at the same piece harm nobody: what a piece changes goes through
 * the ledger, which leaves alone what moved meanwhile.
 *
 * A crew is all works of this process. crew_stop() lets what is under way come to the end of its piece, gives the claims
 * back, and calls `idle`.
 */
#pragma once

#include "io/loop.h"

#include "ledger/ledger.h"

struct crew;

enum work_end {
    WORK_RESTS,   /* until every_us from now */
    WORK_GOES_ON, /* there is more */
    WORK_FAILED,  /* the database was away, or said no: a little later */
};

struct work {
    const char *name; /* given; also that of its row */
    int64_t every_us; /* given; real time */
    void (*begin)(struct work *work);
    bool (*wanted)(struct work *work); /* NULL: always */

    struct crew *crew; /* the rest: claim's own */
    struct timer timer;
    struct transaction_wait wait;
    size_t asked;
    struct instant claimed_at, held_until; /* real */
    bool running;
};

struct crew_given {
    struct loop *loop;
    struct pg *pool;
    struct ledger *ledger;
    const struct clock *clock;
    struct random *random;
    struct work **works;
    size_t count;
    void (*idle)(struct crew *crew); /* after crew_stop(), once */
};

struct crew {
    struct crew_given given;
    struct uuid holder; /* who we are in `works` */
    bool stopping, released;
};

/* The works begin with the loop's next turns. Crew and works stay until `idle`. */
void crew_start(struct crew *crew, const struct crew_given *given);
void crew_stop(struct crew *crew);

/* Once for each begin(), now or later. */
void work_end(struct work *work, enum work_end end);
/* The work shall stop after the piece that it is at. */
bool work_is_stopping(const struct work *work);
