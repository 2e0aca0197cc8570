/*
 * aside — work that would hold the loop for too long (T179), done meanwhile by a thread of libuv's pool.
 *
 * One life: aside_start() hands `work` to a thread; it alone touches what it works on, and knows neither loop nor clock nor
 * log. `done` is called on the loop when it is over. The struct lies inside its owner, who waits: what was handed over cannot
 * be taken back.
 */
#pragma once

#include "io/loop.h"

struct aside {
    void (*work)(struct aside *aside);
    void (*done)(struct aside *aside);
};

void aside_start(struct loop *loop, struct aside *aside);
