/*
 * lane — a worker's life on one IP: the only thing in the world that sends from it.
 *
 * One life:
 *
 *   LOCKING    binds the lock of the address; tried again every second while another process has it
 *   ASKING     reads who owns it: a live owner elsewhere is left alone
 *   RAISING    raises the generation in the database: authorizations of an old owner fail from here on
 *   WAITING    until the old owner's connections cannot be counted any more (P4)
 *   SETTLING   what the old one left authorized is `unconfirmed`; holds and the last begin are read
 *   RUNNING    begins what is due, keeps the gap, keeps sessions for the next message; says every few seconds that it lives
 *   DRAINING   nothing new; conversations end, outcomes are written, permits come home; then `ended_at`, the lock, the end
 *
 * It fails closed: without an answer of the database for BOUND_OWNER_SILENT_US, or told that somebody else owns the IP, it
 * ends its sessions without a dot and begins nothing; told so, it goes back to LOCKING.
 */
#pragma once

#include "io/host_lock.h"

#include "ledger/ownership.h"

#include "worker/agenda.h"
#include "worker/delivery.h"
#include "worker/gap.h"
#include "worker/receivers.h"

enum lane_state {
    LANE_LOCKING,
    LANE_ASKING,
    LANE_RAISING,
    LANE_WAITING,
    LANE_SETTLING,
    LANE_RUNNING,
    LANE_DRAINING,
};

/* `ended` is called once, after lane_drain() when all is over, and frees the lane with lane_free(). */
struct lane_owner {
    void (*ended)(struct lane_owner *owner, struct lane *lane);
};

struct lane_given {
    struct uuid customer, ip;
    struct ip address;
    struct text ptr; /* TEXT_NONE: none */
};

struct lane {
    struct worker *worker;
    struct link link; /* in the fleet's list */
    struct arena *arena;
    struct uuid customer, ip;
    struct ip address;
    struct text address_text, helo;
    char *name; /* "lane[127.0.0.5]" */
    enum lane_state state;
    struct host_lock lock;
    enum host_lock_word lock_word;
    int64_t generation;
    bool owned; /* the generation is ours, as far as we know */

    struct ownership ownership;
    bool ownership_asked;
    struct tick wait_since, wait_at_most;
    bool same_host;
    struct tick seen_at, settled_at, read_at, drain_since;

    struct transaction_wait owner_wait;
    size_t owner_asked;
    bool owner_reading, settled;

    struct permit_book *book;
    struct permit_home home;
    struct list sessions, deliveries;
    struct session_keeper keeper;
    struct agenda agenda;
    struct gap gap;
    struct receivers receivers;
    struct map *explained; /* message → what was said of it last */
    struct arena *explained_arena;
    struct list explains;
    struct instant last_begin;
    bool sandbox, halted, silent, given_up, told_busy;
    struct tick answered_at;
    struct timer look, beat;
    struct lane_owner *owner;
};

struct lane *lane_new(struct worker *worker, const struct lane_given *given, struct lane_owner *owner);
void lane_drain(struct lane *lane);
void lane_free(struct lane **lane);

bool lane_wants_due(const struct lane *lane); /* it is to be in the next reading of due slots */
void lane_heard_due(struct lane *lane);       /* its agenda has just been filled */
void lane_look(struct lane *lane);            /* in the loop's next turn: something may begin now */
const char *lane_state_name(enum lane_state state);

/* For deliveries. */
void lane_answered(struct lane *lane); /* the database has answered something of this lane */
void lane_is_stale(struct lane *lane); /* somebody else owns the IP */
void lane_delivery_ended(struct lane *lane, struct delivery *delivery);
struct session *lane_connect(struct lane *lane, const struct route *route, struct permit *permit);
