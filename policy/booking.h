/*
 * booking — which openings a mailbox's days have, and why a message gets none.
 *
 * An opening is a slot that nobody has taken yet: derived data, laid for whole local days ahead. The ledger reads the
 * mailbox and the days it has slots on, asks booking_openings() day by day, and inserts what it is given. Whatever is
 * laid is still ahead at `now`, lies in its window, and belongs to a day that holds no more than the cap.
 */
#pragma once

#include "policy/plan.h"

/* What the rules need to know of a mailbox. */
struct booking_mailbox {
    const struct zone *zone;
    struct window window;
    struct uuid ip;
    uint32_t ordinal;
    uint32_t ordinals;
    uint8_t cap;
};

/* A slot row that exists, of any state: it may not be laid again, and counts towards its day's cap. */
struct booking_taken {
    struct day day;
    struct span day_span; /* the local day as it was when the slot was booked, in the zone of that time */
    uint8_t number;
};

struct opening {
    struct day day;
    struct span day_span; /* stored with the slot that takes it */
    uint8_t number;
    struct instant at;
    struct instant not_after;
};

/*
 * The openings of one local day, into out[BOUND_DAILY_CAP], in order of number; returns how many.
 * No more than the cap leaves beside the day's slot rows, whatever their numbers. None at all where the day overlaps in
 * time, or shares its date with, a day of another extent that holds a slot row: after a change of zone two local days may
 * share hours, and a receiver in those hours must not see two days' caps.
 */
size_t booking_openings(const struct booking_mailbox *mailbox, struct day day, const struct booking_taken *taken,
                        size_t taken_count, struct instant now, struct opening out[BOUND_DAILY_CAP]);

/* The slot `number` of a day in the mailbox's present plan, whether it is ahead or not: what a moved slot becomes. False:
 * no such number, no sending day. */
MUST_USE bool booking_slot(const struct booking_mailbox *mailbox, struct day day, uint8_t number,
                           struct opening *opening);

/* The first day to lay for, and the last one within the horizon. */
struct day booking_first_day(const struct zone *zone, struct instant now);
struct day booking_last_day(const struct zone *zone, struct instant now);

/* What came of asking for a slot. Each word is explained where it is told: server/problem, message explanations. */
enum booking {
    BOOKING_MADE,
    BOOKING_CUSTOMER_SUSPENDED, /* or closed */
    BOOKING_IDENTITY_MISSING,
    BOOKING_DOMAIN_NOT_READY,
    BOOKING_MAILBOX_CLOSED,
    BOOKING_MAILBOX_PAUSED,
    BOOKING_IP_UNAVAILABLE,
    BOOKING_SUPPRESSED,
    BOOKING_RECENTLY_WRITTEN,
    BOOKING_NO_SLOT, /* nothing free within the horizon */
};

/* What is known when a message comes in, before an opening is looked for. */
struct booking_facts {
    bool live; /* the customer's mode; sandbox otherwise */
    bool customer_active;
    bool identity_given; /* legal name and postal address */
    bool domain_ready;
    bool mailbox_closed;
    bool mailbox_paused;
    bool has_ip;
    bool suppressed;       /* the address or its domain */
    bool recently_written; /* a first writing by this customer within recipient_gap_days */
    bool first_writing;    /* neither a follow-up nor a resend */
};

/* BOOKING_MADE: nothing stands against it, an opening may be taken. Otherwise the first reason, the widest scope first. */
MUST_USE enum booking booking_refusal(const struct booking_facts *facts);
