#include "server/idempotency.h"

#include "base/bounds.h"
#include "base/map.h"

#include "io/clock.h"

#include "server/request.h"
#include "server_statements.h"

#include <string.h>

#define WAIT_US (5 * US_PER_SECOND)
#define KEPT_US (BOUND_IDEMPOTENCY_HOURS * US_PER_HOUR)

/* One request that holds its key in this process, or waits for who does. */
struct idempotency_wait {
    struct request *request;
    struct text name; /* customer, method, route, key */
    struct list waiting;
    struct link link;
    struct timer timer;
    struct task task;
    bool timed_out;
    uint8_t digest[SECRET_DIGEST];
};

struct idempotency {
    struct map *held; /* name to struct idempotency_wait */
};

struct idempotency *idempotency_new(struct hash_key seed)
{
    struct idempotency *idempotency = memory_make(struct idempotency);
    idempotency->held = map_new(seed);
    return idempotency;
}

void idempotency_free(struct idempotency **idempotency)
{
    assert(map_count((*idempotency)->held) == 0);
    map_free(&(*idempotency)->held);
    memory_free(idempotency);
}

/* ---- the header ---- */

static bool is_visible(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] < 0x21 || text.bytes[i] > 0x7E)
            return false;
    return text.length >= 1 && text.length <= BOUND_IDEMPOTENCY_KEY;
}

bool idempotency_read_key(struct request *request)
{
    bool twice;
    struct text key = exchange_header(request->exchange, "Idempotency-Key", &twice);
    request->idempotency_key = TEXT_NONE;
    if (text_is_none(key) || !text_equal(text_of(request->route->method), TEXT("POST")))
        return true;
    key = text_trim(key);
    if (key.length >= 2 && key.bytes[0] == '"' && key.bytes[key.length - 1] == '"')
        key = text_slice(key, 1, key.length - 2);
    if (twice || !is_visible(key)) {
        request_refuse(request, PROBLEM_MALFORMED, "Idempotency-Key must be one of 1 to %d visible ASCII characters.",
                       BOUND_IDEMPOTENCY_KEY);
        return false;
    }
    request->idempotency_key = key;
    return true;
}

/* The request by its meaning: its target, and its JSON without white space and order. */
static void digest_of(struct request *request, void *digest)
{
    struct builder builder = builder_in(request->arena);
    builder_add(&builder, request->exchange->path);
    builder_add_byte(&builder, '\n');
    if (request->body != NULL) {
        char *canonical = json_dumps(request->body, JSON_SORT_KEYS | JSON_COMPACT);
        assert(canonical != NULL);
        builder_add(&builder, text_of(canonical));
        memory_free(&canonical);
    }
    secret_sha256(builder_text(&builder), digest);
}

/* ---- equal requests of this process ---- */

static void on_time(struct timer *timer)
{
    struct idempotency_wait *wait = container_of(timer, struct idempotency_wait, timer);
    list_remove(&wait->link);
    wait->timed_out = true;
    request_wake(wait->request);
}

static void on_turn(struct task *task)
{
    request_wake(container_of(task, struct idempotency_wait, task)->request);
}

static bool wait_for(struct request *request, struct idempotency_wait *holder, struct idempotency_wait *wait)
{
    list_append(&holder->waiting, &wait->link);
    timer_init(&wait->timer, request->server->loop, on_time);
    timer_start(&wait->timer, WAIT_US);
    bool woken = request_wait(request);
    timer_stop(&wait->timer);
    if (woken && !wait->timed_out)
        return true;
    request_refuse(request, PROBLEM_IDEMPOTENCY_IN_FLIGHT,
                   "An equal request is still under way; ask again in a moment.");
    return false;
}

bool idempotency_enter(struct request *request)
{
    if (text_is_none(request->idempotency_key))
        return true;
    struct idempotency_wait *wait = arena_make(request->arena, struct idempotency_wait);
    wait->request = request;
    wait->name = text_format(request->arena, "%.*s %s %s %.*s", TEXT_ARG(uuid_text(request->arena, request->customer)),
                             request->route->method, request->route->path, TEXT_ARG(request->idempotency_key));
    list_init(&wait->waiting);
    link_init(&wait->link);
    task_init(&wait->task, on_turn);
    request_aside(request, request->exchange->body.length, digest_of, wait->digest);
    struct map *held = request->server->idempotency->held;
    struct idempotency_wait *holder = map_find(held, wait->name);
    if (holder != NULL && !wait_for(request, holder, wait))
        return false;
    if (holder == NULL)
        map_put(held, wait->name, wait);
    request->idempotency = wait;
    return true;
}

/* The first of those that wait holds the key now, and the others wait for it; it goes on in the next turn. */
void idempotency_leave(struct request *request)
{
    struct idempotency_wait *wait = request->idempotency;
    if (wait == NULL)
        return;
    request->idempotency = NULL;
    map_remove(request->server->idempotency->held, wait->name);
    struct link *first = list_take_first(&wait->waiting);
    if (first == NULL)
        return;
    struct idempotency_wait *next = container_of(first, struct idempotency_wait, link);
    for (struct link *link; (link = list_take_first(&wait->waiting)) != NULL;)
        list_append(&next->waiting, link);
    map_put(request->server->idempotency->held, next->name, next);
    timer_stop(&next->timer);
    loop_defer(request->server->loop, &next->task);
}

/* ---- the record ---- */

struct record {
    bool claimed;
    struct text request_hash;
    int16_t status;
    struct text answer, location;
};

static size_t ask_claim(struct request *request, struct text digest)
{
    struct transaction *transaction = request->act.transaction;
    struct text method = text_of(request->route->method), route = text_of(request->route->path);
    struct instant real = clock_wall(), expires = instant_add(real, KEPT_US);
    if (uuid_is_nil(request->customer))
        return operator_idempotency_claim_ask(
            transaction,
            &(struct operator_idempotency_claim){ method, route, request->idempotency_key, digest, real, expires });
    return idempotency_claim_ask(transaction,
                                 &(struct idempotency_claim){ request->customer, method, route,
                                                              request->idempotency_key, digest, real, expires });
}

static bool heard_claim(struct request *request, size_t asked)
{
    struct transaction *transaction = request->act.transaction;
    return (uuid_is_nil(request->customer) ? operator_idempotency_claim_count(transaction, asked)
                                           : idempotency_claim_count(transaction, asked)) == 1;
}

static bool find(struct request *request, struct record *record)
{
    struct transaction *transaction = request->act.transaction;
    struct text method = text_of(request->route->method), route = text_of(request->route->path);
    if (uuid_is_nil(request->customer)) {
        size_t asked = operator_idempotency_find_ask(
            transaction, &(struct operator_idempotency_find){ method, route, request->idempotency_key });
        if (!request_read(request) || operator_idempotency_find_count(transaction, asked) == 0)
            return false;
        struct operator_idempotency_find_row row = operator_idempotency_find_get(transaction, asked, 0);
        *record = (struct record){ false, row.request_hash, row.status, row.answer, row.location };
        return true;
    }
    size_t asked = idempotency_find_ask(
        transaction, &(struct idempotency_find){ request->customer, method, route, request->idempotency_key });
    if (!request_read(request) || idempotency_find_count(transaction, asked) == 0)
        return false;
    struct idempotency_find_row row = idempotency_find_get(transaction, asked, 0);
    *record = (struct record){ false, row.request_hash, row.status, row.answer, row.location };
    return true;
}

/* An answer that holds a secret is sealed for its place; it is as unreadable here as the secret is in its own table. */
static struct text place_of(struct request *request)
{
    return text_format(request->arena, "idempotency_keys/%.*s", TEXT_ARG(request->idempotency->name));
}

static struct text sealed(struct request *request, struct text answer)
{
    uint8_t nonce[12];
    random_fill(request->server->random, nonce, sizeof nonce);
    return text_base64(request->arena,
                       secret_seal(request->arena, request->server->secret, place_of(request), nonce, answer));
}

static bool unsealed(struct request *request, struct text kept, struct text *answer)
{
    struct text bytes;
    return text_unbase64(request->arena, kept, &bytes) &&
           secret_open(request->arena, request->server->secret, place_of(request), bytes, answer) == SECRET_GOOD;
}

static void replay(struct request *request, const struct record *record)
{
    struct text answer = text_copy(request->arena, record->answer);
    if (request->route->secret && record->status < 400 && !unsealed(request, record->answer, &answer)) {
        request_refuse(request, PROBLEM_UNAVAILABLE, "The answer was sealed under another master key.");
        return;
    }
    request->answer = (struct request_answer){ .status = record->status,
                                               .text = answer,
                                               .location = text_copy(request->arena, record->location),
                                               .content_type = record->status >= 400 ? "application/problem+json"
                                                                                     : "application/json",
                                               .replayed = true };
}

bool idempotency_claim(struct request *request)
{
    if (request->idempotency == NULL)
        return true;
    struct text digest = text_from((const char *)request->idempotency->digest, SECRET_DIGEST);
    size_t asked = ask_claim(request, digest);
    if (!request_read(request)) {
        if (strcmp(request->end.sqlstate, "57014") == 0) /* waited for an equal one of another server */
            request_refuse(request, PROBLEM_IDEMPOTENCY_IN_FLIGHT,
                           "An equal request is still under way; ask again in a moment.");
        return false;
    }
    if (heard_claim(request, asked))
        return true;
    struct record record;
    if (!find(request, &record)) {
        if (request->answer.status == 0)
            request_refuse(request, PROBLEM_IDEMPOTENCY_IN_FLIGHT, "The key's record is being removed; ask again.");
        return false;
    }
    if (!text_equal(record.request_hash, digest) || text_is_none(record.answer))
        request_refuse(request, PROBLEM_IDEMPOTENCY_KEY_REUSED,
                       "This Idempotency-Key was used for another request within %d hours.", BOUND_IDEMPOTENCY_HOURS);
    else
        replay(request, &record);
    return false;
}

void idempotency_keep(struct request *request, struct text answer)
{
    if (request->idempotency == NULL)
        return;
    assert(request->answer.status >= 200); /* what is kept is said again to each who asks again */
    if (request->route->secret && request->answer.status < 400)
        answer = sealed(request, answer);
    struct transaction *transaction = request->act.transaction;
    struct text method = text_of(request->route->method), route = text_of(request->route->path);
    struct text key = request->idempotency_key, location = request->answer.location;
    int16_t status = (int16_t)request->answer.status;
    if (uuid_is_nil(request->customer))
        operator_idempotency_keep_ask(
            transaction, &(struct operator_idempotency_keep){ method, route, key, status, answer, location });
    else
        idempotency_keep_ask(
            transaction, &(struct idempotency_keep){ request->customer, method, route, key, status, answer, location });
}

void idempotency_keep_refusal(struct request *request, struct text answer)
{
    if (request->idempotency == NULL)
        return;
    (void)ask_claim(request, text_from((const char *)request->idempotency->digest, SECRET_DIGEST));
    idempotency_keep(request, answer);
}
