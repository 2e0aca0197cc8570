/*
 * random — randomness from the kernel, or from a seed in tests, and the ids that are made of it.
 */
#pragma once

#include "base/id.h"

struct random;

struct random *random_new(void);             /* the kernel's; yours, until random_free() */
struct random *random_seeded(uint64_t seed); /* repeatable: tests and simulations only */
void random_free(struct random **random);

void random_fill(struct random *random, void *bytes, size_t length);
uint64_t random_word(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);     /* 0 ≤ result < limit, evenly; limit > 0 */
struct uuid random_id(struct random *random, struct instant now); /* UUIDv7, rising in this process */
