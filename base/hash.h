/*
 * hash — SipHash-2-4 (Aumasson, Bernstein 2012): the same words for the same bytes on every machine, and no way to find
 * colliding ones without the key.
 */
#pragma once

#include "base/text.h"

struct hash_key {
    uint64_t low, high;
};

uint64_t hash_text(struct hash_key key, struct text bytes);

/* A well-mixed word of a word (SplitMix64's finalizer): for seeds that are followed by others. */
uint64_t hash_mix(uint64_t word);
