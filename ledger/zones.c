#include "ledger/zones.h"

#include "policy/zone.h"

#include "io/zoneinfo.h"

enum { FRESH_US = 3600 * 1000000LL };

struct known {
    struct known *next;
    struct text name;
    const struct zone *zone;
    struct text bytes;
    struct tick read_at;
};

struct zones {
    struct arena *arena;
    struct known *first;
};

struct zones *zones_new(void)
{
    struct zones *zones = memory_make(struct zones);
    zones->arena = arena_new();
    return zones;
}

void zones_free(struct zones **zones)
{
    if (*zones == NULL)
        return;
    arena_free(&(*zones)->arena);
    memory_free(zones);
}

static struct known *known_find(const struct zones *zones, struct text name)
{
    struct known *known = zones->first;
    while (known != NULL && !text_equal(known->name, name))
        known = known->next;
    return known;
}

/* A file that did not change is not parsed again, so that an hourly look costs no memory. */
static void known_read(struct zones *zones, struct known *known, struct tick now)
{
    struct arena *look = arena_new();
    struct text bytes;
    known->read_at = now;
    if (zoneinfo_read(look, known->name, &bytes) == ZONEINFO_GOOD && !text_equal(bytes, known->bytes)) {
        struct text kept = text_copy(zones->arena, bytes);
        const struct zone *zone = zone_parse(zones->arena, kept);
        if (zone != NULL) {
            known->bytes = kept;
            known->zone = zone;
        }
    }
    arena_free(&look);
}

const struct zone *zones_find(struct zones *zones, struct text name, struct tick now)
{
    struct known *known = known_find(zones, name);
    if (known != NULL && tick_since(now, known->read_at) < FRESH_US)
        return known->zone;
    if (known == NULL) {
        known = arena_make(zones->arena, struct known);
        known->name = text_copy(zones->arena, name);
        known_read(zones, known, now);
        if (known->zone == NULL)
            return NULL;
        known->next = zones->first;
        zones->first = known;
        return known->zone;
    }
    known_read(zones, known, now);
    return known->zone;
}
