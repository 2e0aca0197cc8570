#include "sandbox/pages.h"

#include "sandbox/behaviour_json.h"
#include "sandbox/greylist.h"
#include "sandbox/page.h"
#include "sandbox/report.h"

#include <string.h>

typedef struct response handler(struct shown *shown, struct arena *arena, const struct request *request);

static struct response respond_json(unsigned status, json_t *json)
{
    char *body = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(json);
    assert(body != NULL);
    const char *type = status < 400 ? "application/json" : "application/problem+json";
    return (struct response){ .status = status, .type = type, .body = body, .length = strlen(body) };
}

static struct response respond_problem(unsigned status, const char *title, struct text detail)
{
    return respond_json(
        status, json_pack("{s:s, s:i, s:o}", "title", title, "status", (int)status, "detail", report_text(detail)));
}

static struct response respond_nothing(void)
{
    return response_of(204, "text/plain", TEXT(""));
}

/* ---- the inbox ---- */

/* In a query a plus is a space; in an address it is more often a plus. */
static struct text wished_address(struct arena *arena, struct text wish)
{
    struct builder address = builder_in(arena);
    if (text_is_none(wish))
        return TEXT_NONE;
    for (size_t i = 0; i < wish.length; i++)
        builder_add_byte(&address, wish.bytes[i] == ' ' ? '+' : wish.bytes[i]);
    return builder_text(&address);
}

static json_t *received_json(const struct received *received, struct text to, const struct request *request)
{
    struct arena *arena = arena_new();
    json_t *row = json_object();
    json_object_set_new(row, "n", json_integer((json_int_t)received->number));
    json_object_set_new(row, "at", report_instant(received->moment.at));
    json_object_set_new(row, "source", report_text(received->source));
    json_object_set_new(row, "from", report_text(received->from));
    json_object_set_new(row, "to", report_text(to));
    json_object_set_new(row, "subject", report_text(received->subject));
    json_object_set_new(row, "text", report_text(received->text));
    json_object_set_new(row, "html", report_text(received->html));
    json_object_set_new(row, "answer", report_text(received->answer));
    json_object_set_new(row, "raw_url",
                        report_text(text_format(arena, "http://%.*s/inbox/%llu/raw", TEXT_ARG(request->host),
                                                (unsigned long long)received->number)));
    arena_free(&arena);
    return row;
}

struct inbox_wish {
    struct text to, from;
    uint64_t limit;
    size_t bytes; /* so far */
    uint64_t left_out;
};

/* A row for each recipient: a mailbox would have a copy each. */
static void add_received(json_t *data, struct inbox_wish *wish, const struct received *received,
                         const struct request *request)
{
    size_t size = received->subject.length + received->text.length + received->html.length + 512;
    if (!text_is_none(wish->from) && !text_equal_fold(received->from, wish->from))
        return;
    for (size_t i = 0; i < received->recipients; i++) {
        if (!text_is_none(wish->to) && !text_equal_fold(received->to[i], wish->to))
            continue;
        if (json_array_size(data) >= wish->limit || wish->bytes + size > PAGES_BYTES_MAX) {
            wish->left_out++;
            continue;
        }
        wish->bytes += size;
        json_array_append_new(data, received_json(received, received->to[i], request));
    }
}

static bool wished_number(const struct request *request, const char *name, uint64_t max, uint64_t *number)
{
    struct text value = request_value(request, name);
    return text_is_none(value) || text_to_uint(value, max, number);
}

static struct response show_inbox(struct shown *shown, struct arena *arena, const struct request *request)
{
    struct inbox_wish wish = {
        .to = wished_address(arena, request_value(request, "to")),
        .from = wished_address(arena, request_value(request, "from")),
        .limit = INBOX_MAX,
    };
    if (!wished_number(request, "limit", INBOX_MAX, &wish.limit))
        return respond_problem(400, "Bad Request", TEXT("limit is a number up to 10000"));
    json_t *data = json_array();
    for (uint64_t n = inbox_end(shown->inbox); n > inbox_first(shown->inbox); n--)
        add_received(data, &wish, inbox_get(shown->inbox, n - 1), request);
    return respond_json(200, json_pack("{s:o, s:I, s:I}", "data", data, "left_out", (json_int_t)wish.left_out,
                                       "dropped", (json_int_t)inbox_dropped(shown->inbox)));
}

static struct response forget_inbox(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)arena, (void)request;
    inbox_forget(shown->inbox);
    return respond_nothing();
}

/* /inbox/{n}/raw. As text, so that a browser shows it; nosniff and the policy keep it from being more. */
static struct response show_raw(struct shown *shown, struct text rest)
{
    uint64_t number;
    const struct received *received = NULL;
    if (text_ends(rest, TEXT("/raw")) && text_to_uint(text_slice(rest, 0, rest.length - 4), UINT64_MAX, &number))
        received = inbox_get(shown->inbox, number);
    if (received == NULL)
        return respond_problem(404, "Not Found", TEXT("no such message is kept"));
    return response_of(200, "text/plain; charset=utf-8", received->raw);
}

/* ---- the record ---- */

static bool record_wish(const struct request *request, struct report_wish *wish)
{
    uint64_t limit = REPORT_ROWS;
    int64_t minutes = 0;
    struct text offset = request_value(request, "utc_offset_minutes");
    *wish = (struct report_wish){ .source = request_value(request, "source") };
    if (!wished_number(request, "after", UINT64_MAX / 2, &wish->after))
        return false;
    wish->after_dot = wish->after;
    if (!wished_number(request, "after_dot", UINT64_MAX / 2, &wish->after_dot) ||
        !wished_number(request, "limit", REPORT_ROWS_MAX, &limit))
        return false;
    if (!text_is_none(offset) && (!text_to_int64(offset, &minutes) || minutes < -24 * 60 || minutes > 24 * 60))
        return false;
    wish->limit = limit;
    wish->offset_us = minutes * US_PER_MINUTE;
    return true;
}

static const char wish_fault[] = "source is an address, after, after_dot and limit (up to 100000) are numbers, "
                                 "utc_offset_minutes is within a day";

static struct response show_record(struct shown *shown, struct arena *arena, const struct request *request)
{
    struct report_wish wish;
    (void)arena;
    if (!record_wish(request, &wish))
        return respond_problem(400, "Bad Request", text_of(wish_fault));
    return respond_json(200, report_sources(shown->record, &wish));
}

static struct response show_timeline(struct shown *shown, struct arena *arena, const struct request *request)
{
    struct report_wish wish;
    (void)arena;
    if (!record_wish(request, &wish))
        return respond_problem(400, "Bad Request", text_of(wish_fault));
    return respond_json(200, report_timeline(shown->record, &wish));
}

static struct response forget_record(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)arena, (void)request;
    record_forget(shown->record);
    greylist_forget(shown->greylist);
    return respond_nothing();
}

/* ---- the behaviour ---- */

static struct response show_behaviour(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)arena, (void)request;
    return respond_json(200, behaviour_json(shown->behaviour));
}

static struct response set_behaviour(struct shown *shown, struct arena *arena, const struct request *request)
{
    struct text fault = TEXT("the body is no JSON");
    json_t *json = json_loadb(request->body.bytes, request->body.length, JSON_REJECT_DUPLICATES, NULL);
    bool good = json != NULL && behaviour_from_json(arena, json, shown->behaviour, &fault);
    json_decref(json);
    return good ? show_behaviour(shown, arena, request) : respond_problem(422, "Unprocessable Content", fault);
}

static struct response reset_behaviour(struct shown *shown, struct arena *arena, const struct request *request)
{
    *shown->behaviour = shown->start;
    return show_behaviour(shown, arena, request);
}

/* ---- the rest ---- */

static struct response show_page(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)request;
    return response_of(200, "text/html; charset=utf-8", page_html(arena, shown->inbox, shown->record));
}

static struct response show_style(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)shown, (void)arena, (void)request;
    return response_of(200, "text/css; charset=utf-8", page_style());
}

static struct response show_health(struct shown *shown, struct arena *arena, const struct request *request)
{
    (void)shown, (void)arena, (void)request;
    return response_of(200, "application/json", TEXT("{\"status\":\"ok\"}"));
}

static const struct route {
    const char *path, *method;
    handler *handle;
} routes[] = {
    { "/", "GET", show_page },
    { "/style.css", "GET", show_style },
    { "/healthz", "GET", show_health },
    { "/inbox", "GET", show_inbox },
    { "/inbox", "DELETE", forget_inbox },
    { "/record", "GET", show_record },
    { "/record", "DELETE", forget_record },
    { "/record/timeline", "GET", show_timeline },
    { "/behaviour", "GET", show_behaviour },
    { "/behaviour", "PUT", set_behaviour },
    { "/behaviour", "DELETE", reset_behaviour },
};

static struct response pages_answer(struct pages *pages, struct arena *arena, const struct request *request)
{
    struct shown *shown = container_of(pages, struct shown, pages);
    bool known = false;
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!text_equal(request->path, text_of(routes[i].path)))
            continue;
        known = true;
        if (text_equal(request->method, text_of(routes[i].method)))
            return routes[i].handle(shown, arena, request);
    }
    if (known)
        return respond_problem(405, "Method Not Allowed", request->method);
    if (text_starts(request->path, TEXT("/inbox/")) && text_equal(request->method, TEXT("GET")))
        return show_raw(shown, text_after(request->path, sizeof("/inbox/") - 1));
    return respond_problem(404, "Not Found", TEXT("no such page"));
}

void pages_init(struct shown *shown)
{
    shown->pages.answer = pages_answer;
    shown->start = *shown->behaviour;
}
