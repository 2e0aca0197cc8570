#include "io/process.h"

#include "base/bounds.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

static struct {
    struct timer timer;
    int64_t every_us;
} watchdog;

bool process_prepare(void)
{
    struct rlimit files = { .rlim_cur = BOUND_DESCRIPTORS };
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log that may not grow is no reason to end: its lines are dropped */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)prctl(PR_SET_DUMPABLE, 0);
    return files.rlim_cur >= BOUND_DESCRIPTORS;
}

static void watchdog_fired(struct timer *timer)
{
    (void)sd_notify(0, "WATCHDOG=1");
    timer_start(timer, watchdog.every_us);
}

void process_watchdog(struct loop *loop)
{
    uint64_t allowed_us = 0;
    if (sd_watchdog_enabled(0, &allowed_us) <= 0)
        return;
    watchdog.every_us = (int64_t)(allowed_us / 3);
    timer_init(&watchdog.timer, loop, watchdog_fired);
    timer_start(&watchdog.timer, 0);
}

void process_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status == NULL ? "ready" : status);
}

void process_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status == NULL ? "" : status);
}

void process_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}
