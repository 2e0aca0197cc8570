/* base/text: lengths, cuts, numbers, UTF-8, base64; the vectors are those of RFC 3629 and RFC 4648. */
#include "base/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void assert_text(struct text text, const char *wanted)
{
    assert_string_equal(text_terminated(arena, text), wanted);
    assert_int_equal(text.length, text_of(wanted).length);
}

static void a_slice_never_leaves_its_text(void **state) /* catches: arithmetic beyond the end */
{
    (void)state;
    struct text text = TEXT("abcdef");
    assert_text(text_slice(text, 2, 2), "cd");
    assert_text(text_slice(text, 4, 100), "ef");
    assert_text(text_slice(text, 100, 3), "");
    assert_true(text_is_none(text_slice(TEXT_NONE, 1, 2)));
    assert_text(text_trim(TEXT(" \r\n\t a b \n")), "a b");
    assert_text(text_trim(TEXT("  ")), "");
}

static void a_text_is_cut_at_each_separator(void **state) /* catches: a byte read behind the last part */
{
    (void)state;
    static const struct {
        const char *text;
        size_t parts;
    } rows[] = { { "", 0 }, { "a", 1 }, { "a,b", 2 }, { "a,,b", 3 }, { ",", 1 }, { "a,", 1 }, { ",a", 2 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text rest = text_of(rows[i].text), part;
        size_t parts = 0;
        while (text_cut(&rest, ',', &part))
            parts++;
        assert_int_equal(parts, rows[i].parts);
    }
}

static void numbers_are_decimal_whole_and_in_range(void **state) /* catches: an overflow taken for a number */
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "-1", true, -1 },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "0x1", false, 0 },
        { "1e3", false, 0 },
        { "99999999999999999999999999", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 0;
        assert_int_equal(text_to_int64(text_of(rows[i].text), &value), rows[i].good);
        if (rows[i].good)
            assert_true(value == rows[i].value);
    }
    uint64_t value;
    assert_true(text_to_uint(TEXT("65535"), 65535, &value));
    assert_false(text_to_uint(TEXT("65536"), 65535, &value));
}

static void utf8_is_what_rfc_3629_says(void **state) /* catches: overlong forms, surrogates, cut sequences */
{
    (void)state;
    static const struct {
        const char *bytes;
        bool good;
    } rows[] = {
        { "plain", true },
        { "gr\xc3\xbc\xc3\x9f", true },
        { "\xe2\x82\xac", true },
        { "\xf0\x9f\x99\x82", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\xf4\x90\x80\x80", false },
        { "\xc0\xaf", false },
        { "\xe0\x80\xaf", false },
        { "\xed\xa0\x80", false },
        { "\xc3", false },
        { "\x80", false },
        { "\xff", false },
        { "\xf0\x80\x80\xaf", false },
        { "a\xe2\x82", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(text_is_utf8(text_of(rows[i].bytes)), rows[i].good);
    assert_text(text_sane(arena, TEXT("a\x1b[31m\xffz")), "a\xef\xbf\xbd[31m\xef\xbf\xbdz");
}

static void controls_are_found_in_any_form(void **state) /* T05, T06; catches: a line break that is no CR or LF */
{
    (void)state;
    static const char *const with[] = { "a\r",          "\n",           "a\x7f",   "\xc2\x85",
                                        "\xe2\x80\xa8", "\xe2\x80\xa9", "\x1b[1m", "\t" };
    for (size_t i = 0; i < COUNT(with); i++)
        assert_true(text_has_control(text_of(with[i])));
    assert_true(text_has_control(text_from("a\0b", 3)));
    assert_false(text_has_control(TEXT("gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x99\x82")));
}

static void base64_is_rfc_4648_and_strict(void **state) /* catches: wrong padding or stray bits let in */
{
    (void)state;
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg==" },
                                            { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg==" },
                                            { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" } };
    static const char *const wrong[] = { "Zg=", "Zg", "Z===", "Zg==Zg==", "Zh==", "Zm9v\n", "Zm9-", "=" };
    struct text bytes;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_text(text_base64(arena, text_of(pairs[i][0])), pairs[i][1]);
        assert_true(text_unbase64(arena, text_of(pairs[i][1]), &bytes));
        assert_text(bytes, pairs[i][0]);
    }
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(text_unbase64(arena, text_of(wrong[i]), &bytes));
    assert_text(text_base64url(arena, TEXT("\xfb\xff")), "-_8");
    assert_true(text_unbase64url(arena, TEXT("-_8"), &bytes));
    assert_text(bytes, "\xfb\xff");
    assert_true(text_unhex(arena, TEXT("00fF"), &bytes));
    assert_int_equal(bytes.length, 2);
    assert_false(text_unhex(arena, TEXT("0g"), &bytes));
}

static void a_builder_keeps_everything_it_was_given(void **state) /* catches: growth that loses the head */
{
    (void)state;
    struct builder builder = builder_in(arena);
    assert_false(text_is_none(builder_text(&builder)));
    for (int i = 0; i < 5000; i++)
        builder_format(&builder, "%d,", i);
    struct text rest = builder_text(&builder), part;
    for (int64_t i = 0, value; i < 5000; i++) {
        assert_true(text_cut(&rest, ',', &part) && text_to_int64(part, &value));
        assert_int_equal(value, i);
    }
    assert_true(text_is_empty(rest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_never_leaves_its_text),           cmocka_unit_test(a_text_is_cut_at_each_separator),
        cmocka_unit_test(numbers_are_decimal_whole_and_in_range),  cmocka_unit_test(utf8_is_what_rfc_3629_says),
        cmocka_unit_test(controls_are_found_in_any_form),          cmocka_unit_test(base64_is_rfc_4648_and_strict),
        cmocka_unit_test(a_builder_keeps_everything_it_was_given),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
