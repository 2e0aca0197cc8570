/*
 * instant — wall time and monotonic time as two types that do not mix, durations, days, RFC 3339.
 *
 * struct instant: microseconds since 1970-01-01T00:00Z, as the rules see them (the clock may be scaled, io/clock.h).
 * struct tick: microseconds of the host's real, monotonic time; for deadlines and graces. A duration is an int64_t whose
 * name ends in _us. struct day: a calendar day, counted from 1970-01-01; which one it is somewhere is policy/zone's word.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

#define US_PER_MS     1000LL
#define US_PER_SECOND 1000000LL
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

struct instant {
    int64_t us;
};

struct tick {
    int64_t us;
};

struct day {
    int32_t number;
};

/* "No time given": before every other, and null in the database. */
#define INSTANT_NONE ((struct instant){ INT64_MIN })
#define DAY_NONE     ((struct day){ INT32_MIN })
#define TICK_NONE    ((struct tick){ INT64_MIN })

static inline bool instant_is_none(struct instant instant)
{
    return instant.us == INT64_MIN;
}

static inline bool tick_is_none(struct tick tick)
{
    return tick.us == INT64_MIN;
}

static inline bool day_is_none(struct day day)
{
    return day.number == INT32_MIN;
}

/* Sums stop at the ends of the type instead of wrapping. */
struct instant instant_add(struct instant instant, int64_t duration_us);
int64_t instant_since(struct instant later, struct instant earlier); /* later − earlier, µs */
struct tick tick_add(struct tick tick, int64_t duration_us);
int64_t tick_since(struct tick later, struct tick earlier);

static inline bool instant_before(struct instant a, struct instant b)
{
    return a.us < b.us;
}

static inline struct instant instant_max(struct instant a, struct instant b)
{
    return a.us < b.us ? b : a;
}

static inline struct instant instant_min(struct instant a, struct instant b)
{
    return a.us < b.us ? a : b;
}

static inline bool tick_before(struct tick a, struct tick b)
{
    return a.us < b.us;
}

/* RFC 3339 in UTC with Z: whole seconds, or with microseconds where `precise` (and where there are any). */
struct text instant_text(struct arena *arena, struct instant instant);
struct text instant_text_precise(struct arena *arena, struct instant instant);
/* RFC 3339 §5.6: date-time with Z or an offset; a leap second (:60) and a day that does not exist are refused. */
MUST_USE bool instant_parse(struct text text, struct instant *instant);
/* RFC 5322 §3.3 date-time in UTC: "Tue, 24 Nov 2026 09:41:07 +0000". */
struct text instant_mail_date(struct arena *arena, struct instant instant);

struct civil {
    int32_t year;
    int month, day; /* from 1 */
};

struct day day_of_civil(struct civil civil); /* proleptic Gregorian; the date must exist */
struct civil civil_of_day(struct day day);
bool civil_exists(struct civil civil);
int day_weekday(struct day day); /* 0 Monday … 6 Sunday */
struct day day_add(struct day day, int32_t days);
struct text day_text(struct arena *arena, struct day day); /* 2026-11-24 */
MUST_USE bool day_parse(struct text text, struct day *day);
struct day day_of_instant_utc(struct instant instant);
struct instant instant_of_day_utc(struct day day); /* its midnight in UTC */

/* "1d 2h", "45 s": for people and logs. */
struct text duration_text(struct arena *arena, int64_t duration_us);
