/*
 * encoding — from mail's encodings to UTF-8: base64 and quoted-printable (RFC 2045), encoded words (RFC 2047), charsets.
 *
 * Nothing here fails: octets that are not what they claim to be are left out or shown as U+FFFD.
 */
#pragma once

#include "base/text.h"

struct text encoding_base64(struct arena *arena,
                            struct text encoded); /* other octets than the alphabet's are skipped */
struct text encoding_quoted_printable(struct arena *arena, struct text encoded); /* RFC 2045 §6.7 */
struct text encoding_words(struct arena *arena, struct text value);              /* a header's value, RFC 2047 */
struct text encoding_utf8(struct arena *arena, struct text bytes, struct text charset);
/* UTF-8 without controls, line by line; lines end in LF. */
struct text encoding_lines(struct arena *arena, struct text bytes);
