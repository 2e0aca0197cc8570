#include "server/customers.h"

#include "ledger/customer.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

#include <string.h>

LEDGER_CALL(customer_change, customer_change)

static json_t *identity_json(const struct customers_read_row *row)
{
    if (text_is_none(row->legal_name))
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "legal_name", render_text(row->legal_name), "postal_address",
                     render_text(row->postal_address), "contact", render_text(row->contact));
}

static json_t *customer_json(struct arena *arena, const struct customers_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:i,s:o}", "id", render_id(arena, ID_CUSTOMER, row->customer_id), "name",
                     render_text(row->name), "mode", render_text(row->mode), "state", render_text(row->state),
                     "identity", identity_json(row), "recipient_gap_days", row->recipient_gap_days, "created_at",
                     render_instant(arena, row->created_at));
}

json_t *customer_read_one(struct request *request, struct transaction *transaction, struct uuid customer)
{
    size_t asked = customers_read_ask(
        transaction, &(struct customers_read){ .customer = customer, .before = page_newest, .wanted = 1 });
    if (!request_read(request))
        return NULL;
    if (customers_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return NULL;
    }
    struct customers_read_row row = customers_read_get(transaction, asked, 0);
    return customer_json(request->arena, &row);
}

/* ---- make ---- */

static void missing_identity(struct request *request)
{
    request_refuse_field(request, PROBLEM_VALIDATION, "/identity", "required", "A live customer needs an identity.");
}

void customers_create(struct request *request)
{
    const json_t *body = request->body, *identity = json_object_get(body, "identity");
    bool live = text_equal(body_text(body, "mode"), TEXT("live"));
    if (live && !json_is_object(identity)) {
        missing_identity(request);
        return;
    }
    struct uuid customer = act_id(&request->act);
    request_act_for(request, customer);
    struct transaction *transaction = request->act.transaction;
    customer_insert_ask(transaction, &(struct customer_insert){
                                         .customer = customer,
                                         .name = body_text(body, "name"),
                                         .mode = body_text(body, "mode"),
                                         .legal_name = body_text(identity, "legal_name"),
                                         .postal_address = body_text(identity, "postal_address"),
                                         .contact = body_text(identity, "contact"),
                                         .gap_days = (int32_t)body_number(body, "recipient_gap_days", live ? 30 : 0),
                                         .now = request->now });
    pool_insert_ask(transaction,
                    &(struct pool_insert){ customer, act_id(&request->act), TEXT("default"), request->now });
    json_t *json = customer_read_one(request, transaction, customer);
    if (json == NULL)
        return;
    request_location(request, "/v1/customers/%.*s", TEXT_ARG(id_text(request->arena, ID_CUSTOMER, customer)));
    request_answer(request, 201, json);
}

/* ---- read ---- */

void customers_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct texts states = request_query_list(request, "state");
    struct transaction *transaction = request_reading_of(request, UUID_NIL);
    size_t asked = customers_read_ask(
        transaction, &(struct customers_read){
                         .customer = UUID_NIL, .states = states, .before = page.before, .wanted = page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = customers_read_count(transaction, asked), shown = page_shown(&page, count);
    struct customers_read_row row = { .customer_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = customers_read_get(transaction, asked, i);
        json_array_append_new(data, customer_json(request->arena, &row));
    }
    page_answer(request, &page, data, count, row.customer_id);
}

/* The customer in the path, if this key may see it: a customer's sees itself alone. False: answered 404. */
static bool path_customer(struct request *request, struct uuid *customer)
{
    *customer = request_id_in_path(request, ID_CUSTOMER);
    if (request->caller.is_operator || uuid_equal(*customer, request->caller.customer))
        return true;
    request_not_found(request);
    return false;
}

void customers_get(struct request *request)
{
    struct uuid customer;
    if (!path_customer(request, &customer))
        return;
    json_t *json = customer_read_one(request, request_reading_of(request, customer), customer);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

/* ---- change ---- */

static bool may_patch(struct request *request)
{
    if (request->caller.is_operator ||
        (!body_has(request->body, "name") && !body_has(request->body, "recipient_gap_days")))
        return true;
    request_refuse(request, PROBLEM_FORBIDDEN_SCOPE,
                   "A customer's key changes `identity` only; the rest is the operator's.");
    return false;
}

static bool identity_may_go(struct request *request, const json_t *now)
{
    if (!body_null(request->body, "identity") || strcmp(json_string_value(json_object_get(now, "mode")), "live") != 0)
        return true;
    missing_identity(request);
    return false;
}

void customers_patch(struct request *request)
{
    const json_t *body = request->body, *identity = json_object_get(body, "identity");
    struct uuid customer;
    if (!path_customer(request, &customer) || !may_patch(request))
        return;
    request_act_for(request, customer);
    struct transaction *transaction = request->act.transaction;
    (void)customer_lock_ask(transaction, &(struct customer_lock){ customer });
    json_t *now = customer_read_one(request, transaction, customer);
    if (now == NULL)
        return;
    bool good = request_matches(request, now) && identity_may_go(request, now);
    json_decref(now);
    if (!good)
        return;
    customer_patch_ask(
        transaction, &(struct customer_patch){ .customer = customer,
                                               .name = body_text(body, "name"),
                                               .gap_days = (int32_t)body_number(body, "recipient_gap_days", INT32_MIN),
                                               .identity_changes = body_has(body, "identity"),
                                               .legal_name = body_text(identity, "legal_name"),
                                               .postal_address = body_text(identity, "postal_address"),
                                               .contact = body_text(identity, "contact") });
    json_t *json = customer_read_one(request, transaction, customer);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

static void move(struct request *request, enum customer_move move)
{
    struct uuid customer = request_id_in_path(request, ID_CUSTOMER);
    request_act_for(request, customer);
    struct customer_change change = { .move = move };
    if (!customer_change_call(request, &change))
        return;
    switch (change.word) { /* no default: a new word must not compile unexplained */
    case CUSTOMER_UNKNOWN: request_not_found(request); return;
    case CUSTOMER_CLOSED:
        request_refuse(request, PROBLEM_CUSTOMER_SUSPENDED, "The customer is closed, and stays so.");
        return;
    case CUSTOMER_MOVED: break;
    }
    json_t *json = customer_read_one(request, request->act.transaction, customer);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

void customers_suspend(struct request *request)
{
    move(request, CUSTOMER_SUSPEND);
}

void customers_resume(struct request *request)
{
    move(request, CUSTOMER_RESUME);
}

void customers_close(struct request *request)
{
    move(request, CUSTOMER_CLOSE);
}
