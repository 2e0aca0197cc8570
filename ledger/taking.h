/*
 * taking — the earliest opening is picked and deleted; the caller inserts the slot that it becomes.
 *
 * One life: pick; a stale opening (its slot is taken) is gone now, pick again; none: lay further days, pick again, up to
 * the horizon. One that was laid under other rules of its zone (its local day begins or ends elsewhere now) is gone together
 * with all that its mailbox has, and they are laid anew: after a change of tzdata nothing new is booked outside the window,
 * and no new day shares hours with an old one that holds slots (T168). Without a mailbox the earliest of the customer is meant: only what lies within the days that are laid for
 * all of its mailboxes is picked, so that none that is earlier can be missing.
 */
#pragma once

#include "ledger/laying.h"
#include "ledger/slot.h"

enum taking_word {
    TAKING_MADE,
    TAKING_NONE,     /* nothing within the horizon: `free_from` */
    TAKING_UNUSABLE, /* the mailbox may not be booked for now: `plan` says why */
};

struct taking {
    struct uuid mailbox;       /* given; UUID_NIL: any of the customer's */
    struct instant not_before; /* never before act->now */
    bool usable;               /* the caller has just read that the mailbox may be booked: not asked again */
    void (*done)(struct taking *taking);

    enum taking_word word; /* told */
    struct slot slot;
    struct span day_span;
    struct mailbox_plan plan; /* of a named mailbox; not with TAKING_MADE */
    struct instant free_from;
    struct text address, display_name; /* of the mailbox, if none was named */

    struct act_step step;
    struct laying laying;
    struct uuid *unlaid;
    size_t plans, picked, looked;
    int32_t days; /* to be laid */
    bool renews;  /* the opening picked was laid under other rules */
    unsigned picks;
    bool whatever; /* some mailboxes cannot be laid: what there is will do */
};

/* What was asked before is sent with the first pick, in order. */
void taking_start(struct act *act, struct taking *taking);
