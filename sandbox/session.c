#include "sandbox/session.h"

#include "sandbox/greylist.h"
#include "sandbox/manners.h"
#include "sandbox/path.h"

#include <string.h>

enum state { AWAITED, GREETED, MAIL, RCPT, CONTENT, ANY };
enum verb { EHLO, HELO, MAIL_FROM, RCPT_TO, DATA, RSET, NOOP, VRFY, HELP, QUIT, UNKNOWN };

struct session {
    struct scene scene;
    enum state state;
    bool utf8; /* SMTPUTF8 was asked for this transaction */
    unsigned faults;
    int64_t close_late_us;
    const struct manner *at_dot; /* of a recipient of this transaction; the last that has one */
    struct arena *arena;         /* of this transaction */
    struct envelope envelope;
    char reply[SESSION_REPLY_MAX];
};

struct rule {
    enum state in;
    enum verb verb;
    struct answer (*hear)(struct session *session, struct text rest, struct instant now);
};

struct session *session_new(const struct scene *scene)
{
    struct session *session = memory_make(struct session);
    session->scene = *scene;
    session->arena = arena_new();
    return session;
}

void session_free(struct session **session)
{
    if (*session == NULL)
        return;
    arena_free(&(*session)->arena);
    memory_free(session);
}

void session_reset(struct session *session)
{
    arena_free(&session->arena);
    session->arena = arena_new();
    session->envelope = (struct envelope){ 0 };
    session->at_dot = NULL;
    session->utf8 = false;
    if (session->state != AWAITED)
        session->state = GREETED;
}

const struct envelope *session_envelope(const struct session *session)
{
    return &session->envelope;
}

int64_t session_close_late_us(const struct session *session)
{
    return session->close_late_us;
}

/* Lines parted by LF, each ended as the RFC says. The bytes live in the session. */
static struct text session_words(struct session *session, const char *reply)
{
    size_t length = 0;
    for (const char *byte = reply; *byte != '\0'; byte++) {
        assert(length + 3 < sizeof(session->reply));
        if (*byte == '\n')
            session->reply[length++] = '\r';
        session->reply[length++] = *byte;
    }
    memcpy(session->reply + length, "\r\n", 2);
    return text_from(session->reply, length + 2);
}

static struct answer answer_of(struct session *session, enum stage stage, const char *reply)
{
    return (struct answer){ .stage = stage, .reply = session_words(session, reply), .after = AFTER_STAY };
}

static bool answer_is(const struct answer *answer, char class)
{
    return answer->reply.length > 0 && answer->reply.bytes[0] == class;
}

bool answer_is_throttle(const struct answer *answer)
{
    return text_starts(answer->reply, TEXT("421 4.4.5")) || text_starts(answer->reply, TEXT("421-4.4.5"));
}

/* What the behaviour's rule makes of an answer; it is asked for every one that is given at a stage. */
static struct answer answer_ruled(struct session *session, struct answer answer)
{
    const struct stage_rule *rule = &session->scene.behaviour->at[answer.stage];
    answer.delay_us = rule->delay_us;
    if (rule->reply[0] != '\0')
        answer.reply = session_words(session, rule->reply);
    if (rule->close)
        answer.after = AFTER_CLOSE;
    if (rule->stall || rule->drop) {
        answer.after = rule->drop ? AFTER_DROP : AFTER_STALL;
        answer.reply = TEXT("");
    }
    return answer;
}

/* Did the stage succeed, so that it takes effect? */
static bool answer_is_yes(const struct answer *answer)
{
    return answer->after == AFTER_STAY && (answer_is(answer, '2') || answer_is(answer, '3'));
}

static struct answer answer_fault(struct session *session, const char *reply)
{
    if (++session->faults <= SESSION_FAULTS_MAX)
        return answer_of(session, STAGES, reply);
    struct answer answer = answer_of(session, STAGES, "421 4.7.0 Too many errors");
    answer.after = AFTER_CLOSE;
    return answer;
}

struct answer session_greet(struct session *session, bool busy, bool early)
{
    static const char *const busy_words[PROFILES] = {
        [PROFILE_STRICT] = "421 4.4.5 Server busy, too many concurrent connections from your address",
        [PROFILE_GMAIL] = "421-4.4.5 Server busy, try again later. (sandbox.evenpost.test)\n"
                          "421-4.4.5 For more information, go to\n"
                          "421 4.4.5  https://support.google.com/a/answer/3221692 - gsmtp",
        [PROFILE_LAX] = "421 4.4.5 Server busy, too many concurrent connections from your address",
    };
    struct answer answer;
    if (busy || early) {
        answer = answer_of(session, STAGES,
                           busy ? busy_words[session->scene.behaviour->profile]
                                : "554 5.5.1 You spoke before you were greeted");
        answer.after = AFTER_CLOSE;
        return answer;
    }
    return answer_ruled(session,
                        answer_of(session, STAGE_GREETING, "220 sandbox.evenpost.test ESMTP Evenpost sandbox"));
}

static struct answer hear_hello(struct session *session, struct text name, const char *reply)
{
    if (!path_is_domain(name, false))
        return answer_fault(session, "501 5.5.4 Say who you are: a domain or an address literal");
    struct answer answer = answer_ruled(session, answer_of(session, STAGE_EHLO, reply));
    if (!answer_is_yes(&answer))
        return answer;
    session->state = GREETED;
    session_reset(session);
    return answer;
}

static struct answer hear_ehlo(struct session *session, struct text rest, struct instant now)
{
    (void)now;
    static_assert(CONTENT_MAX == 26214400, "EHLO says the size");
    return hear_hello(session, rest,
                      "250-sandbox.evenpost.test\n250-SIZE 26214400\n250-8BITMIME\n250-PIPELINING\n"
                      "250-ENHANCEDSTATUSCODES\n250 SMTPUTF8");
}

static struct answer hear_helo(struct session *session, struct text rest, struct instant now)
{
    (void)now;
    return hear_hello(session, rest, "250 sandbox.evenpost.test");
}

/* NULL: every parameter of MAIL is known and good. */
static const char *mail_fault(struct session *session, struct text parameters)
{
    struct text part;
    uint64_t size;
    while (text_cut(&parameters, ' ', &part)) {
        struct text value = text_after(part, text_find(part, '=') + 1);
        struct text key = text_slice(part, 0, text_find(part, '='));
        if (text_equal_fold(part, TEXT("SMTPUTF8")))
            session->utf8 = true;
        else if (text_equal_fold(key, TEXT("BODY"))) {
            if (!text_equal_fold(value, TEXT("7BIT")) && !text_equal_fold(value, TEXT("8BITMIME")))
                return "501 5.5.4 BODY is 7BIT or 8BITMIME";
        } else if (text_equal_fold(key, TEXT("SIZE"))) {
            if (!text_to_uint(value, UINT64_MAX, &size))
                return "501 5.5.4 SIZE is a number";
            if (size > CONTENT_MAX)
                return "552 5.3.4 Message larger than 26214400 octets";
        } else
            return "555 5.5.4 Parameter not known";
    }
    return NULL;
}

static struct answer hear_mail(struct session *session, struct text rest, struct instant now)
{
    (void)now;
    struct text address, parameters;
    if (!path_read(rest, true, &address, &parameters))
        return answer_fault(session, "501 5.1.7 Sender address is malformed");
    const char *fault = mail_fault(session, parameters);
    if (fault == NULL && !session->utf8 && !text_is_ascii(address))
        fault = "553 5.6.7 Ask for SMTPUTF8 first";
    if (fault != NULL)
        return answer_fault(session, fault);
    struct answer answer = answer_ruled(session, answer_of(session, STAGE_MAIL, "250 2.1.0 Sender ok"));
    if (!answer_is_yes(&answer))
        return answer;
    session->envelope.from = text_copy(session->arena, address);
    session->state = MAIL;
    return answer;
}

/* The answer of a recipient that behaves at RCPT; an ordinary one gets 250. */
static struct answer answer_of_recipient(struct session *session, struct text address, const struct manner *manner,
                                         struct instant now)
{
    const struct scene *scene = &session->scene;
    struct answer yes = answer_of(session, STAGE_RCPT, "250 2.1.5 Recipient ok");
    if (manner == NULL || manner->stage != STAGE_RCPT)
        return yes;
    if (manner->kind == MANNER_GREYLIST && greylist_pass(scene->greylist, scene->source, session->envelope.from,
                                                         address, now, scene->behaviour->greylist_us))
        return yes;
    struct answer no = answer_of(session, STAGE_RCPT, manner->reply);
    if (manner->kind == MANNER_CLOSE)
        no.after = AFTER_CLOSE;
    return no;
}

static struct answer hear_rcpt(struct session *session, struct text rest, struct instant now)
{
    struct envelope *envelope = &session->envelope;
    struct text address, parameters;
    if (!path_read(rest, session->utf8, &address, &parameters) || address.length == 0)
        return answer_fault(session, "501 5.1.3 Recipient address is malformed");
    if (parameters.length > 0)
        return answer_fault(session, "555 5.5.4 Parameter not known");
    if (envelope->recipients == SESSION_RECIPIENTS_MAX)
        return answer_of(session, STAGES, "452 4.5.3 Too many recipients");
    const struct manner *manner = manner_of(address);
    struct answer answer = answer_ruled(session, answer_of_recipient(session, address, manner, now));
    if (!answer_is_yes(&answer))
        return answer;
    envelope->to[envelope->recipients++] = text_copy(session->arena, address);
    session->state = RCPT;
    if (manner != NULL && manner->stage == STAGE_DOT)
        session->at_dot = manner;
    if (manner != NULL && manner->kind == MANNER_LATE)
        session->close_late_us = MANNER_LATE_US;
    return answer;
}

static struct answer hear_data(struct session *session, struct text rest, struct instant now)
{
    (void)now;
    if (rest.length > 0)
        return answer_fault(session, "501 5.5.4 DATA has no parameter");
    struct answer answer =
        answer_ruled(session, answer_of(session, STAGE_DATA, "354 Go ahead, end with a dot on a line by itself"));
    if (!answer_is(&answer, '3') || answer.after != AFTER_STAY)
        return answer;
    session->state = CONTENT;
    answer.after = AFTER_CONTENT;
    return answer;
}

static struct answer hear_rset(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    session_reset(session);
    return answer_of(session, STAGES, "250 2.0.0 Forgotten");
}

static struct answer hear_noop(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    return answer_of(session, STAGES, "250 2.0.0 Nothing done");
}

static struct answer hear_vrfy(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    return answer_of(session, STAGES, "252 2.0.0 Send some mail, and see");
}

static struct answer hear_help(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    return answer_of(session, STAGES, "214 2.0.0 RFC 5321; the local-part of a recipient says how it behaves");
}

static struct answer hear_quit(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    struct answer answer = answer_ruled(session, answer_of(session, STAGE_QUIT, "221 2.0.0 Bye"));
    if (answer.after == AFTER_STAY)
        answer.after = AFTER_QUIT;
    return answer;
}

static struct answer hear_disorder(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    return answer_fault(session, "503 5.5.1 Not now: the order is EHLO, MAIL, RCPT, DATA");
}

static struct answer hear_unknown(struct session *session, struct text rest, struct instant now)
{
    (void)rest, (void)now;
    return answer_fault(session, "500 5.5.2 Command not known");
}

static const struct rule rules[] = {
    /* RFC 5321 §4.1.4. The first row that fits. */
    { ANY, EHLO, hear_ehlo },          { ANY, HELO, hear_helo },        { GREETED, MAIL_FROM, hear_mail },
    { MAIL, RCPT_TO, hear_rcpt },      { RCPT, RCPT_TO, hear_rcpt },    { RCPT, DATA, hear_data },
    { ANY, RSET, hear_rset },          { ANY, NOOP, hear_noop },        { ANY, VRFY, hear_vrfy },
    { ANY, HELP, hear_help },          { ANY, QUIT, hear_quit },        { ANY, UNKNOWN, hear_unknown },
    { ANY, MAIL_FROM, hear_disorder }, { ANY, RCPT_TO, hear_disorder }, { ANY, DATA, hear_disorder },
};

/* What the line asks for; *rest is what stands behind its word. */
static enum verb verb_of(struct text line, struct text *rest)
{
    static const struct {
        struct text word;
        enum verb verb;
    } words[] = {
        { TEXT("EHLO"), EHLO },        { TEXT("HELO"), HELO }, { TEXT("MAIL FROM:"), MAIL_FROM },
        { TEXT("RCPT TO:"), RCPT_TO }, { TEXT("DATA"), DATA }, { TEXT("RSET"), RSET },
        { TEXT("NOOP"), NOOP },        { TEXT("VRFY"), VRFY }, { TEXT("HELP"), HELP },
        { TEXT("QUIT"), QUIT },
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (!text_starts_fold(line, words[i].word))
            continue;
        *rest = text_after(line, words[i].word.length);
        if (text_ends(words[i].word, TEXT(":"))) /* the path follows without a space */
            return words[i].verb;
        if (rest->length > 0 && rest->bytes[0] != ' ')
            return UNKNOWN;
        *rest = text_trim(*rest);
        return words[i].verb;
    }
    *rest = line;
    return UNKNOWN;
}

struct answer session_hear(struct session *session, struct text line, struct instant now)
{
    struct text rest;
    assert(session->state != CONTENT);
    if (text_has(line, '\0') || text_has(line, '\r'))
        return answer_fault(session, "500 5.5.2 A command has no NUL and no bare CR");
    enum verb verb = verb_of(line, &rest);
    for (size_t i = 0; i < COUNT(rules); i++)
        if ((rules[i].in == ANY || rules[i].in == session->state) && rules[i].verb == verb)
            return rules[i].hear(session, rest, now);
    unreachable("each verb has a row for any state");
}

struct answer session_hear_fault(struct session *session, struct text reply)
{
    return answer_fault(session, reply.bytes);
}

static const char *content_reply(enum content_fault fault)
{
    switch (fault) {
    case CONTENT_GOOD: return "250 2.0.0 Message taken";
    case CONTENT_BARE: return "550 5.6.0 The content has a CR or an LF that is no line end";
    case CONTENT_LONG_LINE: return "550 5.6.0 The content has a line of more than 998 octets";
    case CONTENT_NUL: return "550 5.6.0 The content has a NUL";
    case CONTENT_TOO_LARGE: return "552 5.3.4 Message larger than 26214400 octets";
    case CONTENT_NO_ROOM: return "452 4.3.1 No room now, try again later";
    }
    unreachable("a fault of content has a reply");
}

/* A recipient that behaves at the dot has its way, unless the content is at fault. */
static struct answer answer_of_manner(struct session *session, const struct manner *manner, struct answer answer)
{
    switch (manner->kind) {
    case MANNER_DROP: return (struct answer){ .stage = STAGE_DOT, .reply = TEXT(""), .after = AFTER_DROP };
    case MANNER_STALL: return (struct answer){ .stage = STAGE_DOT, .reply = TEXT(""), .after = AFTER_STALL };
    case MANNER_HALF:
        return (struct answer){ .stage = STAGE_DOT, .reply = text_of(manner->reply), .after = AFTER_CLOSE };
    case MANNER_REPLY: return answer_of(session, STAGE_DOT, manner->reply);
    case MANNER_CLOSE:
    case MANNER_GREYLIST:
    case MANNER_LATE: break;
    }
    return answer;
}

struct answer session_end_content(struct session *session, enum content_fault fault)
{
    assert(session->state == CONTENT);
    struct answer answer = answer_of(session, STAGE_DOT, content_reply(fault));
    if (fault != CONTENT_GOOD)
        return answer;
    if (session->at_dot != NULL)
        answer = answer_of_manner(session, session->at_dot, answer);
    answer = answer_ruled(session, answer);
    answer.taken = !answer_is(&answer, '4') && !answer_is(&answer, '5');
    return answer;
}
