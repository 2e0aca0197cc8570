/*
 * placing — a message that is kept, and has no slot at this moment, gets the earliest opening of its mailbox, or waits and
 * says why (P8). The caller holds the message's row.
 */
#pragma once

#include "ledger/taking.h"

enum placing_word {
    PLACED,
    PLACING_WAITS,
    PLACING_CANCELLED,  /* its mailbox or customer is closed */
    PLACING_SUPPRESSED, /* while it was under way */
};

struct placing {
    struct uuid message, mailbox; /* given */
    struct text recipient_key, domain_key;
    struct instant not_before;
    struct text code;  /* how it is explained with its slot; TEXT_NONE: waiting_for_slot, or scheduled */
    struct text about; /* TEXT_NONE */
    struct instant scheduled_at;
    void (*done)(struct placing *placing);

    enum placing_word word; /* told */
    struct slot slot;

    struct act_step step;
    struct taking taking;
    size_t asked;
};

void placing_start(struct act *act, struct placing *placing);

/* What is asked when an opening has become a message's slot. The message is there. */
void placing_insert(struct act *act, struct uuid message, const struct taking *taking, struct text recipient_key,
                    struct text domain_key);
