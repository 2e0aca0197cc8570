#include "base/bounds.h"

#include "io/log.h"

#include "jobs/chore.h"
#include "jobs/works.h"
#include "jobs_statements.h"

/* ---- history: the months ahead ---- */

#define MONTHS_AHEAD  3
#define MADE_AGAIN_US US_PER_HOUR /* real: somebody may have restored an older database */

struct history {
    struct work work;
    struct transaction_wait wait;
    size_t asked;
    int32_t month; /* that the last making began with, counted from year 0 */
    struct tick made_at;
};

static int32_t month_of(struct instant now)
{
    struct civil civil = civil_of_day(day_of_instant_utc(now));
    return civil.year * 12 + civil.month - 1;
}

/* The clock may jump by months: the month tells, not the time since. */
static bool history_wanted(struct work *work)
{
    struct history *history = container_of(work, struct history, work);
    bool another = history->month != month_of(clock_now(work->crew->given.clock));
    return another || tick_since(clock_tick(), history->made_at) > MADE_AGAIN_US;
}

static void history_made(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct history *history = container_of(wait, struct history, wait);
    if (end->word != PG_COMMITTED) {
        log_warning("history", "months were not made: %s %.*s", pg_word_name(end->word), TEXT_ARG(end->words));
        history->month = 0;
        work_end(&history->work, WORK_FAILED);
        return;
    }
    int32_t made = history_extend_get(transaction, history->asked, 0).made;
    if (made > 0)
        log_info("history", "%d months of events and attempts made", (int)made);
    history->made_at = clock_tick();
    work_end(&history->work, WORK_RESTS);
}

static void history_begin(struct work *work)
{
    struct history *history = container_of(work, struct history, work);
    struct instant now = clock_now(work->crew->given.clock);
    history->month = month_of(now);
    history->wait.ended = history_made;
    struct transaction *transaction = transaction_new(work->crew->given.pool, UUID_NIL, &history->wait);
    history->asked = history_extend_ask(transaction, &(struct history_extend){ .now = now, .months = MONTHS_AHEAD });
    transaction_commit(transaction);
}

struct work *history_work(void)
{
    struct history *history = memory_make(struct history);
    history->work = (struct work){
        .name = "history", .every_us = 2 * US_PER_SECOND, .begin = history_begin, .wanted = history_wanted
    };
    return &history->work;
}

/* ---- passed: openings that nobody took ---- */

static size_t passed_find(struct chore *chore, struct transaction *transaction)
{
    struct instant now = clock_now(chore->work.crew->given.clock);
    return openings_passed_ask(transaction, &(struct openings_passed){ .now = now, .most = BOUND_BOOKING_CHUNK });
}

static void passed_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < openings_passed_count(transaction, asked); i++)
        chore_add(chore,
                  (struct piece){ openings_passed_get(transaction, asked, i).customer_id, UUID_NIL, INSTANT_NONE });
}

static void passed_start(struct chore *chore, const struct piece *piece)
{
    struct act *act = chore_act(chore, piece);
    openings_forget_ask(
        act->transaction,
        &(struct openings_forget){ .customer = piece->customer, .now = act->now, .most = BOUND_BOOKING_CHUNK });
    act_commit(act);
}

struct work *passed_work(void)
{
    struct chore *chore = memory_make(struct chore);
    *chore = (struct chore){
        .work = { .name = "passed", .every_us = 10 * US_PER_SECOND, .begin = chore_begin },
        .find = passed_find,
        .take = passed_take,
        .start = passed_start,
        .done_words = "customers",
    };
    return &chore->work;
}

/* ---- requests: answers kept for a repeated POST, real time ---- */

static size_t requests_find(struct chore *chore, struct transaction *transaction)
{
    (void)chore;
    return idempotency_expired_ask(transaction,
                                   &(struct idempotency_expired){ .now = clock_wall(), .most = CHORE_PIECES - 1 });
}

static void requests_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < idempotency_expired_count(transaction, asked); i++)
        chore_add(chore,
                  (struct piece){ idempotency_expired_get(transaction, asked, i).customer_id, UUID_NIL, INSTANT_NONE });
}

static void requests_start(struct chore *chore, const struct piece *piece)
{
    struct act *act = chore_act(chore, piece);
    if (uuid_is_nil(piece->customer))
        operator_idempotency_forget_ask(act->transaction, &(struct operator_idempotency_forget){ .now = act->real });
    else
        idempotency_forget_ask(act->transaction,
                               &(struct idempotency_forget){ .customer = piece->customer, .now = act->real });
    act_commit(act);
}

struct work *requests_work(void)
{
    struct chore *chore = memory_make(struct chore);
    *chore = (struct chore){
        .work = { .name = "requests", .every_us = US_PER_MINUTE, .begin = chore_begin },
        .find = requests_find,
        .take = requests_take,
        .start = requests_start,
        .done_words = "customers",
    };
    return &chore->work;
}
