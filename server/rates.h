/*
 * rates — how many requests a key may still make: a bucket for each, in this process, in real time.
 *
 * A bucket holds what may come at once, and fills up evenly at the rate of a minute's requests. Buckets that are full are
 * forgotten, so their number is bounded by who asked lately.
 */
#pragma once

#include "base/hash.h"
#include "base/id.h"

struct rates;

struct rates_word {
    bool allowed;
    int64_t left;          /* requests, now */
    int64_t full_in_s;     /* until the bucket is full again, or, with none left, until there is one; rounded up */
    int64_t retry_after_s; /* not allowed: until there is one */
};

struct rates *rates_new(struct hash_key seed, int64_t per_minute, int64_t at_once); /* yours, until rates_free() */
void rates_free(struct rates **rates);
struct rates_word rates_take(struct rates *rates, struct uuid key, struct tick now);
