#include "io/log.h"
#include "io/pg_inside.h"

#include <netdb.h>
#include <string.h>

enum { CONNECT_US = 10 * 1000000, PAUSE_MIN_US = 50 * 1000, PAUSE_MAX_US = 2 * 1000000 };

/* The poll handle has a life of its own: libpq changes descriptors while it connects, and closes them when it likes. */
struct watch {
    uv_poll_t poll;
    struct pg_connection *connection;
    struct pg *pool;
    int descriptor, events;
};

static void connection_lose(struct pg_connection *connection, const char *words);
static void connection_step(struct pg_connection *connection);
static void connection_turn(struct pg_connection *connection, int events);

/* ---- the descriptor ---- */

static void watch_closed(uv_handle_t *handle)
{
    struct watch *watch = container_of(handle, struct watch, poll);
    watch->pool->handles--;
    pool_left(watch->pool);
    free(watch);
}

static void connection_unwatch(struct pg_connection *connection)
{
    if (connection->watch == NULL)
        return;
    connection->watch->connection = NULL;
    uv_close((uv_handle_t *)&connection->watch->poll, watch_closed);
    connection->watch = NULL;
}

static void watch_heard(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = container_of(poll, struct watch, poll);
    if (status < 0) { /* an error of the descriptor, and libuv stops: reading says which */
        watch->events = 0;
        events = UV_READABLE;
    }
    if (watch->connection != NULL)
        connection_turn(watch->connection, events);
    loop_ran("the database's answer");
}

/* false: there is no descriptor to wait for. */
static bool connection_wait(struct pg_connection *connection, int events)
{
    int descriptor = PQsocket(connection->conn);
    if (connection->watch != NULL && connection->watch->descriptor != descriptor)
        connection_unwatch(connection);
    if (connection->watch == NULL) {
        if (descriptor < 0)
            return false;
        struct watch *watch = memory_make(struct watch);
        watch->connection = connection;
        watch->pool = connection->pool;
        watch->descriptor = descriptor;
        if (uv_poll_init(loop_uv(connection->pool->loop), &watch->poll, descriptor) != 0) {
            free(watch);
            return false;
        }
        connection->watch = watch;
        connection->pool->handles++;
    }
    if (connection->watch->events == events)
        return true;
    connection->watch->events = events;
    return uv_poll_start(&connection->watch->poll, events, watch_heard) == 0;
}

/* ---- connecting ---- */

static void connection_again(struct timer *timer)
{
    pg_connection_open(container_of(timer, struct pg_connection, again));
}

static void connection_late(struct timer *timer)
{
    struct pg_connection *connection = container_of(timer, struct pg_connection, late);
    if (connection->connecting)
        connection->first_host++; /* a host that is silent keeps nobody from the next */
    connection_lose(connection, "no answer in time");
}

void pg_connection_init(struct pg_connection *connection, struct pg *pool, int number)
{
    connection->pool = pool;
    snprintf(connection->name, sizeof(connection->name), "pg[%.20s %d]", pool->user == NULL ? "" : pool->user, number);
    link_init(&connection->link);
    connection->pause_us = PAUSE_MIN_US;
    timer_init(&connection->again, pool->loop, connection_again);
    timer_init(&connection->late, pool->loop, connection_late);
    timer_start(&connection->again, 0);
}

void pg_connection_free(struct pg_connection *connection)
{
    assert(connection->conn == NULL && connection->watch == NULL && connection->resolving == NULL);
    timer_stop(&connection->again);
    timer_stop(&connection->late);
    map_free(&connection->prepared);
    memory_free(&connection->expected);
}

/* Later ones win: the URL may say otherwise than the first, the rest is ours to say. */
static PGconn *connection_start(const struct pg *pool, const struct pg_hosts *hosts)
{
    const struct {
        const char *keyword, *value;
    } said[] = {
        { "gssencmode", "disable" },
        { "keepalives_idle", "10" },
        { "keepalives_interval", "5" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "20000" },
        { "dbname", pool->url },
        { "target_session_attrs", "read-write" },
        { "client_encoding", "UTF8" },
        { "application_name", pool->program },
        { "options", pool->options },
        { "user", pool->user },
        { "host", hosts->names },
        { "hostaddr", hosts->addresses },
        { "port", hosts->ports },
        { NULL, NULL },
    };
    const char *keywords[COUNT(said)], *values[COUNT(said)];
    for (size_t i = 0; i < COUNT(said); i++) {
        keywords[i] = said[i].keyword;
        values[i] = said[i].value;
    }
    return PQconnectStartParams(keywords, values, 1);
}

/* A warning beside a commit takes something back: "committed here, but perhaps not on the standby" is one. */
static void notice_heard(void *of, const PGresult *notice)
{
    struct pg_connection *connection = of;
    struct text severity = text_of(PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED));
    trace(TRACE_PG, connection->name, "%s", PQresultErrorMessage(notice));
    if (connection->transaction != NULL && text_equal(severity, TEXT("WARNING")))
        transaction_warned(connection->transaction, notice);
}

/* libpq tries them in turn. */
static void connection_begin(struct pg_connection *connection, struct pg_hosts hosts)
{
    struct arena *arena = arena_new();
    unsigned first = connection->first_host;
    hosts = (struct pg_hosts){ pg_hosts_from(arena, hosts.names, first), pg_hosts_from(arena, hosts.addresses, first),
                               pg_hosts_from(arena, hosts.ports, first) };
    connection->conn = connection_start(connection->pool, &hosts);
    arena_free(&arena);
    if (connection->conn == NULL)
        unreachable("no memory is left");
    (void)PQsetNoticeReceiver(connection->conn, notice_heard, connection);
    connection->connecting = true;
    timer_start(&connection->late, CONNECT_US);
    if (PQstatus(connection->conn) == CONNECTION_BAD || !connection_wait(connection, UV_WRITABLE))
        connection_lose(connection, PQerrorMessage(connection->conn));
}

/* A list of addresses, and as many times the name. */
static void connection_begin_found(struct pg_connection *connection, const struct addrinfo *found)
{
    struct arena *arena = arena_new();
    struct builder hosts = builder_in(arena), addresses = builder_in(arena);
    char address[NI_MAXHOST];
    for (; found != NULL; found = found->ai_next) {
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        builder_format(&hosts, "%s%s", hosts.length > 0 ? "," : "", connection->pool->host);
        builder_format(&addresses, "%s%s", addresses.length > 0 ? "," : "", address);
    }
    connection_begin(connection, (struct pg_hosts){ text_terminated(arena, builder_text(&hosts)),
                                                    text_terminated(arena, builder_text(&addresses)),
                                                    connection->pool->hosts.ports });
    arena_free(&arena);
}

static void connection_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct pg_connection *connection = request->data;
    struct pg *pool = connection->pool;
    connection->resolving = NULL;
    free(request);
    pool->handles--;
    if (pool->closing != NULL)
        pool_left(pool);
    else if (status == 0)
        connection_begin_found(connection, found);
    else
        connection_lose(connection, "the host's name has no address now");
    uv_freeaddrinfo(found);
    loop_ran("connection_resolved");
}

void pg_connection_open(struct pg_connection *connection)
{
    struct pg *pool = connection->pool;
    assert(connection->conn == NULL && connection->transaction == NULL);
    if (pool->host == NULL) {
        connection_begin(connection, pool->hosts);
        return;
    }
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    uv_getaddrinfo_t *request = memory_make(uv_getaddrinfo_t);
    request->data = connection;
    if (uv_getaddrinfo(loop_uv(pool->loop), request, connection_resolved, pool->host, NULL, &hints) != 0) {
        free(request);
        connection_lose(connection, "the host's name cannot be looked up");
        return;
    }
    connection->resolving = request;
    pool->handles++;
}

static void connection_ready(struct pg_connection *connection)
{
    timer_stop(&connection->late);
    if (PQsetnonblocking(connection->conn, 1) != 0 || PQenterPipelineMode(connection->conn) != 1 ||
        !connection_wait(connection, UV_READABLE)) {
        connection_lose(connection, PQerrorMessage(connection->conn));
        return;
    }
    connection->connecting = false;
    connection->ready = true;
    connection->worn = false;
    connection->prepared = map_new((struct hash_key){ 0, 0 }); /* our own names: nobody makes them collide */
    pg_connection_look(connection);
}

void pg_connection_known(struct pg_connection *connection)
{
    struct pg *pool = connection->pool;
    connection->known = true;
    connection->pause_us = PAUSE_MIN_US;
    pool->ready++;
    pool->trouble[0] = '\0';
    log_info(connection->name, "connected, server process %d", PQbackendPID(connection->conn));
    list_append(&pool->free, &connection->link);
    pool_serve(pool);
}

static void connection_step(struct pg_connection *connection)
{
    connection->watch->events = 0;
    uv_poll_stop(&connection->watch->poll); /* libpq may close the descriptor, and open another of the same number */
    switch (PQconnectPoll(connection->conn)) {
    case PGRES_POLLING_OK: connection_ready(connection); return;
    case PGRES_POLLING_READING:
        if (connection_wait(connection, UV_READABLE))
            return;
        break;
    case PGRES_POLLING_WRITING:
        if (connection_wait(connection, UV_WRITABLE))
            return;
        break;
    case PGRES_POLLING_ACTIVE:
    case PGRES_POLLING_FAILED: break;
    }
    connection_lose(connection, PQerrorMessage(connection->conn));
}

/* ---- the end of a connection ---- */

static void connection_drop(struct pg_connection *connection)
{
    list_remove(&connection->link);
    timer_stop(&connection->again);
    timer_stop(&connection->late);
    connection_unwatch(connection);
    if (connection->known)
        connection->pool->ready--;
    connection->ready = connection->known = connection->connecting = connection->asking = false;
    connection->look = NULL;
    connection->expected_count = connection->answered = 0;
    map_free(&connection->prepared);
    PQfinish(connection->conn);
    connection->conn = NULL;
}

/* libpq's messages are lines, one for each host that it tried; a log has one. True: it was another trouble before. */
static bool note_trouble(struct pg *pool, const char *words)
{
    char now[sizeof(pool->trouble)] = "";
    if (strstr(words, "session is read-only") != NULL)
        words = "the database is a standby or read-only, and keeps nothing. Name the primary in DATABASE_URL, or "
                "promote it";
    snprintf(now, sizeof(now), "%.*s", (int)strcspn(words, "\n"), words);
    bool news = strcmp(now, pool->trouble) != 0;
    memcpy(pool->trouble, now, sizeof(now));
    return news;
}

/* The first of many alike is enough. */
static void log_loss(const struct pg_connection *connection, const char *words)
{
    if (connection->known) {
        log_warning(connection->name, "connection lost: %.*s", (int)strcspn(words, "\n"), words);
        return;
    }
    bool news = note_trouble(connection->pool, words);
    log_line(news ? LOG_WARNING : LOG_DEBUG, connection->name, "no connection: %s", connection->pool->trouble);
}

/* What was in flight hears its word; then the connection is made anew, later each time it fails. */
static void connection_lose(struct pg_connection *connection, const char *words)
{
    struct transaction *transaction = connection->transaction;
    log_loss(connection, words);
    connection->transaction = NULL;
    if (transaction != NULL)
        transaction_lost(transaction, words);
    connection_drop(connection);
    if (connection->pool->closing != NULL) {
        pool_left(connection->pool);
        return;
    }
    timer_start(&connection->again, connection->pause_us);
    connection->pause_us = MIN_OF(connection->pause_us * 2, PAUSE_MAX_US);
}

void pg_connection_close(struct pg_connection *connection)
{
    assert(connection->transaction == NULL);
    if (connection->resolving != NULL)
        uv_cancel((uv_req_t *)connection->resolving);
    connection_drop(connection);
}

void pg_connection_release(struct pg_connection *connection)
{
    struct pg *pool = connection->pool;
    connection->transaction = NULL;
    if (connection->worn) {
        connection_drop(connection);
        if (pool->closing == NULL)
            timer_start(&connection->again, 0);
    } else if (connection->known) {
        list_prepend(&pool->free, &connection->link); /* the one that was used last is warm */
    }
    pool_serve(pool);
}

void pg_connection_refuse(struct pg_connection *connection, const char *words)
{
    assert(!connection->known && connection->transaction == NULL);
    connection_lose(connection, words);
}

void pg_connection_renew(struct pg_connection *connection)
{
    connection->worn = true;
    if (connection->transaction == NULL) {
        connection_drop(connection);
        timer_start(&connection->again, 0);
    }
}

/* ---- a group of statements ---- */

static bool connection_flush(struct pg_connection *connection)
{
    int left = PQflush(connection->conn);
    return left >= 0 && connection_wait(connection, left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void expect(struct pg_connection *connection, const struct statement *prepare, size_t asked)
{
    if (connection->expected_count == connection->expected_capacity) {
        connection->expected_capacity = MAX_OF((size_t)16, size_mul(connection->expected_capacity, 2));
        connection->expected =
            memory_resize(connection->expected, connection->expected_capacity, sizeof(struct expected));
    }
    connection->expected[connection->expected_count++] = (struct expected){ prepare, asked };
}

static bool connection_prepare(struct pg_connection *connection, const struct statement *statement)
{
    const struct statement *known = map_find(connection->prepared, text_of(statement->name));
    assert(known == NULL || known == statement); /* two rooms, one name */
    if (known != NULL)
        return true;
    expect(connection, statement, 0);
    map_put(connection->prepared, text_of(statement->name), (void *)(uintptr_t)statement);
    return statement_send_prepare(connection->conn, statement) == 1;
}

static bool connection_send_one(struct pg_connection *connection, const struct asked *asked, size_t number)
{
    const struct statement *statement = asked->statement;
    if (statement == NULL) {
        expect(connection, NULL, number);
        return PQsendQueryParams(connection->conn, asked->word, 0, NULL, NULL, NULL, NULL, 1) == 1;
    }
    if (!connection_prepare(connection, statement))
        return false;
    static const int binary[BOUND_STATEMENT_TAKES] = { [0 ... BOUND_STATEMENT_TAKES - 1] = 1 };
    assert(statement->takes_count <= COUNT(binary));
    expect(connection, NULL, number);
    return PQsendQueryPrepared(connection->conn, statement->name, (int)statement->takes_count, asked->values,
                               asked->lengths, binary, 1) == 1;
}

void pg_connection_send(struct pg_connection *connection)
{
    struct transaction *transaction = connection->transaction;
    assert(connection->ready && !connection->asking);
    connection->expected_count = connection->answered = 0;
    bool sent = true;
    while (sent && transaction->sent < transaction->count) {
        sent = connection_send_one(connection, &transaction->asked[transaction->sent], transaction->sent);
        transaction->sent++;
    }
    connection->asking = true;
    timer_start(&connection->late, connection->pool->answer_us);
    if (!sent || PQpipelineSync(connection->conn) != 1 || !connection_flush(connection))
        connection_lose(connection, PQerrorMessage(connection->conn));
}

/* false: that was no answer of the server, but libpq's word that the connection is lost. */
static bool connection_keep(struct pg_connection *connection, PGresult *result)
{
    if (connection->answered == connection->expected_count) { /* a farewell beyond what was asked */
        PQclear(result);
        return false;
    }
    struct expected expected = connection->expected[connection->answered];
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (good && expected.prepare == NULL) {
        transaction_answered(connection->transaction, expected.asked, result);
        return true;
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool lost = !good && status != PGRES_PIPELINE_ABORTED && sqlstate == NULL;
    if (!good && expected.prepare != NULL)
        (void)map_remove(connection->prepared, text_of(expected.prepare->name));
    if (!good && !lost && status != PGRES_PIPELINE_ABORTED)
        transaction_refused(connection->transaction, expected.asked, result);
    PQclear(result);
    return !lost;
}

/* Results are there one by one, each followed by NULL; the sync ends the group. */
static bool connection_read(struct pg_connection *connection)
{
    while (connection->asking && !PQisBusy(connection->conn)) {
        PGresult *result = PQgetResult(connection->conn);
        if (result == NULL) {
            if (PQstatus(connection->conn) == CONNECTION_BAD)
                return false;
            connection->answered = MIN_OF(connection->answered + 1, connection->expected_count);
        } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            assert(connection->answered == connection->expected_count);
            timer_stop(&connection->late);
            connection->asking = false;
            transaction_synced(connection->transaction);
        } else if (!connection_keep(connection, result)) {
            return false;
        }
    }
    return true;
}

static void connection_turn(struct pg_connection *connection, int events)
{
    if (connection->connecting) {
        connection_step(connection);
        return;
    }
    bool alive = (events & UV_READABLE) == 0 || PQconsumeInput(connection->conn) == 1;
    connection->worn = connection->worn || !alive; /* what it still said counts, but nobody gets it any more */
    bool read = connection_read(connection);
    if (connection->conn == NULL)
        return;
    if (!alive || !read || PQstatus(connection->conn) == CONNECTION_BAD || !connection_flush(connection))
        connection_lose(connection, PQerrorMessage(connection->conn));
}
