/*
 * plan — the slots of a mailbox's day, and the second of each.
 *
 * On an IP each mailbox has an ordinal o. In 64-bit arithmetic that wraps:
 *
 *     phase = o × 0x9E3779B97F4A7C15 + hash(ip, local_day)     a fraction of 2^64: Weyl's golden-ratio sequence
 *     u     = (number + phase / 2^64) / cap                      in [0, 1): each slot has its own stretch of the day
 *     j_max = length / (8 · cap · n)                             n: ordinals given so far, up to a power of two
 *     at    = from + u × (length − j_max) + jitter               jitter: seeded, in [0, j_max)
 *
 * The golden ratio keeps any number of mailboxes evenly apart as they come and go, the day's hash moves the pattern so
 * that no address is always served first, and the number keeps a mailbox's own messages apart. A pure function of its
 * inputs: the same ones give the same second, after a restart, in a simulation and in next week's plan. `at` is a whole
 * second and never leaves the window.
 */
#pragma once

#include "base/bounds.h"
#include "base/id.h"

#include "policy/window.h"

struct plan {
    struct uuid ip;
    struct day day;
    struct span window; /* of that day: window_span() */
    uint32_t ordinal;   /* of the mailbox on the IP, from 0 */
    uint32_t ordinals;  /* given on the IP so far, more than `ordinal` */
    uint8_t cap;        /* 1 … BOUND_DAILY_CAP */
};

/* When the slot `number` (below the cap) is due. */
struct instant plan_at(const struct plan *plan, uint8_t number);
