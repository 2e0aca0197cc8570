/*
 * socket_address — struct ip to the kernel's socket addresses and back. For the rooms' own modules that open sockets.
 */
#pragma once

#include "base/ip.h"

#include <sys/socket.h>

socklen_t socket_address_of(struct ip ip, uint16_t port, struct sockaddr_storage *into);
struct ip socket_address_ip(const struct sockaddr_storage *address); /* IP_NONE for another family */
uint16_t socket_address_port(const struct sockaddr_storage *address);

/* "203.0.113.7 > 198.51.100.2:25", cut to the size. */
void socket_address_name(struct ip source, struct ip peer, uint16_t port, char *into, size_t size);
