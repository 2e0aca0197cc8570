#include "server/host_name.h"

#include "base/ip.h"

/* Cuts `:port` off; false: what stands behind the colon is no port. */
static bool without_port(struct text host, struct text *name)
{
    uint64_t port;
    size_t colon = text_find_last(host, ':');
    *name = host;
    if (colon == host.length || text_ends(host, TEXT("]")))
        return true;
    *name = text_slice(host, 0, colon);
    return colon + 1 == host.length || text_to_uint(text_after(host, colon + 1), 65535, &port);
}

static bool is_address(struct text name)
{
    struct ip ip;
    if (text_starts(name, TEXT("[")) && text_ends(name, TEXT("]")))
        return ip_parse(text_slice(name, 1, name.length - 2), &ip) && ip.version == 6;
    return ip_parse(name, &ip) && ip.version == 4;
}

bool host_name_is_ours(struct text host, const struct setting_texts *names)
{
    struct text name;
    if (!without_port(text_trim(host), &name) || text_is_empty(name))
        return false;
    if (is_address(name))
        return true;
    if (text_ends(name, TEXT(".")))
        name = text_slice(name, 0, name.length - 1);
    if (text_equal_fold(name, TEXT("localhost")))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (text_equal_fold(name, text_of(names->items[i])) || text_equal(text_of(names->items[i]), TEXT("*")))
            return true;
    return false;
}
