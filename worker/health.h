/*
 * health — may this host send at all? Its clock must be what the promises stand on.
 *
 * While the clock is the real one, a step of the wall clock of more than BOUND_CLOCK_SKEW_US against the time since boot,
 * or as much between this host and PostgreSQL, halts all lanes, and says so, until it is right again (T165): set back, or in
 * agreement with a database that it disagreed with before (io/program).
 */
#pragma once

#include "io/pg_check.h"

#include "worker/worker.h"

struct health {
    struct worker *worker;
    struct timer step;
    bool skewed, stepped;
};

void health_start(struct health *health, struct worker *worker);
void health_looked(struct health *health, enum pg_check_word word); /* a look at the database came back */
void health_stop(struct health *health);
