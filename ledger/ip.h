/*
 * ip — an address gets a customer, loses it, stops and goes on.
 *
 * The lane's row is the gate: `halted` empty means that it may send. Pause, release and a suspended customer each add
 * their own word, in the transaction that answers the request; adding waits for the authorizations in flight, and taking
 * back removes that word alone. Slots of a released IP move with their mailboxes to the pool's IP with the fewest; with
 * none left their messages wait, `ip_unavailable`.
 */
#pragma once

#include "ledger/act.h"

enum ip_word {
    IP_DONE,
    IP_UNKNOWN,            /* no such IP; or, of release, pause and resume, none that this customer has */
    IP_UNAVAILABLE,        /* assign: it is not `available` */
    IP_POOL_UNKNOWN,       /* assign */
    IP_CUSTOMER_SUSPENDED, /* assign: the customer is closed */
};

/* act->customer: who gets it. Mailboxes of the pool that have no IP are taken in. */
struct ip_assign {
    struct uuid ip;   /* given */
    struct uuid pool; /* UUID_NIL: the customer's pool `default` */
    void (*done)(struct ip_assign *assign);

    enum ip_word word; /* told */
    size_t mailboxes;  /* taken in */
};

void ip_assign(struct act *act, struct ip_assign *assign);

/* act->customer: who has it. Quarantined until `available_at`. */
struct ip_release {
    struct uuid ip; /* given */
    struct instant available_at;
    void (*done)(struct ip_release *release);

    enum ip_word word; /* told */
};

void ip_release(struct act *act, struct ip_release *release);

/* act->customer: who has it, or UUID_NIL for one that nobody has. */
struct ip_pause {
    struct uuid ip; /* given */
    bool paused;    /* false: resume */
    void (*done)(struct ip_pause *pause);

    enum ip_word word; /* told */
};

void ip_pause(struct act *act, struct ip_pause *pause);
