#include "sandbox/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static socklen_t address_of(struct ip ip, uint16_t port, union address *address)
{
    *address = (union address){ 0 };
    if (ip.version == 4) {
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons(port);
        memcpy(&address->in.sin_addr, ip.bytes, 4);
        return sizeof(address->in);
    }
    address->in6.sin6_family = AF_INET6;
    address->in6.sin6_port = htons(port);
    memcpy(&address->in6.sin6_addr, ip.bytes, 16);
    return sizeof(address->in6);
}

static struct ip address_ip(const union address *address)
{
    struct ip ip = { .version = 4 };
    const struct in6_addr *in6 = &address->in6.sin6_addr;
    if (address->any.sa_family == AF_INET)
        memcpy(ip.bytes, &address->in.sin_addr, 4);
    else if (IN6_IS_ADDR_V4MAPPED(in6)) /* the same host must not count as two */
        memcpy(ip.bytes, in6->s6_addr + 12, 4);
    else {
        ip.version = 6;
        memcpy(ip.bytes, in6->s6_addr, 16);
    }
    return ip;
}

int listening_socket(struct ip ip, uint16_t port, int backlog)
{
    union address address;
    socklen_t length = address_of(ip, port, &address);
    int yes = 1;
    int descriptor = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(descriptor, &address.any, length) == 0 && listen(descriptor, backlog) == 0)
        return descriptor;
    int why = errno;
    close(descriptor);
    errno = why;
    return -1;
}

int listening_accept(int descriptor, struct ip *from)
{
    union address address;
    socklen_t length = sizeof(address);
    int caller = accept4(descriptor, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (caller >= 0)
        *from = address_ip(&address);
    return caller;
}
