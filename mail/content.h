/*
 * content — from what a customer wrote to the octets of the message (RFC 5322, RFC 2045 to 2049), through GMime.
 *
 * The same spec gives the same octets, today and at the twelfth attempt: date, Message-ID and boundaries are given or
 * follow from what is given, nothing is invented. The octets are canonical: every line ends in CRLF, no CR or LF
 * stands alone, no NUL, no line is longer than 998, the last line is ended, and all is 7-bit (so that neither 8BITMIME
 * nor a relay's mood matters, T13), except addresses with a local-part that ASCII cannot hold: then the head is UTF-8
 * and `international` says so (RFC 6532). There is never a Bcc, and no field beyond those the spec names.
 *
 * Text and HTML: any line ends in, CRLF out; a missing last line end is added. Text goes as 7bit where it is plain,
 * otherwise as quoted-printable or, where that would be longer, base64. Both together are multipart/alternative;
 * attachments make a multipart/mixed around it.
 */
#pragma once

#include "mail/header.h"

struct content_field {
    struct text name, value;
};

struct content_attachment {
    struct text filename;
    struct text content_type; /* type/subtype, without parameters; multipart and message are refused */
    struct text bytes;
};

struct content_spec {
    struct instant date;
    struct text message_id; /* without angle brackets */
    struct address from, to;
    struct text from_name, to_name; /* may be empty */
    const struct address *reply_to; /* NULL: none */
    struct text subject;
    struct text text, html;        /* TEXT_NONE: not there; one of them is */
    struct text in_reply_to;       /* the parent's Message-ID without brackets; TEXT_NONE: no reply */
    const struct text *references; /* the parent's own references, oldest first; the parent's id is added */
    size_t reference_count;
    const struct content_field *fields; /* the customer's own */
    size_t field_count;
    const struct content_attachment *attachments;
    size_t attachment_count;
};

enum content_fault {
    CONTENT_GOOD,
    CONTENT_NO_BODY, /* neither text nor HTML */
    CONTENT_NOT_UTF8,
    CONTENT_CONTROL,     /* in text or html: a control character but tab, CR, LF */
    CONTENT_TOO_LONG,    /* the part named; for CONTENT_PART_WHOLE the message */
    CONTENT_HEADER,      /* `header` says what */
    CONTENT_FIELD_TWICE, /* the same field given twice */
    CONTENT_TOO_MANY,    /* fields or attachments */
    CONTENT_TYPE,        /* an attachment's type is none, or one that may not be attached */
};

enum content_part {
    CONTENT_PART_WHOLE,
    CONTENT_PART_FROM_NAME,
    CONTENT_PART_TO_NAME,
    CONTENT_PART_SUBJECT,
    CONTENT_PART_TEXT,
    CONTENT_PART_HTML,
    CONTENT_PART_IN_REPLY_TO,
    CONTENT_PART_FIELD,            /* at `index` */
    CONTENT_PART_ATTACHMENT_NAME,  /* at `index` */
    CONTENT_PART_ATTACHMENT_TYPE,  /* at `index` */
    CONTENT_PART_ATTACHMENT_BYTES, /* at `index` */
};

/* What is wrong, and where: the API makes a pointer and a sentence of it. */
struct content_verdict {
    enum content_fault fault;
    enum content_part part;
    size_t index;
    enum header_fault header;
};

struct content {
    struct text octets;
    bool international; /* octets above 127 in the head: needs SMTPUTF8 and 8BITMIME */
};

/* To be asked before a message is accepted: what passes here can be composed. */
MUST_USE struct content_verdict content_check(const struct content_spec *spec);
/* Asserts that content_check() finds nothing. The octets live in the arena. */
struct content content_compose(struct arena *arena, const struct content_spec *spec);
/* Canonical as said above: the last look before the wire, and a test's. */
bool content_is_canonical(struct text octets, bool international);
