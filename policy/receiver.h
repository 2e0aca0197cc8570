/*
 * receiver — MX hosts that count connections together, and what is known of them.
 *
 * With a route the receiver is its host and port, as text: `127.0.0.1:2525`, `[::1]:25`. That text is the receiver's id
 * everywhere: in permits, in stored pacing, in attempts and in the API.
 */
#pragma once

#include "base/text.h"

struct receiver {
    struct text id;                       /* lives in the arena it was made in */
    uint8_t connections_max;              /* from one IP, at any instant; pacing may rise to it, never beyond */
    uint16_t messages_per_connection_max; /* then QUIT, and a new connection */
};

/* A route's host is lower-cased; its final dot is dropped. */
struct receiver receiver_of_route(struct arena *arena, struct text host, uint16_t port);
