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

#include "base/map.h"

#include "io/clock.h"
#include "io/socket_address.h"

/* ---- the lock ---- */

static enum host_lock_word word_of(int fault)
{
    return fault == EADDRINUSE ? HOST_LOCK_TAKEN : fault == EADDRNOTAVAIL ? HOST_LOCK_NOT_OURS : HOST_LOCK_UNAVAILABLE;
}

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
    return word_of(fault);
}

/* Bound without a port, so that none is used up. */
enum host_lock_word host_lock_look(struct ip address)
{
    struct sockaddr_storage to;
    socklen_t length = socket_address_of(address, 0, &to);
    int on = 1;
    int descriptor = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return HOST_LOCK_UNAVAILABLE;
    bool bound = setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
                 bind(descriptor, (struct sockaddr *)&to, length) == 0;
    int fault = errno;
    close(descriptor);
    return bound ? HOST_LOCK_HELD : word_of(fault);
}

struct text host_lock_place(struct arena *arena)
{
    char network[64], process[64];
    ssize_t network_length = readlink("/proc/self/ns/net", network, sizeof(network));
    ssize_t process_length = readlink("/proc/self/ns/pid", process, sizeof(process));
    if (network_length <= 0 || process_length <= 0)
        return TEXT_NONE;
    return text_format(arena, "%.*s %.*s", (int)network_length, network, (int)process_length, process);
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

/*
 * One look serves every lane that asks within SURVEY_US: a host may have thousands, and each look walks the kernel's whole
 * table. What it shows too long is only a socket that is closed since.
 */
enum { SURVEY_US = 200 * 1000 };

struct seen {
    struct ip local;
    uint16_t remote_port;
    int count;
};

struct survey {
    struct arena *arena;
    struct map *seen; /* by local address and remote port */
    struct tick at;
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

static struct text key_of(const struct seen *seen)
{
    return text_from((const char *)seen, offsetof(struct seen, count));
}

static void survey_add(struct survey *survey, struct ip local, uint16_t remote_port)
{
    struct seen *seen = arena_make(survey->arena, struct seen);
    seen->local = local;
    seen->remote_port = remote_port;
    struct seen *known = map_find(survey->seen, key_of(seen));
    if (known == NULL)
        (void)map_put(survey->seen, key_of(seen), seen);
    (known == NULL ? seen : known)->count++;
}

static void survey_drop(struct survey *survey)
{
    map_free(&survey->seen);
    arena_free(&survey->arena);
}

enum diag_word { DIAG_MORE, DIAG_DONE, DIAG_FAILED };

static void diag_note(struct survey *survey, const struct inet_diag_msg *socket)
{
    struct ip local = { .version = socket->idiag_family == AF_INET ? 4 : 6 };
    memcpy(local.bytes, socket->id.idiag_src, local.version == 4 ? 4 : 16);
    survey_add(survey, local, ntohs(socket->id.idiag_dport));
}

static enum diag_word diag_read(struct survey *survey, char *bytes, size_t length)
{
    for (struct nlmsghdr *head = (struct nlmsghdr *)bytes; NLMSG_OK(head, length); head = NLMSG_NEXT(head, length)) {
        if ((head->nlmsg_flags & NLM_F_DUMP_INTR) != 0 || head->nlmsg_type == NLMSG_ERROR)
            return DIAG_FAILED;
        if (head->nlmsg_type == NLMSG_DONE)
            return DIAG_DONE;
        if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
            diag_note(survey, NLMSG_DATA(head));
    }
    return DIAG_MORE;
}

static bool diag_hear(struct survey *survey, int descriptor)
{
    _Alignas(struct nlmsghdr) char bytes[32 * 1024];
    enum diag_word word = DIAG_MORE;
    while (word == DIAG_MORE) {
        ssize_t length = recv(descriptor, bytes, sizeof(bytes), MSG_TRUNC);
        bool whole = length > 0 && length <= (ssize_t)sizeof(bytes);
        word = whole ? diag_read(survey, bytes, (size_t)length) : DIAG_FAILED;
    }
    return word == DIAG_DONE;
}

static bool survey_take(struct survey *survey, struct ip local)
{
    int descriptor = diag_ask(local);
    if (descriptor < 0)
        return false;
    survey->arena = arena_new();
    survey->seen = map_new((struct hash_key){ 0, 0 }); /* only this host's own sockets: nobody makes them collide */
    bool heard = diag_hear(survey, descriptor);
    int fault = errno;
    close(descriptor);
    if (!heard)
        survey_drop(survey);
    errno = fault;
    return heard;
}

/* NULL: the kernel did not answer. */
static const struct survey *survey_of(struct ip local)
{
    static struct survey surveys[2];
    struct survey *survey = &surveys[local.version == 6];
    struct tick now = clock_tick();
    if (survey->seen != NULL && tick_since(now, survey->at) < SURVEY_US)
        return survey;
    survey_drop(survey);
    survey->at = now;
    return survey_take(survey, local) ? survey : NULL;
}

int host_lock_count_sockets(struct ip local, const uint16_t *remote_ports, size_t count)
{
    const struct survey *survey = survey_of(local);
    int found = 0;
    if (survey == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct seen wanted;
        memset(&wanted, 0, sizeof(wanted)); /* the key is all of its bytes */
        wanted.local = local;
        wanted.remote_port = remote_ports[i];
        const struct seen *seen = map_find(survey->seen, key_of(&wanted));
        found += seen == NULL ? 0 : seen->count;
    }
    return found;
}
