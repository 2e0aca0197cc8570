/*
 * health — may this host send at all? Its clock and its database must be what the promises stand on.
 *
 * The database is looked at before the first lane begins, and every minute: one that forgets what it committed ends the
 * program. While the clock is the real one, a step of the wall clock of more than BOUND_CLOCK_SKEW_US against the time
 * since boot, or as much between this host and PostgreSQL, halts all lanes, and says so, until it is right again (T165).
 */
#pragma once

#include "io/pg_check.h"

#include "worker/worker.h"

struct health {
    struct worker *worker;
    struct pg_check check;
    struct timer timer, step;
    bool unsafe_is_allowed, checking, skewed, stepped;
    void (*ready)(struct health *health); /* once, when the database is fit */
    void (*unfit)(struct health *health); /* it is not: the program ends */
};

void health_start(struct health *health, struct worker *worker, bool unsafe_is_allowed);
void health_stop(struct health *health);
bool health_is_checking(const struct health *health);
