/*
 * any — values of a seed, for properties: the same seed, the same values.
 *
 * seeds(seed, 1000) goes through the seeds 1 to 1000, or takes the one that EVENPOST_SEED names. HOLDS() prints the seed that
 * broke a property, so that it can be pasted before the program.
 */
#pragma once

#include "base/hash.h"

struct any {
    uint64_t state;
};

static inline struct any any_of(uint64_t seed)
{
    return (struct any){ hash_mix(seed) };
}

static inline uint64_t any_word(struct any *any)
{
    any->state += 0x9e3779b97f4a7c15u;
    return hash_mix(any->state);
}

/* low … high, both may come. */
static inline int64_t any_between(struct any *any, int64_t low, int64_t high)
{
    return low + (int64_t)(any_word(any) % (uint64_t)(high - low + 1));
}

static inline uint64_t seed_or(uint64_t standard)
{
    const char *given = getenv("EVENPOST_SEED");
    return given == NULL ? standard : strtoull(given, NULL, 10);
}

#define seeds(seed, last) for (uint64_t seed = seed_or(1), seed##_last = seed_or(last); seed <= seed##_last; seed++)

#define HOLDS(seed, property)                                                                                          \
    do {                                                                                                               \
        if (!(property))                                                                                               \
            fail_msg("EVENPOST_SEED=%llu does not hold: %s", (unsigned long long)(seed), #property);                   \
    } while (0)
