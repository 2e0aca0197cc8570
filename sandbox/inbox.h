/*
 * inbox — the messages that were taken, for people and tests to look at.
 *
 * Bounded in number and octets: the oldest are dropped, with their files, and counted. Subject and text are read when a message comes in
 * (letter.h), so that looking is cheap.
 */
#pragma once

#include "sandbox/record.h"

struct inbox;

#define INBOX_MAX       10000
#define INBOX_BYTES_MAX (256 * 1024 * 1024)

struct received {
    uint64_t number; /* given by inbox_add() */
    struct moment moment;
    struct text source, from, raw;
    const struct text *to;
    size_t recipients;
    struct text answer;              /* the first line of the reply to the dot; none: it got no reply */
    struct text subject, text, html; /* given by inbox_add(); UTF-8; html: none where there is no such part */
};

struct folder;

/* Yours, until inbox_free(). max: messages, 1 to INBOX_MAX; first: its first number; folder: borrowed, NULL: no files. */
struct inbox *inbox_new(size_t max, uint64_t first, struct folder *folder);
void inbox_free(struct inbox **inbox);

uint64_t inbox_add(struct inbox *inbox, const struct received *received);     /* copies it */
const struct received *inbox_get(const struct inbox *inbox, uint64_t number); /* NULL: there is none (any more) */
uint64_t inbox_first(const struct inbox *inbox); /* the numbers that are kept: from this one … */
uint64_t inbox_end(const struct inbox *inbox);   /* … to before this one */
uint64_t inbox_dropped(const struct inbox *inbox);
void inbox_forget(struct inbox *inbox); /* numbers go on */
