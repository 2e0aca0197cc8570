/* io/loop and io/clock: timers in order, tasks in the next turn, a clock file that programs agree on. */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/bounds.h"
#include "base/hash.h"

#include "io/clock.h"
#include "io/loop.h"

enum { TIMERS = 300 };

static struct loop *loop;
static struct {
    struct timer timer;
    int64_t delay_us;
} timers[TIMERS];
static struct timer last;
static size_t fired, out_of_order;
static int64_t latest_us;
static int turns, heard;

static int setup(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    loop_free(&loop);
    return 0;
}

static void timer_fired(struct timer *timer)
{
    size_t at = (size_t)((char *)timer - (char *)timers) / sizeof timers[0];
    out_of_order += timers[at].delay_us < latest_us - 2000;
    latest_us = MAX_OF(latest_us, timers[at].delay_us);
    fired++;
}

static void stop_fired(struct timer *timer)
{
    loop_stop(timer->loop);
}

static void
timers_fire_in_order_and_stopped_ones_never(void **state) /* catches: a heap that loses one when it shrinks */
{
    (void)state;
    size_t stopped = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        timer_init(&timers[i].timer, loop, timer_fired);
        timers[i].delay_us = (int64_t)(hash_mix(i) % 60000);
        timer_start(&timers[i].timer, timers[i].delay_us);
    }
    for (size_t i = 0; i < TIMERS; i += 3, stopped++)
        timer_stop(&timers[i].timer);
    timer_init(&last, loop, stop_fired);
    timer_start(&last, 100000);
    loop_run(loop);
    assert_int_equal(fired, TIMERS - stopped);
    assert_int_equal(out_of_order, 0);
}

static void task_runs(struct task *task)
{
    if (++turns < 5)
        loop_defer(loop, task);
    else
        loop_stop(loop);
}

static void a_task_may_ask_for_another_turn(void **state) /* catches: a loop that sleeps while a task waits */
{
    (void)state;
    struct task task;
    task_init(&task, task_runs);
    loop_defer(loop, &task);
    loop_defer(loop, &task);
    loop_run(loop);
    assert_int_equal(turns, 5);
}

static void signal_heard(struct signal_watch *watch, int number)
{
    (void)watch;
    heard = number;
    loop_stop(loop);
}

static void a_signal_is_heard_on_the_loop(void **state)
{
    (void)state;
    static struct signal_watch watch;
    loop_on_signal(loop, &watch, SIGUSR2, signal_heard);
    kill(getpid(), SIGUSR2);
    loop_run(loop);
    assert_int_equal(heard, SIGUSR2);
}

static void
a_clock_file_stands_runs_and_only_goes_forward(void **state) /* T165; catches: a restarted program going back */
{
    (void)state;
    const char *fault = NULL;
    char file[] = "/tmp/evenpost-clock-XXXXXX";
    struct instant start = { 1795513267000000 };
    int descriptor = mkstemp(file);
    close(descriptor);
    assert_non_null(clock_file_create(file, start, 1000000, false)); /* it exists already */
    unlink(file);
    assert_null(clock_file_create(file, start, 3600LL * 1000000, false));
    struct clock *clock = clock_open(file, &fault);
    assert_non_null(clock);
    assert_true(clock_now(clock).us == start.us && clock_rate(clock) == 0 && !clock_is_real(clock));
    assert_true(clock_wait_us(clock, instant_add(start, US_PER_DAY)) == US_PER_SECOND);
    assert_null(clock_file_run(file));
    struct tick before = clock_tick();
    while (clock_now(clock).us == start.us)
        ;
    assert_true(tick_since(clock_tick(), before) < US_PER_SECOND);
    assert_null(clock_file_rate(file, 0));
    struct instant stands = clock_now(clock);
    assert_non_null(clock_file_forward(file, instant_add(stands, -1)));
    assert_null(clock_file_forward(file, instant_add(stands, US_PER_HOUR)));
    struct clock *other = clock_open(file, &fault); /* as a restarted program sees it */
    assert_true(clock_now(other).us == stands.us + US_PER_HOUR && clock_now(clock).us == clock_now(other).us);
    clock_close(&other);
    clock_close(&clock);
    unlink(file);
}

static void a_clock_of_now_is_the_real_one_until_it_is_moved(void **state)
{
    (void)state;
    const char *fault = NULL;
    char file[] = "/tmp/evenpost-clock-XXXXXX";
    close(mkstemp(file));
    unlink(file);
    assert_null(clock_file_create(file, INSTANT_NONE, 1000000, true));
    struct clock *clock = clock_open(file, &fault);
    assert_true(clock_is_real(clock));
    assert_null(clock_file_rate(file, 1000000));
    assert_true(clock_is_real(clock));
    assert_null(clock_file_forward(file, instant_add(clock_now(clock), US_PER_MINUTE)));
    assert_false(clock_is_real(clock));
    assert_true(clock_wait_us(clock, instant_add(clock_now(clock), 500000)) <= 500001);
    clock_close(&clock);
    unlink(file);
    assert_null(clock_open("/nonexistent/clock", &fault));
    assert_non_null(fault);
}

/* ---- what holds the loop (T179) ---- */

enum { SANITIZERS_COST = 10 };

enum { PAGES = 100000, PAGE = 4096 };

static struct timer busy, sleepy, greedy;

static void busy_fired(struct timer *timer)
{
    (void)timer;
    struct timespec begun, now;
    int64_t used_us = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    while (used_us < SANITIZERS_COST * BOUND_LOOP_US + US_PER_MS) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        used_us = (now.tv_sec - begun.tv_sec) * US_PER_SECOND + (now.tv_nsec - begun.tv_nsec) / 1000;
    }
}

static void sleepy_fired(struct timer *timer)
{
    (void)timer;
    nanosleep(&(struct timespec){ 0, 2 * BOUND_LOOP_US * 1000 }, NULL);
}

/* 390 MiB that nobody touched before: at 2 us a page 200 ms, four times the bound. */
static void touch_pages(void)
{
    char *memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++)
        memory[i * PAGE] = 1;
    munmap(memory, (size_t)PAGES * PAGE);
}

static void greedy_fired(struct timer *timer)
{
    (void)timer;
    touch_pages();
}

/* What the loop says on standard error meanwhile. */
static void run_and_hear(char *said, size_t room)
{
    int ends[2], error = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    loop_run(loop);
    dup2(error, STDERR_FILENO);
    close(ends[1]);
    ssize_t length = read(ends[0], said, room - 1);
    said[MAX_OF(length, 0)] = '\0';
    close(ends[0]);
    close(error);
}

static void what_holds_the_loop_is_named(
    void **state) /* catches: a machine that is busy, or short of memory, taken for a callback that computes */
{
    (void)state;
    char said[2000];
    timer_init(&busy, loop, busy_fired);
    timer_init(&sleepy, loop, sleepy_fired);
    timer_init(&greedy, loop, greedy_fired);
    timer_init(&last, loop, stop_fired);
    timer_start(&sleepy, 0);
    timer_start(&busy, 1000);
    timer_start(&greedy, 2000);
    timer_start(&last, 3000);
    touch_pages(); /* the host of a virtual machine has found them now: what is left is the kernel's work */
    run_and_hear(said, sizeof said);
    assert_non_null(strstr(said, "warning"));
    assert_non_null(strstr(said, "held by busy_fired"));
    assert_null(strstr(said, "sleepy_fired"));
    assert_null(strstr(said, "greedy_fired"));
    assert_null(strstr(said, "stop_fired"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_stopped_ones_never),
        cmocka_unit_test(a_task_may_ask_for_another_turn),
        cmocka_unit_test(a_signal_is_heard_on_the_loop),
        cmocka_unit_test(what_holds_the_loop_is_named),
        cmocka_unit_test(a_clock_file_stands_runs_and_only_goes_forward),
        cmocka_unit_test(a_clock_of_now_is_the_real_one_until_it_is_moved),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
