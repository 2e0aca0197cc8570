#include "sandbox/http.h"

#include "io/log.h"

#include "sandbox/listening.h"

#include <microhttpd.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct http {
    struct MHD_Daemon *daemon;
    struct pages *pages;
    struct loop *loop;
    struct watch *watch;
    struct timer timer; /* MHD's own next deadline */
    struct task again;  /* a connection has gone: MHD looks at its listener only when it runs once more */
};

struct watch {
    uv_poll_t poll;
    struct http *http; /* NULL: it is over */
};

/* A request that is being read. */
struct reading {
    struct builder body;
    struct arena *arena;
};

/* ---- what is refused before it costs ---- */

static struct text header_value(struct MHD_Connection *connection, const char *name)
{
    return text_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

struct seen_header {
    const char *name;
    unsigned count;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct seen_header *seen = context;
    (void)kind, (void)value;
    seen->count += strcasecmp(name, seen->name) == 0;
    return MHD_YES;
}

static unsigned header_count(struct MHD_Connection *connection, const char *name)
{
    struct seen_header seen = { name, 0 };
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &seen);
    return seen.count;
}

static bool host_is_ours(struct text host)
{
    struct ip ip;
    if (text_starts(host, TEXT("["))) {
        size_t end = text_find(host, ']');
        return end < host.length && ip_parse(text_slice(host, 1, end - 1), &ip);
    }
    struct text name = text_slice(host, 0, text_find(host, ':'));
    return text_equal_fold(name, TEXT("localhost")) || ip_parse(name, &ip);
}

static bool framing_is_plain(struct MHD_Connection *connection)
{
    unsigned lengths = header_count(connection, "Content-Length");
    unsigned encodings = header_count(connection, "Transfer-Encoding");
    return lengths + encodings <= 1 &&
           (encodings == 0 || text_equal_fold(header_value(connection, "Transfer-Encoding"), TEXT("chunked")));
}

/* 0: nothing is wrong with this head. */
static unsigned head_fault(struct MHD_Connection *connection, struct text method, const char *path, const char *version)
{
    bool has_body = header_count(connection, "Content-Length") + header_count(connection, "Transfer-Encoding") > 0;
    uint64_t length = 0;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED;
    if (path[0] != '/' || !framing_is_plain(connection) || header_count(connection, "Host") != 1)
        return MHD_HTTP_BAD_REQUEST;
    if (!host_is_ours(header_value(connection, "Host")))
        return MHD_HTTP_MISDIRECTED_REQUEST;
    if (!text_equal(method, TEXT("GET")) && !text_equal(method, TEXT("HEAD")) && !text_equal(method, TEXT("PUT")) &&
        !text_equal(method, TEXT("DELETE")))
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    struct text said = header_value(connection, "Content-Length");
    if (!text_is_none(said) && !text_to_uint(said, HTTP_BODY_MAX, &length))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (has_body && length > 0 && !text_equal(method, TEXT("PUT")))
        return MHD_HTTP_BAD_REQUEST;
    return 0;
}

/* ---- answers ---- */

struct response response_of(unsigned status, const char *type, struct text body)
{
    char *copy = memory_new(MAX_OF(body.length, (size_t)1));
    memcpy(copy, body.bytes == NULL ? "" : body.bytes, body.length);
    return (struct response){ .status = status, .type = type, .body = copy, .length = body.length };
}

static enum MHD_Result http_send(struct MHD_Connection *connection, const struct response *response, bool last)
{
    static const struct {
        const char *name, *value;
    } always[] = {
        { "Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
                                     "frame-ancestors 'none'" },
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Cache-Control", "no-store" },
    };
    struct MHD_Response *sent =
        MHD_create_response_from_buffer(response->length, response->body, MHD_RESPMEM_MUST_FREE);
    if (sent == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(sent, "Content-Type", response->type);
    for (size_t i = 0; result == MHD_YES && i < COUNT(always); i++)
        result = MHD_add_response_header(sent, always[i].name, always[i].value);
    if (result == MHD_YES && response->header != NULL)
        result = MHD_add_response_header(sent, response->header, response->value);
    if (result == MHD_YES && last)
        result = MHD_add_response_header(sent, "Connection", "close");
    if (result == MHD_YES)
        result = MHD_queue_response(connection, response->status, sent);
    MHD_destroy_response(sent);
    return result;
}

static enum MHD_Result http_refuse(struct MHD_Connection *connection, unsigned status)
{
    struct arena *arena = arena_new();
    struct text body =
        text_format(arena, "{\"status\": %u, \"title\": \"%s\"}\n", status, MHD_get_reason_phrase_for(status));
    struct response response = response_of(status, "application/problem+json", body);
    arena_free(&arena);
    return http_send(connection, &response, true);
}

static enum MHD_Result http_answer(struct http *http, struct MHD_Connection *connection, struct text method,
                                   const char *path, struct reading *reading)
{
    struct request request = {
        .method = text_equal(method, TEXT("HEAD")) ? TEXT("GET") : method,
        .path = text_of(path),
        .body = builder_text(&reading->body),
        .host = header_value(connection, "Host"),
        .connection = connection,
    };
    struct response response = http->pages->answer(http->pages, reading->arena, &request);
    trace(TRACE_HTTP, "http", "%.*s %s %u", TEXT_ARG(method), path, response.status);
    return http_send(connection, &response, false);
}

struct text request_value(const struct request *request, const char *name)
{
    return text_of(MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name));
}

static enum MHD_Result http_heard(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *length,
                                  void **state)
{
    struct http *http = context;
    struct reading *reading = *state;
    if (reading == NULL) {
        unsigned fault = head_fault(connection, text_of(method), path, version);
        if (fault != 0)
            return http_refuse(connection, fault);
        reading = memory_make(struct reading);
        reading->arena = arena_new();
        reading->body = builder_in(reading->arena);
        *state = reading;
        return MHD_YES;
    }
    if (*length == 0)
        return http_answer(http, connection, text_of(method), path, reading);
    if (reading->body.length + *length > HTTP_BODY_MAX)
        return MHD_NO; /* chunks beyond the bound: the connection ends */
    builder_add(&reading->body, text_from(data, *length));
    *length = 0;
    return MHD_YES;
}

static void http_forget(void *context, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct reading *reading = *state;
    (void)context, (void)connection, (void)why;
    if (reading == NULL)
        return;
    arena_free(&reading->arena);
    memory_free(&reading);
    *state = NULL;
}

/* ---- on the loop ---- */

static void http_run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES)
        timer_start(&http->timer, (int64_t)MIN_OF(timeout_ms, (MHD_UNSIGNED_LONG_LONG)1000) * US_PER_MS);
    else
        timer_stop(&http->timer);
    loop_ran("libmicrohttpd");
}

static void http_woke(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = container_of(poll, struct watch, poll);
    (void)status, (void)events;
    if (watch->http != NULL)
        http_run(watch->http);
}

static void http_rang(struct timer *timer)
{
    http_run(container_of(timer, struct http, timer));
}

static void http_runs_again(struct task *task)
{
    http_run(container_of(task, struct http, again));
}

static void http_connection_changed(void *context, struct MHD_Connection *connection, void **state,
                                    enum MHD_ConnectionNotificationCode what)
{
    struct http *http = context;
    (void)connection, (void)state;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        loop_defer(http->loop, &http->again);
}

static struct MHD_Daemon *http_daemon(struct http *http, int descriptor)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, http_heard, http, MHD_OPTION_LISTEN_SOCKET, descriptor,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)HTTP_IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
                            http_forget, NULL, MHD_OPTION_NOTIFY_CONNECTION, http_connection_changed, http,
                            MHD_OPTION_END);
}

struct http *http_new(struct loop *loop, struct ip ip, uint16_t port, struct pages *pages)
{
    int descriptor = listening_socket(ip, port, HTTP_BACKLOG);
    if (descriptor < 0)
        return NULL;
    struct http *http = memory_make(struct http);
    http->loop = loop;
    http->pages = pages;
    timer_init(&http->timer, loop, http_rang);
    task_init(&http->again, http_runs_again);
    http->daemon = http_daemon(http, descriptor);
    if (http->daemon == NULL) {
        close(descriptor);
        memory_free(&http);
        return NULL;
    }
    http->watch = memory_make(struct watch);
    http->watch->http = http;
    uv_poll_init(loop_uv(loop), &http->watch->poll,
                 MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_poll_start(&http->watch->poll, UV_READABLE, http_woke);
    return http;
}

static void watch_closed(uv_handle_t *handle)
{
    struct watch *watch = container_of((uv_poll_t *)(void *)handle, struct watch, poll);
    memory_free(&watch);
}

void http_free(struct http **http)
{
    if (*http == NULL)
        return;
    (*http)->watch->http = NULL;
    uv_close((uv_handle_t *)&(*http)->watch->poll, watch_closed);
    MHD_stop_daemon((*http)->daemon);
    timer_stop(&(*http)->timer);
    task_cancel(&(*http)->again);
    memory_free(http);
}
