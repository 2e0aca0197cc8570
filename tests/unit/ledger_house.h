/*
 * ledger_house — a migrated PostgreSQL of the test program's own, a clock that stands still until it is told to jump, a
 * pool for each role, and, fresh for each test, one sandbox customer with an IP and a mailbox.
 *
 * Functions of the ledger are called and waited for; what they made of the tables is read back over psql, by another way
 * than they wrote it.
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

#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"

#include "ledger/accept.h"
#include "ledger/authorize.h"
#include "ledger/book.h"
#include "ledger/cancel.h"
#include "ledger/customer.h"
#include "ledger/ip.h"
#include "ledger/ledger.h"
#include "ledger/mailbox.h"
#include "ledger/outcome.h"
#include "ledger/ownership.h"
#include "ledger/pacing_store.h"
#include "ledger/resend.h"
#include "ledger/suppress.h"

static char folder[64], clock_path[96];
static struct loop *loop;
static struct clock *the_clock;
static struct random *the_random;
static struct pg *server_pool, *worker_pool, *jobs_pool;
static struct ledger *server, *worker, *jobs; /* the ledger as each program has it */

/* ---- programs beside us ---- */

static inline void run_beside(char *const arguments[], char *answer, size_t size)
{
    posix_spawn_file_actions_t actions;
    int out[2], status;
    pid_t process;
    assert_int_equal(pipe(out), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, answer == NULL ? 2 : out[1], 1);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    posix_spawn_file_actions_addclose(&actions, out[1]);
    assert_int_equal(posix_spawn(&process, arguments[0], &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    size_t length = 0;
    ssize_t got;
    while (answer != NULL && length < size - 1 && (got = read(out[0], answer + length, size - 1 - length)) > 0)
        length += (size_t)got;
    if (answer != NULL) {
        while (length > 0 && answer[length - 1] == '\n')
            length--;
        answer[length] = '\0';
    }
    close(out[0]);
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_int_equal(status, 0);
}

static inline void scratch(const char *command, const char *sql, char *answer, size_t size)
{
    char *arguments[] = { (char *)(uintptr_t)SCRATCH, (char *)(uintptr_t)command, folder, (char *)(uintptr_t)sql,
                          NULL };
    run_beside(arguments, answer, size);
}

/* What the tables say: bare rows, as the superuser. One static answer at a time. */
PRINTF(1, 2) static inline const char *told(const char *format, ...)
{
    static char answer[4096];
    char sql[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof(sql), format, arguments);
    va_end(arguments);
    scratch("sql", sql, answer, sizeof(answer));
    return answer;
}

/* ---- the house, once a program ---- */

static inline struct pg *pool_of(const char *user, int connections)
{
    static char url[160];
    snprintf(url, sizeof(url), "host=%s user=%s dbname=postgres", folder, user);
    struct pg *pool = pg_new(loop, &(struct pg_settings){ .url = url, .program = "unit", .connections = connections });
    assert_non_null(pool);
    return pool;
}

static inline struct ledger *ledger_of(struct pg *pool)
{
    return ledger_new(&(struct ledger_given){ pool, the_clock, the_random });
}

static inline struct instant instant_at(const char *text)
{
    struct instant instant;
    assert_true(instant_parse(text_of(text), &instant));
    return instant;
}

#define MONDAY "2026-11-23T06:00:00Z"

static inline int house_open(void **state)
{
    (void)state;
    setenv("EVENPOST_LOG", "warning", 0); /* connections come and go with each test */
    log_open("unit_ledger");
    snprintf(folder, sizeof(folder), "/tmp/unit_ledger.%d", (int)getpid());
    snprintf(clock_path, sizeof(clock_path), "/tmp/unit_ledger.%d.clock", (int)getpid());
    scratch("start", NULL, NULL, 0);
    char url[128];
    snprintf(url, sizeof(url), "host=%s user=postgres dbname=postgres", folder);
    char *migrate[] = { (char *)(uintptr_t)MIGRATE,
                        (char *)(uintptr_t) "--database-url",
                        url,
                        (char *)(uintptr_t) "--now",
                        (char *)(uintptr_t)MONDAY,
                        NULL };
    run_beside(migrate, NULL, 0);
    return 0;
}

static inline int house_close(void **state)
{
    (void)state;
    scratch("remove", NULL, NULL, 0);
    unlink(clock_path);
    return 0;
}

/* ---- a test's own: loop, pools, customer ---- */

static struct uuid customer, ip, pool, mailbox;
static char customer_text[40], ip_text_of[40], mailbox_text[40];
static unsigned customers;

static inline struct uuid fresh(void)
{
    return random_id(the_random, clock_now(the_clock));
}

static inline void uuid_into(char into[40], struct uuid id)
{
    struct arena *arena = arena_new();
    snprintf(into, 40, "%.*s", TEXT_ARG(uuid_text(arena, id)));
    arena_free(&arena);
}

/* In turns, so that up to four fit one printf. */
static inline const char *id_of(struct uuid id)
{
    static char texts[4][40];
    static unsigned next;
    next = (next + 1) % 4;
    uuid_into(texts[next], id);
    return texts[next];
}

static inline void loop_late(struct timer *timer)
{
    (void)timer;
    fail_msg("the loop waited for more than 30 s");
}

static inline void run(void)
{
    struct timer guard;
    timer_init(&guard, loop, loop_late);
    timer_start(&guard, 30 * US_PER_SECOND);
    loop_run(loop);
    timer_stop(&guard);
}

static inline void jump(const char *text)
{
    assert_null(clock_file_forward(clock_path, instant_at(text)));
}

/* One act of the API: begun, one function of the ledger, ended as its word says. */
struct request {
    struct act act;
    enum pg_word word;
    bool keep;     /* roll back even what was made */
    size_t *waits; /* of several at once: how many are under way */
    bool refused;  /* its `done` said no */
};

static inline void request_ended(struct act *act, const struct pg_end *end)
{
    struct request *request = container_of(act, struct request, act);
    request->word = end->word;
    if (end->word != PG_COMMITTED && end->word != PG_ROLLED_BACK)
        print_message("ended %s %s %.*s\n", pg_word_name(end->word), end->sqlstate, TEXT_ARG(end->words));
    if (request->waits == NULL || --*request->waits == 0)
        loop_stop(loop);
}

static inline void request_begin(struct request *request, struct ledger *ledger)
{
    *request = (struct request){ .word = PG_UNKNOWN };
    act_begin(&request->act, ledger, customer, request_ended);
}

static inline void request_end(struct request *request, bool made)
{
    request->refused = !made;
    if (made && !request->keep)
        act_commit(&request->act);
    else
        act_rollback(&request->act);
}

/* A request and one function's struct, for the loop of `done`s below. */
#define DONE(function, type, made_word)                                                                                \
    struct function##_call {                                                                                           \
        struct request request;                                                                                        \
        struct type given;                                                                                             \
    };                                                                                                                 \
    static inline void function##_done(struct type *given)                                                             \
    {                                                                                                                  \
        struct function##_call *call = container_of(given, struct function##_call, given);                             \
        request_end(&call->request, made_word);                                                                        \
    }                                                                                                                  \
    static inline void function##_call(struct ledger *ledger, struct function##_call *call)                            \
    {                                                                                                                  \
        call->given.done = function##_done;                                                                            \
        request_begin(&call->request, ledger);                                                                         \
        function(&call->request.act, &call->given);                                                                    \
        run();                                                                                                         \
        assert_int_equal(call->request.word, call->request.refused ? PG_ROLLED_BACK : PG_COMMITTED);                   \
    }

DONE(accept_message, accept, given->word == ACCEPT_MADE)
DONE(cancel_message, cancel, given->word == CANCEL_MADE)
DONE(resend_message, resend, given->word == RESEND_MADE)
DONE(suppress_key, suppress, true)
DONE(unsuppress_key, unsuppress, given->found)
DONE(mailboxes_make, mailboxes_make, given->word == MAILBOXES_MADE)
DONE(mailbox_change, mailbox_change, given->word == MAILBOX_CHANGED)
DONE(mailbox_close, mailbox_close, given->word == MAILBOX_CHANGED)
DONE(ip_assign, ip_assign, given->word == IP_DONE)
DONE(ip_release, ip_release, given->word == IP_DONE)
DONE(ip_pause, ip_pause, given->word == IP_DONE)
DONE(customer_change, customer_change, given->word == CUSTOMER_MOVED)
DONE(book_message, book, given->word != BOOK_GONE)
DONE(book_anew, book, given->word != BOOK_GONE)
DONE(lay_mailbox, lay, true)

/* ---- what tests do most ---- */

static struct accept accepted; /* the last message that was offered */

static inline struct accept message_to(const char *to)
{
    const char *at = strchr(to, '@');
    return (struct accept){
        .message = fresh(),
        .mailbox = mailbox,
        .to_address = text_of(to),
        .recipient_key = text_of(to),
        .domain_key = text_of(at + 1),
        .subject = TEXT("Hello"),
        .text = TEXT("Hello"),
        .scheduled_at = INSTANT_NONE,
    };
}

static inline enum accept_word offer(struct accept accept)
{
    struct accept_message_call call = { .given = accept };
    accept_message_call(server, &call);
    accepted = call.given;
    return accepted.word;
}

/* Accepted, or the test fails; its id. */
static inline struct uuid accept_to(const char *to)
{
    assert_int_equal(offer(message_to(to)), ACCEPT_MADE);
    return accepted.message;
}

static inline struct uuid mailbox_in(const char *address, int16_t cap, struct uuid in_pool)
{
    struct mailbox_new item = {
        .mailbox = fresh(),
        .address = text_of(address),
        .address_key = text_of(address),
        .domain = text_of(strchr(address, '@') + 1),
        .display_name = TEXT(""),
        .pool = in_pool,
        .time_zone = TEXT("UTC"),
        .window = { 0x1f, 9 * 60, 17 * 60 },
        .daily_cap = cap,
    };
    struct mailboxes_make_call call = { .given = { .items = &item, .count = 1 } };
    mailboxes_make_call(server, &call);
    assert_int_equal(call.given.word, MAILBOXES_MADE);
    return item.mailbox;
}

/* A new address, given to the customer. */
static inline struct uuid ip_in(struct uuid in_pool)
{
    static unsigned addresses;
    struct uuid made = fresh();
    told("insert into ips (ip_id, address, host, created_at) values ('%s', '10.%u.%u.%u', 'h', '" MONDAY "')",
         id_of(made), addresses / 65536, addresses / 256 % 256, addresses % 256);
    addresses++;
    struct ip_assign_call call = { .given = { .ip = made, .pool = in_pool } };
    ip_assign_call(server, &call);
    assert_int_equal(call.given.word, IP_DONE);
    return made;
}

static inline struct uuid pool_named(const char *name)
{
    struct uuid made = fresh();
    told("insert into pools values ('%s', '%s', '%s', '" MONDAY "')", customer_text, id_of(made), name);
    return made;
}

static inline int test_open(void **state)
{
    (void)state;
    const char *fault;
    unlink(clock_path);
    assert_null(clock_file_create(clock_path, instant_at(MONDAY), 1000000, false));
    the_clock = clock_open(clock_path, &fault);
    assert_non_null(the_clock);
    the_random = random_new();
    loop = loop_new();
    server_pool = pool_of("evenpost_server", 8);
    worker_pool = pool_of("evenpost_worker", 4);
    jobs_pool = pool_of("evenpost_jobs", 2);
    server = ledger_of(server_pool);
    worker = ledger_of(worker_pool);
    jobs = ledger_of(jobs_pool);
    customer = fresh();
    uuid_into(customer_text, customer);
    told("insert into customers (customer_id, name, mode, recipient_gap_days, created_at) "
         "values ('%s', 'Acme %u', 'sandbox', 30, '" MONDAY "')",
         customer_text, customers++);
    pool = pool_named("default");
    ip = ip_in(UUID_NIL);
    uuid_into(ip_text_of, ip);
    mailbox = mailbox_in("ann@acme.example", 2, UUID_NIL);
    uuid_into(mailbox_text, mailbox);
    return 0;
}

static size_t pools_open;

static inline void pool_closed(struct pg_closing *closing)
{
    (void)closing;
    if (--pools_open == 0)
        loop_stop(loop);
}

/* What must be true of every customer's tables at any time. */
static inline void house_check(void)
{
    assert_string_equal(told("select count(*) from messages m left join slots s using (customer_id, message_id) "
                             "where (m.state = 'booked') <> (coalesce(s.state, '') = 'booked') "
                             "and coalesce(s.state, '') <> 'spent'"),
                        "0");
    assert_string_equal(
        told("select count(*) from openings o join mailboxes m using (customer_id, mailbox_id) "
             "where m.state <> 'active' or o.ip_id is distinct from m.ip_id or o.number >= m.daily_cap"),
        "0");
}

static inline int test_close(void **state)
{
    (void)state;
    house_check();
    struct pg_closing closings[3] = { { pool_closed }, { pool_closed }, { pool_closed } };
    pools_open = 3;
    pg_end(server_pool, &closings[0]);
    pg_end(worker_pool, &closings[1]);
    pg_end(jobs_pool, &closings[2]);
    run();
    ledger_free(&server);
    ledger_free(&worker);
    ledger_free(&jobs);
    loop_free(&loop);
    random_free(&the_random);
    clock_close(&the_clock);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
