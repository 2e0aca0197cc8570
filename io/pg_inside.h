/*
 * pg_inside — what pg.c (the pool), pg_connection.c, pg_primary.c, transaction.c and statement.c share. For these only.
 *
 * Where a transaction is: the owner has it (OPEN), it waits for a connection (in pool->waiting), the server has it
 * (SENT, UNDOING), or it has news for its owner (in pool->news). transaction_* functions of this header move it.
 * Callbacks are called from pool_tell() alone, which the loop calls.
 */
#pragma once

#include "base/map.h"

#include "io/loop.h"
#include "io/pg.h"
#include "io/statement.h"

#include <libpq-fe.h>
#include <uv.h>

enum transaction_state {
    TRANSACTION_OPEN,    /* its owner's turn; with a connection after the first read */
    TRANSACTION_WAITING, /* in pool->waiting */
    TRANSACTION_SENT,    /* all that was asked is with the server */
    TRANSACTION_UNDOING, /* rollback is with the server; `end` is settled */
    TRANSACTION_HEARING, /* in pool->news: what was read is there */
    TRANSACTION_OVER,    /* in pool->news: `end` is settled */
};

/* A statement in the pipeline, or one of the words around them ("begin"). Memory: the transaction's arena. */
struct asked {
    const struct statement *statement; /* NULL: a word */
    const char *word;
    const char **values;
    int *lengths;
    PGresult *result; /* NULL until it succeeded */
};

struct transaction {
    struct link link;
    struct pg *pool;
    struct pg_connection *connection; /* NULL: none yet, or not any more */
    struct transaction_wait *wait;
    transaction_heard *heard;
    struct arena *arena;
    struct asked *asked;
    size_t count, capacity, sent;
    size_t commit; /* its place in asked; 0: not asked yet */
    enum transaction_state state;
    bool reading;
    bool failed;       /* a statement, or commit, was answered by an error, now in `end` */
    bool commit_spoke; /* and it was commit itself, or commit was answered */
    bool warned;       /* the server warned while commit was with it, now in `end` */
    int64_t wait_us;
    struct timer waiting;
    struct pg_end end;
};

struct expected {
    const struct statement *prepare; /* NULL: the answer to asked */
    size_t asked;
};

struct watch;

struct pg_connection {
    struct link link; /* in pool->free when it is ready and nobody's */
    struct pg *pool;
    char name[32]; /* for logs */
    PGconn *conn;  /* NULL: down */
    struct watch *watch;
    struct transaction *transaction;
    struct map *prepared; /* statement name to statement */
    struct expected *expected;
    size_t expected_count, expected_capacity, answered;
    bool ready, connecting;   /* ready: it takes statements */
    bool known;               /* and it leads to the primary: it may be anybody's */
    struct transaction *look; /* that asks which primary it is; NULL: none under way */
    struct transaction_wait looking;
    size_t looked;
    int32_t timeline;
    unsigned first_host;      /* of the URL's list: where connecting begins */
    unsigned looks;           /* primaries looked at, each from another first host, before this one is known */
    bool asking;              /* a group is with the server, its sync not heard */
    bool worn;                /* to be replaced when its transaction is over */
    struct timer again, late; /* connect again; answer (or connection) too late */
    int64_t pause_us;
    uv_getaddrinfo_t *resolving;
};

/* As libpq takes them: lists, separated by commas. NULL: not said. */
struct pg_hosts {
    const char *names, *addresses, *ports;
};

struct pg {
    struct loop *loop;
    struct arena *arena; /* of its settings */
    const char *url, *user, *program, *options;
    struct pg_hosts hosts;
    const char *host;    /* a name that must be looked up first; NULL: none */
    char trouble[256];   /* why there is no connection; "": there is one, or none was tried */
    char identifier[24]; /* of the cluster that was seen; "": none yet */
    int32_t timeline;    /* the latest that was seen */
    int64_t wait_us, answer_us;
    size_t waiting_max, waiting_count, transactions, running, ready;
    struct list waiting, news, free;
    struct task tell;
    struct pg_connection *connections;
    int count;
    size_t handles; /* of libuv, still open */
    struct pg_closing *closing;
};

/* ---- the pool (pg.c) ---- */

void pool_place(struct pg *pool, struct transaction *transaction); /* a connection now, later, or never */
void pool_serve(struct pg *pool);                                  /* after a connection became free */
void pool_note(struct pg *pool, struct transaction *transaction);  /* it has news */
void pool_left(struct pg *pool);                                   /* one transaction, or handle, is gone */

/* ---- a connection (pg_connection.c) ---- */

void pg_connection_init(struct pg_connection *connection, struct pg *pool, int number);
void pg_connection_free(struct pg_connection *connection);
void pg_connection_open(struct pg_connection *connection);
void pg_connection_close(struct pg_connection *connection);
void pg_connection_send(struct pg_connection *connection); /* what its transaction asked and did not send */
void pg_connection_release(struct pg_connection *connection);
void pg_connection_known(struct pg_connection *connection);                     /* from now on it may be anybody's */
void pg_connection_refuse(struct pg_connection *connection, const char *words); /* lost before it was anybody's */
void pg_connection_renew(struct pg_connection *connection);                     /* now, or after its transaction */

/* ---- which primary (pg_primary.c) ---- */

void pg_connection_look(struct pg_connection *connection); /* then it is known, or lost */
MUST_USE const char *pg_hosts_from(struct arena *arena, const char *list, unsigned first);
unsigned pg_hosts_count(const struct pg_hosts *hosts);

/* ---- a transaction (transaction.c) ---- */

struct asked *transaction_ask(struct transaction *transaction);                                /* a new, empty one */
void transaction_commit_on(struct transaction *transaction, struct pg_connection *connection); /* and on no other */
void transaction_took(struct transaction *transaction, struct pg_connection *connection);
void transaction_answered(struct transaction *transaction, size_t asked, PGresult *result); /* takes the result */
void transaction_refused(struct transaction *transaction, size_t asked, const PGresult *error);
void transaction_warned(struct transaction *transaction, const PGresult *notice);
void transaction_synced(struct transaction *transaction);
void transaction_lost(struct transaction *transaction, const char *words);
void transaction_over(struct transaction *transaction, enum pg_word word, const char *words);
void transaction_tell(struct transaction *transaction);

/* ---- statements (statement.c) ---- */

MUST_USE int statement_send_prepare(PGconn *conn, const struct statement *statement);
/* What the server gave is what the head says; if not, the program and the schema are of different days: ends the process. */
void statement_check(const struct statement *statement, const PGresult *result);
