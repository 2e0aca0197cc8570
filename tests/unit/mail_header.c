/* The head of a message: T05, T06, T09, T14, T15. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/header.h"

#include "any.h"

/* catches: a second From, a forged trace, a field that we or a receiver answer for (T15). */
static void a_customer_adds_only_open_fields(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum header_fault fault;
    } rows[] = {
        { "X-Lead", HEADER_GOOD },
        { "x-lead", HEADER_GOOD },
        { "Importance", HEADER_GOOD },
        { "auto-submitted", HEADER_GOOD },
        { "From", HEADER_RESERVED },
        { "FROM", HEADER_RESERVED },
        { "Sender", HEADER_RESERVED },
        { "To", HEADER_RESERVED },
        { "Cc", HEADER_RESERVED },
        { "Bcc", HEADER_RESERVED },
        { "Reply-To", HEADER_RESERVED },
        { "Subject", HEADER_RESERVED },
        { "Date", HEADER_RESERVED },
        { "Message-Id", HEADER_RESERVED },
        { "In-Reply-To", HEADER_RESERVED },
        { "References", HEADER_RESERVED },
        { "Received", HEADER_RESERVED },
        { "Return-Path", HEADER_RESERVED },
        { "DKIM-Signature", HEADER_RESERVED },
        { "Authentication-Results", HEADER_RESERVED },
        { "ARC-Seal", HEADER_RESERVED },
        { "MIME-Version", HEADER_RESERVED },
        { "Content-Type", HEADER_RESERVED },
        { "content-transfer-encoding", HEADER_RESERVED },
        { "List-Unsubscribe", HEADER_RESERVED },
        { "List-Unsubscribe-Post", HEADER_RESERVED },
        { "Resent-From", HEADER_RESERVED },
        { "Disposition-Notification-To", HEADER_RESERVED },
        { "X-Evenpost-Id", HEADER_RESERVED },
        { "From ", HEADER_NAME },
        { " From", HEADER_NAME },
        { "From:", HEADER_NAME },
        { "X-A:b", HEADER_NAME },
        { "X-A b", HEADER_NAME },
        { "X-A\tb", HEADER_NAME },
        { "X-A\r\nBcc", HEADER_NAME },
        { "X-A\n b", HEADER_NAME },
        { "X-Ä", HEADER_NAME },
        { "X-\x7f", HEADER_NAME },
        { "", HEADER_NAME },
        { "X-", HEADER_NOT_OPEN },
        { "Foo", HEADER_NOT_OPEN },
        { "XLead", HEADER_NOT_OPEN },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum header_fault fault = header_check_field(text_of(rows[i].name), TEXT("a"));
        if (fault != rows[i].fault)
            fail_msg("'%s': %d", rows[i].name, (int)fault);
    }
    assert_int_equal(header_check_field(TEXT("X-\0a"), TEXT("a")), HEADER_NAME);
}

/* catches: any octet that could end a line or a string for somebody (T05, T06). */
static void no_control_character_stands_in_a_head(void **state)
{
    (void)state;
    static const struct text bad[] = {
        TEXT("a\r\nb"),          TEXT("a\nb"), TEXT("a\rb"), TEXT("a\0b"), TEXT("a\xc2\x85 b"), TEXT("a\xe2\x80\xa8 b"),
        TEXT("a\xe2\x80\xa9 b"), TEXT("\r\n"), TEXT("a\x7f")
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(header_check_text(bad[i], 100), HEADER_CONTROL);
        assert_int_equal(header_check_field(TEXT("X-A"), bad[i]), HEADER_CONTROL);
        assert_false(header_is_message_id(bad[i]));
    }
    for (int byte = 0; byte < 0x20; byte++) {
        char text[] = { 'a', (char)byte, 'b' };
        assert_int_equal(header_check_text(text_from(text, 3), 100), HEADER_CONTROL);
    }
    for (int byte = 0x80; byte < 0xA0; byte++) {
        char text[] = { 'a', '\xc2', (char)byte };
        assert_int_equal(header_check_text(text_from(text, 3), 100), HEADER_CONTROL);
    }
    assert_int_equal(header_check_text(TEXT("a\xff"), 100), HEADER_NOT_UTF8);
    assert_int_equal(header_check_text(TEXT("\xed\xa0\x80"), 100), HEADER_NOT_UTF8);
    assert_int_equal(header_check_text(TEXT("aaa"), 2), HEADER_TOO_LONG);
    assert_int_equal(header_check_text(TEXT(""), 2), HEADER_GOOD);
    assert_int_equal(header_check_field(TEXT("X-A"), TEXT("  ")), HEADER_EMPTY);
}

/* catches: an identifier that ends its brackets, or holds a blank. */
static void a_message_id_is_two_dot_atoms(void **state)
{
    (void)state;
    static const char *const good[] = { "msg_01h455vb4pex5vsknk084sn02q@acme.example", "a.b@c", "a/b+c=d@e.f" };
    static const char *const bad[] = { "",      "a",       "@",     "a@",     "@b",   "<a@b>",  "a@b>",
                                       "a b@c", "a@b c",   "a@b@c", ".a@b",   "a.@b", "a..b@c", "a@.b",
                                       "a@b.",  "\"a\"@b", "a@[b]", "a(b)@c", "ä@b" };
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(header_is_message_id(text_of(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (header_is_message_id(text_of(bad[i])))
            fail_msg("'%s'", bad[i]);
    }
}

static struct text field_of(struct arena *arena, const char *value)
{
    struct builder out = builder_in(arena);
    header_write_text(&out, TEXT("Subject"), text_of(value));
    return builder_text(&out);
}

/* catches: an encoding nobody asked for, and one that was needed (RFC 2047 §5). */
static void text_is_written_plainly_where_it_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *value, *field;
    } rows[] = {
        { "", "Subject:\r\n" },
        { "Hello", "Subject: Hello\r\n" },
        { "Hello Bo, how are you?", "Subject: Hello Bo, how are you?\r\n" },
        { "Grüße", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" },
        { "Grüße an Bo", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_an_Bo?=\r\n" },
        { "日本", "Subject: =?utf-8?b?5pel5pys?=\r\n" },
        { "=?utf-8?q?x=0D=0ABcc:_y?=", "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3D0D=3D0ABcc=3A=5Fy=3F=3D?=\r\n" },
        { " a", "Subject: =?utf-8?q?_a?=\r\n" },
        { "a ", "Subject: =?utf-8?q?a_?=\r\n" },
        { "a  b", "Subject: =?utf-8?q?a__b?=\r\n" },
        { "%0d%0aBcc: x", "Subject: %0d%0aBcc: x\r\n" },
        { "&#13;&#10;Bcc: x", "Subject: &#13;&#10;Bcc: x\r\n" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text field = field_of(arena, rows[i].value);
        if (!text_equal(field, text_of(rows[i].field)))
            fail_msg("'%s': %.*s", rows[i].value, TEXT_ARG(field));
    }
    arena_free(&arena);
}

/* catches: a display name that becomes an address, or ends its quotes. */
static void a_display_name_stays_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *display, *field;
    } rows[] = {
        { "", "To: bo@example.com\r\n" },
        { "Bo Lee", "To: Bo Lee <bo@example.com>\r\n" },
        { "Lee, Bo", "To: \"Lee, Bo\" <bo@example.com>\r\n" },
        { "Bo B. Lee", "To: \"Bo B. Lee\" <bo@example.com>\r\n" },
        { "Bo \"B\" Lee", "To: \"Bo \\\"B\\\" Lee\" <bo@example.com>\r\n" },
        { "Bo\\", "To: \"Bo\\\\\" <bo@example.com>\r\n" },
        { "ceo@bank.example", "To: \"ceo@bank.example\" <bo@example.com>\r\n" },
        { "<x@y.example>,", "To: \"<x@y.example>,\" <bo@example.com>\r\n" },
        { "Bö", "To: =?utf-8?q?B=C3=B6?= <bo@example.com>\r\n" },
        { "Bö, x@y", "To: =?utf-8?q?B=C3=B6=2C_x=40y?= <bo@example.com>\r\n" },
        { "=?utf-8?q?x?=", "To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <bo@example.com>\r\n" },
    };
    struct arena *arena = arena_new();
    struct address address = { 0 };
    assert_int_equal(address_parse(arena, TEXT("bo@example.com"), &address), ADDRESS_GOOD);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct builder out = builder_in(arena);
        header_write_mailbox(&out, TEXT("To"), text_of(rows[i].display), &address);
        if (!text_equal(builder_text(&out), text_of(rows[i].field)))
            fail_msg("'%s': %.*s", rows[i].display, TEXT_ARG(builder_text(&out)));
    }
    arena_free(&arena);
}

static struct text any_value(struct any *any, struct arena *arena)
{
    static const char *const pieces[] = { "a",  "word", " ", " ", "ü",    "日本語",
                                          "=?", "?=",   "=", "_", "🙂", "averyveryverylongword",
                                          ".",  "?" };
    struct builder out = builder_in(arena);
    for (int64_t i = any_between(any, 0, 120); i > 0; i--)
        builder_add(&out, text_of(pieces[any_between(any, 0, COUNT(pieces) - 1)]));
    return builder_text(&out);
}

/* catches: a line too long, an encoded-word too long or cut through a character, a field that ends early. */
static void every_field_keeps_the_lengths_of_the_rfcs(void **state)
{
    (void)state;
    seeds (seed, 5000) {
        struct any any = any_of(seed);
        struct arena *arena = arena_new();
        struct builder out = builder_in(arena);
        struct text value = any_value(&any, arena), rest, line;
        header_write_text(&out, TEXT("X-A-Name-Of-Some-Length-That-Leaves-Less-Room"), value);
        rest = builder_text(&out);
        HOLDS(seed, text_is_ascii(rest) && text_ends(rest, TEXT("\r\n")));
        for (bool first = true; text_cut(&rest, '\n', &line); first = false) {
            HOLDS(seed, line.length <= 999 && text_ends(line, TEXT("\r")) && text_find(line, '\r') == line.length - 1);
            HOLDS(seed, first || (line.bytes[0] == ' ' && line.bytes[1] != ' '));
            HOLDS(seed, text_find_text(line, TEXT("=?utf-8?")) == line.length || line.length <= 77);
        }
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_adds_only_open_fields), cmocka_unit_test(no_control_character_stands_in_a_head),
        cmocka_unit_test(a_message_id_is_two_dot_atoms),    cmocka_unit_test(text_is_written_plainly_where_it_can_be),
        cmocka_unit_test(a_display_name_stays_a_name),      cmocka_unit_test(every_field_keeps_the_lengths_of_the_rfcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
