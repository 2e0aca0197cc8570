/*
 * letter — a message as it is kept, to be composed: what the database holds, in plain texts.
 *
 * The worker that sends a message and the API that shows its source fill the same struct from the same columns, so both
 * make the same octets. What was checked before it was kept composes; what does not any more (a row somebody changed by
 * hand) is told, not sent.
 */
#pragma once

#include "mail/content.h"

struct letter {
    struct text from_address, from_name;
    struct text to_address, to_name;
    struct text reply_to;            /* an address; TEXT_NONE: none */
    struct text subject, text, html; /* TEXT_NONE: not there */
    struct text message_id;          /* without brackets */
    struct instant date;
    struct text in_reply_to; /* TEXT_NONE: no reply */
    const struct text *references;
    size_t reference_count;
    const struct text *header_names, *header_values; /* as many of each */
    size_t header_count;
    const struct text *file_names, *file_types, *file_base64; /* as many of each */
    size_t file_count;
};

size_t letter_size(const struct letter *letter); /* of its texts and files, octets; heads are small */
/* The same letter, with all its texts in the arena. */
struct letter letter_copy(struct arena *arena, const struct letter *letter);

struct letter_made {
    struct address from, to;
    struct content content;
};

/* False: some part cannot be composed any more. Everything made lives in the arena. */
MUST_USE bool letter_compose(struct arena *arena, const struct letter *letter, struct letter_made *made);
