/*
 * evenpost-jobs — everything that is not urgent. Many may run; each kind of work is claimed (claim.h, works.h).
 *
 * SIGTERM and SIGINT let the pieces that are under way come to their end, then it goes. While the database is away it does
 * nothing, and looks again every few seconds.
 */

#include <signal.h>
#include <string.h>

#include "io/log.h"
#include "io/pg_check.h"
#include "io/process.h"
#include "io/settings.h"

#include "jobs/works.h"

static struct {
    const char *database_url, *clock_file;
    int64_t connections;
    bool unsafe_is_allowed;
} set;

static const struct setting rows[] = {
    { .name = "database-url",
      .variable = "DATABASE_URL",
      .type = SETTING_TEXT,
      .into = &set.database_url,
      .unit = "URL",
      .required = true,
      .sentence = "The database, as role evenpost_jobs." },
    { .name = "clock",
      .variable = "EVENPOST_CLOCK",
      .type = SETTING_TEXT,
      .into = &set.clock_file,
      .unit = "FILE",
      .sentence = "The clock of this home; without one, the machine's." },
    { .name = "connections",
      .type = SETTING_NUMBER,
      .into = &set.connections,
      .standard = "4",
      .min = 1,
      .max = BOUND_PG_CONNECTIONS,
      .unit = "connections",
      .sentence = "Connections to the database." },
    { .name = "allow-unsafe-database",
      .variable = "EVENPOST_ALLOW_UNSAFE_DATABASE",
      .type = SETTING_SWITCH,
      .into = &set.unsafe_is_allowed,
      .sentence = "Work on a database that forgets what it committed: tests only." },
};

#define CHECK_AGAIN_US (2 * US_PER_SECOND)

struct jobs {
    struct loop *loop;
    struct clock *clock;
    struct random *random;
    struct pg *pool;
    struct ledger *ledger;
    struct crew crew;
    struct work *works[8];
    struct pg_check check;
    struct timer check_again;
    struct signal_watch terminate, interrupt, toggle;
    struct pg_closing closing;
    bool at_work, stopping;
    int status;
};

static void jobs_closed(struct pg_closing *closing)
{
    struct jobs *jobs = container_of(closing, struct jobs, closing);
    loop_stop(jobs->loop);
}

static void jobs_end(struct jobs *jobs)
{
    jobs->closing.closed = jobs_closed;
    pg_end(jobs->pool, &jobs->closing);
}

static void jobs_idle(struct crew *crew)
{
    jobs_end(container_of(crew, struct jobs, crew));
}

/* Before the works began: at once, or when the check that is under way has ended. */
static void jobs_stop(struct jobs *jobs)
{
    if (jobs->stopping)
        return;
    jobs->stopping = true;
    log_info(NULL, "stopping");
    process_stopping();
    if (jobs->at_work) {
        crew_stop(&jobs->crew);
    } else if (timer_is_started(&jobs->check_again)) {
        timer_stop(&jobs->check_again);
        jobs_end(jobs);
    }
}

static void jobs_terminated(struct signal_watch *watch, int number)
{
    (void)number;
    jobs_stop(container_of(watch, struct jobs, terminate));
}

static void jobs_interrupted(struct signal_watch *watch, int number)
{
    (void)number;
    jobs_stop(container_of(watch, struct jobs, interrupt));
}

static void jobs_toggled(struct signal_watch *watch, int number)
{
    (void)watch;
    (void)number;
    trace_toggle_all();
}

static void jobs_work(struct jobs *jobs)
{
    struct work *const works[] = { overdue_work(), waiting_work(), openings_work(), lanes_work(),
                                   expiry_work(),  history_work(), passed_work(),   requests_work() };
    static_assert(COUNT(works) == COUNT(jobs->works), "each work has its place");
    memcpy(jobs->works, works, sizeof(works));
    crew_start(&jobs->crew, &(struct crew_given){ .loop = jobs->loop,
                                                  .pool = jobs->pool,
                                                  .ledger = jobs->ledger,
                                                  .clock = jobs->clock,
                                                  .random = jobs->random,
                                                  .works = jobs->works,
                                                  .count = COUNT(jobs->works),
                                                  .idle = jobs_idle });
    jobs->at_work = true;
    process_ready("works");
}

static void jobs_checked(struct pg_check *check, enum pg_check_word word, const struct pg_facts *facts)
{
    struct jobs *jobs = container_of(check, struct jobs, check);
    if (jobs->stopping) {
        jobs_end(jobs);
        return;
    }
    switch (word) {
    case PG_CHECK_CLOCK:
        log_warning(NULL, "%.*s", TEXT_ARG(facts->words));
        jobs_work(jobs);
        return;
    case PG_CHECK_GOOD: jobs_work(jobs); return;
    case PG_CHECK_UNAVAILABLE:
        log_warning(NULL, "waiting for the database: %.*s", TEXT_ARG(facts->words));
        timer_start(&jobs->check_again, CHECK_AGAIN_US);
        return;
    case PG_CHECK_UNSAFE:
        log_error(NULL, "will not work on this database: %.*s", TEXT_ARG(facts->words));
        jobs->status = 1;
        jobs->stopping = true;
        jobs_end(jobs);
        return;
    }
}

static void jobs_check(struct timer *timer)
{
    struct jobs *jobs = container_of(timer, struct jobs, check_again);
    jobs->check.checked = jobs_checked;
    pg_check_start(&jobs->check, jobs->pool, set.unsafe_is_allowed);
}

static void jobs_start(struct jobs *jobs)
{
    timer_init(&jobs->check_again, jobs->loop, jobs_check);
    timer_start(&jobs->check_again, 0);
    loop_on_signal(jobs->loop, &jobs->terminate, SIGTERM, jobs_terminated);
    loop_on_signal(jobs->loop, &jobs->interrupt, SIGINT, jobs_interrupted);
    loop_on_signal(jobs->loop, &jobs->toggle, SIGUSR1, jobs_toggled);
}

static void jobs_free(struct jobs *jobs)
{
    for (size_t i = 0; i < COUNT(jobs->works); i++)
        memory_free(&jobs->works[i]);
    ledger_free(&jobs->ledger);
    random_free(&jobs->random);
    clock_close(&jobs->clock);
    loop_free(&jobs->loop);
}

int main(int argc, char **argv)
{
    static struct jobs jobs;
    const char *fault = NULL;
    settings_read(&(struct settings){ "evenpost-jobs", "Everything that is not urgent.", rows, COUNT(rows) }, argc,
                  argv);
    log_open("jobs");
    process_prepare();
    jobs.clock = clock_open(set.clock_file, &fault);
    if (jobs.clock == NULL) {
        log_error(NULL, "the clock file %s: %s", set.clock_file, fault);
        return 2;
    }
    jobs.loop = loop_new();
    jobs.random = random_new();
    jobs.pool = pg_new(jobs.loop, &(struct pg_settings){ .url = set.database_url,
                                                         .program = "evenpost-jobs",
                                                         .connections = (int)set.connections });
    if (jobs.pool == NULL)
        return 2;
    jobs.ledger = ledger_new(&(struct ledger_given){ jobs.pool, jobs.clock, jobs.random });
    jobs_start(&jobs);
    process_watchdog(jobs.loop);
    loop_run(jobs.loop);
    jobs_free(&jobs);
    return jobs.status;
}
