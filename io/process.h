/*
 * process — what every program does once: limits and signals at its start, and what it tells its supervisor.
 */
#pragma once

#include "io/loop.h"

/* SIGPIPE and SIGXFSZ are ignored, the soft limit of descriptors becomes the hard one, no core holds secrets (T183). False:
 * there are fewer descriptors than BOUND_DESCRIPTORS, and no loop, database or log could be promised (T175). */
MUST_USE bool process_prepare(void);

/* Tells the supervisor that the loop turns, as often as it asked to hear it (WatchdogSec); else does nothing. */
void process_watchdog(struct loop *loop);

/* sd_notify, where NOTIFY_SOCKET is set; status: one line for `systemctl status`, NULL for none. */
void process_ready(const char *status);
void process_status(const char *status);
void process_stopping(void);
