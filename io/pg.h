/*
 * pg — PostgreSQL on the loop: a pool of connections, and transactions that have one to themselves.
 *
 * One life of a transaction: transaction_new() makes it; statements are asked (the generated NAME_ask(), see
 * io/statement.h), nothing is sent yet; then either
 *   transaction_commit()    sends begin, all that was asked, and commit in one trip; `ended` hears the word; or
 *   transaction_read()      sends what was asked so far and keeps the transaction open; `heard` may look at the rows
 *                           (NAME_count(), NAME_get()), ask more on the same connection, and read, commit or roll back.
 * A statement that fails ends the transaction: it is rolled back, `heard` is not called, `ended` hears PG_REFUSED.
 * `ended` is called exactly once for each transaction, whatever happens; rows and texts live until it returns, then the
 * transaction is gone. Between `heard` and the next step nothing is sent, so an owner may take its time, but the
 * connection waits with it: bounded by BOUND_PG_IDLE_US, after which the server rolls it back.
 *
 * Only the commit's own word is an answer. A statement that succeeded can be undone by its neighbour, or by the commit:
 *
 *   static void sent(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
 *   {
 *       struct delivery *delivery = container_of(wait, struct delivery, wait);
 *       if (end->word == PG_COMMITTED && slot_authorize_count(transaction, delivery->asked) == 1)
 *           delivery_dot(delivery);
 *       ...
 *   }
 *   delivery->wait.ended = sent;
 *   struct transaction *transaction = transaction_new(pool, customer, &delivery->wait);
 *   delivery->asked = slot_authorize_ask(transaction, &(struct slot_authorize) { .customer = customer, ... });
 *   transaction_commit(transaction);
 *
 * No callback is called from inside a function of this header: always later, from the loop.
 * The connections are made by the pool, again and again with back-off, and prepare each statement when it is first used.
 * They lead to a server that can be written to, whatever the URL says; of several hosts it is the first such one. A new
 * connection is nobody's until it has said which primary it leads to: one that was replaced (an older timeline than the
 * pool has seen) and another cluster are refused, so that one that comes back after a failover is neither read nor written.
 * A pool without a connection begins with each host of the list once before it takes one: it may have missed the failover.
 */
#pragma once

#include "base/bounds.h"
#include "base/id.h"

struct loop;
struct pg;
struct transaction;

/* ---- the pool ---- */

struct pg_settings {
    const char *url;     /* a libpq URI, or its keyword = value form */
    const char *user;    /* instead of the url's user; NULL keeps that */
    const char *program; /* what pg_stat_activity shows */
    int connections;     /* 1 to BOUND_PG_CONNECTIONS */
    size_t waiting_max; /* transactions that may wait for a connection; one more is PG_UNAVAILABLE. 0: BOUND_PG_QUEUE */
    int64_t wait_us;    /* how long one may wait for a connection, real time; 0: BOUND_PG_WAIT_US */
    int64_t answer_us;  /* how long the server may take to answer what was sent; 0: BOUND_PG_ANSWER_US. Then the
                            connection is given up: nothing can be said of it any more */
};

/* Yours until pg_end(). Connects from the loop's next turn on. NULL: the url cannot be read (logged). */
MUST_USE struct pg *pg_new(struct loop *loop, const struct pg_settings *settings);

/* At least one connection is ready: for /readyz. */
MUST_USE bool pg_is_ready(const struct pg *pool);

/* Counts, for traces and /readyz. */
struct pg_counts {
    size_t connections; /* ready, or in use */
    size_t running;     /* transactions that have a connection */
    size_t waiting;     /* transactions that wait for one */
};
MUST_USE struct pg_counts pg_count(const struct pg *pool);

/*
 * Transactions that wait hear PG_UNAVAILABLE; those that run go on until they ended (an owner that has one open must
 * end it). Then the connections close, `closed` is called, and the pool is gone. No transaction_new() after this.
 */
struct pg_closing {
    void (*closed)(struct pg_closing *closing);
};
void pg_end(struct pg *pool, struct pg_closing *closing);

/* ---- how a transaction ends ---- */

enum pg_word {
    PG_COMMITTED,   /* commit itself answered COMMIT, and no warning beside it (a standby that was not waited for) */
    PG_ROLLED_BACK, /* as you wished: transaction_rollback() */
    PG_REFUSED,     /* a statement or a constraint said no; nothing of it was kept */
    PG_UNKNOWN,     /* the answer to commit was lost, or was an error or a warning: read again by id, never assume */
    PG_UNAVAILABLE, /* no connection, or lost before commit was sent: nothing of it was kept */
};

struct pg_end {
    enum pg_word word;
    char sqlstate[6];       /* of the first error; "" when there is none */
    struct text constraint; /* its name without the shard's suffix; empty when there is none */
    struct text words;      /* the server's or libpq's message: for the log, never for a customer */
};

/*
 * The same transaction may be tried anew, once: 40001 and 40P01 (serialization, deadlock), and a row that was on its way to a
 * default partition when its own one was attached (23514 without a constraint's name, T155).
 */
MUST_USE bool pg_may_try_again(const struct pg_end *end);

/* The refusal is that constraint's, for instance "mailboxes_address_key". */
MUST_USE bool pg_refused_by(const struct pg_end *end, const char *constraint);

/* "committed", "unknown", ... for logs. */
const char *pg_word_name(enum pg_word word);

/* ---- a transaction ---- */

/* Lives in the owner, from transaction_new() until ended; found back with container_of(). */
struct transaction_wait {
    void (*ended)(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end);
};

/* What was read is there: ask more, then read again, commit or roll back (now or later). */
typedef void transaction_heard(struct transaction_wait *wait, struct transaction *transaction);

/*
 * `customer` is the tenant that row-level security shows; UUID_NIL: none (platform tables only).
 * Until its first commit or read it costs nobody a connection.
 */
MUST_USE struct transaction *transaction_new(struct pg *pool, struct uuid customer, struct transaction_wait *wait);

/* The same, but read-only: a write is refused, and a lost connection is PG_UNAVAILABLE, never PG_UNKNOWN. */
MUST_USE struct transaction *transaction_new_reading(struct pg *pool, struct uuid customer,
                                                     struct transaction_wait *wait);

/* Before the first read or commit: a bound on each of its statements (57014), and on its wait for a connection. */
void transaction_limit(struct transaction *transaction, int64_t statement_us);
void transaction_hurry(struct transaction *transaction, int64_t wait_us);

/* What is asked after this is another customer's: for work that finds its customer on the way. */
void transaction_customer(struct transaction *transaction, struct uuid customer);

void transaction_read(struct transaction *transaction, transaction_heard *heard);
void transaction_commit(struct transaction *transaction);
void transaction_rollback(struct transaction *transaction); /* also when nothing was ever sent */
