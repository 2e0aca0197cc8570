#include "policy/booking.h"

static bool spans_equal(struct span a, struct span b)
{
    return a.from.us == b.from.us && a.until.us == b.until.us;
}

/* The slot row's day and this one share hours or their date, yet are not the same day. */
static bool clashes(const struct booking_taken *taken, struct day day, struct span day_span)
{
    bool same_date = taken->day.number == day.number;
    if (same_date && spans_equal(taken->day_span, day_span))
        return false;
    return same_date || span_overlaps(taken->day_span, day_span);
}

bool booking_slot(const struct booking_mailbox *mailbox, struct day day, uint8_t number, struct opening *opening)
{
    struct plan plan = { mailbox->ip, day, { { 0 }, { 0 } }, mailbox->ordinal, mailbox->ordinals, mailbox->cap };
    if (number >= mailbox->cap || !window_span(&mailbox->window, mailbox->zone, day, &plan.window))
        return false;
    struct span day_span = window_day(mailbox->zone, day);
    *opening = (struct opening){ day, day_span, number, plan_at(&plan, number), plan.window.until };
    return true;
}

size_t booking_openings(const struct booking_mailbox *mailbox, struct day day, const struct booking_taken *taken,
                        size_t taken_count, struct instant now, struct opening out[BOUND_DAILY_CAP])
{
    struct span day_span = window_day(mailbox->zone, day);
    bool is_taken[BOUND_DAILY_CAP] = { false };
    size_t rows = 0, laid = 0;
    for (size_t i = 0; i < taken_count; i++) {
        if (clashes(&taken[i], day, day_span))
            return 0;
        if (taken[i].day.number != day.number)
            continue;
        assert(taken[i].number < BOUND_DAILY_CAP);
        is_taken[taken[i].number] = true;
        rows++;
    }
    for (uint8_t number = 0; number < mailbox->cap && rows + laid < mailbox->cap; number++) {
        struct opening *opening = &out[laid];
        if (!is_taken[number] && booking_slot(mailbox, day, number, opening) && instant_before(now, opening->at))
            laid++;
    }
    return laid;
}

struct day booking_first_day(const struct zone *zone, struct instant now)
{
    return zone_local(zone, now).day;
}

struct day booking_last_day(const struct zone *zone, struct instant now)
{
    return day_add(booking_first_day(zone, now), BOUND_SLOT_HORIZON_DAYS);
}

enum booking booking_refusal(const struct booking_facts *facts)
{
    if (!facts->customer_active)
        return BOOKING_CUSTOMER_SUSPENDED;
    if (facts->live && !facts->identity_given)
        return BOOKING_IDENTITY_MISSING;
    if (facts->mailbox_closed)
        return BOOKING_MAILBOX_CLOSED;
    if (facts->live && !facts->domain_ready)
        return BOOKING_DOMAIN_NOT_READY;
    if (facts->mailbox_paused)
        return BOOKING_MAILBOX_PAUSED;
    if (!facts->has_ip)
        return BOOKING_IP_UNAVAILABLE;
    if (facts->suppressed)
        return BOOKING_SUPPRESSED;
    if (facts->recently_written && facts->first_writing)
        return BOOKING_RECENTLY_WRITTEN;
    return BOOKING_MADE;
}
