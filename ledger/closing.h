/*
 * closing — all that waits in a mailbox, or of a customer, is cancelled; a thousand messages at a time, until a look finds
 * none.
 */
#pragma once

#include "ledger/ending.h"

struct closing {
    struct uuid mailbox; /* given; UUID_NIL: of the whole customer */
    const char *code;    /* of the explanation */
    void (*done)(struct closing *closing);

    size_t cancelled; /* told */

    struct act_step step;
    struct ending ending;
    size_t asked;
};

void closing_start(struct act *act, struct closing *closing);
