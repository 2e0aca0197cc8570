/*
 * pg_jobs — transactions of tests, on a PostgreSQL of the test's own that it may stop and kill (scratch_postgres.sh).
 *
 * Each test has a loop and a pool of one connection; a job is a transaction that notes what it hears.
 */
#pragma once

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/instant.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/pg.h"

#include "unit_statements.h"

static struct loop *loop;
static struct pg *pool; /* of each test, one connection unless it says otherwise */
static char folder[64], url[160];
static bool inside; /* a function of pg.h: no callback may come now */

#define CALL(call)                                                                                                     \
    do {                                                                                                               \
        inside = true;                                                                                                 \
        call;                                                                                                          \
        inside = false;                                                                                                \
    } while (0)

/* ---- the server ---- */

/* Runs scratch_postgres.sh; what it prints goes to `answer`, where there is one. */
static inline void scratch(const char *command, const char *argument, char *answer, size_t size)
{
    char *arguments[] = { (char *)(uintptr_t)SCRATCH, (char *)(uintptr_t)command, folder, (char *)(uintptr_t)argument,
                          NULL };
    posix_spawn_file_actions_t actions;
    int out[2], status;
    pid_t process;
    assert_int_equal(pipe(out), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, answer == NULL ? 2 : out[1], 1);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    posix_spawn_file_actions_addclose(&actions, out[1]);
    assert_int_equal(posix_spawn(&process, SCRATCH, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    ssize_t length = answer == NULL ? 0 : read(out[0], answer, size - 1);
    if (answer != NULL)
        answer[length < 0 ? 0 : length] = '\0';
    close(out[0]);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0);
}

static inline long asked_of_server(const char *sql)
{
    char answer[64];
    scratch("sql", sql, answer, sizeof(answer));
    return strtol(answer, NULL, 10);
}

static inline int start_server(void **state)
{
    (void)state;
    log_open("unit_io_pg");
    snprintf(folder, sizeof(folder), "/tmp/unit_io_pg.%d", (int)getpid());
    snprintf(url, sizeof(url), "host=%s user=app dbname=postgres", folder);
    scratch("start", NULL, NULL, 0);
    scratch("sql",
            "create role app login;"
            " create table notes (note bigint constraint notes_pkey_102046 primary key, customer_id uuid not null,"
            "   words text not null, constraint notes_words_check check (words <> ''));"
            " alter table notes enable row level security;"
            " create policy tenant on notes"
            "   using (customer_id = nullif(current_setting('app.customer_id', true), '')::uuid);"
            " create table links (note bigint, other bigint,"
            "   constraint links_other_fkey foreign key (other) references notes deferrable initially deferred);"
            " grant all on notes, links to app",
            NULL, 0);
    return 0;
}

static inline int remove_server(void **state)
{
    (void)state;
    scratch("remove", NULL, NULL, 0);
    return 0;
}

/* ---- a pool and its loop, for each test ---- */

static inline struct pg *pool_of(const char *where, int connections)
{
    struct pg *made =
        pg_new(loop, &(struct pg_settings){ .url = where, .program = "unit", .connections = connections });
    assert_non_null(made);
    return made;
}

static inline int open_pool(void **state)
{
    (void)state;
    loop = loop_new();
    pool = pool_of(url, 1);
    return 0;
}

static inline void pool_closed(struct pg_closing *closing)
{
    (void)closing;
    assert_false(inside);
    loop_stop(loop);
}

static inline void end_pool(struct pg *ended)
{
    struct pg_closing closing = { pool_closed };
    CALL(pg_end(ended, &closing));
    loop_run(loop);
}

static inline int close_pool(void **state)
{
    (void)state;
    end_pool(pool);
    loop_free(&loop);
    return 0;
}

/* ---- a transaction that notes what it hears ---- */

struct job {
    struct transaction_wait wait;
    struct transaction *transaction;
    struct pg_end end;
    char constraint[64], words[128];
    size_t first, second; /* what was asked */
    size_t count;
    int64_t number;
    int heard, ended;
    void (*look)(struct job *job); /* at the rows, before they are gone */
};

static int unfinished;

static inline void job_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct job *job = container_of(wait, struct job, wait);
    assert_false(inside);
    assert_ptr_equal(job->transaction, transaction);
    job->end = *end;
    snprintf(job->constraint, sizeof(job->constraint), "%.*s", TEXT_ARG(end->constraint));
    snprintf(job->words, sizeof(job->words), "%.*s", TEXT_ARG(end->words));
    job->ended++;
    if (job->look != NULL && end->word == PG_COMMITTED)
        job->look(job);
    if (--unfinished == 0)
        loop_stop(loop);
}

static inline void job_heard(struct transaction_wait *wait, struct transaction *transaction)
{
    struct job *job = container_of(wait, struct job, wait);
    assert_false(inside);
    assert_ptr_equal(job->transaction, transaction);
    job->heard++;
    loop_stop(loop);
}

static inline struct uuid customer_of(uint8_t number)
{
    return (struct uuid){ { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, number } };
}

static inline void job_begin(struct job *job, struct pg *with, struct uuid customer)
{
    memset(job, 0, sizeof(*job));
    job->wait.ended = job_ended;
    unfinished++;
    CALL(job->transaction = transaction_new(with, customer, &job->wait));
}

static inline void late(struct timer *timer)
{
    (void)timer;
    fail_msg("the loop waited for more than 240 s");
}

static inline void run(void)
{
    struct timer guard;
    timer_init(&guard, loop, late);
    timer_start(&guard, 240 * US_PER_SECOND);
    loop_run(loop);
    timer_stop(&guard);
}

static inline enum pg_word job_commit(struct job *job)
{
    CALL(transaction_commit(job->transaction));
    run();
    assert_int_equal(job->ended, 1);
    return job->end.word;
}

static inline size_t ask_insert(struct job *job, int64_t note, const char *words)
{
    struct note_insert insert = { note, customer_of(1), text_of(words) };
    size_t asked = 0;
    CALL(asked = note_insert_ask(job->transaction, &insert));
    return asked;
}

static inline void look_at_pid(struct job *job)
{
    job->number = server_process_get(job->transaction, job->first, 0).pid;
}

static inline int64_t pid_of_server_process(struct pg *with)
{
    struct job job;
    job_begin(&job, with, UUID_NIL);
    job.look = look_at_pid;
    job.first = server_process_ask(job.transaction);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    return job.number;
}

static inline void look_at_list(struct job *job)
{
    job->count = note_list_count(job->transaction, job->first);
}

static inline size_t notes_seen_by(struct uuid customer)
{
    struct job job;
    job_begin(&job, pool, customer);
    job.look = look_at_list;
    job.first = note_list_ask(job.transaction);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    return job.count;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
