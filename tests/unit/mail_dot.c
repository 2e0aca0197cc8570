/* The transparency of DATA, at every edge of every buffer: T01, T02, T03. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/content.h"
#include "mail/dot.h"

#include "any.h"

enum { PIECES = 5, LONGEST = 6 };

/* What the dot writer gives with that much room in each call. */
static struct text written(struct arena *arena, struct text content, size_t room)
{
    struct dot_writer writer = dot_writer_of(content);
    struct builder out = builder_in(arena);
    char *block = memory_new(room); /* on its own, so that a sanitizer sees its end */
    for (size_t length = dot_write(&writer, block, room); length > 0; length = dot_write(&writer, block, room))
        builder_add(&out, text_from(block, length));
    memory_free(&block);
    return builder_text(&out);
}

/* What a receiver makes of it (RFC 5321 §4.5.2), written from the RFC; *ends: how often the data ended. */
static struct text received(struct arena *arena, struct text wire, int *ends)
{
    struct builder out = builder_in(arena);
    *ends = 0;
    while (wire.length > 0) {
        size_t end = text_find_text(wire, TEXT("\r\n"));
        assert_true(end < wire.length);
        struct text line = text_slice(wire, 0, end);
        wire = text_after(wire, end + 2);
        if (text_equal(line, TEXT("."))) {
            (*ends)++;
            continue;
        }
        builder_add(&out, text_starts(line, TEXT(".")) ? text_after(line, 1) : line);
        builder_add(&out, TEXT("\r\n"));
    }
    return builder_text(&out);
}

/* What smuggling needs: a line end that is none, beside a lone dot, as a lax receiver sees it. */
static bool is_smuggled(struct text wire)
{
    size_t ends = 0;
    for (size_t i = 1; i + 1 < wire.length; i++) {
        bool before = wire.bytes[i - 1] == '\n' || wire.bytes[i - 1] == '\r';
        bool behind = wire.bytes[i + 1] == '\n' || wire.bytes[i + 1] == '\r';
        ends += before && behind && wire.bytes[i] == '.';
    }
    return ends != 1; /* the one that we mean */
}

static struct content composed(struct arena *arena, struct text body)
{
    struct content_spec spec = {
        .date = { 0 }, .message_id = TEXT("a@sender.example"), .subject = TEXT("s"), .text = body
    };
    assert_int_equal(address_parse(arena, TEXT("ann@sender.example"), &spec.from), ADDRESS_GOOD);
    assert_int_equal(address_parse(arena, TEXT("bo@receiver.example"), &spec.to), ADDRESS_GOOD);
    assert_int_equal(content_check(&spec).fault, CONTENT_GOOD);
    return content_compose(arena, &spec);
}

static void check_wire(struct arena *arena, struct text content, size_t room)
{
    int ends = 0;
    struct text wire = text_join(arena, written(arena, content, room), DOT_END);
    assert_true(text_equal(received(arena, wire, &ends), content));
    assert_int_equal(ends, 1);
    assert_false(is_smuggled(wire));
    assert_false(text_starts(wire, TEXT(".\r\n")));
}

/* Calls visit with every sequence of up to LONGEST of CR, LF, dot, x, tab. */
static void each_body(void (*visit)(struct arena *arena, struct text body))
{
    static const char pieces[PIECES] = { '\r', '\n', '.', 'x', '\t' };
    size_t count = PIECES;
    for (size_t length = 1; length <= LONGEST; length++, count *= PIECES) {
        for (size_t number = 0; number < count; number++) {
            char bytes[LONGEST];
            size_t rest = number;
            for (size_t i = 0; i < length; i++, rest /= PIECES)
                bytes[i] = pieces[rest % PIECES];
            struct arena *arena = arena_new();
            visit(arena, text_from(bytes, length));
            arena_free(&arena);
        }
    }
}

static void check_body(struct arena *arena, struct text body)
{
    struct content content = composed(arena, body);
    assert_true(content_is_canonical(content.octets, false));
    for (size_t room = 2; room <= 5; room++)
        check_wire(arena, content.octets, room);
    check_wire(arena, content.octets, 4096);
}

/* catches: a line end that is not CRLF on the wire, a dot that ends a message for somebody, one that is lost (T01, T02). */
static void no_body_ends_the_message_or_is_changed(void **state)
{
    (void)state;
    each_body(check_body);
}

/* catches: a dot stuffed twice or not at all on the edge of a buffer (T03). */
static void a_dot_on_the_edge_of_a_buffer_is_doubled_once(void **state)
{
    (void)state;
    static const size_t rooms[] = { 2, 3, 15, 16, 17, 63, 64, 65, 1024 };
    for (size_t i = 0; i < COUNT(rooms); i++) {
        for (size_t length = rooms[i] < 4 ? 0 : rooms[i] - 4; length <= rooms[i] + 4; length++) {
            struct arena *arena = arena_new();
            struct builder content = builder_in(arena);
            for (size_t k = 0; k < length; k++)
                builder_add_byte(&content, 'a');
            builder_add(&content, TEXT("\r\n.\r\n..\r\n...\r\n.b\r\n"));
            check_wire(arena, builder_text(&content), rooms[i]);
            arena_free(&arena);
        }
    }
}

static void check_stuffed(struct arena *arena, struct text content, struct text expected)
{
    for (size_t room = 2; room < 40; room++)
        assert_true(text_equal(written(arena, content, room), expected));
}

/* catches: a stuffer and an unstuffer that are wrong in the same way. */
static void known_contents_give_known_octets(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    check_stuffed(arena, TEXT("\r\n"), TEXT(""));
    check_stuffed(arena, TEXT(".\r\n"), TEXT(".."));
    check_stuffed(arena, TEXT("..\r\n"), TEXT("..."));
    check_stuffed(arena, TEXT("a\r\n"), TEXT("a"));
    check_stuffed(arena, TEXT("a.b.\r\n.c\r\n"), TEXT("a.b.\r\n..c"));
    check_stuffed(arena, TEXT("\r\n\r\n.\r\n\r\n"), TEXT("\r\n\r\n..\r\n"));
    arena_free(&arena);
}

/* catches: the same, in bodies of any length and any room. */
static void any_lines_come_back_unchanged(void **state)
{
    (void)state;
    seeds (seed, 3000) {
        struct any any = any_of(seed);
        struct arena *arena = arena_new();
        struct builder content = builder_in(arena);
        for (int64_t lines = any_between(&any, 1, 12); lines > 0; lines--) {
            for (int64_t length = any_between(&any, 0, 6); length > 0; length--)
                builder_add_byte(&content, any_between(&any, 0, 2) == 0 ? 'a' : '.');
            builder_add(&content, TEXT("\r\n"));
        }
        int ends = 0;
        struct text wire =
            text_join(arena, written(arena, builder_text(&content), (size_t)any_between(&any, 2, 20)), DOT_END);
        HOLDS(seed, text_equal(received(arena, wire, &ends), builder_text(&content)) && ends == 1);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_body_ends_the_message_or_is_changed),
        cmocka_unit_test(a_dot_on_the_edge_of_a_buffer_is_doubled_once),
        cmocka_unit_test(known_contents_give_known_octets),
        cmocka_unit_test(any_lines_come_back_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
