/*
 * slot — one permission to send, as the ledger tells it: mailbox, local day and number are its key.
 */
#pragma once

#include "base/id.h"

struct slot {
    struct uuid mailbox;
    struct day local_day;
    int16_t number;
    struct uuid ip;
    struct instant at;        /* the plan's second */
    struct instant not_after; /* then it is over */
};
