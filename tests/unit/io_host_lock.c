/* io/host_lock: one owner of an IP on this host, and the sockets that the kernel still shows of an old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/host_lock.h"
#include "io/socket_address.h"

enum { MS = 1000 };

struct listener {
    int descriptor;
    uint16_t port;
};

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text_of(text), &ip));
    return ip;
}

static void a_lock_is_held_once(void **state) /* catches: SO_REUSEADDR, with which two may bind */
{
    (void)state;
    enum { PORT = 8790 };
    struct host_lock first, second, other;
    assert_int_equal(host_lock_take(&first, ip_of("127.7.7.7"), PORT), HOST_LOCK_HELD);
    assert_int_equal(host_lock_take(&second, ip_of("127.7.7.7"), PORT), HOST_LOCK_TAKEN);
    assert_int_equal(host_lock_take(&other, ip_of("127.7.7.8"), PORT), HOST_LOCK_HELD);
    host_lock_release(&first);
    assert_int_equal(host_lock_take(&second, ip_of("127.7.7.7"), PORT), HOST_LOCK_HELD);
    host_lock_release(&second);
    host_lock_release(&second);
    host_lock_release(&other);
    assert_int_equal(host_lock_take(&first, ip_of("192.0.2.1"), PORT), HOST_LOCK_NOT_OURS);
    assert_int_equal(host_lock_take(&first, ip_of("::1"), PORT), HOST_LOCK_HELD);
    host_lock_release(&first);
}

static void a_stopped_owner_keeps_it_and_a_dead_one_does_not(void **state)
{
    (void)state;
    enum { PORT = 8791 };
    int ready[2], status;
    struct host_lock lock;
    assert_int_equal(pipe(ready), 0);
    pid_t owner = fork();
    if (owner == 0) {
        _exit(host_lock_take(&lock, ip_of("127.7.7.7"), PORT) == HOST_LOCK_HELD && write(ready[1], "x", 1) == 1
                  ? pause()
                  : 1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(owner, SIGSTOP);
    waitpid(owner, &status, WUNTRACED);
    assert_int_equal(host_lock_take(&lock, ip_of("127.7.7.7"), PORT), HOST_LOCK_TAKEN);
    kill(owner, SIGKILL);
    waitpid(owner, &status, 0);
    assert_int_equal(host_lock_take(&lock, ip_of("127.7.7.7"), PORT), HOST_LOCK_HELD);
    host_lock_release(&lock);
    close(ready[0]);
    close(ready[1]);
}

static void listen_at(struct listener *listener, const char *address)
{
    struct sockaddr_storage at;
    socklen_t length = socket_address_of(ip_of(address), 0, &at);
    listener->descriptor = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener->descriptor, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(listener->descriptor, 8), 0);
    assert_int_equal(getsockname(listener->descriptor, (struct sockaddr *)&at, &length), 0);
    listener->port = socket_address_port(&at);
}

static int client_of(const struct listener *listener, const char *source, const char *address)
{
    struct sockaddr_storage from, to;
    socklen_t from_length = socket_address_of(ip_of(source), 0, &from);
    socklen_t to_length = socket_address_of(ip_of(address), listener->port, &to);
    int client = socket(from.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(client, (struct sockaddr *)&from, from_length), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&to, to_length), 0);
    return client;
}

static void assert_soon_counts(const char *local, uint16_t port, int wanted)
{
    const uint16_t ports[] = { 1, port };
    struct tick start = clock_tick();
    int count = -1;
    while (count != wanted && tick_since(clock_tick(), start) < 3000 * MS) {
        count = host_lock_count_sockets(ip_of(local), ports, COUNT(ports));
        usleep(5 * MS);
    }
    assert_int_equal(count, wanted);
}

static void the_kernel_counts_what_a_receiver_may_count(void **state) /* catches: orphans of a dead owner overlooked */
{
    (void)state;
    static const struct {
        const char *ours, *neighbours, *peers;
    } rows[] = { { "127.7.7.9", "127.7.7.10", "127.0.0.1" }, { "::1", NULL, "::1" } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct listener listener;
        listen_at(&listener, rows[i].peers);
        assert_soon_counts(rows[i].ours, listener.port, 0);
        int client = client_of(&listener, rows[i].ours, rows[i].peers);
        int accepted = accept(listener.descriptor, NULL, NULL);
        int neighbour = rows[i].neighbours == NULL ? -1 : client_of(&listener, rows[i].neighbours, rows[i].peers);
        assert_soon_counts(rows[i].ours, listener.port, 1);
        assert_soon_counts(rows[i].ours, 2, 0);
        close(client); /* FIN_WAIT2, without a process */
        usleep(250 * MS);
        assert_soon_counts(rows[i].ours, listener.port, 1);
        close(accepted); /* the peer closed too: TIME_WAIT */
        assert_soon_counts(rows[i].ours, listener.port, 0);
        close(neighbour);
        close(listener.descriptor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_is_held_once),
        cmocka_unit_test(a_stopped_owner_keeps_it_and_a_dead_one_does_not),
        cmocka_unit_test(the_kernel_counts_what_a_receiver_may_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
