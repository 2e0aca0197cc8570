/*
 * connection — a TCP client socket that leaves from one source address, or not at all.
 *
 * One life: connection_new(), `connected` (or at once `ended`), bytes in and out, connection_finish(), `ended`. The
 * socket is bound to the source and nothing else, and looked at again after it connected: it never falls back to another
 * address (P3). The port is chosen at connect (IP_BIND_ADDRESS_NO_PORT), so that one address serves many peers.
 *
 * A connection is over when the peer closed it (P4). connection_finish() sends what was written, then our end-of-file,
 * reads (and drops) until the peer's, for as long as it is told; then the descriptor is closed and `ended` says whether
 * the end-of-file came. A receiver counts us until it has read our close, so a permit comes back only after
 * end.peer_closed, or for a socket that is known dead (CONNECTION_LOST), or was never open (CONNECTION_REFUSED, NOT_OURS,
 * NOT_MADE); after CONNECTION_RESET the peer may still count us for a while, and for long if it was `unheard`: with a
 * cable pulled or an address gone it learns nothing of our end.
 *
 * `ended` is called exactly once, always from the loop, never inside a call of this header, when the descriptor is
 * closed; the connection is gone when it returns. Bytes are bytes: what TLS would change lies between here and the socket.
 */
#pragma once

#include "base/instant.h"
#include "base/ip.h"

struct loop;
struct connection;

enum connection_word {
    CONNECTION_NOT_OURS, /* the source address is not on this host; nothing left this host */
    CONNECTION_NOT_MADE, /* this host has no descriptor, memory, port or way for it: end.error; nothing left it either */
    CONNECTION_REFUSED,  /* the peer, or the way to it, said no before we were connected: end.error */
    CONNECTION_FINISHED, /* both ends closed: end.peer_closed is true */
    CONNECTION_LOST,     /* it broke while it was open: end.error; the socket is dead */
    CONNECTION_RESET,    /* we gave it up: no end-of-file in time, no connection in time, or connection_reset() */
};

struct connection_end {
    enum connection_word word;
    int error;        /* errno: of the refusal, or of the loss; 0 where there is none */
    bool connected;   /* it was open at some time */
    bool peer_closed; /* the peer's end-of-file was read */
    bool unheard;     /* reset while the peer had not acknowledged what we sent long ago: it will not hear the reset */
};

/* Lives in the owner until `ended`; found back with container_of(). Each may call any function below. */
struct connection_owner {
    void (*connected)(struct connection_owner *owner);
    void (*heard)(struct connection_owner *owner, struct text bytes); /* borrowed for the call; not after finish */
    void (*drained)(struct connection_owner *owner);                  /* what was waiting is on the wire; may be NULL */
    void (*peer_closed)(struct connection_owner *owner); /* its end-of-file came before our finish: finish now */
    void (*expired)(struct connection_owner *owner);     /* connection_expect()'s time is over */
    void (*ended)(struct connection_owner *owner, const struct connection_end *end);
};

/* connect_us: real time until connected, else CONNECTION_RESET. */
MUST_USE struct connection *connection_new(struct loop *loop, struct ip source, struct ip peer, uint16_t port,
                                           int64_t connect_us, struct connection_owner *owner);

/*
 * Copies the bytes and sends them in order, never waiting (TCP_NODELAY). false: the peer reads too slowly and
 * BOUND_CONNECTION_OUT bytes wait already; nothing was taken: go on when `drained`.
 * Before connected, or after finish, nothing may be written.
 */
MUST_USE bool connection_write(struct connection *connection, struct text bytes);
/* Bytes written that are not on the wire: with us, or with the kernel behind a window that the peer keeps shut. Whenever
 * there are any after a write, `drained` follows, or `ended`. */
size_t connection_waiting(const struct connection *connection);

/* One deadline at a time, in real time; a new one replaces it, 0 ends it. `expired` is called once. */
void connection_expect(struct connection *connection, int64_t within_us);

/* The peer's bytes stay in the kernel until we read again: backpressure. */
void connection_pause(struct connection *connection);
void connection_resume(struct connection *connection);

/* Ask for the end: in order (half-close, then the peer's end-of-file within `within_us`), or at once, by a reset. */
void connection_finish(struct connection *connection, int64_t within_us);
void connection_reset(struct connection *connection);

const char *connection_word_name(enum connection_word word);
bool connection_lacks_way(
    int error); /* of CONNECTION_NOT_MADE: to this peer; else this host has run out of something */
struct tick connection_last_heard(const struct connection *connection); /* TICK_NONE: never */
