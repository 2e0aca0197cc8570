/*
 * begin — which slot of a lane begins now, and what the others wait for.
 *
 * A slot may begin when its second has come, its domain has a route, its receiver is not held and has room (a permit, or
 * an idle session), and the gap of the IP is kept (policy/spacing). What waits for something else than its second is told
 * why (P8), once for each reason.
 */
#pragma once

#include "worker/lane.h"

/* Begins what may begin now, at most one message; says when to look again. */
struct instant begin_next(struct lane *lane, struct instant now);
/* It waits for this: told once for each reason. */
void begin_explain(struct lane *lane, const struct due *due, struct text code, struct text about, struct instant until,
                   struct instant now);
/* Everything that is due waits for this: owner_changing and the like. */
void begin_explain_all(struct lane *lane, struct text code, struct instant until, struct instant now);
