/*
 * log — one line an event, with its object's name on it; and traces, lines that are switched on by topic.
 *
 *   2026-11-24T09:41:07.123456Z info worker lane[203.0.113.7] holds gmail until 09:42:07
 *
 * To standard error, with the machine's own time; under the journal with its level prefix instead of a time. Whatever a
 * stranger put into the words stays one line (controls are escaped, T184). A line is never waited for: when nobody takes
 * them they are dropped, and counted (T178).
 */
#pragma once

#include "base/text.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* program: for every line. Level and topics are read from EVENPOST_LOG and EVENPOST_TRACE ("session,permit", "all"). */
void log_open(const char *program);
uint64_t log_dropped(void);

/* object: "lane[203.0.113.7]", "msg_01…"; NULL for the program itself. */
PRINTF(3, 4)
void log_line(enum log_level level, const char *object, const char *format, ...);
#define log_error(object, ...)   log_line(LOG_ERROR, object, __VA_ARGS__)
#define log_warning(object, ...) log_line(LOG_WARNING, object, __VA_ARGS__)
#define log_info(object, ...)    log_line(LOG_INFO, object, __VA_ARGS__)
#define log_debug(object, ...)   log_line(LOG_DEBUG, object, __VA_ARGS__)

enum trace_topic {
    TRACE_PG,
    TRACE_SESSION,
    TRACE_PERMIT,
    TRACE_LANE,
    TRACE_HTTP,
    TRACE_CONNECTION,
    TRACE_JOBS,
    TRACE_TOPICS
};

bool trace_is_on(enum trace_topic topic);
void trace_toggle_all(void); /* SIGUSR1 of every program: all on, or back to what EVENPOST_TRACE says */
PRINTF(3, 4)
void trace_line(enum trace_topic topic, const char *object, const char *format, ...);
#define trace(topic, object, ...)                                                                                      \
    do {                                                                                                               \
        if (trace_is_on(topic))                                                                                        \
            trace_line(topic, object, __VA_ARGS__);                                                                    \
    } while (0)
