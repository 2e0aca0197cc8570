/* Replies, read from hostile bytes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/reply.h"

#include "any.h"

static struct reply reply_of(struct arena *arena, struct text bytes)
{
    struct reply_reader reader = reply_reader_in(arena);
    size_t taken = reply_read(&reader, bytes);
    (void)taken;
    return reader.reply;
}

/* catches: a bare LF taken for a line end, a code of four digits, a NUL that hides the rest, mixed codes believed. */
static void a_reply_is_read_as_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        struct text bytes;
        enum reply_class class;
        int code;
    } rows[] = {
        { TEXT("250 2.1.5 ok\r\n"), REPLY_2YZ, 250 },
        { TEXT("250\r\n"), REPLY_2YZ, 250 },
        { TEXT("250 \r\n"), REPLY_2YZ, 250 },
        { TEXT("250-a\r\n250-b\r\n250 c\r\n"), REPLY_2YZ, 250 },
        { TEXT("250-\r\n250\r\n"), REPLY_2YZ, 250 },
        { TEXT("550-no\r\n550 no\r\n"), REPLY_5YZ, 550 },
        { TEXT("571 no\r\n"), REPLY_5YZ, 571 },
        { TEXT("421 4.4.5 busy\r\n"), REPLY_4YZ, 421 },
        { TEXT("354 go\r\n"), REPLY_3YZ, 354 },
        { TEXT("120 wait\r\n"), REPLY_1YZ, 120 },
        { TEXT("250 \xff\xfe\r\n"), REPLY_2YZ, 250 },
        { TEXT("250 ok\n"), REPLY_MALFORMED, 0 },
        { TEXT("250 ok\r250 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250 ok\r\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("\n"), REPLY_MALFORMED, 0 },
        { TEXT("ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("2500 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("25 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250\tok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250_ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT(" 250 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("000 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("099 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("650 ok\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250-a\r\n550 b\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250-a\r\n251 b\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250-a\r\nb\r\n250 c\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("250 o\0k\r\n"), REPLY_MALFORMED, 0 },
        { TEXT("\0"), REPLY_MALFORMED, 0 },
        { TEXT("250 ok"), REPLY_UNFINISHED, 0 },
        { TEXT("250 ok\r"), REPLY_UNFINISHED, 0 },
        { TEXT("250-ok\r\n"), REPLY_UNFINISHED, 250 },
        { TEXT(""), REPLY_UNFINISHED, 0 },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reply reply = reply_of(arena, rows[i].bytes);
        if (reply.class != rows[i].class || reply.code != rows[i].code)
            fail_msg("row %zu: class %d, code %d", i, (int)reply.class, reply.code);
    }
    arena_free(&arena);
}

/* catches: an enhanced code made of a version number, one that is kept twice, one lost in the text. */
static void an_enhanced_code_is_found_and_taken_out_of_the_words(void **state)
{
    (void)state;
    static const struct {
        struct text bytes, code, text, words;
    } rows[] = {
        { TEXT("550 5.1.1 gone\r\n"), TEXT("5.1.1"), TEXT("gone"), TEXT("550 5.1.1 gone") },
        { TEXT("550-5.1.1 a\r\n550 5.1.1 b\r\n"), TEXT("5.1.1"), TEXT("a\nb"), TEXT("550 5.1.1 a b") },
        { TEXT("550-5.1.1 a\r\n550 5.7.1 b\r\n"), TEXT("5.1.1"), TEXT("a\n5.7.1 b"), TEXT("550 5.1.1 a 5.7.1 b") },
        { TEXT("550-a\r\n550 5.7.1 b\r\n"), TEXT_NONE, TEXT("a\n5.7.1 b"), TEXT("550 a 5.7.1 b") },
        { TEXT("250 2.0.0\r\n"), TEXT("2.0.0"), TEXT(""), TEXT("250 2.0.0") },
        { TEXT("250 2.0.0 \r\n"), TEXT("2.0.0"), TEXT(""), TEXT("250 2.0.0") },
        { TEXT("450 4.7.26 a\r\n"), TEXT("4.7.26"), TEXT("a"), TEXT("450 4.7.26 a") },
        { TEXT("450 4.7.650 a\r\n"), TEXT("4.7.650"), TEXT("a"), TEXT("450 4.7.650 a") },
        { TEXT("450 4.7.1000 a\r\n"), TEXT_NONE, TEXT("4.7.1000 a"), TEXT("450 4.7.1000 a") },
        { TEXT("450 4.07.1 a\r\n"), TEXT_NONE, TEXT("4.07.1 a"), TEXT("450 4.07.1 a") },
        { TEXT("450 3.7.1 a\r\n"), TEXT_NONE, TEXT("3.7.1 a"), TEXT("450 3.7.1 a") },
        { TEXT("450 4.7 a\r\n"), TEXT_NONE, TEXT("4.7 a"), TEXT("450 4.7 a") },
        { TEXT("450 4.7.1.2 a\r\n"), TEXT_NONE, TEXT("4.7.1.2 a"), TEXT("450 4.7.1.2 a") },
        { TEXT("450 4.7.1: a\r\n"), TEXT_NONE, TEXT("4.7.1: a"), TEXT("450 4.7.1: a") },
        { TEXT("450\r\n"), TEXT_NONE, TEXT(""), TEXT("450") },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reply reply = reply_of(arena, rows[i].bytes);
        struct text code = enhanced_code_text(arena, reply.enhanced), words = reply_words(arena, &reply);
        if (!text_equal(code, rows[i].code) || !text_equal(reply.text, rows[i].text) ||
            !text_equal(words, rows[i].words))
            fail_msg("row %zu: '%.*s' '%.*s' '%.*s'", i, TEXT_ARG(code), TEXT_ARG(reply.text), TEXT_ARG(words));
    }
    arena_free(&arena);
}

static struct text repeated(struct arena *arena, struct text piece, size_t times)
{
    struct builder out = builder_in(arena);
    for (size_t i = 0; i < times; i++)
        builder_add(&out, piece);
    return builder_text(&out);
}

/* catches: a bound that is off by one, and memory that grows with what a stranger sends (T18). */
static void a_reply_has_its_bounds(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text fill = repeated(arena, TEXT("a"), BOUND_REPLY_LINE - 6);
    struct text line = text_format(arena, "250 %.*s\r\n", TEXT_ARG(fill));
    assert_int_equal(line.length, BOUND_REPLY_LINE);
    assert_int_equal(reply_of(arena, line).class, REPLY_2YZ);
    assert_int_equal(reply_of(arena, text_format(arena, "250 a%.*s\r\n", TEXT_ARG(fill))).class, REPLY_MALFORMED);

    struct text lines = repeated(arena, TEXT("250-a\r\n"), BOUND_REPLY_LINES - 1);
    assert_int_equal(reply_of(arena, text_join(arena, lines, TEXT("250 a\r\n"))).class, REPLY_2YZ);
    assert_int_equal(reply_of(arena, text_join(arena, lines, TEXT("250-a\r\n250 a\r\n"))).class, REPLY_MALFORMED);

    struct text big = repeated(arena, text_format(arena, "250-%.*s\r\n", TEXT_ARG(fill)), 40);
    struct reply_reader reader = reply_reader_in(arena);
    assert_true(reply_read(&reader, big) <= BOUND_REPLY + 1);
    assert_int_equal(reader.reply.class, REPLY_MALFORMED);
    arena_free(&arena);
}

/* catches: bytes of the next reply that are swallowed, or read on after the end (T21). */
static void a_reader_stops_behind_one_reply(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct reply_reader reader = reply_reader_in(arena);
    assert_int_equal(reply_read(&reader, TEXT("354 go\r\n250 queued\r\n")), 8);
    assert_int_equal(reader.reply.class, REPLY_3YZ);
    assert_int_equal(reply_read(&reader, TEXT("250 queued\r\n")), 0);
    arena_free(&arena);
}

static struct text any_bytes(struct any *any, struct arena *arena)
{
    static const char *const pieces[] = { "250",   "550", "-",    " ",    "\r\n", "\r\n", "\r",    "\n",
                                          "5.1.1", "x",   "\xc3", "\xbc", "\x1b", "421",  "4.4.5", "2" };
    struct builder out = builder_in(arena);
    for (int64_t i = any_between(any, 1, 40); i > 0; i--)
        builder_add(&out, text_of(pieces[any_between(any, 0, COUNT(pieces) - 1)]));
    if (any_between(any, 0, 9) == 0)
        builder_add_byte(&out, 0);
    return builder_text(&out);
}

/* catches: a reader that keeps something between two calls that it should not, or text that is not UTF-8 (T19, T20). */
static void a_reply_is_the_same_however_its_bytes_are_cut(void **state)
{
    (void)state;
    seeds (seed, 20000) {
        struct any any = any_of(seed);
        struct arena *arena = arena_new();
        struct text bytes = any_bytes(&any, arena), rest = bytes;
        struct reply whole = reply_of(arena, bytes);
        struct reply_reader reader = reply_reader_in(arena);
        while (rest.length > 0) {
            size_t part = (size_t)any_between(&any, 1, 5), taken = reply_read(&reader, text_slice(rest, 0, part));
            if (taken < MIN_OF(part, rest.length))
                break;
            rest = text_after(rest, taken);
        }
        HOLDS(seed, reader.reply.class == whole.class && reader.reply.code == whole.code);
        HOLDS(seed,
              text_equal(reader.reply.text, whole.text) && text_is_utf8(whole.text) && !text_has(whole.text, '\r'));
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_read_as_the_rfc_says),
        cmocka_unit_test(an_enhanced_code_is_found_and_taken_out_of_the_words),
        cmocka_unit_test(a_reply_has_its_bounds),
        cmocka_unit_test(a_reader_stops_behind_one_reply),
        cmocka_unit_test(a_reply_is_the_same_however_its_bytes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
