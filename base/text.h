/*
 * text — text is a pointer and a length; only this file does arithmetic on it.
 *
 * A struct text borrows its bytes; it may hold any byte, NUL too, and is not terminated. TEXT_NONE (bytes NULL) says
 * "no text", which is not the empty text. A builder collects text in an arena.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/memory.h"

struct text {
    const char *bytes;
    size_t length;
};

#define TEXT(literal) ((struct text){ "" literal "", sizeof(literal) - 1 })
#define TEXT_NONE     ((struct text){ NULL, 0 })
/* For printf's "%.*s". */
#define TEXT_ARG(text) (int)MIN_OF((text).length, (size_t)0x7fffffff), (text).bytes == NULL ? "" : (text).bytes

struct text text_of(const char *terminated); /* NULL gives TEXT_NONE */
struct text text_from(const char *bytes, size_t length);
bool text_is_none(struct text text);
bool text_is_empty(struct text text); /* none or of no length */

bool text_equal(struct text a, struct text b);
bool text_equal_fold(struct text a, struct text b); /* ASCII letters without case; other bytes as they are */
int text_compare(struct text a, struct text b);     /* by bytes, shorter first */
bool text_starts(struct text text, struct text head);
bool text_starts_fold(struct text text, struct text head);
bool text_ends(struct text text, struct text tail);

/* from and length are cut to what there is. */
struct text text_slice(struct text text, size_t from, size_t length);
struct text text_after(struct text text, size_t from);
/* The place of the first (last) such byte; text.length where there is none. */
size_t text_find(struct text text, char byte);
size_t text_find_last(struct text text, char byte);
size_t text_find_text(struct text text, struct text wanted);
bool text_has(struct text text, char byte);
struct text text_trim(struct text text); /* without spaces, tabs, CR and LF at both ends */

/* Takes the part before `separator` off *rest; false when nothing is left: "a,,b" gives three, "a," one, "" none. */
MUST_USE bool text_cut(struct text *rest, char separator, struct text *part);

/* Decimal, an optional '-', nothing else, no overflow. */
MUST_USE bool text_to_int64(struct text text, int64_t *value);
MUST_USE bool text_to_uint(struct text text, uint64_t max, uint64_t *value);

bool text_is_utf8(struct text text);     /* RFC 3629: shortest forms, no surrogates */
bool text_has_control(struct text text); /* a C0 control, DEL, or (in UTF-8) a C1 control, U+2028 or U+2029 */
bool text_is_ascii(struct text text);

struct text text_copy(struct arena *arena, struct text text);
char *text_terminated(struct arena *arena, struct text text);  /* a C string; stops at a NUL inside */
struct text text_lower(struct arena *arena, struct text text); /* ASCII letters only */
struct text text_join(struct arena *arena, struct text a, struct text b);
PRINTF(2, 3)
struct text text_format(struct arena *arena, const char *format, ...);
/* Valid UTF-8 of whatever bytes came: wrong ones and controls (but tab) become U+FFFD. */
struct text text_sane(struct arena *arena, struct text text);
struct text text_hex(struct arena *arena, struct text bytes); /* lower case */
MUST_USE bool text_unhex(struct arena *arena, struct text hex, struct text *bytes);
struct text text_base64(struct arena *arena, struct text bytes);    /* RFC 4648 §4, padded */
struct text text_base64url(struct arena *arena, struct text bytes); /* RFC 4648 §5, no padding */
/* Strict: the alphabet of §4, whole quads, right padding; line ends are not skipped. */
MUST_USE bool text_unbase64(struct arena *arena, struct text base64, struct text *bytes);
MUST_USE bool text_unbase64url(struct arena *arena, struct text base64, struct text *bytes);
unsigned text_nibble(char byte); /* value of a hexadecimal digit, 16 for any other byte */

struct builder {
    struct arena *arena;
    char *bytes;
    size_t length, capacity;
};

struct builder builder_in(struct arena *arena);
void builder_add(struct builder *builder, struct text text);
void builder_add_byte(struct builder *builder, char byte);
PRINTF(2, 3)
void builder_format(struct builder *builder, const char *format, ...);
void builder_vformat(struct builder *builder, const char *format, va_list arguments);
/* What was collected; borrowed until the next addition, never TEXT_NONE. */
struct text builder_text(const struct builder *builder);
