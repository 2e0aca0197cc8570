/*
 * A request's body of any octets, through the tables made from the contract. The first octet says which operation. What is
 * taken is small, flat and sane; what is refused is refused in words that may stand in an answer.
 */

#include "base/bounds.h"

#include "server/request_body.h"
#include "routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The n-th operation that has a body, round and round. */
static const struct route *route_with_body(size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < routes_count; i++)
        count += routes[i].body != NULL;
    n %= count;
    for (size_t i = 0; i < routes_count; i++)
        if (routes[i].body != NULL && n-- == 0)
            return &routes[i];
    unreachable("the contract has no operation with a body");
}

/* What a handler may rely on, whatever the field: no line ends in names, and depth as it was promised. */
static void check_taken(const json_t *value, size_t depth)
{
    const char *name;
    json_t *inner;
    size_t at;
    assert(depth <= BOUND_JSON_DEPTH);
    json_object_foreach((json_t *)value, name, inner)
    {
        assert(!text_has_control(text_of(name)));
        check_taken(inner, depth + 1);
    }
    json_array_foreach(value, at, inner) check_taken(inner, depth + 1);
    if (json_is_string(value)) {
        struct text text = text_from(json_string_value(value), json_string_length(value));
        assert(text_is_utf8(text) && !text_has(text, '\0') && text.length <= BOUND_HTTP_BODY);
    }
    assert(!json_is_real(value));
}

static bool is_sane(struct text text)
{
    struct text rest = text, part;
    while (text_cut(&rest, '\t', &part))
        if (!text_is_utf8(part) || text_has_control(part))
            return false;
    return true;
}

static void check_refused(const struct faults *faults)
{
    assert(faults->count <= FAULTS_MAX);
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        assert(fault->pointer.length == 0 || fault->pointer.bytes[0] == '/');
        assert(is_sane(fault->pointer));
        assert(is_sane(fault->detail) && fault->detail.length > 0);
        assert(text_is_ascii(fault->code) && fault->code.length > 0);
    }
}

/* The same value, written anew, gets the same answer. */
static void check_again(struct arena *arena, const struct schema *schema, const json_t *value,
                        const struct faults *faults)
{
    struct faults again = { .count = 0 };
    char *written = json_dumps(value, JSON_COMPACT);
    assert(written != NULL);
    json_t *read = json_loads(written, JSON_REJECT_DUPLICATES, NULL);
    assert(read != NULL);
    schema_check(arena, schema, read, TEXT(""), &again);
    assert(again.count == faults->count);
    json_decref(read);
    memory_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    const struct route *route = route_with_body(data[0]);
    struct text body = text_from((const char *)data + 1, size - 1);
    struct faults faults = { .count = 0 };
    json_error_t error;
    json_t *value = json_depth(body) > BOUND_JSON_DEPTH
                        ? NULL
                        : json_loadb(body.bytes, body.length, JSON_REJECT_DUPLICATES, &error);
    if (value != NULL) {
        schema_check(arena, route->body, value, TEXT(""), &faults);
        if (faults.count == 0)
            check_taken(value, 1);
        check_refused(&faults);
        if (!text_has(body, '\0') && text_find_text(body, TEXT("\\u0000")) == body.length)
            check_again(arena, route->body, value, &faults);
    }
    json_decref(value);
    arena_free(&arena);
    return 0;
}
