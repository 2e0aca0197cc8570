#include "mail/address.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

static json_t *domain_json(struct arena *arena, const struct domains_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:[],s:o}", "id", render_id(arena, ID_DOMAIN, row->domain_id), "name",
                     render_text(row->name), "state", render_text(row->state), "records", "created_at",
                     render_instant(arena, row->created_at));
}

static json_t *read_one(struct request *request, struct transaction *transaction, struct uuid domain)
{
    size_t asked = domains_read_ask(
        transaction,
        &(struct domains_read){ .customer = request->customer, .domain = domain, .before = page_newest, .wanted = 1 });
    if (!request_read(request))
        return NULL;
    if (domains_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return NULL;
    }
    struct domains_read_row row = domains_read_get(transaction, asked, 0);
    return domain_json(request->arena, &row);
}

/* A sandbox customer's domain is ready at once: nothing leaves for it but by a route. */
static bool read_mode(struct request *request, bool *sandbox)
{
    struct transaction *transaction = request->act.transaction;
    size_t asked = customers_read_ask(
        transaction, &(struct customers_read){ .customer = request->customer, .before = page_newest, .wanted = 1 });
    if (!request_read(request))
        return false;
    if (customers_read_count(transaction, asked) == 0) {
        request_not_found(request);
        return false;
    }
    *sandbox = text_equal(customers_read_get(transaction, asked, 0).mode, TEXT("sandbox"));
    return true;
}

void domains_create(struct request *request)
{
    struct text name;
    bool sandbox;
    if (domain_parse(request->arena, body_text(request->body, "name"), &name) != ADDRESS_GOOD)
        unreachable("the contract's format was checked");
    if (!read_mode(request, &sandbox))
        return;
    struct uuid domain = act_id(&request->act);
    domain_create_ask(request->act.transaction,
                      &(struct domain_create){ request->customer, domain, name, sandbox, request->now });
    json_t *json = read_one(request, request->act.transaction, domain);
    if (json == NULL) {
        if (request_refused_by(request, "domains_name_key"))
            request_refuse_field(request, PROBLEM_ADDRESS_TAKEN, "/name", "taken",
                                 "The customer has this domain already.");
        return;
    }
    request_location(request, "/v1/domains/%.*s", TEXT_ARG(id_text(request->arena, ID_DOMAIN, domain)));
    request_answer(request, 201, json);
}

void domains_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct texts states = request_query_list(request, "state");
    struct transaction *transaction = request_reading(request);
    size_t asked = domains_read_ask(
        transaction, &(struct domains_read){ request->customer, UUID_NIL, states, page.before, page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = domains_read_count(transaction, asked), shown = page_shown(&page, count);
    struct domains_read_row row = { .domain_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = domains_read_get(transaction, asked, i);
        json_array_append_new(data, domain_json(request->arena, &row));
    }
    page_answer(request, &page, data, count, row.domain_id);
}

void domains_get(struct request *request)
{
    json_t *json = read_one(request, request_reading(request), request_id_in_path(request, ID_DOMAIN));
    if (json != NULL)
        request_answer_one(request, 200, json);
}

void domains_delete(struct request *request)
{
    struct transaction *transaction = request->act.transaction;
    size_t asked = domain_delete_ask(
        transaction, &(struct domain_delete){ request->customer, request_id_in_path(request, ID_DOMAIN) });
    if (!request_read(request)) {
        if (request->end.word == PG_REFUSED)
            request_refuse(request, PROBLEM_DOMAIN_NOT_READY, "A mailbox has an address at this domain, so it stays.");
        return;
    }
    if (domain_delete_count(transaction, asked) == 0)
        request_not_found(request);
    else
        request_answer(request, 204, NULL);
}
