/*
 * smtp_session — the client's half of one SMTP connection (RFC 5321), as a table: bytes in, bytes out, no socket.
 *
 * One life. smtp_session_new() while the driver asks for a connection; smtp_session_offer() gives it a message, now or
 * whenever it needs one; WORD_CONNECTED when the connection stands. From then on, after every call, the driver looks at
 * three things:
 *
 *   smtp_session_output()   write this, and say with smtp_session_wrote() how much of it the kernel has taken;
 *   smtp_session_needs()    what it waits for: the peer, the ledger, a message, or the end;
 *   smtp_session_until()    say WORD_DEADLINE then, if it still needs the same.
 *
 * What the socket reads goes to smtp_session_hear(), in whatever pieces. When the content is out up to its last line
 * end, it needs SMTP_NEEDS_AUTHORIZATION: the driver asks the ledger, reads what the socket still holds (a reply that
 * came too early must be heard before the dot, T21), and says WORD_AUTHORIZED or WORD_NOT_AUTHORIZED. Only
 * WORD_AUTHORIZED makes the output of the last line end and the dot, in one piece. Octets of it count as written as soon
 * as the kernel may have had them.
 *
 * A message has ended when smtp_session_result() says so, once for each message. Then the session needs another
 * (SMTP_NEEDS_MESSAGE; WORD_QUIT ends it in order), or the end: SMTP_NEEDS_CLOSE is for ever, and the driver closes to the
 * peer's end-of-file before the permit returns (P4). A result may be there long before the session is over.
 *
 * The table stands in smtp_table.c; a test proves that every state knows what to do with everything it may hear.
 */
#pragma once

#include "base/instant.h"

#include "mail/content.h"
#include "mail/reply.h"

struct smtp_session;

/* The state names of RFC 5321 §4.3.2 as attempts show them (API.md): the furthest that the message came. */
enum smtp_stage {
    SMTP_STAGE_CONNECT,
    SMTP_STAGE_BANNER,
    SMTP_STAGE_EHLO,
    SMTP_STAGE_MAIL,
    SMTP_STAGE_RCPT,
    SMTP_STAGE_DATA, /* also the content, while no dot was sent */
    SMTP_STAGE_DOT,
    SMTP_STAGES
};

enum smtp_outcome {
    SMTP_DELIVERED,    /* 2yz to the dot */
    SMTP_DEFERRED,     /* not now: 4yz, or the conversation failed before the dot */
    SMTP_BOUNCED,      /* 5yz to MAIL, RCPT, DATA or the dot; or the receiver lacks what the message needs */
    SMTP_UNCONFIRMED,  /* the dot went out, and no whole, well-formed 2yz, 4yz or 5yz came back (P6) */
    SMTP_REFUSED_HERE, /* it ended before the message was offered: connect, greeting, EHLO */
    SMTP_NOT_SENT,     /* we did not send the dot: not authorized, not in time, or given up by the driver */
    SMTP_STALE,        /* no attempt at all: a reused session had ended. At once on a new connection */
    SMTP_OUTCOMES
};

enum smtp_trouble {
    SMTP_NO_TROUBLE,
    SMTP_LOST,           /* the peer closed or reset, or the connection was never made */
    SMTP_SILENT,         /* a deadline passed */
    SMTP_PROTOCOL,       /* a reply that is malformed, of the wrong class, or came before its command */
    SMTP_NO_UTF8,        /* SMTPUTF8 is needed and not offered (RFC 6531 §3.5): nothing was sent */
    SMTP_TOO_BIG,        /* larger than the SIZE offered (RFC 1870): nothing was sent */
    SMTP_NOT_AUTHORIZED, /* the ledger said no, or did not say yes in time */
    SMTP_GIVEN_UP,       /* the driver's word */
};

/* Bits, so that a row of the table can name several. */
enum smtp_word {
    WORD_CONNECTED = 1 << 0,
    WORD_AUTHORIZED = 1 << 1,
    WORD_NOT_AUTHORIZED = 1 << 2,
    WORD_QUIT = 1 << 3,      /* end in order: after the message at hand, if there is one */
    WORD_GIVE_UP = 1 << 4,   /* end now: no dot that is not out yet will go out */
    WORD_PEER_LOST = 1 << 5, /* end-of-file, reset, or no connection */
    WORD_DEADLINE = 1 << 6,  /* smtp_session_until() has passed */
};

enum smtp_needs {
    SMTP_NEEDS_CONNECTION,
    SMTP_NEEDS_PEER, /* its reply, or that it takes our output */
    SMTP_NEEDS_AUTHORIZATION,
    SMTP_NEEDS_MESSAGE,
    SMTP_NEEDS_CLOSE,
};

/* Borrowed by the session from the offer to the result. */
struct smtp_message {
    const struct address *from; /* the reverse-path, the same on every attempt (greylisting) */
    const struct address *to;
    struct content content;
};

struct smtp_result {
    enum smtp_outcome outcome;
    enum smtp_stage stage;
    enum smtp_trouble trouble;
    struct reply reply;     /* code 0: there was none. For SMTP_NO_UTF8 and SMTP_TOO_BIG what we say in its place */
    struct text transcript; /* lines "> MAIL FROM:…", "< 250 …", each ended by '\n'; at most BOUND_TRANSCRIPT octets */
    bool dot_sent;          /* octets of the dot's write may have reached the peer */
    bool reused;            /* an earlier message went over this session */
    int64_t took_us;        /* from the offer, or from WORD_CONNECTED where that came later */
};

/* helo: the name in EHLO, the PTR name of the IP or an address literal. Yours, until smtp_session_free(). */
struct smtp_session *smtp_session_new(struct text helo, struct tick now);
void smtp_session_free(struct smtp_session **session);

/* Before the connection stands, or when SMTP_NEEDS_MESSAGE: one at a time. Forgets the last result's memory. */
void smtp_session_offer(struct smtp_session *session, const struct smtp_message *message, struct tick now);
void smtp_session_word(struct smtp_session *session, enum smtp_word word, struct tick now);
void smtp_session_hear(struct smtp_session *session, struct text bytes, struct tick now);

/* What to write now; empty: nothing. Borrowed until the next call. */
struct text smtp_session_output(struct smtp_session *session);
void smtp_session_wrote(struct smtp_session *session, size_t octets, struct tick now);

enum smtp_needs smtp_session_needs(const struct smtp_session *session);
/* TICK_NONE: no deadline. Real time: those of RFC 5321 §4.5.3.2, of the whole reply; a drip does not renew them. */
struct tick smtp_session_until(const struct smtp_session *session);

/* True once for each message, when its end is known. What it points at lives until the next offer, or the session's end. */
MUST_USE bool smtp_session_result(struct smtp_session *session, struct smtp_result *result);
/* The reply that ended a session without a message at hand (421 while idle); code 0: none. Its scope is the receiver. */
const struct reply *smtp_session_farewell(const struct smtp_session *session);
/* Messages that went over it, whatever became of them. */
unsigned smtp_session_messages(const struct smtp_session *session);
bool smtp_session_has_message(const struct smtp_session *session);
bool smtp_session_dot_is_out(const struct smtp_session *session); /* and its reply is not there */

/* Each step as a line, "RCPT, 250: DATA", while somebody watches. */
struct smtp_watch {
    void (*step)(struct smtp_watch *watch, struct text line);
};
void smtp_session_watch(struct smtp_session *session, struct smtp_watch *watch);

/* The words of API.md: "mail", "delivered", "protocol_error". */
struct text smtp_stage_word(enum smtp_stage stage);
struct text smtp_outcome_word(enum smtp_outcome outcome); /* SMTP_STALE has none that a customer sees: "stale" */
struct text smtp_trouble_word(enum smtp_trouble trouble);
