/*
 * authorize — may this final dot be sent? The write before the dot (P2, P6).
 *
 * One statement in a transaction of its own. It turns the slot from `booked` to `authorized`, and the message from
 * `booked` to `sending`, only if at that moment all of this holds: the lane has this generation and nothing halts it (its
 * row is taken for share: a new owner, a pause, a suspension wait for us, or we see them); the second has come and the
 * slot is not over; its number is below the mailbox's cap; the mailbox is active; neither the recipient nor the domain is
 * suppressed.
 *
 * AUTHORIZED is the commit's own success, nothing less. It is good for BOUND_AUTHORIZATION_US of real time from `asked_at`
 * (authorize_is_good(), as the last act before the dot). With AUTHORIZE_UNKNOWN the slot counts as spent: no dot, the
 * session is closed without one, and the outcome is OUTCOME_NOT_SENT. With every other word the slot is as it was.
 *
 * Asking is one struct, from authorize_slot() until `told`, which is called once.
 */
#pragma once

#include "ledger/act.h"

enum authorize_word {
    AUTHORIZED,
    AUTHORIZE_UNKNOWN,     /* the commit's answer was lost: treat the slot as spent */
    AUTHORIZE_UNAVAILABLE, /* the database: nothing was written */
    AUTHORIZE_NOT_OURS,    /* another generation: the lane ends its sessions */
    AUTHORIZE_HALTED,      /* the IP is paused, released, or its customer suspended */
    AUTHORIZE_NOT_YET,
    AUTHORIZE_OVER,       /* its not_after has passed: it will be booked anew */
    AUTHORIZE_SUPPRESSED, /* and has been marked so */
    AUTHORIZE_MAILBOX,    /* paused, closed, or the number is above its cap by now */
    AUTHORIZE_GONE, /* cancelled, moved, or authorized before: this slot is not booked for this message any more */
};

struct authorize {
    struct uuid customer; /* given */
    struct uuid ip;
    int64_t generation;
    struct uuid message;
    struct day local_day; /* with number: the slot that was due; of another, booked meanwhile, nothing is authorized */
    int16_t number;
    void (*told)(struct authorize *authorize);

    enum authorize_word word; /* told */
    struct tick asked_at;     /* when the statement was sent */

    struct act act; /* the ledger's own */
    struct act_step *refusal_step;
    size_t asked;
};

void authorize_slot(struct ledger *ledger, struct authorize *authorize);

/* May the dot still be written, at this tick? */
MUST_USE bool authorize_is_good(const struct authorize *authorize, struct tick now);

const char *authorize_word_name(enum authorize_word word); /* for logs */
