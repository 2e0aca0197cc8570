/*
 * ownership — one owner per IP: who sends from it is a number in `lanes`, the generation, and every authorization names it.
 *
 * One life: ownership_raise() makes this process the owner, unless somebody became that since it looked, and tells who was
 * before (another host, or another network namespace of this one, is *elsewhere*); the lane waits until the old one's
 * connections cannot be counted any more (worker/lane); ownership_settle() marks what the old one left authorized as
 * `unconfirmed`; ownership_see() every few seconds says that we live, and hears whether we still own it; ownership_end()
 * after a drain says that nobody needs to wait for us. jobs raises the generation of a lane not seen for two minutes and
 * settles: nothing stays `sending` for ever. Times here are the machine's own (heartbeats are real).
 *
 * Each is one transaction of its own and one struct, until `told`.
 */
#pragma once

#include "ledger/act.h"

enum ownership_word {
    OWNERSHIP_OURS,
    OWNERSHIP_STALE,   /* somebody raised it after us: we own nothing */
    OWNERSHIP_NO_LANE, /* the IP is not (or no longer) this customer's, or not of the expected generation */
    OWNERSHIP_AGAIN,   /* the database: not known to be written */
};

/* Who had it before. since is INSTANT_NONE: nobody ever. */
struct ownership_before {
    struct text host; /* in the act's arena: until `told` returns */
    int32_t pid;
    struct instant since, seen_at;
    struct instant ended_at;      /* INSTANT_NONE: no clean end */
    struct instant resting_until; /* connections it gave up may be counted until then; INSTANT_NONE: it gave up none */
    struct instant elsewhere_until; /* owners on other hosts may be counted until then; INSTANT_NONE: there was none */
};

struct ownership {
    struct uuid customer; /* given */
    struct uuid ip;
    struct text host;             /* raise */
    struct text place;            /* raise: the namespaces we live in (io/host_lock); TEXT_NONE: not known */
    int32_t pid;                  /* raise */
    int64_t expected;             /* raise: only if it is still the generation; INT64_MIN: whatever it is */
    int64_t generation;           /* told by raise; given to the others */
    struct text trouble;          /* see: what keeps us from sending, a word of lanes.trouble; TEXT_NONE: nothing */
    struct instant resting_until; /* see: connections that we gave up may be counted until then; INSTANT_NONE: none */
    int64_t older_than_us; /* settle: authorized longer ago than this, real; 0: whatever other generations left */
    void (*told)(struct ownership *ownership);

    enum ownership_word word;       /* told */
    struct ownership_before before; /* raise */
    bool halted;                    /* raise, see */
    size_t settled;                 /* settle: messages that are unconfirmed now */

    struct act act; /* the ledger's own */
    struct act_step step;
    size_t asked, asked_more;
};

void ownership_raise(struct ledger *ledger, struct ownership *ownership);
void ownership_settle(struct ledger *ledger, struct ownership *ownership);
void ownership_see(struct ledger *ledger, struct ownership *ownership);
void ownership_end(struct ledger *ledger, struct ownership *ownership);

/* For jobs: raises the generation of a lane not seen for `older_than_us` and without a clean end, then settles.
 * OWNERSHIP_STALE: it was seen meanwhile; nothing was done. */
void ownership_raise_unseen(struct ledger *ledger, struct ownership *ownership);
