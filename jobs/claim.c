#include "jobs/claim.h"

#include "io/log.h"

#include "jobs_statements.h"

#define HELD_US  (6 * US_PER_SECOND) /* longer than a run usually takes, short enough after a crash */
#define RENEW_US (3 * US_PER_SECOND) /* left of it: claimed anew, so that an idle night writes little */
#define LATER_US (2 * US_PER_SECOND) /* another process has it, or the database is away */

static void crew_release(struct crew *crew);

static void work_sleep(struct work *work, int64_t delay_us)
{
    work->running = false;
    if (work->crew->stopping)
        crew_release(work->crew);
    else
        timer_start(&work->timer, delay_us);
}

void work_end(struct work *work, enum work_end end)
{
    assert(work->running);
    switch (end) {
    case WORK_RESTS: work_sleep(work, work->every_us); return;
    case WORK_GOES_ON: work_sleep(work, 0); return;
    case WORK_FAILED: work_sleep(work, MAX_OF(work->every_us, LATER_US)); return;
    }
}

bool work_is_stopping(const struct work *work)
{
    return work->crew->stopping;
}

static void work_claimed(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct work *work = container_of(wait, struct work, wait);
    bool claimed = end->word == PG_COMMITTED && work_claim_count(transaction, work->asked) == 1;
    trace(TRACE_JOBS, work->name, "claim: %s", claimed ? "ours" : pg_word_name(end->word));
    work->held_until = claimed ? instant_add(work->claimed_at, HELD_US) : INSTANT_NONE;
    if (claimed && !work->crew->stopping)
        work->begin(work);
    else
        work_sleep(work, MAX_OF(work->every_us, LATER_US));
}

static void work_claim_again(struct work *work, struct instant now)
{
    work->claimed_at = now;
    work->wait.ended = work_claimed;
    struct transaction *transaction = transaction_new(work->crew->given.pool, UUID_NIL, &work->wait);
    work->asked = work_claim_ask(transaction, &(struct work_claim){ .name = text_of(work->name),
                                                                    .holder = work->crew->holder,
                                                                    .now = now,
                                                                    .held_until = instant_add(now, HELD_US) });
    transaction_commit(transaction);
}

/* A wall clock that went back makes a claim look longer than any is. */
static bool is_held(const struct work *work, struct instant now)
{
    return instant_before(instant_add(now, RENEW_US), work->held_until) &&
           !instant_before(instant_add(now, HELD_US), work->held_until);
}

static void work_wakes(struct timer *timer)
{
    struct work *work = container_of(timer, struct work, timer);
    struct instant now = clock_wall();
    work->running = true;
    if (work->wanted != NULL && !work->wanted(work))
        work_end(work, WORK_RESTS);
    else if (is_held(work, now))
        work->begin(work);
    else
        work_claim_again(work, now);
}

void crew_start(struct crew *crew, const struct crew_given *given)
{
    *crew = (struct crew){ .given = *given, .holder = random_id(given->random, clock_wall()) };
    for (size_t i = 0; i < given->count; i++) {
        struct work *work = given->works[i];
        work->crew = crew;
        work->held_until = INSTANT_NONE;
        timer_init(&work->timer, given->loop, work_wakes);
        timer_start(&work->timer, 0);
    }
}

static void crew_released(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    (void)transaction;
    (void)end; /* a claim that could not be given back runs out by itself */
    struct work *work = container_of(wait, struct work, wait);
    work->crew->given.idle(work->crew);
}

/* All claims in one transaction, once nobody is at work; the first work lends its wait. */
static void crew_release(struct crew *crew)
{
    for (size_t i = 0; i < crew->given.count; i++)
        if (crew->given.works[i]->running)
            return;
    if (crew->released)
        return;
    crew->released = true;
    struct transaction_wait *wait = &crew->given.works[0]->wait;
    wait->ended = crew_released;
    struct transaction *transaction = transaction_new(crew->given.pool, UUID_NIL, wait);
    for (size_t i = 0; i < crew->given.count; i++)
        work_release_ask(transaction, &(struct work_release){ .name = text_of(crew->given.works[i]->name),
                                                              .holder = crew->holder,
                                                              .now = clock_wall() });
    transaction_commit(transaction);
}

void crew_stop(struct crew *crew)
{
    if (crew->stopping)
        return;
    crew->stopping = true;
    for (size_t i = 0; i < crew->given.count; i++)
        timer_stop(&crew->given.works[i]->timer);
    crew_release(crew);
}
