/*
 * spacing — the least gap of an IP, and what becomes of overdue slots.
 *
 * The gap is law, the plan is its aim. A lane never *begins* two messages closer than gap_min, whatever is due: several
 * windows on one IP, retries and overdue slots alike. gap_min is a quarter of 1 ÷ Σ (cap ÷ window length), summed over
 * the IP's active mailboxes whose window is open now.
 *
 * A slot is *planned* until gap_min after its second, and *overdue* from then to its not_after. Planned ones leave
 * first. Overdue ones leave in order of `at`, in the room between planned ones: only where the gap to the last begin
 * *and* to the next planned slot is kept. So an outage of six hours ends in a trickle, never in a burst, and what does
 * not fit is re-booked.
 */
#pragma once

#include "policy/window.h"

/* 1 h: a quarter of 1 ÷ (2 in 8 h), for a slot that is good while no window is open (booked before its mailbox changed). */
#define SPACING_GAP_ALONE_US US_PER_HOUR

/* One active mailbox of the IP whose window is open now. */
struct spacing_share {
    uint8_t cap;
    struct span window;
};

/* Shares whose window is not open at `now` are left out. None open: the gap of a single usual mailbox (SPACING_GAP_ALONE_US). */
int64_t spacing_gap_min_us(const struct spacing_share *shares, size_t count, struct instant now);

/* A slot that is booked on this IP, due now or ahead. */
struct spacing_slot {
    struct instant at;
    struct instant not_after;
    struct instant not_before; /* a retry, or a receiver's hold: not sooner than this; else equal to `at` */
};

#define SPACING_NONE  SIZE_MAX
#define SPACING_NEVER ((struct instant){ INT64_MAX })

struct spacing_choice {
    size_t index;        /* of the slot that begins now; SPACING_NONE: none may */
    struct instant look; /* when to ask again; SPACING_NEVER: when the slots changed. Only if none may */
};

/*
 * Which slot begins now. last_begin: when this IP began its last message, by whatever slot; INSTANT_NONE if it never
 * did (after a restart: the newest authorization of the IP, from the database).
 * The slots may be in any order; the ones not yet due count as the room to keep free.
 */
MUST_USE struct spacing_choice spacing_next(const struct spacing_slot *slots, size_t count, struct instant last_begin,
                                            int64_t gap_min_us, struct instant now);
