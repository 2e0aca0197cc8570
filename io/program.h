/*
 * program — what every program on the database does the same way: the settings that all have, the loop, the clock, the
 * pool, a database that is looked at before anything is promised on it, signals, and the end.
 *
 * One life: program_open() reads the settings and makes what is made; program_run() looks at the database until it is
 * fit and calls `begin`, once; on SIGTERM, SIGINT or SIGHUP, or when the database is one that forgets, it calls `stop`, once,
 * and the program ends what is under way and calls program_close(): the pools close, and program_run() gives the status.
 * `stop` may come before `begin`, and then `begin` never does. SIGUSR1 turns all traces on and off.
 *
 * While this host's clock and the database's disagree the database is looked at every few seconds; when they agree again, the
 * one that was wrong has been corrected, and real time is reckoned from then on (clock_correct).
 */
#pragma once

#include "io/clock.h"
#include "io/loop.h"
#include "io/pg_check.h"
#include "io/random.h"
#include "io/settings.h"

enum { PROGRAM_POOLS_MAX = 2 };

struct program {
    const char *name; /* given, all of these: "evenpost-worker" */
    const char *sentence;
    const struct setting *rows; /* its own, beside those that all have */
    size_t row_count;
    const char *connections; /* to the database, where nothing else is set */
    void (*begin)(struct program *program);
    void (*stop)(struct program *program);
    void (*looked)(struct program *program, enum pg_check_word word); /* NULL; or: hears every look at the database, */
    int64_t look_us; /* which is taken again every so often; 0: only until it is fit */

    struct loop *loop; /* made */
    struct clock *clock;
    struct random *random;
    struct pg *pool;

    const char *database_url, *clock_file; /* its own */
    int64_t connection_count;
    bool unsafe_is_allowed, begun, stopping, checking, closing;
    bool disagreed;       /* the clocks, at the last look */
    int64_t look_step_us; /* clock_step_us() when the look was begun */
    struct pg_check check;
    struct timer look;
    struct signal_watch term, interrupt, hangup, traces;
    struct program_pool {
        struct program *program;
        struct pg *pool;
        struct pg_closing closing;
    } pools[PROGRAM_POOLS_MAX];
    size_t pool_count, pools_open;
    int status;
};

/* Exits 2 where a setting is wrong, 0 after --help. */
void program_open(struct program *program, int argc, char **argv);
/* A second pool of the same database, as another user. */
struct pg *program_pool(struct program *program, const char *user, int connections);
int program_run(struct program *program);
void program_close(struct program *program);
void program_free(struct program *program); /* after everything that stands on it */

/* Says what is wrong with a setting's value, and exits 2. */
NORETURN void program_fail(const struct program *program, const char *sentence, const char *about);
