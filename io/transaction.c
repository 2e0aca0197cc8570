#include "io/pg_inside.h"

#include "io/log.h"

#include <string.h>

static void transaction_waited(struct timer *timer);

static struct asked *transaction_add(struct transaction *transaction)
{
    assert(transaction->count - transaction->sent < BOUND_STATEMENTS_PER_ROUND);
    if (transaction->count == transaction->capacity) {
        transaction->capacity = MAX_OF((size_t)8, size_mul(transaction->capacity, 2));
        transaction->asked = memory_resize(transaction->asked, transaction->capacity, sizeof(struct asked));
    }
    struct asked *asked = &transaction->asked[transaction->count++];
    memset(asked, 0, sizeof(*asked));
    return asked;
}

static void transaction_word(struct transaction *transaction, const char *word)
{
    transaction_add(transaction)->word = word;
}

static struct transaction *transaction_make(struct pg *pool, struct uuid customer, struct transaction_wait *wait,
                                            bool reading)
{
    assert(wait->ended != NULL);
    struct transaction *transaction = memory_make(struct transaction);
    transaction->pool = pool;
    transaction->wait = wait;
    transaction->reading = reading;
    transaction->arena = arena_new();
    transaction->wait_us = pool->wait_us;
    link_init(&transaction->link);
    timer_init(&transaction->waiting, pool->loop, transaction_waited);
    pool->transactions++;
    transaction_word(transaction, reading ? "begin read only" : "begin");
    transaction_customer(transaction, customer);
    return transaction;
}

struct transaction *transaction_new(struct pg *pool, struct uuid customer, struct transaction_wait *wait)
{
    return transaction_make(pool, customer, wait, false);
}

struct transaction *transaction_new_reading(struct pg *pool, struct uuid customer, struct transaction_wait *wait)
{
    return transaction_make(pool, customer, wait, true);
}

void transaction_customer(struct transaction *transaction, struct uuid customer)
{
    if (uuid_is_nil(customer))
        return;
    struct text text = uuid_text(transaction->arena, customer);
    transaction_word(
        transaction,
        text_format(transaction->arena, "set local app.customer_id = '%.*s'%c", TEXT_ARG(text), '\0').bytes);
}

void transaction_limit(struct transaction *transaction, int64_t statement_us)
{
    assert(statement_us >= US_PER_MS);
    transaction_word(transaction, text_format(transaction->arena, "set local statement_timeout = %lld%c",
                                              (long long)(statement_us / US_PER_MS), '\0')
                                      .bytes);
}

void transaction_hurry(struct transaction *transaction, int64_t wait_us)
{
    transaction->wait_us = wait_us;
}

struct asked *transaction_ask(struct transaction *transaction)
{
    assert(transaction->state == TRANSACTION_OPEN || transaction->state == TRANSACTION_OVER);
    return transaction_add(transaction);
}

/* ---- on its way ---- */

static void transaction_go(struct transaction *transaction)
{
    if (transaction->connection == NULL) {
        pool_place(transaction->pool, transaction);
        return;
    }
    transaction->state = TRANSACTION_SENT;
    pg_connection_send(transaction->connection);
}

/* Its connection was lost, and the owner has not heard of it yet: `ended` is on its way. */
static bool transaction_is_over(const struct transaction *transaction)
{
    assert(transaction->state == TRANSACTION_OPEN || transaction->state == TRANSACTION_OVER);
    return transaction->state == TRANSACTION_OVER;
}

void transaction_read(struct transaction *transaction, transaction_heard *heard)
{
    if (transaction_is_over(transaction))
        return;
    transaction->heard = heard;
    transaction_go(transaction);
}

void transaction_commit(struct transaction *transaction)
{
    if (transaction_is_over(transaction))
        return;
    transaction_word(transaction, "commit");
    transaction->commit = transaction->count - 1;
    transaction_go(transaction);
}

/* The connection goes back with nothing open in it; what the transaction's word is, is settled before. */
static void transaction_undo(struct transaction *transaction)
{
    transaction->sent = transaction->count;
    transaction_word(transaction, "rollback");
    transaction->state = TRANSACTION_UNDOING;
    pg_connection_send(transaction->connection);
}

void transaction_rollback(struct transaction *transaction)
{
    if (transaction_is_over(transaction))
        return;
    transaction->end.word = PG_ROLLED_BACK;
    if (transaction->connection == NULL)
        transaction_over(transaction, PG_ROLLED_BACK, "");
    else
        transaction_undo(transaction);
}

static void transaction_waited(struct timer *timer)
{
    struct transaction *transaction = container_of(timer, struct transaction, waiting);
    assert(transaction->state == TRANSACTION_WAITING);
    list_remove(&transaction->link);
    struct pg *pool = transaction->pool;
    pool->waiting_count--;
    const char *trouble = pool->trouble[0] == '\0' ? "all are busy" : pool->trouble;
    char words[sizeof(pool->trouble) + 64];
    snprintf(words, sizeof(words), "no connection was free in time: %s", trouble);
    transaction_over(transaction, PG_UNAVAILABLE, words);
}

void transaction_took(struct transaction *transaction, struct pg_connection *connection)
{
    timer_stop(&transaction->waiting);
    transaction->connection = connection;
    connection->transaction = transaction;
    transaction->pool->running++;
    transaction->state = TRANSACTION_SENT;
    pg_connection_send(connection);
}

void transaction_commit_on(struct transaction *transaction, struct pg_connection *connection)
{
    transaction_word(transaction, "commit");
    transaction->commit = transaction->count - 1;
    transaction_took(transaction, connection);
}

/* ---- what the server says ---- */

void transaction_answered(struct transaction *transaction, size_t number, PGresult *result)
{
    struct asked *asked = &transaction->asked[number];
    assert(asked->result == NULL);
    asked->result = result;
    if (asked->statement != NULL)
        statement_check(asked->statement, result);
    if (transaction->commit != 0 && number == transaction->commit)
        transaction->commit_spoke = true;
}

/* A constraint of a distributed table is named with its shard: slots_pkey_102046 (reference: rule 3). */
static struct text without_shard(struct text name)
{
    size_t end = name.length;
    while (end > 0 && name.bytes[end - 1] >= '0' && name.bytes[end - 1] <= '9')
        end--;
    bool suffixed = end < name.length && end > 1 && name.bytes[end - 1] == '_';
    return suffixed ? text_slice(name, 0, end - 1) : name;
}

static struct text field_of(struct transaction *transaction, const PGresult *error, int field)
{
    return text_copy(transaction->arena, text_of(PQresultErrorField(error, field)));
}

void transaction_refused(struct transaction *transaction, size_t number, const PGresult *error)
{
    if (transaction->failed || transaction->state == TRANSACTION_UNDOING)
        return;
    transaction->failed = true;
    transaction->commit_spoke = transaction->commit != 0 && number == transaction->commit;
    struct pg_end *end = &transaction->end;
    snprintf(end->sqlstate, sizeof(end->sqlstate), "%s", PQresultErrorField(error, PG_DIAG_SQLSTATE));
    end->constraint = without_shard(field_of(transaction, error, PG_DIAG_CONSTRAINT_NAME));
    end->words = field_of(transaction, error, PG_DIAG_MESSAGE_PRIMARY);
}

void transaction_warned(struct transaction *transaction, const PGresult *notice)
{
    if (transaction->state != TRANSACTION_SENT || transaction->commit == 0 || transaction->failed)
        return;
    transaction->warned = true;
    transaction->end.words = field_of(transaction, notice, PG_DIAG_MESSAGE_PRIMARY);
}

static bool sqlstate_is(const struct transaction *transaction, const char *head)
{
    return strncmp(transaction->end.sqlstate, head, strlen(head)) == 0;
}

/*
 * An error to commit leaves it open what became of it; so do 08006 and XX000 anywhere in a group with a commit (reference:
 * rule 15). 57P0x: the server process ended; it answers in order, so commit was not reached.
 */
static enum pg_word word_of_failure(const struct transaction *transaction)
{
    bool doubtful =
        transaction->commit_spoke ||
        (transaction->commit != 0 && (sqlstate_is(transaction, "08006") || sqlstate_is(transaction, "XX000")));
    if (doubtful && !transaction->reading)
        return PG_UNKNOWN;
    if (sqlstate_is(transaction, "08") || sqlstate_is(transaction, "57P"))
        return PG_UNAVAILABLE;
    return PG_REFUSED;
}

/* `commit` of a transaction that had failed answers ROLLBACK, and no error. A COMMIT behind a warning is not the whole
 * commit: the wait for the standby was cancelled, and a failover would undo it. */
static enum pg_word word_of_commit(const struct transaction *transaction)
{
    PGresult *result = transaction->asked[transaction->commit].result;
    if (result == NULL || strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return PG_REFUSED;
    return transaction->warned && !transaction->reading ? PG_UNKNOWN : PG_COMMITTED;
}

static void transaction_leave(struct transaction *transaction)
{
    struct pg_connection *connection = transaction->connection;
    transaction->connection = NULL;
    transaction->pool->running--;
    pg_connection_release(connection);
}

static void transaction_settle(struct transaction *transaction, enum pg_word word)
{
    transaction->end.word = word;
    transaction->state = TRANSACTION_OVER;
    trace(TRACE_PG, transaction->pool->user, "%zu statements: %s %s %.*s", transaction->count, pg_word_name(word),
          transaction->end.sqlstate, TEXT_ARG(transaction->end.words));
    pool_note(transaction->pool, transaction);
}

void transaction_synced(struct transaction *transaction)
{
    bool undone = transaction->state == TRANSACTION_UNDOING;
    assert(undone || transaction->state == TRANSACTION_SENT);
    if (!undone && transaction->failed && !transaction->commit_spoke) {
        transaction->end.word = word_of_failure(transaction);
        transaction_undo(transaction);
        return;
    }
    if (!undone && transaction->commit == 0) {
        transaction->state = TRANSACTION_HEARING;
        pool_note(transaction->pool, transaction);
        return;
    }
    enum pg_word word = undone                ? transaction->end.word
                        : transaction->failed ? word_of_failure(transaction)
                                              : word_of_commit(transaction);
    transaction_settle(transaction, word);
    transaction_leave(transaction);
}

static enum pg_word word_of_loss(const struct transaction *transaction)
{
    if (transaction->state == TRANSACTION_UNDOING)
        return transaction->end.word;
    if (transaction->failed)
        return word_of_failure(transaction);
    if (transaction->commit == 0 || transaction->reading)
        return PG_UNAVAILABLE;
    return transaction->commit_spoke ? word_of_commit(transaction) : PG_UNKNOWN;
}

void transaction_lost(struct transaction *transaction, const char *words)
{
    assert(transaction->state != TRANSACTION_WAITING && transaction->state != TRANSACTION_OVER);
    transaction->connection = NULL;
    transaction->pool->running--;
    if (transaction->end.words.length == 0)
        transaction->end.words = text_copy(transaction->arena, text_trim(text_of(words)));
    transaction_settle(transaction, word_of_loss(transaction));
}

void transaction_over(struct transaction *transaction, enum pg_word word, const char *words)
{
    assert(transaction->connection == NULL);
    timer_stop(&transaction->waiting);
    transaction->end.words = text_copy(transaction->arena, text_of(words));
    transaction_settle(transaction, word);
}

/* ---- telling ---- */

static void transaction_free(struct transaction *transaction)
{
    struct pg *pool = transaction->pool;
    for (size_t i = 0; i < transaction->count; i++)
        PQclear(transaction->asked[i].result);
    memory_free(&transaction->asked);
    arena_free(&transaction->arena);
    free(transaction);
    pool->transactions--;
    pool_left(pool);
}

/* The statement asked last, for whom its answer keeps at work. */
static const char *transaction_name(const struct transaction *transaction)
{
    for (size_t i = transaction->count; i > 0; i--)
        if (transaction->asked[i - 1].statement != NULL)
            return transaction->asked[i - 1].statement->name;
    return "a transaction";
}

void transaction_tell(struct transaction *transaction)
{
    const char *name = transaction_name(transaction);
    if (transaction->state == TRANSACTION_HEARING) {
        transaction->state = TRANSACTION_OPEN;
        transaction->heard(transaction->wait, transaction);
        loop_ran(name);
        return;
    }
    assert(transaction->state == TRANSACTION_OVER);
    transaction->wait->ended(transaction->wait, transaction, &transaction->end);
    transaction_free(transaction);
    loop_ran(name);
}

bool pg_may_try_again(const struct pg_end *end)
{
    bool moved = strcmp(end->sqlstate, "23514") == 0 && text_is_empty(end->constraint);
    return end->word == PG_REFUSED &&
           (moved || strcmp(end->sqlstate, "40001") == 0 || strcmp(end->sqlstate, "40P01") == 0);
}

bool pg_refused_by(const struct pg_end *end, const char *constraint)
{
    return end->word == PG_REFUSED && text_equal(end->constraint, text_of(constraint));
}

const char *pg_word_name(enum pg_word word)
{
    static const char *const names[] = {
        [PG_COMMITTED] = "committed", [PG_ROLLED_BACK] = "rolled back", [PG_REFUSED] = "refused",
        [PG_UNKNOWN] = "unknown",     [PG_UNAVAILABLE] = "unavailable",
    };
    return names[word];
}
