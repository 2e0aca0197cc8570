/*
 * loop — the one thread of a program: libuv's turn, timers, tasks for the next turn, signals, an orderly end.
 *
 * A timer or a task is a struct inside its owner, found back with container_of: starting one never allocates, stopping
 * one is immediate, and its owner may be freed right after. Nothing on the loop may block.
 * Delays are real time: what the rules own is scaled by io/clock before it comes here.
 *
 * The loop watches itself (T179): what holds it for longer than BOUND_LOOP_US of this thread's CPU time is a warning with
 * its name, so that a machine that is busy with others accuses nobody; what only took that long, because it waited or was
 * not let run, is a debug line. The kernel's time to find memory counts as CPU time: 2 us a page (a letter of 10 MiB touches
 * 7,000), but many more where a hypervisor must find it first, so each page is allowed BOUND_PAGE_US.
 */
#pragma once

#include "base/instant.h"
#include "base/list.h"

struct loop;
struct uv_loop_s;

struct timer {
    void (*fired)(struct timer *timer);
    const char *name; /* of `fired` */
    struct loop *loop;
    struct tick at;
    size_t place; /* in the loop's heap, from 1; 0: not started */
};

struct task {
    void (*run)(struct task *task);
    const char *name; /* of `run` */
    struct link link;
};

struct signal_watch {
    void (*heard)(struct signal_watch *watch, int number);
    struct link link;
    int number;
};

struct loop *loop_new(void);                  /* yours, until loop_free() */
void loop_free(struct loop **loop);           /* after loop_run() returned; runs the close callbacks that are left */
void loop_run(struct loop *loop);             /* until loop_stop() */
void loop_stop(struct loop *loop);            /* the turn that is under way ends first */
struct uv_loop_s *loop_uv(struct loop *loop); /* for the modules of io that bring descriptors */

#define timer_init(timer, loop, fired) timer_init_named(timer, loop, fired, #fired)
void timer_init_named(struct timer *timer, struct loop *loop, void (*fired)(struct timer *timer), const char *name);
void timer_start(struct timer *timer, int64_t delay_us); /* anew, if it was started */
void timer_stop(struct timer *timer);
bool timer_is_started(const struct timer *timer);

#define task_init(task, run) task_init_named(task, run, #run)
void task_init_named(struct task *task, void (*run)(struct task *task), const char *name);
void loop_defer(struct loop *loop, struct task *task); /* once, in the next turn; again while waiting does nothing */
void task_cancel(struct task *task);

/* heard is called from the loop, for each time that signal comes. */
void loop_on_signal(struct loop *loop, struct signal_watch *watch, int number,
                    void (*heard)(struct signal_watch *watch, int number));

/*
 * The last word of whatever ran since the word before; static words or a name that lives on. Timers, tasks and signals have
 * it from the loop. Who brings descriptors says it behind each callback, and within one where another room's work ended.
 */
void loop_ran(const char *what);
