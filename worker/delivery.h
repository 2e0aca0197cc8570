/*
 * delivery — one message's way: read, composed, given to a session, authorized, the dot, the reply, the outcome.
 *
 * One life. delivery_begin() with a permit to connect, or an idle session; the letter is read and composed; then
 *
 *   READING      the letter is asked of the database,         gone, or not to be sent now: it ends without an attempt
 *                and composed (a large one aside)
 *   PERMITLESS   its reused session had ended without a word  waits for that permit to come home
 *   SPEAKING     over a session; at the last line end it asks for authorization
 *   WRITING      the outcome, again and again until it is written
 *   ended        its lane hears lane_delivery_ended(); the message may be begun anew once a later reading shows it
 *
 * The result of the conversation and the ledger's word may come in either order: the outcome needs both (a session that
 * ends while the authorization is in flight has spent the slot if the commit succeeds).
 */
#pragma once

#include "mail/letter.h"
#include "policy/retry.h"

#include "io/aside.h"

#include "ledger/authorize.h"
#include "ledger/outcome.h"

#include "worker/agenda.h"
#include "worker/receivers.h"
#include "worker/session.h"

struct lane;

enum delivery_state { DELIVERY_READING, DELIVERY_PERMITLESS, DELIVERY_SPEAKING, DELIVERY_WRITING };

struct delivery {
    struct lane *lane;
    struct link link; /* in lane->deliveries */
    struct arena *arena;
    enum delivery_state state;
    struct due due;
    struct route route; /* its texts live in the arena */
    struct receiver_state *receiver;
    struct permit *permit; /* NULL: a session has it */
    struct session *session;

    struct transaction_wait reading;
    size_t asked;
    struct retry_case retry; /* without the times of now */
    struct aside composing;
    struct letter letter; /* its texts live in the arena */
    struct letter_made made;
    bool composed;
    struct smtp_message message;

    struct session_sender sender;
    struct authorize authorize;
    bool authorizing, authorized;
    struct instant begun_at;
    struct instant last_begin_before;
    bool has_result;
    struct smtp_result result; /* its texts live in the arena */

    struct outcome outcome;
    struct pacing_row pacing;
    struct timer again;
    unsigned tries;
};

struct delivery_given {
    struct lane *lane;
    const struct due *due;
    const struct route *route;
    struct receiver_state *receiver;
    struct permit *permit;   /* or */
    struct session *session; /* an idle one */
};

void delivery_begin(const struct delivery_given *given);
/* The permit that it waited for: only in DELIVERY_PERMITLESS. */
void delivery_connect(struct delivery *delivery, struct permit *permit);
/* A session has ended: if it was reserved for this delivery, it waits for that permit. */
void delivery_lost_session(struct delivery *delivery, const struct session *session);
/* Its lane ends: what has not been offered is put back, what waits for a dot gets none. */
void delivery_give_up(struct delivery *delivery);
