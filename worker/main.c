/*
 * evenpost-worker — delivers mail from the IPs that it is given, one lane each.
 *
 * SIGTERM drains: conversations end, outcomes are written, permits come home. A dot's reply is waited for as long as
 * --drain-wait says; what has not ended LAST_S after that is left to the next owner, as if this process had been killed.
 */

#include <limits.h>
#include <unistd.h>

#include "base/bounds.h"

#include "io/host_lock.h"
#include "io/log.h"
#include "io/process.h"
#include "io/program.h"

#include "worker/fleet.h"
#include "worker/health.h"
#include "worker/routes.h"

enum { LAST_S = 35 }; /* QUIT, the receiver's close, the outcomes */

static struct {
    const char *host;
    struct setting_texts ips;
    int64_t takeover_wait_s, close_wait_s, permit_settle_ms, permit_grace_s, drain_wait_s, lock_port;
} set;

static const struct setting rows[] = {
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
    { .name = "permit-settle",
      .variable = "EVENPOST_PERMIT_SETTLE",
      .type = SETTING_NUMBER,
      .into = &set.permit_settle_ms,
      .standard = "1000",
      .min = 0,
      .max = 60000,
      .unit = "milliseconds",
      .sentence =
          "How long after a receiver's close nothing is opened in its place: it may close first and count after." },
    { .name = "permit-grace",
      .variable = "EVENPOST_PERMIT_GRACE",
      .type = SETTING_NUMBER,
      .into = &set.permit_grace_s,
      .standard = "30",
      .min = 0,
      .max = 600,
      .unit = "seconds",
      .sentence = "How long nothing is opened in the place of a connection that was reset: it may still be counted." },
    { .name = "drain-wait",
      .variable = "EVENPOST_DRAIN_WAIT",
      .type = SETTING_NUMBER,
      .into = &set.drain_wait_s,
      .standard = "50",
      .min = 0,
      .max = 3600,
      .unit = "seconds",
      .sentence = "How long a stop waits for the reply to a dot, before the message is unconfirmed. RFC 5321 allows "
                  "ten minutes." },
    { .name = "lock-port",
      .variable = "EVENPOST_LOCK_PORT",
      .type = SETTING_NUMBER,
      .into = &set.lock_port,
      .standard = "25025",
      .min = 1024,
      .max = 32767,
      .unit = "port",
      .sentence = "The port of each address that is the lock of its lane; one for all homes of a host." },
};

static struct sender {
    struct program program;
    struct worker worker;
    struct health health;
    struct fleet *fleet; /* NULL until the database is known to be fit */
    struct texts addresses;
    struct fleet_end fleet_end;
    struct timer patience;
} sender = { .program = { .name = "evenpost-worker",
                          .sentence = "Delivers mail from the IPs that it is given.",
                          .rows = rows,
                          .row_count = COUNT(rows),
                          .connections = "4",
                          .look_us = US_PER_MINUTE } };

/* ---- begin and end ---- */

static void sender_begin(struct program *program)
{
    struct sender *self = container_of(program, struct sender, program);
    self->fleet = fleet_new(&self->worker, self->addresses);
    log_info(NULL, "ready, host %s, pid %lld", self->worker.host, (long long)self->worker.pid);
    process_ready(NULL);
}

static void sender_close(struct sender *self)
{
    timer_stop(&self->patience);
    health_stop(&self->health);
    program_close(&self->program);
}

static void fleet_over(struct fleet_end *end)
{
    sender_close(container_of(end, struct sender, fleet_end));
}

static void patience_over(struct timer *timer)
{
    (void)timer;
    log_warning(NULL, "not drained after %lld s: ends as if killed", (long long)(set.drain_wait_s + LAST_S));
    _exit(1);
}

static void sender_stop(struct program *program)
{
    struct sender *self = container_of(program, struct sender, program);
    timer_start(&self->patience, (set.drain_wait_s + LAST_S) * US_PER_SECOND);
    self->fleet_end.over = fleet_over;
    if (self->fleet == NULL)
        sender_close(self);
    else
        fleet_drain(self->fleet, &self->fleet_end);
}

static void sender_looked(struct program *program, enum pg_check_word word)
{
    health_looked(&container_of(program, struct sender, program)->health, word);
}

/* ---- what it stands on ---- */

static const char *host_name(struct arena *arena)
{
    char *name = arena_bytes(arena, HOST_NAME_MAX + 1);
    if (set.host != NULL)
        return set.host;
    return gethostname(name, HOST_NAME_MAX) == 0 ? name : "localhost";
}

static struct texts addresses_of(struct arena *arena, const struct program *program)
{
    struct ip ip;
    struct text *items = arena_make_array(arena, struct text, set.ips.count);
    for (size_t i = 0; i < set.ips.count; i++) {
        items[i] = text_of(set.ips.items[i]);
        if (!ip_parse(items[i], &ip))
            program_fail(program, "--ip wants an IPv4 or IPv6 address", set.ips.items[i]);
    }
    return (struct texts){ items, set.ips.count };
}

static void worker_fill(struct worker *worker, struct program *program, struct arena *arena)
{
    *worker = (struct worker){
        .loop = program->loop,
        .clock = program->clock,
        .random = program->random,
        .pg = program->pool,
        .due_pg = program_pool(program, "evenpost_due", 1),
        .host = host_name(arena),
        .place = host_lock_place(arena),
        .pid = getpid(),
        .lock_port = (uint16_t)set.lock_port,
        .takeover_wait_us = set.takeover_wait_s * US_PER_SECOND,
        .close_us = set.close_wait_s * US_PER_SECOND,
        .settle_us = set.permit_settle_ms * US_PER_MS,
        .grace_us = set.permit_grace_s * US_PER_SECOND,
        .drain_us = set.drain_wait_s * US_PER_SECOND,
    };
    worker->ledger = ledger_new(&(struct ledger_given){ worker->pg, worker->clock, worker->random });
    worker->routes = routes_new(worker);
}

int main(int argc, char **argv)
{
    struct program *program = &sender.program;
    struct arena *arena = arena_new();
    program->begin = sender_begin;
    program->stop = sender_stop;
    program->looked = sender_looked;
    program_open(program, argc, argv);
    sender.addresses = addresses_of(arena, program);
    worker_fill(&sender.worker, program, arena);
    timer_init(&sender.patience, program->loop, patience_over);
    health_start(&sender.health, &sender.worker);
    int status = program_run(program);

    fleet_free(&sender.fleet);
    routes_free(&sender.worker.routes);
    ledger_free(&sender.worker.ledger);
    program_free(program);
    arena_free(&arena);
    return status;
}
