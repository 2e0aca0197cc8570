/*
 * tenure — one owner per IP: how a lane comes to own its address, and how it learns that it does not any more.
 *
 * One life:
 *
 *   LOCKING    binds the lock of the address; tried again every second while another process has it
 *   ASKING     reads who owns it: a live owner elsewhere is left alone
 *   RAISING    raises the generation in the database, if it is still the one that was read: of two who find an IP
 *              without an owner one has it. Authorizations of an old owner fail from here on
 *   WAITING    until the old owner's connections cannot be counted any more (P4); only time helps when it lived on another
 *              host, or in another network namespace of this one
 *   SETTLING   reads when it last began; what it left authorized is `unconfirmed`
 *   HELD       ours; says every few seconds that it lives, and marks its own that stayed authorized for too long
 *   ENDING     writes `ended_at`, so that nobody needs to wait for us
 *   OVER       the lock is free
 *
 * Told that somebody else owns the IP, it goes back to ASKING, as soon as its keeper's connections are home.
 */
#pragma once

#include "io/host_lock.h"

#include "ledger/ownership.h"

#include "worker/worker.h"

enum tenure_state {
    TENURE_LOCKING,
    TENURE_ASKING,
    TENURE_RAISING,
    TENURE_WAITING,
    TENURE_SETTLING,
    TENURE_HELD,
    TENURE_ENDING,
    TENURE_OVER,
};

/* What keeps us from sending although the IP is ours; its owner's heartbeat tells it to the customer. */
enum tenure_trouble {
    TENURE_FINE,
    TENURE_ADDRESS_MISSING, /* the address is not on this host: looked at every second */
    TENURE_HOST_EXHAUSTED,  /* no descriptor, memory or port for a connection */
};

struct tenure;

struct tenure_keeper {
    void (*answered)(struct tenure_keeper *keeper); /* the database has said something */
    void (*changed)(struct tenure_keeper *keeper);  /* its state, or whether something halts it */
    void (*lost)(struct tenure_keeper *keeper);     /* somebody else owns the IP: end what is open, without a dot */
    bool (*is_home)(struct tenure_keeper *keeper);  /* nothing of ours is open */
};

struct tenure {
    struct worker *worker;
    struct tenure_keeper *keeper;
    struct uuid customer, ip;
    struct ip address;
    const char *name; /* for its lines */
    enum tenure_state state;
    struct host_lock lock;
    enum host_lock_word lock_word;
    int64_t generation;
    int64_t generation_seen; /* before we raised it: whose holder we know to be gone */
    bool owned;              /* the generation is ours, as far as we know */
    bool halted;             /* something halts the lane: no authorization would be given */
    enum tenure_trouble trouble;
    bool sandbox;              /* its customer's mode */
    struct instant last_begin; /* when HELD: the IP's newest authorization before ours; INSTANT_NONE: none */

    struct ownership ownership;
    struct transaction_wait holder_wait;
    size_t holder_asked;
    struct instant resting_until, resting_told; /* INSTANT_NONE: no connection of ours rests */
    struct tick wait_since, wait_at_least, wait_at_most, seen_at, settled_at;
    bool asked, reading, same_host, settled, told_busy;
    bool knows_begin; /* last_begin was read since the generation is ours */
};

void tenure_init(struct tenure *tenure, struct worker *worker, struct tenure_keeper *keeper);
void tenure_step(struct tenure *tenure); /* as often as tenure_step_us(): asks what is to be asked next */
int64_t tenure_step_us(const struct tenure *tenure);
bool tenure_is_held(const struct tenure *tenure);
bool tenure_is_busy(const struct tenure *tenure); /* an answer of the database is on its way */
/* Connections that we gave up may be counted until then (real): the next owner is told, should we not live so long. */
void tenure_rests(struct tenure *tenure, int64_t grace_us);
void tenure_lose(struct tenure *tenure);                      /* an authorization said that it is not ours */
void tenure_look(struct tenure *tenure);                      /* is the address still on this host? */
void tenure_exhausted(struct tenure *tenure, bool exhausted); /* a connection could not be made, or could be again */
void tenure_end(struct tenure *tenure);                       /* asks for the end; OVER follows, by steps */
