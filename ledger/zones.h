/*
 * zones — time zones by their IANA name, read once from the system's tzdata and kept.
 *
 * Kept for an hour of the machine's time, then read again: rules change, and a program that runs for months must not
 * plan by the old ones. What was given out stays valid as long as the zones do.
 */
#pragma once

#include "base/instant.h"

struct zone;
struct zones;

struct zones *zones_new(void); /* yours, until zones_free() */
void zones_free(struct zones **zones);

/* NULL: no such zone on this machine, or its file cannot be read. now: clock_tick(). */
MUST_USE const struct zone *zones_find(struct zones *zones, struct text name, struct tick now);
