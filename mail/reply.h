/*
 * reply — what an SMTP server answers (RFC 5321 §4.2), read with bounds from a stranger's bytes.
 *
 * A reader takes bytes as they come, split anywhere, and stops behind the last byte of one reply: what follows is not
 * its business, and says something about the peer (T21). A reply is whole and well-formed, or REPLY_MALFORMED:
 *   - every line ends in CRLF; a CR or LF alone, or a NUL, is malformed;
 *   - three digits, the first of 1 to 5, then a blank, a '-' or the line's end; the code is the same on every line;
 *   - a line has at most BOUND_REPLY_LINE octets, a reply BOUND_REPLY octets and BOUND_REPLY_LINES lines (T18).
 * Malformed is final: the reader takes no more, and what it had kept is still there to be shown.
 *
 * The text of a reply is data (T19): it becomes valid UTF-8 without control characters, and nobody parses it again.
 */
#pragma once

#include "base/bounds.h"
#include "base/text.h"

enum reply_class { REPLY_UNFINISHED, REPLY_1YZ, REPLY_2YZ, REPLY_3YZ, REPLY_4YZ, REPLY_5YZ, REPLY_MALFORMED };

/* RFC 3463: class.subject.detail; 0.0.0 where the reply has none. */
struct enhanced_code {
    uint16_t class, subject, detail;
};

struct reply {
    enum reply_class class;
    int code;                      /* 0 for a malformed reply */
    struct enhanced_code enhanced; /* of the first line */
    struct text text;              /* without codes; lines parted by '\n'; the enhanced code only where it differs */
};

struct reply_reader {
    struct builder line; /* the present one, so far */
    struct builder text; /* of the lines before */
    struct builder raw;  /* the lines as they came, made sane, for the transcript */
    struct reply reply;
    size_t octets, lines;
    bool cr; /* the last byte was a CR */
};

/* What is read lives in the arena. */
struct reply_reader reply_reader_in(struct arena *arena);
/* Takes bytes up to the reply's end and says how many. reader->reply.class tells whether it is there. */
size_t reply_read(struct reply_reader *reader, struct text bytes);

bool enhanced_code_is(struct enhanced_code code, int class, int subject, int detail);
bool enhanced_code_is_none(struct enhanced_code code);
/* "4.4.5", or TEXT_NONE. */
struct text enhanced_code_text(struct arena *arena, struct enhanced_code code);
/* One line for people: code, enhanced code, text, blanks for line ends; TEXT_NONE for code 0. */
struct text reply_words(struct arena *arena, const struct reply *reply);
