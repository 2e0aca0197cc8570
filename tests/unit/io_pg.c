/* io/pg against a PostgreSQL of its own, which is stopped, killed and lied about. */
#include <pthread.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/instant.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/pg.h"
#include "io/pg_check.h"
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

PRINTF(1, 2) static void scratch(const char *format, ...)
{
    char words[1024], line[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    snprintf(line, sizeof(line), SCRATCH " %s", words);
    assert_int_equal(system(line), 0);
}

static long asked_of_server(const char *sql)
{
    char line[1024], answer[64] = "";
    snprintf(line, sizeof(line), SCRATCH " sql %s \"%s\"", folder, sql);
    FILE *out = popen(line, "r");
    assert_non_null(out);
    assert_non_null(fgets(answer, sizeof(answer), out));
    assert_int_equal(pclose(out), 0);
    return strtol(answer, NULL, 10);
}

static int start_server(void **state)
{
    (void)state;
    log_open("unit_io_pg");
    snprintf(folder, sizeof(folder), "/tmp/unit_io_pg.%d", (int)getpid());
    snprintf(url, sizeof(url), "host=%s user=app dbname=postgres", folder);
    scratch("start %s", folder);
    scratch("sql %s \"create role app login;"
            " create table notes (note bigint constraint notes_pkey_102046 primary key, customer_id uuid not null,"
            "   words text not null, constraint notes_words_check check (words <> ''));"
            " alter table notes enable row level security;"
            " create policy tenant on notes"
            "   using (customer_id = nullif(current_setting('app.customer_id', true), '')::uuid);"
            " create table links (note bigint, other bigint,"
            "   constraint links_other_fkey foreign key (other) references notes deferrable initially deferred);"
            " grant all on notes, links to app\"",
            folder);
    return 0;
}

static int remove_server(void **state)
{
    (void)state;
    scratch("remove %s", folder);
    return 0;
}

/* ---- a pool and its loop, for each test ---- */

static struct pg *pool_of(const char *where, int connections)
{
    struct pg *made =
        pg_new(loop, &(struct pg_settings){ .url = where, .program = "unit", .connections = connections });
    assert_non_null(made);
    return made;
}

static int open_pool(void **state)
{
    (void)state;
    loop = loop_new();
    pool = pool_of(url, 1);
    return 0;
}

static void pool_closed(struct pg_closing *closing)
{
    (void)closing;
    assert_false(inside);
    loop_stop(loop);
}

static void end_pool(struct pg *ended)
{
    struct pg_closing closing = { pool_closed };
    CALL(pg_end(ended, &closing));
    loop_run(loop);
}

static int close_pool(void **state)
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
    char constraint[64];
    size_t first, second; /* what was asked */
    size_t count;
    int64_t number;
    int heard, ended;
    void (*look)(struct job *job); /* at the rows, before they are gone */
};

static int unfinished;

static void job_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct job *job = container_of(wait, struct job, wait);
    assert_false(inside);
    assert_ptr_equal(job->transaction, transaction);
    job->end = *end;
    snprintf(job->constraint, sizeof(job->constraint), "%.*s", TEXT_ARG(end->constraint));
    job->ended++;
    if (job->look != NULL && end->word == PG_COMMITTED)
        job->look(job);
    if (--unfinished == 0)
        loop_stop(loop);
}

static void job_heard(struct transaction_wait *wait, struct transaction *transaction)
{
    struct job *job = container_of(wait, struct job, wait);
    assert_false(inside);
    assert_ptr_equal(job->transaction, transaction);
    job->heard++;
    loop_stop(loop);
}

static struct uuid customer_of(uint8_t number)
{
    return (struct uuid){ { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, number } };
}

static void job_begin(struct job *job, struct pg *with, struct uuid customer)
{
    memset(job, 0, sizeof(*job));
    job->wait.ended = job_ended;
    unfinished++;
    CALL(job->transaction = transaction_new(with, customer, &job->wait));
}

static void late(struct timer *timer)
{
    (void)timer;
    fail_msg("the loop waited for more than 30 s");
}

static void run(void)
{
    struct timer guard;
    timer_init(&guard, loop, late);
    timer_start(&guard, 30 * US_PER_SECOND);
    loop_run(loop);
    timer_stop(&guard);
}

static enum pg_word job_commit(struct job *job)
{
    CALL(transaction_commit(job->transaction));
    run();
    assert_int_equal(job->ended, 1);
    return job->end.word;
}

static size_t ask_insert(struct job *job, int64_t note, const char *words)
{
    struct note_insert insert = { note, customer_of(1), text_of(words) };
    size_t asked = 0;
    CALL(asked = note_insert_ask(job->transaction, &insert));
    return asked;
}

static void look_at_pid(struct job *job)
{
    job->number = server_process_get(job->transaction, job->first, 0).pid;
}

static int64_t pid_of_server_process(struct pg *with)
{
    struct job job;
    job_begin(&job, with, UUID_NIL);
    job.look = look_at_pid;
    job.first = server_process_ask(job.transaction);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    return job.number;
}

static void look_at_list(struct job *job)
{
    job->count = note_list_count(job->transaction, job->first);
}

static size_t notes_seen_by(struct uuid customer)
{
    struct job job;
    job_begin(&job, pool, customer);
    job.look = look_at_list;
    job.first = note_list_ask(job.transaction);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    return job.count;
}

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

/* ---- values ---- */

static const struct echo no_values = {
    .a = { { 0 } },
    .e = INT64_MIN,
    .f = INT32_MIN,
    .g = INT16_MIN,
    .h = BOOLEAN_NONE,
    .i = NAN,
    .j = { INT64_MIN },
    .k = { INT32_MIN },
};
static struct echo_row echoed;

static void look_at_echo(struct job *job)
{
    echoed = echo_get(job->transaction, job->first, 0);
    job->number = text_equal(echoed.b, TEXT("q\"uote, \xc3\xa9")) && text_equal(echoed.c, TEXT("{\"a\": [1, null]}")) &&
                  echoed.d.length == 3 && memcmp(echoed.d.bytes, "\0\xff\n", 3) == 0;
}

static void each_type_comes_back(void **state)
{
    (void)state;
    struct job job;
    struct echo values = {
        customer_of(7),
        TEXT("q\"uote, \xc3\xa9"),
        TEXT("{\"a\":[1,null]}"),
        { "\0\xff\n", 3 },
        INT64_MAX,
        -5,
        INT16_MAX,
        1,
        -0.25,
        { 1795600867123456 },
        { -1 },
    };
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_echo;
    job.first = echo_ask(job.transaction, &values);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(job.number, 1);
    assert_true(uuid_equal(echoed.a, customer_of(7)));
    assert_true(echoed.e == INT64_MAX && echoed.f == -5 && echoed.g == INT16_MAX && echoed.h == 1 && echoed.i == -0.25);
    assert_true(echoed.j.us == 1795600867123456 && echoed.k.number == -1);
}

static void null_comes_back_as_null(void **state) /* catches: a nil id or no time that is stored as a value */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_echo;
    job.first = echo_ask(job.transaction, &no_values);
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_true(uuid_is_nil(echoed.a) && echoed.b.bytes == NULL && echoed.c.bytes == NULL && echoed.d.bytes == NULL);
    assert_true(echoed.e == INT64_MIN && echoed.f == INT32_MIN && echoed.g == INT16_MIN && echoed.h == BOOLEAN_NONE);
    assert_true(isnan(echoed.i) && instant_is_none(echoed.j) && day_is_none(echoed.k));
}

static void look_at_lists(struct job *job)
{
    struct echo_lists_row row = echo_lists_get(job->transaction, job->first, 0);
    job->count = row.a.count + row.b.count + row.c.count + row.d.count + row.e.count + row.f.count + row.g.count +
                 row.h.count + row.i.count + row.j.count + row.k.count;
    if (row.b.items == NULL || row.b.count == 0)
        return;
    assert_true(uuid_equal(row.a.items[1], customer_of(9)));
    assert_true(text_equal(row.b.items[0], TEXT("")) && row.b.items[1].bytes == NULL);
    assert_true(text_equal(row.c.items[0], TEXT("{}")) && row.d.items[0].bytes[0] == '\0');
    assert_true(row.e.items[0] == -7 && row.e.items[1] == INT64_MIN && row.f.items[0] == 7 && row.g.items[0] == -1);
    assert_true(row.h.items[0] == 0 && row.h.items[1] == 1 && row.i.items[0] == 1.5 && row.j.items[0].us == 1);
    assert_true(row.k.items[0].number == 20781);
    job->number = 1;
}

static void each_list_comes_back(void **state) /* catches: null elements, the empty list, the list that is null */
{
    (void)state;
    static const struct text words[] = { { "", 0 }, { NULL, 0 } }, json[] = { { "{}", 2 } }, bytes[] = { { "\0", 1 } };
    static const int64_t bigs[] = { -7, INT64_MIN };
    static const int32_t middles[] = { 7 };
    static const int16_t smalls[] = { -1 };
    static const int8_t truths[] = { 0, 1 };
    static const double reals[] = { 1.5 };
    static const struct instant instants[] = { { 1 } };
    static const struct day days[] = { { 20781 } };
    const struct uuid ids[] = { customer_of(8), customer_of(9) };
    struct echo_lists full = { { ids, 2 },    { words, 2 },  { json, 1 },  { bytes, 1 },    { bigs, 2 }, { middles, 1 },
                               { smalls, 1 }, { truths, 2 }, { reals, 1 }, { instants, 1 }, { days, 1 } };
    struct echo_lists none = { 0 }, empty = full;
    empty.a.count = empty.b.count = empty.c.count = empty.d.count = empty.e.count = empty.f.count = empty.g.count = 0;
    empty.h.count = empty.i.count = empty.j.count = empty.k.count = 0;
    const struct echo_lists *rows[] = { &full, &empty, &none };
    static const size_t counts[] = { 15, 0, 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct job job;
        job_begin(&job, pool, UUID_NIL);
        job.look = look_at_lists;
        job.first = echo_lists_ask(job.transaction, rows[i]);
        assert_int_equal(job_commit(&job), PG_COMMITTED);
        assert_int_equal(job.count, counts[i]);
        assert_int_equal(job.number, i == 0);
    }
}

static void look_at_words(struct job *job)
{
    struct echo_words_row row = echo_words_get(job->transaction, job->first, 0);
    job->count = text_equal(row.at, TEXT("2026-11-24 09:41:07.123456+00"));
    job->number = text_equal(row.day, TEXT("2026-11-24"));
}

static void the_server_reads_a_time_as_we_do(void **state) /* catches: an epoch that is wrong in both directions */
{
    (void)state;
    struct instant at;
    struct day day;
    struct job job;
    assert_true(instant_parse(TEXT("2026-11-24T09:41:07.123456Z"), &at) && day_parse(TEXT("2026-11-24"), &day));
    job_begin(&job, pool, UUID_NIL);
    job.look = look_at_words;
    job.first = echo_words_ask(job.transaction, &(struct echo_words){ at, day });
    assert_int_equal(job_commit(&job), PG_COMMITTED);
    assert_int_equal(job.count, 1);
    assert_int_equal(job.number, 1);
}

/* ---- a connection that dies ---- */

static struct timer killer;
static const char *killing;

static void kill_now(struct timer *timer)
{
    (void)timer;
    scratch("%s", killing);
}

static void kill_after_ms(const char *command, int64_t ms)
{
    static char line[256];
    snprintf(line, sizeof(line), command, folder);
    killing = line;
    timer_init(&killer, loop, kill_now);
    timer_start(&killer, ms * US_PER_MS);
}

#define TERMINATE                                                                                                      \
    "sql %s \"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'unit'\" >/dev/null"

static void a_process_that_ends_before_commit_is_unavailable(void **state)
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 60, "lost");
    nap_ask(job.transaction, &(struct nap){ 5 });
    kill_after_ms(TERMINATE, 300);
    assert_int_equal(job_commit(&job), PG_UNAVAILABLE);
    assert_string_equal(job.end.sqlstate, "57P01");
    assert_int_equal(asked_of_server("select count(*) from notes where note = 60"), 0);
    (void)pid_of_server_process(pool); /* it is connected again */
}

static void a_process_that_ends_between_two_steps_is_unavailable(void **state)
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 61, "lost");
    CALL(transaction_read(job.transaction, job_heard));
    run();
    kill_after_ms(TERMINATE, 0);
    run();
    assert_int_equal(job.ended, 1);
    assert_int_equal(job.end.word, PG_UNAVAILABLE);
}

static void a_server_that_dies_leaves_commit_unknown(void **state) /* catches: "failed" said of what may be kept */
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 62, "who knows");
    nap_ask(job.transaction, &(struct nap){ 5 });
    kill_after_ms("stop %s", 300);
    assert_int_equal(job_commit(&job), PG_UNKNOWN);
    scratch("start %s", folder);
}

static void it_connects_again_after_a_restart(void **state) /* and those who can wait do not notice */
{
    (void)state;
    struct job hurried, patient;
    (void)pid_of_server_process(pool);
    scratch("stop %s", folder);
    job_begin(&hurried, pool, customer_of(1));
    CALL(transaction_hurry(hurried.transaction, 100 * US_PER_MS));
    ask_insert(&hurried, 63, "too early");
    enum pg_word word = job_commit(&hurried);
    assert_true(word == PG_UNAVAILABLE || word == PG_UNKNOWN); /* unknown: it went out before the loss was seen */
    assert_false(pg_is_ready(pool));
    job_begin(&patient, pool, customer_of(1));
    CALL(transaction_hurry(patient.transaction, 20 * US_PER_SECOND));
    ask_insert(&patient, 64, "waited");
    kill_after_ms("start %s", 200);
    assert_int_equal(job_commit(&patient), PG_COMMITTED);
    assert_true(pg_is_ready(pool));
}

static void a_server_that_is_silent_is_given_up(void **state)
{
    (void)state;
    struct pg *impatient = pg_new(
        loop,
        &(struct pg_settings){ .url = url, .program = "impatient", .connections = 1, .answer_us = 300 * US_PER_MS });
    struct job job;
    (void)pid_of_server_process(impatient);
    job_begin(&job, impatient, UUID_NIL);
    transaction_limit(job.transaction, 20 * US_PER_SECOND);
    nap_ask(job.transaction, &(struct nap){ 2 });
    assert_int_equal(job_commit(&job), PG_UNKNOWN);
    end_pool(impatient);
}

/* ---- a commit whose answer is lost: between us and the server stands a relay ---- */

struct relay {
    int listener;
    bool deaf; /* to the server's COMMIT: both ends are closed instead */
};

static bool relay_pass(const struct relay *relay, int from, int to, bool from_server)
{
    char bytes[16384];
    ssize_t length = read(from, bytes, sizeof(bytes));
    if (length <= 0)
        return false;
    if (from_server && relay->deaf && memmem(bytes, (size_t)length, "COMMIT", 7) != NULL)
        return false;
    return write(to, bytes, (size_t)length) == length;
}

static void relay_carry(const struct relay *relay, int client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
    bool open = connect(server, (struct sockaddr *)&address, sizeof(address)) == 0;
    while (open) {
        struct pollfd ends[] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
        poll(ends, 2, -1);
        if (ends[0].revents != 0)
            open = relay_pass(relay, client, server, false);
        if (open && ends[1].revents != 0)
            open = relay_pass(relay, server, client, true);
    }
    close(server);
    close(client);
}

static void *relay_run(void *argument)
{
    const struct relay *relay = argument;
    for (int client = accept(relay->listener, NULL, NULL); client >= 0; client = accept(relay->listener, NULL, NULL))
        relay_carry(relay, client);
    return NULL;
}

static void a_lost_answer_to_commit_is_unknown(void **state) /* and the row is there; also: the host is a name */
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    struct relay relay = { socket(AF_INET, SOCK_STREAM, 0), false };
    pthread_t thread;
    char through[200];
    assert_int_equal(bind(relay.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(relay.listener, 8), 0);
    assert_int_equal(getsockname(relay.listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pthread_create(&thread, NULL, relay_run, &relay), 0);
    snprintf(through, sizeof(through), "postgresql://app@localhost:%d/postgres?sslmode=disable&gssencmode=disable",
             ntohs(address.sin_port));
    struct pg *relayed = pool_of(through, 1);
    (void)pid_of_server_process(relayed);
    relay.deaf = true;
    struct job job;
    job_begin(&job, relayed, customer_of(1));
    ask_insert(&job, 70, "kept, and nobody told us");
    assert_int_equal(job_commit(&job), PG_UNKNOWN);
    assert_int_equal(asked_of_server("select count(*) from notes where note = 70"), 1);
    relay.deaf = false;
    (void)pid_of_server_process(relayed);
    end_pool(relayed);
    shutdown(relay.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(relay.listener);
}

/* ---- many ---- */

static void ten_thousand_go_through_four_connections(void **state)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

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
        TEST(each_type_comes_back),
        TEST(null_comes_back_as_null),
        TEST(each_list_comes_back),
        TEST(the_server_reads_a_time_as_we_do),
        TEST(a_process_that_ends_before_commit_is_unavailable),
        TEST(a_process_that_ends_between_two_steps_is_unavailable),
        TEST(a_server_that_dies_leaves_commit_unknown),
        TEST(it_connects_again_after_a_restart),
        TEST(a_server_that_is_silent_is_given_up),
        TEST(a_lost_answer_to_commit_is_unknown),
        TEST(ten_thousand_go_through_four_connections),
        TEST(the_queue_has_an_end),
        TEST(a_pool_ends_after_its_transactions),
        TEST(a_pool_without_a_server_ends_too),
        TEST(a_database_that_forgets_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, remove_server);
}
