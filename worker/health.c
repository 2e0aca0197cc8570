#include "worker/health.h"

#include "base/bounds.h"

#include "io/log.h"

#define STEP_US US_PER_SECOND

static void set_halt(struct health *health)
{
    const char *why = health->stepped  ? "the wall clock of this host was set by more than 30 s"
                      : health->skewed ? "this host's clock and the database's are more than 30 s apart"
                                       : NULL;
    if ((why == NULL) == (health->worker->halt == NULL))
        return;
    health->worker->halt = why;
    if (why != NULL)
        log_error(NULL, "all lanes halt: %s", why);
    else
        log_info(NULL, "the clocks agree again: lanes go on");
}

void health_looked(struct health *health, enum pg_check_word word)
{
    if (word == PG_CHECK_UNAVAILABLE)
        return;
    health->skewed = word == PG_CHECK_CLOCK && clock_is_real(health->worker->clock);
    set_halt(health);
}

static void step_fired(struct timer *timer)
{
    struct health *health = container_of(timer, struct health, step);
    int64_t step_us = clock_step_us(health->worker->clock);
    health->stepped = llabs(step_us) > BOUND_CLOCK_SKEW_US && clock_is_real(health->worker->clock);
    set_halt(health);
    timer_start(&health->step, STEP_US);
}

void health_start(struct health *health, struct worker *worker)
{
    *health = (struct health){ .worker = worker };
    timer_init(&health->step, worker->loop, step_fired);
    timer_start(&health->step, STEP_US);
}

void health_stop(struct health *health)
{
    timer_stop(&health->step);
}
