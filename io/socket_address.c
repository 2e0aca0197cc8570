#include "io/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

socklen_t socket_address_of(struct ip ip, uint16_t port, struct sockaddr_storage *into)
{
    memset(into, 0, sizeof(*into));
    if (ip.version == 4) {
        struct sockaddr_in *four = (struct sockaddr_in *)into;
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, ip.bytes, sizeof(four->sin_addr));
        return sizeof(*four);
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)into;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    memcpy(&six->sin6_addr, ip.bytes, sizeof(six->sin6_addr));
    return sizeof(*six);
}

struct ip socket_address_ip(const struct sockaddr_storage *address)
{
    struct ip ip = IP_NONE;
    if (address->ss_family == AF_INET) {
        ip.version = 4;
        memcpy(ip.bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        ip.version = 6;
        memcpy(ip.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    }
    return ip;
}

uint16_t socket_address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port) : 0;
}

static const char *name_of(struct ip ip, char into[INET6_ADDRSTRLEN])
{
    const char *name = inet_ntop(ip.version == 4 ? AF_INET : AF_INET6, ip.bytes, into, INET6_ADDRSTRLEN);
    return name == NULL ? "?" : name;
}

void socket_address_name(struct ip source, struct ip peer, uint16_t port, char *into, size_t size)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    snprintf(into, size, "%s > %s:%u", name_of(source, from), name_of(peer, to), port);
}
