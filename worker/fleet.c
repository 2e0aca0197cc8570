#include "worker/fleet.h"

#include "base/bounds.h"

#include "io/log.h"

#include "worker_statements.h"

#define READ_REAL_US   US_PER_SECOND
#define READ_SCALED_US (200 * US_PER_MS)

struct fleet {
    struct worker *worker;
    struct texts addresses; /* none: by host */
    struct list lanes;
    struct timer second, due_timer;
    struct transaction_wait list_wait, due_wait;
    size_t list_asked, due_asked;
    struct tick due_sent;
    struct arena *due_arena; /* of the reading under way */
    bool listing, reading, draining;
    struct lane_owner owner;
    struct fleet_end *end; /* NULL: nobody waits for it, or it was told */
};

static void maybe_over(struct fleet *fleet)
{
    struct fleet_end *end = fleet->end;
    if (end == NULL || !list_is_empty(&fleet->lanes) || fleet->listing || fleet->reading)
        return;
    fleet->end = NULL;
    end->over(end);
}

/* ---- which lanes ---- */

static struct lane *lane_of(struct fleet *fleet, struct uuid customer, struct uuid ip)
{
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (uuid_equal(lane->ip, ip) && uuid_equal(lane->customer, customer) && !lane->draining)
            return lane;
    }
    return NULL;
}

/* An IP that came back while its old lane drains waits for that one: two lanes of one process would share its lock. */
static bool is_draining(struct fleet *fleet, struct uuid ip)
{
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (uuid_equal(lane->ip, ip) && lane->draining)
            return true;
    }
    return false;
}

static void lane_ended(struct lane_owner *owner, struct lane *lane)
{
    lane_free(&lane);
    maybe_over(container_of(owner, struct fleet, owner));
}

static void take_up(struct fleet *fleet, struct lanes_of_host_row row)
{
    struct ip address;
    if (lane_of(fleet, row.customer_id, row.ip_id) != NULL || is_draining(fleet, row.ip_id))
        return;
    if (!ip_parse(row.address, &address)) {
        log_error(NULL, "%.*s is no address", TEXT_ARG(row.address));
        return;
    }
    struct lane_given given = { row.customer_id, row.ip_id, address, row.ptr };
    struct lane *lane = lane_new(fleet->worker, &given, &fleet->owner);
    list_append(&fleet->lanes, &lane->link);
    log_info(lane->name, "taken up");
}

static bool is_listed(const struct lane *lane, const struct lanes_of_host_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(rows[i].ip_id, lane->ip) && uuid_equal(rows[i].customer_id, lane->customer))
            return true;
    return false;
}

static void apply_list(struct fleet *fleet, const struct lanes_of_host_row *rows, size_t count)
{
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (is_listed(lane, rows, count) || lane->draining)
            continue;
        log_info(lane->name, "is not ours any more");
        lane_drain(lane);
    }
    for (size_t i = 0; i < count; i++)
        take_up(fleet, rows[i]);
}

static struct lanes_of_host_row list_row(struct fleet *fleet, struct transaction *transaction, size_t at)
{
    if (fleet->addresses.count == 0)
        return lanes_of_host_get(transaction, fleet->list_asked, at);
    struct lanes_of_addresses_row row = lanes_of_addresses_get(transaction, fleet->list_asked, at);
    return (struct lanes_of_host_row){ row.customer_id, row.ip_id, row.address, row.ptr };
}

static void listed(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct fleet *fleet = container_of(wait, struct fleet, list_wait);
    fleet->listing = false;
    if (end->word == PG_COMMITTED && !fleet->draining) {
        struct arena *arena = arena_new();
        size_t count = fleet->addresses.count == 0 ? lanes_of_host_count(transaction, fleet->list_asked)
                                                   : lanes_of_addresses_count(transaction, fleet->list_asked);
        struct lanes_of_host_row *rows = arena_make_array(arena, struct lanes_of_host_row, count);
        for (size_t i = 0; i < count; i++)
            rows[i] = list_row(fleet, transaction, i);
        apply_list(fleet, rows, count);
        arena_free(&arena);
    }
    maybe_over(fleet);
}

static void ask_list(struct fleet *fleet)
{
    if (fleet->listing)
        return;
    fleet->listing = true;
    fleet->list_wait.ended = listed;
    struct transaction *transaction = transaction_new_reading(fleet->worker->pg, UUID_NIL, &fleet->list_wait);
    fleet->list_asked =
        fleet->addresses.count == 0
            ? lanes_of_host_ask(transaction, &(struct lanes_of_host){ .host = text_of(fleet->worker->host) })
            : lanes_of_addresses_ask(transaction, &(struct lanes_of_addresses){ .addresses = fleet->addresses });
    transaction_commit(transaction);
}

static void second_fired(struct timer *timer)
{
    struct fleet *fleet = container_of(timer, struct fleet, second);
    timer_start(&fleet->second, READ_REAL_US);
    ask_list(fleet);
    routes_read(fleet->worker->routes);
}

/* ---- what is due ---- */

static void hand_out(struct fleet *fleet, struct transaction *transaction)
{
    size_t count = due_next_count(transaction, fleet->due_asked);
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (!lane_wants_due(lane))
            continue;
        agenda_start(&lane->agenda, 2 * BOUND_AGENDA, fleet->due_sent);
    }
    for (size_t i = 0; i < count; i++) {
        struct due_next_row row = due_next_get(transaction, fleet->due_asked, i);
        struct lane *lane = lane_of(fleet, row.customer_id, row.ip_id);
        if (lane == NULL || !lane_wants_due(lane))
            continue;
        agenda_put(&lane->agenda, &(struct due){ .message = row.message_id,
                                                 .mailbox = row.mailbox_id,
                                                 .local_day = row.local_day,
                                                 .number = row.number,
                                                 .at = row.at,
                                                 .due_at = row.due_at,
                                                 .not_after = row.not_after,
                                                 .domain = row.domain_key });
    }
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (lane_wants_due(lane))
            lane_heard_due(lane);
    }
}

static void due_read(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct fleet *fleet = container_of(wait, struct fleet, due_wait);
    fleet->reading = false;
    if (end->word == PG_COMMITTED && !fleet->draining)
        hand_out(fleet, transaction);
    arena_free(&fleet->due_arena);
    maybe_over(fleet);
}

static void ask_due(struct fleet *fleet)
{
    size_t count = 0, room = 0;
    struct instant now = clock_now(fleet->worker->clock);
    list_each (&fleet->lanes, link)
        room++;
    struct arena *arena = arena_new();
    struct uuid *customers = arena_make_array(arena, struct uuid, room);
    struct uuid *ips = arena_make_array(arena, struct uuid, room);
    struct instant *planned_from = arena_make_array(arena, struct instant, room);
    list_each (&fleet->lanes, link) {
        struct lane *lane = container_of(link, struct lane, link);
        if (!lane_wants_due(lane))
            continue;
        customers[count] = lane->customer;
        ips[count] = lane->ip;
        planned_from[count++] = instant_add(now, -gap_min_us(&lane->gap, now));
    }
    if (count == 0) {
        arena_free(&arena);
        return;
    }
    fleet->reading = true;
    fleet->due_arena = arena;
    fleet->due_wait.ended = due_read;
    fleet->due_sent = clock_tick();
    struct transaction *transaction = transaction_new_reading(fleet->worker->due_pg, UUID_NIL, &fleet->due_wait);
    fleet->due_asked = due_next_ask(transaction, &(struct due_next){ .customers = { customers, count },
                                                                     .ips = { ips, count },
                                                                     .now = now,
                                                                     .planned_from = { planned_from, count },
                                                                     .ahead = instant_add(now, US_PER_DAY),
                                                                     .most = BOUND_AGENDA });
    transaction_commit(transaction);
}

static void due_fired(struct timer *timer)
{
    struct fleet *fleet = container_of(timer, struct fleet, due_timer);
    bool real = clock_is_real(fleet->worker->clock);
    timer_start(&fleet->due_timer, real ? READ_REAL_US : READ_SCALED_US);
    if (!fleet->reading)
        ask_due(fleet);
}

/* ---- making and ending ---- */

struct fleet *fleet_new(struct worker *worker, struct texts addresses)
{
    struct fleet *fleet = memory_make(struct fleet);
    fleet->worker = worker;
    fleet->addresses = addresses;
    list_init(&fleet->lanes);
    timer_init(&fleet->second, worker->loop, second_fired);
    timer_init(&fleet->due_timer, worker->loop, due_fired);
    timer_start(&fleet->second, 0);
    timer_start(&fleet->due_timer, 0);
    fleet->owner.ended = lane_ended;
    return fleet;
}

void fleet_drain(struct fleet *fleet, struct fleet_end *end)
{
    fleet->draining = true;
    fleet->end = end;
    timer_stop(&fleet->second);
    timer_stop(&fleet->due_timer);
    list_each (&fleet->lanes, link)
        lane_drain(container_of(link, struct lane, link));
    maybe_over(fleet);
}

void fleet_free(struct fleet **fleet)
{
    memory_free(fleet);
}
