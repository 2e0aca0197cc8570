/*
 * clock — the only place that asks for the time.
 *
 * The wall clock of a home is the machine's, or a clock file that all programs of that home map (EVENPOST_CLOCK): a
 * start, the real moment it stands for, and a rate. They agree, a restarted one does not go back, and a person or a test
 * can jump forward. Only what the rules own is scaled: deadlines of I/O use struct tick, which is always real.
 */
#pragma once

#include "base/instant.h"

struct clock;

/* file NULL: the machine's clock. NULL if the file cannot be used; *fault says why (static words). Yours. */
struct clock *clock_open(const char *file, const char **fault);
void clock_close(struct clock **clock);

struct instant clock_now(const struct clock *clock);
struct tick clock_tick(void);    /* CLOCK_BOOTTIME: real, goes on in suspend, never back */
struct instant clock_wall(void); /* the machine's own wall clock: logs, webhook-timestamp */

/* The machine's clock, or a file that was never jumped or scaled. */
bool clock_is_real(const struct clock *clock);
double clock_rate(const struct clock *clock); /* 0 while it stands still */

/*
 * Real µs to wait until the clock shows that instant, 0 if it does. Somebody may jump meanwhile: a scaled clock's answer
 * is never above a second, so look again then.
 */
int64_t clock_wait_us(const struct clock *clock, struct instant until);

/*
 * Real time that nobody sets: the wall clock as it was at clock_open(), gone on with CLOCK_BOOTTIME. For what programs tell
 * each other of their lives, so that whose wall clock is set wrong is not taken for dead (T165).
 */
struct instant clock_steady(const struct clock *clock);

/* The machine's wall clock was wrong and is right now: real time that nobody sets, and its steps, are reckoned from here. */
void clock_correct(struct clock *clock);

/* How far the machine's wall clock has moved against CLOCK_BOOTTIME since clock_open() or clock_correct(), µs. */
int64_t clock_step_us(const struct clock *clock);

/* ---- a clock file's makers: tools/clock.c and tests ---- */

struct clock_setting {
    struct instant start, since; /* since: the real moment that start stands for */
    int64_t rate_millionths;     /* 1,000,000: as fast as real time */
    bool running;
};

/* All give NULL, or what is wrong (static words). A file is changed under a lock, for readers at one stroke. */
const char *clock_file_create(const char *file, struct instant start, int64_t rate_millionths, bool running);
const char *clock_file_read(const char *file, struct clock_setting *setting);
const char *clock_file_run(const char *file); /* from where it stands */
const char *clock_file_rate(const char *file, int64_t rate_millionths);
const char *clock_file_forward(const char *file, struct instant to); /* refuses to go back */
struct instant clock_setting_now(const struct clock_setting *setting, struct instant real);
