/*
 * suppress — a person, or everybody at a domain, is not to be written to by this customer: at once and customer-wide.
 * What is booked or waiting for them becomes `suppressed`, its slots free again. What was authorized before may still be
 * sent. Taking a suppression back brings nothing of that back.
 */
#pragma once

#include "ledger/act.h"

enum suppress_reason {
    SUPPRESS_API,
    SUPPRESS_BOUNCE,
    SUPPRESS_COMPLAINT,
    SUPPRESS_UNSUBSCRIBE,
    SUPPRESS_IMPORT,
};

struct suppress {
    struct uuid suppression; /* given: its id, if it is new */
    struct text key;         /* canonical: 'bo@example.com' or 'example.com' (mail/address.h: key, domain) */
    enum suppress_reason reason;
    void (*done)(struct suppress *suppress);

    bool made; /* told; false: it stood already, and `suppression` and created_at are that one's */
    struct instant created_at;
    size_t messages; /* that became suppressed */
};

void suppress_key(struct act *act, struct suppress *suppress);

/* A suppression is taken back. */
struct unsuppress {
    struct uuid suppression; /* given */
    void (*done)(struct unsuppress *unsuppress);

    bool found; /* told */
};

void unsuppress_key(struct act *act, struct unsuppress *unsuppress);
