/*
 * address — a mail address, taken apart once and written anew (RFC 5321 §4.1.2, RFC 6531 §3.3).
 *
 * A stranger's text becomes local-part and domain, or is refused by name. Whatever goes into an envelope or a header
 * later is `text`, which was written here from these two, never the stranger's own bytes: what does not come back the
 * same is no address (T07).
 *
 * The rules of identity, for suppressions and for who wrote to whom:
 *   - the domain is its A-label in lower case (IDNA 2008 with UTS 46, non-transitional): "Bücher.Example" and
 *     "xn--bcher-kva.example" are one;
 *   - the local-part is in NFC; `key` also folds its case, since no receiver of note tells Bo from bo. `text` keeps
 *     the case, because the receiver may (RFC 5321 §2.4);
 *   - a quoted local-part is what it quotes: "bo"@x is bo@x, and it is written with quotes only where it needs them;
 *   - dots and +tags mean what the receiver makes of them: they are kept.
 *
 * Refused on purpose: address literals, source routes, anything around the address (brackets, comments, parameters),
 * control characters, encoded-words in a local-part (T09), domains of one label, domains that look like numbers.
 */
#pragma once

#include "base/text.h"

enum address_fault {
    ADDRESS_GOOD,
    ADDRESS_EMPTY,
    ADDRESS_NOT_UTF8,
    ADDRESS_CONTROL,      /* a control character anywhere, or an invisible one in the local-part */
    ADDRESS_NO_AT,        /* no @ that parts it in two */
    ADDRESS_DECORATED,    /* brackets, a source route, a comment, parameters, blanks around it */
    ADDRESS_ENCODED_WORD, /* =?…?= in the local-part */
    ADDRESS_LOCAL_PART,   /* not a dot-string and not a quoted string */
    ADDRESS_TOO_LONG,     /* local-part, domain or the whole */
    ADDRESS_LITERAL,      /* [192.0.2.1] */
    ADDRESS_DOMAIN,       /* a label that is none, as IDNA 2008 has it */
    ADDRESS_DOMAIN_SHORT, /* one label only, or a number where the top level should be */
};

struct address {
    struct text text;   /* local-part@A-label domain: for envelopes and headers */
    struct text local;  /* unquoted, in NFC */
    struct text domain; /* A-labels, lower case: also the key under which a whole domain is suppressed */
    struct text key;    /* what suppressions and marks compare */
    bool ascii;         /* false: only for a receiver that offers SMTPUTF8 (RFC 6531) */
};

/* Everything in *address lives in the arena. *address is written only if the answer is ADDRESS_GOOD. */
MUST_USE enum address_fault address_parse(struct arena *arena, struct text text, struct address *address);

/* A domain alone ("Bücher.example", without @), to A-labels in lower case. ADDRESS_GOOD or a fault of a domain. */
MUST_USE enum address_fault domain_parse(struct arena *arena, struct text text, struct text *domain);

/* The domain as people write it (U-labels); the A-labels themselves where IDNA has no answer. */
struct text domain_shown(struct arena *arena, struct text domain);
