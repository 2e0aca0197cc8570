/*
 * map — a hash map from bytes to pointers, keyed by a seed so that strangers cannot make its keys collide.
 *
 * The map borrows the bytes of its keys: they live at least as long as their entry (usually inside the value). Order of
 * map_each() is none.
 */
#pragma once

#include "base/hash.h"

struct map;

struct map *map_new(struct hash_key seed); /* yours, until map_free() */
void map_free(struct map **map);           /* the values are the caller's */
size_t map_count(const struct map *map);
void *map_find(const struct map *map, struct text key);       /* NULL where there is none */
void *map_put(struct map *map, struct text key, void *value); /* value not NULL; gives the one it replaced, or NULL */
void *map_remove(struct map *map, struct text key);           /* gives the value, or NULL */
/* The next value at or after *place, which is moved on; NULL at the end. Start with 0. No change of the map meanwhile. */
void *map_next(const struct map *map, size_t *place);

#define map_each(map, type, value)                                                                                     \
    for (size_t value##_place = 0, value##_once = 1; value##_once; value##_once = 0)                                   \
        for (type *value = map_next(map, &value##_place); value != NULL; value = map_next(map, &value##_place))
