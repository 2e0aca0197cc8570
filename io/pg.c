#include "base/ip.h"

#include "io/log.h"
#include "io/pg_inside.h"

#include <string.h>

static void pool_tell(struct task *task);

/* Kept on the server's side too, so that a stopped process holds nobody up for long. */
static const char *pool_options(struct pg *pool, const char *of_url)
{
    return text_format(pool->arena,
                       "%s%s-c timezone=UTC -c citus.propagate_set_commands=local"
                       " -c idle_in_transaction_session_timeout=%lld -c statement_timeout=%lld%c",
                       of_url == NULL ? "" : of_url, of_url == NULL ? "" : " ", BOUND_PG_IDLE_US / US_PER_MS,
                       (long long)(pool->answer_us / US_PER_MS), '\0')
        .bytes;
}

/* libpq would look a name up itself, and the loop would wait (reference: libpq in the loop). Lists are left to it. */
static bool host_is_a_name(const char *host)
{
    struct ip ip;
    return host != NULL && host[0] != '\0' && host[0] != '/' && host[0] != '@' && strchr(host, ',') == NULL &&
           !ip_parse(text_of(host), &ip);
}

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    }
    return NULL;
}

static const char *kept(struct pg *pool, const char *option)
{
    return option == NULL ? NULL : text_terminated(pool->arena, text_of(option));
}

static bool pool_read_url(struct pg *pool, const struct pg_settings *settings)
{
    char *fault = NULL;
    PQconninfoOption *options = PQconninfoParse(settings->url, &fault);
    if (options == NULL) {
        log_error("pg", "the database's URL cannot be read: %s", fault == NULL ? "no memory" : fault);
        PQfreemem(fault);
        return false;
    }
    const char *host = option_of(options, "host");
    if (option_of(options, "hostaddr") == NULL && host_is_a_name(host))
        pool->host = text_terminated(pool->arena, text_of(host));
    pool->hosts = (struct pg_hosts){ kept(pool, host), kept(pool, option_of(options, "hostaddr")),
                                     kept(pool, option_of(options, "port")) };
    pool->options = pool_options(pool, option_of(options, "options"));
    PQconninfoFree(options);
    pool->url = text_terminated(pool->arena, text_of(settings->url));
    pool->user = kept(pool, settings->user);
    pool->program = text_terminated(pool->arena, text_of(settings->program));
    return true;
}

static void pool_free(struct pg *pool)
{
    assert(list_is_empty(&pool->waiting) && list_is_empty(&pool->news));
    task_cancel(&pool->tell);
    for (int i = 0; i < pool->count; i++)
        pg_connection_free(&pool->connections[i]);
    free(pool->connections);
    arena_free(&pool->arena);
    free(pool);
}

struct pg *pg_new(struct loop *loop, const struct pg_settings *settings)
{
    assert(settings->connections >= 1 && settings->connections <= BOUND_PG_CONNECTIONS);
    struct pg *pool = memory_make(struct pg);
    pool->loop = loop;
    pool->arena = arena_new();
    pool->wait_us = settings->wait_us == 0 ? BOUND_PG_WAIT_US : settings->wait_us;
    pool->answer_us = settings->answer_us == 0 ? BOUND_PG_ANSWER_US : settings->answer_us;
    pool->waiting_max = settings->waiting_max == 0 ? BOUND_PG_QUEUE : settings->waiting_max;
    list_init(&pool->waiting);
    list_init(&pool->news);
    list_init(&pool->free);
    task_init(&pool->tell, pool_tell);
    if (!pool_read_url(pool, settings)) {
        pool_free(pool);
        return NULL;
    }
    pool->count = settings->connections;
    pool->connections = memory_make_array(struct pg_connection, (size_t)pool->count);
    for (int i = 0; i < pool->count; i++)
        pg_connection_init(&pool->connections[i], pool, i);
    return pool;
}

bool pg_is_ready(const struct pg *pool)
{
    return pool->ready > 0;
}

struct pg_counts pg_count(const struct pg *pool)
{
    return (struct pg_counts){ .connections = pool->ready, .running = pool->running, .waiting = pool->waiting_count };
}

void pool_place(struct pg *pool, struct transaction *transaction)
{
    if (pool->closing != NULL) {
        transaction_over(transaction, PG_UNAVAILABLE, "the pool is closing");
        return;
    }
    if (list_is_empty(&pool->free) && pool->waiting_count >= pool->waiting_max) {
        transaction_over(transaction, PG_UNAVAILABLE, "too many transactions wait for a connection");
        return;
    }
    transaction->state = TRANSACTION_WAITING;
    list_append(&pool->waiting, &transaction->link);
    pool->waiting_count++;
    timer_start(&transaction->waiting, transaction->wait_us);
    pool_serve(pool);
}

void pool_serve(struct pg *pool)
{
    while (!list_is_empty(&pool->free) && !list_is_empty(&pool->waiting)) {
        struct pg_connection *connection = container_of(list_take_first(&pool->free), struct pg_connection, link);
        struct transaction *transaction = container_of(list_take_first(&pool->waiting), struct transaction, link);
        pool->waiting_count--;
        transaction_took(transaction, connection);
    }
    if (pool->closing != NULL) {
        for (struct link *link = list_take_first(&pool->free); link != NULL; link = list_take_first(&pool->free))
            pg_connection_close(container_of(link, struct pg_connection, link));
        loop_defer(pool->loop, &pool->tell);
    }
}

void pool_note(struct pg *pool, struct transaction *transaction)
{
    if (link_is_free(&transaction->link))
        list_append(&pool->news, &transaction->link);
    loop_defer(pool->loop, &pool->tell);
}

void pool_left(struct pg *pool)
{
    if (pool->closing != NULL)
        loop_defer(pool->loop, &pool->tell);
}

static void pool_end_if_empty(struct pg *pool)
{
    if (pool->closing == NULL || pool->transactions > 0 || pool->handles > 0)
        return;
    struct pg_closing *closing = pool->closing;
    pool_free(pool);
    closing->closed(closing);
}

/* Tells what is there now; news that come meanwhile wait for the next turn, so that nobody can hold the loop. */
static void pool_tell(struct task *task)
{
    struct pg *pool = container_of(task, struct pg, tell);
    struct link last;
    link_init(&last);
    list_append(&pool->news, &last);
    for (struct link *link = list_take_first(&pool->news); link != &last; link = list_take_first(&pool->news))
        transaction_tell(container_of(link, struct transaction, link));
    pool_end_if_empty(pool);
}

void pg_end(struct pg *pool, struct pg_closing *closing)
{
    assert(pool->closing == NULL);
    pool->closing = closing;
    for (struct link *link = list_take_first(&pool->waiting); link != NULL; link = list_take_first(&pool->waiting)) {
        pool->waiting_count--;
        transaction_over(container_of(link, struct transaction, link), PG_UNAVAILABLE, "the pool is closing");
    }
    for (int i = 0; i < pool->count; i++) {
        if (pool->connections[i].transaction == NULL)
            pg_connection_close(&pool->connections[i]);
    }
    loop_defer(pool->loop, &pool->tell);
}
