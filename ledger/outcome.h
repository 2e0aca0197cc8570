/*
 * outcome — what came of an attempt: the write after it. Attempt, event, slot and message in one transaction (P6).
 *
 * Before the slot was authorized a failure costs it nothing: it is tried again in it (`not_before` within the slot), or
 * the slot is free again and the message is booked anew. After, the slot is spent whatever came; only a whole 4yz books
 * another. A truth that comes late (the outcome of an old owner whose slot was settled meanwhile) turns `unconfirmed` into
 * delivered or bounced; a late doubt changes nothing.
 *
 * Nothing waits for an outcome; one that could not be written (OUTCOME_AGAIN) is given again until it is, with the same
 * attempt's id: an outcome that is there already is OUTCOME_WRITTEN. So an unknown commit is simply asked again.
 */
#pragma once

#include "io/statement.h"

#include "ledger/act.h"
#include "ledger/pacing_store.h"
#include "ledger/slot.h"

struct outcome_work;

enum outcome_kind {
    OUTCOME_DELIVERED,    /* 2yz to the dot */
    OUTCOME_DEFERRED,     /* tried later: same slot, or another */
    OUTCOME_BOUNCED,      /* final */
    OUTCOME_UNCONFIRMED,  /* the dot was written, and no whole reply came */
    OUTCOME_NOT_SENT,     /* authorized, or perhaps so, and no dot was written */
    OUTCOME_REFUSED_HERE, /* nothing was offered: connect, greeting, EHLO */
    OUTCOME_EXPIRED,      /* deferred once too often, or for too long */
};

/* The attempt as it is told. Texts may be TEXT_NONE. */
struct outcome_attempt {
    struct uuid id; /* fresh, and the same when it is given again */
    struct instant at;
    struct text ip; /* our address */
    struct text receiver, mx, remote;
    struct text tls_version, tls_cipher, tls_verified;
    struct text stage;  /* connect … dot: the API's words */
    int16_t reply_code; /* INT16_MIN: no reply */
    struct text reply_enhanced, reply_text;
    struct text smtp_error_id;
    int32_t duration_ms;
    struct texts transcript;
};

enum outcome_word {
    OUTCOME_WRITTEN,
    OUTCOME_TOO_LATE, /* the message had ended otherwise (cancelled, suppressed): the attempt is kept, the state stays */
    OUTCOME_AGAIN,    /* not known to be written: give it again */
};

struct outcome {
    struct uuid customer; /* given; all of it must stay until `told` */
    struct uuid ip;
    struct uuid message;
    struct uuid mailbox; /* with local_day and number: the slot it was tried in */
    struct day local_day;
    int16_t number;
    bool authorized; /* the slot was, or may have been */
    enum outcome_kind kind;
    bool counted;                 /* against the twelve: retry_counts() */
    struct instant not_before;    /* deferred, not sent, refused here: no sooner */
    bool same_slot;               /* and in the same slot (RETRY_SAME_SLOT); never with `authorized` */
    bool suppress_recipient;      /* the reply blames the recipient, for good */
    struct text explanation_code; /* for what goes on: deferred_by_receiver, greylisted, receiver_on_hold, … */
    struct text explanation_about;
    const struct pacing_row *pacing; /* what the receiver's state is after it; NULL: as it was */
    struct outcome_attempt attempt;
    void (*told)(struct outcome *outcome);

    enum outcome_word word; /* told */
    struct text state;      /* the message's now; static words */
    struct slot slot;       /* booked: where it went */

    struct act act; /* the ledger's own */
    struct outcome_work *work;
};

void outcome_write(struct ledger *ledger, struct outcome *outcome);
