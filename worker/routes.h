/*
 * routes — where mail of a domain goes, as the operators say, read again every second.
 */
#pragma once

#include "base/ip.h"

#include "worker/worker.h"

struct route {
    struct text receiver; /* its id: policy/receiver.h */
    struct ip peer;
    uint16_t port;
    uint8_t connections_max;
    unsigned messages_max;
};

struct routes *routes_new(struct worker *worker); /* yours, until routes_free() */
void routes_free(struct routes **routes);
void routes_read(struct routes *routes);            /* asks the database; one question at a time */
bool routes_are_known(const struct routes *routes); /* they were read at least once */

/*
 * The exact route of the domain, or `*` for a sandbox customer; NULL: none. Borrowed until the loop's next turn.
 * A route whose host is no address, or of another family than the source, or (while the clock is not the real one) an
 * address in the world, counts as none.
 */
const struct route *routes_find(const struct routes *routes, struct text domain, bool sandbox, struct ip source);

/* The ports that mail goes to, for the kernel's count of sockets; at most `most`. */
size_t routes_ports(const struct routes *routes, uint16_t *ports, size_t most);
