/*
 * behaviour — how this receiver treats its clients: a profile, and what its owner or a test changed of it.
 *
 * A rule of a stage says what happens where the answer to that stage is due: another reply, a delay before it, none at
 * all (stall: the client's patience is tried; drop: the connection is closed without a word), or a close behind it.
 * The rule is asked before the stage takes effect: a recipient whose RCPT is answered 451 is no recipient.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"

enum stage { STAGE_GREETING, STAGE_EHLO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_DOT, STAGE_QUIT, STAGES };
enum profile { PROFILE_STRICT, PROFILE_GMAIL, PROFILE_LAX, PROFILES };

#define BEHAVIOUR_REPLY_MAX 1000 /* octets of a reply that a rule gives */
#define BEHAVIOUR_US_MAX    (24LL * US_PER_HOUR)
#define BEHAVIOUR_LIMIT_MAX 100000
#define BEHAVIOUR_STALL_US                                                                                             \
    (15 * US_PER_MINUTE) /* longer than the ten minutes that RFC 5321 §4.5.3.2.6 lets a client wait */
#define BEHAVIOUR_NEVER_US    (60 * US_PER_MINUTE) /* "never close" ends here */
#define BEHAVIOUR_GREYLIST_US (5 * US_PER_MINUTE)  /* by the rules' clock */
#define BEHAVIOUR_IDLE_US     (5 * US_PER_MINUTE)  /* RFC 5321 §4.5.3.2.7 */

struct stage_rule {
    char reply[BEHAVIOUR_REPLY_MAX]; /* lines parted by LF; "": the receiver's own */
    int64_t delay_us;
    bool stall, drop, close;
};

struct behaviour {
    enum profile profile;
    size_t limit;          /* connections that one source may have open; 0: any number */
    int64_t close_late_us; /* after QUIT's reply, whatever the client does meanwhile */
    bool never_close;      /* after QUIT; a client that resets is noticed, one that only closes is not */
    int64_t greylist_us;   /* the rules' time */
    size_t messages;       /* answered dots on a connection, then it is closed without a word; 0: any number */
    int64_t idle_us;       /* real time for a command or for the next octets of a message; then 421 4.4.2 */
    struct stage_rule at[STAGES];
};

struct behaviour behaviour_of(enum profile profile);

/* Is a new connection one too many? open: those of its source, itself included. luck: evenly from [0, 1). */
bool behaviour_is_busy(const struct behaviour *behaviour, size_t open, double luck);

/* "strict", "greeting", … and back; the last two are false for a word that is none. */
const char *profile_name(enum profile profile);
const char *stage_name(enum stage stage);
MUST_USE bool profile_of(struct text name, enum profile *profile);
MUST_USE bool stage_of(struct text name, enum stage *stage);
