#include "server/front.h"

static bool is_front(const struct setting_texts *fronts, struct ip peer)
{
    struct ip front;
    for (size_t i = 0; i < fronts->count; i++)
        if (ip_parse(text_of(fronts->items[i]), &front) && ip_equal(front, peer))
            return true;
    return false;
}

struct ip front_peer(const struct setting_texts *fronts, struct ip peer, struct text forwarded_for)
{
    struct ip asked;
    size_t comma = text_find_last(forwarded_for, ',');
    struct text last = comma == forwarded_for.length ? forwarded_for : text_after(forwarded_for, comma + 1);
    return is_front(fronts, peer) && ip_parse(text_trim(last), &asked) ? asked : peer;
}
