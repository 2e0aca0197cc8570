/*
 * manners — recipients that behave: their local-part says how, at any domain, with or without a tag (reject+x@…).
 */
#pragma once

#include "sandbox/behaviour.h"

enum manner_kind {
    MANNER_REPLY,    /* answers with its own words */
    MANNER_CLOSE,    /* the same, and closes the connection */
    MANNER_GREYLIST, /* 451 until the same (source, sender, recipient) comes back late enough */
    MANNER_DROP,     /* closes without a word */
    MANNER_STALL,    /* says nothing, and keeps the connection */
    MANNER_HALF,     /* its words without a line end, then closes */
    MANNER_LATE,     /* closes late */
};

struct manner {
    const char *local_part;
    enum stage stage; /* where it shows */
    enum manner_kind kind;
    const char *reply;
};

#define MANNER_LATE_US (2 * US_PER_SECOND)

/* NULL: an ordinary address. */
const struct manner *manner_of(struct text address);
