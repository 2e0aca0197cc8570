/* Who is ended when too many connections are open, and when one has had its time. */
#include "server/crowd.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PEERS_MAX = 16 };

static struct crowd *crowd;
static int ends[PEERS_MAX][2]; /* [0]: the server's */
static struct crowd_member *members[PEERS_MAX];
static size_t count;

static struct tick at(int64_t us)
{
    return tick_add((struct tick){ 0 }, us);
}

static struct crowd_member *come(const char *from)
{
    struct ip ip;
    assert_true(ip_parse(text_of(from), &ip));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[count]), 0);
    members[count] = crowd_join(crowd, ends[count][0], ip, TICK_NONE);
    return members[count++];
}

/* What that one hears before its end; NULL: it is not ended. */
static const char *heard(size_t peer)
{
    static char words[1024];
    ssize_t length = recv(ends[peer][1], words, sizeof words - 1, MSG_DONTWAIT);
    if (length < 0)
        return NULL;
    words[length] = '\0';
    return words;
}

static void begin(size_t most, size_t most_of_address)
{
    crowd = crowd_new((struct hash_key){ 1, 2 }, most, most_of_address);
    count = 0;
}

static void finish(void)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i] != NULL)
            crowd_leave(crowd, &members[i]);
        close(ends[i][0]);
        close(ends[i][1]);
    }
    assert_int_equal(crowd_count(crowd), 0);
    crowd_free(&crowd);
}

static void who_has_waited_longest_makes_room(void **state) /* catches: a flood that keeps everybody else out */
{
    (void)state;
    begin(3, 3);
    come("192.0.2.1"), come("192.0.2.2"), come("192.0.2.3");
    crowd_move(crowd, members[0], CROWD_WORKS);
    come("192.0.2.4");
    assert_null(heard(0)); /* it is at work */
    assert_string_equal(heard(1), "");
    assert_null(heard(2));
    assert_null(heard(3));
    crowd_leave(crowd, &members[1]);
    crowd_move(crowd, members[0], CROWD_WAITS); /* from now on: the others wait longer */
    come("192.0.2.5");
    assert_null(heard(0));
    assert_string_equal(heard(2), "");
    finish();
}

static void where_all_are_at_work_nobody_is_ended(void **state)
{
    (void)state;
    begin(2, 2);
    crowd_move(crowd, come("192.0.2.1"), CROWD_WORKS);
    crowd_move(crowd, come("192.0.2.2"), CROWD_WORKS);
    crowd_move(crowd, come("192.0.2.3"), CROWD_WORKS);
    for (size_t i = 0; i < count; i++)
        assert_null(heard(i));
    finish();
}

static void one_address_has_its_share_and_hears_so(void **state) /* catches: one client that takes all */
{
    (void)state;
    begin(100, 2);
    come("192.0.2.1"), come("192.0.2.1"), come("192.0.2.1"), come("192.0.2.2");
    assert_null(heard(0));
    assert_null(heard(1));
    assert_memory_equal(heard(2), "HTTP/1.1 503 ", 13);
    assert_string_equal(heard(2), "");
    assert_null(heard(3));
    crowd_move(crowd, members[2], CROWD_WORKS); /* what it sent meanwhile is not begun */
    assert_int_equal(members[2]->place, CROWD_ENDS);
    crowd_leave(crowd, &members[2]);
    crowd_leave(crowd, &members[0]);
    come("192.0.2.1");
    assert_null(heard(4));
    finish();
}

static void an_ipv6_network_is_one_address(void **state) /* catches: 2^64 sources of one machine */
{
    (void)state;
    begin(100, 2);
    come("2001:db8::1"), come("2001:db8::ffff:2"), come("2001:db8::3"), come("2001:db8:0:1::1");
    assert_null(heard(1));
    assert_non_null(heard(2));
    assert_null(heard(3));
    finish();
}

static void a_deadline_is_absolute(void **state)
{
    (void)state;
    begin(100, 100);
    come("192.0.2.1")->deadline = at(10);
    come("192.0.2.2")->deadline = at(20);
    come("192.0.2.3");
    crowd_move(crowd, members[1], CROWD_WORKS);
    assert_false(crowd_tidy(crowd, at(9)));
    assert_true(crowd_tidy(crowd, at(10)));
    assert_string_equal(heard(0), "");
    assert_null(heard(1));
    assert_true(crowd_tidy(crowd, at(20)));
    assert_string_equal(heard(1), "");
    assert_false(crowd_tidy(crowd, at(1000)));
    assert_null(heard(2));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_waited_longest_makes_room),
        cmocka_unit_test(where_all_are_at_work_nobody_is_ended),
        cmocka_unit_test(one_address_has_its_share_and_hears_so),
        cmocka_unit_test(an_ipv6_network_is_one_address),
        cmocka_unit_test(a_deadline_is_absolute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
