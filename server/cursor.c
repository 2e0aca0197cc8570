#include "server/cursor.h"

#include <string.h>

enum { MAC_BYTES = 16, POSITION_BYTES_MAX = 300 };

const struct uuid page_newest = { { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                    0xFF, 0xFF } };

/* What the cursor belongs to: list, reader and filters. */
static void mac_of(struct request *request, struct text position, uint8_t mac[SECRET_DIGEST])
{
    struct builder builder = builder_in(request->arena);
    builder_format(&builder, "%s\n%.*s\n", request->route->name,
                   TEXT_ARG(uuid_text(request->arena, request->customer)));
    for (size_t i = 0; i < request->route->query_count; i++) {
        struct text name = text_of(request->route->query[i].name);
        if (text_equal(name, TEXT("limit")) || text_equal(name, TEXT("cursor")))
            continue;
        builder_format(&builder, "%.*s", TEXT_ARG(name));
        if (request->listed[i].count == 0 && !text_is_none(request->query[i]))
            builder_format(&builder, "=%zu:%.*s", request->query[i].length, TEXT_ARG(request->query[i]));
        for (size_t n = 0; n < request->listed[i].count; n++)
            builder_format(&builder, "=%zu:%.*s", request->listed[i].items[n].length,
                           TEXT_ARG(request->listed[i].items[n]));
        builder_add_byte(&builder, '\n');
    }
    builder_add(&builder, position);
    struct text key = text_from((const char *)request->server->cursor_key, SECRET_DIGEST);
    secret_hmac_sha256(key, builder_text(&builder), mac);
}

static bool open_cursor(struct request *request, struct text cursor, struct text *position)
{
    struct text bytes;
    if (!text_unbase64url(request->arena, cursor, &bytes) || bytes.length <= MAC_BYTES ||
        bytes.length > MAC_BYTES + POSITION_BYTES_MAX)
        return false;
    *position = text_after(bytes, MAC_BYTES);
    uint8_t mac[SECRET_DIGEST];
    mac_of(request, *position, mac);
    return secret_equal(text_slice(bytes, 0, MAC_BYTES), text_from((const char *)mac, MAC_BYTES));
}

bool page_take(struct request *request, struct page *page)
{
    page->limit = (size_t)request_query_number(request, "limit");
    page->position = TEXT_NONE;
    page->before = page_newest;
    struct text cursor = request_query(request, "cursor");
    if (text_is_none(cursor))
        return true;
    if (!open_cursor(request, cursor, &page->position)) {
        request_refuse(request, PROBLEM_BAD_CURSOR, "The cursor is none of this list with these filters.");
        return false;
    }
    if (page->position.length == sizeof page->before.bytes)
        memcpy(page->before.bytes, page->position.bytes, sizeof page->before.bytes);
    return true;
}

int64_t page_wanted(const struct page *page)
{
    return (int64_t)page->limit + 1;
}

size_t page_shown(const struct page *page, size_t rows)
{
    return MIN_OF(rows, page->limit);
}

void page_answer_at(struct request *request, const struct page *page, json_t *data, size_t rows, struct text last)
{
    json_t *next = json_null();
    if (rows > page->limit) {
        uint8_t mac[SECRET_DIGEST];
        mac_of(request, last, mac);
        struct text sealed = text_join(request->arena, text_from((const char *)mac, MAC_BYTES), last);
        struct text cursor = text_base64url(request->arena, sealed);
        next = json_stringn(cursor.bytes, cursor.length);
    }
    request_answer(request, 200, json_pack("{s:o,s:o}", "data", data, "next_cursor", next));
}

void page_answer(struct request *request, const struct page *page, json_t *data, size_t rows, struct uuid last)
{
    page_answer_at(request, page, data, rows, text_from((const char *)last.bytes, sizeof last.bytes));
}
