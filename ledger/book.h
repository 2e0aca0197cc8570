/*
 * book — take, move and free a slot for a message that is already kept; the reason is stored with it (P8).
 *
 * For jobs, and for this room itself. A message without a slot is `accepted` and says why; book_message() takes the
 * earliest opening of its mailbox that is not before `not_before`, laying days until the horizon. A booked slot whose
 * not_after has passed is deleted and its message is booked anew in the same transaction (book_anew()). Nothing here is
 * done to a message that moved meanwhile: BOOK_GONE.
 */
#pragma once

#include "ledger/act.h"
#include "ledger/slot.h"

enum book_word {
    BOOK_MADE,    /* it has a slot: `slot` */
    BOOK_WAITS,   /* it is `accepted`; its explanation says why */
    BOOK_EXPIRED, /* thirty days after its first attempt: over */
    BOOK_GONE,    /* in another state by now, or the slot is not over: nothing was done */
};

struct book {
    struct uuid message;       /* given */
    struct instant not_before; /* INSTANT_NONE: as soon as may be; never before its scheduled_at and retry_at */
    void (*done)(struct book *book);

    enum book_word word; /* told */
    struct slot slot;
};

void book_message(struct act *act, struct book *book); /* from `accepted` */
void book_anew(struct act *act, struct book *book);    /* from `booked`, its slot being over */

/* By one who holds the mailbox already: as book_message(); and from `booked`, whose slot is taken away for the caller's reason,
 * a lower cap. */
void book_held(struct act *act, struct book *book);
void book_displaced(struct act *act, struct book *book);

/* Lays openings of one active mailbox for the whole local days from today to `days` ahead (at most the horizon). */
struct lay {
    struct uuid mailbox; /* given */
    int32_t days;
    void (*done)(struct lay *lay);

    size_t laid;              /* told */
    struct instant free_from; /* the begin of the first day that was not laid */
};

void lay_mailbox(struct act *act, struct lay *lay);
