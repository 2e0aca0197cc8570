#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

static json_t *event_json(struct arena *arena, const struct events_read_row *row)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "id", render_id(arena, ID_EVENT, row->event_id), "type",
                     render_text(row->type), "at", render_instant(arena, row->at), "customer_id",
                     render_id(arena, ID_CUSTOMER, row->customer_id), "data", render_json(row->data));
}

/* The place to go on is an event's id, as `after` or as `cursor`: a reader may keep it for ever. */
static bool place_of(struct request *request, struct uuid *after)
{
    struct text cursor = request_query(request, "cursor");
    *after = request_query_id(request, "after", ID_EVENT);
    if (text_is_none(cursor) || id_parse(cursor, ID_EVENT, after) == ID_GOOD)
        return true;
    request_refuse(request, PROBLEM_BAD_CURSOR, "The cursor is no event's id.");
    return false;
}

void events_list(struct request *request)
{
    struct page page = { .limit = (size_t)request_query_number(request, "limit") };
    struct uuid after;
    if (!place_of(request, &after))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked = events_read_ask(transaction, &(struct events_read){
                                                    .customer = request->customer,
                                                    .after = after,
                                                    .types = request_query_list(request, "type"),
                                                    .message = request_query_id(request, "message_id", ID_MESSAGE),
                                                    .wanted = page_wanted(&page),
                                                });
    if (!request_read(request))
        return;
    size_t count = events_read_count(transaction, asked), shown = page_shown(&page, count);
    struct events_read_row row = { .event_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = events_read_get(transaction, asked, i);
        json_array_append_new(data, event_json(request->arena, &row));
    }
    json_t *next = count > shown ? render_id(request->arena, ID_EVENT, row.event_id) : json_null();
    request_answer(request, 200, json_pack("{s:o,s:o}", "data", data, "next_cursor", next));
}
