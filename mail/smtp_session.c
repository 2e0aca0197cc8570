#include "mail/dot.h"
#include "mail/smtp_table.h"

enum { BLOCK = 16 * 1024, TRANSCRIPT_REPLY_MAX = 900, COMMAND_MAX = 1024 };

/* Slower than this over the whole content, and the peer is holding us: T35. */
enum { CONTENT_OCTETS_PER_SECOND_MIN = 1024 };

struct smtp_session {
    enum smtp_state state;
    enum smtp_stage stage;
    struct tick until;
    struct tick content_until; /* of the whole content */
    struct text helo;
    bool quit_asked;

    /* what the peer offers */
    bool size_known, utf8_offered;
    uint64_t size_max; /* 0: no limit is told */

    /* the message at hand, and the end of the one before */
    const struct smtp_message *message;
    struct tick begun;
    struct smtp_result result;
    bool result_there;
    struct reply farewell;
    unsigned messages;

    struct dot_writer content;
    size_t dot_wrote;
    struct text output; /* what is not written yet */

    struct arena *attempt; /* what belongs to one message: replies, transcript, output */
    struct arena *own;     /* the session's own words */
    struct reply_reader reader;
    struct builder transcript;
    char *block;
    struct smtp_watch *watch;
};

/* ---- the transcript ---- */

static void note(struct smtp_session *session, char direction, struct text line)
{
    if (session->transcript.length + line.length + 3 > BOUND_TRANSCRIPT)
        return;
    builder_add_byte(&session->transcript, direction);
    builder_add_byte(&session->transcript, ' ');
    builder_add(&session->transcript, line);
    builder_add_byte(&session->transcript, '\n');
}

/* A long reply is cut in its middle of the story, so that the others have room too. */
static void note_reply(struct smtp_session *session)
{
    struct text rest = builder_text(&session->reader.raw), line = TEXT_NONE;
    size_t noted = 0;
    while (text_cut(&rest, '\n', &line)) {
        if (line.length == 0)
            continue;
        noted += line.length;
        if (noted > TRANSCRIPT_REPLY_MAX) {
            note(session, '<', TEXT("…"));
            return;
        }
        note(session, '<', line);
    }
}

/* ---- what is said on entering a state ---- */

static void say(struct smtp_session *session, struct text line)
{
    assert(session->output.length == 0 && line.length <= COMMAND_MAX && !text_has_control(line));
    note(session, '>', line);
    session->output = text_join(session->attempt, line, TEXT("\r\n"));
}

static void say_mail(struct smtp_session *session)
{
    const struct smtp_message *message = session->message;
    struct builder line = builder_in(session->attempt);
    builder_format(&line, "MAIL FROM:<%.*s>", TEXT_ARG(message->from->text));
    if (session->size_known)
        builder_format(&line, " SIZE=%zu", message->content.octets.length);
    if (message->content.international || !message->from->ascii || !message->to->ascii)
        builder_add(&line, TEXT(" BODY=8BITMIME SMTPUTF8"));
    say(session, builder_text(&line));
}

static void fill_block(struct smtp_session *session)
{
    size_t length = dot_write(&session->content, session->block, BLOCK);
    session->output = text_from(session->block, length);
}

static void say_content(struct smtp_session *session, struct tick now)
{
    size_t octets = session->message->content.octets.length;
    int64_t whole_us = 3 * US_PER_MINUTE + (int64_t)octets * US_PER_SECOND / CONTENT_OCTETS_PER_SECOND_MIN;
    note(session, '>', text_format(session->attempt, "(%zu octets of content, without the last line end)", octets));
    session->content_until = tick_add(now, whole_us);
    session->content = dot_writer_of(session->message->content.octets);
    session->block = arena_bytes(session->attempt, BLOCK);
    fill_block(session);
}

static void say_dot(struct smtp_session *session)
{
    note(session, '>', TEXT("."));
    session->dot_wrote = 0;
    session->output = DOT_END;
}

static void speak(struct smtp_session *session, struct tick now)
{
    switch (session->state) {
    case EHLO: say(session, text_format(session->attempt, "EHLO %.*s", TEXT_ARG(session->helo))); return;
    case HELO: say(session, text_format(session->attempt, "HELO %.*s", TEXT_ARG(session->helo))); return;
    case RSET: say(session, TEXT("RSET")); return;
    case MAIL: say_mail(session); return;
    case RCPT:
        say(session, text_format(session->attempt, "RCPT TO:<%.*s>", TEXT_ARG(session->message->to->text)));
        return;
    case DATA: say(session, TEXT("DATA")); return;
    case CONTENT: say_content(session, now); return;
    case DOT: say_dot(session); return;
    case QUIT: say(session, TEXT("QUIT")); return;
    case INTERRUPTED:
    case OVER: session->output = TEXT(""); return;
    default: return;
    }
}

static void enter(struct smtp_session *session, enum smtp_state state, struct tick now)
{
    const struct smtp_state_facts *facts = smtp_facts_of(state);
    session->state = state;
    if (facts->stage != SMTP_STAGES)
        session->stage = facts->stage;
    session->until = facts->wait_us == 0 ? TICK_NONE : tick_add(now, facts->wait_us);
    session->reader = reply_reader_in(session->attempt);
    speak(session, now);
}

/* ---- what the peer offers (RFC 5321 §4.1.1.1) ---- */

/* RFC 1870 §3: a value that is none says nothing; 0 says that there is no fixed limit. */
static void learn_size(struct smtp_session *session, struct text value)
{
    uint64_t max = 0;
    session->size_known = true;
    session->size_max = text_to_uint(value, UINT64_MAX, &max) ? max : 0;
}

static void learn(struct smtp_session *session)
{
    struct text rest = session->reader.reply.text, line = TEXT_NONE;
    bool eight_bit = false, utf8 = false, first = true;
    while (text_cut(&rest, '\n', &line)) {
        struct text value = line, keyword = TEXT_NONE;
        if (!text_cut(&value, ' ', &keyword) || first) {
            first = false;
            continue;
        }
        if (text_equal_fold(keyword, TEXT("SIZE")))
            learn_size(session, text_trim(value));
        eight_bit |= text_equal_fold(keyword, TEXT("8BITMIME"));
        utf8 |= text_equal_fold(keyword, TEXT("SMTPUTF8"));
    }
    session->utf8_offered = utf8 && eight_bit; /* RFC 6531 §3.1 item 8 */
}

/* ---- the end of a message ---- */

static enum smtp_trouble trouble_of(const struct smtp_session *session, int input)
{
    bool asked = session->state != INTERRUPTED;
    switch (input) {
    case WORD_PEER_LOST: return SMTP_LOST;
    case WORD_DEADLINE: return session->state == HELD ? SMTP_NOT_AUTHORIZED : SMTP_SILENT;
    case WORD_NOT_AUTHORIZED: return SMTP_NOT_AUTHORIZED;
    case WORD_GIVE_UP: return SMTP_GIVEN_UP;
    case WORD_MESSAGE_TOO_BIG: return SMTP_TOO_BIG;
    case WORD_MESSAGE_NO_UTF8: return SMTP_NO_UTF8;
    case HEAR_421: return SMTP_NO_TROUBLE;
    case HEAR_4YZ:
    case HEAR_5YZ: return asked ? SMTP_NO_TROUBLE : SMTP_PROTOCOL;
    case HEAR_2YZ: return session->state == DOT ? SMTP_NO_TROUBLE : SMTP_PROTOCOL;
    default: return SMTP_PROTOCOL;
    }
}

static struct reply reply_to_show(const struct smtp_session *session, int input)
{
    if (input == WORD_MESSAGE_TOO_BIG)
        return (struct reply){ REPLY_5YZ, 552, { 5, 3, 4 }, TEXT("The message is larger than this receiver takes") };
    if (input == WORD_MESSAGE_NO_UTF8)
        return (
            struct reply){ REPLY_5YZ, 550, { 5, 6, 7 }, TEXT("This receiver does not take addresses outside ASCII") };
    return (input & HEAR_REPLY) ? session->reader.reply : (struct reply){ 0 };
}

static void end_message(struct smtp_session *session, enum smtp_outcome outcome, int input, struct tick now)
{
    struct reply reply = reply_to_show(session, input);
    if (session->message == NULL) {
        session->farewell = reply;
        return;
    }
    bool offered_nothing = (input & (WORD_MESSAGE_TOO_BIG | WORD_MESSAGE_NO_UTF8)) != 0;
    session->result = (struct smtp_result){
        .outcome = outcome,
        .stage = offered_nothing ? SMTP_STAGE_MAIL : session->stage,
        .trouble = trouble_of(session, input),
        .reply = reply,
        .transcript = builder_text(&session->transcript),
        .dot_sent = session->state == DOT && session->dot_wrote > 0,
        .reused = session->messages > 0,
        .took_us = tick_since(now, session->begun),
    };
    session->result_there = true;
    session->message = NULL;
    if (session->stage >= SMTP_STAGE_MAIL && outcome != SMTP_STALE && !offered_nothing)
        session->messages++;
}

/* A session that an earlier message used, ended while it was idle: the peer said nothing to MAIL, or that it timed out
 * (RFC 3463: X.4.2). */
static bool is_stale(const struct smtp_session *session, int input)
{
    if (session->messages == 0 || session->stage != SMTP_STAGE_MAIL)
        return false;
    return input == WORD_PEER_LOST || (input == HEAR_421 && enhanced_code_is(session->reader.reply.enhanced, 4, 4, 2));
}

static enum smtp_outcome outcome_of_failure(const struct smtp_session *session, int input)
{
    if (session->stage < SMTP_STAGE_MAIL)
        return SMTP_REFUSED_HERE;
    return is_stale(session, input) ? SMTP_STALE : SMTP_DEFERRED;
}

static void conclude(struct smtp_session *session, enum smtp_then then, int input, struct tick now)
{
    switch (then) {
    case GO_ON: return;
    case LEARN: learn(session); return;
    case DELIVERED: end_message(session, SMTP_DELIVERED, input, now); return;
    case DEFERRED: end_message(session, SMTP_DEFERRED, input, now); return;
    case BOUNCED: end_message(session, SMTP_BOUNCED, input, now); return;
    case FAILED: end_message(session, outcome_of_failure(session, input), input, now); return;
    case STALE: end_message(session, SMTP_STALE, input, now); return;
    case DOUBTED: end_message(session, session->dot_wrote > 0 ? SMTP_UNCONFIRMED : SMTP_NOT_SENT, input, now); return;
    case NOT_SENT: end_message(session, SMTP_NOT_SENT, input, now); return;
    case QUIT_LATER: session->quit_asked = true; return;
    case CANNOT_HAPPEN: unreachable("this state never hears that");
    }
}

/* ---- the step ---- */

static void check(const struct smtp_session *session)
{
    bool needs_message = session->state & (RSET | MAIL | RCPT | DATA | CONTENT | HELD | DOT);
    assert(!needs_message || session->message != NULL);
    assert(!needs_message || !session->result_there);
    assert(session->state != OVER || (session->message == NULL && session->output.length == 0));
    assert(session->state != HELD || session->output.length == 0);
}

static void show_step(struct smtp_session *session, int input, enum smtp_state next)
{
    if (session->watch == NULL)
        return;
    const char *to = next == SAME ? "stays" : smtp_facts_of(next)->name;
    const char *heard = (input & HEAR_REPLY) ? "reply" : (input & HEAR_EARLY) ? "unasked bytes" : "word";
    int detail = (input & HEAR_REPLY) ? session->reader.reply.code : input;
    session->watch->step(session->watch, text_format(session->attempt, "%s, %s %d: %s",
                                                     smtp_facts_of(session->state)->name, heard, detail, to));
}

/* What an idle session has to hear next, from us; 0: nothing. */
static int own_word(const struct smtp_session *session)
{
    if (!(session->state & (IDLE | DIRTY)))
        return 0;
    const struct smtp_message *message = session->message;
    if (message == NULL)
        return session->quit_asked ? WORD_QUIT : 0;
    bool international = message->content.international || !message->from->ascii || !message->to->ascii;
    if (international && !session->utf8_offered)
        return WORD_MESSAGE_NO_UTF8;
    if (session->size_max > 0 && message->content.octets.length > session->size_max)
        return WORD_MESSAGE_TOO_BIG;
    return WORD_MESSAGE;
}

static void step(struct smtp_session *session, int input, struct tick now)
{
    for (; input != 0; input = own_word(session)) {
        const struct smtp_rule *rule = smtp_rule_of(session->state, input);
        assert(rule != NULL);
        show_step(session, input, rule->next);
        conclude(session, rule->then, input, now);
        if (rule->next != SAME)
            enter(session, rule->next, now);
        check(session);
    }
}

/* ---- what the driver calls ---- */

struct smtp_session *smtp_session_new(struct text helo, struct tick now)
{
    struct smtp_session *session = memory_make(struct smtp_session);
    session->own = arena_new();
    session->attempt = arena_new();
    session->transcript = builder_in(session->attempt);
    assert(helo.length > 0 && helo.length <= BOUND_DOMAIN && !text_has(helo, ' '));
    session->helo = text_copy(session->own, helo);
    session->output = TEXT("");
    session->begun = now;
    enter(session, CONNECT, now);
    return session;
}

void smtp_session_free(struct smtp_session **session)
{
    if (*session == NULL)
        return;
    arena_free(&(*session)->attempt);
    arena_free(&(*session)->own);
    memory_free(session);
}

void smtp_session_watch(struct smtp_session *session, struct smtp_watch *watch)
{
    session->watch = watch;
}

void smtp_session_offer(struct smtp_session *session, const struct smtp_message *message, struct tick now)
{
    assert(session->message == NULL && !session->result_there && (session->state & (CONNECT | IDLE | DIRTY)));
    assert(session->output.length == 0);
    assert(content_is_canonical(message->content.octets, message->content.international));
    arena_free(&session->attempt);
    session->attempt = arena_new();
    session->transcript = builder_in(session->attempt);
    session->reader = reply_reader_in(session->attempt);
    session->result = (struct smtp_result){ 0 };
    session->farewell = (struct reply){ 0 };
    session->message = message;
    session->begun = now;
    step(session, own_word(session), now);
}

void smtp_session_word(struct smtp_session *session, enum smtp_word word, struct tick now)
{
    bool passed = !tick_is_none(session->until) && !tick_before(now, session->until);
    if (word == WORD_DEADLINE && !passed)
        return;
    if (word == WORD_CONNECTED)
        session->begun = now;
    step(session, (int)word, now);
}

static int input_of(const struct reply *reply)
{
    switch (reply->class) {
    case REPLY_1YZ: return HEAR_1YZ;
    case REPLY_2YZ: return HEAR_2YZ;
    case REPLY_3YZ: return HEAR_3YZ;
    case REPLY_4YZ: return reply->code == 421 ? HEAR_421 : HEAR_4YZ;
    case REPLY_5YZ: return HEAR_5YZ;
    case REPLY_MALFORMED: return HEAR_MALFORMED;
    case REPLY_UNFINISHED: break;
    }
    unreachable("a reply that is not whole is no input yet");
}

/* Bytes that cannot be the answer to anything: our command is not out, or there was none. */
static bool is_unasked(const struct smtp_session *session)
{
    return session->output.length > 0 || (session->state & (CONNECT | IDLE | DIRTY | CONTENT | HELD)) != 0;
}

void smtp_session_hear(struct smtp_session *session, struct text bytes, struct tick now)
{
    while (bytes.length > 0 && session->state != OVER) {
        if (is_unasked(session)) {
            step(session, HEAR_EARLY, now);
            continue;
        }
        bytes = text_after(bytes, reply_read(&session->reader, bytes));
        if (session->reader.reply.class == REPLY_UNFINISHED)
            return;
        note_reply(session);
        step(session, input_of(&session->reader.reply), now);
    }
}

struct text smtp_session_output(struct smtp_session *session)
{
    return session->output;
}

/* A block is out: the next one, with a deadline of its own but within that of the whole. */
static void next_block(struct smtp_session *session, struct tick now)
{
    fill_block(session);
    if (session->output.length == 0) {
        step(session, WORD_CONTENT_OUT, now);
        return;
    }
    struct tick until = tick_add(now, smtp_facts_of(CONTENT)->wait_us);
    session->until = tick_before(until, session->content_until) ? until : session->content_until;
}

void smtp_session_wrote(struct smtp_session *session, size_t octets, struct tick now)
{
    if (session->state == DOT)
        session->dot_wrote += octets;
    if (session->state == OVER || session->state == INTERRUPTED)
        return; /* what was on its way when it ended */
    assert(octets <= session->output.length);
    session->output = text_after(session->output, octets);
    if (session->state == CONTENT && session->output.length == 0)
        next_block(session, now);
}

enum smtp_needs smtp_session_needs(const struct smtp_session *session)
{
    return smtp_facts_of(session->state)->needs;
}

struct tick smtp_session_until(const struct smtp_session *session)
{
    return session->until;
}

bool smtp_session_result(struct smtp_session *session, struct smtp_result *result)
{
    if (!session->result_there)
        return false;
    *result = session->result;
    session->result_there = false;
    return true;
}

const struct reply *smtp_session_farewell(const struct smtp_session *session)
{
    return &session->farewell;
}

unsigned smtp_session_messages(const struct smtp_session *session)
{
    return session->messages;
}

bool smtp_session_dot_is_out(const struct smtp_session *session)
{
    return session->state == DOT;
}

bool smtp_session_has_message(const struct smtp_session *session)
{
    return session->message != NULL;
}
