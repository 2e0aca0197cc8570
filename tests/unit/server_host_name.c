/* Which Host is ours (T94). */
#include "server/host_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *told[] = { "api.acme.example", "Evenpost" };
static const char *any[] = { "*" };

/* catches: a name of a stranger's page that leads to our address, and a client of ours that is turned away. */
static void a_name_is_ours_if_we_were_told(void **state)
{
    static const struct {
        const char *host;
        bool ours;
    } rows[] = {
        { "api.acme.example", true },
        { "API.Acme.Example", true },
        { "api.acme.example:8025", true },
        { "api.acme.example.", true },
        { "api.acme.example.:80", true },
        { " evenpost ", true },
        { "localhost", true },
        { "LOCALHOST:8025", true },
        { "127.0.0.1", true },
        { "203.0.113.7:8025", true },
        { "[::1]", true },
        { "[2001:db8::1]:8025", true },
        { "evil.example", false },
        { "api.acme.example.evil.example", false },
        { "evil.example:8025", false },
        { "notapi.acme.example", false },
        { "localhost.evil.example", false },
        { "127.0.0.1.evil.example", false },
        { "api.acme.example:80x", false },
        { "api.acme.example:70000", false },
        { "api.acme.example@evil.example", false },
        { "evil.example, api.acme.example", false },
        { "2130706433", false },
        { "127.1", false },
        { "::1", false },
        { "[127.0.0.1]", false },
        { "[::1", false },
        { "", false },
        { ":80", false },
        { ".", false },
        { "*", false },
    };
    (void)state;
    struct setting_texts names = { told, COUNT(told) };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (host_name_is_ours(text_of(rows[i].host), &names) != rows[i].ours)
            fail_msg("%s: %s", rows[i].host, rows[i].ours ? "is ours" : "is not ours");
}

static void without_names_addresses_and_localhost_remain(void **state)
{
    (void)state;
    struct setting_texts none = { NULL, 0 }, all = { any, 1 };
    assert_true(host_name_is_ours(TEXT("127.0.0.1:8025"), &none));
    assert_true(host_name_is_ours(TEXT("localhost:8025"), &none));
    assert_false(host_name_is_ours(TEXT("api.acme.example"), &none));
    assert_true(host_name_is_ours(TEXT("whatever.example"), &all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_ours_if_we_were_told),
        cmocka_unit_test(without_names_addresses_and_localhost_remain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
