#include "policy/spacing.h"

int64_t spacing_gap_min_us(const struct spacing_share *shares, size_t count, struct instant now)
{
    double per_us = 0;
    for (size_t i = 0; i < count; i++)
        if (span_contains(shares[i].window, now))
            per_us += (double)shares[i].cap / (double)span_length_us(shares[i].window);
    return per_us > 0 ? (int64_t)(0.25 / per_us) : SPACING_GAP_ALONE_US;
}

/* A retry that its delay took past its second is planned no more. */
static bool is_planned(const struct spacing_slot *slot, int64_t gap_min_us, struct instant now)
{
    return !instant_before(slot->at, slot->not_before) && instant_before(now, instant_add(slot->at, gap_min_us));
}

static struct instant ready_at(const struct spacing_slot *slot)
{
    return instant_max(slot->at, slot->not_before);
}

static bool is_ready(const struct spacing_slot *slot, struct instant now)
{
    return !instant_before(now, ready_at(slot)) && instant_before(now, slot->not_after);
}

/* Planned before overdue, then by `at`. */
static bool leaves_before(const struct spacing_slot *a, const struct spacing_slot *b, int64_t gap_min_us,
                          struct instant now)
{
    bool a_planned = is_planned(a, gap_min_us, now), b_planned = is_planned(b, gap_min_us, now);
    return a_planned != b_planned ? a_planned : instant_before(a->at, b->at);
}

static size_t first_ready(const struct spacing_slot *slots, size_t count, int64_t gap_min_us, struct instant now)
{
    size_t first = SPACING_NONE;
    for (size_t i = 0; i < count; i++) {
        if (!is_ready(&slots[i], now))
            continue;
        if (first == SPACING_NONE || leaves_before(&slots[i], &slots[first], gap_min_us, now))
            first = i;
    }
    return first;
}

/* The least of what lies after `now`: the next planned second, or the next time at which any slot becomes ready. */
static struct instant next_ahead(const struct spacing_slot *slots, size_t count, bool planned_only, struct instant now)
{
    struct instant next = SPACING_NEVER;
    for (size_t i = 0; i < count; i++) {
        bool retry = instant_before(slots[i].at, slots[i].not_before);
        if (instant_before(now, ready_at(&slots[i])) && !(planned_only && retry))
            next = instant_min(next, ready_at(&slots[i]));
    }
    return next;
}

struct spacing_choice spacing_next(const struct spacing_slot *slots, size_t count, struct instant last_begin,
                                   int64_t gap_min_us, struct instant now)
{
    assert(gap_min_us >= 0);
    size_t first = first_ready(slots, count, gap_min_us, now);
    if (first == SPACING_NONE)
        return (struct spacing_choice){ SPACING_NONE, next_ahead(slots, count, false, now) };

    struct instant gap_end = instant_is_none(last_begin) ? now : instant_add(last_begin, gap_min_us);
    if (instant_before(now, gap_end))
        return (struct spacing_choice){ SPACING_NONE, gap_end };

    struct instant planned = next_ahead(slots, count, true, now);
    bool room = !instant_before(planned, instant_add(now, gap_min_us));
    if (is_planned(&slots[first], gap_min_us, now) || room)
        return (struct spacing_choice){ first, now };
    return (struct spacing_choice){ SPACING_NONE, planned };
}
