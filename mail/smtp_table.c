#include "mail/smtp_table.h"

#define OFFERING (RSET | MAIL | RCPT | DATA | CONTENT | HELD)
#define OPENING  (CONNECT | GREETING | EHLO | HELO)

/* clang-format off */
static const struct smtp_rule rules[] = {
    /* in                   we hear                                next         then                                       */

    /* §3.1, §4.3.1: the connection and its greeting. What is refused here is about us, not about a message. */
    { CONNECT,              WORD_CONNECTED,                        GREETING,    GO_ON },
    { GREETING,             HEAR_2YZ,                              EHLO,        GO_ON },
    { GREETING | EHLO | HELO, HEAR_421,                            OVER,        FAILED },
    { GREETING,             HEAR_4YZ | HEAR_5YZ,                   QUIT,        FAILED },
    /* §3.2, §4.1.1.1: EHLO, and HELO once for who does not know it. */
    { EHLO,                 HEAR_2YZ,                              IDLE,        LEARN },
    { EHLO,                 HEAR_5YZ,                              HELO,        GO_ON },
    { HELO,                 HEAR_2YZ,                              IDLE,        GO_ON },
    { EHLO | HELO,          HEAR_4YZ | HEAR_5YZ,                   QUIT,        FAILED },

    /* Between messages. A refused transaction may still be open at the peer: §4.1.1.5. */
    { IDLE,                 WORD_MESSAGE,                          MAIL,        GO_ON },
    { DIRTY,                WORD_MESSAGE,                          RSET,        GO_ON },
    { IDLE | DIRTY,         WORD_MESSAGE_TOO_BIG | WORD_MESSAGE_NO_UTF8, SAME,  BOUNCED },
    { IDLE | DIRTY,         WORD_QUIT,                             QUIT,        GO_ON },
    { RSET,                 HEAR_2YZ,                              MAIL,        GO_ON },
    { RSET,                 HEAR_421,                              OVER,        FAILED },
    { RSET,                 HEAR_4YZ | HEAR_5YZ,                   QUIT,        STALE },
    { RSET,                 HEAR_REPLY,                            OVER,        STALE },

    /* §3.3: the transaction, one recipient, each command after the reply to the one before. */
    { MAIL,                 HEAR_2YZ,                              RCPT,        GO_ON },
    { RCPT,                 HEAR_2YZ,                              DATA,        GO_ON },
    { DATA,                 HEAR_3YZ,                              CONTENT,     GO_ON },
    { MAIL,                 HEAR_421,                              OVER,        FAILED },
    { RCPT | DATA,          HEAR_421,                              OVER,        DEFERRED },
    { MAIL | RCPT | DATA,   HEAR_4YZ,                              DIRTY,       DEFERRED },
    { MAIL | RCPT | DATA,   HEAR_5YZ,                              DIRTY,       BOUNCED },
    { CONTENT,              WORD_CONTENT_OUT,                      HELD,        GO_ON },
    { HELD,                 WORD_AUTHORIZED,                       DOT,         GO_ON },      /* P2 and P6 hang on this row */
    { HELD,                 WORD_NOT_AUTHORIZED | WORD_DEADLINE,   OVER,        NOT_SENT },

    /* The dot: only a whole, well-formed reply of 2yz, 4yz or 5yz answers it (§4.2.5). The rest is doubt. */
    { DOT,                  HEAR_2YZ,                              IDLE,        DELIVERED },
    { DOT,                  HEAR_421,                              OVER,        DEFERRED },
    { DOT,                  HEAR_4YZ,                              IDLE,        DEFERRED },
    { DOT,                  HEAR_5YZ,                              IDLE,        BOUNCED },
    { DOT,                  HEAR_REPLY | HEAR_EARLY,               OVER,        DOUBTED },
    { DOT,                  WORD_PEER_LOST | WORD_DEADLINE | WORD_GIVE_UP, OVER, DOUBTED },

    /* §4.1.1.10: QUIT. Whatever comes, it is over; the driver reads to the end-of-file. */
    { QUIT,                 HEAR_REPLY | HEAR_EARLY | WORD_PEER_LOST | WORD_DEADLINE | WORD_GIVE_UP, OVER, GO_ON },
    { OVER,                 ANY_INPUT,                             SAME,        GO_ON },

    /* Who speaks unasked is heard out and left, without another command, and without a dot (T21). */
    { INTERRUPTED,          HEAR_REPLY,                            OVER,        FAILED },
    { INTERRUPTED,          HEAR_EARLY,                            SAME,        CANNOT_HAPPEN },
    { CONNECT,              HEAR_REPLY | HEAR_EARLY,               SAME,        CANNOT_HAPPEN },
    { ANY_STATE,            HEAR_EARLY,                            INTERRUPTED, GO_ON },
    /* A reply of a class that does not belong there, or none at all. */
    { OPENING | OFFERING,   HEAR_REPLY,                            OVER,        FAILED },
    { IDLE | DIRTY,         HEAR_REPLY,                            SAME,        CANNOT_HAPPEN },

    /* The connection is lost, silent or given up. */
    { IDLE | DIRTY,         WORD_PEER_LOST | WORD_DEADLINE | WORD_GIVE_UP, OVER, GO_ON },
    { ANY_STATE,            WORD_PEER_LOST | WORD_DEADLINE,        OVER,        FAILED },
    { ANY_STATE,            WORD_GIVE_UP,                          OVER,        NOT_SENT },

    { QUIT | INTERRUPTED,   WORD_QUIT,                             SAME,        GO_ON },
    { ANY_STATE,            WORD_QUIT,                             SAME,        QUIT_LATER },
    { ANY_STATE,            WORD_AUTHORIZED | WORD_NOT_AUTHORIZED, SAME,        GO_ON },      /* too late to matter */
    { ANY_STATE,            WORD_CONNECTED | WORD_CONTENT_OUT,     SAME,        CANNOT_HAPPEN },
    { ANY_STATE,            WORD_MESSAGE | WORD_MESSAGE_TOO_BIG | WORD_MESSAGE_NO_UTF8, SAME, CANNOT_HAPPEN },
};
/* clang-format on */

const struct smtp_rule *smtp_rule_of(enum smtp_state state, int input)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        if ((rules[i].in & (int)state) != 0 && (rules[i].hear & input) != 0)
            return &rules[i];
    }
    return NULL;
}

/* clang-format off */
static const struct smtp_state_facts facts[SMTP_STATES] = {
    { "CONNECT",     SMTP_STAGE_CONNECT, SMTP_NEEDS_CONNECTION,    1 * US_PER_MINUTE },
    { "GREETING",    SMTP_STAGE_BANNER,  SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "EHLO",        SMTP_STAGE_EHLO,    SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "HELO",        SMTP_STAGE_EHLO,    SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "IDLE",        SMTP_STAGES,        SMTP_NEEDS_MESSAGE,       0 },
    { "DIRTY",       SMTP_STAGES,        SMTP_NEEDS_MESSAGE,       0 },
    { "RSET",        SMTP_STAGE_MAIL,    SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "MAIL",        SMTP_STAGE_MAIL,    SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "RCPT",        SMTP_STAGE_RCPT,    SMTP_NEEDS_PEER,          5 * US_PER_MINUTE },
    { "DATA",        SMTP_STAGE_DATA,    SMTP_NEEDS_PEER,          2 * US_PER_MINUTE },
    { "CONTENT",     SMTP_STAGE_DATA,    SMTP_NEEDS_PEER,          3 * US_PER_MINUTE },     /* for each block */
    { "HELD",        SMTP_STAGE_DATA,    SMTP_NEEDS_AUTHORIZATION, BOUND_AUTHORIZATION_US },
    { "DOT",         SMTP_STAGE_DOT,     SMTP_NEEDS_PEER,          10 * US_PER_MINUTE },
    { "QUIT",        SMTP_STAGES,        SMTP_NEEDS_PEER,          30 * US_PER_SECOND },    /* the permit waits for it */
    { "INTERRUPTED", SMTP_STAGES,        SMTP_NEEDS_PEER,          10 * US_PER_SECOND },
    { "OVER",        SMTP_STAGES,        SMTP_NEEDS_CLOSE,         0 },
};
/* clang-format on */

const struct smtp_state_facts *smtp_facts_of(enum smtp_state state)
{
    int place = __builtin_ctz((unsigned)state);
    assert(place < SMTP_STATES && (int)state == 1 << place);
    return &facts[place];
}
