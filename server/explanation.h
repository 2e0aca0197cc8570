/*
 * explanation — why a message has not gone yet, when it will, or what became of it: one sentence for a person (P8).
 *
 * Computed when it is asked for, from what is stored with the message and from what stands in its way at this moment; the
 * widest scope is named first, because nothing below it can help. A pure function: same facts, same sentence.
 */
#pragma once

#include "base/instant.h"

#include "io/statement.h"

struct zone;

struct explanation_facts {
    struct text state;  /* the message's */
    struct text stored; /* the code that was stored with the last decision */
    struct instant stored_until;
    struct text about; /* the receiver, the domain, … that it speaks of; TEXT_NONE: nothing */
    struct instant scheduled_at, ended_at;
    struct text customer_state, mailbox_state, from_address, to_address;
    bool mailbox_has_ip, has_route;
    struct text domain;                   /* the recipient's, as people write it */
    struct instant at, due_at, not_after; /* of its slot; INSTANT_NONE: it has none */
    struct text ip;                       /* TEXT_NONE: none */
    struct texts halted;                  /* of its lane */
    struct text lane_trouble;             /* what keeps its owner from sending; TEXT_NONE: nothing */
    bool worker_alive;                    /* seen within 15 s, and not ended */
    int16_t reply_code;                   /* of the last attempt; INT16_MIN: no reply */
    struct text reply_text, outcome;
    const struct zone *zone; /* the mailbox's; NULL: unknown, then times are told in UTC */
    struct text zone_name;
    struct instant now;
};

struct explanation {
    struct text code, text;
    struct instant until; /* INSTANT_NONE: nobody knows, or it is over */
};

struct explanation explanation_of(struct arena *arena, const struct explanation_facts *facts);
