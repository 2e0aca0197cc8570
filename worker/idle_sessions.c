#include "worker/idle_sessions.h"

#include "base/bounds.h"

struct session *idle_sessions_find(struct lane *lane, struct text receiver)
{
    list_each (&lane->sessions, link) {
        struct session *session = session_of_link(link);
        if (session_is_idle(session) && text_equal(session_receiver(session), receiver))
            return session;
    }
    return NULL;
}

/* The next message of this lane for that receiver is less than BOUND_IDLE_SESSION_US of real time away. */
static bool is_needed_soon(struct lane *lane, struct text receiver, struct instant now)
{
    double ahead_us = (double)BOUND_IDLE_SESSION_US * clock_rate(lane->worker->clock);
    int64_t gap_us = gap_min_us(&lane->gap, now);
    struct instant may_begin = instant_is_none(lane->last_begin) ? now : instant_add(lane->last_begin, gap_us);
    for (size_t i = 0; i < lane->agenda.count; i++) {
        const struct due *due = &lane->agenda.items[i];
        const struct route *route = routes_find(lane->worker->routes, due->domain, lane->tenure.sandbox, lane->address);
        struct instant begins = instant_max(may_begin, due->due_at);
        if (agenda_is_taken(&lane->agenda, due->message) || route == NULL || !text_equal(route->receiver, receiver))
            continue;
        if ((double)instant_since(begins, now) < ahead_us)
            return true;
    }
    return false;
}

static bool is_held(struct lane *lane, struct text receiver, struct instant now)
{
    const struct receiver_state *state = map_find(lane->receivers.states, receiver);
    return state != NULL && pacing_connections(&state->pacing, now) == 0;
}

void idle_sessions_tidy(struct lane *lane, struct instant now)
{
    list_each (&lane->sessions, link) {
        struct session *session = session_of_link(link);
        struct text receiver = session_receiver(session);
        bool kept = !lane->draining && lane->tenure.owned && !session_is_used_up(session) &&
                    !is_held(lane, receiver, now) && is_needed_soon(lane, receiver, now);
        if (!kept && session_wants_message(session))
            session_quit(session);
    }
}
