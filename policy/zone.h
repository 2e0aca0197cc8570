/*
 * zone — local time to instant and back, from the bytes of a compiled tzdata file (TZif, RFC 8536).
 *
 * io/zoneinfo reads the file and hands over its text; zone_parse() takes versions 2, 3 and 4, keeps the table of
 * changes and the POSIX rule in the footer, and lives as long as its arena. Everything after that is arithmetic.
 *
 * A local time resolves to the *first instant at which the zone's clock shows that time or a later one*. That is one
 * rule for all: a usual time is its instant, a doubled one (clock set back) is its first, and one that the clock never
 * shows (set forward, or a whole day left out, as Samoa's 30 December 2011) is the instant of the change. So a later
 * local time never resolves to an earlier instant.
 */
#pragma once

#include "base/instant.h"

struct zone;

#define ZONE_DAYS_MAX 100000000 /* days from 1970 that still have an instant; nobody plans further */

struct local_time {
    struct day day;
    int32_t second; /* of the day as the clock shows it, 0 … 86399 */
};

/* NULL: no TZif file of version 2 to 4, damaged, or one that counts leap seconds. Borrows the text for the call. */
MUST_USE const struct zone *zone_parse(struct arena *arena, struct text tzif);

/* Seconds east of Greenwich that the zone's clock is ahead at this instant. */
int32_t zone_offset_s(const struct zone *zone, struct instant at);
struct local_time zone_local(const struct zone *zone, struct instant at);
/* second: 0 … 86400; 86400 is the next day's midnight. */
struct instant zone_instant(const struct zone *zone, struct day day, int32_t second);
/* The instant at which this local day begins; the next day's is where it ends. A day that was left out has no length. */
struct instant zone_day_begin(const struct zone *zone, struct day day);
