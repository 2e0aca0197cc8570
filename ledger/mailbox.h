/*
 * mailbox — sending addresses come, change and close; what was booked follows by the rules of "changes under booked slots".
 *
 * Every change first raises the mailbox's plan_version, then deletes its openings (which waits for bookings in flight),
 * then changes the slots, all in the one transaction:
 *   cap lowered          what has no place under the new cap is booked anew, or waits
 *   window, zone         what is booked stays as it is booked; the openings are laid anew
 *   paused               what is booked waits; resume books what lost its slot meanwhile
 *   pool, and so the IP  future slots keep day and number, and get the new plan's second and the new IP
 *   closed               what is booked or waits is cancelled; the ordinal is free for the next
 * A mailbox is never deleted: making a closed one's address anew opens the same row, with its slots.
 */
#pragma once

#include "policy/window.h"

#include "ledger/act.h"

/* ---- make ---- */

struct mailbox_new {
    struct uuid mailbox;                      /* its id, if the address is new; afterwards: the id it has */
    struct text address, address_key, domain; /* domain: its name, canonical, without @ */
    struct text display_name;
    struct uuid pool;      /* UUID_NIL: the customer's pool `default` */
    struct text time_zone; /* one that io/zoneinfo knows: checked by the caller */
    struct window window;
    int16_t daily_cap;
};

enum mailboxes_word {
    MAILBOXES_MADE,
    MAILBOXES_CUSTOMER_SUSPENDED, /* or closed */
    MAILBOXES_ADDRESS_TAKEN,      /* `index`: that address is an active or paused mailbox of this customer */
    MAILBOXES_POOL_UNKNOWN,
    MAILBOXES_DOMAIN_UNKNOWN, /* a live customer has to add the domain first */
};

struct mailboxes_make {
    struct mailbox_new *items; /* given: 1 to BOUND_MAILBOXES_PER_REQUEST, all or none, of distinct addresses */
    size_t count;
    void (*done)(struct mailboxes_make *make);

    enum mailboxes_word word; /* told */
    size_t index;             /* which item the refusal speaks of */
};

void mailboxes_make(struct act *act, struct mailboxes_make *make);

/* ---- change ---- */

enum mailbox_state { MAILBOX_AS_IT_IS, MAILBOX_ACTIVE, MAILBOX_PAUSED };

enum mailbox_word {
    MAILBOX_CHANGED,
    MAILBOX_UNKNOWN, /* no such mailbox of this customer */
    MAILBOX_CLOSED,
    MAILBOX_POOL_UNKNOWN,
};

struct mailbox_change {
    struct uuid mailbox;      /* given */
    struct text display_name; /* TEXT_NONE: as it is; likewise below */
    struct uuid pool;         /* UUID_NIL */
    struct text time_zone;    /* TEXT_NONE */
    struct window window;     /* days == 0 */
    int16_t daily_cap;        /* 0 */
    enum mailbox_state state;
    void (*done)(struct mailbox_change *change);

    enum mailbox_word word; /* told */
};

void mailbox_change(struct act *act, struct mailbox_change *change);

struct mailbox_close {
    struct uuid mailbox; /* given */
    void (*done)(struct mailbox_close *close);

    enum mailbox_word word; /* told; MAILBOX_CLOSED: it was so already */
    size_t cancelled;       /* messages */
};

void mailbox_close(struct act *act, struct mailbox_close *close);
