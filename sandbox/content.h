/*
 * content — the octets behind DATA, read as RFC 5321 §4.1.1.4 and §4.5.2 say and no other way: only CRLF "." CRLF ends
 * them, a line's first dot is taken off, and a bare CR or LF is a fault of the message, never a line end.
 *
 * One life: content_begin(), content_hear() with whatever has come until it says that the dot was read, then the octets
 * are looked at or taken, content_end(). What is over the bound is read to its end and not kept.
 */
#pragma once

#include "base/bounds.h"
#include "base/text.h"

#define CONTENT_MAX (25 * 1024 * 1024) /* what receivers commonly take, and more than Evenpost sends */

/* What all messages that are being read may hold together: 500 clients cannot take 500 times the bound. */
struct content_budget {
    size_t used, max;
};

enum content_fault { CONTENT_GOOD, CONTENT_BARE, CONTENT_LONG_LINE, CONTENT_NUL, CONTENT_TOO_LARGE, CONTENT_NO_ROOM };

struct content {
    struct content_budget *budget;
    char *bytes;
    size_t length, capacity;
    size_t line; /* octets of the line so far */
    enum { AT_START, AT_DOT, AT_DOT_CR, AT_TEXT, AT_CR } state;
    enum content_fault fault; /* the first */
};

void content_begin(struct content *content, struct content_budget *budget);
/* Takes octets off *bytes; true: the final dot was among them, and *bytes is what came after it. */
MUST_USE bool content_hear(struct content *content, struct text *bytes);
struct text content_octets(const struct content *content); /* borrowed until content_end() */
void content_end(struct content *content);                 /* at any time; also of one that never began */
