/*
 * Octets to the server's own door, over a real connection (T85, T91 to T93). A careful reader of RFC 9112 says beside it
 * which requests they are: what is served is what the careful reader reads, in its order, and behind a refusal nothing is
 * served any more. Left out are the forms that libmicrohttpd shows to no hook (a bare CR or LF, NUL, obs-fold, a line
 * without a name): for those there is the front in deploy/.
 */

#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVED_MAX = 64, BODY_MAX = 1000, TURNS_QUIET = 6, TURNS_MAX = 100000 };

struct served {
    struct text method, target, body;
};

static struct {
    struct loop *loop;
    struct http *http;
    struct sockaddr_in address;
    struct arena *arena; /* of this input */
    struct served served[SERVED_MAX];
    size_t count;
    bool refused;
} world;

/* ---- the server ---- */

static struct text target_of(struct exchange *exchange)
{
    if (text_is_none(exchange->query))
        return text_copy(world.arena, exchange->path);
    return text_format(world.arena, "%.*s?%.*s", TEXT_ARG(exchange->path), TEXT_ARG(exchange->query));
}

static bool on_head(struct exchange *exchange, size_t *body_max)
{
    assert(!world.refused);
    *body_max = text_equal(exchange->method, TEXT("POST")) ? BODY_MAX : 0;
    return true;
}

static void on_serve(struct exchange *exchange)
{
    assert(!world.refused && world.count < SERVED_MAX && exchange->body.length <= BODY_MAX);
    world.served[world.count++] = (struct served){ text_copy(world.arena, exchange->method), target_of(exchange),
                                                   text_copy(world.arena, exchange->body) };
    exchange->answer = (struct answer){ .status = 200, .content_type = "text/plain", .body = TEXT("served\n") };
    exchange_answer(exchange);
}

static void on_refuse(struct exchange *exchange, int status, const char *sentence)
{
    assert(!world.refused && status >= 400 && status < 600 && sentence != NULL);
    world.refused = true;
    exchange->answer = (struct answer){ .status = status };
}

/* Any port that is free on a loopback address of this process's own. */
static void begin(void)
{
    static const char *any[] = { "*" };
    static const struct setting_texts names = { any, 1 }, fronts = { NULL, 0 };
    struct http_settings settings = {
        .host_names = &names, .fronts = &fronts, .head = on_head, .serve = on_serve, .refuse = on_refuse
    };
    unsigned pid = (unsigned)getpid();
    world.loop = loop_new();
    world.address.sin_family = AF_INET;
    world.address.sin_addr.s_addr = htonl(0x7F000000u | (pid & 0xFFFF) << 8 | 0x01u);
    settings.ip = (struct ip){ .version = 4 };
    memcpy(settings.ip.bytes, &world.address.sin_addr, 4);
    for (uint16_t port = 20000; world.http == NULL && port < 20100; port++) {
        settings.port = port;
        world.address.sin_port = htons(port);
        world.http = http_new(world.loop, &settings);
    }
    assert(world.http != NULL);
}

/* ---- the client ---- */

/* libFuzzer's alarm interrupts whoever waits; the kernel goes on connecting meanwhile. */
static void wait_for_connection(int client)
{
    struct pollfd waits = { .fd = client, .events = POLLOUT };
    int error = 0;
    socklen_t size = sizeof error;
    while (poll(&waits, 1, -1) < 0)
        assert(errno == EINTR);
    assert(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
}

static int connected(void)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger reset = { 1, 0 }; /* leaves no port in TIME_WAIT */
    assert(client >= 0 && setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    if (connect(client, (struct sockaddr *)&world.address, sizeof world.address) != 0) {
        int error = errno;
        if (error != EINTR)
            fprintf(stderr, "cannot connect: %s\n", strerror(error));
        assert(error == EINTR);
        wait_for_connection(client);
    }
    return client;
}

/* Says it all, listens until nothing comes any more, and is gone. */
static void talk(struct text octets)
{
    int client = connected();
    char answer[4096];
    assert(octets.length == 0 || send(client, octets.bytes, octets.length, MSG_NOSIGNAL) == (ssize_t)octets.length);
    for (int quiet = 0; quiet < TURNS_QUIET; quiet++) {
        uv_run(loop_uv(world.loop), UV_RUN_NOWAIT);
        if (recv(client, answer, sizeof answer, MSG_DONTWAIT) > 0)
            quiet = 0;
    }
    close(client);
    for (int turn = 0; http_exchanges(world.http) > 0; turn++) {
        assert(turn < TURNS_MAX);
        uv_run(loop_uv(world.loop), UV_RUN_NOWAIT);
    }
}

/* ---- the careful reader ---- */

struct reader {
    struct text rest;
    size_t length;
    bool chunked, host;
};

static bool next_line(struct reader *reader, struct text *line)
{
    size_t end = text_find_text(reader->rest, TEXT("\r\n"));
    if (end == reader->rest.length)
        return false;
    *line = text_slice(reader->rest, 0, end);
    reader->rest = text_after(reader->rest, end + 2);
    return true;
}

static bool read_field(struct reader *reader, struct text line)
{
    size_t colon = text_find(line, ':');
    struct text name = text_slice(line, 0, colon), value = text_trim(text_after(line, colon + 1));
    uint64_t length;
    if (colon == 0 || colon == line.length || text_has(name, ' ') || text_has(name, '\t'))
        return false;
    reader->host |= text_equal_fold(name, TEXT("Host"));
    if (text_equal_fold(name, TEXT("Transfer-Encoding"))) {
        bool known = !reader->chunked && reader->length == 0 && text_equal_fold(value, TEXT("chunked"));
        reader->chunked = true;
        return known;
    }
    if (!text_equal_fold(name, TEXT("Content-Length")))
        return true;
    if (reader->chunked || !text_to_uint(value, BODY_MAX, &length))
        return false;
    reader->length = (size_t)length;
    return true;
}

static bool read_chunks(struct reader *reader, struct builder *body)
{
    for (;;) {
        struct text line;
        size_t size = 0;
        if (!next_line(reader, &line))
            return false;
        struct text digits = text_trim(text_slice(line, 0, text_find(line, ';')));
        for (size_t i = 0; i < digits.length; i++) {
            if (text_nibble(digits.bytes[i]) > 15 || size > BODY_MAX)
                return false;
            size = size * 16 + text_nibble(digits.bytes[i]);
        }
        if (digits.length == 0 || size > reader->rest.length)
            return false;
        if (size == 0)
            break;
        builder_add(body, text_slice(reader->rest, 0, size));
        reader->rest = text_after(reader->rest, size);
        bool bare = text_starts(reader->rest, TEXT("\n")); /* the LF of a pair whose CR was the chunk's last octet */
        if (!bare && !text_starts(reader->rest, TEXT("\r\n")))
            return false;
        reader->rest = text_after(reader->rest, bare ? 1 : 2);
    }
    for (struct text line; next_line(reader, &line);)
        if (line.length == 0)
            return true;
    return false;
}

/* Three words, and blanks between them (RFC 9112 §3). */
static bool read_first(struct text line, struct served *request, struct text *version)
{
    request->method = text_slice(line, 0, text_find(line, ' '));
    *version = text_after(line, text_find_last(line, ' ') + 1);
    if (request->method.length + 1 + version->length >= line.length)
        return false;
    request->target =
        text_trim(text_slice(line, request->method.length, line.length - request->method.length - version->length));
    return !text_has(request->target, ' ');
}

/* One request; false: there is none, or none that is good. */
static bool read_request(struct reader *reader, struct served *request)
{
    struct text line = TEXT(""), version;
    while (line.length == 0) {
        while (text_starts(reader->rest, TEXT("\n"))) /* likewise behind a body */
            reader->rest = text_after(reader->rest, 1);
        if (!next_line(reader, &line))
            return false;
    }
    if (!read_first(line, request, &version))
        return false;
    reader->length = 0;
    reader->chunked = reader->host = false;
    for (;;) {
        if (!next_line(reader, &line))
            return false;
        if (line.length == 0)
            break;
        if (!read_field(reader, line))
            return false;
    }
    if (text_equal(version, TEXT("HTTP/1.1")) ? !reader->host : !text_equal(version, TEXT("HTTP/1.0")))
        return false;
    struct builder body = builder_in(world.arena);
    if (reader->chunked && !read_chunks(reader, &body))
        return false;
    builder_add(&body, text_slice(reader->rest, 0, reader->length));
    if (reader->length > reader->rest.length)
        return false;
    reader->rest = text_after(reader->rest, reader->length);
    request->body = builder_text(&body);
    return true;
}

/* Forms that nobody behind libmicrohttpd can see. */
static bool is_hidden(struct text octets)
{
    for (size_t i = 0; i < octets.length; i++) {
        char byte = octets.bytes[i], next = i + 1 < octets.length ? octets.bytes[i + 1] : '\n';
        if (byte == '\0' || (byte == '\r' && next != '\n') || (byte == '\n' && (i == 0 || octets.bytes[i - 1] != '\r')))
            return true;
        if (byte == '\n' && (next == ' ' || next == '\t' || next == ':'))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text octets = text_from((const char *)data, size);
    if (world.http == NULL)
        begin();
    world.arena = arena_new();
    world.count = 0;
    world.refused = false;
    talk(octets);
    struct reader reader = { .rest = octets };
    for (size_t i = 0; i < world.count && !is_hidden(octets); i++) {
        struct served wanted;
        assert(read_request(&reader, &wanted));
        assert(text_equal(world.served[i].method, wanted.method) && text_equal(world.served[i].target, wanted.target));
        assert(text_equal(world.served[i].body, wanted.body));
    }
    arena_free(&world.arena);
    return 0;
}
