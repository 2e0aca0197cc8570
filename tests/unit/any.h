/*
 * any — values of a seed, for properties: the same seed, the same values. HOLDS() names the seed that broke a property.
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

#define HOLDS(seed, property)                                                                                          \
    do {                                                                                                               \
        if (!(property))                                                                                               \
            fail_msg("seed %llu: does not hold: %s", (unsigned long long)(seed), #property);                           \
    } while (0)
