#include "io/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

void process_prepare(void)
{
    struct rlimit files;
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)prctl(PR_SET_DUMPABLE, 0);
}

void process_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status == NULL ? "ready" : status);
}

void process_status(const char *status)
{
    (void)sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", status == NULL ? "" : status);
}

void process_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}
