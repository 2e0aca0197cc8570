/* Whom X-Forwarded-For is believed of, and how much of it. */
#include "server/front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *told[] = { "192.0.2.1", "2001:db8::1" };

/* catches: an audit that names the proxy, or whatever a client wrote. */
static void the_last_word_of_a_front_is_believed(void **state)
{
    static const struct {
        const char *peer, *forwarded, *asks; /* forwarded NULL: none */
    } rows[] = {
        { "192.0.2.1", "203.0.113.9", "203.0.113.9" },
        { "2001:db8::1", "203.0.113.9", "203.0.113.9" },
        { "192.0.2.1", "198.51.100.1, 203.0.113.9", "203.0.113.9" },
        { "192.0.2.1", "203.0.113.9,\t2001:db8::9 ", "2001:db8::9" },
        { "192.0.2.1", NULL, "192.0.2.1" },
        { "192.0.2.1", "", "192.0.2.1" },
        { "192.0.2.1", "203.0.113.9,", "192.0.2.1" },
        { "192.0.2.1", "203.0.113.9, unknown", "192.0.2.1" },
        { "192.0.2.1", "203.0.113.9:80", "192.0.2.1" },
        { "192.0.2.2", "203.0.113.9", "192.0.2.2" },
        { "203.0.113.9", "192.0.2.1", "203.0.113.9" },
    };
    (void)state;
    struct setting_texts fronts = { told, COUNT(told) }, none = { NULL, 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ip peer, asks;
        assert_true(ip_parse(text_of(rows[i].peer), &peer) && ip_parse(text_of(rows[i].asks), &asks));
        if (!ip_equal(front_peer(&fronts, peer, text_of(rows[i].forwarded)), asks))
            fail_msg("%s: %s", rows[i].peer, rows[i].forwarded);
        assert_true(ip_equal(front_peer(&none, peer, text_of(rows[i].forwarded)), peer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_word_of_a_front_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
