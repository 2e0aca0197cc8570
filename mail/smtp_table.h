/*
 * smtp_table — the client's half of RFC 5321 as rows to lay beside §4.3.2. For smtp_session.c and its test alone.
 *
 * A row names states and what they may hear, as bits; the first that fits is the rule. `then` is what becomes of the
 * message at hand; what is said to the peer follows from the state that is entered.
 */
#pragma once

#include "mail/smtp_session.h"

enum smtp_state {
    CONNECT = 1 << 0,
    GREETING = 1 << 1,
    EHLO = 1 << 2,
    HELO = 1 << 3,
    IDLE = 1 << 4,  /* no transaction is open */
    DIRTY = 1 << 5, /* a refused one may be: RSET before the next */
    RSET = 1 << 6,
    MAIL = 1 << 7,
    RCPT = 1 << 8,
    DATA = 1 << 9,
    CONTENT = 1 << 10, /* it goes out, all but its last line end */
    HELD = 1 << 11,    /* it is out; the ledger is asked */
    DOT = 1 << 12,
    QUIT = 1 << 13,
    INTERRUPTED = 1 << 14, /* the peer spoke unasked before the dot: hear it out, say nothing more */
    OVER = 1 << 15,
    ANY_STATE = (1 << 16) - 1,
    SAME = 1 << 16, /* stay, without entering again */
};

enum { SMTP_STATES = 16 };

/* What a state may hear: the driver's words (enum smtp_word), and these. */
enum smtp_input {
    WORD_MESSAGE = 1 << 7,         /* one is at hand, and it fits */
    WORD_MESSAGE_TOO_BIG = 1 << 8, /* for the SIZE offered */
    WORD_MESSAGE_NO_UTF8 = 1 << 9, /* it needs SMTPUTF8, which is not offered */
    WORD_CONTENT_OUT = 1 << 10,
    HEAR_1YZ = 1 << 11,
    HEAR_2YZ = 1 << 12,
    HEAR_3YZ = 1 << 13,
    HEAR_421 = 1 << 14, /* the peer closes (§3.8) */
    HEAR_4YZ = 1 << 15, /* any other */
    HEAR_5YZ = 1 << 16,
    HEAR_MALFORMED = 1 << 17,
    HEAR_EARLY = 1 << 18, /* bytes before the command that they could answer */
    HEAR_REPLY = HEAR_1YZ | HEAR_2YZ | HEAR_3YZ | HEAR_421 | HEAR_4YZ | HEAR_5YZ | HEAR_MALFORMED,
    ANY_INPUT = (1 << 19) - 1,
};

enum { SMTP_INPUTS = 19 };

enum smtp_then {
    GO_ON,
    LEARN, /* the keywords of EHLO */
    DELIVERED,
    DEFERRED,
    BOUNCED,
    FAILED, /* by how far it came: refused_here before MAIL; stale where a reused session just ended; else deferred */
    STALE,
    DOUBTED, /* unconfirmed; not sent where no octet of the dot has left */
    NOT_SENT,
    QUIT_LATER,
    CANNOT_HAPPEN, /* the session, or its driver, is wrong */
};

struct smtp_rule {
    int in, hear;
    enum smtp_state next;
    enum smtp_then then;
};

/* NULL: no row fits, which a test excludes. */
const struct smtp_rule *smtp_rule_of(enum smtp_state state, int input);

struct smtp_state_facts {
    const char *name;
    enum smtp_stage stage; /* SMTP_STAGES: that of the state before */
    enum smtp_needs needs;
    int64_t wait_us; /* for the whole reply (RFC 5321 §4.5.3.2); 0: no deadline */
};

const struct smtp_state_facts *smtp_facts_of(enum smtp_state state);
