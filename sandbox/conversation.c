#include "sandbox/conversation.h"

#include "io/clock.h"
#include "io/log.h"

#include "sandbox/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum phase {
    TALKING, /* waits for a command */
    CONTENT, /* reads a message */
    LATE,    /* an answer is due when the timer fires */
    STALLED, /* says nothing any more */
    LEAVING, /* the last word is said; the client may end first, or we close late */
    PARTED,  /* we have ended our side; waits for the client's end-of-file */
    NEVER,   /* does not close */
    OVER,    /* closed; only the handle is left */
};

struct conversation {
    uv_poll_t poll;
    int watched; /* events that the poll was started for */
    int descriptor;
    struct host *host;
    struct source *source;
    uint64_t number;
    struct link all, parting;
    struct timer timer;
    struct session *session;
    struct content content;
    struct tick content_until;
    struct answer answer; /* the one that is due */
    enum phase phase;
    enum seen_end end; /* how it will have ended, once it has */
    struct tick leave_at;
    uint64_t dot; /* whose reply is due; 0: of none */
    uint64_t dots;
    bool eof;      /* the client's was read */
    bool skipping; /* the rest of a line that was too long */
    size_t in_length, out_length;
    char in[4 * CONVERSATION_LINE_MAX];
    char out[2 * SESSION_REPLY_MAX];
};

static void conversation_work(struct conversation *conversation);

struct source *conversation_source(const struct conversation *conversation)
{
    return conversation->source;
}

struct conversation *conversation_of_all(struct link *link)
{
    return container_of(link, struct conversation, all);
}

struct conversation *conversation_of_parting(struct link *link)
{
    return container_of(link, struct conversation, parting);
}

/* ---- its end ---- */

static void conversation_freed(uv_handle_t *handle)
{
    struct conversation *conversation = container_of((uv_poll_t *)(void *)handle, struct conversation, poll);
    memory_free(&conversation);
}

/* The one place where a connection is closed and counted out. */
static void conversation_close(struct conversation *conversation, enum seen_end end)
{
    assert(conversation->phase != OVER);
    conversation->phase = OVER;
    timer_stop(&conversation->timer);
    uv_close((uv_handle_t *)&conversation->poll, conversation_freed); /* stops it: the descriptor may go */
    list_remove(&conversation->all);
    list_remove(&conversation->parting);
    host_left(conversation->host, conversation->source, conversation->number, end);
    close(conversation->descriptor);
    content_end(&conversation->content);
    session_free(&conversation->session);
}

static void conversation_reset(struct conversation *conversation, enum seen_end end)
{
    struct linger linger = { .l_onoff = 1 };
    if (setsockopt(conversation->descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
        log_debug("smtp", "no reset: %s", strerror(errno));
    conversation_close(conversation, end);
}

void conversation_stop(struct conversation *conversation)
{
    conversation_close(conversation, SEEN_STOPPED);
}

/* ---- what it waits for ---- */

static void conversation_phase(struct conversation *conversation, enum phase phase, int64_t delay_us)
{
    conversation->phase = phase;
    timer_start(&conversation->timer, delay_us);
}

static bool wants_to_read(const struct conversation *conversation)
{
    if (conversation->eof)
        return false;
    return conversation->phase >= LEAVING || conversation->in_length < sizeof(conversation->in);
}

static void conversation_heard(uv_poll_t *poll, int status, int events);

static void conversation_watch(struct conversation *conversation)
{
    int events = (wants_to_read(conversation) ? UV_READABLE : 0) | (conversation->out_length > 0 ? UV_WRITABLE : 0);
    if (events == 0 && conversation->phase == NEVER)
        events = UV_PRIORITIZED; /* nothing but a reset wakes it */
    if (events == conversation->watched)
        return;
    conversation->watched = events;
    if (events == 0)
        uv_poll_stop(&conversation->poll);
    else
        uv_poll_start(&conversation->poll, events, conversation_heard);
}

/* ---- to part ---- */

static void conversation_part(struct conversation *conversation)
{
    if (conversation->out_length > 0 || shutdown(conversation->descriptor, SHUT_WR) < 0)
        conversation_reset(conversation, conversation->out_length > 0 ? SEEN_TIMEOUT : SEEN_RESET);
    else if (conversation->eof)
        conversation_close(conversation, conversation->end);
    else
        conversation_phase(conversation, PARTED, CONVERSATION_LINGER_US);
}

/* The last word is said. late_us: how long we keep it open in any case. */
static void conversation_leave(struct conversation *conversation, enum seen_end end, int64_t late_us,
                               int64_t patience_us)
{
    conversation->end = end;
    conversation->leave_at = tick_add(clock_tick(), late_us);
    conversation->in_length = 0;
    list_append(&conversation->host->parting, &conversation->parting);
    conversation_phase(conversation, LEAVING, MAX_OF(late_us, patience_us));
}

static void conversation_leave_after_quit(struct conversation *conversation)
{
    const struct behaviour *behaviour = conversation->host->behaviour;
    int64_t late_us = MAX_OF(behaviour->close_late_us, session_close_late_us(conversation->session));
    if (behaviour->never_close) {
        conversation->in_length = 0;
        conversation_phase(conversation, NEVER, BEHAVIOUR_NEVER_US);
        return;
    }
    conversation_leave(conversation, SEEN_QUIT, late_us, CONVERSATION_PATIENCE_US);
}

/* ---- to speak ---- */

static void conversation_flush(struct conversation *conversation)
{
    ssize_t sent = send(conversation->descriptor, conversation->out, conversation->out_length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        conversation_close(conversation, SEEN_RESET);
        return;
    }
    size_t gone = sent < 0 ? 0 : (size_t)sent;
    conversation->out_length -= gone;
    memmove(conversation->out, conversation->out + gone, conversation->out_length);
}

static bool messages_are_used_up(const struct conversation *conversation)
{
    size_t messages = conversation->host->behaviour->messages;
    return messages != 0 && conversation->dots >= messages && conversation->answer.stage == STAGE_DOT;
}

/* What follows the answer, once its words are on their way. */
static void conversation_go_on(struct conversation *conversation)
{
    const struct behaviour *behaviour = conversation->host->behaviour;
    switch (conversation->answer.after) {
    case AFTER_STAY:
        if (messages_are_used_up(conversation))
            conversation_leave(conversation, SEEN_REFUSED, 0, 0);
        else
            conversation_phase(conversation, TALKING, behaviour->idle_us);
        break;
    case AFTER_CONTENT:
        content_begin(&conversation->content, &conversation->host->budget);
        conversation->content_until = tick_add(clock_tick(), CONVERSATION_CONTENT_US);
        conversation_phase(conversation, CONTENT, behaviour->idle_us);
        break;
    case AFTER_QUIT: conversation_leave_after_quit(conversation); break;
    case AFTER_CLOSE: conversation_leave(conversation, SEEN_REFUSED, 0, 0); break;
    case AFTER_DROP: conversation_close(conversation, SEEN_DROPPED); break;
    case AFTER_STALL: conversation_phase(conversation, STALLED, BEHAVIOUR_STALL_US); break;
    }
}

static void conversation_speak(struct conversation *conversation)
{
    struct text reply = conversation->answer.reply;
    size_t length = conversation->out_length + reply.length;
    trace(TRACE_SESSION, "smtp", "%llu > %.*s", (unsigned long long)conversation->number, TEXT_ARG(text_trim(reply)));
    assert(length <= sizeof(conversation->out));
    memcpy(conversation->out + conversation->out_length, reply.bytes, reply.length);
    conversation->out_length = length;
    if (text_starts(reply, TEXT("421")))
        record_refused(conversation->source, answer_is_throttle(&conversation->answer));
    if (conversation->dot != 0 && reply.length > 0)
        record_reply(conversation->host->record, conversation->dot, reply);
    conversation->dot = 0;
    if (reply.length > 0)
        conversation_flush(conversation);
    if (conversation->phase != OVER)
        conversation_go_on(conversation);
}

/* The reply's bytes stay in the session until it is asked again, which is not before this was said. */
static void conversation_answer(struct conversation *conversation, struct answer answer)
{
    conversation->answer = answer;
    if (answer.delay_us > 0)
        conversation_phase(conversation, LATE, answer.delay_us);
    else
        conversation_speak(conversation);
}

static void conversation_time_out(struct conversation *conversation)
{
    conversation->answer = (struct answer){ .stage = STAGES, .after = AFTER_CLOSE };
    struct text reply = TEXT("421 4.4.2 Idle for too long\r\n");
    if (conversation->out_length > 0 || send(conversation->descriptor, reply.bytes, reply.length, MSG_NOSIGNAL) < 0)
        conversation_reset(conversation, SEEN_TIMEOUT);
    else
        conversation_leave(conversation, SEEN_TIMEOUT, 0, 0);
}

static void conversation_waited(struct timer *timer)
{
    struct conversation *conversation = container_of(timer, struct conversation, timer);
    switch (conversation->phase) {
    case TALKING:
    case CONTENT: conversation_time_out(conversation); break;
    case LATE: conversation_speak(conversation); break;
    case LEAVING: conversation_part(conversation); break;
    case STALLED:
    case PARTED:
    case NEVER: conversation_reset(conversation, SEEN_TIMEOUT); break;
    case OVER: unreachable("its timer was stopped");
    }
    if (conversation->phase != OVER)
        conversation_work(conversation);
}

/* ---- to hear ---- */

static void conversation_take(struct conversation *conversation, size_t length)
{
    conversation->in_length -= length;
    memmove(conversation->in, conversation->in + length, conversation->in_length);
}

static void conversation_hear_line(struct conversation *conversation, struct text line)
{
    struct session *session = conversation->session;
    trace(TRACE_SESSION, "smtp", "%llu < %.*s", (unsigned long long)conversation->number, TEXT_ARG(text_trim(line)));
    if (line.length > CONVERSATION_LINE_MAX)
        conversation_answer(conversation, session_hear_fault(session, TEXT("500 5.5.2 Line too long")));
    else if (!text_ends(line, TEXT("\r")))
        conversation_answer(conversation, session_hear_fault(session, TEXT("500 5.5.2 Lines end in CRLF")));
    else
        conversation_answer(conversation, session_hear(session, text_slice(line, 0, line.length - 1),
                                                       clock_now(conversation->host->clock)));
}

/* false: no whole line is there. */
static bool conversation_work_on_line(struct conversation *conversation)
{
    struct text in = text_from(conversation->in, conversation->in_length);
    size_t end = text_find(in, '\n');
    bool whole = end < in.length;
    if (conversation->skipping || (!whole && in.length > CONVERSATION_LINE_MAX)) {
        bool told = conversation->skipping;
        conversation->skipping = !whole;
        conversation_take(conversation, MIN_OF(end + 1, in.length));
        if (!told)
            conversation_hear_line(conversation, in);
        return whole || !told;
    }
    if (!whole)
        return false;
    char line[sizeof(conversation->in)];
    memcpy(line, conversation->in, end);
    conversation_take(conversation, end + 1);
    conversation_hear_line(conversation, text_from(line, end));
    return true;
}

static void conversation_keep(struct conversation *conversation, struct moment now, const struct answer *answer)
{
    const struct envelope *envelope = session_envelope(conversation->session);
    bool is_said = answer->after != AFTER_DROP && answer->after != AFTER_STALL;
    struct text line = text_slice(answer->reply, 0, text_find(answer->reply, '\r'));
    inbox_add(conversation->host->inbox, &(struct received){
                                             .moment = now,
                                             .source = source_text(conversation->source),
                                             .from = envelope->from,
                                             .raw = content_octets(&conversation->content),
                                             .to = envelope->to,
                                             .recipients = envelope->recipients,
                                             .answer = is_said ? line : TEXT_NONE,
                                         });
}

/* The final dot was read: written down first, then judged. */
static void conversation_hear_dot(struct conversation *conversation)
{
    struct session *session = conversation->session;
    const struct envelope *envelope = session_envelope(session);
    struct moment now = host_now(conversation->host);
    conversation->dots++;
    conversation->dot = record_dot(conversation->host->record, conversation->source, conversation->number,
                                   envelope->from, envelope->to, envelope->recipients, now);
    struct answer answer = session_end_content(session, conversation->content.fault);
    if (answer.taken)
        conversation_keep(conversation, now, &answer);
    content_end(&conversation->content);
    session_reset(session);
    conversation_answer(conversation, answer);
}

/* false: more octets are wanted. */
static bool conversation_work_on_content(struct conversation *conversation)
{
    struct text in = text_from(conversation->in, conversation->in_length);
    size_t before = in.length;
    int64_t left_us = tick_since(conversation->content_until, clock_tick());
    if (before == 0)
        return false;
    bool ended = content_hear(&conversation->content, &in);
    conversation_take(conversation, before - in.length);
    if (ended)
        conversation_hear_dot(conversation);
    else
        timer_start(&conversation->timer, MIN_OF(left_us, conversation->host->behaviour->idle_us));
    return ended;
}

/* The client ended its side: what it had asked before that is answered first (a half-close is no offence). */
static void conversation_hear_eof(struct conversation *conversation)
{
    switch (conversation->phase) {
    case TALKING:
    case CONTENT:
    case STALLED: conversation_close(conversation, SEEN_LOST); break;
    case LEAVING:
        if (!tick_before(clock_tick(), conversation->leave_at))
            conversation_close(conversation, conversation->end);
        break;
    case PARTED: conversation_close(conversation, conversation->end); break;
    case LATE:
    case NEVER:
    case OVER: break;
    }
}

static void conversation_work(struct conversation *conversation)
{
    bool more = true;
    while (more && conversation->out_length == 0 && (conversation->phase == TALKING || conversation->phase == CONTENT))
        more = conversation->phase == TALKING ? conversation_work_on_line(conversation)
                                              : conversation_work_on_content(conversation);
    if (conversation->phase != OVER && conversation->eof && conversation->out_length == 0)
        conversation_hear_eof(conversation);
    if (conversation->phase != OVER)
        conversation_watch(conversation);
}

static void conversation_read(struct conversation *conversation)
{
    bool deaf = conversation->phase >= LEAVING; /* it has nothing to say any more, only its end matters */
    char waste[4096];
    char *into = deaf ? waste : conversation->in + conversation->in_length;
    size_t room = deaf ? sizeof(waste) : sizeof(conversation->in) - conversation->in_length;
    ssize_t length = recv(conversation->descriptor, into, room, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length < 0) {
        conversation_close(conversation, SEEN_RESET);
        return;
    }
    if (length == 0) {
        conversation->eof = true;
        record_eof(conversation->host->record, conversation->number, host_now(conversation->host));
        return;
    }
    record_bytes(conversation->source, (size_t)length);
    if (!deaf)
        conversation->in_length += (size_t)length;
}

static void conversation_hear(struct conversation *conversation, int status, int events)
{
    if (status < 0) { /* an error of the socket; libuv has stopped the poll */
        conversation_close(conversation, SEEN_RESET);
        return;
    }
    if (events & UV_WRITABLE && conversation->out_length > 0)
        conversation_flush(conversation);
    if (conversation->phase != OVER && events & UV_READABLE && wants_to_read(conversation))
        conversation_read(conversation);
    if (conversation->phase != OVER)
        conversation_work(conversation);
}

static void conversation_heard(uv_poll_t *poll, int status, int events)
{
    conversation_hear(container_of(poll, struct conversation, poll), status, events);
    loop_ran("conversation_heard");
}

void conversation_look(struct conversation *conversation)
{
    for (uint64_t before = 0; wants_to_read(conversation) && before != conversation->source->bytes;) {
        before = conversation->source->bytes;
        conversation_read(conversation);
        if (conversation->phase == OVER)
            return;
    }
    conversation_work(conversation);
}

/* ---- its beginning ---- */

static bool has_spoken(int descriptor)
{
    char byte;
    return recv(descriptor, &byte, 1, MSG_PEEK) > 0;
}

void conversation_begin(struct host *host, int descriptor, struct source *source, uint64_t number, bool busy)
{
    struct conversation *conversation = memory_make(struct conversation);
    int yes = 1;
    conversation->host = host;
    conversation->descriptor = descriptor;
    conversation->source = source;
    conversation->number = number;
    conversation->session = session_new(&(struct scene){ host->behaviour, host->greylist, source_text(source) });
    link_init(&conversation->all);
    link_init(&conversation->parting);
    list_append(&host->all, &conversation->all);
    timer_init(&conversation->timer, host->loop, conversation_waited);
    uv_poll_init(loop_uv(host->loop), &conversation->poll, descriptor);
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0)
        log_debug("smtp", "replies may wait: %s", strerror(errno));
    conversation_answer(conversation, session_greet(conversation->session, busy, has_spoken(descriptor)));
    if (conversation->phase != OVER)
        conversation_work(conversation);
}
