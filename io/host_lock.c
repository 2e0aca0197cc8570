#include "io/host_lock.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/socket_address.h"

/* ---- the lock ---- */

enum host_lock_word host_lock_take(struct host_lock *lock, struct ip address, uint16_t port)
{
    struct sockaddr_storage to;
    socklen_t length = socket_address_of(address, port, &to);
    *lock = HOST_LOCK_NONE;
    int descriptor = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return HOST_LOCK_UNAVAILABLE;
    if (bind(descriptor, (struct sockaddr *)&to, length) == 0) {
        lock->descriptor = descriptor;
        return HOST_LOCK_HELD;
    }
    int fault = errno;
    close(descriptor);
    errno = fault;
    return fault == EADDRINUSE ? HOST_LOCK_TAKEN : fault == EADDRNOTAVAIL ? HOST_LOCK_NOT_OURS : HOST_LOCK_UNAVAILABLE;
}

void host_lock_release(struct host_lock *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    *lock = HOST_LOCK_NONE;
}

const char *host_lock_word_name(enum host_lock_word word)
{
    static const char *const names[] = {
        [HOST_LOCK_HELD] = "held",
        [HOST_LOCK_TAKEN] = "taken",
        [HOST_LOCK_NOT_OURS] = "not an address of this host",
        [HOST_LOCK_UNAVAILABLE] = "unavailable",
    };
    return names[word];
}

/* ---- what the kernel still shows ---- */

/* A receiver may count these; TIME_WAIT and CLOSE_WAIT are sockets whose peer has closed. */
#define STATES                                                                                                         \
    (1U << TCP_ESTABLISHED | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSING | 1U << TCP_LAST_ACK)

struct wanted {
    struct ip local;
    const uint16_t *ports;
    size_t count;
};

static int diag_ask(struct ip local)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 body;
    } request = {
        .head = { .nlmsg_len = sizeof(request),
                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        .body = { .sdiag_family = local.version == 4 ? AF_INET : AF_INET6,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = STATES },
    };
    struct timeval patience = { .tv_sec = 2 };
    int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (descriptor < 0)
        return -1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        send(descriptor, &request, sizeof(request), 0) == (ssize_t)sizeof(request))
        return descriptor;
    close(descriptor);
    return -1;
}

static bool is_wanted(const struct wanted *wanted, const struct inet_diag_msg *socket)
{
    if (memcmp(socket->id.idiag_src, wanted->local.bytes, wanted->local.version == 4 ? 4 : 16) != 0)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        if (socket->id.idiag_dport == htons(wanted->ports[i]))
            return true;
    }
    return false;
}

enum diag_word { DIAG_MORE, DIAG_DONE, DIAG_FAILED };

static enum diag_word diag_count(const struct wanted *wanted, char *bytes, size_t length, int *count)
{
    for (struct nlmsghdr *head = (struct nlmsghdr *)bytes; NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
        if ((head->nlmsg_flags & NLM_F_DUMP_INTR) != 0 || head->nlmsg_type == NLMSG_ERROR)
            return DIAG_FAILED;
        if (head->nlmsg_type == NLMSG_DONE)
            return DIAG_DONE;
        if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            *count += is_wanted(wanted, NLMSG_DATA(head));
    }
    return DIAG_MORE;
}

int host_lock_count_sockets(struct ip local, const uint16_t *remote_ports, size_t count)
{
    struct wanted wanted = { local, remote_ports, count };
    _Alignas(struct nlmsghdr) char bytes[32 * 1024];
    int found = 0;
    int descriptor = diag_ask(local);
    if (descriptor < 0)
        return -1;
    enum diag_word word = DIAG_MORE;
    while (word == DIAG_MORE) {
        ssize_t length = recv(descriptor, bytes, sizeof(bytes), MSG_TRUNC);
        word = length <= 0 || length > (ssize_t)sizeof(bytes) ? DIAG_FAILED
                                                              : diag_count(&wanted, bytes, (size_t)length, &found);
    }
    int fault = errno;
    close(descriptor);
    errno = fault;
    return word == DIAG_DONE ? found : -1;
}
