/*
 * host — the receiver: it listens, accepts, counts, and says who is one too many.
 *
 * A connection is counted when it is accepted. Before that, those of the same source that we have said good-bye to are
 * looked at once more: what the client had ended before it came again is not held against it, in whatever order the
 * kernel told us.
 */
#pragma once

#include "base/ip.h"
#include "base/list.h"

#include "io/loop.h"

#include "sandbox/content.h"
#include "sandbox/greylist.h"
#include "sandbox/inbox.h"

struct behaviour;
struct clock;

#define HOST_CONNECTIONS_MAX 8192                 /* of all sources; one more is refused with 421 4.3.2 */
#define HOST_CONTENT_MAX     (512L * 1024 * 1024) /* octets of messages that are being read, together */
#define HOST_BACKLOG         1024
#define HOST_ACCEPTS_MAX     64 /* in one turn of the loop */

struct host {
    struct loop *loop; /* borrowed, like the next five, for the host's life */
    const struct clock *clock;
    const struct behaviour *behaviour;
    struct greylist *greylist;
    struct record *record;
    struct inbox *inbox;
    uint64_t luck; /* the profile's chances: a seed, then SplitMix64 */
    struct content_budget budget;
    struct list all, parting; /* of conversations; parting: those we have said good-bye to */
    size_t open;
    struct listener *listener;
};

/* Fills the rest and listens. false: *fault says why. */
MUST_USE bool host_begin(struct host *host, struct ip ip, uint16_t port, const char **fault);
/* Stops listening and ends every conversation; the handles' memory returns in loop_free(). */
void host_end(struct host *host);

struct moment host_now(const struct host *host);
/* A conversation is over and closed; `link`s are out of the lists. */
void host_left(struct host *host, struct source *source, uint64_t number, enum seen_end end);
