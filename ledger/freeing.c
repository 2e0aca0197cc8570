#include "ledger/freeing.h"

#include "ledger/laying.h"

#include "ledger_statements.h"

#include <string.h>

static int by_id(const void *a, const void *b)
{
    return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

/* The present plan's opening of a freed day and number, if it has one. */
static bool freed_opening(struct act *act, const struct mailbox_plan *plan, const struct freed *freed,
                          const struct booking_taken *taken, size_t taken_count, struct opening *opening)
{
    struct opening day[BOUND_DAILY_CAP];
    if (day_is_none(plan->laid_until) || freed->local_day.number > plan->laid_until.number)
        return false; /* its day is laid as a whole, later */
    size_t count = booking_openings(&plan->rules, freed->local_day, taken, taken_count, act->now, day);
    for (size_t i = 0; i < count; i++)
        if (day[i].number == freed->number) {
            *opening = day[i];
            return true;
        }
    return false;
}

static void freeing_mailbox(struct freeing *freeing, const struct mailbox_plan *plan, size_t taken_asked)
{
    struct act *act = freeing->step.act;
    size_t taken_count, count = 0;
    struct booking_taken *taken = taken_get(act, taken_asked, &taken_count);
    struct opening *openings = arena_make_array(act->arena, struct opening, freeing->count);
    for (size_t i = 0; i < freeing->count; i++)
        if (uuid_equal(freeing->freed[i].mailbox, plan->mailbox) &&
            freed_opening(act, plan, &freeing->freed[i], taken, taken_count, &openings[count]))
            count++;
    if (count == 0)
        return;
    mailbox_stands_ask(act->transaction, &(struct mailbox_stands){ act->customer, plan->mailbox, plan->version });
    laying_insert(act, plan, openings, count);
}

static void freeing_heard(struct act_step *step)
{
    struct freeing *freeing = container_of(step, struct freeing, step);
    size_t count = plans_count(step->act, freeing->plans);
    assert(count == freeing->mailbox_count);
    for (size_t i = 0; i < count; i++) {
        struct mailbox_plan plan = plans_get(step->act, freeing->plans, i);
        if (plan_is_usable(&plan))
            freeing_mailbox(freeing, &plan, freeing->taken[i]);
    }
    freeing->done(freeing);
}

void freeing_start(struct act *act, struct freeing *freeing)
{
    assert(freeing->count <= 1000);
    freeing->mailboxes = arena_make_array(act->arena, struct uuid, freeing->count);
    for (size_t i = 0; i < freeing->count; i++)
        freeing->mailboxes[i] = freeing->freed[i].mailbox;
    qsort(freeing->mailboxes, freeing->count, sizeof(struct uuid), by_id);
    size_t distinct = 0;
    for (size_t i = 0; i < freeing->count; i++)
        if (distinct == 0 || !uuid_equal(freeing->mailboxes[distinct - 1], freeing->mailboxes[i]))
            freeing->mailboxes[distinct++] = freeing->mailboxes[i];
    freeing->mailbox_count = distinct;
    freeing->taken = arena_make_array(act->arena, size_t, distinct);
    freeing->plans = plans_ask(act, freeing->mailboxes, distinct);
    for (size_t i = 0; i < distinct; i++)
        freeing->taken[i] = taken_ask(act, freeing->mailboxes[i]);
    act_read(act, &freeing->step, freeing_heard);
}
