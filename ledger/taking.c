#include "ledger/taking.h"

#include "ledger_statements.h"

enum {
    HORIZON = BOUND_SLOT_HORIZON_DAYS + 1, /* in days from today, today included */
    PICKS_MAX = 400, /* stale openings and stages together: more means that somebody lays what we take */
};

/* How far to lay when `days` days must be there: in stages, so that few transactions lay. */
static int32_t taking_stage(int32_t days)
{
    static const int32_t stages[] = { 7, 14, 28, 56 };
    for (size_t i = 0; i < COUNT(stages); i++)
        if (days <= stages[i])
            return stages[i];
    return HORIZON;
}

static void taking_end(struct taking *taking, enum taking_word word)
{
    taking->word = word;
    taking->done(taking);
}

/* The row of either pick: the two statements give the same. True: an opening that nobody had taken. */
static bool taking_pick_get(struct taking *taking, bool *stale)
{
    struct act *act = taking->step.act;
    bool any = uuid_is_nil(taking->mailbox);
    size_t count = any ? opening_take_any_count(act->transaction, taking->picked)
                       : opening_take_count(act->transaction, taking->picked);
    *stale = false;
    if (count == 0)
        return false;
    struct opening_take_row row;
    if (any) {
        struct opening_take_any_row from = opening_take_any_get(act->transaction, taking->picked, 0);
        row = (struct opening_take_row){ from.mailbox_id, from.local_day, from.number,    from.day_from, from.day_until,
                                         from.ip_id,      from.at,        from.not_after, from.taken };
        taking->address = from.address;
    } else {
        row = opening_take_get(act->transaction, taking->picked, 0);
    }
    *stale = row.taken;
    taking->slot = (struct slot){ row.mailbox_id, row.local_day, row.number, row.ip_id, row.at, row.not_after };
    taking->day_span = (struct span){ row.day_from, row.day_until };
    return !row.taken;
}

/* ---- a named mailbox ---- */

static void named_heard(struct act_step *step);

static void named_pick(struct act *act, struct taking *taking)
{
    if (!taking->usable)
        taking->plans = plans_ask(act, &taking->mailbox, 1);
    taking->picked = opening_take_ask(act->transaction,
                                      &(struct opening_take){ act->customer, taking->mailbox, taking->not_before });
    act_read(act, &taking->step, named_heard);
}

static void named_laid(struct laying *laying)
{
    struct taking *taking = container_of(laying, struct taking, laying);
    named_pick(taking->laying.step.act, taking);
}

static void named_lay(struct taking *taking)
{
    struct act *act = taking->step.act;
    const struct zone *zone = taking->plan.rules.zone;
    struct day first = booking_first_day(zone, act->now);
    struct day wanted = booking_first_day(zone, taking->not_before);
    int32_t have = day_is_none(taking->plan.laid_until) ? 0 : taking->plan.laid_until.number - first.number + 1;
    if (have >= HORIZON) {
        taking->free_from = window_day(zone, (struct day){ first.number + HORIZON }).from;
        taking_end(taking, TAKING_NONE);
        return;
    }
    int32_t days = taking_stage(MAX_OF(have, wanted.number - first.number) + 1);
    taking->laying = (struct laying){ .mailboxes = &taking->mailbox, .count = 1, .days = days, .done = named_laid };
    laying_start(act, &taking->laying);
}

static void named_planned(struct act_step *step)
{
    struct taking *taking = container_of(step, struct taking, step);
    assert(plans_count(step->act, taking->plans) == 1); /* callers name mailboxes that they have read */
    taking->plan = plans_get(step->act, taking->plans, 0);
    bool stale;
    if (!plan_is_usable(&taking->plan))
        taking_end(taking, TAKING_UNUSABLE);
    else if (taking_pick_get(taking, &stale))
        taking_end(taking, TAKING_MADE);
    else if (taking->picks++ == PICKS_MAX)
        taking_end(taking, TAKING_NONE);
    else if (stale)
        named_pick(step->act, taking);
    else
        named_lay(taking);
}

/* Where an opening is found at once, its mailbox may be booked: whatever forbids it deletes the openings first. */
static void named_heard(struct act_step *step)
{
    struct taking *taking = container_of(step, struct taking, step);
    bool stale;
    if (!taking->usable) {
        named_planned(step);
    } else if (taking_pick_get(taking, &stale)) {
        taking_end(taking, TAKING_MADE);
    } else {
        taking->usable = false;
        named_pick(step->act, taking);
    }
}

/* ---- any mailbox of the customer ---- */

static void any_pick(struct act *act, struct taking *taking);

/*
 * Local days differ from UTC's by one at most, and the earliest zone's day ends fourteen hours before UTC's: what lies
 * before the start of UTC's last day but one of the stage is laid in every zone.
 */
static struct day any_boundary(const struct act *act, const struct taking *taking)
{
    return (struct day){ (int32_t)(act->now.us / US_PER_DAY) + taking->days - 2 };
}

static void any_laid(struct laying *laying)
{
    struct taking *taking = container_of(laying, struct taking, laying);
    taking->unlaid_too = laying->reached == 0; /* somebody changes them, or their zone is unknown on this machine */
    any_pick(laying->step.act, taking);
}

static void any_lay(struct act *act, struct taking *taking, size_t count)
{
    taking->unlaid = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        taking->unlaid[i] = mailboxes_unlaid_get(act->transaction, taking->looked, i).mailbox_id;
    taking->laying =
        (struct laying){ .mailboxes = taking->unlaid, .count = count, .days = taking->days, .done = any_laid };
    laying_start(act, &taking->laying);
}

static void any_heard(struct act_step *step)
{
    struct taking *taking = container_of(step, struct taking, step);
    size_t unlaid = mailboxes_unlaid_count(step->act->transaction, taking->looked);
    bool stale;
    if (taking_pick_get(taking, &stale)) {
        taking_end(taking, TAKING_MADE);
    } else if (taking->picks++ == PICKS_MAX) {
        taking_end(taking, TAKING_NONE);
    } else if (stale) {
        any_pick(step->act, taking);
    } else if (unlaid > 0 && !taking->unlaid_too) {
        any_lay(step->act, taking, unlaid);
    } else if (taking->days < HORIZON) {
        taking->days = taking_stage(taking->days + 1);
        taking->unlaid_too = false;
        any_pick(step->act, taking);
    } else {
        taking->free_from = instant_add(step->act->now, HORIZON * US_PER_DAY);
        taking_end(taking, TAKING_NONE);
    }
}

static void any_pick(struct act *act, struct taking *taking)
{
    static const struct day long_ago = { -719162 }; /* 0001-01-01 */
    struct day boundary = any_boundary(act, taking);
    int64_t margin_us = taking->days < HORIZON ? 0 : 4 * US_PER_DAY; /* the last stage takes whatever there is */
    struct opening_take_any take = {
        .customer = act->customer,
        .not_before = taking->not_before,
        .before = { (int64_t)boundary.number * US_PER_DAY + margin_us },
        .laid_to = taking->unlaid_too ? long_ago : boundary,
    };
    taking->looked = mailboxes_unlaid_ask(act->transaction, &(struct mailboxes_unlaid){ act->customer, boundary });
    taking->picked = opening_take_any_ask(act->transaction, &take);
    act_read(act, &taking->step, any_heard);
}

void taking_start(struct act *act, struct taking *taking)
{
    taking->not_before = instant_max(taking->not_before, act->now);
    taking->picks = 0;
    if (!uuid_is_nil(taking->mailbox)) {
        named_pick(act, taking);
        return;
    }
    int64_t ahead = instant_since(taking->not_before, act->now) / US_PER_DAY;
    taking->days = taking_stage((int32_t)MIN_OF(ahead, (int64_t)HORIZON) + 4);
    any_pick(act, taking);
}
