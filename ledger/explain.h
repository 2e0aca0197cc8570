/*
 * explain — messages say why they have not gone yet (P8). Only those that are `accepted` or `booked` take the new word;
 * what moved meanwhile keeps its own. One transaction for many messages of one customer; a hint that is lost is given
 * again with the next change.
 */
#pragma once

#include "io/statement.h"

#include "ledger/act.h"

struct explain {
    struct uuid customer; /* given */
    struct uuids messages;
    struct text code;     /* one of the API's explanation codes */
    struct instant until; /* INSTANT_NONE: nobody knows */
    struct text about;    /* the receiver, the domain, …; TEXT_NONE */
    void (*told)(struct explain *explain);

    bool written; /* told */

    struct act act; /* the ledger's own */
};

void explain_messages(struct ledger *ledger, struct explain *explain);
