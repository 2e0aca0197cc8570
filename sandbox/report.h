/*
 * report — the record as JSON: GET /record and GET /record/timeline.
 *
 * Days and hours are those of the rules' clock, moved by `offset_us` from UTC: which local day a mailbox lives in is its
 * sender's matter, so the reader says it.
 */
#pragma once

#include <jansson.h>

#include "sandbox/record.h"

struct report_wish {
    struct text source; /* TEXT_NONE: all */
    uint64_t after;     /* connections with a number above this */
    uint64_t after_dot; /* dots likewise */
    size_t limit;       /* rows of each list */
    int64_t offset_us;
};

#define REPORT_ROWS     10000
#define REPORT_ROWS_MAX 100000

/* Both are yours: json_decref(). */
json_t *report_sources(const struct record *record, const struct report_wish *wish);
json_t *report_timeline(const struct record *record, const struct report_wish *wish);

json_t *report_text(struct text text);          /* a string of whatever octets; null for TEXT_NONE */
json_t *report_instant(struct instant instant); /* RFC 3339; null for INSTANT_NONE */
