#include "base/bounds.h"

#include "io/log.h"
#include "io/process.h"
#include "io/program.h"

#include "ledger/zones.h"

#include "server/http.h"
#include "server/idempotency.h"
#include "server/rates.h"
#include "server/request.h"
#include "server/strand.h"

enum { END_MAX_MS = 10000, END_LOOK_MS = 20, OPERATOR_CONNECTIONS = 4 };

static struct {
    const char *listen, *secret_file;
    struct setting_texts host_names, fronts;
    int64_t requests_per_minute, requests_at_once;
} set;

static const struct setting rows[] = {
    { .name = "listen",
      .variable = "EVENPOST_LISTEN",
      .type = SETTING_TEXT,
      .into = &set.listen,
      .standard = "127.0.0.1:8025",
      .unit = "ADDRESS:PORT",
      .sentence = "Where the API is served." },
    { .name = "host-name",
      .variable = "EVENPOST_HOST_NAMES",
      .type = SETTING_TEXTS,
      .into = &set.host_names,
      .unit = "NAME",
      .sentence = "A name that clients reach the API by, beside its addresses and localhost; `*` is any." },
    { .name = "front",
      .variable = "EVENPOST_FRONTS",
      .type = SETTING_TEXTS,
      .into = &set.fronts,
      .unit = "ADDRESS",
      .sentence = "A proxy of ours before the API: the last address in its X-Forwarded-For is who asks." },
    { .name = "secret-file",
      .variable = "EVENPOST_SECRET_FILE",
      .type = SETTING_TEXT,
      .into = &set.secret_file,
      .required = true,
      .unit = "FILE",
      .sentence = "The master key: 32 random bytes or more, readable by its owner alone." },
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
};

static struct server server;

static struct program program = { .name = "evenpost-server",
                                  .sentence = "The control API.",
                                  .rows = rows,
                                  .row_count = COUNT(rows),
                                  .connections = "16" };

/* ---- begin and end ---- */

static void server_begin(struct program *begun)
{
    (void)begun;
    server.not_ready = NULL;
    log_info(NULL, "serves at %s", set.listen);
    process_ready("serves");
}

static struct timer ending;

/* What is under way is answered first, for a bounded time. */
static void end(struct timer *timer)
{
    static int waited_ms;
    if (http_exchanges(server.http) > 0 && waited_ms < END_MAX_MS) {
        waited_ms += END_LOOK_MS;
        timer_start(timer, END_LOOK_MS * US_PER_MS);
        return;
    }
    if (http_exchanges(server.http) > 0)
        exit(0);
    http_free(&server.http);
    program_close(&program);
}

static void server_stop(struct program *stopped)
{
    (void)stopped;
    http_quiesce(server.http);
    timer_start(&ending, 0);
}

/* ---- what it stands on ---- */

static struct hash_key seed(void)
{
    return (struct hash_key){ random_word(server.random), random_word(server.random) };
}

static void open_secrets(void)
{
    enum secret_word word = secret_key_read(set.secret_file, &server.secret);
    if (word != SECRET_GOOD)
        program_fail(&program, secret_word_sentence(word), set.secret_file);
    secret_derive(server.secret, TEXT("cursor"), server.cursor_key);
}

static void open_server(void)
{
    server.loop = program.loop;
    server.clock = program.clock;
    server.random = program.random;
    server.pool = program.pool;
    open_secrets();
    json_set_alloc_funcs(memory_new, free); /* no memory is no JSON that lacks something: it ends the process */
    json_object_seed((size_t)random_word(server.random) | 1);
    server.operator_pool = program_pool(&program, "evenpost_operator", OPERATOR_CONNECTIONS);
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
}

static void listen_at(const char *address)
{
    struct http_settings http = { .host_names = &set.host_names,
                                  .fronts = &set.fronts,
                                  .seed = seed(),
                                  .head = request_head,
                                  .serve = request_serve,
                                  .refuse = request_refuse_head,
                                  .of = &server };
    struct ip front;
    for (size_t i = 0; i < set.fronts.count; i++)
        if (!ip_parse(text_of(set.fronts.items[i]), &front))
            program_fail(&program, "--front wants an address", set.fronts.items[i]);
    if (!settings_address(address, &http.ip, &http.port))
        program_fail(&program, "--listen wants an address and a port, like 127.0.0.1:8025", address);
    server.http = http_new(server.loop, &http);
    if (server.http == NULL)
        exit(1);
}

int main(int argc, char **argv)
{
    program.begin = server_begin;
    program.stop = server_stop;
    program_open(&program, argc, argv);
    open_server();
    listen_at(set.listen);
    timer_init(&ending, server.loop, end);
    int status = program_run(&program);
    close_server();
    program_free(&program);
    return status;
}
