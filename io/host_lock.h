/*
 * host_lock — one owner of an IP on this host, and what of the old one the kernel still shows.
 *
 * The lock is a TCP socket bound to the address itself and one fixed port, which never listens: one call proves that
 * the address is on this host and that nobody else here has it. A stopped process keeps it; a dead one loses it together
 * with its connections. It is bound without SO_REUSEADDR (with it, two could bind) and not inherited (O_CLOEXEC).
 */
#pragma once

#include "base/ip.h"

enum { HOST_LOCK_PORT = 25025 }; /* below 32768: no outgoing connection ever takes it */

enum host_lock_word {
    HOST_LOCK_HELD,        /* ours now */
    HOST_LOCK_TAKEN,       /* another process has it, or something listens on that port on every address */
    HOST_LOCK_NOT_OURS,    /* the address is not on this host */
    HOST_LOCK_UNAVAILABLE, /* the kernel said something else: errno */
};

struct host_lock {
    int descriptor; /* -1: not held */
};

#define HOST_LOCK_NONE ((struct host_lock){ -1 })

MUST_USE enum host_lock_word host_lock_take(struct host_lock *lock, struct ip address, uint16_t port);
void host_lock_release(struct host_lock *lock); /* does nothing when it is not held */
const char *host_lock_word_name(enum host_lock_word word);

/* Is the address on this host now? UNAVAILABLE: nobody knows. Takes nothing. */
MUST_USE enum host_lock_word host_lock_look(struct ip address);

/* The network and process namespaces of this process: what is true of locks, sockets and pids is true of those who share
 * them. TEXT_NONE: /proc does not say. */
struct text host_lock_place(struct arena *arena);

/*
 * How many sockets with this local address and one of these remote ports a receiver may still count: ESTABLISHED,
 * FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK (also those without a process). Asks the kernel (sock_diag, unprivileged,
 * this network namespace), for all lanes together: the answer may be 0.2 s old, so it may still count a socket that has
 * closed. -1: it did not answer; errno says why.
 */
MUST_USE int host_lock_count_sockets(struct ip local, const uint16_t *remote_ports, size_t count);
