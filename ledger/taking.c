#include "ledger/taking.h"

#include "ledger/zones.h"

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

/* Is the local day where the zone has it now? A zone that this machine does not know contradicts nobody. */
static bool taking_day_stands(struct act *act, const struct opening_take_row *row)
{
    const struct zone *zone = zones_find(act->ledger->zones, row->time_zone, clock_tick());
    if (zone == NULL)
        return true;
    struct span day = window_day(zone, row->local_day);
    return day.from.us == row->day_from.us && day.until.us == row->day_until.us;
}

/* All openings of that mailbox go, as by a change of its zone. */
static void taking_renew(struct act *act, struct taking *taking)
{
    mailbox_renew_ask(act->transaction, &(struct mailbox_renew){ act->customer, taking->slot.mailbox });
    openings_delete_ask(act->transaction, &(struct openings_delete){ act->customer, taking->slot.mailbox });
}

/* The row of either pick: the two statements give the same. True: an opening that nobody had taken. */
static bool taking_pick_get(struct taking *taking, bool *stale)
{
    struct act *act = taking->step.act;
    bool any = uuid_is_nil(taking->mailbox);
    size_t count = any ? opening_take_any_count(act->transaction, taking->picked)
                       : opening_take_count(act->transaction, taking->picked);
    *stale = taking->renews = false;
    if (count == 0)
        return false;
    struct opening_take_row row;
    if (any) {
        struct opening_take_any_row from = opening_take_any_get(act->transaction, taking->picked, 0);
        row =
            (struct opening_take_row){ from.mailbox_id, from.local_day, from.number,    from.day_from, from.day_until,
                                       from.ip_id,      from.at,        from.not_after, from.taken,    from.time_zone };
        taking->address = from.address;
        taking->display_name = from.display_name;
    } else {
        row = opening_take_get(act->transaction, taking->picked, 0);
    }
    taking->renews = !taking_day_stands(act, &row);
    *stale = row.taken || taking->renews;
    taking->slot = (struct slot){ row.mailbox_id, row.local_day, row.number, row.ip_id, row.at, row.not_after };
    taking->day_span = (struct span){ row.day_from, row.day_until };
    return !*stale;
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

static void named_pick_again(struct act *act, struct taking *taking)
{
    if (taking->renews)
        taking_renew(act, taking);
    named_pick(act, taking);
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
        named_pick_again(step->act, taking);
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
        named_pick_again(step->act, taking);
    }
}

/* ---- any mailbox of the customer ---- */

static void any_pick(struct act *act, struct taking *taking);

/* The day from which everything within the horizon is laid, in every zone. */
static struct day any_laid_whole(const struct act *act)
{
    return (struct day){ (int32_t)(act->now.us / US_PER_DAY) + HORIZON - 2 };
}

static void any_laid(struct laying *laying)
{
    struct taking *taking = container_of(laying, struct taking, laying);
    taking->whatever = laying->reached == 0; /* somebody changes them, or their zone is unknown on this machine */
    any_pick(laying->step.act, taking);
}

static void any_unlaid(struct act_step *step)
{
    struct taking *taking = container_of(step, struct taking, step);
    struct act *act = step->act;
    size_t count = mailboxes_unlaid_count(act->transaction, taking->looked);
    if (count == 0) { /* somebody else laid them meanwhile */
        any_pick(act, taking);
        return;
    }
    taking->unlaid = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        taking->unlaid[i] = mailboxes_unlaid_get(act->transaction, taking->looked, i).mailbox_id;
    taking->laying =
        (struct laying){ .mailboxes = taking->unlaid, .count = count, .days = taking->days, .done = any_laid };
    laying_start(act, &taking->laying);
}

static void any_none(struct taking *taking, const struct act *act)
{
    taking->free_from = instant_add(act->now, HORIZON * US_PER_DAY);
    taking_end(taking, TAKING_NONE);
}

/* Lays the next stage, for those that are not there yet. */
static void any_lay(struct act *act, struct taking *taking)
{
    int32_t today = (int32_t)(act->now.us / US_PER_DAY);
    if (mailboxes_least_count(act->transaction, taking->looked) == 0) {
        any_none(taking, act);
        return;
    }
    struct day least = mailboxes_least_get(act->transaction, taking->looked, 0).laid_until;
    int32_t wanted = (int32_t)(taking->not_before.us / US_PER_DAY) - today;
    int32_t have = day_is_none(least) ? 0 : least.number - today;
    if (taking->whatever || have >= HORIZON - 2) {
        any_none(taking, act);
        return;
    }
    taking->days = taking_stage(MAX_OF(have, wanted) + 3);
    struct day until = { today + taking->days - 2 };
    taking->looked = mailboxes_unlaid_ask(act->transaction, &(struct mailboxes_unlaid){ act->customer, until });
    act_read(act, &taking->step, any_unlaid);
}

static void any_least(struct act_step *step)
{
    any_lay(step->act, container_of(step, struct taking, step));
}

static void any_heard(struct act_step *step)
{
    struct taking *taking = container_of(step, struct taking, step);
    bool stale;
    if (taking_pick_get(taking, &stale)) {
        taking_end(taking, TAKING_MADE);
    } else if (taking->picks++ == PICKS_MAX) {
        any_none(taking, step->act);
    } else if (stale) {
        if (taking->renews)
            taking_renew(step->act, taking);
        any_pick(step->act, taking);
    } else {
        taking->looked = mailboxes_least_ask(step->act->transaction, &(struct mailboxes_least){ step->act->customer });
        act_read(step->act, step, any_least);
    }
}

static void any_pick(struct act *act, struct taking *taking)
{
    struct opening_take_any take = {
        .customer = act->customer,
        .not_before = taking->not_before,
        .all_from = any_laid_whole(act),
        .whatever = taking->whatever,
    };
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
    any_pick(act, taking);
}
