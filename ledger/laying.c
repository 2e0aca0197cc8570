#include "ledger/laying.h"

#include "ledger/book.h"

#include "ledger_statements.h"

/* An insert's lists, a column each. */
struct columns {
    struct day *local_days;
    struct instant *days_from, *days_until, *ats, *not_afters;
    int16_t *numbers;
};

static struct columns columns_make(struct arena *arena, size_t count)
{
    return (struct columns){
        .local_days = arena_make_array(arena, struct day, count),
        .days_from = arena_make_array(arena, struct instant, count),
        .days_until = arena_make_array(arena, struct instant, count),
        .ats = arena_make_array(arena, struct instant, count),
        .not_afters = arena_make_array(arena, struct instant, count),
        .numbers = arena_make_array(arena, int16_t, count),
    };
}

void laying_insert(struct act *act, const struct mailbox_plan *plan, const struct opening *openings, size_t count)
{
    if (count == 0)
        return;
    struct columns columns = columns_make(act->arena, count);
    for (size_t i = 0; i < count; i++) {
        columns.local_days[i] = openings[i].day;
        columns.days_from[i] = openings[i].day_span.from;
        columns.days_until[i] = openings[i].day_span.until;
        columns.numbers[i] = openings[i].number;
        columns.ats[i] = openings[i].at;
        columns.not_afters[i] = openings[i].not_after;
    }
    openings_lay_ask(act->transaction, &(struct openings_lay){
                                           .customer = act->customer,
                                           .mailbox = plan->mailbox,
                                           .plan_version = plan->version,
                                           .local_days = { columns.local_days, count },
                                           .days_from = { columns.days_from, count },
                                           .days_until = { columns.days_until, count },
                                           .numbers = { columns.numbers, count },
                                           .ats = { columns.ats, count },
                                           .not_afters = { columns.not_afters, count },
                                       });
}

/* Computes and asks for one mailbox; returns what mailbox_laid was asked as. */
static size_t laying_one(struct laying *laying, const struct mailbox_plan *plan, size_t taken_asked)
{
    struct act *act = laying->step.act;
    struct day first = booking_first_day(plan->rules.zone, act->now);
    struct day last = booking_last_day(plan->rules.zone, act->now);
    last.number = MIN_OF(last.number, first.number + laying->days - 1);
    laying->free_from = window_day(plan->rules.zone, (struct day){ last.number + 1 }).from;
    if (!day_is_none(plan->laid_until) && plan->laid_until.number >= first.number)
        first.number = plan->laid_until.number + 1;

    size_t taken_count, count = 0;
    struct booking_taken *taken = taken_get(act, taken_asked, &taken_count);
    size_t days = last.number < first.number ? 0 : (size_t)(last.number - first.number) + 1;
    struct opening *openings = arena_make_array(act->arena, struct opening, size_mul(days, BOUND_DAILY_CAP));
    for (struct day day = first; day.number <= last.number; day.number++)
        count += booking_openings(&plan->rules, day, taken, taken_count, act->now, openings + count);
    size_t asked =
        mailbox_laid_ask(act->transaction, &(struct mailbox_laid){ act->customer, plan->mailbox, plan->version, last });
    laying_insert(act, plan, openings, count);
    laying->laid += count;
    return asked;
}

static void laying_ended(struct act_step *step)
{
    struct laying *laying = container_of(step, struct laying, step);
    for (size_t i = 0; i < laying->count; i++)
        if (laying->stood[i] != SIZE_MAX)
            laying->reached += mailbox_laid_count(step->act->transaction, laying->stood[i]);
    laying->done(laying);
}

static void laying_heard(struct act_step *step)
{
    struct laying *laying = container_of(step, struct laying, step);
    size_t count = plans_count(step->act, laying->plans);
    for (size_t i = 0; i < laying->count; i++)
        laying->stood[i] = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        struct mailbox_plan plan = plans_get(step->act, laying->plans, i);
        if (!plan_is_usable(&plan))
            continue;
        size_t place = 0; /* rows come in order of id, taken was asked in the order given */
        while (!uuid_equal(laying->mailboxes[place], plan.mailbox))
            place++;
        laying->stood[place] = laying_one(laying, &plan, laying->taken[place]);
    }
    act_read(step->act, step, laying_ended);
}

void laying_start(struct act *act, struct laying *laying)
{
    assert(laying->count <= 1000);
    laying->laid = laying->reached = 0;
    laying->free_from = INSTANT_NONE;
    laying->taken = arena_make_array(act->arena, size_t, laying->count);
    laying->stood = arena_make_array(act->arena, size_t, laying->count);
    laying->plans = plans_ask(act, laying->mailboxes, laying->count);
    for (size_t i = 0; i < laying->count; i++)
        laying->taken[i] = taken_ask(act, laying->mailboxes[i]);
    act_read(act, &laying->step, laying_heard);
}

/* ---- for jobs: one mailbox ---- */

struct lay_work {
    struct lay *lay;
    struct laying laying;
};

static void lay_ended(struct laying *laying)
{
    struct lay_work *work = container_of(laying, struct lay_work, laying);
    work->lay->laid = laying->laid;
    work->lay->free_from = laying->free_from;
    work->lay->done(work->lay);
}

void lay_mailbox(struct act *act, struct lay *lay)
{
    struct lay_work *work = arena_make(act->arena, struct lay_work);
    work->lay = lay;
    work->laying = (struct laying){ .mailboxes = &lay->mailbox, .count = 1, .days = lay->days, .done = lay_ended };
    laying_start(act, &work->laying);
}
