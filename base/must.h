/*
 * must — what every file of the house may rely on: results that must be looked at, assertions that stay on, the way from
 * a member back to its owner, and cleanup at the end of a block.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef NDEBUG
#error "assertions stay on: build without NDEBUG"
#endif

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF(at, first) __attribute__((format(printf, at, first)))
#define NORETURN          __attribute__((noreturn))
#define UNUSED            __attribute__((unused))

/* Runs function(&variable) when the block is left by any way. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Elements of an array (not of a pointer: that does not compile). */
#define COUNT(array)                                                                                                   \
    (sizeof(array) / sizeof((array)[0]) +                                                                              \
     0 * sizeof(struct {                                                                                               \
         int not_a_pointer : __builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0])) ? -1 : 1;        \
     }))

/* The struct that holds `member`, from the member's address. */
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* A place that cannot be reached if the house is right; says why and ends the process. */
#define unreachable(why) must_fail(__FILE__, __LINE__, why)

NORETURN static inline void must_fail(const char *file, int line, const char *why)
{
    fprintf(stderr, "%s:%d: cannot happen: %s\n", file, line, why);
    abort();
}
