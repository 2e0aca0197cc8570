/* Targets are matched as they came: decoded once per segment, never tidied up. */
#include "server/authentication.h"
#include "server/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void a_target_finds_its_operation_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *name, *first, *second; /* name NULL: none */
        enum route_word word;
    } rows[] = {
        { "GET", "/v1/messages", "messages_list", NULL, NULL, ROUTE_FOUND },
        { "GET", "/v1/messages/x", "messages_get", "x", NULL, ROUTE_FOUND },
        { "GET", "/v1/messages/a%2Fb", "messages_get", "a/b", NULL, ROUTE_FOUND },
        { "GET", "/v1/messages/a%252Fb", "messages_get", "a%2Fb", NULL, ROUTE_FOUND },
        { "GET", "/v1/messages/a+b", "messages_get", "a+b", NULL, ROUTE_FOUND },
        { "PUT", "/v1/routes/%2A", "routes_put", "*", NULL, ROUTE_FOUND },
        { "PUT", "/v1/routes/*", "routes_put", "*", NULL, ROUTE_FOUND },
        { "POST", "/v1/ips/i/receivers/[::1]:25/release", "ips_receiver_release", "i", "[::1]:25", ROUTE_FOUND },
        { "PATCH", "/v1/messages", NULL, NULL, NULL, ROUTE_NO_METHOD },
        { "GET", "/v1/messages/", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/x/", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages//source", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/x/source/y", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/V1/messages", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/%6dessages", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/%", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/%4", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/%00", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/v1/messages/%c0%af", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "/", NULL, NULL, NULL, ROUTE_NO_PATH },
        { "GET", "", NULL, NULL, NULL, ROUTE_NO_PATH },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct route_match match = route_of(arena, text_of(rows[i].method), text_of(rows[i].path));
        if (match.word != rows[i].word)
            print_error("%s %s\n", rows[i].method, rows[i].path);
        assert_int_equal(match.word, rows[i].word);
        if (match.word != ROUTE_FOUND)
            continue;
        assert_string_equal(match.route->name, rows[i].name);
        assert_true(text_equal(match.in_path[0], text_of(rows[i].first)));
        assert_true(text_equal(match.in_path[1], text_of(rows[i].second)));
    }
    arena_free(&arena);
}

static void a_keys_form_tells_whose_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        bool good, is_operator;
    } rows[] = {
        { "ep_op_0123456789abcdef", true, true },
        { "ep_cus_01h455vb4pex5vsknk084sn02q_0123456789abcdef", true, false },
        { "ep_op_short", false, true },
        { "ep_op_0123456789abcdef\n", false, true },
        { "ep_cus_01h455vb4pex5vsknk084sn02q0123456789abcdef", false, false },
        { "ep_cus_81h455vb4pex5vsknk084sn02q_0123456789abcdef", false, false },
        { "ep_cus_", false, false },
        { "ep_xx_0123456789abcdef", false, false },
        { "", false, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct uuid customer;
        bool is_operator, good = key_parse(text_of(rows[i].key), &is_operator, &customer);
        assert_int_equal(good, rows[i].good);
        assert_true(!good || is_operator == rows[i].is_operator);
        assert_true(!good || uuid_is_nil(customer) == is_operator);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_finds_its_operation_or_none),
        cmocka_unit_test(a_keys_form_tells_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
