#include "policy/window.h"

#include "base/bounds.h"

#define MINUTES_OF_DAY (24 * 60)

bool window_is_valid(const struct window *window)
{
    int64_t length_us = (window->end_minute - window->start_minute) * US_PER_MINUTE;
    return window->days != 0 && window->days < 1 << 7 && window->end_minute <= MINUTES_OF_DAY &&
           length_us >= BOUND_WINDOW_MIN_US;
}

struct span window_day(const struct zone *zone, struct day day)
{
    return (struct span){ zone_day_begin(zone, day), zone_day_begin(zone, day_add(day, 1)) };
}

bool window_span(const struct window *window, const struct zone *zone, struct day day, struct span *span)
{
    assert(window_is_valid(window));
    if ((window->days & 1 << day_weekday(day)) == 0)
        return false;
    struct instant day_end = window_day(zone, day).until;
    struct instant end = zone_instant(zone, day, window->end_minute * 60);
    span->from = zone_instant(zone, day, window->start_minute * 60);
    span->until = instant_min(end, instant_add(day_end, -BOUND_DAY_END_MARGIN_US));
    return instant_before(span->from, span->until);
}

bool window_open_at(const struct window *window, const struct zone *zone, struct instant now, struct span *span)
{
    return window_span(window, zone, zone_local(zone, now).day, span) && span_contains(*span, now);
}

bool span_contains(struct span span, struct instant at)
{
    return !instant_before(at, span.from) && instant_before(at, span.until);
}

bool span_overlaps(struct span a, struct span b)
{
    return instant_before(a.from, b.until) && instant_before(b.from, a.until);
}

int64_t span_length_us(struct span span)
{
    return instant_since(span.until, span.from);
}
