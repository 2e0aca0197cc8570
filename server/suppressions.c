#include "mail/address.h"

#include "ledger/suppress.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

LEDGER_CALL(suppress, suppress_key)
LEDGER_CALL(unsuppress, unsuppress_key)

static json_t *suppression_json(struct arena *arena, const struct suppressions_read_row *row)
{
    bool domain = text_equal(row->kind, TEXT("domain"));
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "id", render_id(arena, ID_SUPPRESSION, row->suppression_id), "address",
                     render_text(domain ? TEXT_NONE : row->address_key), "domain",
                     render_text(domain ? row->address_key : TEXT_NONE), "reason", render_text(row->reason),
                     "created_at", render_instant(arena, row->created_at));
}

static struct text key_of(struct request *request)
{
    struct address address;
    struct text key;
    if (body_has(request->body, "address")) {
        if (address_parse(request->arena, body_text(request->body, "address"), &address) != ADDRESS_GOOD)
            unreachable("the contract's format was checked");
        return address.key;
    }
    if (domain_parse(request->arena, body_text(request->body, "domain"), &key) != ADDRESS_GOOD)
        unreachable("the contract's format was checked");
    return key;
}

void suppressions_create(struct request *request)
{
    struct suppress suppress = { .suppression = act_id(&request->act), .key = key_of(request), .reason = SUPPRESS_API };
    if (!suppress_call(request, &suppress))
        return;
    struct transaction *transaction = request->act.transaction;
    size_t asked = suppressions_read_ask(
        transaction, &(struct suppressions_read){ request->customer, suppress.suppression, page_newest, 1 });
    if (!request_read(request))
        return;
    struct suppressions_read_row row = suppressions_read_get(transaction, asked, 0);
    request_location(request, "/v1/suppressions/%.*s",
                     TEXT_ARG(id_text(request->arena, ID_SUPPRESSION, suppress.suppression)));
    request_answer(request, 201, suppression_json(request->arena, &row));
}

void suppressions_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked = suppressions_read_ask(
        transaction, &(struct suppressions_read){ request->customer, UUID_NIL, page.before, page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = suppressions_read_count(transaction, asked), shown = page_shown(&page, count);
    struct suppressions_read_row row = { .suppression_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = suppressions_read_get(transaction, asked, i);
        json_array_append_new(data, suppression_json(request->arena, &row));
    }
    page_answer(request, &page, data, count, row.suppression_id);
}

void suppressions_delete(struct request *request)
{
    struct unsuppress unsuppress = { .suppression = request_id_in_path(request, ID_SUPPRESSION) };
    if (!unsuppress_call(request, &unsuppress))
        return;
    if (unsuppress.found)
        request_answer(request, 204, NULL);
    else
        request_not_found(request);
}
