#include "ledger/ip.h"
#include "ledger/pacing_store.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

#include <string.h>

#define ALIVE_US          (15 * US_PER_SECOND) /* seen within this, real time */
#define QUARANTINE_US     (30 * US_PER_DAY)
#define LANE_FORGOTTEN_US (10 * US_PER_MINUTE) /* real: then nobody counts the old lane's connections any more */

LEDGER_CALL(ip_assign, ip_assign)
LEDGER_CALL(ip_release, ip_release)
LEDGER_CALL(ip_pause, ip_pause)
LEDGER_CALL(pacing_release, pacing_release_hold)

static json_t *worker_json(struct arena *arena, const struct clock *clock, const struct ips_read_row *row)
{
    bool alive = !instant_is_none(row->seen_at) && instant_is_none(row->ended_at) &&
                 instant_since(clock_steady(clock), row->seen_at) <= ALIVE_US;
    return json_pack("{s:b,s:o,s:I}", "alive", alive, "since", render_instant(arena, row->since), "generation",
                     (json_int_t)MAX_OF(row->generation, 0));
}

static json_t *ip_json(struct arena *arena, const struct clock *clock, const struct ips_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "id", render_id(arena, ID_IP, row->ip_id),
                     "address", render_text(row->address), "host", render_text(row->host), "ptr", render_text(row->ptr),
                     "state", render_text(row->state), "available_at", render_instant(arena, row->available_at),
                     "customer_id", render_id(arena, ID_CUSTOMER, row->customer_id), "pool_id",
                     render_id(arena, ID_POOL, row->pool_id), "paused", row->paused, "worker",
                     worker_json(arena, clock, row), "created_at", render_instant(arena, row->created_at));
}

static json_t *read_one(struct request *request, struct transaction *transaction, struct uuid customer, struct uuid ip)
{
    size_t asked = ips_read_ask(
        transaction, &(struct ips_read){ .customer = customer, .ip = ip, .before = page_newest, .wanted = 1 });
    if (!request_read(request))
        return NULL;
    if (ips_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return NULL;
    }
    struct ips_read_row row = ips_read_get(transaction, asked, 0);
    return ip_json(request->arena, request->server->clock, &row);
}

static void answer_changed(struct request *request, struct uuid ip)
{
    json_t *json = read_one(request, request->act.transaction, UUID_NIL, ip);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

/* ---- make, read ---- */

void ips_create(struct request *request)
{
    struct uuid ip = act_id(&request->act);
    const json_t *body = request->body;
    ip_insert_ask(request->act.transaction,
                  &(struct ip_insert){ ip, body_text(body, "address"), body_text(body, "host"), body_text(body, "ptr"),
                                       request->now });
    json_t *json = read_one(request, request->act.transaction, UUID_NIL, ip);
    if (json == NULL) {
        if (request_refused_by(request, "ips_address_key"))
            request_refuse_field(request, PROBLEM_ADDRESS_TAKEN, "/address", "taken",
                                 "This IP address is there already.");
        return;
    }
    request_location(request, "/v1/ips/%.*s", TEXT_ARG(id_text(request->arena, ID_IP, ip)));
    request_answer(request, 201, json);
}

void ips_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct texts states = request_query_list(request, "state");
    struct transaction *transaction = request_reading(request);
    size_t asked = ips_read_ask(transaction, &(struct ips_read){ .customer = request->customer,
                                                                 .states = states,
                                                                 .before = page.before,
                                                                 .wanted = page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = ips_read_count(transaction, asked), shown = page_shown(&page, count);
    struct ips_read_row row = { .ip_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = ips_read_get(transaction, asked, i);
        json_array_append_new(data, ip_json(request->arena, request->server->clock, &row));
    }
    page_answer(request, &page, data, count, row.ip_id);
}

void ips_get(struct request *request)
{
    json_t *json = read_one(request, request_reading(request), request->customer, request_id_in_path(request, ID_IP));
    if (json != NULL)
        request_answer_one(request, 200, json);
}

/* ---- whose it is ---- */

static bool read_owner(struct request *request, struct uuid ip, struct ip_owner_row *owner)
{
    struct transaction *transaction = request_reading_of(request, UUID_NIL);
    size_t asked = ip_owner_ask(transaction, &(struct ip_owner){ ip });
    if (!request_read(request))
        return false;
    *owner = (struct ip_owner_row){ UUID_NIL, INSTANT_NONE, INSTANT_NONE };
    if (ip_owner_count(transaction, asked) == 1)
        *owner = ip_owner_get(transaction, asked, 0);
    return true;
}

static void refuse_word(struct request *request, enum ip_word word)
{
    switch (word) { /* no default: a new word must not compile unexplained */
    case IP_DONE: break;
    case IP_UNKNOWN: request_not_found(request); return;
    case IP_UNAVAILABLE:
        request_refuse(request, PROBLEM_IP_UNAVAILABLE, "The IP address is not available: see its state.");
        return;
    case IP_POOL_UNKNOWN:
        request_refuse_field(request, PROBLEM_VALIDATION, "/pool_id", "unknown", "The customer has no such pool.");
        return;
    case IP_CUSTOMER_SUSPENDED:
        request_refuse(request, PROBLEM_CUSTOMER_SUSPENDED, "The customer is closed, and gets no IP address any more.");
        return;
    }
    unreachable("what was done is no refusal");
}

/* ---- actions ---- */

void ips_assign(struct request *request)
{
    struct uuid customer = body_id(request->body, "customer_id", ID_CUSTOMER);
    struct ip_assign assign = { .ip = request_id_in_path(request, ID_IP),
                                .pool = body_id(request->body, "pool_id", ID_POOL) };
    request_act_for(request, customer);
    size_t asked = customer_lock_ask(request->act.transaction, &(struct customer_lock){ customer });
    if (!request_read(request))
        return;
    if (customer_lock_count(request->act.transaction, asked) == 0) {
        request_refuse_field(request, PROBLEM_VALIDATION, "/customer_id", "unknown", "There is no such customer.");
        return;
    }
    if (!ip_assign_call(request, &assign))
        return;
    if (assign.word == IP_DONE)
        answer_changed(request, assign.ip);
    else
        refuse_word(request, assign.word);
}

void ips_release(struct request *request)
{
    struct ip_owner_row owner;
    struct ip_release release = { .ip = request_id_in_path(request, ID_IP),
                                  .available_at = instant_add(request->now, QUARANTINE_US) };
    if (!read_owner(request, release.ip, &owner))
        return;
    if (uuid_is_nil(owner.customer_id)) {
        json_t *json = read_one(request, request->act.transaction, UUID_NIL, release.ip);
        if (json == NULL)
            return;
        json_decref(json);
        refuse_word(request, IP_UNAVAILABLE);
        return;
    }
    request_act_for(request, owner.customer_id);
    if (!ip_release_call(request, &release))
        return;
    if (release.word == IP_DONE)
        answer_changed(request, release.ip);
    else
        refuse_word(request, release.word);
}

static void set_paused(struct request *request, bool paused)
{
    struct ip_owner_row owner;
    struct ip_pause pause = { .ip = request_id_in_path(request, ID_IP), .paused = paused };
    if (!read_owner(request, pause.ip, &owner))
        return;
    request_act_for(request, owner.customer_id);
    if (!ip_pause_call(request, &pause))
        return;
    if (pause.word == IP_DONE)
        answer_changed(request, pause.ip);
    else
        refuse_word(request, pause.word);
}

void ips_pause(struct request *request)
{
    set_paused(request, true);
}

void ips_resume(struct request *request)
{
    set_paused(request, false);
}

/* ---- change ---- */

/* Receivers may still count what the last lane had open: not before it ended, or was not seen for so long. */
static bool may_be_available(struct request *request, const struct ip_owner_row *owner)
{
    if (!text_equal(body_text(request->body, "state"), TEXT("available")) || !instant_is_none(owner->ended_at) ||
        instant_is_none(owner->seen_at) ||
        instant_since(clock_steady(request->server->clock), owner->seen_at) >= LANE_FORGOTTEN_US)
        return true;
    request_refuse_field(request, PROBLEM_IP_UNAVAILABLE, "/state", "too-early",
                         "Its old lane has not ended; it is available ten minutes after that was last seen.");
    return false;
}

void ips_patch(struct request *request)
{
    const json_t *body = request->body;
    struct uuid ip = request_id_in_path(request, ID_IP);
    struct ip_owner_row owner;
    struct transaction *transaction = request->act.transaction;
    if (!read_owner(request, ip, &owner))
        return;
    request_act_for(request, owner.customer_id);
    (void)ip_lock_ask(transaction, &(struct ip_lock){ ip });
    json_t *now = read_one(request, transaction, UUID_NIL, ip);
    if (now == NULL)
        return;
    bool good = request_matches(request, now) && may_be_available(request, &owner);
    json_decref(now);
    if (!good)
        return;
    size_t asked = ip_patch_ask(transaction, &(struct ip_patch){ .ip = ip,
                                                                 .host = body_text(body, "host"),
                                                                 .ptr_changes = body_has(body, "ptr"),
                                                                 .ptr = body_text(body, "ptr"),
                                                                 .state = body_text(body, "state") });
    if (!request_read(request))
        return;
    if (ip_patch_count(transaction, asked) == 0)
        request_refuse_field(request, PROBLEM_IP_UNAVAILABLE, "/state", "assigned",
                             "It is assigned: release it first.");
    else
        answer_changed(request, ip);
}

/* ---- receivers ---- */

static json_t *receiver_json(struct arena *arena, const struct receivers_read_row *row)
{
    return json_pack("{s:o,s:i,s:i,s:o,s:i}", "receiver", render_text(row->receiver), "connection_limit",
                     row->connection_limit, "connections", row->connections, "hold_until",
                     render_instant(arena, row->hold_until), "failures", row->failures);
}

void ips_receivers(struct request *request)
{
    struct uuid ip = request_id_in_path(request, ID_IP);
    struct ip_owner_row owner;
    json_t *json = read_one(request, request_reading_of(request, UUID_NIL), UUID_NIL, ip);
    if (json == NULL)
        return;
    json_decref(json);
    if (!read_owner(request, ip, &owner))
        return;
    struct transaction *transaction = request_reading_of(request, UUID_NIL);
    size_t asked = receivers_read_ask(transaction, &(struct receivers_read){ owner.customer_id, ip, TEXT_NONE });
    if (!request_read(request))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < receivers_read_count(transaction, asked); i++) {
        struct receivers_read_row row = receivers_read_get(transaction, asked, i);
        json_array_append_new(data, receiver_json(request->arena, &row));
    }
    request_answer(request, 200, json_pack("{s:o}", "data", data));
}

void ips_receiver_release(struct request *request)
{
    struct ip_owner_row owner;
    struct pacing_release release = { .ip = request_id_in_path(request, ID_IP),
                                      .receiver = request_in_path(request, 1) };
    if (!read_owner(request, release.ip, &owner))
        return;
    if (uuid_is_nil(owner.customer_id)) {
        request_not_found(request);
        return;
    }
    request_act_for(request, owner.customer_id);
    if (!pacing_release_call(request, &release))
        return;
    if (!release.found) {
        request_not_found(request);
        return;
    }
    struct transaction *transaction = request->act.transaction;
    size_t asked =
        receivers_read_ask(transaction, &(struct receivers_read){ owner.customer_id, release.ip, release.receiver });
    if (!request_read(request))
        return;
    struct receivers_read_row row = receivers_read_get(transaction, asked, 0);
    request_answer(request, 200, receiver_json(request->arena, &row));
}
