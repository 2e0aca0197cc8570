/*
 * strand — one request's thread of thought: straight code that waits for the database without holding up the loop.
 *
 * One life: strand_new() makes it, waiting before its first line, on a stack of its own. strand_resume(), called from the
 * loop, lets it run until it waits or ends; strand_wait(), called from inside, goes back to whoever resumed it. When its
 * function returns it is over, and its stack is kept for the next one. All strands live in the loop's one thread: between
 * two waits nothing else runs, so there is nothing to lock.
 */
#pragma once

#include "base/must.h"

#include <stdbool.h>

struct strand;

/* *over becomes true when it ends; then the strand is gone. */
struct strand *strand_new(void (*run)(void *of), void *of, bool *over);
void strand_wait(struct strand *strand);   /* only from inside it */
void strand_resume(struct strand *strand); /* only from outside, while it waits */
void strand_free_spare(void);              /* the kept stacks, at the end of the program */
