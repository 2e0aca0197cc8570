/* What may be composed, and what comes of it: T01, T05, T12, T14, T15. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "mail/content.h"

#include "any.h"

static struct content_spec usual(struct arena *arena)
{
    struct content_spec spec = {
        .date = { 1795500067000000 },
        .message_id = TEXT("msg_1@acme.example"),
        .from_name = TEXT("Ann Lee"),
        .to_name = TEXT(""),
        .subject = TEXT("Hello"),
        .text = TEXT("Hello Bo.\n"),
    };
    assert_int_equal(address_parse(arena, TEXT("ann@acme.example"), &spec.from), ADDRESS_GOOD);
    assert_int_equal(address_parse(arena, TEXT("bo@example.com"), &spec.to), ADDRESS_GOOD);
    return spec;
}

static void expect(const struct content_spec *spec, enum content_fault fault, enum content_part part, size_t index)
{
    struct content_verdict found = content_check(spec);
    if (found.fault != fault || (fault != CONTENT_GOOD && (found.part != part || found.index != index)))
        fail_msg("fault %d, part %d, index %zu", (int)found.fault, (int)found.part, found.index);
}

/* catches: a text that is refused without saying which one it was. */
static void what_cannot_be_composed_is_named_with_its_place(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct content_spec spec = usual(arena);
    expect(&spec, CONTENT_GOOD, CONTENT_PART_WHOLE, 0);
#define WITH(member, value, fault, part)                                                                               \
    do {                                                                                                               \
        struct content_spec changed = spec;                                                                            \
        changed.member = (value);                                                                                      \
        expect(&changed, fault, part, 0);                                                                              \
    } while (0)
    WITH(text, TEXT_NONE, CONTENT_NO_BODY, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\0b"), CONTENT_CONTROL, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\x0c"), CONTENT_CONTROL, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\x7f"), CONTENT_CONTROL, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\xc2\x85"), CONTENT_CONTROL, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\xff"), CONTENT_NOT_UTF8, CONTENT_PART_TEXT);
    WITH(text, TEXT("a\r\n\tb\rc\nd\xe2\x80\xa8"), CONTENT_GOOD, CONTENT_PART_TEXT);
    WITH(text, TEXT(""), CONTENT_GOOD, CONTENT_PART_TEXT);
    WITH(html, TEXT("a\0b"), CONTENT_CONTROL, CONTENT_PART_HTML);
    WITH(subject, TEXT("a\nb"), CONTENT_HEADER, CONTENT_PART_SUBJECT);
    WITH(from_name, TEXT("a\nb"), CONTENT_HEADER, CONTENT_PART_FROM_NAME);
    WITH(to_name, TEXT("a\xff"), CONTENT_HEADER, CONTENT_PART_TO_NAME);
    WITH(in_reply_to, TEXT("a b@c"), CONTENT_HEADER, CONTENT_PART_IN_REPLY_TO);
#undef WITH
    arena_free(&arena);
}

/* catches: the second of two equal fields, a part of a multipart smuggled in as a file (T15). */
static void fields_and_files_are_checked_one_by_one(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct content_field twice[] = { { TEXT("X-A"), TEXT("1") },
                                           { TEXT("X-B"), TEXT("2") },
                                           { TEXT("x-a"), TEXT("3") } };
    const struct content_field second_bad[] = { { TEXT("X-A"), TEXT("1") }, { TEXT("Bcc"), TEXT("x@example.com") } };
    struct content_spec spec = usual(arena);
    spec.fields = twice;
    spec.field_count = 2;
    expect(&spec, CONTENT_GOOD, CONTENT_PART_WHOLE, 0);
    spec.field_count = 3;
    expect(&spec, CONTENT_FIELD_TWICE, CONTENT_PART_FIELD, 2);
    spec.fields = second_bad;
    spec.field_count = 2;
    expect(&spec, CONTENT_HEADER, CONTENT_PART_FIELD, 1);
    assert_int_equal(content_check(&spec).header, HEADER_RESERVED);
    spec.field_count = 0;

    static const struct {
        struct text name, type;
        enum content_fault fault;
        enum content_part part;
    } rows[] = {
        { TEXT("a.txt"), TEXT("text/plain"), CONTENT_GOOD, CONTENT_PART_WHOLE },
        { TEXT("a.txt"), TEXT("application/vnd.ms-excel"), CONTENT_GOOD, CONTENT_PART_WHOLE },
        { TEXT(""), TEXT("text/plain"), CONTENT_HEADER, CONTENT_PART_ATTACHMENT_NAME },
        { TEXT("a\r\nb"), TEXT("text/plain"), CONTENT_HEADER, CONTENT_PART_ATTACHMENT_NAME },
        { TEXT("a"), TEXT("text"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("text/"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("/plain"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("text/plain; a=b"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("text/plain\r\nBcc: x"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("text/pl\0in"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("multipart/mixed"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
        { TEXT("a"), TEXT("Message/RFC822"), CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct content_attachment files[] = { { TEXT("first"), TEXT("text/plain"), TEXT("x") },
                                                    { rows[i].name, rows[i].type, TEXT("x") } };
        spec.attachments = files;
        spec.attachment_count = 2;
        expect(&spec, rows[i].fault, rows[i].part, rows[i].fault == CONTENT_GOOD ? 0 : 1);
    }
    arena_free(&arena);
}

/* catches: a bound that the parts keep and the whole does not. */
static void a_message_has_its_bounds(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct content_spec spec = usual(arena);
    char *much = arena_bytes(arena, BOUND_MESSAGE + 1);
    for (size_t i = 0; i <= BOUND_MESSAGE; i++)
        much[i] = i % 80 == 79 ? '\n' : 'a';
    spec.text = text_from(much, BOUND_MESSAGE + 1);
    expect(&spec, CONTENT_TOO_LONG, CONTENT_PART_TEXT, 0);
    spec.text = text_from(much, BOUND_MESSAGE / 2 + 1);
    spec.html = spec.text;
    expect(&spec, CONTENT_TOO_LONG, CONTENT_PART_WHOLE, 0);
    spec.html = text_from(much, BOUND_MESSAGE / 2 - 1);
    expect(&spec, CONTENT_GOOD, CONTENT_PART_WHOLE, 0);
    const struct content_attachment file = { TEXT("a"), TEXT("text/plain"), TEXT("x") };
    spec.attachments = &file;
    spec.attachment_count = 1;
    expect(&spec, CONTENT_TOO_LONG, CONTENT_PART_WHOLE, 0);
    spec.text = TEXT_NONE;
    spec.html = TEXT("x");
    const struct content_attachment big = { TEXT("a"), TEXT("text/plain"), text_from(much, BOUND_MESSAGE - 1) };
    spec.attachments = &big;
    assert_true(content_compose(arena, &spec).octets.length < BOUND_CONTENT);
    arena_free(&arena);
}

/* catches: a date, an identifier or a boundary that somebody invents: other octets at the second attempt. */
static void the_same_letter_gives_the_same_octets(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct content_spec spec = usual(arena);
    const struct content_attachment files[] = { { TEXT("a"), TEXT("text/plain"), TEXT("x") },
                                                { TEXT("ü"), TEXT("a/b"), TEXT("y") } };
    spec.html = TEXT("<p>Grüße</p>");
    spec.attachments = files;
    spec.attachment_count = 2;
    struct text first = content_compose(arena, &spec).octets;
    for (int i = 0; i < 5; i++)
        assert_true(text_equal(first, content_compose(arena, &spec).octets));
    assert_true(content_is_canonical(first, false));
    arena_free(&arena);
}

/* catches: octets above 127 for a receiver that was not asked for them (T12). */
static void only_an_address_outside_ascii_makes_the_head_international(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct content_spec spec = usual(arena);
    spec.subject = TEXT("Grüße");
    spec.to_name = TEXT("Bö");
    spec.text = TEXT("Grüße");
    assert_false(content_compose(arena, &spec).international);
    assert_int_equal(address_parse(arena, TEXT("bö@bücher.example"), &spec.to), ADDRESS_GOOD);
    struct content content = content_compose(arena, &spec);
    assert_true(content.international && content_is_canonical(content.octets, true));
    assert_false(content_is_canonical(content.octets, false));
    assert_true(text_find_text(content.octets, TEXT("<bö@xn--bcher-kva.example>")) < content.octets.length);
    arena_free(&arena);
}

/* catches: a last look that looks away. */
static void canonical_is_what_the_wire_takes(void **state)
{
    (void)state;
    static const struct {
        struct text octets;
        bool canonical;
    } rows[] = {
        { TEXT("\r\n"), true },
        { TEXT("a\r\n\r\nb\r\n"), true },
        { TEXT(""), false },
        { TEXT("a"), false },
        { TEXT("a\n"), false },
        { TEXT("a\r"), false },
        { TEXT("a\rb\r\n"), false },
        { TEXT("a\nb\r\n"), false },
        { TEXT("a\n\r\n"), false },
        { TEXT("a\r\r\n"), false },
        { TEXT("\n\r\n"), false },
        { TEXT("a\0b\r\n"), false },
        { TEXT("\xc3\xbc\r\n"), false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (content_is_canonical(rows[i].octets, false) != rows[i].canonical)
            fail_msg("row %zu", i);
    }
    assert_true(content_is_canonical(TEXT("\xc3\xbc\r\n"), true));
    for (size_t length = BOUND_LINE - 2; length <= BOUND_LINE + 2; length++) {
        char line[BOUND_LINE + 4];
        for (size_t i = 0; i < length; i++)
            line[i] = 'a';
        line[length] = '\r';
        line[length + 1] = '\n';
        assert_int_equal(content_is_canonical(text_from(line, length + 2), false), length <= BOUND_LINE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_composed_is_named_with_its_place),
        cmocka_unit_test(fields_and_files_are_checked_one_by_one),
        cmocka_unit_test(a_message_has_its_bounds),
        cmocka_unit_test(the_same_letter_gives_the_same_octets),
        cmocka_unit_test(only_an_address_outside_ascii_makes_the_head_international),
        cmocka_unit_test(canonical_is_what_the_wire_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
