/*
 * zone_rule — the line at the end of a TZif file that says how the clock goes on after the last change it names:
 * `EET-2EEST,M4.5.5/0,M10.5.4/24` (POSIX.1 "TZ", with the hours of RFC 8536 §3.3.1: -167 to 167).
 *
 * Used by policy/zone only.
 */
#pragma once

#include "base/instant.h"

/* From this second on the local clock is so far ahead of UTC. */
struct zone_change {
    int64_t at_s;
    int32_t offset_s;
};

enum zone_date_form {
    ZONE_DATE_JULIAN, /* Jn: 1 … 365, 29 February is never counted */
    ZONE_DATE_NTH,    /* n: 0 … 365, 29 February is counted */
    ZONE_DATE_WEEK,   /* Mm.w.d: the w-th such weekday of the month, 5 the last */
};

struct zone_date {
    enum zone_date_form form;
    int number, month, week, weekday; /* weekday as in POSIX: 0 Sunday */
    int32_t time_s;                   /* of the local clock before the change */
};

struct zone_rule {
    int32_t standard_s;
    bool has_summer;
    int32_t summer_s; /* may be less than standard_s: Ireland's winter is its exception, not its summer */
    struct zone_date begin, end;
};

MUST_USE bool zone_rule_parse(struct text line, struct zone_rule *rule);
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s);
/* The first change after this second; INT64_MAX: none. */
int64_t zone_rule_next(const struct zone_rule *rule, int64_t at_s);
