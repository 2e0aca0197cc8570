/*
 * header — the fields of a message's head (RFC 5322 §2.2, §3.6), written folded and in ASCII (RFC 2047).
 *
 * Two halves. The checks say whether a text that a customer gave may stand in a head at all; the writers put fields
 * into a builder, each with its CRLF. A writer asserts what its check promised, so that no road leads around the
 * checks and no line can be added from inside a value (T05).
 *
 * Text that is not plain ASCII is written as encoded-words in UTF-8: each decodes on its own, none is longer than 75
 * octets, and characters are never cut. A text that only *looks* like an encoded-word is encoded too, so that the reader
 * sees what was written. Lines are folded at 76 octets where there is a blank to fold at and never exceed 998.
 */
#pragma once

#include "base/instant.h"

#include "mail/address.h"

enum header_fault {
    HEADER_GOOD,
    HEADER_NOT_UTF8,
    HEADER_CONTROL, /* CR, LF, NUL, tab and every other C0, DEL, C1, U+2028, U+2029 */
    HEADER_TOO_LONG,
    HEADER_NAME,     /* a field's name is not one (RFC 5322 §2.2: visible ASCII without a colon) */
    HEADER_RESERVED, /* a field that only the platform or a receiver writes, or that has a place of its own in the API */
    HEADER_NOT_OPEN, /* a field that is neither X-… nor in the list of open ones */
    HEADER_EMPTY,    /* a value of blanks only */
};

enum { HEADER_NAME_MAX = 76, HEADER_VALUE_MAX = 2000 };

/* May a customer add this field? Open are X-… and what header_is_open() lists. */
MUST_USE enum header_fault header_check_field(struct text name, struct text value);
/* The open fields beside X-…: Comments, Keywords, Importance, Priority, Auto-Submitted, Organization, … */
bool header_is_open(struct text name);
/* A subject, a display name, a file's name: valid UTF-8 without control characters, at most max octets. */
MUST_USE enum header_fault header_check_text(struct text text, size_t max);
/* A message identifier without its angle brackets: dot-atom@dot-atom (RFC 5322 §3.6.4), at most 900 octets. */
bool header_is_message_id(struct text id);

/* "Name: value CRLF"; unstructured text. */
void header_write_text(struct builder *out, struct text name, struct text value);
/* "Name: display name <address> CRLF"; an empty display name leaves the address alone. */
void header_write_mailbox(struct builder *out, struct text name, struct text display, const struct address *address);
void header_write_date(struct builder *out, struct instant date);
/* "Name: <id> CRLF <id> …": Message-ID, In-Reply-To, References. */
void header_write_ids(struct builder *out, struct text name, const struct text *ids, size_t count);
