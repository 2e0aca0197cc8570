/*
 * pacing — (IP, receiver): how many connections now, held until when, failures in a row.
 *
 * One life: pacing_new() allows one connection. Successes raise the limit to the receiver's maximum, never beyond. A
 * throttle (a 4yz at the greeting or to EHLO, a 421 or 4.4.5 anywhere) *holds*: nothing to this receiver from this IP for
 * 30 s, doubled each time with jitter, an hour at most unless the reply's own entry asks for more. After the hold one
 * connection probes with one message; when it is delivered the hold is over, the limit is one, and only successes raise
 * it again. The length of the next hold halves with each success, so that a receiver which throttles now and then is not
 * met with 30 s for ever.
 *
 * Event in, next state out: the struct is plain, and what ledger/pacing_store saves is all there is.
 */
#pragma once

#include "base/instant.h"

struct pacing {
    uint8_t limit;             /* connections allowed when no hold and no probe is on */
    uint8_t limit_max;         /* the receiver's connections_max */
    bool probing;              /* held, or after a hold and not yet delivered: one connection */
    uint16_t failures_in_row;  /* throttles since the last success */
    uint16_t successes_in_row; /* since the limit changed or a throttle came */
    uint16_t doublings;        /* how long the next hold is: BOUND_HOLD_MIN_US × 2^doublings */
    struct instant hold_until; /* INSTANT_NONE, or the past, if there is no hold */
};

enum pacing_event {
    PACING_SUCCESS, /* the receiver took its part in a transaction: a whole, well-formed reply to RCPT or later, no throttle */
    PACING_THROTTLE, /* retry.h says which failures are one */
    PACING_RELEASE,  /* an operator lifts the hold; a probe follows */
};

/* What the edge gives with a throttle. */
struct pacing_throttle {
    int64_t asked_us; /* what the reply's entry asks for at least; zero if nothing */
    uint64_t random;  /* for the jitter: uniform */
};

struct pacing pacing_new(uint8_t limit_max);
/* throttle: read only with PACING_THROTTLE, else NULL. */
MUST_USE struct pacing pacing_after(struct pacing pacing, enum pacing_event event,
                                    const struct pacing_throttle *throttle, struct instant now);
/* Connections that may be open at this instant: 0 while held, 1 while probing, else the limit. */
uint8_t pacing_connections(const struct pacing *pacing, struct instant now);
/* A stored state under a receiver whose maximum is another by now; out-of-range fields are brought into range. */
struct pacing pacing_restored(struct pacing stored, uint8_t limit_max);
