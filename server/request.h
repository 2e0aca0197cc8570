/*
 * request — one call of the API, from its whole body to its answer: check, ask, render.
 *
 * One life: request_head() finds the operation and refuses what cannot be one; the body is read; request_serve() starts a
 * strand (server/strand.h) that authenticates, checks scope and tenant, reads body, path and query against the contract,
 * and calls the operation's handler. A handler is straight code:
 *
 *   reads      request_reading() gives a transaction; NAME_ask() on it; request_read(); NAME_get(); render; answer
 *   writes     request->act is open (and holds the Idempotency-Key's record): NAME_ask(request->act.transaction, …);
 *              request_read(), or a function of the ledger by its LEDGER_CALL; render; answer. Behind the handler the answer
 *              is stored with the key and all of it is committed; only then is it sent
 *
 * Whatever returns false has ended the matter: the handler returns too. A transaction that fails or stays unknown becomes
 * `unavailable`, unless request_refused_by() finds a constraint with a meaning.
 */
#pragma once

#include "io/statement.h"

#include "ledger/act.h"

#include "server/authentication.h"
#include "server/http.h"
#include "server/problem.h"
#include "server/route.h"
#include "server/server.h"

struct strand;
struct idempotency_wait;

struct request_answer {
    int status; /* 0: not yet */
    enum problem problem;
    json_t *json; /* owned; NULL: no body, or `text` */
    struct text text;
    const char *content_type;
    struct text location, etag, allow;
    bool replayed;
    int64_t retry_after_s; /* 0: not said */
};

struct request {
    struct server *server;
    struct exchange *exchange;
    struct arena *arena;
    const struct route *route;
    struct text id;          /* Request-Id */
    struct text traceparent; /* the trace that it belongs to (server/traceparent.h); TEXT_NONE: none */
    struct caller caller;
    struct uuid customer; /* whose rows; UUID_NIL: an operator's, of no customer or across them */
    struct instant now;   /* the rules' clock */
    struct text *query;   /* as route->query; TEXT_NONE: absent */
    struct texts *listed; /* likewise, of those that may be repeated */
    json_t *body;         /* checked; NULL: none */
    json_t *before;       /* of a PATCH: the resource as it was (server/audit.h); NULL: not shown */
    struct rate_word {
        bool known;
        int64_t left, full_in_s;
    } rate;

    struct strand *strand;
    bool strand_over;

    /* the transaction under way */
    bool open, waits_for_act;
    struct act act;
    struct act_step step;
    struct transaction_wait reading_wait;
    struct transaction *reading;
    struct pg_end end; /* of the last one that ended; its texts in the arena */

    struct uuid message; /* what this request makes: looked for when its commit's answer is lost; UUID_NIL: none */

    struct idempotency_wait *idempotency; /* NULL: no key, or not held */
    struct text idempotency_key;

    struct request_answer answer;
};

/* ---- server/http's two calls ---- */
bool request_head(struct exchange *exchange, size_t *body_max);
void request_serve(struct exchange *exchange);
void request_refuse_head(struct exchange *exchange, int status, const char *sentence);

/* ---- for handlers: asking ---- */

/* A read-only transaction of request->customer, or across customers (UUID_NIL: the operator's pool). */
struct transaction *request_reading(struct request *request);
struct transaction *request_reading_of(struct request *request, struct uuid customer);
/* A read-only transaction of the API's own role without a customer: platform tables. */
struct transaction *request_reading_platform(struct request *request);
/* Sends what was asked and waits. False: it failed; request->end says how, and the answer is `unavailable` already. */
MUST_USE bool request_read(struct request *request);
/* What this request writes from here on is that customer's. */
void request_act_for(struct request *request, struct uuid customer);
/* After a false: the refusal was that constraint's. Then answer something better. */
bool request_refused_by(const struct request *request, const char *constraint);
/* Waits until somebody calls request_wake(); false: the transaction ended meanwhile. */
MUST_USE bool request_wait(struct request *request);
void request_wake(struct request *request);
/*
 * Runs work(request, of): at once, or, where there are many octets to go through, in another thread while this request waits.
 * It may use the arena, the body and the answer, and nothing that others have too: no transaction, no clock, no log. What was
 * read of a transaction is gone behind it.
 */
void request_aside(struct request *request, size_t octets, void (*work)(struct request *request, void *of), void *of);

/*
 * LEDGER_CALL(accept, accept_message) makes `bool accept_call(struct request *, struct accept *)`, which calls the
 * ledger's function on request->act and waits for its `done`.
 */
#define LEDGER_CALL(type, function)                                                                                    \
    struct type##_call {                                                                                               \
        struct type given;                                                                                             \
        struct request *request;                                                                                       \
    };                                                                                                                 \
    static void type##_called(struct type *given)                                                                      \
    {                                                                                                                  \
        request_wake(container_of(given, struct type##_call, given)->request);                                         \
    }                                                                                                                  \
    MUST_USE static bool type##_call(struct request *request, struct type *given)                                      \
    {                                                                                                                  \
        struct type##_call call = { *given, request };                                                                 \
        call.given.done = type##_called;                                                                               \
        function(&request->act, &call.given);                                                                          \
        bool told = request_wait(request);                                                                             \
        *given = call.given;                                                                                           \
        return told;                                                                                                   \
    }

/* ---- for handlers: what was given ---- */

struct text request_in_path(const struct request *request, size_t index);
struct uuid request_id_in_path(const struct request *request, enum id_kind kind); /* the first; checked already */
struct text request_query(const struct request *request, const char *name);       /* TEXT_NONE: absent */
int64_t request_query_number(const struct request *request, const char *name);
struct uuid request_query_id(const struct request *request, const char *name, enum id_kind kind); /* UUID_NIL: absent */
struct texts request_query_list(const struct request *request, const char *name);

/* Of a checked object; absent and null are TEXT_NONE, UUID_NIL, INSTANT_NONE or `otherwise`. */
struct text body_text(const json_t *object, const char *name);
struct uuid body_id(const json_t *object, const char *name, enum id_kind kind);
struct instant body_instant(const json_t *object, const char *name);
int64_t body_number(const json_t *object, const char *name, int64_t otherwise);
bool body_has(const json_t *object, const char *name);  /* also null */
bool body_null(const json_t *object, const char *name); /* null */

/* ---- for handlers: answering; json is taken over ---- */

void request_answer(struct request *request, int status, json_t *json);
/* The same with an ETag: for one resource. */
void request_answer_one(struct request *request, int status, json_t *json);
PRINTF(2, 3) void request_location(struct request *request, const char *format, ...);
PRINTF(3, 4) void request_refuse(struct request *request, enum problem problem, const char *format, ...);
/* With one field in errors[]; pointer "" means the whole. */
PRINTF(5, 6)
void request_refuse_field(struct request *request, enum problem problem, const char *pointer, const char *code,
                          const char *format, ...);
void request_refuse_faults(struct request *request, const struct faults *faults);
void request_not_found(struct request *request);
/* PATCH: shows the audit the resource as it is, and compares If-Match with it; false: answered 412. json is borrowed. */
MUST_USE bool request_matches(struct request *request, const json_t *json);
/* New reference: a resource without what changes by itself. */
json_t *request_lasting(const json_t *json);
