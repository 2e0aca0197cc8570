/*
 * letter — what a person would see of a message: its subject and its text (RFC 2045–2047, 2231 not).
 *
 * Written for this room alone, because a judge shares no code with the judged. Reads any octets; what is malformed is
 * shown as it came. The results are valid UTF-8 without controls but tab and LF, and bounded.
 */
#pragma once

#include "base/text.h"

#define LETTER_TEXT_MAX    (256 * 1024) /* octets of a text that are shown */
#define LETTER_SUBJECT_MAX 4096
#define LETTER_DEPTH_MAX   8   /* multiparts inside each other */
#define LETTER_PARTS_MAX   100 /* parts that are looked at, in all */

struct letter {
    struct text subject; /* "" when there is none */
    struct text text;    /* the first text/plain; without one, the source of the first text/html; "" without both */
    struct text html;    /* the source of the first text/html; none when there is none */
};

struct letter letter_read(struct arena *arena, struct text raw);

/* The value of a header, unfolded, as it came; none: there is no such. The first of several. */
struct text letter_header(struct arena *arena, struct text raw, struct text name);
