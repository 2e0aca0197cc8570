/*
 * listening — a socket that listens, not blocking and not inherited.
 */
#pragma once

#include "base/ip.h"

/* The descriptor, yours; −1: errno says why. */
MUST_USE int listening_socket(struct ip ip, uint16_t port, int backlog);
