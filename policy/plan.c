#include "policy/plan.h"

#include "base/hash.h"

#define GOLDEN 0x9E3779B97F4A7C15u /* 2^64 ÷ the golden ratio */

__extension__ typedef unsigned __int128 wide;

static uint64_t word_of(const uint8_t bytes[8])
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

static uint64_t hash_of_day(const struct plan *plan)
{
    uint64_t hash = hash_mix((uint32_t)plan->day.number);
    hash = hash_mix(hash ^ word_of(plan->ip.bytes));
    return hash_mix(hash ^ word_of(plan->ip.bytes + 8));
}

/* The fraction of 2^64, times a length. */
static int64_t share_of(uint64_t fraction, int64_t length_us)
{
    assert(length_us >= 0);
    return (int64_t)((wide)fraction * (uint64_t)length_us >> 64);
}

static int64_t jitter_max_us(const struct plan *plan)
{
    int64_t ordinals = 1;
    while (ordinals < plan->ordinals)
        ordinals *= 2;
    return span_length_us(plan->window) / (8 * plan->cap * ordinals);
}

struct instant plan_at(const struct plan *plan, uint8_t number)
{
    assert(plan->cap >= 1 && plan->cap <= BOUND_DAILY_CAP && number < plan->cap);
    assert(plan->ordinal < plan->ordinals);
    assert(instant_before(plan->window.from, plan->window.until));
    uint64_t hash = hash_of_day(plan);
    uint64_t phase = plan->ordinal * GOLDEN + hash;
    uint64_t u = (uint64_t)((((wide)number << 64) + phase) / plan->cap);
    int64_t j_max_us = jitter_max_us(plan);
    uint64_t seed = hash_mix(hash ^ ((uint64_t)plan->ordinal << 8 | number));
    int64_t offset_us = share_of(u, span_length_us(plan->window) - j_max_us) + share_of(seed, j_max_us);
    struct instant at = instant_add(plan->window.from, offset_us - offset_us % US_PER_SECOND);
    assert(span_contains(plan->window, at));
    return at;
}
