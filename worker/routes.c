#include "worker/routes.h"

#include "base/bounds.h"
#include "base/map.h"

#include "policy/receiver.h"

#include "io/log.h"

#include "worker_statements.h"

struct routes {
    struct worker *worker;
    struct arena *arena; /* of the last reading */
    struct map *by_domain;
    struct transaction_wait wait;
    size_t asked;
    bool reading, known;
};

struct routes *routes_new(struct worker *worker)
{
    struct routes *routes = memory_make(struct routes);
    routes->worker = worker;
    routes->arena = arena_new();
    routes->by_domain = map_new((struct hash_key){ 7, 8 });
    return routes;
}

void routes_free(struct routes **routes)
{
    if (*routes == NULL)
        return;
    map_free(&(*routes)->by_domain);
    arena_free(&(*routes)->arena);
    memory_free(routes);
}

bool routes_are_known(const struct routes *routes)
{
    return routes->known;
}

static void put_route(struct routes *routes, const struct routes_all_row *row)
{
    struct route *route = arena_make(routes->arena, struct route);
    struct receiver receiver = receiver_of_route(routes->arena, row->host, (uint16_t)row->port);
    if (!ip_parse(row->host, &route->peer))
        log_warning(NULL, "the route of %.*s names a host, not an address: it is not used", TEXT_ARG(row->domain));
    route->receiver = receiver.id;
    route->port = (uint16_t)row->port;
    route->connections_max = receiver.connections_max;
    route->messages_max = receiver.messages_per_connection_max;
    map_put(routes->by_domain, text_copy(routes->arena, row->domain), route);
}

static void routes_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct routes *routes = container_of(wait, struct routes, wait);
    routes->reading = false;
    if (end->word != PG_COMMITTED)
        return;
    arena_free(&routes->arena);
    map_free(&routes->by_domain);
    routes->arena = arena_new();
    routes->by_domain = map_new((struct hash_key){ 7, 8 });
    routes->known = true;
    for (size_t i = 0; i < routes_all_count(transaction, routes->asked); i++) {
        struct routes_all_row row = routes_all_get(transaction, routes->asked, i);
        put_route(routes, &row);
    }
}

void routes_read(struct routes *routes)
{
    if (routes->reading)
        return;
    routes->reading = true;
    routes->wait.ended = routes_ended;
    struct transaction *transaction = transaction_new_reading(routes->worker->pg, UUID_NIL, &routes->wait);
    routes->asked = routes_all_ask(transaction, &(struct routes_all){ .most = BOUND_ROUTES });
    transaction_commit(transaction);
}

static bool is_usable(const struct routes *routes, const struct route *route, struct ip source)
{
    bool inside = ip_is_loopback(route->peer) || ip_is_private(route->peer);
    return route->peer.version == source.version && (inside || clock_is_real(routes->worker->clock));
}

const struct route *routes_find(const struct routes *routes, struct text domain, bool sandbox, struct ip source)
{
    const struct route *route = map_find(routes->by_domain, domain);
    if (route == NULL && sandbox)
        route = map_find(routes->by_domain, TEXT("*"));
    return route != NULL && is_usable(routes, route, source) ? route : NULL;
}

size_t routes_ports(const struct routes *routes, uint16_t *ports, size_t most)
{
    size_t count = 0;
    ports[count++] = 25;
    map_each (routes->by_domain, struct route, route) {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || ports[i] == route->port;
        if (!known && count < most)
            ports[count++] = route->port;
    }
    return count;
}
