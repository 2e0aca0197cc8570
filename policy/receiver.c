#include "policy/receiver.h"

#define ROUTE_CONNECTIONS 1 /* nothing is known of it: reference figure for receivers without one */
#define ROUTE_MESSAGES    5

struct receiver receiver_of_route(struct arena *arena, struct text host, uint16_t port)
{
    struct text name = text_lower(arena, host);
    if (text_ends(name, TEXT(".")))
        name = text_slice(name, 0, name.length - 1);
    bool is_ipv6 = text_has(name, ':') && !text_starts(name, TEXT("["));
    struct text id = text_format(arena, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", TEXT_ARG(name), (unsigned)port);
    return (struct receiver){ id, ROUTE_CONNECTIONS, ROUTE_MESSAGES };
}
