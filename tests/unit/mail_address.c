/* Addresses: T05 to T11. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/address.h"

#include "any.h"

/* catches: an address that is sent otherwise than it was meant, or two writings of one mailbox taken for two (T07, T08). */
static void what_is_an_address_is_written_anew(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written, *key;
    } rows[] = {
        { "bo@example.com", "bo@example.com", "bo@example.com" },
        { "Bo.Lee+News@Example.COM", "Bo.Lee+News@example.com", "bo.lee+news@example.com" },
        { "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com" },
        { "\"bo\"@example.com", "bo@example.com", "bo@example.com" },
        { "\"b\\o\"@example.com", "bo@example.com", "bo@example.com" },
        { "\"a b\"@example.com", "\"a b\"@example.com", "\"a b\"@example.com" },
        { "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com" },
        { "\"a\\\\b\"@example.com", "\"a\\\\b\"@example.com", "\"a\\\\b\"@example.com" },
        { "\"@evil.example\"@example.com", "\"@evil.example\"@example.com", "\"@evil.example\"@example.com" },
        { "\"a..b\"@example.com", "\"a..b\"@example.com", "\"a..b\"@example.com" },
        { "\".\"@example.com", "\".\"@example.com", "\".\"@example.com" },
        { "bo@Bücher.example", "bo@xn--bcher-kva.example", "bo@xn--bcher-kva.example" },
        { "bo@XN--BCHER-KVA.example", "bo@xn--bcher-kva.example", "bo@xn--bcher-kva.example" },
        { "bo@bu\xcc\x88"
          "cher.example",
          "bo@xn--bcher-kva.example", "bo@xn--bcher-kva.example" },
        { "bo@faß.example", "bo@xn--fa-hia.example", "bo@xn--fa-hia.example" },
        { "bo@例え。テスト", "bo@xn--r8jz45g.xn--zckzah", "bo@xn--r8jz45g.xn--zckzah" },
        { "BÖ@example.com", "BÖ@example.com", "bö@example.com" },
        { "BO\xcc\x88@example.com", "BÖ@example.com", "bö@example.com" },
        { "Straße@example.com", "Straße@example.com", "strasse@example.com" },
        { "Ϊ\xcc\x81@example.com", "Ϊ\xcc\x81@example.com", "\xce\x90@example.com" },
        { "\xce\x90@example.com", "\xce\x90@example.com", "\xce\x90@example.com" },
        { "用户@example.com", "用户@example.com", "用户@example.com" },
        { "a@1and1.example", "a@1and1.example", "a@1and1.example" },
        { "a@a-b.c-d.example", "a@a-b.c-d.example", "a@a-b.c-d.example" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address = { 0 };
        enum address_fault fault = address_parse(arena, text_of(rows[i].text), &address);
        if (fault != ADDRESS_GOOD || !text_equal(address.text, text_of(rows[i].written)) ||
            !text_equal(address.key, text_of(rows[i].key)))
            fail_msg("'%s': fault %d, '%.*s', key '%.*s'", rows[i].text, (int)fault, TEXT_ARG(address.text),
                     TEXT_ARG(address.key));
    }
    arena_free(&arena);
}

/* catches: an envelope that is broken out of, a header that is, an identity that two parsers read in two ways (T05 to T09). */
static void what_is_none_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        struct text text;
        enum address_fault fault;
    } rows[] = {
        { TEXT(""), ADDRESS_EMPTY },
        { TEXT_NONE, ADDRESS_EMPTY },
        { TEXT("bo"), ADDRESS_NO_AT },
        { TEXT("bo@"), ADDRESS_NO_AT },
        { TEXT("@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("\"\"@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("bo@a.example@b.example"), ADDRESS_NO_AT },
        { TEXT("bo@@example.com"), ADDRESS_NO_AT },
        { TEXT("<>"), ADDRESS_DECORATED },
        { TEXT("<bo@example.com>"), ADDRESS_DECORATED },
        { TEXT("Bo <bo@example.com>"), ADDRESS_DECORATED },
        { TEXT("bo@example.com> SIZE=1"), ADDRESS_DECORATED },
        { TEXT("bo@example.com SIZE=1"), ADDRESS_DECORATED },
        { TEXT("bo@example.com,al@example.com"), ADDRESS_DECORATED },
        { TEXT("bo@example.com;"), ADDRESS_DECORATED },
        { TEXT("bo(comment)@example.com"), ADDRESS_DECORATED },
        { TEXT("bo@(comment)example.com"), ADDRESS_DECORATED },
        { TEXT("@x.example,@y.example:z@w.example"), ADDRESS_LOCAL_PART },
        { TEXT("@x.example:z@w.example"), ADDRESS_LOCAL_PART },
        { TEXT("mailto:bo@example.com"), ADDRESS_DECORATED },
        { TEXT(" bo@example.com"), ADDRESS_DECORATED },
        { TEXT("bo@example.com "), ADDRESS_DECORATED },
        { TEXT("a b@example.com"), ADDRESS_DECORATED },
        { TEXT(".bo@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("bo.@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("b..o@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("\"bo@example.com"), ADDRESS_DECORATED },
        { TEXT("\"bo\"x@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("\"bo\".x@example.com"), ADDRESS_LOCAL_PART },
        { TEXT("bo@[192.0.2.1]"), ADDRESS_LITERAL },
        { TEXT("bo@[IPv6:2001:db8::1]"), ADDRESS_LITERAL },
        { TEXT("bo@192.0.2.1"), ADDRESS_DOMAIN_SHORT },
        { TEXT("bo@localhost"), ADDRESS_DOMAIN_SHORT },
        { TEXT("bo@example.com."), ADDRESS_DOMAIN },
        { TEXT("bo@.example.com"), ADDRESS_DOMAIN },
        { TEXT("bo@example..com"), ADDRESS_DOMAIN },
        { TEXT("bo@-a.example"), ADDRESS_DOMAIN },
        { TEXT("bo@a-.example"), ADDRESS_DOMAIN },
        { TEXT("bo@a_b.example"), ADDRESS_DOMAIN },
        { TEXT("bo@exa%6dple.com"), ADDRESS_DOMAIN },
        { TEXT("bo@xn--\xc3\xbc.example"), ADDRESS_DOMAIN },
        { TEXT("bo@xn--a.example"), ADDRESS_DOMAIN },
        { TEXT("bo@\xe2\x80\x8b.example"), ADDRESS_DOMAIN },
        { TEXT("=?utf-8?q?a=40b?=@example.com"), ADDRESS_ENCODED_WORD },
        { TEXT("x=?utf-8?q?a=40b=00?=y@example.com"), ADDRESS_ENCODED_WORD },
        { TEXT("\"=?utf-8?q?a?=\"@example.com"), ADDRESS_ENCODED_WORD },
        { TEXT("bo\r\nBcc:x@example.com"), ADDRESS_CONTROL },
        { TEXT("bo@example.com\n"), ADDRESS_CONTROL },
        { TEXT("\"a\\\rb\"@example.com"), ADDRESS_CONTROL },
        { TEXT("bo\0@example.com"), ADDRESS_CONTROL },
        { TEXT("bo@example.com\0"), ADDRESS_CONTROL },
        { TEXT("b\x7fo@example.com"), ADDRESS_CONTROL },
        { TEXT("b\xc2\x85o@example.com"), ADDRESS_CONTROL },
        { TEXT("b\xe2\x80\xa8o@example.com"), ADDRESS_CONTROL },
        { TEXT("b\xe2\x80\x8bo@example.com"), ADDRESS_CONTROL },
        { TEXT("\xe2\x80\xaeob@example.com"), ADDRESS_CONTROL },
        { TEXT("b\xffo@example.com"), ADDRESS_NOT_UTF8 },
        { TEXT("bo@ex\xc3mple.com"), ADDRESS_NOT_UTF8 },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address = { 0 };
        enum address_fault fault = address_parse(arena, rows[i].text, &address);
        if (fault != rows[i].fault)
            fail_msg("'%.*s': fault %d instead of %d", TEXT_ARG(rows[i].text), (int)fault, (int)rows[i].fault);
        assert_true(text_is_none(address.text));
    }
    arena_free(&arena);
}

static struct text repeated(struct arena *arena, char byte, size_t times)
{
    struct builder out = builder_in(arena);
    for (size_t i = 0; i < times; i++)
        builder_add_byte(&out, byte);
    return builder_text(&out);
}

/* catches: a bound that is off by one (RFC 5321 §4.5.3.1), a label that DNS cannot hold (T11). */
static void an_address_has_its_bounds(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct address address = { 0 };
    struct text a64 = repeated(arena, 'a', 64), a63 = repeated(arena, 'a', 63);
    struct text domain = text_format(arena, "%.*s.%.*s.%.*s", TEXT_ARG(a63), TEXT_ARG(a63), TEXT_ARG(a63));
    const struct {
        struct text text;
        enum address_fault fault;
    } rows[] = {
        { text_format(arena, "%.*s@example.com", TEXT_ARG(a64)), ADDRESS_GOOD },
        { text_format(arena, "a%.*s@example.com", TEXT_ARG(a64)), ADDRESS_TOO_LONG },
        { text_format(arena, "a@%.*s.com", TEXT_ARG(a63)), ADDRESS_GOOD },
        { text_format(arena, "a@%.*s.com", TEXT_ARG(a64)), ADDRESS_DOMAIN },
        { text_format(arena, "%.*s@%.*s", TEXT_ARG(repeated(arena, 'b', 62)), TEXT_ARG(domain)), ADDRESS_GOOD },
        { text_format(arena, "%.*s@%.*s", TEXT_ARG(a63), TEXT_ARG(domain)), ADDRESS_TOO_LONG },
        { repeated(arena, 'a', 100000), ADDRESS_TOO_LONG },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(address_parse(arena, rows[i].text, &address), rows[i].fault);
    arena_free(&arena);
}

/* catches: a text that changes when it is read again: two identities of one address. */
static void what_was_written_reads_as_itself(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a", "B",         ".",  "\"", "\\", " ", "@",
                                          "ö", "o\xcc\x88", "=?", "?=", "例", "+", "x.y" };
    int parsed = 0;
    seeds (seed, 20000) {
        struct any any = any_of(seed);
        struct arena *arena = arena_new();
        struct builder text = builder_in(arena);
        bool quoted = any_between(&any, 0, 1) == 0;
        builder_add(&text, quoted ? TEXT("\"") : TEXT(""));
        for (int64_t i = any_between(&any, 1, 6); i > 0; i--)
            builder_add(&text, text_of(pieces[any_between(&any, 0, COUNT(pieces) - 1)]));
        builder_add(&text, quoted ? TEXT("\"@Bücher.example") : TEXT("@Example.com"));
        struct address first = { 0 }, again = { 0 };
        if (address_parse(arena, builder_text(&text), &first) == ADDRESS_GOOD) {
            parsed++;
            HOLDS(seed, address_parse(arena, first.text, &again) == ADDRESS_GOOD);
            HOLDS(seed, text_equal(first.text, again.text) && text_equal(first.key, again.key));
            HOLDS(seed, address_parse(arena, first.key, &again) == ADDRESS_GOOD && text_equal(first.key, again.key));
            HOLDS(seed, first.ascii == text_is_ascii(first.text));
        }
        arena_free(&arena);
    }
    assert_true(parsed > 1000 || getenv("EVENPOST_SEED") != NULL);
}

/* catches: A-labels that are shown to people, or a domain that loses its form on the way. */
static void a_domain_is_kept_in_ascii_and_shown_in_unicode(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text domain = TEXT_NONE;
    assert_int_equal(domain_parse(arena, TEXT("BÜCHER.example"), &domain), ADDRESS_GOOD);
    assert_true(text_equal(domain, TEXT("xn--bcher-kva.example")));
    assert_true(text_equal(domain_shown(arena, domain), TEXT("bücher.example")));
    assert_int_equal(domain_parse(arena, TEXT("a@example.com"), &domain), ADDRESS_DOMAIN);
    assert_int_equal(domain_parse(arena, TEXT("example"), &domain), ADDRESS_DOMAIN_SHORT);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_address_is_written_anew),
        cmocka_unit_test(what_is_none_is_refused_by_name),
        cmocka_unit_test(an_address_has_its_bounds),
        cmocka_unit_test(what_was_written_reads_as_itself),
        cmocka_unit_test(a_domain_is_kept_in_ascii_and_shown_in_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
