#include "sandbox/greylist.h"

#include "base/list.h"
#include "base/map.h"

#include <string.h>

struct grey {
    struct link age; /* oldest first */
    struct instant first;
    size_t length;
    char key[];
};

struct greylist {
    struct map *map;
    struct list ages;
};

struct greylist *greylist_new(struct hash_key seed)
{
    struct greylist *greylist = memory_make(struct greylist);
    greylist->map = map_new(seed);
    list_init(&greylist->ages);
    return greylist;
}

static void grey_free(struct greylist *greylist, struct grey *grey)
{
    map_remove(greylist->map, text_from(grey->key, grey->length));
    list_remove(&grey->age);
    memory_free(&grey);
}

void greylist_forget(struct greylist *greylist)
{
    list_each (&greylist->ages, link)
        grey_free(greylist, container_of(link, struct grey, age));
}

void greylist_free(struct greylist **greylist)
{
    if (*greylist == NULL)
        return;
    greylist_forget(*greylist);
    map_free(&(*greylist)->map);
    memory_free(greylist);
}

static void grey_new(struct greylist *greylist, struct text key, struct instant now)
{
    if (map_count(greylist->map) == GREYLIST_MAX)
        grey_free(greylist, container_of(list_first(&greylist->ages), struct grey, age));
    struct grey *grey = memory_new(size_add(sizeof(*grey), key.length));
    grey->first = now;
    grey->length = key.length;
    memcpy(grey->key, key.bytes, key.length);
    link_init(&grey->age);
    list_append(&greylist->ages, &grey->age);
    map_put(greylist->map, text_from(grey->key, grey->length), grey);
}

bool greylist_pass(struct greylist *greylist, struct text source, struct text from, struct text to, struct instant now,
                   int64_t wait_us)
{
    struct arena *arena = arena_new();
    struct text key = text_format(arena, "%.*s %.*s %.*s", TEXT_ARG(source), TEXT_ARG(from), TEXT_ARG(to));
    const struct grey *grey = map_find(greylist->map, key);
    bool passes = grey != NULL && instant_since(now, grey->first) >= wait_us;
    if (grey == NULL)
        grey_new(greylist, key, now);
    arena_free(&arena);
    return passes;
}
