/* io/pg: what a transaction says, what it keeps, and how many there may be. */
#include "pg_jobs.h"

#include "io/pg_check.h"

/* ---- commit, and what is no commit ---- */

static void look_at_inserts(struct job *job)
{
    job->count = note_insert_count(job->transaction, job->first) + note_insert_count(job->transaction, job->second);
}

static void what_is_committed_is_kept(void **state) /* catches: a word before the commit's own */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    job.look = look_at_inserts;
    job.first = ask_insert(&job, 1, "one");
    job.second = ask_insert(&job, 2, "two");
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(job.count, 2);
    assert_int_equal(asked_of_server("select count(*) from notes where note in (1, 2)"), 2);
}

static void a_customer_sees_its_own_rows_only(void **state) /* catches: a setting that outlives its transaction (P7) */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    job.first = ask_insert(&job, 10, "mine");
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_true(notes_seen_by(customer_of(1)) >= 1);
    assert_int_equal(notes_seen_by(customer_of(2)), 0);
    assert_int_equal(notes_seen_by(UUID_NIL), 0);
}

static void a_row_of_another_customer_is_refused(void **state)
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(2));
    ask_insert(&job, 11, "not mine");
    assert_int_equal(job_commit(&job), PG_REFUSED);
    assert_string_equal(job.end.sqlstate, "42501");
}

static void the_customer_may_change_inside(void **state) /* catches: the second one's rows seen as the first's */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(2));
    CALL(transaction_customer(job.transaction, customer_of(1)));
    ask_insert(&job, 12, "found on the way");
    assert_int_equal(job_commit(&job), PG_COMMITTED);
}

static void a_failed_statement_undoes_its_neighbours(void **state) /* catches: 25P02 on a connection that went back */
{
    (void)state;
    int64_t pid = pid_of_server_process(pool);
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 20, "first");
    ask_insert(&job, 20, "again");
    ask_insert(&job, 21, "after");
    assert_int_equal(job_commit(&job), PG_REFUSED);
    assert_string_equal(job.end.sqlstate, "23505");
    assert_string_equal(job.constraint, "notes_pkey"); /* the server said notes_pkey_102046 */
    assert_false(pg_may_try_again(&job.end));
    assert_int_equal(asked_of_server("select count(*) from notes where note in (20, 21)"), 0);
    assert_int_equal(pid_of_server_process(pool), pid);
}

static void a_constraint_that_fails_at_commit_is_unknown(void **state) /* catches: PG_COMMITTED from the row alone */
{
    (void)state;
    int64_t pid = pid_of_server_process(pool);
    struct job job;
    job_begin(&job, pool, customer_of(1));
    struct note_link link = { 1, 999999 };
    note_link_ask(job.transaction, &link);
    assert_int_equal(job_commit(&job), PG_UNKNOWN);
    assert_string_equal(job.end.sqlstate, "23503");
    assert_string_equal(job.constraint, "links_other_fkey");
    assert_int_equal(asked_of_server("select count(*) from links"), 0);
    assert_int_equal(pid_of_server_process(pool), pid);
}

static void what_is_read_decides_what_follows(void **state) /* catches: the second half on another connection */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 30, "before the read");
    job.first = note_list_ask(job.transaction);
    CALL(transaction_read(job.transaction, job_heard));
    run();
    assert_int_equal(job.heard, 1);
    size_t seen = note_list_count(job.transaction, job.first);
    struct note_list_row last = note_list_get(job.transaction, job.first, seen - 1);
    assert_int_equal(last.note, 30);
    assert_true(text_equal(last.words, TEXT("before the read")));
    ask_insert(&job, 31, "after the read");
    assert_int_equal(asked_of_server("select count(*) from notes where note = 30"), 0);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(asked_of_server("select count(*) from notes where note in (30, 31)"), 2);
}

static void a_read_that_fails_ends_the_transaction(void **state) /* catches: `heard` called for a failed group */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 32, "");
    CALL(transaction_read(job.transaction, job_heard));
    run();
    assert_int_equal(job.heard, 0);
    assert_int_equal(job.ended, 1);
    assert_int_equal(job.end.word, PG_REFUSED);
    assert_string_equal(job.constraint, "notes_words_check");
    assert_true(notes_seen_by(customer_of(1)) > 0);
}

static void rolled_back_is_gone(void **state)
{
    (void)state;
    struct job sent, unsent;
    job_begin(&unsent, pool, customer_of(1));
    ask_insert(&unsent, 40, "never sent");
    CALL(transaction_rollback(unsent.transaction));
    run();
    assert_int_equal(unsent.end.word, PG_ROLLED_BACK);
    job_begin(&sent, pool, customer_of(1));
    ask_insert(&sent, 41, "sent");
    CALL(transaction_read(sent.transaction, job_heard));
    run();
    CALL(transaction_rollback(sent.transaction));
    run();
    assert_int_equal(sent.end.word, PG_ROLLED_BACK);
    assert_int_equal(asked_of_server("select count(*) from notes where note in (40, 41)"), 0);
}

static void a_reading_transaction_does_not_write(void **state)
{
    (void)state;
    struct job job = { .wait.ended = job_ended };
    unfinished++;
    job.transaction = transaction_new_reading(pool, customer_of(1), &job.wait);
    ask_insert(&job, 50, "no");
    assert_int_equal(job_commit(&job), PG_REFUSED);
    assert_string_equal(job.end.sqlstate, "25006");
}

static void a_statement_has_a_bound(void **state)
{
    (void)state;
    struct job job;
    struct tick start = clock_tick();
    job_begin(&job, pool, UUID_NIL);
    transaction_limit(job.transaction, 100 * US_PER_MS);
    nap_ask(job.transaction, &(struct nap){ 20 });
    assert_int_equal(job_commit(&job), PG_REFUSED);
    assert_string_equal(job.end.sqlstate, "57014");
    assert_true(tick_since(clock_tick(), start) < 10 * US_PER_SECOND);
    job_begin(&job, pool, UUID_NIL); /* the bound was that transaction's alone */
    nap_ask(job.transaction, &(struct nap){ 0.2 });
    assert_int_equal(job_commit(&job), PG_COMMITTED);
}

/* ---- many ---- */

static void ten_thousand_go_through_four_connections(void **state) /* catches: a pipeline with both sides full (T150) */
{
    (void)state;
    enum { MANY = 10000 };
    struct pg *four = pool_of(url, 4);
    struct job *jobs = calloc(MANY, sizeof(*jobs));
    struct tick start = clock_tick();
    for (int i = 0; i < MANY; i++) {
        job_begin(&jobs[i], four, customer_of(1));
        CALL(transaction_hurry(jobs[i].transaction, 60 * US_PER_SECOND));
        ask_insert(&jobs[i], 100000 + i, i % 1000 == 999 ? "" : "one of many");
        CALL(transaction_commit(jobs[i].transaction));
    }
    run();
    int committed = 0, refused = 0;
    for (int i = 0; i < MANY; i++) {
        committed += jobs[i].ended == 1 && jobs[i].end.word == PG_COMMITTED;
        refused += jobs[i].ended == 1 && jobs[i].end.word == PG_REFUSED;
    }
    print_message("%d transactions over 4 connections in %lld ms\n", MANY,
                  (long long)tick_since(clock_tick(), start) / US_PER_MS);
    assert_int_equal(committed, MANY - MANY / 1000);
    assert_int_equal(refused, MANY / 1000);
    assert_int_equal(asked_of_server("select count(*) from notes where note >= 100000"), committed);
    assert_int_equal(pg_count(four).running + pg_count(four).waiting, 0);
    free(jobs);
    end_pool(four);
}

static void the_queue_has_an_end(void **state) /* catches: memory that grows while the database is away */
{
    (void)state;
    struct pg *narrow = pg_new(
        loop, &(struct pg_settings){
                  .url = url, .program = "narrow", .connections = 1, .waiting_max = 2, .wait_us = 100 * US_PER_MS });
    struct job jobs[4];
    (void)pid_of_server_process(narrow);
    for (size_t i = 0; i < COUNT(jobs); i++) {
        job_begin(&jobs[i], narrow, UUID_NIL);
        nap_ask(jobs[i].transaction, &(struct nap){ 0.5 });
        CALL(transaction_commit(jobs[i].transaction));
    }
    run();
    assert_int_equal(jobs[0].end.word, PG_COMMITTED);
    for (size_t i = 1; i < COUNT(jobs); i++)
        assert_int_equal(jobs[i].end.word, PG_UNAVAILABLE); /* 1 and 2 waited too long, 3 had no room */
    end_pool(narrow);
}

static void a_pool_ends_after_its_transactions(void **state) /* catches: an owner that never hears */
{
    (void)state;
    struct pg *ending = pool_of(url, 1);
    struct job running, waiting;
    (void)pid_of_server_process(ending);
    job_begin(&running, ending, customer_of(1));
    ask_insert(&running, 80, "in time");
    nap_ask(running.transaction, &(struct nap){ 0.2 });
    CALL(transaction_commit(running.transaction));
    job_begin(&waiting, ending, customer_of(1));
    ask_insert(&waiting, 81, "too late");
    CALL(transaction_commit(waiting.transaction));
    struct pg_closing closing = { pool_closed };
    CALL(pg_end(ending, &closing));
    run();
    run();
    assert_int_equal(running.end.word, PG_COMMITTED);
    assert_int_equal(waiting.end.word, PG_UNAVAILABLE);
}

static void a_pool_without_a_server_ends_too(void **state)
{
    (void)state;
    struct pg *nowhere = pool_of("host=/nowhere user=app", 3);
    struct job job;
    job_begin(&job, nowhere, UUID_NIL);
    CALL(transaction_hurry(job.transaction, 50 * US_PER_MS));
    assert_int_equal(job_commit(&job), PG_UNAVAILABLE);
    end_pool(nowhere);
    assert_null(
        pg_new(loop, &(struct pg_settings){ .url = "postgresql://[::1/broken", .program = "", .connections = 1 }));
}

/* ---- a database that a promise can be given on ---- */

struct examined {
    struct pg_check check;
    enum pg_check_word word;
    int64_t skew_us, flushed;
    char words[128];
};

static void examined(struct pg_check *check, enum pg_check_word word, const struct pg_facts *facts)
{
    struct examined *examined = container_of(check, struct examined, check);
    examined->word = word;
    examined->skew_us = facts->skew_us;
    examined->flushed = facts->flushed;
    snprintf(examined->words, sizeof(examined->words), "%.*s", TEXT_ARG(facts->words));
    loop_stop(loop);
}

static void a_database_that_forgets_is_refused(void **state) /* this test's own runs with fsync off */
{
    (void)state;
    struct examined examination = { .check.checked = examined };
    CALL(pg_check_start(&examination.check, pool, false));
    run();
    assert_int_equal(examination.word, PG_CHECK_UNSAFE);
    assert_true(text_starts(text_of(examination.words), TEXT("fsync is off")));
    CALL(pg_check_start(&examination.check, pool, true));
    run();
    assert_int_equal(examination.word, PG_CHECK_GOOD);
    assert_true(examination.flushed > 0);
    assert_true(llabs(examination.skew_us) < 5 * US_PER_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_committed_is_kept),
        TEST(a_customer_sees_its_own_rows_only),
        TEST(a_row_of_another_customer_is_refused),
        TEST(the_customer_may_change_inside),
        TEST(a_failed_statement_undoes_its_neighbours),
        TEST(a_constraint_that_fails_at_commit_is_unknown),
        TEST(what_is_read_decides_what_follows),
        TEST(a_read_that_fails_ends_the_transaction),
        TEST(rolled_back_is_gone),
        TEST(a_reading_transaction_does_not_write),
        TEST(a_statement_has_a_bound),
        TEST(ten_thousand_go_through_four_connections),
        TEST(the_queue_has_an_end),
        TEST(a_pool_ends_after_its_transactions),
        TEST(a_pool_without_a_server_ends_too),
        TEST(a_database_that_forgets_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, remove_server);
}
