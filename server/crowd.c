#include "server/crowd.h"

#include "base/map.h"
#include "base/memory.h"

#include "io/log.h"

#include <string.h>
#include <sys/socket.h>

struct crowd_origin {
    struct ip ip; /* its bytes are the key */
    size_t count;
};

struct crowd {
    size_t most, most_of_address;
    struct list places[CROWD_ENDS + 1];
    struct map *origins;
    size_t count;
    size_t refused, pushed_out; /* since the last crowd_tidy() */
    struct ip refused_last;
};

#define REFUSAL                                                                                                        \
    "{\"type\":\"https://evenpost.dev/problems/unavailable\",\"title\":\"Not available at the "                        \
    "moment\",\"status\":503,"                                                                                         \
    "\"detail\":\"Your address has too many connections.\"}"

static const char refusal[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Cache-Control: no-store\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 153\r\n"
    "\r\n" REFUSAL;
static_assert(sizeof REFUSAL - 1 == 153, "its Content-Length");

/* ---- where they come from ---- */

static struct text key_of(const struct crowd_origin *origin)
{
    return text_from((const char *)&origin->ip, sizeof origin->ip);
}

/* Whoever has an IPv6 address has a network of them. */
static struct ip network_of(struct ip ip)
{
    if (ip.version == 6)
        memset(ip.bytes + 8, 0, 8);
    return ip;
}

static struct crowd_origin *origin_of(struct crowd *crowd, struct ip from)
{
    struct crowd_origin wanted = { .ip = network_of(from) };
    struct crowd_origin *origin = map_find(crowd->origins, key_of(&wanted));
    if (origin != NULL)
        return origin;
    origin = memory_make(struct crowd_origin);
    origin->ip = wanted.ip;
    (void)map_put(crowd->origins, key_of(origin), origin);
    return origin;
}

static void origin_drop(struct crowd *crowd, struct crowd_origin *origin)
{
    if (--origin->count > 0)
        return;
    (void)map_remove(crowd->origins, key_of(origin));
    memory_free(&origin);
}

/* ---- members ---- */

static void place_at(struct crowd *crowd, struct crowd_member *member, enum crowd_place place)
{
    list_remove(&member->link);
    member->place = place;
    list_append(&crowd->places[place], &member->link);
}

static void end(struct crowd *crowd, struct crowd_member *member)
{
    shutdown(member->descriptor, SHUT_RDWR);
    member->deadline = TICK_NONE;
    place_at(crowd, member, CROWD_ENDS);
}

static void make_room(struct crowd *crowd)
{
    struct link *oldest = list_first(&crowd->places[CROWD_WAITS]);
    if (oldest == NULL)
        return;
    crowd->pushed_out++;
    end(crowd, container_of(oldest, struct crowd_member, link));
}

struct crowd_member *crowd_join(struct crowd *crowd, int descriptor, struct ip from, struct tick deadline)
{
    struct crowd_member *member = memory_make(struct crowd_member);
    link_init(&member->link);
    member->descriptor = descriptor;
    member->deadline = deadline;
    member->origin = origin_of(crowd, from);
    if (++crowd->count > crowd->most)
        make_room(crowd);
    place_at(crowd, member, CROWD_WAITS);
    if (++member->origin->count <= crowd->most_of_address)
        return member;
    crowd->refused++;
    crowd->refused_last = from;
    (void)send(descriptor, refusal, sizeof refusal - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    end(crowd, member);
    return member;
}

void crowd_leave(struct crowd *crowd, struct crowd_member **left)
{
    struct crowd_member *member = *left;
    crowd->count--;
    origin_drop(crowd, member->origin);
    list_remove(&member->link);
    memory_free(left);
}

void crowd_move(struct crowd *crowd, struct crowd_member *member, enum crowd_place place)
{
    assert(place != CROWD_ENDS);
    if (member->place != CROWD_ENDS)
        place_at(crowd, member, place);
}

static void tell(struct crowd *crowd)
{
    if (crowd->refused > 0) {
        struct arena *arena = arena_new();
        log_warning(NULL, "%zu connections refused, the last from %.*s: one address may have %zu", crowd->refused,
                    TEXT_ARG(ip_text(arena, crowd->refused_last)), crowd->most_of_address);
        arena_free(&arena);
    }
    if (crowd->pushed_out > 0)
        log_warning(NULL, "%zu connections that waited longest made room for new ones: %zu may be open",
                    crowd->pushed_out, crowd->most);
    crowd->refused = crowd->pushed_out = 0;
}

bool crowd_tidy(struct crowd *crowd, struct tick now)
{
    bool ended = false;
    for (enum crowd_place place = CROWD_WAITS; place < CROWD_ENDS; place++)
        list_each (&crowd->places[place], link) {
            struct crowd_member *member = container_of(link, struct crowd_member, link);
            if (tick_is_none(member->deadline) || tick_before(now, member->deadline))
                continue;
            end(crowd, member);
            ended = true;
        }
    tell(crowd);
    return ended;
}

size_t crowd_count(const struct crowd *crowd)
{
    return crowd->count;
}

struct crowd *crowd_new(struct hash_key seed, size_t most, size_t most_of_address)
{
    struct crowd *crowd = memory_make(struct crowd);
    crowd->most = most;
    crowd->most_of_address = most_of_address;
    crowd->origins = map_new(seed);
    for (size_t i = 0; i < COUNT(crowd->places); i++)
        list_init(&crowd->places[i]);
    return crowd;
}

void crowd_free(struct crowd **freed)
{
    assert((*freed)->count == 0);
    map_free(&(*freed)->origins);
    memory_free(freed);
}
