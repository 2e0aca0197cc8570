#include "server/route.h"

#include "routes.h"

bool route_decode(struct arena *arena, struct text encoded, bool plus_is_space, struct text *decoded)
{
    struct builder builder = builder_in(arena);
    for (size_t i = 0; i < encoded.length; i++) {
        char byte = encoded.bytes[i];
        if (byte == '%') {
            unsigned high = i + 2 < encoded.length ? text_nibble(encoded.bytes[i + 1]) : 16;
            unsigned low = i + 2 < encoded.length ? text_nibble(encoded.bytes[i + 2]) : 16;
            if (high > 15 || low > 15)
                return false;
            byte = (char)(high << 4 | low);
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        if (byte == '\0')
            return false;
        builder_add_byte(&builder, byte);
    }
    *decoded = builder_text(&builder);
    return text_is_utf8(*decoded);
}

/* Takes "/part" off the front of *rest. */
static bool cut_segment(struct text *rest, struct text *segment)
{
    if (rest->length == 0 || rest->bytes[0] != '/')
        return false;
    struct text after = text_after(*rest, 1);
    size_t end = text_find(after, '/');
    *segment = text_slice(after, 0, end);
    *rest = text_after(after, end);
    return true;
}

static bool matches(struct arena *arena, const struct route *route, struct text path, struct text in_path[])
{
    struct text pattern = text_of(route->path), wanted, given;
    size_t count = 0;
    while (cut_segment(&pattern, &wanted)) {
        if (!cut_segment(&path, &given))
            return false;
        if (wanted.length > 0 && wanted.bytes[0] == '{') {
            assert(count < ROUTE_IN_PATH_MAX);
            if (!route_decode(arena, given, false, &in_path[count]) || in_path[count].length == 0)
                return false;
            count++;
        } else if (!text_equal(wanted, given)) {
            return false;
        }
    }
    return path.length == 0;
}

struct route_match route_of(struct arena *arena, struct text method, struct text path)
{
    struct route_match match = { .word = ROUTE_NO_PATH };
    struct builder allow = builder_in(arena);
    for (size_t i = 0; i < routes_count; i++) {
        struct text in_path[ROUTE_IN_PATH_MAX] = { TEXT_NONE, TEXT_NONE };
        if (!matches(arena, &routes[i], path, in_path))
            continue;
        if (text_equal(method, text_of(routes[i].method)))
            return (struct route_match){ ROUTE_FOUND, &routes[i], { in_path[0], in_path[1] }, TEXT_NONE };
        match.word = ROUTE_NO_METHOD;
        builder_format(&allow, "%s%s", builder_text(&allow).length == 0 ? "" : ", ", routes[i].method);
    }
    match.allow = builder_text(&allow);
    return match;
}

bool route_writes(const struct route *route)
{
    return !text_equal(text_of(route->method), TEXT("GET"));
}
