/*
 * folder — a copy of each message as a file, N.eml, for tools that read files; the inbox in memory is the truth.
 *
 * Bounded like the inbox: with the newest file the one `max` numbers before it goes, also across restarts. Files are
 * written one after another on another thread, each whole or not at all; what waits for it is bounded too, and beyond that
 * a message gets no file (which is logged).
 */
#pragma once

#include "base/text.h"

#include "io/loop.h"

struct folder;

#define FOLDER_WAITING_MAX (64 * 1024 * 1024) /* octets that wait to be written */

/* Makes the directory where it is missing. *next: above every number that has a file there. NULL: errno says why. */
struct folder *folder_open(struct loop *loop, const char *path, size_t max, uint64_t *next);
void folder_close(struct folder **folder); /* what waits is still written, in loop_free() */

void folder_keep(struct folder *folder, uint64_t number, struct text raw); /* copies it */
void folder_drop(struct folder *folder, uint64_t number);                  /* where there is none, nothing happens */
