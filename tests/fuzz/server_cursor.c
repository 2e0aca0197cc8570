/*
 * Cursors (T115). The input is: which list, a position, a change, and a cursor of a stranger's. Ours goes on where it was
 * sealed; a changed one, one of another customer, list or filter, and any that nobody sealed, is no cursor.
 */

#include "server/cursor.h"
#include "routes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
    struct server server;
    struct exchange exchange;
    struct request request;
};

/* The n-th list with a cursor, round and round. */
static const struct route *list_of(size_t n)
{
    const struct route *lists[64];
    size_t count = 0;
    for (size_t i = 0; i < routes_count && count < COUNT(lists); i++)
        for (size_t q = 0; q < routes[i].query_count; q++)
            if (text_equal(text_of(routes[i].query[q].name), TEXT("cursor")))
                lists[count++] = &routes[i];
    assert(count > 1);
    return lists[n % count];
}

static void set_query(struct request *request, const char *name, struct text value)
{
    for (size_t i = 0; i < request->route->query_count; i++)
        if (text_equal(text_of(request->route->query[i].name), text_of(name)))
            request->query[i] = value;
}

static void set_route(struct request *request, const struct route *route, struct text cursor)
{
    request->route = route;
    request->query = arena_make_array(request->arena, struct text, route->query_count + 1);
    request->listed = arena_make_array(request->arena, struct texts, route->query_count + 1);
    set_query(request, "cursor", cursor);
}

static bool takes(struct request *request, const struct route *route, struct text cursor, struct page *page)
{
    set_route(request, route, cursor);
    bool taken = page_take(request, page);
    assert(taken || request->answer.problem == PROBLEM_BAD_CURSOR);
    return taken;
}

static struct text seal(struct request *request, struct text position)
{
    struct page page = { .limit = 1 };
    page_answer_at(request, &page, json_array(), 2, position);
    const json_t *next = json_object_get(request->answer.json, "next_cursor");
    assert(json_is_string(next));
    return text_copy(request->arena, text_from(json_string_value(next), json_string_length(next)));
}

static struct text changed(struct arena *arena, struct text cursor, uint8_t place, uint8_t octet)
{
    char *copy = arena_copy(arena, cursor.bytes, cursor.length);
    copy[place % cursor.length] = (char)octet;
    return text_from(copy, cursor.length);
}

static void check_sealed(struct request *request, size_t list, struct text position, uint8_t place, uint8_t octet)
{
    struct page page;
    const struct route *route = list_of(list);
    set_route(request, route, TEXT_NONE);
    struct text cursor = seal(request, position);
    assert(takes(request, route, cursor, &page) && text_equal(page.position, position) && page.limit > 0);
    struct text other = changed(request->arena, cursor, place, octet);
    assert(text_equal(other, cursor) || !takes(request, route, other, &page));
    assert(!takes(request, route, text_slice(cursor, 0, cursor.length - 1), &page));
    assert(!takes(request, list_of(list + 1), cursor, &page));
    request->customer.bytes[place % 16] ^= 1;
    assert(!takes(request, route, cursor, &page));
    request->customer.bytes[place % 16] ^= 1;
    request->server->cursor_key[place % SECRET_DIGEST] ^= 1;
    assert(!takes(request, route, cursor, &page));
    request->server->cursor_key[place % SECRET_DIGEST] ^= 1;
    set_route(request, route, cursor);
    for (size_t i = 0; i < route->query_count; i++) {
        struct text name = text_of(route->query[i].name);
        if (text_equal(name, TEXT("cursor")) || text_equal(name, TEXT("limit")))
            continue;
        set_query(request, route->query[i].name, TEXT("other"));
        assert(!page_take(request, &page));
        set_query(request, route->query[i].name, TEXT_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { POSITION_MAX = 64 };
    if (size < 4)
        return 0;
    struct page page;
    struct scene scene = { .server = { .cursor_key = { 7 } } };
    struct request *request = &scene.request;
    scene.exchange.arena = request->arena = arena_new();
    scene.exchange.path = TEXT("/v1/list");
    request->server = &scene.server;
    request->exchange = &scene.exchange;
    struct text rest = text_from((const char *)data + 4, size - 4);
    struct text position = text_slice(rest, 0, data[3] % POSITION_MAX + 1u);
    if (position.length > 0)
        check_sealed(request, data[0], position, data[1], data[2]);
    memset(request->customer.bytes, 0xFF, sizeof request->customer.bytes); /* for whom nothing was sealed here */
    assert(rest.length == 0 || !takes(request, list_of(data[0]), rest, &page));
    json_decref(request->answer.json);
    arena_free(&request->arena);
    return 0;
}
