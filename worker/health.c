#include "worker/health.h"

#include "base/bounds.h"

#include "io/log.h"

#define CHECK_US US_PER_MINUTE
#define AGAIN_US US_PER_SECOND
#define STEP_US  US_PER_SECOND

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

static void checked(struct pg_check *check, enum pg_check_word word, const struct pg_facts *facts)
{
    struct health *health = container_of(check, struct health, check);
    health->checking = false;
    timer_start(&health->timer, word == PG_CHECK_UNAVAILABLE ? AGAIN_US : CHECK_US);
    if (word == PG_CHECK_UNSAFE) {
        log_error(NULL, "%.*s", TEXT_ARG(facts->words));
        health->unfit(health);
        return;
    }
    if (word == PG_CHECK_UNAVAILABLE)
        return;
    health->skewed = word == PG_CHECK_CLOCK && clock_is_real(health->worker->clock);
    set_halt(health);
    void (*ready)(struct health *) = health->ready;
    health->ready = NULL;
    if (ready != NULL)
        ready(health);
}

static void check_fired(struct timer *timer)
{
    struct health *health = container_of(timer, struct health, timer);
    health->checking = true;
    health->check.checked = checked;
    pg_check_start(&health->check, health->worker->pg, health->unsafe_is_allowed);
}

static void step_fired(struct timer *timer)
{
    struct health *health = container_of(timer, struct health, step);
    int64_t step_us = clock_step_us(health->worker->clock);
    health->stepped = llabs(step_us) > BOUND_CLOCK_SKEW_US && clock_is_real(health->worker->clock);
    set_halt(health);
    timer_start(&health->step, STEP_US);
}

void health_start(struct health *health, struct worker *worker, bool unsafe_is_allowed)
{
    health->worker = worker;
    health->unsafe_is_allowed = unsafe_is_allowed;
    timer_init(&health->timer, worker->loop, check_fired);
    timer_init(&health->step, worker->loop, step_fired);
    timer_start(&health->timer, 0);
    timer_start(&health->step, STEP_US);
}

void health_stop(struct health *health)
{
    timer_stop(&health->timer);
    timer_stop(&health->step);
}

bool health_is_checking(const struct health *health)
{
    return health->checking;
}
