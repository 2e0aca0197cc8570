/*
 * retry — what a failed attempt means: this slot, another slot, final, doubt; and whether the receiver is held.
 *
 * Two questions, two scopes. What becomes of the *message* follows from the stage and the first digit of the reply: a
 * failure before the slot was authorized costs the slot nothing, one after it has spent it. Whether the *receiver* is
 * held follows from what the reply speaks of: a throttle (4yz at the greeting or to EHLO, 421 or 4.4.5 anywhere), or a
 * refusal of the whole IP (5yz in the greeting), never an ordinary deferral.
 *
 * Deferred messages are tried after 5 minutes, then at doubling intervals up to 4 hours, never before the reply's entry
 * allows. A message expires 30 days after its first attempt, or with the twelfth that counts.
 */
#pragma once

#include "policy/window.h"

/* Where in the conversation it failed. The words are the API's. */
enum failure_stage {
    FAILED_AT_CONNECT,
    FAILED_AT_BANNER,
    FAILED_AT_EHLO,
    FAILED_AT_STARTTLS,
    FAILED_AT_MAIL,
    FAILED_AT_RCPT,
    FAILED_AT_DATA,
    FAILED_AT_DOT, /* from the writing of the last line end and dot on */
};

enum failure_kind {
    FAILURE_REPLY,    /* a whole, well-formed reply of 4yz or 5yz */
    FAILURE_LOST,     /* end-of-file, reset, could not connect */
    FAILURE_SILENT,   /* a deadline passed */
    FAILURE_GARBLED,  /* 1yz, 3yz or 2yz where none belongs, half a reply, no reply at all by its form */
    FAILURE_NOT_SENT, /* authorized, but no dot was written: the authorization came too late or its commit is unknown */
};

struct failure {
    enum failure_stage stage;
    enum failure_kind kind;
    uint16_t code;        /* three digits; only FAILURE_REPLY */
    uint16_t enhanced[3]; /* class, subject, detail; zeros if none was given */
    int64_t asked_us;     /* what the reply's entry asks to wait at least; zero if nothing */
};

/* The message and the slot it was tried in. */
struct retry_case {
    uint32_t attempts;            /* counted ones, this one included: retry_counts() */
    struct instant first_attempt; /* `now` if this was the first */
    struct instant not_after;     /* of the slot */
    struct span window;           /* of the slot's day; its length bounds the distance to the other slot */
    bool has_other;               /* the mailbox has another slot row on this local day */
    struct instant other_at;      /* its second */
    struct instant gap_end;       /* the IP begins nothing before (policy/spacing), so a retry neither; or the past */
    struct instant now;
};

enum retry {
    RETRY_SAME_SLOT,    /* not before `not_before`, which lies in the slot and keeps its distance to the other slot */
    RETRY_ANOTHER_SLOT, /* free or spend this one (see `spent`), book another not before `not_before` */
    RETRY_BOUNCED,      /* final */
    RETRY_UNCONFIRMED,  /* the dot may have counted: spent, never again by itself */
    RETRY_EXPIRED,      /* tried often or long enough */
};

enum hold {
    HOLD_NONE,
    HOLD_RECEIVER, /* the pacing event PACING_THROTTLE, with `hold_asked_us` */
};

struct verdict {
    enum retry retry;
    bool spent; /* the slot is: it was authorized */
    struct instant not_before;
    enum hold hold;
    int64_t hold_asked_us; /* at least; zero: pacing's own */
};

/* Towards the twelve. Not a refusal in the greeting (nothing was offered), and not a dot that we did not send. The thirty
 * days begin with the first attempt of any kind. */
bool retry_counts(const struct failure *failure);
/* Does it speak of (IP, receiver): 4yz at the greeting or to EHLO, 421 (RFC 5321 §3.8) or 4.4.5 anywhere? */
bool retry_is_throttle(const struct failure *failure);
MUST_USE struct verdict retry_of(const struct failure *failure, const struct retry_case *at);
/* The first attempt is long ago: for what waits without being tried. */
bool retry_is_expired(struct instant first_attempt, struct instant now);
