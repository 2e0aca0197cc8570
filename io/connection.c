#include "io/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/bounds.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/socket_address.h"

enum { READ_BYTES = 64 * 1024 };

enum connection_state {
    CONNECTION_CONNECTING,
    CONNECTION_OPEN,
    CONNECTION_FINISHING, /* no more to write; until both ends are closed, or the time is over */
    CONNECTION_OVER,      /* `end` is settled; the descriptor is closed in the loop's next turn */
};

struct connection {
    struct loop *loop;
    struct connection_owner *owner;
    uv_poll_t poll;
    int descriptor; /* -1: there is none */
    struct ip source;
    enum connection_state state;
    bool paused, shut; /* shut: our end-of-file is sent */
    bool watching;     /* the poll handle is there, and waits for these events */
    int events;
    char *out; /* what the kernel did not take yet: from out_from, out_length bytes */
    size_t out_from, out_length, out_room;
    bool draining; /* something written is not on the wire yet */
    struct timer patience, expecting;
    struct task over;
    struct tick last_heard;
    struct connection_end end;
    char name[64]; /* for traces */
};

static void connection_turn(uv_poll_t *poll, int status, int events);

/* ---- the end ---- */

static void connection_gone(struct connection *connection)
{
    if (connection->descriptor >= 0)
        close(connection->descriptor);
    trace(TRACE_CONNECTION, connection->name, "%s%s%s", connection_word_name(connection->end.word),
          connection->end.error == 0 ? "" : ": ", connection->end.error == 0 ? "" : strerror(connection->end.error));
    connection->owner->ended(connection->owner, &connection->end);
    free(connection->out);
    free(connection);
}

static void poll_closed(uv_handle_t *handle)
{
    connection_gone(container_of(handle, struct connection, poll));
}

static void connection_close(struct task *task)
{
    struct connection *connection = container_of(task, struct connection, over);
    if (connection->watching)
        uv_close((uv_handle_t *)&connection->poll, poll_closed);
    else
        connection_gone(connection);
}

static void connection_end(struct connection *connection, enum connection_word word, int error)
{
    if (connection->state == CONNECTION_OVER)
        return;
    connection->state = CONNECTION_OVER;
    connection->end.word = word;
    connection->end.error = error;
    timer_stop(&connection->patience);
    timer_stop(&connection->expecting);
    if (connection->watching)
        uv_poll_stop(&connection->poll);
    loop_defer(connection->loop, &connection->over);
}

/* Sent again, and still not acknowledged; or not even sent, for want of a way: nothing of ours arrives. */
static bool connection_is_unheard(const struct connection *connection)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof(info);
    if (!connection->end.connected || getsockopt(connection->descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false;
    return (info.tcpi_unacked > 0 && info.tcpi_retransmits > 0) || info.tcpi_probes > 1;
}

/* The peer forgets us at once, if our reset reaches it. */
static void connection_abort(struct connection *connection, int error)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    if (connection->state == CONNECTION_OVER)
        return;
    connection->end.unheard = connection_is_unheard(connection);
    if (setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) != 0)
        trace(TRACE_CONNECTION, connection->name, "no reset: %s", strerror(errno));
    connection_end(connection, CONNECTION_RESET, error);
}

/* Only the peer's own reset says that it does not count us any more; after other faults it may. */
static void connection_broke(struct connection *connection, int error)
{
    if (error == ECONNRESET || error == EPIPE)
        connection_end(connection, CONNECTION_LOST, error);
    else
        connection_abort(connection, error);
}

static void connection_patience_over(struct timer *timer)
{
    connection_abort(container_of(timer, struct connection, patience), ETIMEDOUT);
}

static void connection_expired(struct timer *timer)
{
    struct connection *connection = container_of(timer, struct connection, expecting);
    connection->owner->expired(connection->owner);
}

/* ---- what we wait for ---- */

static void connection_watch(struct connection *connection)
{
    int events = 0;
    if (connection->state == CONNECTION_OVER)
        return;
    if (connection->state == CONNECTION_CONNECTING || connection->draining)
        events |= UV_WRITABLE;
    bool reads =
        connection->state == CONNECTION_FINISHING || (connection->state == CONNECTION_OPEN && !connection->paused);
    if (reads && !connection->end.peer_closed)
        events |= UV_READABLE;
    if (events == connection->events)
        return;
    connection->events = events;
    if (events == 0)
        uv_poll_stop(&connection->poll);
    else if (uv_poll_start(&connection->poll, events, connection_turn) != 0)
        connection_abort(connection, EBADF);
}

/* ---- connecting ---- */

static int connection_open(struct connection *connection, struct ip peer, uint16_t port)
{
    struct sockaddr_storage from, to;
    socklen_t from_length = socket_address_of(connection->source, 0, &from);
    socklen_t to_length = socket_address_of(peer, port, &to);
    int on = 1, unsent = 1; /* writable means: everything is on the wire */
    if (from.ss_family != to.ss_family)
        return EAFNOSUPPORT;
    connection->descriptor = socket(from.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0)
        return errno;
    if (setsockopt(connection->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)) != 0)
        return errno;
    if (bind(connection->descriptor, (struct sockaddr *)&from, from_length) != 0)
        return errno;
    if (connect(connection->descriptor, (struct sockaddr *)&to, to_length) != 0 && errno != EINPROGRESS)
        return errno == EADDRNOTAVAIL ? EAGAIN : errno; /* bound, but no port is free: not the address's fault */
    if (uv_poll_init(loop_uv(connection->loop), &connection->poll, connection->descriptor) != 0)
        return ENOMEM;
    connection->watching = true;
    return 0;
}

bool connection_lacks_way(int error)
{
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EPERM || error == EINVAL ||
           error == ENETDOWN;
}

/* What connect() says before anything has left: a route that is not there, or says no; or we have run out of something. */
static enum connection_word word_of(int fault)
{
    bool exhausted = fault == EMFILE || fault == ENFILE || fault == ENOMEM || fault == ENOBUFS || fault == EAGAIN;
    if (fault == EADDRNOTAVAIL)
        return CONNECTION_NOT_OURS;
    return exhausted || connection_lacks_way(fault) ? CONNECTION_NOT_MADE : CONNECTION_REFUSED;
}

struct connection *connection_new(struct loop *loop, struct ip source, struct ip peer, uint16_t port,
                                  int64_t connect_us, struct connection_owner *owner)
{
    assert(!ip_is_none(source) && !ip_is_none(peer) && port != 0);
    struct connection *connection = memory_make(struct connection);
    connection->loop = loop;
    connection->owner = owner;
    connection->source = source;
    connection->descriptor = -1;
    connection->last_heard = TICK_NONE;
    timer_init(&connection->patience, loop, connection_patience_over);
    timer_init(&connection->expecting, loop, connection_expired);
    task_init(&connection->over, connection_close);
    socket_address_name(source, peer, port, connection->name, sizeof(connection->name));
    int fault = connection_open(connection, peer, port);
    if (fault != 0) {
        connection_end(connection, word_of(fault), fault);
        return connection;
    }
    timer_start(&connection->patience, connect_us);
    connection_watch(connection);
    return connection;
}

/* The kernel chose the address once more, with the port: it must still be ours (P3). */
static bool connection_is_bound(const struct connection *connection)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof(bound);
    return getsockname(connection->descriptor, (struct sockaddr *)&bound, &length) == 0 &&
           ip_equal(socket_address_ip(&bound), connection->source);
}

static void connection_connected(struct connection *connection)
{
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error == ETIMEDOUT) {
        connection_abort(connection, error);
        return;
    }
    if (error != 0) {
        connection_end(connection, CONNECTION_REFUSED, error);
        return;
    }
    if (!connection_is_bound(connection)) {
        connection_abort(connection, 0);
        connection->end.word = CONNECTION_NOT_OURS;
        return;
    }
    timer_stop(&connection->patience);
    connection->state = CONNECTION_OPEN;
    connection->end.connected = true;
    connection->owner->connected(connection->owner);
}

/* ---- bytes out ---- */

static void connection_keep(struct connection *connection, struct text bytes)
{
    if (connection->out_from > 0) {
        memmove(connection->out, connection->out + connection->out_from, connection->out_length);
        connection->out_from = 0;
    }
    size_t length = size_add(connection->out_length, bytes.length);
    if (length > connection->out_room) {
        connection->out_room = length;
        connection->out = memory_resize(connection->out, length, 1);
    }
    memcpy(connection->out + connection->out_length, bytes.bytes, bytes.length);
    connection->out_length = length;
}

/* How many bytes the kernel took; a fault ends the connection. */
static size_t connection_send(struct connection *connection, struct text bytes)
{
    ssize_t sent = send(connection->descriptor, bytes.bytes, bytes.length, MSG_NOSIGNAL);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR)
        connection_broke(connection, errno);
    return 0;
}

bool connection_write(struct connection *connection, struct text bytes)
{
    if (connection->state == CONNECTION_OVER)
        return true; /* it broke meanwhile; `ended` is on its way */
    assert(connection->state == CONNECTION_OPEN);
    if (connection->out_length >= BOUND_CONNECTION_OUT)
        return false;
    size_t sent = connection->out_length == 0 && bytes.length > 0 ? connection_send(connection, bytes) : 0;
    if (connection->state != CONNECTION_OPEN)
        return true;
    if (sent < bytes.length)
        connection_keep(connection, text_after(bytes, sent));
    connection->draining = connection_waiting(connection) > 0;
    connection_watch(connection);
    return true;
}

size_t connection_waiting(const struct connection *connection)
{
    int unsent = 0;
    if (connection->state != CONNECTION_OPEN || ioctl(connection->descriptor, SIOCOUTQNSD, &unsent) != 0)
        unsent = 0;
    return connection->out_length + (size_t)unsent;
}

static void connection_shut(struct connection *connection)
{
    if (connection->state != CONNECTION_FINISHING || connection->out_length > 0)
        return;
    if (!connection->shut && shutdown(connection->descriptor, SHUT_WR) != 0) {
        connection_broke(connection, errno == ENOTCONN ? ECONNRESET : errno);
        return;
    }
    connection->shut = true;
    if (connection->end.peer_closed)
        connection_end(connection, CONNECTION_FINISHED, 0);
}

/* What we kept goes to the kernel, as much as it takes. */
static void connection_hand_on(struct connection *connection)
{
    if (connection->out_length == 0)
        return;
    struct text waiting = text_from(connection->out + connection->out_from, connection->out_length);
    size_t sent = connection_send(connection, waiting);
    connection->out_from += sent;
    connection->out_length -= sent;
    if (connection->out_length > 0)
        return;
    connection->out_from = connection->out_room = 0;
    memory_free(&connection->out);
}

static void connection_flush(struct connection *connection)
{
    connection_hand_on(connection);
    if (connection->state == CONNECTION_OVER || connection_waiting(connection) > 0)
        return;
    bool drained = connection->draining;
    connection->draining = false;
    if (drained && connection->state == CONNECTION_OPEN && connection->owner->drained != NULL)
        connection->owner->drained(connection->owner);
    connection_shut(connection);
}

/* ---- bytes in ---- */

static void connection_heard(struct connection *connection, struct text bytes)
{
    connection->last_heard = clock_tick();
    if (connection->state == CONNECTION_OPEN)
        connection->owner->heard(connection->owner, bytes);
}

static void connection_read(struct connection *connection)
{
    static char bytes[READ_BYTES]; /* one loop, one thread: borrowed by `heard` for its call */
    ssize_t length = recv(connection->descriptor, bytes, sizeof(bytes), 0);
    if (length > 0) {
        connection_heard(connection, text_from(bytes, (size_t)length));
        return;
    }
    if (length < 0) {
        if (errno != EAGAIN && errno != EINTR)
            connection_broke(connection, errno);
        return;
    }
    connection->end.peer_closed = true;
    if (connection->state == CONNECTION_OPEN)
        connection->owner->peer_closed(connection->owner);
    if (connection->shut)
        connection_shut(connection);
}

static void connection_turn(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = container_of(poll, struct connection, poll);
    if (status < 0) { /* libuv's EBADF is any POLLERR, and stops: reading or writing says which it was */
        events = UV_READABLE | UV_WRITABLE;
        connection->events = 0;
    }
    if (connection->state == CONNECTION_CONNECTING)
        connection_connected(connection);
    else if (connection->state != CONNECTION_OVER && (events & UV_WRITABLE) != 0)
        connection_flush(connection);
    if (connection->state != CONNECTION_OVER && (events & UV_READABLE) != 0 && !connection->end.peer_closed &&
        !(connection->paused && connection->state == CONNECTION_OPEN))
        connection_read(connection);
    connection_watch(connection);
    loop_ran("connection_turn");
}

/* ---- what the owner asks for ---- */

void connection_expect(struct connection *connection, int64_t within_us)
{
    timer_stop(&connection->expecting);
    if (within_us > 0 && connection->state != CONNECTION_OVER)
        timer_start(&connection->expecting, within_us);
}

void connection_pause(struct connection *connection)
{
    connection->paused = true;
    connection_watch(connection);
}

void connection_resume(struct connection *connection)
{
    connection->paused = false;
    connection_watch(connection);
}

void connection_finish(struct connection *connection, int64_t within_us)
{
    if (connection->state == CONNECTION_CONNECTING)
        connection_abort(connection, 0);
    if (connection->state != CONNECTION_OPEN)
        return;
    connection->state = CONNECTION_FINISHING;
    timer_stop(&connection->expecting);
    timer_start(&connection->patience, within_us);
    connection_shut(connection);
    connection_watch(connection);
}

void connection_reset(struct connection *connection)
{
    connection_abort(connection, 0);
}

struct tick connection_last_heard(const struct connection *connection)
{
    return connection->last_heard;
}

const char *connection_word_name(enum connection_word word)
{
    static const char *const names[] = {
        [CONNECTION_NOT_OURS] = "not our address", [CONNECTION_NOT_MADE] = "not made", [CONNECTION_REFUSED] = "refused",
        [CONNECTION_FINISHED] = "finished",        [CONNECTION_LOST] = "lost",         [CONNECTION_RESET] = "reset",
    };
    return names[word];
}
