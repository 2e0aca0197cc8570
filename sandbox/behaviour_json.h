/*
 * behaviour_json — a behaviour as PUT /behaviour takes it and GET /behaviour shows it.
 *
 *   {"profile": "strict", "limit": 2, "close_late_ms": 0, "never_close": false, "greylist_s": 300, "messages": 0,
 *    "idle_s": 300, "at": {"dot": {"reply": "451 4.3.2 no", "delay_ms": 500, "stall": false, "drop": false, "close": true}}}
 *
 * What is absent is the profile's; an unknown name is refused, not ignored.
 */
#pragma once

#include <jansson.h>

#include "sandbox/behaviour.h"

json_t *behaviour_json(const struct behaviour *behaviour); /* yours, json_decref() */

/* false: *fault says in words what is wrong; *behaviour is then as it was. The words live in the arena. */
MUST_USE bool behaviour_from_json(struct arena *arena, json_t *json, struct behaviour *behaviour, struct text *fault);
