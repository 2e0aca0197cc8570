/*
 * lane — a worker's life on one IP: the only thing in the world that sends from it.
 *
 * One life. Its tenure first: lock, generation, the wait for an old owner (worker/tenure.h). While it holds the IP, it
 * begins what is due, keeps the gap, and keeps sessions for the next message. lane_drain(): nothing new; conversations
 * end, outcomes are written, permits come home; then the tenure ends, and the lane.
 *
 * It stops, and says why, while its address is not on this host, or this host cannot make a connection; what it did not
 * try costs a message nothing. It fails closed: without an answer of the database for BOUND_OWNER_SILENT_US, or told that somebody else owns the IP, it
 * ends its sessions without a dot and begins nothing.
 */
#pragma once

#include "worker/agenda.h"
#include "worker/delivery.h"
#include "worker/gap.h"
#include "worker/receivers.h"
#include "worker/tenure.h"

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
    struct lane_owner *owner;
    struct link link; /* in the fleet's list */
    struct arena *arena;
    struct uuid customer, ip;
    struct ip address;
    struct text address_text, helo;
    char *name; /* "lane[127.0.0.5]" */

    struct tenure tenure;
    struct tenure_keeper tenure_keeper;
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
    struct tick answered_at, read_at, drain_since;
    struct tick wait_until; /* this host has run out of something: nothing begins before. TICK_NONE: it has not */
    bool silent, draining;
    struct timer look, beat;
};

struct lane *lane_new(struct worker *worker, const struct lane_given *given, struct lane_owner *owner);
void lane_drain(struct lane *lane);
void lane_free(struct lane **lane);

bool lane_wants_due(const struct lane *lane); /* it is to be in the next reading of due slots */
void lane_heard_due(struct lane *lane);       /* its agenda has just been filled */
void lane_look(struct lane *lane);            /* in the loop's next turn: something may begin now */
bool lane_may_begin(const struct lane *lane);

/* For deliveries. */
void lane_answered(struct lane *lane);  /* the database has answered something of this lane */
void lane_exhausted(struct lane *lane); /* a connection could not be made: this host has run out of something */
void lane_connects(struct lane *lane);  /* one could */
void lane_delivery_ended(struct lane *lane, struct delivery *delivery);
struct session *lane_connect(struct lane *lane, const struct route *route, struct permit *permit);
