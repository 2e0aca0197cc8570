#include "server/request.h"

#include "base/bounds.h"

#include "io/aside.h"
#include "io/clock.h"
#include "io/log.h"

#include "server/audit.h"
#include "server/idempotency.h"
#include "server/rates.h"
#include "server/request_body.h"
#include "server/strand.h"
#include "server/tenant.h"
#include "server/traceparent.h"
#include "server_statements.h"

#include <string.h>

/* ---- the head ---- */

static struct text request_id_of(struct exchange *exchange, struct server *server)
{
    struct text given = exchange_header(exchange, "Request-Id", NULL);
    bool sane = given.length >= 1 && given.length <= 128;
    for (size_t i = 0; sane && i < given.length; i++) {
        char byte = given.bytes[i];
        sane = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               (byte != '\0' && strchr("._:-", byte) != NULL);
    }
    if (sane)
        return given;
    return id_text(exchange->arena, ID_REQUEST, random_id(server->random, clock_now(server->clock)));
}

static struct request *request_of(struct exchange *exchange)
{
    if (exchange->of != NULL)
        return exchange->of;
    struct request *request = arena_make(exchange->arena, struct request);
    request->server = http_of(exchange->http);
    request->exchange = exchange;
    request->arena = exchange->arena;
    request->id = request_id_of(exchange, request->server);
    request->traceparent = traceparent_read(exchange->arena, exchange_header(exchange, "traceparent", NULL));
    request->now = clock_now(request->server->clock);
    request->idempotency_key = TEXT_NONE;
    request->answer.location = request->answer.etag = request->answer.allow = request->answer.text = TEXT_NONE;
    exchange->of = request;
    return request;
}

static void add_headers(struct request *request, struct answer *answer)
{
    struct request_answer *given = &request->answer;
    const struct server *server = request->server;
    answer_header_add(answer, "Request-Id", request->id);
    answer_header_add(answer, "RateLimit-Policy",
                      text_format(request->arena, "\"default\";q=%lld;w=60", (long long)server->requests_per_minute));
    answer_header_add(answer, "RateLimit",
                      text_format(request->arena, "\"default\";r=%lld;t=%lld",
                                  (long long)(request->rate.known ? request->rate.left : server->requests_at_once),
                                  (long long)request->rate.full_in_s));
    if (given->status == 401)
        answer_header_add(answer, "WWW-Authenticate", TEXT("Bearer realm=\"evenpost\""));
    if (given->retry_after_s > 0)
        answer_header_add(answer, "Retry-After", text_format(request->arena, "%lld", (long long)given->retry_after_s));
    if (!text_is_none(given->allow))
        answer_header_add(answer, "Allow", given->allow);
    if (!text_is_none(given->location))
        answer_header_add(answer, "Location", given->location);
    if (!text_is_none(given->etag))
        answer_header_add(answer, "ETag", given->etag);
    if (given->replayed)
        answer_header_add(answer, "Idempotent-Replayed", TEXT("true"));
}

/* The answer's octets, once. */
static struct text answer_text(struct request *request)
{
    struct request_answer *given = &request->answer;
    if (given->json != NULL) {
        char *dumped = json_dumps(given->json, JSON_COMPACT);
        assert(dumped != NULL);
        given->text = text_copy(request->arena, text_of(dumped));
        memory_free(&dumped);
        json_decref(given->json);
        given->json = NULL;
    }
    return given->text;
}

static void answer_write(struct request *request)
{
    struct request_answer *given = &request->answer;
    struct answer *answer = &request->exchange->answer;
    assert(given->status != 0);
    struct text body = answer_text(request);
    *answer = (struct answer){ .status = given->status };
    answer->body = text_is_none(body) ? TEXT("") : body;
    answer->content_type = text_is_none(body) ? NULL : given->content_type;
    add_headers(request, answer);
    trace(TRACE_HTTP, NULL, "%.*s %.*s: %d, %.*s %.*s", TEXT_ARG(request->exchange->method),
          TEXT_ARG(request->exchange->path), given->status, TEXT_ARG(request->id), TEXT_ARG(request->traceparent));
}

void request_refuse_head(struct exchange *exchange, int status, const char *sentence)
{
    struct request *request = request_of(exchange);
    enum problem problem = status == 413   ? PROBLEM_TOO_LARGE
                           : status == 415 ? PROBLEM_UNSUPPORTED_MEDIA_TYPE
                           : status == 503 ? PROBLEM_UNAVAILABLE
                                           : PROBLEM_MALFORMED;
    request_refuse(request, problem, "%s", sentence);
    request->answer.status = status;
    json_object_set_new(request->answer.json, "status", json_integer(status));
    answer_write(request);
}

static bool refused(struct request *request)
{
    answer_write(request);
    return false;
}

/* Anybody may be told that a path is none, but only who shows a key of the right form may send a body. */
static bool has_key(struct request *request)
{
    struct text header = exchange_header(request->exchange, "Authorization", NULL);
    struct uuid customer;
    bool is_operator;
    return text_starts_fold(header, TEXT("Bearer ")) &&
           key_parse(text_trim(text_after(header, 7)), &is_operator, &customer);
}

bool request_head(struct exchange *exchange, size_t *body_max)
{
    struct request *request = request_of(exchange);
    struct route_match match = route_of(exchange->arena, exchange->method, exchange->path);
    if (match.word == ROUTE_NO_METHOD) {
        request_refuse(request, PROBLEM_METHOD_NOT_ALLOWED, "This path knows %.*s.", TEXT_ARG(match.allow));
        request->answer.allow = match.allow;
        return refused(request);
    }
    if (match.word == ROUTE_NO_PATH) {
        request_refuse(request, PROBLEM_NOT_FOUND, "There is no such path.");
        return refused(request);
    }
    request->route = exchange->route = match.route;
    memcpy(exchange->in_path, match.in_path, sizeof exchange->in_path);
    if (match.route->who != WHO_ANYONE && !has_key(request)) {
        request_refuse(request, PROBLEM_UNAUTHORIZED, "Give a key that lives: `Authorization: Bearer KEY`.");
        return refused(request);
    }
    if (match.route->body != NULL && !body_type_fits(exchange->content_type, match.route->merge_patch)) {
        request_refuse(request, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Send `Content-Type: application/json`, in UTF-8.");
        return refused(request);
    }
    *body_max = match.route->body_max;
    return true;
}

/* ---- waiting for the database ---- */

static void keep_end(struct request *request, const struct pg_end *end)
{
    request->end = *end;
    request->end.constraint = text_copy(request->arena, end->constraint);
    request->end.words = text_copy(request->arena, end->words);
    if (end->word == PG_REFUSED || end->word == PG_UNKNOWN)
        log_info(request->route->name, "%s: %s %.*s", pg_word_name(end->word), end->sqlstate, TEXT_ARG(end->words));
}

bool request_wait(struct request *request)
{
    bool was_open = request->open;
    request->waits_for_act = was_open;
    strand_wait(request->strand);
    request->waits_for_act = false;
    return request->open == was_open;
}

void request_wake(struct request *request)
{
    const char *name = request->route->name;
    strand_resume(request->strand);
    loop_ran(name);
}

struct request_aside {
    struct aside aside;
    struct request *request;
    void (*work)(struct request *request, void *of);
    void *of;
};

static void aside_works(struct aside *aside)
{
    struct request_aside *given = container_of(aside, struct request_aside, aside);
    given->work(given->request, given->of);
}

static void aside_done(struct aside *aside)
{
    request_wake(container_of(aside, struct request_aside, aside)->request);
}

void request_aside(struct request *request, size_t octets, void (*work)(struct request *request, void *of), void *of)
{
    if (octets <= BOUND_ASIDE) {
        work(request, of);
        return;
    }
    struct request_aside *given = arena_make(request->arena, struct request_aside);
    *given = (struct request_aside){ { aside_works, aside_done }, request, work, of };
    aside_start(request->server->loop, &given->aside);
    strand_wait(request->strand);
}

static void on_act_ended(struct act *act, const struct pg_end *end)
{
    struct request *request = container_of(act, struct request, act);
    request->open = false;
    keep_end(request, end);
    if (request->waits_for_act)
        request_wake(request);
}

static void on_reading_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    (void)transaction;
    struct request *request = container_of(wait, struct request, reading_wait);
    request->reading = NULL;
    keep_end(request, end);
    request_wake(request);
}

static void on_heard(struct act_step *step)
{
    request_wake(container_of(step, struct request, step));
}

static struct transaction *reading_from(struct request *request, struct pg *pool, struct uuid customer)
{
    assert(request->reading == NULL);
    request->reading_wait.ended = on_reading_ended;
    request->reading = transaction_new_reading(pool, customer, &request->reading_wait);
    return request->reading;
}

struct transaction *request_reading_of(struct request *request, struct uuid customer)
{
    struct pg *pool = uuid_is_nil(customer) ? request->server->operator_pool : request->server->pool;
    return reading_from(request, pool, customer);
}

struct transaction *request_reading(struct request *request)
{
    return request_reading_of(request, request->customer);
}

struct transaction *request_reading_platform(struct request *request)
{
    return reading_from(request, request->server->pool, UUID_NIL);
}

static const char *why_unavailable(const struct pg_end *end)
{
    if (end->word == PG_UNKNOWN)
        return "It is not known whether this was done. Ask again with the same Idempotency-Key.";
    if (strcmp(end->sqlstate, "53100") == 0)
        return "The database's disk is full; nothing was done. Try again when there is room.";
    return "The database did not answer in time; nothing was done. Try again soon.";
}

static void unavailable(struct request *request)
{
    request_refuse(request, PROBLEM_UNAVAILABLE, "%s", why_unavailable(&request->end));
}

bool request_read(struct request *request)
{
    bool good, was_open = request->open;
    if (request->reading != NULL) {
        transaction_commit(request->reading);
        strand_wait(request->strand);
        good = request->end.word == PG_COMMITTED && request->open == was_open;
    } else {
        assert(request->open);
        act_read(&request->act, &request->step, on_heard);
        good = request_wait(request);
    }
    if (!good)
        unavailable(request);
    return good;
}

void request_act_for(struct request *request, struct uuid customer)
{
    request->act.customer = customer;
    transaction_customer(request->act.transaction, customer);
}

bool request_refused_by(const struct request *request, const char *constraint)
{
    return request->end.word == PG_REFUSED && text_equal(request->end.constraint, text_of(constraint));
}

/* ---- one call ---- */

static void act_open(struct request *request)
{
    act_begin(&request->act, request->server->ledger, request->customer, on_act_ended);
    transaction_limit(request->act.transaction, 5 * US_PER_SECOND);
    request->open = true;
    request->end = (struct pg_end){ .word = PG_ROLLED_BACK };
}

static void act_close(struct request *request, bool commit)
{
    if (!request->open)
        return;
    if (commit)
        act_commit(&request->act);
    else
        act_rollback(&request->act);
    bool still_open = request_wait(request);
    assert(!still_open);
}

static void keep_refusal(struct request *request)
{
    enum problem problem = request->answer.problem;
    if (request->idempotency == NULL || problem == PROBLEM_NONE || !problem_is_kept(problem))
        return;
    act_open(request);
    idempotency_keep_refusal(request, answer_text(request));
    act_close(request, true); /* if it was not kept, the next one is refused anew */
}

/* The answer to commit was lost. A message that is there was kept, and the answer may be given (P1); one that is not may
 * still come: then nothing is claimed. The look is a commit of its own: a standby that has it has the one before. */
static bool was_kept(struct request *request)
{
    if (uuid_is_nil(request->message))
        return false;
    struct request_answer answer = request->answer;
    request->reading_wait.ended = on_reading_ended;
    struct transaction *transaction = transaction_new(request->server->pool, request->customer, &request->reading_wait);
    request->reading = transaction;
    size_t asked = message_exists_ask(transaction, &(struct message_exists){ request->customer, request->message });
    request->answer = (struct request_answer){ .status = 0 };
    bool kept = request_read(request) && message_exists_count(transaction, asked) == 1;
    json_decref(request->answer.json);
    request->answer = answer;
    request->end.word = kept ? PG_COMMITTED : PG_UNKNOWN;
    return kept;
}

static void write_once(struct request *request)
{
    act_open(request);
    audit_free(request);
    if (!idempotency_claim(request)) {
        act_close(request, request->answer.replayed);
        if (request->answer.replayed && request->end.word != PG_COMMITTED)
            unavailable(request);
        return;
    }
    request->route->handle(request);
    if (request->answer.problem != PROBLEM_NONE || !request->open) {
        act_close(request, false);
        if (request->answer.status == 0)
            unavailable(request);
        return;
    }
    audit_write(request);
    struct text text = answer_text(request);
    idempotency_keep(request, text_is_none(text) ? TEXT("") : text);
    act_close(request, true);
    if (request->end.word == PG_COMMITTED || (request->end.word == PG_UNKNOWN && was_kept(request)))
        return;
    unavailable(request);
}

static void write(struct request *request)
{
    if (!idempotency_read_key(request) || !idempotency_enter(request))
        return;
    write_once(request);
    if (pg_may_try_again(&request->end) && request->end.word == PG_REFUSED) {
        json_decref(request->answer.json);
        request->answer =
            (struct request_answer){ .location = TEXT_NONE, .etag = TEXT_NONE, .allow = TEXT_NONE, .text = TEXT_NONE };
        write_once(request);
    }
    keep_refusal(request);
    idempotency_leave(request);
}

static bool take_rate(struct request *request)
{
    struct rates_word word = rates_take(request->server->rates, request->caller.key, clock_tick());
    request->rate.known = true;
    request->rate.left = word.left;
    request->rate.full_in_s = word.full_in_s;
    if (word.allowed)
        return true;
    request_refuse(request, PROBLEM_RATE_LIMITED, "This key may make %lld requests a minute.",
                   (long long)request->server->requests_per_minute);
    request->answer.retry_after_s = word.retry_after_s;
    return false;
}

static void take_body(struct request *request, void *of)
{
    (void)of;
    if (!body_take(request))
        assert(request->answer.status != 0);
}

static void work(struct request *request)
{
    const struct route *route = request->route;
    if (route->who != WHO_ANYONE && (!authenticate(request) || !take_rate(request) || !tenant_find(request)))
        return;
    request_aside(request, request->exchange->body.length, take_body, NULL);
    if (request->answer.status != 0)
        return;
    if (route_writes(route))
        write(request);
    else
        route->handle(request);
}

static void run(void *of)
{
    struct request *request = of;
    work(request);
    assert(!request->open && request->reading == NULL);
    answer_write(request);
    json_decref(request->body);
    request->body = NULL;
    audit_free(request);
    exchange_answer(request->exchange);
}

void request_serve(struct exchange *exchange)
{
    struct request *request = request_of(exchange);
    request->strand = strand_new(run, request, &request->strand_over);
    request_wake(request);
}
