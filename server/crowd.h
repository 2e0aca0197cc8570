/*
 * crowd — the connections that are open: how many, from where, until when; and who goes when they are too many (T86, T87).
 *
 * One life of a member: crowd_join() when it was accepted; it waits for a head, works at a request, waits again;
 * crowd_leave() when its descriptor is closed. Its deadline is absolute and the caller's to move; crowd_tidy(), once a
 * second, ends whoever is past it.
 *
 * Nobody takes all. Of one address (IPv6: of one /64) at most `most_of_address` are there: whoever comes beyond hears 503
 * and is ended. When `most` are there, whoever has waited longest for a head makes room for the one that comes: a flood
 * of silent connections pushes itself out, and one that asks at once is served. To end one is to shut it down: its owner
 * sees the end-of-file and closes.
 */
#pragma once

#include "base/hash.h"
#include "base/instant.h"
#include "base/ip.h"
#include "base/list.h"

struct crowd;
struct crowd_origin;

enum crowd_place {
    CROWD_WAITS, /* for a head, or for its rest */
    CROWD_WORKS,
    CROWD_ENDS, /* it was shut down */
};

struct crowd_member {
    struct link link; /* in the list of its place, by how long it is there */
    enum crowd_place place;
    int descriptor;
    struct crowd_origin *origin;
    struct tick deadline; /* TICK_NONE: none */
};

struct crowd *crowd_new(struct hash_key seed, size_t most, size_t most_of_address);
void crowd_free(struct crowd **crowd); /* everybody has left */

struct crowd_member *crowd_join(struct crowd *crowd, int descriptor, struct ip from, struct tick deadline);
void crowd_leave(struct crowd *crowd, struct crowd_member **member);
/* It waits, or works, from now on; one that was ended stays so. */
void crowd_move(struct crowd *crowd, struct crowd_member *member, enum crowd_place place);
bool crowd_tidy(struct crowd *crowd, struct tick now); /* true: somebody was ended */
size_t crowd_count(const struct crowd *crowd);
