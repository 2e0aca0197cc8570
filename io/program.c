#include "io/program.h"

#include <signal.h>
#include <string.h>

#include "base/bounds.h"

#include "io/log.h"
#include "io/process.h"

enum { SHARED_ROWS = 4 };

#define LOOK_AGAIN_US US_PER_SECOND
#define LOOK_CLOCK_US (5 * US_PER_SECOND)

/* ---- settings ---- */

static void fill_shared(struct program *program, struct setting rows[SHARED_ROWS])
{
    rows[0] = (struct setting){ .name = "database-url",
                                .variable = "DATABASE_URL",
                                .type = SETTING_TEXT,
                                .into = &program->database_url,
                                .required = true,
                                .unit = "URL",
                                .sentence = "The database, with this program's role as its user." };
    rows[1] = (struct setting){ .name = "clock",
                                .variable = "EVENPOST_CLOCK",
                                .type = SETTING_TEXT,
                                .into = &program->clock_file,
                                .unit = "FILE",
                                .sentence = "The clock file of this home; without one the machine's clock." };
    rows[2] = (struct setting){ .name = "connections",
                                .variable = "EVENPOST_CONNECTIONS",
                                .type = SETTING_NUMBER,
                                .into = &program->connection_count,
                                .standard = program->connections,
                                .min = 1,
                                .max = BOUND_PG_CONNECTIONS,
                                .unit = "connections",
                                .sentence = "Connections to the database." };
    rows[3] = (struct setting){ .name = "allow-unsafe-database",
                                .variable = "EVENPOST_ALLOW_UNSAFE_DATABASE",
                                .type = SETTING_SWITCH,
                                .into = &program->unsafe_is_allowed,
                                .sentence = "For tests: take a database that may forget what it committed." };
}

static void read_settings(struct program *program, int argc, char **argv)
{
    static struct setting *rows; /* as long as the program: --help may be asked of them */
    size_t count = program->row_count + SHARED_ROWS;
    rows = memory_make_array(struct setting, count);
    fill_shared(program, rows);
    if (program->row_count > 0)
        memcpy(rows + SHARED_ROWS, program->rows, program->row_count * sizeof *rows);
    settings_read(&(struct settings){ program->name, program->sentence, rows, count }, argc, argv);
    memory_free(&rows);
}

void program_fail(const struct program *program, const char *sentence, const char *about)
{
    fprintf(stderr, "%s: %s%s%s\n", program->name, about == NULL ? "" : about, about == NULL ? "" : ": ", sentence);
    exit(2);
}

/* ---- the database ---- */

struct pg *program_pool(struct program *program, const char *user, int connections)
{
    assert(program->pool_count < PROGRAM_POOLS_MAX);
    struct pg *pool = pg_new(program->loop, &(struct pg_settings){ .url = program->database_url,
                                                                   .user = user,
                                                                   .program = program->name,
                                                                   .connections = connections,
                                                                   .waiting_max = BOUND_PG_QUEUE });
    if (pool == NULL)
        program_fail(program, "the URL cannot be read", "--database-url");
    program->pools[program->pool_count++] = (struct program_pool){ .program = program, .pool = pool };
    return pool;
}

static void stop(struct program *program)
{
    if (program->stopping)
        return;
    program->stopping = true;
    log_info(NULL, "ends");
    process_stopping();
    program->stop(program);
}

static void begin(struct program *program)
{
    if (program->begun || program->stopping)
        return;
    program->begun = true;
    program->begin(program);
}

static void close_pools(struct program *program);

/* A look during which the wall clock was set says nothing of it. */
static void compare_clocks(struct program *program, enum pg_check_word word)
{
    bool set_meanwhile = llabs(clock_step_us(program->clock) - program->look_step_us) > BOUND_CLOCK_SKEW_US;
    if (set_meanwhile || (word != PG_CHECK_GOOD && word != PG_CHECK_CLOCK))
        return;
    if (program->disagreed && word == PG_CHECK_GOOD)
        clock_correct(program->clock);
    program->disagreed = word == PG_CHECK_CLOCK;
}

static void look_again(struct program *program, enum pg_check_word word)
{
    if (word == PG_CHECK_UNAVAILABLE && !program->begun)
        timer_start(&program->look, LOOK_AGAIN_US);
    else if (program->disagreed)
        timer_start(&program->look, LOOK_CLOCK_US);
    else if (program->look_us > 0)
        timer_start(&program->look, program->look_us);
}

static void checked(struct pg_check *check, enum pg_check_word word, const struct pg_facts *facts)
{
    struct program *program = container_of(check, struct program, check);
    program->checking = false;
    bool told = word == PG_CHECK_CLOCK && program->disagreed;
    if (word != PG_CHECK_GOOD && !told)
        log_line(word == PG_CHECK_UNSAFE ? LOG_ERROR : LOG_WARNING, NULL, "%.*s", TEXT_ARG(facts->words));
    if (program->closing) {
        close_pools(program);
        return;
    }
    compare_clocks(program, word);
    if (program->looked != NULL)
        program->looked(program, word);
    if (word == PG_CHECK_UNSAFE) {
        program->status = 1;
        stop(program);
        return;
    }
    look_again(program, word);
    if (word != PG_CHECK_UNAVAILABLE)
        begin(program);
}

static void look_fired(struct timer *timer)
{
    struct program *program = container_of(timer, struct program, look);
    program->checking = true;
    program->look_step_us = clock_step_us(program->clock);
    program->check.checked = checked;
    pg_check_start(&program->check, program->pool, program->unsafe_is_allowed);
}

/* ---- signals ---- */

static void term_heard(struct signal_watch *watch, int number)
{
    (void)number;
    stop(container_of(watch, struct program, term));
}

static void interrupt_heard(struct signal_watch *watch, int number)
{
    (void)number;
    stop(container_of(watch, struct program, interrupt));
}

/* The terminal that it was started from is gone. */
static void hangup_heard(struct signal_watch *watch, int number)
{
    (void)number;
    stop(container_of(watch, struct program, hangup));
}

static void traces_heard(struct signal_watch *watch, int number)
{
    (void)watch;
    (void)number;
    trace_toggle_all();
}

/* ---- its life ---- */

void program_open(struct program *program, int argc, char **argv)
{
    const char *fault = NULL;
    const char *dash = strrchr(program->name, '-');
    read_settings(program, argc, argv);
    if (!process_prepare())
        program_fail(program, "too few descriptors may be open (RLIMIT_NOFILE): 64 at least", NULL);
    log_open(dash == NULL ? program->name : dash + 1);
    program->clock = clock_open(program->clock_file, &fault);
    if (program->clock == NULL)
        program_fail(program, fault, program->clock_file);
    program->loop = loop_new();
    program->random = random_new();
    program->pool = program_pool(program, NULL, (int)program->connection_count);
    timer_init(&program->look, program->loop, look_fired);
}

int program_run(struct program *program)
{
    loop_on_signal(program->loop, &program->term, SIGTERM, term_heard);
    loop_on_signal(program->loop, &program->interrupt, SIGINT, interrupt_heard);
    loop_on_signal(program->loop, &program->hangup, SIGHUP, hangup_heard);
    loop_on_signal(program->loop, &program->traces, SIGUSR1, traces_heard);
    process_watchdog(program->loop);
    timer_start(&program->look, 0);
    loop_run(program->loop);
    return program->status;
}

static void pool_closed(struct pg_closing *closing)
{
    struct program *program = container_of(closing, struct program_pool, closing)->program;
    if (--program->pools_open == 0)
        loop_stop(program->loop);
}

static void close_pools(struct program *program)
{
    program->pools_open = program->pool_count;
    for (size_t i = 0; i < program->pool_count; i++) {
        program->pools[i].closing.closed = pool_closed;
        pg_end(program->pools[i].pool, &program->pools[i].closing);
    }
}

void program_close(struct program *program)
{
    timer_stop(&program->look);
    program->closing = true;
    if (!program->checking)
        close_pools(program);
}

void program_free(struct program *program)
{
    loop_free(&program->loop);
    random_free(&program->random);
    clock_close(&program->clock);
}
