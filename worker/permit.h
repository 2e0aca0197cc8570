/*
 * permit — leave to hold one connection to one receiver from one IP.
 *
 * One life: taken before connect(), held through the conversation, through idling and through QUIT, returned when the
 * peer's end-of-file was read (P4). A permit needs room twice: at the receiver, as many as the pacing allows at that
 * moment, and at the remote address, where another receiver's name may lead to the same host. A lower limit takes
 * nothing away. A connection that ended without the peer's end-of-file may still be counted by it: its permit *rests*
 * for a grace and returns by itself. After the end-of-file it *settles* for a moment: a receiver may close first and count
 * down after (Exim does when it has reaped the connection's process).
 *
 * Nobody waits in here: the agenda asks again when a permit has come home.
 */
#pragma once

#include "io/loop.h"

struct permit_book;
struct permit;

struct permit_home {
    void (*returned)(struct permit_home *home);                /* from permit_return() and when a rest is over */
    void (*rests)(struct permit_home *home, int64_t grace_us); /* from permit_rest() */
};

struct permit_book *permit_book_new(struct loop *loop, struct permit_home *home); /* of one IP; yours, until … */
void permit_book_free(struct permit_book **book); /* all permits are home, or lost for good */

struct permit_wish {
    struct text receiver;     /* its id */
    struct text address;      /* the remote host's, without port */
    unsigned at_receiver_max; /* what pacing allows now */
    unsigned at_address_max;
};

/* NULL: there is no room now. */
MUST_USE struct permit *permit_take(struct permit_book *book, const struct permit_wish *wish);
bool permit_has_room(const struct permit_book *book, const struct permit_wish *wish);

/* For a connection that never stood, or that nobody counts any more. */
void permit_return(struct permit_book *book, struct permit **permit);
/* After the peer's end-of-file, or for a socket known dead: it returns by itself after settle_us of real time. */
void permit_settle(struct permit_book *book, struct permit **permit, int64_t settle_us);
/* The peer may count us for a while: it returns by itself after grace_us of real time. */
void permit_rest(struct permit_book *book, struct permit **permit, int64_t grace_us);

unsigned permit_out(const struct permit_book *book); /* all that are not home */
unsigned permit_out_at(const struct permit_book *book, struct text receiver);
