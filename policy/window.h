/*
 * window — the days and hours in which a mailbox sends: `09:00–17:00, Monday to Friday`.
 *
 * The hours are those of the mailbox's local clock. On a day on which the clock is changed the window is shorter or
 * longer; one that lies wholly in hours that do not exist has no time on that day and no slots. A window ends at its
 * end, but 30 s before the local day's at the latest: a dot that waits for a slow reply must still fall on its day.
 */
#pragma once

#include "policy/zone.h"

struct window {
    uint8_t days;          /* bit n: day_weekday() n, 0 Monday … 6 Sunday */
    uint16_t start_minute; /* of the local day, 0 … 1425 */
    uint16_t end_minute;   /* 15 … 1440, at least BOUND_WINDOW_MIN_US after the start */
};

/* A stretch of time: `from` belongs to it, `until` does not. */
struct span {
    struct instant from;
    struct instant until;
};

MUST_USE bool window_is_valid(const struct window *window);

/* The window's stretch on this local day. False: no sending day, or no time of the window exists on it. */
MUST_USE bool window_span(const struct window *window, const struct zone *zone, struct day day, struct span *span);
/* The window that is open at this instant. False: none is. */
MUST_USE bool window_open_at(const struct window *window, const struct zone *zone, struct instant now,
                             struct span *span);
/* The local day as a stretch of time. Empty for a day that the zone left out. */
struct span window_day(const struct zone *zone, struct day day);

bool span_contains(struct span span, struct instant at);
bool span_overlaps(struct span a, struct span b);
int64_t span_length_us(struct span span);
