/*
 * list — an intrusive, circular, doubly linked list: the links live in the things, so that joining and leaving never
 * allocates, and a thing that ends takes itself out.
 *
 * A link that is in no list points at itself (list_init()); list_remove() of such a one does nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/must.h"

struct link {
    struct link *next, *previous;
};

struct list {
    struct link head;
};

static inline void link_init(struct link *link)
{
    link->next = link->previous = link;
}

static inline void list_init(struct list *list)
{
    link_init(&list->head);
}

static inline bool link_is_free(const struct link *link)
{
    return link->next == link;
}

static inline bool list_is_empty(const struct list *list)
{
    return link_is_free(&list->head);
}

static inline void list_insert_before(struct link *at, struct link *link)
{
    assert(link_is_free(link));
    link->next = at;
    link->previous = at->previous;
    at->previous->next = link;
    at->previous = link;
}

static inline void list_append(struct list *list, struct link *link)
{
    list_insert_before(&list->head, link);
}

static inline void list_prepend(struct list *list, struct link *link)
{
    list_insert_before(list->head.next, link);
}

static inline void list_remove(struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link_init(link);
}

/* NULL when the list is empty. */
static inline struct link *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->head.next;
}

static inline struct link *list_take_first(struct list *list)
{
    struct link *first = list_first(list);
    if (first != NULL)
        list_remove(first);
    return first;
}

/* Goes through the list; `link` itself may be removed meanwhile, others may not. */
#define list_each(list, link)                                                                                          \
    for (struct link *link = (list)->head.next, *link##_next = link->next; link != &(list)->head;                      \
         link = link##_next, link##_next = link->next)
