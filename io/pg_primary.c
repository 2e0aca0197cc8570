/*
 * Which primary is this? A new connection is asked before anybody gets it: after a failover the old primary may come back,
 * and libpq, which takes the first host that can be written to, would go to it. A timeline that was left is refused, and
 * the next host of the URL is tried first; connections to a timeline that is left are made anew. A pool that has no
 * connection may have missed a failover: it takes none before it has begun with each host of the URL once.
 */
#include <string.h>

#include "io/log.h"
#include "io/pg_inside.h"

#include "io_statements.h"

static void pool_leave_timeline(struct pg *pool, int32_t timeline)
{
    pool->timeline = timeline;
    for (int i = 0; i < pool->count; i++) {
        struct pg_connection *connection = &pool->connections[i];
        if (connection->known && connection->timeline < timeline)
            pg_connection_renew(connection);
    }
}

/* NULL: it is the primary that we know, or its successor. */
static const char *why_not(struct pg *pool, const struct server_timeline_row *row)
{
    if (pool->identifier[0] == '\0')
        snprintf(pool->identifier, sizeof(pool->identifier), "%.*s", TEXT_ARG(row->system_identifier));
    if (!text_equal(row->system_identifier, text_of(pool->identifier)))
        return "it is another cluster than before; start this program anew if that is meant";
    return row->timeline < pool->timeline ? "it is an old primary: another one took its place. Stop it" : NULL;
}

static void connection_looked(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct pg_connection *connection = container_of(wait, struct pg_connection, looking);
    struct pg *pool = connection->pool;
    if (connection->look != transaction) /* lost meanwhile */
        return;
    connection->look = NULL;
    if (pool->closing != NULL) {
        pg_connection_close(connection);
        return;
    }
    if (end->word != PG_COMMITTED) {
        char words[sizeof(pool->trouble)];
        snprintf(words, sizeof(words), "%.*s", TEXT_ARG(end->words));
        pg_connection_refuse(connection, words);
        return;
    }
    struct server_timeline_row row = server_timeline_get(transaction, connection->looked, 0);
    const char *why = why_not(pool, &row);
    if (why != NULL) {
        connection->first_host++;
        pg_connection_refuse(connection, why);
        return;
    }
    connection->timeline = row.timeline;
    if (row.timeline > pool->timeline)
        pool_leave_timeline(pool, row.timeline);
    if (pool->ready == 0 && ++connection->looks < pg_hosts_count(&pool->hosts)) {
        connection->first_host++;
        pg_connection_renew(connection);
        return;
    }
    connection->looks = 0;
    pg_connection_known(connection);
}

void pg_connection_look(struct pg_connection *connection)
{
    connection->looking.ended = connection_looked;
    connection->look = transaction_new_reading(connection->pool, UUID_NIL, &connection->looking);
    connection->looked = server_timeline_ask(connection->look);
    transaction_commit_on(connection->look, connection);
}

static unsigned entries(const char *list)
{
    unsigned count = 1;
    for (const char *byte = list; byte != NULL && *byte != '\0'; byte++)
        count += *byte == ',';
    return count;
}

unsigned pg_hosts_count(const struct pg_hosts *hosts)
{
    return MAX_OF(entries(hosts->names), entries(hosts->addresses));
}

/* A comma-separated list, from that entry on and round; a list of one serves all hosts, and stays. */
const char *pg_hosts_from(struct arena *arena, const char *list, unsigned first)
{
    unsigned count = entries(list);
    if (list == NULL || count == 1 || first % count == 0)
        return list;
    const char *from = list;
    for (unsigned i = 0; i < first % count; i++)
        from = strchr(from, ',') + 1;
    struct text before = text_from(list, (size_t)(from - list) - 1);
    return text_format(arena, "%s,%.*s%c", from, TEXT_ARG(before), '\0').bytes;
}
