/* Who counts together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/receiver.h"

static void a_route_is_its_host_and_port(void **state) /* catches: two names of one relay counted apart */
{
    (void)state;
    static const struct {
        const char *host;
        uint16_t port;
        const char *id;
    } rows[] = {
        { "127.0.0.1", 2525, "127.0.0.1:2525" },
        { "::1", 25, "[::1]:25" },
        { "2001:DB8::7", 587, "[2001:db8::7]:587" },
        { "Relay.Example.", 25, "relay.example:25" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct receiver receiver = receiver_of_route(arena, text_of(rows[i].host), rows[i].port);
        assert_string_equal(text_terminated(arena, receiver.id), rows[i].id);
        assert_in_range(receiver.connections_max, 1, BOUND_CONNECTIONS);
        assert_true(receiver.messages_per_connection_max >= 1);
    }
    arena_free(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(a_route_is_its_host_and_port) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
