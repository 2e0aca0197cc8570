#include "server/rates.h"

#include "base/map.h"

enum { BUCKETS_MAX = 100000 };

struct bucket {
    struct uuid key;
    int64_t used_us; /* what was taken, as the time that fills it again */
    struct tick at;
};

struct rates {
    struct map *map;
    struct hash_key seed;
    int64_t cost_us, room_us; /* of one request; of all at once */
};

struct rates *rates_new(struct hash_key seed, int64_t per_minute, int64_t at_once)
{
    assert(per_minute > 0 && at_once > 0);
    struct rates *rates = memory_make(struct rates);
    rates->map = map_new(seed);
    rates->seed = seed;
    rates->cost_us = US_PER_MINUTE / per_minute;
    rates->room_us = rates->cost_us * at_once;
    return rates;
}

static void forget_all(struct rates *rates)
{
    map_each (rates->map, struct bucket, bucket)
        memory_free(&bucket);
    map_free(&rates->map);
}

void rates_free(struct rates **rates)
{
    forget_all(*rates);
    memory_free(rates);
}

static struct bucket *bucket_of(struct rates *rates, struct uuid key, struct tick now)
{
    struct text name = text_from((const char *)key.bytes, sizeof key.bytes);
    struct bucket *bucket = map_find(rates->map, name);
    if (bucket != NULL)
        return bucket;
    if (map_count(rates->map) >= BUCKETS_MAX) {
        forget_all(rates);
        rates->map = map_new(rates->seed);
    }
    bucket = memory_make(struct bucket);
    bucket->key = key;
    bucket->at = now;
    map_put(rates->map, text_from((const char *)bucket->key.bytes, sizeof bucket->key.bytes), bucket);
    return bucket;
}

static int64_t seconds_up(int64_t duration_us)
{
    return (duration_us + US_PER_SECOND - 1) / US_PER_SECOND;
}

struct rates_word rates_take(struct rates *rates, struct uuid key, struct tick now)
{
    struct bucket *bucket = bucket_of(rates, key, now);
    bucket->used_us = MAX_OF(bucket->used_us - tick_since(now, bucket->at), 0);
    bucket->at = now;
    struct rates_word word = { .allowed = bucket->used_us + rates->cost_us <= rates->room_us };
    if (word.allowed)
        bucket->used_us += rates->cost_us;
    else
        word.retry_after_s = MAX_OF(seconds_up(bucket->used_us + rates->cost_us - rates->room_us), 1);
    word.left = (rates->room_us - bucket->used_us) / rates->cost_us;
    word.full_in_s = word.left > 0 ? seconds_up(bucket->used_us)
                                   : MAX_OF(seconds_up(bucket->used_us + rates->cost_us - rates->room_us), 1);
    return word;
}
