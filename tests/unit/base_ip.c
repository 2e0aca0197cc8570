/* base/ip: addresses as values. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/ip.h"

static void an_address_is_read_and_written(void **state) /* catches: one host that counts as two */
{
    (void)state;
    static const struct {
        const char *read, *written;
    } rows[] = {
        { "127.0.0.1", "127.0.0.1" },
        { "::1", "::1" },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
        { "::ffff:192.0.2.7", "192.0.2.7" },
        { "255.255.255.255", "255.255.255.255" },
        { "::", "::" },
    };
    struct arena *arena = arena_new();
    struct ip ip, again;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(ip_parse(text_of(rows[i].read), &ip) && ip_parse(text_of(rows[i].written), &again));
        assert_true(text_equal(ip_text(arena, ip), text_of(rows[i].written)));
        assert_true(ip_equal(ip, again) && !ip_is_none(ip));
    }
    assert_true(text_equal(ip_text(arena, IP_NONE), TEXT("")) && ip_is_none(IP_NONE));
    arena_free(&arena);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",           "1.2.3",
                                         "1.2.3.4.5",  "1.2.3.256",
                                         "01.2.3.4",   " 1.2.3.4",
                                         "1.2.3.4 ",   "::1%lo",
                                         "fe80::1/64", "[::1]",
                                         "localhost",  "1.2.3.4/32",
                                         "0x7f000001", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb" };
    struct ip ip;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_false(ip_parse(text_of(texts[i]), &ip));
        assert_true(ip_is_none(ip));
    }
    assert_false(ip_parse(TEXT("1.2.3.4\0"), &ip));
    assert_false(ip_parse(TEXT_NONE, &ip));
}

static void loopback_and_private_are_known(void **state) /* catches: mail to the world while the clock is not real */
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback, private;
    } rows[] = {
        { "127.0.0.1", true, false },        { "127.255.0.9", true, false }, { "::1", true, false },
        { "::ffff:127.0.0.1", true, false }, { "128.0.0.1", false, false },  { "10.0.0.1", false, true },
        { "172.15.0.1", false, false },      { "172.16.0.1", false, true },  { "172.31.255.255", false, true },
        { "172.32.0.1", false, false },      { "192.168.1.1", false, true }, { "192.169.1.1", false, false },
        { "169.254.1.1", false, true },      { "8.8.8.8", false, false },    { "fd00::1", false, true },
        { "fe80::1", false, true },          { "febf::1", false, true },     { "fec0::1", false, false },
        { "2001:db8::1", false, false },     { "::2", false, false },        { "0.0.0.0", false, false },
    };
    struct ip ip;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(ip_parse(text_of(rows[i].text), &ip));
        assert_int_equal(ip_is_loopback(ip), rows[i].loopback);
        assert_int_equal(ip_is_private(ip), rows[i].private);
    }
    assert_false(ip_is_loopback(IP_NONE) || ip_is_private(IP_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(loopback_and_private_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
