#include "sandbox/host.h"

#include "io/clock.h"
#include "io/log.h"

#include "sandbox/behaviour.h"
#include "sandbox/conversation.h"
#include "sandbox/listening.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct listener {
    uv_poll_t poll;
    int descriptor;
    struct host *host;
};

struct moment host_now(const struct host *host)
{
    return (struct moment){ clock_now(host->clock), clock_tick() };
}

static void host_refuse(int descriptor, const char *why)
{
    static const char reply[] = "421 4.3.2 Too many connections altogether, try again later\r\n";
    log_warning("smtp", "refused a connection: %s", why);
    if (send(descriptor, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("smtp", "nobody heard that: %s", strerror(errno));
    close(descriptor);
}

static void host_look_at_parting(struct host *host, const struct source *source)
{
    list_each (&host->parting, link) {
        struct conversation *conversation = conversation_of_parting(link);
        if (conversation_source(conversation) == source)
            conversation_look(conversation);
    }
}

static double host_luck(struct host *host)
{
    host->luck += 0x9E3779B97F4A7C15; /* SplitMix64 */
    return (double)(hash_mix(host->luck) >> 11) * 0x1p-53;
}

static void host_welcome(struct host *host, int descriptor, struct source *source)
{
    host_look_at_parting(host, source);
    uint64_t number = record_opened(host->record, source, host_now(host));
    bool busy = behaviour_is_busy(host->behaviour, source->open, host_luck(host));
    host->open++;
    trace(TRACE_CONNECTION, "smtp", "%.*s has %zu open%s", TEXT_ARG(source_text(source)), source->open,
          busy ? ": one too many" : "");
    conversation_begin(host, descriptor, source, number, busy);
}

void host_left(struct host *host, struct source *source, uint64_t number, enum seen_end end)
{
    assert(host->open > 0);
    host->open--;
    record_closed(host->record, source, number, end, host_now(host));
    trace(TRACE_CONNECTION, "smtp", "%.*s has %zu open: %s", TEXT_ARG(source_text(source)), source->open,
          seen_end_name(end));
}

/* false: nobody waits. */
static bool host_accept(struct host *host)
{
    struct ip from;
    int descriptor = listening_accept(host->listener->descriptor, &from);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED)
            log_warning("smtp", "cannot accept: %s", strerror(errno));
        return errno == ECONNABORTED;
    }
    struct arena *arena = arena_new();
    struct source *source = record_source(host->record, ip_text(arena, from));
    arena_free(&arena);
    if (source == NULL || host->open == HOST_CONNECTIONS_MAX)
        host_refuse(descriptor, source == NULL ? "too many sources" : "too many are open");
    else
        host_welcome(host, descriptor, source);
    return true;
}

static void host_called(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = container_of(poll, struct listener, poll);
    (void)status, (void)events;
    for (int i = 0; i < HOST_ACCEPTS_MAX && host_accept(listener->host); i++)
        continue;
    loop_ran("host_called");
}

bool host_begin(struct host *host, struct ip ip, uint16_t port, const char **fault)
{
    list_init(&host->all);
    list_init(&host->parting);
    host->open = 0;
    host->budget = (struct content_budget){ .max = HOST_CONTENT_MAX };
    int descriptor = listening_socket(ip, port, HOST_BACKLOG);
    if (descriptor < 0) {
        *fault = strerror(errno);
        return false;
    }
    struct listener *listener = memory_make(struct listener);
    listener->descriptor = descriptor;
    listener->host = host;
    host->listener = listener;
    uv_poll_init(loop_uv(host->loop), &listener->poll, descriptor);
    uv_poll_start(&listener->poll, UV_READABLE, host_called);
    return true;
}

static void listener_closed(uv_handle_t *handle)
{
    struct listener *listener = container_of((uv_poll_t *)(void *)handle, struct listener, poll);
    close(listener->descriptor);
    memory_free(&listener);
}

void host_end(struct host *host)
{
    list_each (&host->all, link)
        conversation_stop(conversation_of_all(link));
    assert(host->open == 0);
    uv_close((uv_handle_t *)&host->listener->poll, listener_closed);
    host->listener = NULL;
}
