/* routes: where a domain's mail goes instead of its MX. */
#include "base/ip.h"

#include "mail/address.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

static json_t *route_json(const struct routes_read_row *row)
{
    return json_pack("{s:o,s:o,s:i,s:o}", "domain", render_text(row->domain), "host", render_text(row->host), "port",
                     row->port, "tls", render_text(row->tls));
}

/* The domain in the path as it is kept: in A-labels and lower case, or *. */
static struct text path_domain(struct request *request)
{
    struct text given = request_in_path(request, 0), domain;
    if (text_equal(given, TEXT("*")))
        return given;
    if (domain_parse(request->arena, given, &domain) != ADDRESS_GOOD)
        unreachable("the contract's format was checked");
    return domain;
}

void routes_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = request_reading_platform(request);
    struct text behind = text_is_none(page.position) ? TEXT("") : page.position;
    size_t asked = routes_read_ask(transaction, &(struct routes_read){ TEXT_NONE, behind, page_wanted(&page) });
    if (!request_read(request))
        return;
    size_t count = routes_read_count(transaction, asked), shown = page_shown(&page, count);
    struct routes_read_row row = { .domain = TEXT("") };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = routes_read_get(transaction, asked, i);
        json_array_append_new(data, route_json(&row));
    }
    page_answer_at(request, &page, data, count, row.domain);
}

void routes_put(struct request *request)
{
    const json_t *body = request->body;
    struct text domain = path_domain(request), tls = body_text(body, "tls");
    struct transaction *transaction = request->act.transaction;
    struct ip host;
    if (!ip_parse(body_text(body, "host"), &host))
        unreachable("the contract's format was checked");
    route_put_ask(transaction,
                  &(struct route_put){ domain, ip_text(request->arena, host), (int32_t)body_number(body, "port", 25),
                                       text_is_none(tls) ? TEXT("opportunistic") : tls, request->now });
    size_t asked = routes_read_ask(transaction, &(struct routes_read){ domain, TEXT(""), 1 });
    if (!request_read(request))
        return;
    struct routes_read_row row = routes_read_get(transaction, asked, 0);
    request_answer(request, 200, route_json(&row));
}

void routes_delete(struct request *request)
{
    struct transaction *transaction = request->act.transaction;
    size_t asked = route_delete_ask(transaction, &(struct route_delete){ path_domain(request) });
    if (!request_read(request))
        return;
    if (route_delete_count(transaction, asked) == 0)
        request_not_found(request);
    else
        request_answer(request, 204, NULL);
}
