/*
 * pg_check — is this a database that a promise can be given on?
 *
 * A program asks once before it serves, and a lane from time to time. A standby never gets so far: the pool connects to
 * servers that can be written to only. One life: pg_check_start(), `checked` once, from the loop; again as often as
 * you like.
 */
#pragma once

#include "base/instant.h"

#include "io/pg.h"

enum pg_check_word {
    PG_CHECK_GOOD,
    PG_CHECK_UNAVAILABLE, /* it did not answer; words say why */
    PG_CHECK_UNSAFE,      /* fsync, full_page_writes or synchronous_commit is off, or it is local beside a standby that
                             should be waited for: it forgets what it committed */
    PG_CHECK_CLOCK,       /* this host's wall clock and the server's are more than BOUND_CLOCK_SKEW_US apart */
};

struct pg_facts {
    struct text system_identifier; /* borrowed for the call */
    int32_t timeline;
    int64_t flushed;   /* the log is safe up to here, bytes since the cluster was made */
    int64_t skew_us;   /* server's wall clock − this host's, as near as the answer's delay lets us see */
    struct text words; /* for a person: what is wrong; empty when it is good */
};

struct pg_check {
    void (*checked)(struct pg_check *check, enum pg_check_word word, const struct pg_facts *facts);
    struct transaction_wait wait;
    struct instant asked_at;
    size_t asked;
    bool unsafe_is_allowed;
};

/* The check lives in its owner until `checked`, which the owner sets before. unsafe_is_allowed: for tests' clusters. */
void pg_check_start(struct pg_check *check, struct pg *pool, bool unsafe_is_allowed);
