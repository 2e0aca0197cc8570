#include "io/loop.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <uv.h>

#include "base/bounds.h"

#include "io/clock.h"
#include "io/log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 10 }; /* what the sanitizers cost */
#else
enum { SLOWER = 1 };
#endif

struct loop {
    uv_loop_t uv;
    uv_timer_t alarm;    /* rings for the first timer of the heap */
    uv_prepare_t before; /* sets the alarm before the loop sleeps */
    uv_check_t after;    /* runs tasks after it woke */
    uv_idle_t awake;     /* keeps it from sleeping while tasks wait */
    uv_async_t stop;
    struct timer **heap; /* from 1 */
    size_t timers, room;
    struct list tasks, signals;
};

/* Of the loop that runs: where its last callback left the clocks. */
static struct {
    struct loop *loop; /* NULL: none runs */
    int64_t cpu_us, real_us, pages;
} watched;

struct signal_handle {
    uv_signal_t uv;
    struct link link;
    struct list watches;
};

/* ---- what holds the loop ---- */

static int64_t cpu_us(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
        unreachable("a thread cannot read its CPU time");
    return (int64_t)time.tv_sec * US_PER_SECOND + time.tv_nsec / 1000;
}

static int64_t real_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

/* Pages of memory that the kernel had to find for this thread. */
static int64_t pages(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        unreachable("a thread cannot read its usage");
    return usage.ru_minflt;
}

void loop_ran(const char *what)
{
    if (watched.loop == NULL)
        return;
    int64_t woke_us = (int64_t)uv_now(&watched.loop->uv) * US_PER_MS; /* it slept until then, if it slept */
    int64_t cpu_before_us = watched.cpu_us, before_us = MAX_OF(watched.real_us, woke_us);
    int64_t pages_before = watched.pages;
    watched.cpu_us = cpu_us();
    watched.real_us = real_us();
    watched.pages = pages();
    long long found = watched.pages - pages_before;
    long long cpu_ms = (watched.cpu_us - cpu_before_us) / US_PER_MS, ms = (watched.real_us - before_us) / US_PER_MS;
    if (cpu_ms >= (SLOWER * BOUND_LOOP_US + found * BOUND_PAGE_US) / US_PER_MS)
        log_warning("loop", "held by %s for %lld ms of CPU time, %lld ms in all, %lld pages of memory found for it",
                    what, cpu_ms, ms, found);
    else if (ms >= SLOWER * BOUND_LOOP_US / US_PER_MS)
        log_debug("loop", "%s took %lld ms, %lld ms of CPU time: it waited, or the machine was busy", what, ms, cpu_ms);
}

/* ---- timers ---- */

static void heap_put(struct loop *loop, size_t place, struct timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct loop *loop, size_t place)
{
    struct timer *timer = loop->heap[place];
    for (; place > 1 && tick_before(timer->at, loop->heap[place / 2]->at); place /= 2)
        heap_put(loop, place, loop->heap[place / 2]);
    heap_put(loop, place, timer);
}

static void heap_down(struct loop *loop, size_t place)
{
    struct timer *timer = loop->heap[place];
    for (size_t child; (child = place * 2) <= loop->timers; place = child) {
        if (child < loop->timers && tick_before(loop->heap[child + 1]->at, loop->heap[child]->at))
            child++;
        if (!tick_before(loop->heap[child]->at, timer->at))
            break;
        heap_put(loop, place, loop->heap[child]);
    }
    heap_put(loop, place, timer);
}

void timer_init_named(struct timer *timer, struct loop *loop, void (*fired)(struct timer *timer), const char *name)
{
    *timer = (struct timer){ .fired = fired, .name = name, .loop = loop };
}

bool timer_is_started(const struct timer *timer)
{
    return timer->place != 0;
}

void timer_stop(struct timer *timer)
{
    struct loop *loop = timer->loop;
    size_t place = timer->place;
    if (place == 0)
        return;
    assert(loop->heap[place] == timer);
    struct timer *last = loop->heap[loop->timers--];
    timer->place = 0;
    if (last == timer)
        return;
    heap_put(loop, place, last);
    heap_up(loop, place);
    heap_down(loop, last->place);
}

void timer_start(struct timer *timer, int64_t delay_us)
{
    struct loop *loop = timer->loop;
    timer_stop(timer);
    timer->at = tick_add(clock_tick(), MAX_OF(delay_us, 0));
    if (loop->timers + 2 > loop->room) {
        loop->room = MAX_OF((size_t)64, size_mul(loop->room, 2));
        loop->heap = memory_resize(loop->heap, loop->room, sizeof(struct timer *));
    }
    heap_put(loop, ++loop->timers, timer);
    heap_up(loop, loop->timers);
}

/* ---- tasks ---- */

void task_init_named(struct task *task, void (*run)(struct task *task), const char *name)
{
    task->run = run;
    task->name = name;
    link_init(&task->link);
}

static void awake_turn(uv_idle_t *idle)
{
    (void)idle;
}

void loop_defer(struct loop *loop, struct task *task)
{
    if (!link_is_free(&task->link))
        return;
    list_append(&loop->tasks, &task->link);
    uv_idle_start(&loop->awake, awake_turn);
}

void task_cancel(struct task *task)
{
    list_remove(&task->link);
}

static void run_timers(struct loop *loop)
{
    struct tick now = clock_tick();
    while (loop->timers > 0 && !tick_before(now, loop->heap[1]->at)) {
        struct timer *timer = loop->heap[1];
        const char *name = timer->name;
        timer_stop(timer);
        timer->fired(timer);
        loop_ran(name);
    }
}

/* Only what waits now: a task that defers itself again runs in the next turn. */
static void run_tasks(struct loop *loop)
{
    struct list now;
    list_init(&now);
    for (struct link *link; (link = list_take_first(&loop->tasks)) != NULL;)
        list_append(&now, link);
    for (struct link *link; (link = list_take_first(&now)) != NULL;) {
        struct task *task = container_of(link, struct task, link);
        const char *name = task->name;
        task->run(task);
        loop_ran(name);
    }
    if (list_is_empty(&loop->tasks))
        uv_idle_stop(&loop->awake);
}

static void loop_woke(uv_check_t *check)
{
    struct loop *loop = check->data;
    run_timers(loop);
    run_tasks(loop);
}

static void alarm_rang(uv_timer_t *timer)
{
    (void)timer; /* it woke the loop; loop_woke() does the rest */
}

static void loop_sleeps(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    loop_ran("a callback of libuv");
    if (loop->timers == 0) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    int64_t delay_us = MAX_OF(tick_since(loop->heap[1]->at, clock_tick()), 0);
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->alarm, alarm_rang, (uint64_t)((delay_us + US_PER_MS - 1) / US_PER_MS), 0);
}

static void stop_heard(uv_async_t *async)
{
    uv_stop(async->loop);
}

struct loop *loop_new(void)
{
    struct loop *loop = memory_make(struct loop);
    int fault = uv_loop_init(&loop->uv);
    if (fault == 0)
        fault = uv_timer_init(&loop->uv, &loop->alarm) | uv_prepare_init(&loop->uv, &loop->before) |
                uv_check_init(&loop->uv, &loop->after) | uv_idle_init(&loop->uv, &loop->awake) |
                uv_async_init(&loop->uv, &loop->stop, stop_heard);
    if (fault != 0)
        unreachable("libuv cannot make a loop");
    list_init(&loop->tasks);
    list_init(&loop->signals);
    loop->before.data = loop->after.data = loop;
    uv_prepare_start(&loop->before, loop_sleeps);
    uv_check_start(&loop->after, loop_woke);
    return loop;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

void loop_run(struct loop *loop)
{
    uv_update_time(&loop->uv);
    watched.loop = loop;
    watched.cpu_us = cpu_us();
    watched.real_us = real_us();
    watched.pages = pages();
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    watched.loop = NULL;
}

void loop_stop(struct loop *loop)
{
    uv_async_send(&loop->stop);
}

static void signal_closed(uv_handle_t *handle)
{
    struct signal_handle *signal = container_of(handle, struct signal_handle, uv);
    memory_free(&signal);
}

void loop_free(struct loop **freed)
{
    struct loop *loop = *freed;
    if (loop == NULL)
        return;
    for (struct link *link; (link = list_take_first(&loop->signals)) != NULL;)
        uv_close((uv_handle_t *)&container_of(link, struct signal_handle, link)->uv, signal_closed);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->before, NULL);
    uv_close((uv_handle_t *)&loop->after, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    uv_close((uv_handle_t *)&loop->stop, NULL);
    while (uv_loop_close(&loop->uv) == UV_EBUSY)
        uv_run(&loop->uv, UV_RUN_ONCE);
    memory_free(&loop->heap);
    memory_free(freed);
}

static void signal_came(uv_signal_t *uv, int number)
{
    struct signal_handle *signal = container_of(uv, struct signal_handle, uv);
    list_each (&signal->watches, link) {
        struct signal_watch *watch = container_of(link, struct signal_watch, link);
        watch->heard(watch, number);
    }
    loop_ran("a signal");
}

static struct signal_handle *signal_of(struct loop *loop, int number)
{
    list_each (&loop->signals, link) {
        struct signal_handle *known = container_of(link, struct signal_handle, link);
        if (known->uv.signum == number)
            return known;
    }
    struct signal_handle *signal = memory_make(struct signal_handle);
    list_init(&signal->watches);
    link_init(&signal->link);
    list_append(&loop->signals, &signal->link);
    uv_signal_init(&loop->uv, &signal->uv);
    uv_signal_start(&signal->uv, signal_came, number);
    uv_unref((uv_handle_t *)&signal->uv);
    return signal;
}

void loop_on_signal(struct loop *loop, struct signal_watch *watch, int number,
                    void (*heard)(struct signal_watch *watch, int number))
{
    watch->heard = heard;
    watch->number = number;
    link_init(&watch->link);
    list_append(&signal_of(loop, number)->watches, &watch->link);
}
