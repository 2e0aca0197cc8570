#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

static json_t *pool_json(struct arena *arena, const struct pools_read_row *row)
{
    return json_pack("{s:o,s:o,s:o}", "id", render_id(arena, ID_POOL, row->pool_id), "name", render_text(row->name),
                     "created_at", render_instant(arena, row->created_at));
}

static json_t *read_one(struct request *request, struct transaction *transaction, struct uuid pool)
{
    size_t asked = pools_read_ask(transaction, &(struct pools_read){ request->customer, pool, page_newest, 1 });
    if (!request_read(request))
        return NULL;
    if (pools_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return NULL;
    }
    struct pools_read_row row = pools_read_get(transaction, asked, 0);
    return pool_json(request->arena, &row);
}

static void name_taken(struct request *request)
{
    if (request_refused_by(request, "pools_name_key"))
        request_refuse_field(request, PROBLEM_VALIDATION, "/name", "taken", "The customer has a pool of this name.");
}

void pools_create(struct request *request)
{
    struct uuid pool = act_id(&request->act);
    pool_insert_ask(request->act.transaction,
                    &(struct pool_insert){ request->customer, pool, body_text(request->body, "name"), request->now });
    json_t *json = read_one(request, request->act.transaction, pool);
    if (json == NULL) {
        name_taken(request);
        return;
    }
    request_location(request, "/v1/pools/%.*s", TEXT_ARG(id_text(request->arena, ID_POOL, pool)));
    request_answer(request, 201, json);
}

void pools_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked = pools_read_ask(transaction,
                                  &(struct pools_read){ request->customer, UUID_NIL, page.before, page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = pools_read_count(transaction, asked), shown = page_shown(&page, count);
    struct pools_read_row row = { .pool_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = pools_read_get(transaction, asked, i);
        json_array_append_new(data, pool_json(request->arena, &row));
    }
    page_answer(request, &page, data, count, row.pool_id);
}

void pools_get(struct request *request)
{
    json_t *json = read_one(request, request_reading(request), request_id_in_path(request, ID_POOL));
    if (json != NULL)
        request_answer_one(request, 200, json);
}

void pools_patch(struct request *request)
{
    struct uuid pool = request_id_in_path(request, ID_POOL);
    struct transaction *transaction = request->act.transaction;
    (void)pool_lock_ask(transaction, &(struct pool_lock){ request->customer, pool });
    json_t *now = read_one(request, transaction, pool);
    if (now == NULL)
        return;
    bool matches = request_matches(request, now);
    json_decref(now);
    if (!matches)
        return;
    pool_rename_ask(transaction, &(struct pool_rename){ request->customer, pool, body_text(request->body, "name") });
    json_t *json = read_one(request, transaction, pool);
    if (json == NULL)
        name_taken(request);
    else
        request_answer_one(request, 200, json);
}

void pools_delete(struct request *request)
{
    struct uuid pool = request_id_in_path(request, ID_POOL);
    struct transaction *transaction = request->act.transaction;
    json_t *now = read_one(request, transaction, pool);
    if (now == NULL)
        return;
    json_decref(now);
    size_t asked = pool_delete_ask(transaction, &(struct pool_delete){ request->customer, pool });
    if (!request_read(request)) {
        if (request->end.word == PG_REFUSED)
            request_refuse(request, PROBLEM_IP_UNAVAILABLE, "The pool still has an IP address or a mailbox.");
        return;
    }
    if (pool_delete_count(transaction, asked) == 0)
        request_refuse(request, PROBLEM_IP_UNAVAILABLE, "The pool `default` stays.");
    else
        request_answer(request, 204, NULL);
}
