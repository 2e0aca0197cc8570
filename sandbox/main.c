#include "base/ip.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/settings.h"

#include "sandbox/behaviour.h"
#include "sandbox/folder.h"
#include "sandbox/host.h"
#include "sandbox/http.h"
#include "sandbox/pages.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

static struct {
    const char *smtp, *http, *profile, *clock, *stall, *drop, *inbox_dir;
    int64_t limit, seed, close_late_ms, greylist_s, messages, inbox_max;
    bool never_close;
} set;

static const struct setting rows[] = {
    { .name = "smtp",
      .variable = "EVENPOST_SANDBOX_SMTP",
      .type = SETTING_TEXT,
      .into = &set.smtp,
      .standard = "127.0.0.1:2525",
      .unit = "ADDRESS:PORT",
      .sentence = "Where mail is received." },
    { .name = "http",
      .variable = "EVENPOST_SANDBOX_HTTP",
      .type = SETTING_TEXT,
      .into = &set.http,
      .standard = "127.0.0.1:8026",
      .unit = "ADDRESS:PORT",
      .sentence = "Where the inbox and the record are shown." },
    { .name = "profile",
      .type = SETTING_TEXT,
      .into = &set.profile,
      .standard = "strict",
      .unit = "PROFILE",
      .sentence = "strict: two connections of a source. gmail: 421 4.4.5 now and then from three, always above five. "
                  "lax: no limit." },
    { .name = "limit",
      .type = SETTING_NUMBER,
      .into = &set.limit,
      .standard = "-1",
      .min = -1,
      .max = BEHAVIOUR_LIMIT_MAX,
      .unit = "connections",
      .sentence = "Connections that a source may have open; 0: any number; -1: as the profile says." },
    { .name = "seed",
      .type = SETTING_NUMBER,
      .into = &set.seed,
      .standard = "0",
      .min = 0,
      .max = INT64_MAX,
      .unit = "seed",
      .sentence = "Makes the profile's chances repeatable; 0: they are not." },
    { .name = "close-late-ms",
      .type = SETTING_NUMBER,
      .into = &set.close_late_ms,
      .standard = "0",
      .min = 0,
      .max = BEHAVIOUR_US_MAX / US_PER_MS,
      .unit = "ms",
      .sentence = "How long a connection stays open after QUIT." },
    { .name = "never-close",
      .type = SETTING_SWITCH,
      .into = &set.never_close,
      .standard = "no",
      .sentence = "Never close after QUIT (but within an hour)." },
    { .name = "stall",
      .type = SETTING_TEXT,
      .into = &set.stall,
      .unit = "STAGE",
      .sentence = "Say nothing any more at this stage: greeting, ehlo, mail, rcpt, data, dot or quit." },
    { .name = "drop",
      .type = SETTING_TEXT,
      .into = &set.drop,
      .unit = "STAGE",
      .sentence = "Close without a word at this stage." },
    { .name = "greylist-s",
      .type = SETTING_NUMBER,
      .into = &set.greylist_s,
      .standard = "300",
      .min = 0,
      .max = BEHAVIOUR_US_MAX / US_PER_SECOND,
      .unit = "s",
      .sentence = "How long greylist@ keeps a first try waiting." },
    { .name = "messages",
      .type = SETTING_NUMBER,
      .into = &set.messages,
      .standard = "0",
      .min = 0,
      .max = BEHAVIOUR_LIMIT_MAX,
      .unit = "messages",
      .sentence = "Messages that are taken on a connection before it is closed without a word; 0: any number." },
    { .name = "inbox-max",
      .type = SETTING_NUMBER,
      .into = &set.inbox_max,
      .standard = "10000",
      .min = 1,
      .max = INBOX_MAX,
      .unit = "messages",
      .sentence = "Messages that are kept to look at; the oldest go first." },
    { .name = "inbox-dir",
      .type = SETTING_TEXT,
      .into = &set.inbox_dir,
      .unit = "DIRECTORY",
      .sentence = "Where a copy of each message is kept as N.eml; without one only in memory." },
    { .name = "clock",
      .variable = "EVENPOST_CLOCK",
      .type = SETTING_TEXT,
      .into = &set.clock,
      .unit = "FILE",
      .sentence = "The clock file of the home; without one the machine's clock." },
};

struct sandbox {
    struct loop *loop;
    struct clock *clock;
    struct behaviour behaviour;
    struct host host;
    struct folder *folder;
    struct shown shown;
    struct http *http;
    struct signal_watch term, interrupt, user;
};

static int fail(const char *what, const char *why)
{
    log_error(NULL, "%s: %s", what, why);
    return 2;
}

static bool set_stage(const char *name, struct behaviour *behaviour, bool stall)
{
    enum stage stage;
    if (name == NULL)
        return true;
    if (!stage_of(text_of(name), &stage))
        return false;
    if (stall)
        behaviour->at[stage].stall = true;
    else
        behaviour->at[stage].drop = true;
    return true;
}

static bool set_behaviour(struct behaviour *behaviour)
{
    enum profile profile;
    if (!profile_of(text_of(set.profile), &profile))
        return false;
    *behaviour = behaviour_of(profile);
    if (set.limit >= 0)
        behaviour->limit = (size_t)set.limit;
    behaviour->close_late_us = set.close_late_ms * US_PER_MS;
    behaviour->greylist_us = set.greylist_s * US_PER_SECOND;
    behaviour->messages = (size_t)set.messages;
    behaviour->never_close = set.never_close;
    return set_stage(set.stall, behaviour, true) && set_stage(set.drop, behaviour, false);
}

static void stop_heard(struct signal_watch *watch, int number)
{
    struct sandbox *sandbox =
        number == SIGTERM ? container_of(watch, struct sandbox, term) : container_of(watch, struct sandbox, interrupt);
    process_stopping();
    log_info(NULL, "stops");
    loop_stop(sandbox->loop);
}

static void traces_heard(struct signal_watch *watch, int number)
{
    (void)watch, (void)number;
    trace_toggle_all();
}

/* 0, or the status to exit with. */
static int sandbox_make(struct sandbox *sandbox)
{
    struct hash_key seed;
    uint64_t first = 1;
    size_t max = (size_t)set.inbox_max;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        unreachable("the kernel gives sixteen random octets at once");
    sandbox->loop = loop_new();
    if (set.inbox_dir != NULL) {
        sandbox->folder = folder_open(sandbox->loop, set.inbox_dir, max, &first);
        if (sandbox->folder == NULL)
            return fail(set.inbox_dir, strerror(errno));
    }
    sandbox->host = (struct host){
        .loop = sandbox->loop,
        .clock = sandbox->clock,
        .behaviour = &sandbox->behaviour,
        .greylist = greylist_new(seed),
        .record = record_new(seed),
        .luck = set.seed == 0 ? seed.low : (uint64_t)set.seed,
        .inbox = inbox_new(max, first, sandbox->folder),
    };
    sandbox->shown = (struct shown){
        .behaviour = &sandbox->behaviour,
        .record = sandbox->host.record,
        .inbox = sandbox->host.inbox,
        .greylist = sandbox->host.greylist,
    };
    pages_init(&sandbox->shown);
    return 0;
}

/* 0, or the status to exit with. */
static int sandbox_listen(struct sandbox *sandbox)
{
    struct ip ip;
    uint16_t port;
    const char *fault;
    if (!settings_address(set.smtp, &ip, &port))
        return fail("--smtp", "wants ADDRESS:PORT");
    if (!host_begin(&sandbox->host, ip, port, &fault))
        return fail(set.smtp, fault);
    if (!settings_address(set.http, &ip, &port))
        return fail("--http", "wants ADDRESS:PORT");
    sandbox->http = http_new(sandbox->loop, ip, port, &sandbox->shown.pages);
    return sandbox->http == NULL ? fail(set.http, strerror(errno)) : 0;
}

static void sandbox_run(struct sandbox *sandbox)
{
    loop_on_signal(sandbox->loop, &sandbox->term, SIGTERM, stop_heard);
    loop_on_signal(sandbox->loop, &sandbox->interrupt, SIGINT, stop_heard);
    loop_on_signal(sandbox->loop, &sandbox->user, SIGUSR1, traces_heard);
    log_info(NULL, "ready: SMTP on %s, HTTP on %s, profile %s", set.smtp, set.http,
             profile_name(sandbox->behaviour.profile));
    process_watchdog(sandbox->loop);
    process_ready("receives");
    loop_run(sandbox->loop);
}

static void sandbox_free(struct sandbox *sandbox)
{
    if (sandbox->host.listener != NULL)
        host_end(&sandbox->host);
    http_free(&sandbox->http);
    folder_close(&sandbox->folder);
    loop_free(&sandbox->loop);
    inbox_free(&sandbox->host.inbox);
    record_free(&sandbox->host.record);
    greylist_free(&sandbox->host.greylist);
    clock_close(&sandbox->clock);
}

int main(int argc, char **argv)
{
    static struct sandbox sandbox;
    const char *fault;
    settings_read(
        &(struct settings){ "evenpost-sandbox", "A strict receiver that counts what it sees.", rows, COUNT(rows) },
        argc, argv);
    log_open("evenpost-sandbox");
    if (!process_prepare())
        return fail("RLIMIT_NOFILE", "too few descriptors may be open: 64 at least");
    if (!set_behaviour(&sandbox.behaviour))
        return fail("--profile, --stall or --drop", "is a word that is not known; see --help");
    sandbox.clock = clock_open(set.clock, &fault);
    if (sandbox.clock == NULL)
        return fail(set.clock == NULL ? "clock" : set.clock, fault);
    int status = sandbox_make(&sandbox);
    if (status == 0)
        status = sandbox_listen(&sandbox);
    if (status == 0)
        sandbox_run(&sandbox);
    sandbox_free(&sandbox);
    return status;
}
