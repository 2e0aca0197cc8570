/* io/pg on connections that die: the process, the server, and the answer to commit alone. */
#include <poll.h>
#include <pthread.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "pg_jobs.h"

static struct timer killer;
static const char *killing, *killing_with;

static void kill_now(struct timer *timer)
{
    (void)timer;
    scratch(killing, killing_with, NULL, 0);
}

static void kill_after_ms(const char *command, const char *with, int64_t ms)
{
    killing = command;
    killing_with = with;
    timer_init(&killer, loop, kill_now);
    timer_start(&killer, ms * US_PER_MS);
}

#define TERMINATE "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'unit'"

static void a_process_that_ends_before_commit_is_unavailable(void **state)
{
    (void)state;
    struct job job;
    job_begin(&job, pool, customer_of(1));
    ask_insert(&job, 60, "lost");
    nap_ask(job.transaction, &(struct nap){ 5 });
    kill_after_ms("sql", TERMINATE, 300);
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
    kill_after_ms("sql", TERMINATE, 0);
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
    kill_after_ms("stop", NULL, 300);
    assert_int_equal(job_commit(&job), PG_UNKNOWN);
    scratch("start", NULL, NULL, 0);
}

static void it_connects_again_after_a_restart(void **state) /* and those who can wait do not notice */
{
    (void)state;
    struct job hurried, patient;
    (void)pid_of_server_process(pool);
    scratch("stop", NULL, NULL, 0);
    job_begin(&hurried, pool, customer_of(1));
    CALL(transaction_hurry(hurried.transaction, 100 * US_PER_MS));
    ask_insert(&hurried, 63, "too early");
    enum pg_word word = job_commit(&hurried);
    assert_true(word == PG_UNAVAILABLE || word == PG_UNKNOWN); /* unknown: it went out before the loss was seen */
    assert_false(pg_is_ready(pool));
    job_begin(&patient, pool, customer_of(1));
    CALL(transaction_hurry(patient.transaction, 20 * US_PER_SECOND));
    ask_insert(&patient, 64, "waited");
    kill_after_ms("start", NULL, 200);
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

/* ---- a standby that is waited for, and somebody who cancels the wait ---- */

#define WAITING_COMMITS "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"

static struct timer canceller;

static void cancel_commits(struct timer *timer)
{
    scratch("sql", WAITING_COMMITS, NULL, 0);
    timer_start(timer, 50 * US_PER_MS);
}

static void set_standby(const char *sql)
{
    scratch("sql", sql, NULL, 0);
    scratch("sql", "select pg_reload_conf()", NULL, 0);
}

static void a_commit_that_no_standby_has_is_unknown(void **state) /* catches: COMMIT believed beside its warning */
{
    (void)state;
    struct job job;
    (void)pid_of_server_process(pool);
    set_standby("alter system set synchronous_standby_names = 'nobody'");
    timer_init(&canceller, loop, cancel_commits);
    timer_start(&canceller, 50 * US_PER_MS);
    struct tick begun = clock_tick(); /* the checkpointer reads the setting when it is let run */
    for (int64_t note = 1000; tick_since(clock_tick(), begun) < US_PER_MINUTE; note++) {
        job_begin(&job, pool, customer_of(1));
        ask_insert(&job, note, "kept here alone");
        if (job_commit(&job) != PG_COMMITTED)
            break;
    }
    assert_int_equal(job.end.word, PG_UNKNOWN);
    assert_non_null(strstr(job.words, "synchronous replication"));
    timer_stop(&canceller);
    set_standby("alter system reset synchronous_standby_names");
}

/* ---- a commit whose answer is lost: between us and the server stands a relay ---- */

struct relay {
    int listener;
    _Atomic bool deaf; /* to the server's COMMIT: both ends are closed instead */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_that_ends_before_commit_is_unavailable),
        TEST(a_process_that_ends_between_two_steps_is_unavailable),
        TEST(a_server_that_dies_leaves_commit_unknown),
        TEST(it_connects_again_after_a_restart),
        TEST(a_server_that_is_silent_is_given_up),
        TEST(a_commit_that_no_standby_has_is_unknown),
        TEST(a_lost_answer_to_commit_is_unknown),
    };
    return cmocka_run_group_tests(tests, start_server, remove_server);
}
