/* io/connection against peers that close late, never, at once, or are not there. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bounds.h"

#include "io/clock.h"
#include "io/connection.h"
#include "io/loop.h"
#include "io/socket_address.h"

enum { MS = 1000 };

static struct loop *loop;

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text_of(text), &ip));
    return ip;
}

/* ---- the peer: a thread with a blocking socket, that plays one part ---- */

struct peer {
    void (*play)(struct peer *peer, int client);
    int listener;
    uint16_t port;
    pthread_t thread;
    int window;       /* what its kernel takes while nobody reads; 0: as much as it likes */
    struct ip source; /* whom it saw */
    size_t read;      /* bytes until our end-of-file */
    bool saw_end, saw_reset;
    struct tick closed;
};

static void *peer_run(void *argument)
{
    struct peer *peer = argument;
    struct sockaddr_storage from;
    socklen_t length = sizeof(from);
    int client = accept(peer->listener, (struct sockaddr *)&from, &length);
    if (client < 0)
        return NULL;
    peer->source = socket_address_ip(&from);
    peer->play(peer, client);
    peer->closed = clock_tick();
    close(client);
    return NULL;
}

static void peer_listen_at(struct peer *peer, const char *address)
{
    struct sockaddr_storage at;
    socklen_t length = socket_address_of(ip_of(address), 0, &at);
    peer->listener = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->window > 0)
        setsockopt(peer->listener, SOL_SOCKET, SO_RCVBUF, &peer->window, sizeof(peer->window));
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(peer->listener, 8), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&at, &length), 0);
    peer->port = socket_address_port(&at);
}

static void peer_listen(struct peer *peer)
{
    peer_listen_at(peer, "127.0.0.1");
}

static void peer_start(struct peer *peer, void (*play)(struct peer *peer, int client))
{
    *peer = (struct peer){ .play = play };
    peer_listen(peer);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

static void peer_join(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR); /* in case nobody came */
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}

static void read_to_the_end(struct peer *peer, int client)
{
    char bytes[65536];
    ssize_t length;
    while ((length = read(client, bytes, sizeof(bytes))) > 0)
        peer->read += (size_t)length;
    peer->saw_end = length == 0;
    peer->saw_reset = length < 0 && errno == ECONNRESET;
}

static void says(int client, const char *words)
{
    assert_int_equal(send(client, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

static void greets_and_reads(struct peer *peer, int client)
{
    says(client, "220 hello\r\n");
    read_to_the_end(peer, client);
}

static void closes_late(struct peer *peer, int client)
{
    greets_and_reads(peer, client);
    usleep(300 * MS);
}

static void talks_after_our_end(struct peer *peer, int client)
{
    greets_and_reads(peer, client);
    for (int i = 0; i < 20; i++) {
        says(client, "more and more\r\n");
        usleep(5 * MS);
    }
}

static void never_closes(struct peer *peer, int client)
{
    greets_and_reads(peer, client);
    struct pollfd end = { .fd = client, .events = 0 };
    peer->saw_reset = poll(&end, 1, 5000) == 1 && (end.revents & (POLLERR | POLLHUP)) != 0;
}

static void resets(struct peer *peer, int client)
{
    struct linger at_once = { 1, 0 };
    (void)peer;
    says(client, "220 hello\r\n");
    usleep(50 * MS);
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void says_goodbye_first(struct peer *peer, int client)
{
    says(client, "421 busy\r\n");
    shutdown(client, SHUT_WR);
    read_to_the_end(peer, client);
}

static void reads_slowly(struct peer *peer, int client)
{
    says(client, "220 hello\r\n");
    usleep(200 * MS);
    read_to_the_end(peer, client);
}

static void sends_much(struct peer *peer, int client)
{
    static char bytes[8 * 1024 * 1024];
    for (size_t sent = 0; sent < sizeof(bytes);) {
        ssize_t length = send(client, bytes + sent, sizeof(bytes) - sent, MSG_NOSIGNAL);
        if (length <= 0)
            return;
        sent += (size_t)length;
        peer->read = sent;
    }
}

/* ---- us ---- */

struct caller {
    struct connection_owner owner;
    struct connection *connection;
    struct connection_end end;
    int connected, drained, expired, peer_closed, ended;
    size_t heard;
    char first[32];
    int64_t finish_us; /* finish at the first bytes, or at the peer's end-of-file; 0: not by itself */
    struct timer timer;
};

static void caller_connected(struct connection_owner *owner)
{
    container_of(owner, struct caller, owner)->connected++;
}

static void caller_heard(struct connection_owner *owner, struct text bytes)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    if (caller->heard == 0)
        snprintf(caller->first, sizeof(caller->first), "%.*s", TEXT_ARG(bytes));
    caller->heard += bytes.length;
    if (caller->finish_us > 0)
        connection_finish(caller->connection, caller->finish_us);
}

static void caller_drained(struct connection_owner *owner)
{
    container_of(owner, struct caller, owner)->drained++;
}

static void caller_peer_closed(struct connection_owner *owner)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    caller->peer_closed++;
    connection_finish(caller->connection, 2000 * MS);
}

static void caller_expired(struct connection_owner *owner)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    caller->expired++;
    connection_reset(caller->connection);
}

static void caller_ended(struct connection_owner *owner, const struct connection_end *end)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    caller->end = *end;
    caller->ended++;
    loop_stop(loop);
}

static void too_long(struct timer *timer)
{
    (void)timer;
    fail_msg("the loop waited for more than 20 s");
}

static void wait_for_end(struct caller *caller)
{
    struct timer guard;
    timer_init(&guard, loop, too_long);
    timer_start(&guard, 20000 * MS);
    loop_run(loop);
    timer_stop(&guard);
    assert_int_equal(caller->ended, 1);
}

static void call_from(struct caller *caller, const char *source, const char *peer, uint16_t port)
{
    caller->owner = (struct connection_owner){ caller_connected,   caller_heard,   caller_drained,
                                               caller_peer_closed, caller_expired, caller_ended };
    caller->connection = connection_new(loop, ip_of(source), ip_of(peer), port, 2000 * MS, &caller->owner);
    assert_int_equal(caller->connected + caller->ended, 0); /* never from inside */
}

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    loop_free(&loop);
    return 0;
}

/* ---- tests ---- */

static void it_leaves_from_its_source(void **state) /* catches: the host's first address instead of the IP's (P3) */
{
    (void)state;
    struct peer peer;
    struct caller caller = { .finish_us = 2000 * MS };
    peer_start(&peer, greets_and_reads);
    call_from(&caller, "127.9.8.7", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_true(ip_equal(peer.source, ip_of("127.9.8.7")));
    assert_string_equal(caller.first, "220 hello\r\n");
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_true(caller.end.peer_closed && caller.end.connected && peer.saw_end);
    assert_false(peer.saw_reset);
}

static void it_does_not_leave_from_another(void **state)
{
    (void)state;
    static const char *const not_ours[] = { "192.0.2.1", "8.8.8.8" };
    for (size_t i = 0; i < COUNT(not_ours); i++) {
        struct caller caller = { .finish_us = 1 };
        call_from(&caller, not_ours[i], "127.0.0.1", 9);
        wait_for_end(&caller);
        assert_int_equal(caller.end.word, CONNECTION_NOT_OURS);
        assert_int_equal(caller.connected, 0);
    }
    struct caller mixed = { .finish_us = 1 };
    call_from(&mixed, "127.0.0.1", "::1", 9);
    wait_for_end(&mixed);
    assert_int_equal(mixed.end.word, CONNECTION_REFUSED);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct peer peer = { 0 };
    struct caller caller = { .finish_us = 1 };
    peer_listen(&peer);
    close(peer.listener);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    assert_int_equal(caller.end.word, CONNECTION_REFUSED);
    assert_int_equal(caller.end.error, ECONNREFUSED);
    assert_false(caller.end.connected);
}

static void it_waits_for_a_peer_that_closes_late(void **state) /* catches: a permit returned at our own close (P4) */
{
    (void)state;
    struct peer peer;
    struct caller caller = { .finish_us = 5000 * MS };
    peer_start(&peer, closes_late);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    struct tick ended = clock_tick();
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_true(caller.end.peer_closed);
    assert_true(tick_since(ended, peer.closed) > -20 * MS); /* the thread looks at its clock just before it closes */
}

static void what_comes_after_our_end_is_dropped(void **state)
{
    (void)state;
    struct peer peer;
    struct caller caller = { .finish_us = 5000 * MS };
    peer_start(&peer, talks_after_our_end);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_int_equal(caller.heard, strlen("220 hello\r\n"));
}

static void a_peer_that_never_closes_is_reset(void **state) /* and the end says that it may still count us */
{
    (void)state;
    struct peer peer;
    struct caller caller = { .finish_us = 200 * MS };
    peer_start(&peer, never_closes);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_RESET);
    assert_false(caller.end.peer_closed);
    assert_true(peer.saw_end && peer.saw_reset);
}

static void a_reset_by_the_peer_is_a_loss(void **state)
{
    (void)state;
    struct peer peer;
    struct caller caller = { 0 };
    peer_start(&peer, resets);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_LOST);
    assert_int_equal(caller.end.error, ECONNRESET);
    assert_true(caller.end.connected);
}

static void our_reset_reaches_the_peer(void **state)
{
    (void)state;
    struct peer peer;
    struct caller caller = { 0 };
    peer_start(&peer, greets_and_reads);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    connection_expect(caller.connection, 200 * MS); /* its expiry resets */
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.expired, 1);
    assert_int_equal(caller.end.word, CONNECTION_RESET);
    assert_true(peer.saw_reset);
    assert_false(peer.saw_end);
}

static void a_peer_may_close_first(void **state)
{
    (void)state;
    struct peer peer;
    struct caller caller = { 0 };
    peer_start(&peer, says_goodbye_first);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_string_equal(caller.first, "421 busy\r\n");
    assert_int_equal(caller.peer_closed, 1);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_true(peer.saw_end);
}

static void write_all(struct timer *timer)
{
    struct caller *caller = container_of(timer, struct caller, timer);
    static char bytes[1024 * 1024];
    size_t refused = 0;
    for (int i = 0; i < 16; i++)
        refused += !connection_write(caller->connection, text_from(bytes, sizeof(bytes)));
    assert_true(refused > 0);
    assert_true(connection_waiting(caller->connection) >= BOUND_CONNECTION_OUT);
    assert_true(connection_waiting(caller->connection) < BOUND_CONNECTION_OUT + sizeof(bytes));
    caller->heard = (16 - refused) * sizeof(bytes);
    connection_finish(caller->connection, 10000 * MS);
}

static void
what_was_written_goes_before_the_end(void **state) /* catches: the tail of a message cut by the half-close */
{
    (void)state;
    struct peer peer;
    struct caller caller = { 0 };
    peer_start(&peer, reads_slowly);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    timer_init(&caller.timer, loop, write_all);
    timer_start(&caller.timer, 50 * MS);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_int_equal(peer.read, caller.heard);
}

static void keeps_its_window_shut(struct peer *peer, int client)
{
    says(client, "220 hello\r\n");
    usleep(400 * MS);
    read_to_the_end(peer, client);
}

static void ends_when_drained(struct connection_owner *owner)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    assert_int_equal(connection_waiting(caller->connection), 0);
    caller->drained++;
    connection_finish(caller->connection, 5000 * MS);
}

/* It goes into the kernel's buffer in one piece, and is not out. */
static void write_some(struct timer *timer)
{
    static char bytes[32 * 1024];
    struct caller *caller = container_of(timer, struct caller, timer);
    assert_true(connection_write(caller->connection, text_from(bytes, sizeof(bytes))));
    assert_true(connection_waiting(caller->connection) > 0);
    assert_int_equal(caller->drained, 0);
}

/* catches: the end of a message that the kernel holds, and sends when nobody stands behind it any more (P6) */
static void what_the_peer_does_not_take_is_waiting(void **state)
{
    (void)state;
    struct peer peer = { .play = keeps_its_window_shut, .window = 2048 };
    struct caller caller = { 0 };
    peer_listen(&peer);
    assert_int_equal(pthread_create(&peer.thread, NULL, peer_run, &peer), 0);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    caller.owner.drained = ends_when_drained;
    timer_init(&caller.timer, loop, write_some);
    timer_start(&caller.timer, 50 * MS);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.drained, 1);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_int_equal(peer.read, 32 * 1024);
}

static void read_on(struct timer *timer)
{
    struct caller *caller = container_of(timer, struct caller, timer);
    assert_true(caller->heard < 1024 * 1024);
    connection_resume(caller->connection);
}

static void pause_connected(struct connection_owner *owner)
{
    struct caller *caller = container_of(owner, struct caller, owner);
    connection_pause(caller->connection);
    timer_start(&caller->timer, 200 * MS);
}

static void a_pause_leaves_the_bytes_with_the_peer(void **state)
{
    (void)state;
    struct peer peer;
    struct caller caller = { 0 };
    peer_start(&peer, sends_much);
    call_from(&caller, "127.0.0.2", "127.0.0.1", peer.port);
    caller.owner.connected = pause_connected;
    timer_init(&caller.timer, loop, read_on);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.heard, 8 * 1024 * 1024);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
}

/* A full backlog drops our SYN, as a silent receiver does: given up is a reset, behind which a permit rests (T41). */
static void a_silent_peer_is_given_up(void **state)
{
    (void)state;
    struct peer peer = { 0 };
    struct caller callers[3] = { { .finish_us = 1 }, { .finish_us = 1 }, { .finish_us = 1 } };
    peer_listen(&peer);
    assert_int_equal(listen(peer.listener, 0), 0);
    for (size_t i = 0; i < COUNT(callers); i++)
        call_from(&callers[i], "127.0.0.2", "127.0.0.1", peer.port);
    while (callers[2].ended == 0)
        loop_run(loop);
    assert_int_equal(callers[2].end.word, CONNECTION_RESET);
    assert_int_equal(callers[2].end.error, ETIMEDOUT);
    assert_int_equal(callers[2].connected, 0);
    for (size_t i = 0; i < 2; i++) {
        if (callers[i].ended == 0) {
            connection_reset(callers[i].connection);
            wait_for_end(&callers[i]);
        }
    }
    close(peer.listener);
}

static void it_leaves_by_ipv6_too(void **state)
{
    (void)state;
    struct peer peer = { .play = greets_and_reads };
    struct caller caller = { .finish_us = 2000 * MS };
    peer_listen_at(&peer, "::1");
    assert_int_equal(pthread_create(&peer.thread, NULL, peer_run, &peer), 0);
    call_from(&caller, "::1", "::1", peer.port);
    wait_for_end(&caller);
    peer_join(&peer);
    assert_int_equal(caller.end.word, CONNECTION_FINISHED);
    assert_string_equal(caller.first, "220 hello\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_leaves_from_its_source),
        TEST(it_does_not_leave_from_another),
        TEST(a_refusal_is_told),
        TEST(it_waits_for_a_peer_that_closes_late),
        TEST(what_comes_after_our_end_is_dropped),
        TEST(a_peer_that_never_closes_is_reset),
        TEST(a_reset_by_the_peer_is_a_loss),
        TEST(our_reset_reaches_the_peer),
        TEST(a_peer_may_close_first),
        TEST(what_was_written_goes_before_the_end),
        TEST(what_the_peer_does_not_take_is_waiting),
        TEST(a_pause_leaves_the_bytes_with_the_peer),
        TEST(a_silent_peer_is_given_up),
        TEST(it_leaves_by_ipv6_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
