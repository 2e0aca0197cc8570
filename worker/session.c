#include "worker/session.h"

#include "base/bounds.h"

#include "io/clock.h"
#include "io/log.h"

enum { CHUNK = 64 * 1024, TURNS_BEFORE_DOT = 2 };

struct session {
    struct session_given given;
    struct text helo, receiver;
    char *name;
    struct arena *arena;
    struct smtp_session *smtp;
    struct connection *connection; /* NULL: closed */
    struct connection_owner owner;
    struct smtp_watch watch;
    struct session_sender *sender; /* NULL: no message is on its way */
    struct permit *permit;
    struct task pump, dot;
    struct timer stuck; /* the dot is not on the wire: until its authorization is no good any more */
    struct link link;
    struct tick good_until;
    size_t unwritten; /* bytes that the connection has, and that are not on the wire */
    int turns;        /* until the dot may be sent: what the socket holds is heard first (T21) */
    bool connected, asked, finishing, offered_idle, reserved;
};

static void session_pump(struct session *session);

static void pump_later(struct session *session)
{
    loop_defer(session->given.loop, &session->pump);
}

static void pump_runs(struct task *task)
{
    session_pump(container_of(task, struct session, pump));
}

static void word(struct session *session, enum smtp_word said)
{
    smtp_session_word(session->smtp, said, clock_tick());
}

/* What the connection was given is on the wire: only that counts as written, so that no authorization is asked for while
 * content still waits, here or in the kernel behind a window that the peer keeps shut. */
static void count_written(struct session *session)
{
    if (session->unwritten == 0 || connection_waiting(session->connection) > 0)
        return;
    size_t taken = session->unwritten;
    session->unwritten = 0;
    smtp_session_wrote(session->smtp, taken, clock_tick());
}

static void write_output(struct session *session)
{
    while (session->connected && !session->finishing && session->unwritten == 0) {
        struct text output = text_slice(smtp_session_output(session->smtp), 0, CHUNK);
        if (output.length == 0 || !connection_write(session->connection, output))
            return;
        session->unwritten = output.length;
        count_written(session);
    }
}

static void tell_result(struct session *session)
{
    struct smtp_result result;
    if (!smtp_session_result(session->smtp, &result) || session->sender == NULL)
        return;
    struct session_sender *sender = session->sender;
    session->sender = NULL;
    session->asked = false;
    session->turns = 0;
    task_cancel(&session->dot);
    timer_stop(&session->stuck);
    sender->result(sender, &result);
}

static void ask_authorization(struct session *session)
{
    if (session->asked)
        return;
    session->asked = true;
    session->sender->authorize(session->sender);
}

static void tell_idle(struct session *session)
{
    if (session->offered_idle)
        return;
    session->offered_idle = true;
    session->given.keeper->idle(session->given.keeper, session);
}

static void finish(struct session *session)
{
    if (session->finishing || session->connection == NULL)
        return;
    session->finishing = true;
    if (session->connected)
        connection_finish(session->connection, session->given.close_us);
    else
        connection_reset(session->connection);
}

static void watch_deadline(struct session *session)
{
    struct tick until = smtp_session_until(session->smtp);
    if (session->connection == NULL || session->finishing)
        return;
    int64_t left_us = tick_is_none(until) ? 0 : MAX_OF(tick_since(until, clock_tick()), 1);
    connection_expect(session->connection, left_us);
}

/* After everything that happened: write, tell, and see what the table waits for. */
static void session_pump(struct session *session)
{
    write_output(session);
    tell_result(session);
    switch (smtp_session_needs(session->smtp)) {
    case SMTP_NEEDS_AUTHORIZATION: ask_authorization(session); break;
    case SMTP_NEEDS_MESSAGE: tell_idle(session); break;
    case SMTP_NEEDS_CLOSE: finish(session); break;
    case SMTP_NEEDS_CONNECTION:
    case SMTP_NEEDS_PEER: break;
    }
    watch_deadline(session);
}

static void session_connected(struct connection_owner *owner)
{
    struct session *session = container_of(owner, struct session, owner);
    session->connected = true;
    word(session, WORD_CONNECTED);
    session_pump(session);
}

static void session_heard(struct connection_owner *owner, struct text bytes)
{
    struct session *session = container_of(owner, struct session, owner);
    smtp_session_hear(session->smtp, bytes, clock_tick());
    session_pump(session);
}

static void session_drained(struct connection_owner *owner)
{
    struct session *session = container_of(owner, struct session, owner);
    count_written(session);
    session_pump(session);
}

static void session_peer_closed(struct connection_owner *owner)
{
    struct session *session = container_of(owner, struct session, owner);
    word(session, WORD_PEER_LOST);
    session_pump(session);
}

static void session_expired(struct connection_owner *owner)
{
    struct session *session = container_of(owner, struct session, owner);
    word(session, WORD_DEADLINE);
    session_pump(session);
}

static bool is_not_made(const struct connection_end *end)
{
    return end->word == CONNECTION_NOT_OURS || end->word == CONNECTION_NOT_MADE;
}

static void tell_not_made(struct session *session, const struct connection_end *end)
{
    struct session_sender *sender = session->sender;
    session->sender = NULL;
    if (sender != NULL)
        sender->not_made(sender, end);
}

/* Home at once where the peer never counted us, in a moment where it has closed; else after a grace, a long one if it does
 * not hear us. */
static void permit_goes(struct session *session, const struct connection_end *end)
{
    bool may_be_counted = end->word == CONNECTION_RESET;
    trace(TRACE_PERMIT, session->name, "%.*s: %s, permit %s", TEXT_ARG(session->receiver),
          connection_word_name(end->word), may_be_counted ? "rests" : "returns");
    int64_t grace_us = session->given.grace_us;
    if (may_be_counted)
        permit_rest(session->given.book, &session->permit,
                    end->unheard ? MAX_OF(grace_us, BOUND_UNHEARD_US) : grace_us);
    else if (end->connected)
        permit_settle(session->given.book, &session->permit, session->given.settle_us);
    else
        permit_return(session->given.book, &session->permit);
}

static void session_free(struct session *session)
{
    task_cancel(&session->pump);
    task_cancel(&session->dot);
    timer_stop(&session->stuck);
    list_remove(&session->link);
    smtp_session_free(&session->smtp);
    arena_free(&session->arena);
    memory_free(&session);
}

static void session_ended(struct connection_owner *owner, const struct connection_end *end)
{
    struct session *session = container_of(owner, struct session, owner);
    session->connection = NULL;
    if (is_not_made(end))
        tell_not_made(session, end);
    if (smtp_session_needs(session->smtp) != SMTP_NEEDS_CLOSE)
        word(session, WORD_PEER_LOST);
    tell_result(session);
    session->given.keeper->ended(session->given.keeper, session, smtp_session_farewell(session->smtp));
    list_remove(&session->link);
    permit_goes(session, end);
    session_free(session);
}

static void session_step(struct smtp_watch *watch, struct text line)
{
    struct session *session = container_of(watch, struct session, watch);
    trace(TRACE_SESSION, session->name, "%.*s %.*s", TEXT_ARG(session->receiver), TEXT_ARG(line));
}

/* A dot that never came onto the wire is not left waiting: it would go out when nobody stands behind it any more. */
static void dot_is_stuck(struct timer *timer)
{
    struct session *session = container_of(timer, struct session, stuck);
    if (session->connection != NULL && connection_waiting(session->connection) > 0)
        connection_reset(session->connection);
}

/* The kernel may send it at any time from now on: it counts as out, and has until the authorization's end to be so. */
static void dot_waits(struct session *session)
{
    smtp_session_wrote(session->smtp, session->unwritten, clock_tick());
    session->unwritten = 0;
    timer_start(&session->stuck, MAX_OF(tick_since(session->good_until, clock_tick()), 0));
}

/* The last act before the dot: is the authorization still good? */
static void dot_runs(struct task *task)
{
    struct session *session = container_of(task, struct session, dot);
    if (smtp_session_needs(session->smtp) != SMTP_NEEDS_AUTHORIZATION)
        return; /* the peer spoke or closed meanwhile */
    if (--session->turns > 0) {
        loop_defer(session->given.loop, &session->dot);
        return;
    }
    bool good = !tick_is_none(session->good_until) && tick_before(clock_tick(), session->good_until);
    word(session, good ? WORD_AUTHORIZED : WORD_NOT_AUTHORIZED);
    session_pump(session);
    if (good && session->unwritten > 0 && session->connection != NULL)
        dot_waits(session);
}

struct session *session_new(const struct session_given *given)
{
    struct session *session = memory_make(struct session);
    struct arena *arena = arena_new();
    session->arena = arena;
    session->given = *given;
    session->helo = text_copy(arena, given->helo);
    session->receiver = text_copy(arena, given->receiver);
    session->name = text_terminated(arena, text_of(given->name));
    session->permit = given->permit;
    session->owner = (struct connection_owner){ session_connected,   session_heard,   session_drained,
                                                session_peer_closed, session_expired, session_ended };
    session->watch.step = session_step;
    session->smtp = smtp_session_new(session->helo, clock_tick());
    task_init(&session->pump, pump_runs);
    task_init(&session->dot, dot_runs);
    timer_init(&session->stuck, given->loop, dot_is_stuck);
    link_init(&session->link);
    if (trace_is_on(TRACE_SESSION))
        smtp_session_watch(session->smtp, &session->watch);
    session->connection =
        connection_new(given->loop, given->source, given->peer, given->port, BOUND_CONNECT_US, &session->owner);
    return session;
}

void session_send(struct session *session, const struct smtp_message *message, struct session_sender *sender)
{
    assert(session->sender == NULL);
    session->sender = sender;
    session->offered_idle = session->reserved = false;
    smtp_session_offer(session->smtp, message, clock_tick());
    pump_later(session);
}

void session_authorize(struct session *session, struct tick good_until)
{
    session->good_until = good_until;
    session->turns = TURNS_BEFORE_DOT;
    loop_defer(session->given.loop, &session->dot);
}

void session_reserve(struct session *session, bool reserved)
{
    session->reserved = reserved;
}

void session_quit(struct session *session)
{
    word(session, WORD_QUIT);
    pump_later(session);
}

void session_give_up(struct session *session)
{
    word(session, WORD_GIVE_UP);
    pump_later(session);
}

struct text session_receiver(const struct session *session)
{
    return session->receiver;
}

bool session_wants_message(const struct session *session)
{
    return session->sender == NULL && smtp_session_needs(session->smtp) == SMTP_NEEDS_MESSAGE &&
           session->connection != NULL && !session->finishing && !session->reserved;
}

bool session_is_idle(const struct session *session)
{
    return session_wants_message(session) && !session_is_used_up(session);
}

bool session_is_used_up(const struct session *session)
{
    return session->finishing || smtp_session_messages(session->smtp) >= session->given.messages_max;
}

bool session_dot_is_out(const struct session *session)
{
    return smtp_session_dot_is_out(session->smtp);
}

struct link *session_link(struct session *session)
{
    return &session->link;
}

struct session *session_of_link(struct link *link)
{
    return container_of(link, struct session, link);
}
