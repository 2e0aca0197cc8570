#include "base/bounds.h"

#include "io/log.h"
#include "io/pg_check.h"
#include "io/process.h"
#include "io/settings.h"

#include "ledger/zones.h"

#include "server/http.h"
#include "server/idempotency.h"
#include "server/rates.h"
#include "server/request.h"
#include "server/strand.h"

#include <signal.h>

static struct {
    const char *listen, *database_url, *clock, *secret_file;
    int64_t connections, requests_per_minute, requests_at_once;
    bool allow_unsafe_database;
} set;

static const struct setting rows[] = {
    { .name = "listen",
      .variable = "EVENPOST_LISTEN",
      .type = SETTING_TEXT,
      .into = &set.listen,
      .standard = "127.0.0.1:8025",
      .unit = "ADDRESS:PORT",
      .sentence = "Where the API is served." },
    { .name = "database-url",
      .variable = "DATABASE_URL",
      .type = SETTING_TEXT,
      .into = &set.database_url,
      .required = true,
      .unit = "URL",
      .sentence = "The database, as the role evenpost_server." },
    { .name = "clock",
      .variable = "EVENPOST_CLOCK",
      .type = SETTING_TEXT,
      .into = &set.clock,
      .unit = "FILE",
      .sentence = "The clock of this home; without it the machine's." },
    { .name = "secret-file",
      .variable = "EVENPOST_SECRET_FILE",
      .type = SETTING_TEXT,
      .into = &set.secret_file,
      .required = true,
      .unit = "FILE",
      .sentence = "The master key: 32 random bytes or more, readable by its owner alone." },
    { .name = "connections",
      .variable = "EVENPOST_CONNECTIONS",
      .type = SETTING_NUMBER,
      .into = &set.connections,
      .standard = "16",
      .min = 2,
      .max = BOUND_PG_CONNECTIONS,
      .unit = "connections",
      .sentence = "Connections to the database." },
    { .name = "requests-per-minute",
      .variable = "EVENPOST_REQUESTS_PER_MINUTE",
      .type = SETTING_NUMBER,
      .into = &set.requests_per_minute,
      .standard = "6000",
      .min = 1,
      .max = 60000000,
      .unit = "requests",
      .sentence = "What one key may ask in a minute." },
    { .name = "requests-at-once",
      .variable = "EVENPOST_REQUESTS_AT_ONCE",
      .type = SETTING_NUMBER,
      .into = &set.requests_at_once,
      .standard = "1000",
      .min = 1,
      .max = 1000000,
      .unit = "requests",
      .sentence = "What one key may ask at once, after a rest." },
    { .name = "allow-unsafe-database",
      .variable = "EVENPOST_ALLOW_UNSAFE_DATABASE",
      .type = SETTING_SWITCH,
      .into = &set.allow_unsafe_database,
      .sentence = "For tests: takes a database that may forget what it has committed." },
};

static const struct settings settings = { "evenpost-server", "The control API.", rows, COUNT(rows) };

static struct server server;

/* ---- the database, before anything is promised ---- */

/* One look at a time; again each second until it answered. */
static struct pg_check check;
static struct timer check_timer;

static void on_checked(struct pg_check *checked, enum pg_check_word word, const struct pg_facts *facts)
{
    (void)checked;
    switch (word) { /* no default: a new word must not compile unexplained */
    case PG_CHECK_UNAVAILABLE: timer_start(&check_timer, US_PER_SECOND); return;
    case PG_CHECK_UNSAFE: log_error(NULL, "not started: %.*s", TEXT_ARG(facts->words)); exit(1);
    case PG_CHECK_CLOCK: log_warning(NULL, "%.*s", TEXT_ARG(facts->words)); break;
    case PG_CHECK_GOOD: break;
    }
    server.not_ready = NULL;
    log_info(NULL, "serves at %s", set.listen);
    process_ready("serves");
}

static void look(struct timer *timer)
{
    (void)timer;
    check.checked = on_checked;
    pg_check_start(&check, server.pool, set.allow_unsafe_database);
}

/* ---- the end ---- */

static struct timer ending;
static struct pg_closing closings[2];
static int pools_open;

static void on_pool_closed(struct pg_closing *closing)
{
    (void)closing;
    if (--pools_open == 0)
        loop_stop(server.loop);
}

/* What is under way is answered first, for a bounded time. */
static void end(struct timer *timer)
{
    static int waited_ms;
    if (http_exchanges(server.http) > 0 && waited_ms < 10000) {
        waited_ms += 20;
        timer_start(timer, 20 * US_PER_MS);
        return;
    }
    if (http_exchanges(server.http) > 0)
        exit(0);
    http_free(&server.http);
    pools_open = 2;
    closings[0].closed = closings[1].closed = on_pool_closed;
    timer_stop(&check_timer);
    pg_end(server.pool, &closings[0]);
    pg_end(server.operator_pool, &closings[1]);
}

static void on_signal(struct signal_watch *watch, int number)
{
    (void)watch;
    if (number == SIGUSR1) {
        trace_toggle_all();
        return;
    }
    log_info(NULL, "ends");
    process_stopping();
    if (server.http == NULL || timer_is_started(&ending))
        exit(0);
    http_quiesce(server.http);
    timer_start(&ending, 0);
}

/* ---- the start ---- */

static struct hash_key seed(void)
{
    return (struct hash_key){ random_word(server.random), random_word(server.random) };
}

NORETURN static void fail(const char *sentence, const char *about)
{
    fprintf(stderr, "evenpost-server: %s%s%s\n", sentence, about == NULL ? "" : ": ", about == NULL ? "" : about);
    exit(2);
}

static struct pg *pool_of(const char *user, int connections)
{
    struct pg *pool = pg_new(server.loop, &(struct pg_settings){ .url = set.database_url,
                                                                 .user = user,
                                                                 .program = "evenpost-server",
                                                                 .connections = connections,
                                                                 .waiting_max = BOUND_PG_QUEUE });
    if (pool == NULL)
        fail("the database's URL cannot be read", NULL);
    return pool;
}

static void open_secrets(void)
{
    enum secret_word word = secret_key_read(set.secret_file, &server.secret);
    if (word != SECRET_GOOD)
        fail(secret_word_sentence(word), set.secret_file);
    secret_derive(server.secret, TEXT("cursor"), server.cursor_key);
}

static void open_server(void)
{
    const char *fault = NULL;
    server.loop = loop_new();
    server.clock = clock_open(set.clock, &fault);
    if (server.clock == NULL)
        fail(fault, set.clock);
    server.random = random_new();
    open_secrets();
    json_object_seed((size_t)random_word(server.random) | 1);
    server.pool = pool_of(NULL, (int)set.connections);
    server.operator_pool = pool_of("evenpost_operator", 4);
    server.ledger = ledger_new(&(struct ledger_given){ server.pool, server.clock, server.random });
    server.authentication = authentication_new(seed());
    server.idempotency = idempotency_new(seed());
    server.rates = rates_new(seed(), set.requests_per_minute, set.requests_at_once);
    server.zones = zones_new();
    server.requests_per_minute = set.requests_per_minute;
    server.requests_at_once = set.requests_at_once;
    server.not_ready = "The database was not reached yet.";
}

static void close_server(void)
{
    zones_free(&server.zones);
    rates_free(&server.rates);
    idempotency_free(&server.idempotency);
    authentication_free(&server.authentication);
    ledger_free(&server.ledger);
    secret_key_free(&server.secret);
    strand_free_spare();
    loop_free(&server.loop);
    random_free(&server.random);
    clock_close(&server.clock);
}

static void listen_at(const char *address)
{
    struct http_settings http = {
        .head = request_head, .serve = request_serve, .refuse = request_refuse_head, .of = &server
    };
    if (!settings_address(address, &http.ip, &http.port))
        fail("--listen wants an address and a port, like 127.0.0.1:8025", address);
    server.http = http_new(server.loop, &http);
    if (server.http == NULL)
        exit(1);
}

int main(int argc, char **argv)
{
    static struct signal_watch watches[3];
    static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };
    settings_read(&settings, argc, argv);
    log_open("server");
    process_prepare();
    open_server();
    listen_at(set.listen);
    for (size_t i = 0; i < COUNT(numbers); i++)
        loop_on_signal(server.loop, &watches[i], numbers[i], on_signal);
    process_watchdog(server.loop);
    timer_init(&check_timer, server.loop, look);
    timer_init(&ending, server.loop, end);
    timer_start(&check_timer, 0);
    loop_run(server.loop);
    close_server();
    return 0;
}
