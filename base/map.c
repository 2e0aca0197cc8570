#include "base/map.h"

struct entry {
    struct text key;
    void *value; /* NULL: free */
    uint64_t hash;
};

struct map {
    struct hash_key seed;
    struct entry *entries;
    size_t size, count; /* size is a power of two; at most three quarters are taken */
};

struct map *map_new(struct hash_key seed)
{
    struct map *map = memory_make(struct map);
    map->seed = seed;
    map->size = 16;
    map->entries = memory_make_array(struct entry, map->size);
    return map;
}

void map_free(struct map **map)
{
    if (*map == NULL)
        return;
    memory_free(&(*map)->entries);
    memory_free(map);
}

size_t map_count(const struct map *map)
{
    return map->count;
}

/* The entry of that key, or the free one where it would stand. */
static struct entry *map_entry(const struct map *map, struct text key, uint64_t hash)
{
    size_t at = hash & (map->size - 1);
    while (map->entries[at].value != NULL && !(map->entries[at].hash == hash && text_equal(map->entries[at].key, key)))
        at = (at + 1) & (map->size - 1);
    return &map->entries[at];
}

static void map_grow(struct map *map)
{
    struct entry *old = map->entries;
    size_t old_size = map->size;
    map->size = size_mul(old_size, 2);
    map->entries = memory_make_array(struct entry, map->size);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].value != NULL)
            *map_entry(map, old[i].key, old[i].hash) = old[i];
    memory_free(&old);
}

void *map_find(const struct map *map, struct text key)
{
    return map_entry(map, key, hash_text(map->seed, key))->value;
}

void *map_put(struct map *map, struct text key, void *value)
{
    assert(value != NULL);
    if ((map->count + 1) * 4 > map->size * 3)
        map_grow(map);
    uint64_t hash = hash_text(map->seed, key);
    struct entry *entry = map_entry(map, key, hash);
    void *replaced = entry->value;
    *entry = (struct entry){ key, value, hash };
    map->count += replaced == NULL;
    return replaced;
}

/* Entries behind a freed one move up, so that no search stops before them (Knuth 6.4 R). */
static void map_close_gap(struct map *map, size_t gap)
{
    size_t mask = map->size - 1;
    for (size_t at = (gap + 1) & mask; map->entries[at].value != NULL; at = (at + 1) & mask) {
        size_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        map->entries[gap] = map->entries[at];
        map->entries[at] = (struct entry){ .value = NULL };
        gap = at;
    }
}

void *map_remove(struct map *map, struct text key)
{
    struct entry *entry = map_entry(map, key, hash_text(map->seed, key));
    void *value = entry->value;
    if (value == NULL)
        return NULL;
    *entry = (struct entry){ .value = NULL };
    map->count--;
    map_close_gap(map, (size_t)(entry - map->entries));
    return value;
}

void *map_next(const struct map *map, size_t *place)
{
    while (*place < map->size) {
        void *value = map->entries[(*place)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
