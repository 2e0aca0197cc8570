/*
 * session — one SMTP connection of a lane: a socket (io/connection), the table that speaks (mail/smtp_session), and the
 * permit that it lives on.
 *
 * One life. session_new() with a permit; session_send() gives it the first message at once, and another whenever its
 * keeper hears `idle`. For each message its sender hears `authorize` when the content is out up to its last line end, and
 * `result` exactly once, or `not_made`. session_quit() ends it in order, session_give_up() without any dot that is not out yet. Then QUIT,
 * our half-close, the peer's end-of-file; the descriptor is closed, the permit goes home (or rests, if the end-of-file
 * never came), the keeper hears `ended`, and the session is gone.
 *
 * No callback is called inside a function of this header: always later, from the loop.
 */
#pragma once

#include "base/ip.h"

#include "mail/smtp_session.h"

#include "io/connection.h"

#include "worker/permit.h"

struct session;

/* One message's way over the session; lives in whoever sends it, until `result`. */
struct session_sender {
    void (*authorize)(struct session_sender *sender);
    void (*result)(struct session_sender *sender, const struct smtp_result *result); /* borrowed for the call */
    /* Instead of a result: this host could not connect (CONNECTION_NOT_OURS, _NOT_MADE). Nothing was tried. */
    void (*not_made)(struct session_sender *sender, const struct connection_end *end);
};

struct session_keeper {
    void (*idle)(struct session_keeper *keeper, struct session *session);
    /* farewell: a reply that ended it while it idled; code 0 if there was none. Frees the session after it returns. */
    void (*ended)(struct session_keeper *keeper, struct session *session, const struct reply *farewell);
};

struct session_given {
    struct loop *loop;
    struct ip source, peer;
    uint16_t port;
    struct text helo, receiver; /* copied */
    const char *name;           /* for its lines, copied: "lane[127.0.0.5]" */
    unsigned messages_max;
    int64_t close_us, settle_us, grace_us;
    struct permit_book *book;
    struct permit *permit; /* the session's from now on */
    struct session_keeper *keeper;
};

struct session *session_new(const struct session_given *given);
/* message: borrowed until `result`. Only for a new session, or one that is idle. */
void session_send(struct session *session, const struct smtp_message *message, struct session_sender *sender);
/* The ledger's word. good_until is looked at as the last act before the dot; TICK_NONE: not authorized. */
void session_authorize(struct session *session, struct tick good_until);
/* An idle session is kept for a message that is being read: nobody else gets it, nobody ends it. */
void session_reserve(struct session *session, bool reserved);
void session_quit(struct session *session);
void session_give_up(struct session *session);

struct text session_receiver(const struct session *session);
bool session_wants_message(const struct session *session); /* it is open, and no message is on its way or reserved it */
bool session_is_idle(const struct session *session);       /* that, and it is not used up */
bool session_is_used_up(const struct session *session);    /* messages_max went over it, or it is ending */
bool session_dot_is_out(const struct session *session);    /* giving it up now would be doubt */
struct link *session_link(struct session *session);        /* for its keeper's list */
struct session *session_of_link(struct link *link);
