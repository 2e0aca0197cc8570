/*
 * idle_sessions — live sessions that may take the next message to the same receiver.
 *
 * One is kept only while that message is less than BOUND_IDLE_SESSION_US of real time away and the session's messages are
 * not used up; otherwise it says QUIT, and its permit comes home.
 */
#pragma once

#include "worker/lane.h"

/* NULL: none is idle for that receiver. */
struct session *idle_sessions_find(struct lane *lane, struct text receiver);
/* Ends those that no due message needs soon, or whose receiver is held. */
void idle_sessions_tidy(struct lane *lane, struct instant now);
