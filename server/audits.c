/* audits: who did what, when and from where, as OCSF's class API Activity calls it. */
#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server/traceparent.h"
#include "server_statements.h"

enum { API_ACTIVITY = 6003, SUCCESS = 1, INFORMATIONAL = 1 };

static json_t *metadata_json(const struct audits_read_row *row)
{
    return json_pack("{s:s,s:s,s:o,s:o}", "product", "evenpost", "version", contract_version, "request_id",
                     render_text(row->request_id), "trace_id", render_text(traceparent_trace(row->traceparent)));
}

static json_t *audit_json(struct arena *arena, const struct audits_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:i,s:i,s:i,s:i,s:i,s:{s:s,s:o},s:{s:o},s:{s:o},s:{s:o},s:o,s:o,s:o}", "id",
                     render_id(arena, ID_AUDIT, row->audit_id), "time", render_instant(arena, row->at), "customer_id",
                     render_id(arena, ID_CUSTOMER, row->customer_id), "class_uid", API_ACTIVITY, "activity_id",
                     row->activity, "type_uid", API_ACTIVITY * 100 + row->activity, "status_id", SUCCESS, "severity_id",
                     INFORMATIONAL, "actor", "kind", row->by_operator ? "operator" : "customer", "key_id",
                     render_id(arena, ID_KEY, row->key_id), "src_endpoint", "ip", render_text(row->source),
                     "http_request", "user_agent", render_text(row->user_agent), "api", "operation",
                     render_text(row->operation), "resources", render_json(row->resources), "changes",
                     render_json(row->changes), "metadata", metadata_json(row));
}

/* What is no customer's gives the same row. */
static struct audits_read_row of_operator(struct operator_audits_read_row row)
{
    return (struct audits_read_row){
        .customer_id = UUID_NIL,
        .audit_id = row.audit_id,
        .at = row.at,
        .operation = row.operation,
        .activity = row.activity,
        .by_operator = true,
        .key_id = row.key_id,
        .source = row.source,
        .user_agent = row.user_agent,
        .request_id = row.request_id,
        .traceparent = row.traceparent,
        .resources = row.resources,
        .changes = row.changes,
    };
}

/* Two lists, each newest first, as one. */
struct merge {
    struct transaction *transaction;
    size_t asked, count, next;             /* customers' */
    size_t own_asked, own_count, own_next; /* of no customer */
};

static struct audits_read_row merge_take(struct merge *merge)
{
    struct audits_read_row row, own;
    bool has = merge->next < merge->count, has_own = merge->own_next < merge->own_count;
    if (has)
        row = audits_read_get(merge->transaction, merge->asked, merge->next);
    if (has_own)
        own = of_operator(operator_audits_read_get(merge->transaction, merge->own_asked, merge->own_next));
    if (!has_own || (has && uuid_compare(row.audit_id, own.audit_id) > 0)) {
        merge->next++;
        return row;
    }
    merge->own_next++;
    return own;
}

void audit_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    bool across = uuid_is_nil(request->customer);
    struct merge merge = { .transaction = request_reading(request) };
    merge.asked =
        audits_read_ask(merge.transaction, &(struct audits_read){ request->customer, page.before, page_wanted(&page) });
    if (across)
        merge.own_asked = operator_audits_read_ask(merge.transaction,
                                                   &(struct operator_audits_read){ page.before, page_wanted(&page) });
    if (!request_read(request))
        return;
    merge.count = audits_read_count(merge.transaction, merge.asked);
    merge.own_count = across ? operator_audits_read_count(merge.transaction, merge.own_asked) : 0;
    size_t count = merge.count + merge.own_count, shown = page_shown(&page, count);
    struct audits_read_row row = { .audit_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = merge_take(&merge);
        json_array_append_new(data, audit_json(request->arena, &row));
    }
    page_answer(request, &page, data, count, row.audit_id);
}
