/*
 * loop — the one thread of a program: libuv's turn, timers, tasks for the next turn, signals, an orderly end.
 *
 * A timer or a task is a struct inside its owner, found back with container_of: starting one never allocates, stopping
 * one is immediate, and its owner may be freed right after. Nothing on the loop may block.
 * Delays are real time: what the rules own is scaled by io/clock before it comes here.
 */
#pragma once

#include "base/instant.h"
#include "base/list.h"

struct loop;
struct uv_loop_s;

struct timer {
    void (*fired)(struct timer *timer);
    struct loop *loop;
    struct tick at;
    size_t place; /* in the loop's heap, from 1; 0: not started */
};

struct task {
    void (*run)(struct task *task);
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

void timer_init(struct timer *timer, struct loop *loop, void (*fired)(struct timer *timer));
void timer_start(struct timer *timer, int64_t delay_us); /* anew, if it was started */
void timer_stop(struct timer *timer);
bool timer_is_started(const struct timer *timer);

void task_init(struct task *task, void (*run)(struct task *task));
void loop_defer(struct loop *loop, struct task *task); /* once, in the next turn; again while waiting does nothing */
void task_cancel(struct task *task);

/* heard is called from the loop, for each time that signal comes. */
void loop_on_signal(struct loop *loop, struct signal_watch *watch, int number,
                    void (*heard)(struct signal_watch *watch, int number));
