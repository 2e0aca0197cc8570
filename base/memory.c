#include "base/memory.h"

#include <stdalign.h>
#include <string.h>

enum { BLOCK_BYTES = 8 * 1024 };

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct block *blocks; /* the newest first; only that one is filled */
    size_t used;
};

size_t size_add(size_t a, size_t b)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        unreachable("a sum of sizes overflows");
    return sum;
}

size_t size_mul(size_t a, size_t b)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        unreachable("a product of sizes overflows");
    return product;
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (memory == NULL)
        unreachable("no memory is left");
    return memory;
}

void *memory_array(size_t count, size_t size)
{
    return memory_new(size_mul(count, size));
}

void *memory_resize(void *memory, size_t count, size_t size)
{
    size_t bytes = size_mul(count, size);
    void *resized = realloc(memory, bytes ? bytes : 1);
    if (resized == NULL)
        unreachable("no memory is left");
    return resized;
}

struct arena *arena_new(void)
{
    return memory_make(struct arena);
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;
    for (struct block *block = (*arena)->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    memory_free(arena);
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static struct block *arena_grow(struct arena *arena, size_t size)
{
    size_t room = MAX_OF(size, (size_t)BLOCK_BYTES);
    struct block *block = memory_new(size_add(sizeof *block, room));
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_bytes(struct arena *arena, size_t size)
{
    size_t rounded = size_add(size ? size : 1, alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *block = arena->blocks;
    if (block == NULL || block->size - block->used < rounded)
        block = arena_grow(arena, rounded);
    void *bytes = block->bytes + block->used;
    block->used += rounded;
    arena->used += rounded;
    assert(block->used <= block->size);
    return bytes;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    return arena_bytes(arena, size_mul(count, size));
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_bytes(arena, size);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}
