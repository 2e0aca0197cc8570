#include "io/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"

struct random {
    struct id_maker maker;
    bool seeded;
    uint64_t state;
};

struct random *random_new(void)
{
    return memory_make(struct random);
}

struct random *random_seeded(uint64_t seed)
{
    struct random *random = random_new();
    random->seeded = true;
    random->state = seed;
    return random;
}

void random_free(struct random **random)
{
    memory_free(random);
}

static void fill_seeded(struct random *random, unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (i % 8 == 0)
            random->state = hash_mix(random->state);
        bytes[i] = (unsigned char)(random->state >> (i % 8 * 8));
    }
}

void random_fill(struct random *random, void *bytes, size_t length)
{
    unsigned char *place = bytes;
    if (random->seeded) {
        fill_seeded(random, place, length);
        return;
    }
    while (length > 0) {
        ssize_t got = getrandom(place, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            unreachable("the kernel has no randomness");
        place += got;
        length -= (size_t)got;
    }
}

uint64_t random_word(struct random *random)
{
    uint64_t word;
    random_fill(random, &word, sizeof word);
    return word;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    assert(limit > 0);
    uint64_t uneven = (0 - limit) % limit; /* the words below this would favour small results */
    uint64_t word;
    do
        word = random_word(random);
    while (word < uneven);
    return word % limit;
}

struct uuid random_id(struct random *random, struct instant now)
{
    uint8_t bytes[10];
    random_fill(random, bytes, sizeof bytes);
    return id_next(&random->maker, now, bytes);
}
