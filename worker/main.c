/*
 * evenpost-worker — delivers mail from the IPs that it is given, one lane each.
 */
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "base/bounds.h"

#include "io/host_lock.h"
#include "io/log.h"
#include "io/process.h"
#include "io/settings.h"

#include "worker/fleet.h"
#include "worker/health.h"
#include "worker/routes.h"

enum { DRAIN_MAX_S = 85 };

static struct worker_settings {
    const char *database_url, *clock, *host;
    struct setting_texts ips;
    bool unsafe_is_allowed;
    int64_t connections, takeover_wait_s, close_wait_s, permit_grace_s, lock_port;
} set;

static const struct setting rows[] = {
    { .name = "database-url",
      .variable = "DATABASE_URL",
      .type = SETTING_TEXT,
      .into = &set.database_url,
      .required = true,
      .unit = "URL",
      .sentence = "The database; its user is evenpost_worker." },
    { .name = "clock",
      .variable = "EVENPOST_CLOCK",
      .type = SETTING_TEXT,
      .into = &set.clock,
      .unit = "FILE",
      .sentence = "The clock file of this home; without it the machine's clock." },
    { .name = "host",
      .variable = "EVENPOST_HOST",
      .type = SETTING_TEXT,
      .into = &set.host,
      .unit = "NAME",
      .sentence = "This host's name: the IPs that the API gives to it are sent from, unless --ip says which." },
    { .name = "ip",
      .variable = "EVENPOST_IPS",
      .type = SETTING_TEXTS,
      .into = &set.ips,
      .unit = "ADDRESS",
      .sentence = "An IP to send from; once or many times." },
    { .name = "connections",
      .variable = "EVENPOST_PG_CONNECTIONS",
      .type = SETTING_NUMBER,
      .into = &set.connections,
      .standard = "4",
      .min = 1,
      .max = BOUND_PG_CONNECTIONS,
      .unit = "connections",
      .sentence = "Connections to the database." },
    { .name = "takeover-wait",
      .variable = "EVENPOST_TAKEOVER_WAIT",
      .type = SETTING_NUMBER,
      .into = &set.takeover_wait_s,
      .standard = "5",
      .min = 0,
      .max = 600,
      .unit = "seconds",
      .sentence = "After an owner that did not end: wait at least this long, real time." },
    { .name = "close-wait",
      .variable = "EVENPOST_CLOSE_WAIT",
      .type = SETTING_NUMBER,
      .into = &set.close_wait_s,
      .standard = "30",
      .min = 1,
      .max = 300,
      .unit = "seconds",
      .sentence = "How long a receiver may take to close after QUIT; then the connection is reset." },
    { .name = "permit-grace",
      .variable = "EVENPOST_PERMIT_GRACE",
      .type = SETTING_NUMBER,
      .into = &set.permit_grace_s,
      .standard = "30",
      .min = 0,
      .max = 600,
      .unit = "seconds",
      .sentence = "How long nothing is opened in the place of a connection that was reset: it may still be counted." },
    { .name = "lock-port",
      .variable = "EVENPOST_LOCK_PORT",
      .type = SETTING_NUMBER,
      .into = &set.lock_port,
      .standard = "25025",
      .min = 1024,
      .max = 32767,
      .unit = "port",
      .sentence = "The port of each address that is the lock of its lane; one for all homes of a host." },
    { .name = "allow-unsafe-database",
      .variable = "EVENPOST_ALLOW_UNSAFE_DATABASE",
      .type = SETTING_SWITCH,
      .into = &set.unsafe_is_allowed,
      .sentence = "For tests: a database that may forget what it committed (fsync off)." },
};

struct program {
    struct worker worker;
    struct fleet *fleet; /* NULL until the database is known to be fit */
    struct texts addresses;
    struct health health;
    struct fleet_end fleet_end;
    struct signal_watch term, interrupt, traces;
    struct timer patience;
    struct pg_closing pg_closing, due_closing;
    bool draining;
    int status;
};

static void due_closed(struct pg_closing *closing)
{
    loop_stop(container_of(closing, struct program, due_closing)->worker.loop);
}

static void pg_closed(struct pg_closing *closing)
{
    struct program *program = container_of(closing, struct program, pg_closing);
    program->due_closing.closed = due_closed;
    pg_end(program->worker.due_pg, &program->due_closing);
}

static void close_pools(struct program *program)
{
    timer_stop(&program->patience);
    health_stop(&program->health);
    program->pg_closing.closed = pg_closed;
    pg_end(program->worker.pg, &program->pg_closing);
}

static void fleet_over(struct fleet_end *end)
{
    close_pools(container_of(end, struct program, fleet_end));
}

/* What could not be written by now (the database is away) is settled by the next owner. */
static void patience_over(struct timer *timer)
{
    (void)timer;
    log_warning(NULL, "not drained after %d s: ends as if killed", DRAIN_MAX_S);
    _exit(1);
}

static void program_drain(struct program *program)
{
    if (program->draining)
        return;
    program->draining = true;
    log_info(NULL, "drains");
    process_stopping();
    timer_start(&program->patience, DRAIN_MAX_S * US_PER_SECOND);
    program->fleet_end.over = fleet_over;
    if (program->fleet == NULL)
        close_pools(program);
    else
        fleet_drain(program->fleet, &program->fleet_end);
}

static void database_fit(struct health *health)
{
    struct program *program = container_of(health, struct program, health);
    if (program->draining)
        return;
    program->fleet = fleet_new(&program->worker, program->addresses);
    log_info(NULL, "ready, host %s, pid %lld", program->worker.host, (long long)program->worker.pid);
    process_ready(NULL);
}

static void database_unfit(struct health *health)
{
    struct program *program = container_of(health, struct program, health);
    program->status = 1;
    program_drain(program);
}

static void term_heard(struct signal_watch *watch, int number)
{
    program_drain(number == SIGINT ? container_of(watch, struct program, interrupt)
                                   : container_of(watch, struct program, term));
}

static void traces_heard(struct signal_watch *watch, int number)
{
    (void)watch;
    (void)number;
    trace_toggle_all();
}

static const char *host_name(struct arena *arena)
{
    char *name = arena_bytes(arena, HOST_NAME_MAX + 1);
    if (set.host != NULL)
        return set.host;
    return gethostname(name, HOST_NAME_MAX) == 0 ? name : "localhost";
}

static struct pg *pool(struct loop *loop, const char *user, int64_t connections)
{
    return pg_new(loop, &(struct pg_settings){ .url = set.database_url,
                                               .user = user,
                                               .program = "evenpost-worker",
                                               .connections = (int)connections });
}

static bool worker_fill(struct worker *worker, struct arena *arena)
{
    const char *fault = NULL;
    *worker = (struct worker){
        .loop = loop_new(),
        .clock = clock_open(set.clock, &fault),
        .random = random_new(),
        .host = host_name(arena),
        .pid = getpid(),
        .lock_port = (uint16_t)set.lock_port,
        .takeover_wait_us = set.takeover_wait_s * US_PER_SECOND,
        .close_us = set.close_wait_s * US_PER_SECOND,
        .grace_us = set.permit_grace_s * US_PER_SECOND,
    };
    if (worker->clock == NULL) {
        log_error(NULL, "%s: %s", set.clock, fault);
        return false;
    }
    worker->pg = pool(worker->loop, NULL, set.connections);
    worker->due_pg = pool(worker->loop, "evenpost_due", 1);
    if (worker->pg == NULL || worker->due_pg == NULL)
        return false;
    worker->ledger = ledger_new(&(struct ledger_given){ worker->pg, worker->clock, worker->random });
    worker->routes = routes_new(worker);
    return true;
}

static struct texts addresses_of(struct arena *arena)
{
    struct text *items = arena_make_array(arena, struct text, set.ips.count);
    for (size_t i = 0; i < set.ips.count; i++)
        items[i] = text_of(set.ips.items[i]);
    return (struct texts){ items, set.ips.count };
}

static bool addresses_are_good(struct texts addresses)
{
    struct ip ip;
    for (size_t i = 0; i < addresses.count; i++) {
        if (ip_parse(addresses.items[i], &ip))
            continue;
        fprintf(stderr, "evenpost-worker: --ip %.*s is no IPv4 or IPv6 address\n", TEXT_ARG(addresses.items[i]));
        return false;
    }
    return true;
}

static void watch_signals(struct program *program)
{
    struct loop *loop = program->worker.loop;
    timer_init(&program->patience, loop, patience_over);
    loop_on_signal(loop, &program->term, SIGTERM, term_heard);
    loop_on_signal(loop, &program->interrupt, SIGINT, term_heard);
    loop_on_signal(loop, &program->traces, SIGUSR1, traces_heard);
}

int main(int count, char **words)
{
    struct program program = { .draining = false };
    struct worker *worker = &program.worker;
    struct arena *arena = arena_new();
    settings_read(
        &(struct settings){ "evenpost-worker", "Delivers mail from the IPs that it is given.", rows, COUNT(rows) },
        count, words);
    process_prepare();
    log_open("worker");
    program.addresses = addresses_of(arena);
    if (!addresses_are_good(program.addresses))
        return 2;
    if (!worker_fill(worker, arena))
        return 1;
    watch_signals(&program);
    process_watchdog(worker->loop);
    program.health.ready = database_fit;
    program.health.unfit = database_unfit;
    health_start(&program.health, worker, set.unsafe_is_allowed);
    loop_run(worker->loop);

    fleet_free(&program.fleet);
    routes_free(&worker->routes);
    ledger_free(&worker->ledger);
    loop_free(&worker->loop);
    random_free(&worker->random);
    clock_close(&worker->clock);
    arena_free(&arena);
    return program.status;
}
