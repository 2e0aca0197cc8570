/*
 * pages — what this receiver shows over HTTP, and how a test changes it.
 *
 *   GET    /                        the inbox and the record, for people          GET /style.css
 *   GET    /inbox?to=&from=&limit=  {"data": [{"n", "at", "source", "from", "to", "subject", "text", "html", "raw_url", "answer"}]}, newest first
 *   GET    /inbox/{n}/raw           the octets, as they were sent (dots unstuffed)
 *   DELETE /inbox
 *   GET    /record?source=&utc_offset_minutes=
 *   GET    /record/timeline?source=&after=&after_dot=&limit=
 *                                   rows with a number n above `after`; after_dot: of dots, where it differs
 *   DELETE /record                  starts anew; open connections stay counted
 *   GET PUT DELETE /behaviour       behaviour_json.h; DELETE goes back to what the program was started with
 *   GET    /healthz
 */
#pragma once

#include "sandbox/behaviour.h"
#include "sandbox/http.h"
#include "sandbox/inbox.h"

struct greylist;

#define PAGES_BYTES_MAX (32 * 1024 * 1024) /* of one answer; what does not fit is counted in "left_out" */

struct shown {
    struct pages pages;          /* its answer() is set by pages_init() */
    struct behaviour *behaviour; /* borrowed, like the next three */
    struct record *record;
    struct inbox *inbox;
    struct greylist *greylist;
    struct behaviour start; /* what DELETE /behaviour goes back to */
};

void pages_init(struct shown *shown);
