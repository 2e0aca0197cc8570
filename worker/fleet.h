/*
 * fleet — the lanes of this process: one for each IP that it was given.
 *
 * Once a second (real time) the database is asked which IPs those are: a lane is made for a new one, one that was
 * released or moved drains. And once a second, more often while the clock runs fast, one read gives the due slots of all
 * lanes; nothing is claimed, because each lane is alone on its IP.
 */
#pragma once

#include "worker/lane.h"

struct fleet;

/* addresses: those of --ip, as text; none: all that the API gave to worker->host. Yours, until fleet_free(). */
struct fleet *fleet_new(struct worker *worker, struct texts addresses);
/* Every lane drains; `over` is called once, when none is left. */
struct fleet_end {
    void (*over)(struct fleet_end *end);
};
void fleet_drain(struct fleet *fleet, struct fleet_end *end);
void fleet_free(struct fleet **fleet);
