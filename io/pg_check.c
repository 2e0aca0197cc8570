#include "io/pg_check.h"

#include "io/clock.h"

#include "io_statements.h"

/* 0 when the server's time lies between our asking and our hearing; else the distance to the nearer of them. */
static int64_t skew_of(struct instant server, struct instant asked, struct instant heard)
{
    if (instant_before(server, asked))
        return instant_since(server, asked);
    return instant_before(heard, server) ? instant_since(server, heard) : 0;
}

#define SET(setting) "Set " setting " (for tests: EVENPOST_ALLOW_UNSAFE_DATABASE=1)"

static const char *unsafe_setting(const struct server_facts_row *row)
{
    if (!row->fsync)
        return "fsync is off: the database forgets what it committed when its machine fails. " SET("fsync = on");
    if (!row->full_page_writes)
        return "full_page_writes is off: the database may be torn when its machine fails. " SET(
            "full_page_writes = on");
    if (!row->synchronous_commit)
        return "synchronous_commit is off: a commit is answered before it is kept. " SET("synchronous_commit = on");
    if (!row->waits_for_standby)
        return "synchronous_commit is local: a failover forgets what was committed. " SET("synchronous_commit = on");
    return NULL;
}

static enum pg_check_word judge(const struct pg_check *check, const struct server_facts_row *row,
                                struct pg_facts *facts)
{
    const char *unsafe = unsafe_setting(row);
    if (unsafe != NULL && !check->unsafe_is_allowed) {
        facts->words = text_of(unsafe);
        return PG_CHECK_UNSAFE;
    }
    if (facts->skew_us > BOUND_CLOCK_SKEW_US || facts->skew_us < -BOUND_CLOCK_SKEW_US) {
        facts->words = TEXT("this host's clock and the database's are more than 30 s apart");
        return PG_CHECK_CLOCK;
    }
    return PG_CHECK_GOOD;
}

static void check_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct pg_check *check = container_of(wait, struct pg_check, wait);
    struct pg_facts facts = { .words = end->words };
    if (end->word != PG_COMMITTED || server_facts_count(transaction, check->asked) != 1) {
        check->checked(check, PG_CHECK_UNAVAILABLE, &facts);
        return;
    }
    struct server_facts_row row = server_facts_get(transaction, check->asked, 0);
    facts.system_identifier = row.system_identifier;
    facts.timeline = row.timeline;
    facts.flushed = row.flushed;
    facts.skew_us = skew_of(row.wall, check->asked_at, clock_wall());
    enum pg_check_word word = judge(check, &row, &facts);
    check->checked(check, word, &facts);
}

void pg_check_start(struct pg_check *check, struct pg *pool, bool unsafe_is_allowed)
{
    check->wait.ended = check_ended;
    check->unsafe_is_allowed = unsafe_is_allowed;
    check->asked_at = clock_wall();
    struct transaction *transaction = transaction_new_reading(pool, UUID_NIL, &check->wait);
    check->asked = server_facts_ask(transaction);
    transaction_commit(transaction);
}
