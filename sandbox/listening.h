/*
 * listening — a socket that listens, and who calls at it. Nothing here blocks, no descriptor is inherited.
 */
#pragma once

#include "base/ip.h"

/* The descriptor, yours; −1: errno says why. */
MUST_USE int listening_socket(struct ip ip, uint16_t port, int backlog);

/* The next caller's descriptor, yours, and where it comes from; −1: errno says why, EAGAIN: nobody waits. */
MUST_USE int listening_accept(int descriptor, struct ip *from);
