#include "server/http.h"

#include "base/bounds.h"

#include "io/clock.h"
#include "io/log.h"

#include "server/crowd.h"
#include "server/front.h"
#include "server/host_name.h"
#include "server/http_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* Of descriptors: for PostgreSQL and ourselves; and for those who come while others, who make room for them, still end. */
enum { DESCRIPTORS_RESERVED = 256, PLACES_SPARE = 64 };
enum { FIELDS_MAX = 100, TURNS_AT_ONCE = 16, BODIES_BYTES_MAX = 256 * 1024 * 1024 };

#define ANSWER_WRITE_US (30 * US_PER_SECOND)
#define EXHAUSTED_US    (100 * US_PER_MS) /* until the next try to let somebody in (T175) */

struct exchange_inside {
    struct MHD_Connection *connection;
    struct crowd_member *member;
    char *body;
    struct text target; /* as it came, with what stands behind its mark */
    size_t body_length, body_capacity, body_max;
    bool begun;     /* the first handler call was there */
    bool too_large; /* the body outgrew its bound */
    bool suspended, answered, queued;
};

struct http {
    struct loop *loop;
    struct http_settings settings;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_timer_t sweep;
    struct timer rest;
    struct crowd *crowd;
    bool exhausted; /* whoever came could not be let in: no descriptor, or no memory */
    bool again;     /* MHD_run once more: a connection was resumed or closed */
    size_t exchanges, body_bytes;
    int handles_open;
};

void *http_of(const struct http *http)
{
    return http->settings.of;
}

size_t http_exchanges(const struct http *http)
{
    return http->exchanges;
}

/* ---- the loop's side ---- */

static void set_timer(struct http *http);

static void run(struct http *http)
{
    MHD_run(http->daemon);
    set_timer(http);
    loop_ran("libmicrohttpd");
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void set_timer(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES)
        uv_timer_stop(&http->timer);
    else if (wait_ms > 0)
        uv_timer_start(&http->timer, on_timer, wait_ms, 0);
    else
        http->again = true; /* a timer of 0 ms that starts itself would never let the loop go on */
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http *http = poll->data;
    (void)status;
    (void)events;
    http->exhausted = false;
    run(http);
    if (!http->exhausted)
        return;
    uv_poll_stop(&http->poll); /* who waits to be let in would wake us again at once */
    timer_start(&http->rest, EXHAUSTED_US);
}

static void on_rested(struct timer *timer)
{
    struct http *http = container_of(timer, struct http, rest);
    uv_poll_start(&http->poll, UV_READABLE, on_poll);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct http *http = prepare->data;
    for (int turns = 0; http->again && turns < TURNS_AT_ONCE; turns++) {
        http->again = false;
        run(http);
    }
    if (http->again) /* much to do, or a head or chunk that fills the buffer and has no end: its deadline comes */
        uv_timer_start(&http->timer, on_timer, 1, 0);
}

static void on_sweep(uv_timer_t *timer)
{
    struct http *http = timer->data;
    if (crowd_tidy(http->crowd, clock_tick()))
        http->again = true;
}

/* ---- connections and their deadlines ---- */

static void deadline_in(struct crowd_member *member, int64_t duration_us)
{
    member->deadline = tick_add(clock_tick(), duration_us);
}

static struct ip peer_of(struct MHD_Connection *connection)
{
    const struct sockaddr *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    char words[INET6_ADDRSTRLEN] = "";
    struct ip ip = IP_NONE;
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, words, sizeof words);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, words, sizeof words);
    return ip_parse(text_of(words), &ip) ? ip : IP_NONE;
}

static void on_connection(void *of, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = of;
    http->again = true;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int descriptor = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *context = crowd_join(http->crowd, descriptor, peer_of(connection), tick_add(clock_tick(), BOUND_HTTP_HEAD_US));
        return;
    }
    struct crowd_member *member = *context;
    if (member != NULL)
        crowd_leave(http->crowd, &member);
    *context = NULL;
}

static struct crowd_member *member_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info->socket_context;
}

/* ---- exchanges ---- */

/* The request line was read: the target as it came, before anybody decodes it. */
static void *on_target(void *of, const char *uri, struct MHD_Connection *connection)
{
    struct http *http = of;
    struct arena *arena = arena_new();
    struct exchange *exchange = arena_make(arena, struct exchange);
    exchange->http = http;
    exchange->arena = arena;
    exchange->inside = arena_make(arena, struct exchange_inside);
    exchange->inside->connection = connection;
    exchange->inside->member = member_of(connection);
    exchange->peer = peer_of(connection);
    exchange->content_type = TEXT_NONE;
    struct text target = exchange->inside->target = text_copy(arena, text_of(uri));
    size_t mark = text_find(target, '?');
    exchange->path = text_slice(target, 0, mark);
    exchange->query = mark < target.length ? text_after(target, mark + 1) : TEXT_NONE;
    deadline_in(exchange->inside->member, BOUND_HTTP_HEAD_US);
    http->exchanges++;
    return exchange;
}

static void body_free(struct exchange *exchange)
{
    exchange->http->body_bytes -= exchange->inside->body_capacity;
    exchange->inside->body_capacity = 0;
    memory_free(&exchange->inside->body);
}

static void on_completed(void *of, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)code;
    (void)connection;
    struct http *http = of;
    struct exchange *exchange = *context;
    *context = NULL;
    if (exchange == NULL)
        return;
    assert(!exchange->inside->suspended);
    deadline_in(exchange->inside->member, BOUND_HTTP_IDLE_S * US_PER_SECOND);
    crowd_move(http->crowd, exchange->inside->member, CROWD_WAITS);
    body_free(exchange);
    http->exchanges--;
    struct arena *arena = exchange->arena;
    arena_free(&arena);
}

struct fields {
    struct guard_field items[FIELDS_MAX];
    size_t count, wanted;
};

static enum MHD_Result take_field(void *of, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                  const char *value, size_t value_length)
{
    (void)kind;
    struct fields *fields = of;
    fields->wanted++;
    if (fields->count < FIELDS_MAX)
        fields->items[fields->count++] =
            (struct guard_field){ text_from(name, name_length), text_from(value == NULL ? "" : value, value_length) };
    return MHD_YES;
}

static void fields_of(struct exchange *exchange, struct fields *fields)
{
    fields->count = fields->wanted = 0;
    MHD_get_connection_values_n(exchange->inside->connection, MHD_HEADER_KIND, take_field, fields);
}

struct text exchange_header(struct exchange *exchange, const char *name, bool *twice)
{
    struct fields fields;
    struct text value = TEXT_NONE;
    size_t times = 0;
    fields_of(exchange, &fields);
    for (size_t i = 0; i < fields.count; i++) {
        if (!text_equal_fold(fields.items[i].name, text_of(name)))
            continue;
        value = text_copy(exchange->arena, fields.items[i].value);
        times++;
    }
    if (twice != NULL)
        *twice = times > 1;
    return times > 1 && twice == NULL ? TEXT_NONE : value;
}

/* ---- the answer ---- */

void answer_header_add(struct answer *answer, const char *name, struct text value)
{
    assert(answer->header_count < ANSWER_HEADERS_MAX);
    answer->headers[answer->header_count++] = (struct answer_header){ name, value };
}

static bool add_header(struct MHD_Response *response, struct arena *arena, const char *name, struct text value)
{
    assert(text_is_ascii(value) && !text_has_control(value));
    if (MHD_add_response_header(response, name, text_terminated(arena, value)) == MHD_YES)
        return true;
    log_error(NULL, "a header of an answer was refused: %s", name);
    return false;
}

static bool add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    const struct answer *answer = &exchange->answer;
    struct arena *arena = exchange->arena;
    bool all =
        answer->content_type == NULL || add_header(response, arena, "Content-Type", text_of(answer->content_type));
    all = all && add_header(response, arena, "Cache-Control", TEXT("no-store"));
    all = all && add_header(response, arena, "X-Content-Type-Options", TEXT("nosniff"));
    for (size_t i = 0; all && i < answer->header_count; i++)
        all = add_header(response, arena, answer->headers[i].name, answer->headers[i].value);
    return all && (!(answer->close || exchange->closed) || add_header(response, arena, "Connection", TEXT("close")));
}

/* An answer without one of its headers is another answer: there is none then, and the connection ends. */
static enum MHD_Result queue(struct exchange *exchange)
{
    struct exchange_inside *inside = exchange->inside;
    const struct answer *answer = &exchange->answer;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.length, (void *)(uintptr_t)answer->body.bytes, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    inside->queued = true;
    deadline_in(inside->member, ANSWER_WRITE_US);
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, exchange))
        result = MHD_queue_response(inside->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

void exchange_answer(struct exchange *exchange)
{
    struct exchange_inside *inside = exchange->inside;
    assert(!inside->answered && exchange->answer.status != 0);
    inside->answered = true;
    if (!inside->suspended)
        return;
    inside->suspended = false;
    MHD_resume_connection(inside->connection);
    exchange->http->again = true;
}

static enum MHD_Result refuse(struct exchange *exchange, int status, const char *sentence)
{
    exchange->http->settings.refuse(exchange, status, sentence);
    exchange->closed = true;
    return queue(exchange);
}

/* ---- the handler: head, body, serve, answer ---- */

/* HTTP/1.0 has no Host, and 1.1 without it did not come so far. */
static bool is_for_us(struct exchange *exchange)
{
    struct text host = exchange_header(exchange, "Host", NULL);
    return text_is_none(host) || host_name_is_ours(host, exchange->http->settings.host_names);
}

static enum MHD_Result take_head(struct exchange *exchange, const char *method, const char *version)
{
    struct exchange_inside *inside = exchange->inside;
    struct http *http = exchange->http;
    struct fields fields;
    exchange->method = text_copy(exchange->arena, text_of(method));
    fields_of(exchange, &fields);
    if (fields.wanted > FIELDS_MAX)
        return refuse(exchange, 431, "There are too many headers.");
    struct guard_head head = { exchange->method, inside->target, text_of(version), fields.items, fields.count };
    struct guard_verdict verdict = guard_check(&head);
    if (verdict.status != 0)
        return refuse(exchange, verdict.status, verdict.sentence);
    bool twice;
    struct text forwarded = exchange_header(exchange, "X-Forwarded-For", &twice);
    exchange->peer = front_peer(http->settings.fronts, exchange->peer, forwarded);
    if (!is_for_us(exchange))
        return refuse(exchange, 421, "Nothing of this Host is served here.");
    exchange->content_type = exchange_header(exchange, "Content-Type", NULL);
    size_t body_max = 0;
    if (!http->settings.head(exchange, &body_max)) {
        exchange->closed = true;
        return queue(exchange);
    }
    if (verdict.body && body_max == 0)
        return refuse(exchange, 400, "No body belongs to this request.");
    if (verdict.content_length > body_max)
        return refuse(exchange, 413, "The body is larger than this request may be.");
    if (verdict.body && http->body_bytes > BODIES_BYTES_MAX)
        return refuse(exchange, 503, "Too many large requests at once; try again soon.");
    inside->body_max = body_max;
    deadline_in(inside->member, BOUND_HTTP_BODY_US);
    return MHD_YES;
}

static void take_body(struct exchange *exchange, const char *bytes, size_t length)
{
    struct exchange_inside *inside = exchange->inside;
    if (inside->too_large || length > inside->body_max - inside->body_length) {
        inside->too_large = true;
        body_free(exchange);
        return;
    }
    size_t wanted = inside->body_length + length;
    if (wanted > inside->body_capacity) {
        size_t capacity = MIN_OF(MAX_OF(wanted, inside->body_capacity * 2), inside->body_max);
        inside->body = memory_resize(inside->body, capacity, 1);
        exchange->http->body_bytes += capacity - inside->body_capacity;
        inside->body_capacity = capacity;
    }
    memcpy(inside->body + inside->body_length, bytes, length);
    inside->body_length = wanted;
}

static enum MHD_Result serve(struct exchange *exchange)
{
    struct exchange_inside *inside = exchange->inside;
    if (inside->too_large)
        return refuse(exchange, 413, "The body is larger than this request may be.");
    exchange->body = text_from(inside->body == NULL ? "" : inside->body, inside->body_length);
    inside->member->deadline = TICK_NONE;
    exchange->http->settings.serve(exchange);
    if (inside->answered)
        return queue(exchange);
    inside->suspended = true;
    MHD_suspend_connection(inside->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *of, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **context)
{
    (void)of;
    (void)connection;
    (void)url;
    struct exchange *exchange = *context;
    struct exchange_inside *inside = exchange->inside;
    if (!inside->begun) {
        inside->begun = true;
        crowd_move(exchange->http->crowd, inside->member, CROWD_WORKS);
        return take_head(exchange, method, version);
    }
    if (inside->queued)
        return MHD_YES;
    if (*upload_size > 0) {
        take_body(exchange, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return inside->answered ? queue(exchange) : serve(exchange);
}

/* The target is ours to decode, segment by segment: server/route. */
static size_t leave_escaped(void *of, struct MHD_Connection *connection, char *text)
{
    (void)of;
    (void)connection;
    return strlen(text);
}

static bool is_exhaustion(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* It says what accept() said, errno as it was; and "will try busy waiting", which is not for us. */
static void on_mhd_log(void *of, const char *format, va_list arguments)
{
    struct http *http = of;
    http->exhausted |= is_exhaustion(errno);
    char line[300];
    vsnprintf(line, sizeof line, format, arguments);
    trace(TRACE_HTTP, NULL, "%s", line);
}

/* ---- its life ---- */

/* Half of them where there are few. */
static size_t connections_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_RESERVED;
    rlim_t reserved = MIN_OF(limit.rlim_cur / 2, (rlim_t)DESCRIPTORS_RESERVED);
    return (size_t)MIN_OF(limit.rlim_cur - reserved, (rlim_t)BOUND_HTTP_CONNECTIONS);
}

static struct sockaddr_storage socket_address(struct ip ip, uint16_t port)
{
    struct sockaddr_storage storage = { 0 };
    if (ip.version == 4) {
        struct sockaddr_in *four = (struct sockaddr_in *)(void *)&storage;
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, ip.bytes, 4);
    } else {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&storage;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        memcpy(&six->sin6_addr, ip.bytes, 16);
    }
    return storage;
}

static struct MHD_Daemon *daemon_of(struct http *http, unsigned most)
{
    struct sockaddr_storage address = socket_address(http->settings.ip, http->settings.port);
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (http->settings.ip.version == 6)
        flags |= MHD_USE_IPv6;
    return MHD_start_daemon(flags, http->settings.port, NULL, NULL, on_request, http,          //
                            MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, http,                      //
                            MHD_OPTION_SOCK_ADDR, &address,                                    //
                            MHD_OPTION_CONNECTION_LIMIT, most,                                 //
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)BOUND_HTTP_IDLE_S,        //
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * BOUND_HTTP_HEAD), //
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,                                   //
                            MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,                 //
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, http,                      //
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,                   //
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,                 //
                            MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024U,                             //
                            MHD_OPTION_END);
}

struct http *http_new(struct loop *loop, const struct http_settings *settings)
{
    struct http *http = memory_make(struct http);
    http->loop = loop;
    http->settings = *settings;
    size_t most = connections_max(), spare = MIN_OF(most / 4, (size_t)PLACES_SPARE);
    http->crowd = crowd_new(settings->seed, most - spare, (most - spare) / 2);
    http->daemon = daemon_of(http, (unsigned)most);
    if (http->daemon == NULL) {
        log_error(NULL, "port %u cannot be listened on: is another program there?", settings->port);
        crowd_free(&http->crowd);
        memory_free(&http);
        return NULL;
    }
    uv_loop_t *uv = loop_uv(loop);
    int descriptor = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int fault = uv_poll_init(uv, &http->poll, descriptor);
    if (fault != 0) {
        log_error(NULL, "port %u cannot be watched: %s", settings->port, uv_strerror(fault));
        MHD_stop_daemon(http->daemon);
        memory_free(&http);
        return NULL;
    }
    uv_timer_init(uv, &http->timer);
    uv_timer_init(uv, &http->sweep);
    uv_prepare_init(uv, &http->prepare);
    timer_init(&http->rest, loop, on_rested);
    http->poll.data = http->timer.data = http->sweep.data = http->prepare.data = http;
    uv_poll_start(&http->poll, UV_READABLE, on_poll);
    uv_prepare_start(&http->prepare, on_prepare);
    uv_timer_start(&http->sweep, on_sweep, 1000, 1000);
    set_timer(http);
    return http;
}

void http_quiesce(struct http *http)
{
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
}

static void on_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    if (--http->handles_open == 0)
        memory_free(&http);
}

void http_free(struct http **http)
{
    struct http *ended = *http;
    *http = NULL;
    assert(ended->exchanges == 0);
    uv_poll_stop(&ended->poll);
    timer_stop(&ended->rest);
    MHD_stop_daemon(ended->daemon);
    crowd_free(&ended->crowd);
    ended->handles_open = 4;
    uv_close((uv_handle_t *)&ended->poll, on_closed);
    uv_close((uv_handle_t *)&ended->timer, on_closed);
    uv_close((uv_handle_t *)&ended->prepare, on_closed);
    uv_close((uv_handle_t *)&ended->sweep, on_closed);
}
