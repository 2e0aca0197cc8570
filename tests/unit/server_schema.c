/* A body against a schema: what each word of the contract refuses, where it points, and which limit it names. */
#include "server/request_body.h"
#include "server/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char *const colours[] = { "red", "blue", NULL };
static const struct schema line = {
    .types = SCHEMA_STRING | SCHEMA_NULL, .format = FORMAT_LINE, .length_min = 1, .length_max = 4
};
static const struct schema colour = { .types = SCHEMA_STRING, .words = colours };
static const struct schema number = { .types = SCHEMA_INTEGER, .minimum = 1, .maximum = 9 };
static const struct schema list = {
    .types = SCHEMA_ARRAY, .items = &colour, .count_min = 1, .count_max = 2, .unique = true
};
static const struct schema map = { .types = SCHEMA_OBJECT, .others = &line, .names = &line, .count_max = 2 };
static const struct schema id = { .types = SCHEMA_STRING, .format = FORMAT_ID, .id_kind = ID_POOL, .length_max = 255 };
static const struct schema_field fields[] = {
    { "line", &line, true }, { "number", &number, false }, { "list", &list, false },
    { "map", &map, false },  { "id", &id, false },
};
static const struct schema whole = { .types = SCHEMA_OBJECT, .fields = fields, .field_count = COUNT(fields) };
static const struct schema_field many_fields[] = { { "items", &list, true } };
static const struct schema many = { .types = SCHEMA_OBJECT, .fields = many_fields, .field_count = 1 };
static const struct schema either = { .types = SCHEMA_OBJECT, .many_field = "items", .one = &whole, .many = &many };

static void each_fault_names_its_field_and_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *json, *pointer, *code;
        int64_t limit;
    } rows[] = {
        { "{\"line\":\"a\"}", NULL, NULL, 0 },
        { "{\"line\":null}", NULL, NULL, 0 },
        { "{\"line\":\"\\u00e4\\u00e4\\u00e4\\u00e4\"}", NULL, NULL, 0 }, /* four characters, eight octets */
        { "{}", "/line", "required", INT64_MIN },
        { "{\"line\":\"\"}", "/line", "min-length", 1 },
        { "{\"line\":\"abcde\"}", "/line", "max-length", 4 },
        { "{\"line\":\"a\\nb\"}", "/line", "format", INT64_MIN },
        { "{\"line\":\"\\u2028\"}", "/line", "format", INT64_MIN },
        { "{\"line\":7}", "/line", "type", INT64_MIN },
        { "{\"line\":\"a\",\"number\":0}", "/number", "minimum", 1 },
        { "{\"line\":\"a\",\"number\":10}", "/number", "maximum", 9 },
        { "{\"line\":\"a\",\"number\":1.0}", "/number", "type", INT64_MIN },
        { "{\"line\":\"a\",\"number\":true}", "/number", "type", INT64_MIN },
        { "{\"line\":\"a\",\"list\":[]}", "/list", "min-items", 1 },
        { "{\"line\":\"a\",\"list\":[\"red\",\"blue\",\"red\"]}", "/list", "max-items", 2 },
        { "{\"line\":\"a\",\"list\":[\"red\",\"red\"]}", "/list/1", "unique", INT64_MIN },
        { "{\"line\":\"a\",\"list\":[\"red\",\"green\"]}", "/list/1", "enum", INT64_MIN },
        { "{\"line\":\"a\",\"map\":{\"a/b\":\"12345\"}}", "/map/a~1b", "max-length", 4 },
        { "{\"line\":\"a\",\"map\":{\"~long\":\"1\"}}", "/map/~0long", "max-length", 4 },
        { "{\"line\":\"a\",\"map\":{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\"}}", "/map", "max-items", 2 },
        { "{\"line\":\"a\",\"id\":\"pool_01h455vb4pex5vsknk084sn02q\"}", NULL, NULL, 0 },
        { "{\"line\":\"a\",\"id\":\"mbx_01h455vb4pex5vsknk084sn02q\"}", "/id", "format", INT64_MIN },
        { "{\"line\":\"a\",\"id\":\"pool_01H455VB4PEX5VSKNK084SN02Q\"}", "/id", "format", INT64_MIN },
        { "{\"line\":\"a\",\"other\":1}", "/other", "unknown", INT64_MIN },
        { "{\"items\":[\"red\"]}", NULL, NULL, 0 },
        { "{\"items\":[\"red\"],\"line\":\"a\"}", "/line", "unknown", INT64_MIN },
        { "[]", "", "type", INT64_MIN },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct faults faults = { .count = 0 };
        json_t *json = json_loads(rows[i].json, 0, NULL);
        assert_non_null(json);
        schema_check(arena, &either, json, TEXT(""), &faults);
        if (faults.count != (rows[i].pointer != NULL))
            print_error("%s: %zu faults\n", rows[i].json, faults.count);
        assert_int_equal(faults.count, rows[i].pointer != NULL);
        if (faults.count == 1) {
            assert_true(text_equal(faults.items[0].pointer, text_of(rows[i].pointer)));
            assert_true(text_equal(faults.items[0].code, text_of(rows[i].code)));
            assert_int_equal(faults.items[0].limit, rows[i].limit);
        }
        json_decref(json);
    }
    arena_free(&arena);
}

static void forms_are_held(void **state)
{
    (void)state;
    static const struct {
        enum schema_format format;
        const char *good, *bad;
    } rows[] = {
        { FORMAT_TEXT, "a\tb\r\nc", "a\x01" },
        { FORMAT_EMAIL, "bo@example.com", "bo@" },
        { FORMAT_DATE_TIME, "2026-11-24T09:41:07+01:00", "2026-02-30T00:00:00Z" },
        { FORMAT_TIME_OF_DAY, "24:00", "24:01" },
        { FORMAT_TIME_OF_DAY, "09:59", "9:59" },
        { FORMAT_TIME_ZONE, "America/Argentina/Buenos_Aires", "../etc/passwd" },
        { FORMAT_DOMAIN_NAME,
          "b\xc3\xbc"
          "cher.example",
          "localhost" },
        { FORMAT_DOMAIN_NAME, "xn--bcher-kva.example", "-a.example" },
        { FORMAT_HOST_NAME, "sender-1", "a..b" },
        { FORMAT_IP_ADDRESS, "2001:db8::1", "10.0.0.0/8" },
        { FORMAT_IP_ADDRESS, "203.0.113.7", "203.0.113.07" },
        { FORMAT_BASE64, "aGVsbG8=", "aGVsbG8" },
        { FORMAT_MEDIA_TYPE, "application/vnd.ms-excel", "text" },
        { FORMAT_EXTRA_HEADER, "X-Lead", "Bcc" },
        { FORMAT_ROUTE_DOMAIN, "*", "*.example" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct schema schema = { .types = SCHEMA_STRING, .format = rows[i].format, .length_max = 255 };
        struct faults good = { .count = 0 }, bad = { .count = 0 };
        schema_check_text(arena, &schema, text_of(rows[i].good), TEXT(""), &good);
        schema_check_text(arena, &schema, text_of(rows[i].bad), TEXT(""), &bad);
        if (good.count != 0 || bad.count != 1)
            print_error("%s, %s\n", rows[i].good, rows[i].bad);
        assert_int_equal(good.count, 0);
        assert_int_equal(bad.count, 1);
    }
    arena_free(&arena);
}

static void
depth_is_seen_without_reading(void **state) /* catches a bracket in a string counted, and one counted twice */
{
    (void)state;
    assert_int_equal(json_depth(TEXT("7")), 0);
    assert_int_equal(json_depth(TEXT("[[1],[2],[3],[[]]]")), 3);
    assert_int_equal(json_depth(TEXT("{\"a[[[\":\"\\\"[[[\"}")), 1);
    assert_int_equal(json_depth(TEXT("]]]][")), 1);
}

static void the_type_of_a_body_is_json_in_utf8(void **state)
{
    (void)state;
    assert_true(body_type_fits(TEXT("application/json"), false));
    assert_true(body_type_fits(TEXT("Application/JSON ; charset=UTF-8"), false));
    assert_true(body_type_fits(TEXT("application/merge-patch+json"), true));
    assert_false(body_type_fits(TEXT("application/merge-patch+json"), false));
    assert_false(body_type_fits(TEXT("application/json; charset=latin1"), false));
    assert_false(body_type_fits(TEXT("application/json; charset=utf-8; charset=latin1"), false));
    assert_false(body_type_fits(TEXT("text/plain"), false));
    assert_false(body_type_fits(TEXT_NONE, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_names_its_field_and_its_limit),
        cmocka_unit_test(forms_are_held),
        cmocka_unit_test(depth_is_seen_without_reading),
        cmocka_unit_test(the_type_of_a_body_is_json_in_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
