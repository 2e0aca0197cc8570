/*
 * ordinals — mailboxes get a place on an IP: the pool's IP with the fewest, and there the lowest ordinal that is free.
 *
 * The caller holds the pools (pools_hold): nobody else gives places there meanwhile. When the count of ordinals that an
 * IP has given passes a power of two, every plan on it changes: its mailboxes' openings are laid anew.
 */
#pragma once

#include "ledger/act.h"

struct ordinals_ip {
    struct uuid pool, ip;
    int64_t given, given_before;
    size_t mailboxes;
    bool *used; /* by ordinal, given + places of them */
};

struct ordinals {
    const struct uuid *pools; /* given */
    size_t pool_count;
    size_t places;       /* how many will be asked for, at most */
    struct uuid besides; /* an IP that gives none: it is being released; UUID_NIL */
    void (*done)(struct ordinals *ordinals);

    struct ordinals_ip *ips; /* told */
    size_t ip_count;

    struct act_step step;
    size_t asked, used;
};

void ordinals_start(struct act *act, struct ordinals *ordinals);

/* A place on an IP of that pool. False: it has none. */
MUST_USE bool ordinals_give(struct ordinals *ordinals, struct uuid pool, struct uuid *ip, int64_t *ordinal);

/* Asks for what remembers the places given. */
void ordinals_write(struct act *act, const struct ordinals *ordinals);
