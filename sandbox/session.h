/*
 * session — the server's half of RFC 5321 as a table: a line in, an answer out; no socket, no clock.
 *
 * One life: session_greet() once, then session_hear() for each line; an answer that ends with AFTER_CONTENT is followed by
 * the content and session_end_content(); until an answer's `after` ends the conversation. Rules of the behaviour and
 * recipients that behave are asked before a stage takes effect.
 */
#pragma once

#include "sandbox/behaviour.h"
#include "sandbox/content.h"

struct greylist;
struct session;

#define SESSION_RECIPIENTS_MAX 100 /* RFC 5321 §4.5.3.1.8: at least 100 */
#define SESSION_FAULTS_MAX     20  /* wrong commands; then 421 4.7.0 */
#define SESSION_REPLY_MAX      (BEHAVIOUR_REPLY_MAX + 512)

enum after {
    AFTER_STAY,
    AFTER_CONTENT, /* the content follows */
    AFTER_QUIT,    /* the client said so */
    AFTER_CLOSE,   /* we do, behind the reply */
    AFTER_DROP,    /* at once */
    AFTER_STALL,   /* nothing more is said */
};

struct answer {
    enum stage stage;  /* STAGES: of none that a rule can name */
    struct text reply; /* with its line ends; empty: none; borrowed until the next call */
    enum after after;
    int64_t delay_us;
    bool taken; /* of the final dot: the message is ours now, even if the reply never comes */
};

struct scene { /* what the session borrows, for its life */
    const struct behaviour *behaviour;
    struct greylist *greylist;
    struct text source;
};

struct envelope {
    struct text from;
    struct text to[SESSION_RECIPIENTS_MAX];
    size_t recipients;
};

struct session *session_new(const struct scene *scene); /* yours, until session_free() */
void session_free(struct session **session);

/* busy: the client has one connection too many. early: it spoke before it was greeted (RFC 5321 §3.1). */
struct answer session_greet(struct session *session, bool busy, bool early);
/* A line without its CRLF. */
struct answer session_hear(struct session *session, struct text line, struct instant now);
/* A line that is over the bound, or ends in a bare LF. */
struct answer session_hear_fault(struct session *session, struct text reply);
/* The dot was read. The envelope stays until session_reset(), which is the caller's next step. */
struct answer session_end_content(struct session *session, enum content_fault fault);
void session_reset(struct session *session);

const struct envelope *session_envelope(const struct session *session);
int64_t session_close_late_us(const struct session *session); /* what slow@ asked for; 0 */
bool answer_is_throttle(const struct answer *answer);         /* 421 4.4.5, in either style */
