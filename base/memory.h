/*
 * memory — the three lives of memory, two of them made here.
 *
 * Arena: `struct arena *` is the first parameter of what allocates from it; everything dies together at arena_free().
 * Yours: memory_new() until memory_free(). (Borrowed memory is a const pointer in a signature.)
 *
 * Memory is zeroed. Nothing here returns NULL: when memory has run out, or a size computation overflows, the process
 * says so and ends as if it had been killed; what it had promised is in the database (P1, P6).
 */
#pragma once

#include "base/must.h"

struct arena;

struct arena *arena_new(void); /* yours, until arena_free() */
void arena_free(struct arena **arena);
size_t arena_used(const struct arena *arena); /* bytes handed out so far */

/* Zeroed, aligned for any type. */
void *arena_bytes(struct arena *arena, size_t size) __attribute__((returns_nonnull, malloc));
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull, malloc));
void *arena_copy(struct arena *arena, const void *bytes, size_t size) __attribute__((returns_nonnull));

#define arena_make(arena, type)          ((type *)arena_bytes(arena, sizeof(type)))
#define arena_make_array(arena, type, n) ((type *)arena_array(arena, n, sizeof(type)))

void *memory_new(size_t size) __attribute__((returns_nonnull, malloc));
void *memory_array(size_t count, size_t size) __attribute__((returns_nonnull, malloc));
/* Grows or shrinks; new bytes are not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
/* *pointer becomes NULL; freeing NULL does nothing. Takes the address of any pointer. */
#define memory_free(pointer)                                                                                           \
    do {                                                                                                               \
        free(*(pointer));                                                                                              \
        *(pointer) = NULL;                                                                                             \
    } while (0)

#define memory_make(type)          ((type *)memory_new(sizeof(type)))
#define memory_make_array(type, n) ((type *)memory_array(n, sizeof(type)))

/* Sums and products of sizes; an overflow ends the process. */
size_t size_add(size_t a, size_t b);
size_t size_mul(size_t a, size_t b);
