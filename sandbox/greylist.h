/*
 * greylist — who came with which (source, sender, recipient), and when first (RFC 6647 §2.1).
 *
 * Bounded: when it is full the oldest are forgotten, as if they had never come. A retry before the wait is over does not
 * start it anew.
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"

struct greylist;

#define GREYLIST_MAX 65536

struct greylist *greylist_new(struct hash_key seed); /* yours, until greylist_free() */
void greylist_free(struct greylist **greylist);

/* May this one pass now? The first asking is remembered. */
bool greylist_pass(struct greylist *greylist, struct text source, struct text from, struct text to, struct instant now,
                   int64_t wait_us);
void greylist_forget(struct greylist *greylist);
