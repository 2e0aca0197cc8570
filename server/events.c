#include "routes.h"
#include "server/cursor.h"
#include "server/render.h"
#include "server_statements.h"

/* An event, whichever list it was read for. */
struct event {
    struct uuid event_id, customer_id;
    struct text type, data;
    struct instant at;
};

static json_t *event_json(struct arena *arena, const struct event *row)
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

static bool is_of_message(struct request *request)
{
    return !uuid_is_nil(request_query_id(request, "message_id", ID_MESSAGE));
}

static size_t ask(struct request *request, struct transaction *transaction, struct uuid after, int64_t wanted)
{
    struct uuid message = request_query_id(request, "message_id", ID_MESSAGE);
    struct texts types = request_query_list(request, "type");
    if (!is_of_message(request))
        return events_read_ask(transaction, &(struct events_read){ request->customer, after, types, wanted });
    return events_of_message_read_ask(
        transaction, &(struct events_of_message_read){ request->customer, message, after, types, wanted });
}

static struct event get(struct request *request, struct transaction *transaction, size_t asked, size_t index)
{
    if (is_of_message(request)) {
        struct events_of_message_read_row row = events_of_message_read_get(transaction, asked, index);
        return (struct event){ row.event_id, row.customer_id, row.type, row.data, row.at };
    }
    struct events_read_row row = events_read_get(transaction, asked, index);
    return (struct event){ row.event_id, row.customer_id, row.type, row.data, row.at };
}

void events_list(struct request *request)
{
    struct page page = { .limit = (size_t)request_query_number(request, "limit") };
    struct uuid after;
    if (!place_of(request, &after))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked = ask(request, transaction, after, page_wanted(&page));
    if (!request_read(request))
        return;
    size_t count = is_of_message(request) ? events_of_message_read_count(transaction, asked)
                                          : events_read_count(transaction, asked);
    size_t shown = page_shown(&page, count);
    struct event event = { .event_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        event = get(request, transaction, asked, i);
        json_array_append_new(data, event_json(request->arena, &event));
    }
    json_t *next = count > shown ? render_id(request->arena, ID_EVENT, event.event_id) : json_null();
    request_answer(request, 200, json_pack("{s:o,s:o}", "data", data, "next_cursor", next));
}
