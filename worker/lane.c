#include "worker/lane.h"

#include "base/bounds.h"

#include "io/log.h"

#include "worker/begin.h"
#include "worker/idle_sessions.h"

#define LOOK_US      US_PER_SECOND        /* all real time */
#define READ_US      (2 * US_PER_SECOND)  /* mailboxes and holds */
#define PATIENT_US   (20 * US_PER_SECOND) /* of a drain, before what has no dot yet is given up */
#define EXHAUSTED_US (5 * US_PER_SECOND)

/* ---- what others tell the lane ---- */

void lane_answered(struct lane *lane)
{
    lane->answered_at = clock_tick();
    if (lane->silent)
        log_info(lane->name, "the database answers again");
    lane->silent = false;
}

void lane_look(struct lane *lane)
{
    timer_start(&lane->look, 0);
}

void lane_delivery_ended(struct lane *lane, struct delivery *delivery)
{
    (void)delivery;
    lane_look(lane);
}

void lane_exhausted(struct lane *lane)
{
    lane->wait_until = tick_add(clock_tick(), EXHAUSTED_US);
    tenure_exhausted(&lane->tenure, true);
}

void lane_connects(struct lane *lane)
{
    if (tick_is_none(lane->wait_until))
        return;
    lane->wait_until = TICK_NONE;
    tenure_exhausted(&lane->tenure, false);
}

static void give_up_sessions(struct lane *lane)
{
    list_each (&lane->sessions, link)
        session_give_up(session_of_link(link));
}

/* What waits for a permit goes back: nobody begins it here any more. */
static void give_up_permitless(struct lane *lane)
{
    list_each (&lane->deliveries, link)
        delivery_give_up(container_of(link, struct delivery, link));
}

/* Of a drain: what has its dot is waited for longer, so that a clean stop makes no doubt. */
static void give_up_late(struct lane *lane, int64_t drained_us)
{
    list_each (&lane->sessions, link) {
        struct session *session = session_of_link(link);
        if (drained_us > (session_dot_is_out(session) ? lane->worker->drain_us : PATIENT_US))
            session_give_up(session);
    }
}

static void permit_returned(struct permit_home *home)
{
    lane_look(container_of(home, struct lane, home));
}

static void permit_rests(struct permit_home *home, int64_t grace_us)
{
    tenure_rests(&container_of(home, struct lane, home)->tenure, grace_us);
}

static void session_idles(struct session_keeper *keeper, struct session *session)
{
    (void)session;
    lane_look(container_of(keeper, struct lane, keeper));
}

/* A reply that ended an idle session speaks of the receiver, if of anything: 421 4.4.5 is a throttle, a time-out none. */
static void session_over(struct session_keeper *keeper, struct session *session, const struct reply *farewell)
{
    struct lane *lane = container_of(keeper, struct lane, keeper);
    struct receiver_state *state = map_find(lane->receivers.states, session_receiver(session));
    if (enhanced_code_is(farewell->enhanced, 4, 4, 5) && state != NULL) {
        struct pacing_row row;
        struct instant now = clock_now(lane->worker->clock);
        receivers_hear(&lane->receivers, state, PACING_THROTTLE, 0, now, &row);
        receivers_save(&lane->receivers, state, now);
    }
    list_each (&lane->deliveries, link)
        delivery_lost_session(container_of(link, struct delivery, link), session);
}

struct session *lane_connect(struct lane *lane, const struct route *route, struct permit *permit)
{
    struct session *session = session_new(&(struct session_given){
        .loop = lane->worker->loop,
        .source = lane->address,
        .peer = route->peer,
        .port = route->port,
        .helo = lane->helo,
        .receiver = route->receiver,
        .name = lane->name,
        .messages_max = route->messages_max,
        .close_us = lane->worker->close_us,
        .settle_us = lane->worker->settle_us,
        .grace_us = lane->worker->grace_us,
        .book = lane->book,
        .permit = permit,
        .keeper = &lane->keeper,
    });
    list_append(&lane->sessions, session_link(session));
    return session;
}

static void tenure_answered(struct tenure_keeper *keeper)
{
    lane_answered(container_of(keeper, struct lane, tenure_keeper));
}

static void tenure_changed(struct tenure_keeper *keeper)
{
    struct lane *lane = container_of(keeper, struct lane, tenure_keeper);
    struct instant last = lane->tenure.last_begin;
    if (instant_is_none(lane->last_begin) || instant_before(lane->last_begin, last))
        lane->last_begin = last;
    if (lane->tenure.state == TENURE_HELD && lane->tenure.trouble == TENURE_FINE)
        log_info(lane->name, "%s, generation %lld", lane->tenure.halted ? "is halted" : "sends",
                 (long long)lane->tenure.generation);
    lane_look(lane);
}

static void tenure_lost(struct tenure_keeper *keeper)
{
    struct lane *lane = container_of(keeper, struct lane, tenure_keeper);
    give_up_sessions(lane);
    give_up_permitless(lane);
}

static bool conversations_are_home(const struct lane *lane)
{
    return list_is_empty(&lane->deliveries) && list_is_empty(&lane->sessions) && permit_out(lane->book) == 0;
}

static bool tenure_is_home(struct tenure_keeper *keeper)
{
    return conversations_are_home(container_of(keeper, struct lane, tenure_keeper));
}

static void receivers_loaded(struct receivers *receivers)
{
    lane_look(container_of(receivers, struct lane, receivers));
}

/* ---- its beat ---- */

static void fail_closed(struct lane *lane)
{
    bool silent = tick_since(clock_tick(), lane->answered_at) > BOUND_OWNER_SILENT_US;
    if (!silent || lane->silent)
        return;
    lane->silent = true;
    log_error(lane->name, "no answer from the database for %d s: its sessions end",
              (int)(BOUND_OWNER_SILENT_US / US_PER_SECOND));
    give_up_sessions(lane);
}

static void read_again(struct lane *lane)
{
    struct tick now = clock_tick();
    bool first = !lane->gap.known || !lane->receivers.known;
    if (!first && tick_since(now, lane->read_at) < READ_US)
        return;
    lane->read_at = now;
    gap_read(&lane->gap);
    receivers_load(&lane->receivers);
    receivers_tell_connections(&lane->receivers, clock_now(lane->worker->clock));
}

static void live_step(struct lane *lane)
{
    fail_closed(lane);
    tenure_step(&lane->tenure);
    if (lane->tenure.state == TENURE_WAITING)
        begin_explain_all(lane, TEXT("owner_changing"), INSTANT_NONE, clock_now(lane->worker->clock));
    if (lane->tenure.state == TENURE_SETTLING || lane->tenure.state == TENURE_HELD)
        read_again(lane);
}

static bool questions_are_home(const struct lane *lane)
{
    return !receivers_are_busy(&lane->receivers) && !gap_is_reading(&lane->gap) && list_is_empty(&lane->explains) &&
           !tenure_is_busy(&lane->tenure);
}

static void drain_step(struct lane *lane)
{
    idle_sessions_tidy(lane, clock_now(lane->worker->clock));
    give_up_late(lane, tick_since(clock_tick(), lane->drain_since));
    if (lane->tenure.state != TENURE_ENDING && conversations_are_home(lane) && questions_are_home(lane))
        tenure_end(&lane->tenure);
    tenure_step(&lane->tenure);
}

static void beat_fired(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, beat);
    if (lane->draining)
        drain_step(lane);
    else
        live_step(lane);
    if (lane->tenure.state != TENURE_OVER) {
        timer_start(&lane->beat, tenure_step_us(&lane->tenure));
        return;
    }
    timer_stop(&lane->look);
    log_info(lane->name, "ended");
    lane->owner->ended(lane->owner, lane);
}

/* ---- sending ---- */

bool lane_may_begin(const struct lane *lane)
{
    bool knows = lane->gap.known && lane->receivers.known && routes_are_known(lane->worker->routes);
    bool can = lane->tenure.trouble != TENURE_ADDRESS_MISSING &&
               (tick_is_none(lane->wait_until) || !tick_before(clock_tick(), lane->wait_until));
    return tenure_is_held(&lane->tenure) && knows && can && !lane->tenure.halted && !lane->silent && !lane->draining &&
           lane->worker->halt == NULL;
}

static void look_fired(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, look);
    struct instant now = clock_now(lane->worker->clock);
    if (lane_may_begin(lane)) {
        struct instant next = begin_next(lane, now);
        timer_start(&lane->look, MIN_OF(clock_wait_us(lane->worker->clock, next), LOOK_US));
    }
    idle_sessions_tidy(lane, now);
}

bool lane_wants_due(const struct lane *lane)
{
    return !lane->draining && (lane->tenure.state == TENURE_WAITING || tenure_is_held(&lane->tenure));
}

void lane_heard_due(struct lane *lane)
{
    lane_answered(lane);
    lane_look(lane);
}

/* ---- making and ending ---- */

static struct text helo_of(struct arena *arena, struct ip address, struct text ptr)
{
    if (!text_is_empty(ptr))
        return text_copy(arena, ptr);
    struct text literal = ip_text(arena, address);
    return address.version == 6 ? text_format(arena, "[IPv6:%.*s]", TEXT_ARG(literal))
                                : text_format(arena, "[%.*s]", TEXT_ARG(literal));
}

static void fill_names(struct lane *lane, const struct lane_given *given)
{
    lane->arena = arena_new();
    lane->explained_arena = arena_new();
    lane->customer = given->customer;
    lane->ip = given->ip;
    lane->address = given->address;
    lane->address_text = ip_text(lane->arena, given->address);
    lane->helo = helo_of(lane->arena, given->address, given->ptr);
    lane->name = text_terminated(lane->arena, text_format(lane->arena, "lane[%.*s]", TEXT_ARG(lane->address_text)));
}

static void start_tenure(struct lane *lane)
{
    lane->tenure_keeper = (struct tenure_keeper){ tenure_answered, tenure_changed, tenure_lost, tenure_is_home };
    tenure_init(&lane->tenure, lane->worker, &lane->tenure_keeper);
    lane->tenure.customer = lane->customer;
    lane->tenure.ip = lane->ip;
    lane->tenure.address = lane->address;
    lane->tenure.name = lane->name;
}

struct lane *lane_new(struct worker *worker, const struct lane_given *given, struct lane_owner *owner)
{
    struct lane *lane = memory_make(struct lane);
    lane->worker = worker;
    lane->owner = owner;
    fill_names(lane, given);
    lane->last_begin = INSTANT_NONE;
    lane->wait_until = TICK_NONE;
    lane->answered_at = lane->read_at = clock_tick();
    lane->home = (struct permit_home){ permit_returned, permit_rests };
    lane->keeper = (struct session_keeper){ session_idles, session_over };
    lane->book = permit_book_new(worker->loop, &lane->home);
    lane->explained = map_new((struct hash_key){ 13, 14 });
    link_init(&lane->link);
    list_init(&lane->sessions);
    list_init(&lane->deliveries);
    list_init(&lane->explains);
    agenda_init(&lane->agenda);
    gap_init(&lane->gap, worker, lane->customer, lane->ip);
    receivers_init(&lane->receivers, worker, lane->customer, lane->ip, lane->book);
    lane->receivers.loaded = receivers_loaded;
    start_tenure(lane);
    timer_init(&lane->look, worker->loop, look_fired);
    timer_init(&lane->beat, worker->loop, beat_fired);
    timer_start(&lane->beat, 0);
    return lane;
}

void lane_drain(struct lane *lane)
{
    if (lane->draining)
        return;
    lane->draining = true;
    lane->drain_since = clock_tick();
    give_up_permitless(lane);
    timer_start(&lane->beat, 0);
}

void lane_free(struct lane **freed)
{
    struct lane *lane = *freed;
    list_remove(&lane->link);
    receivers_end(&lane->receivers);
    gap_end(&lane->gap);
    agenda_end(&lane->agenda);
    map_free(&lane->explained);
    permit_book_free(&lane->book);
    arena_free(&lane->explained_arena);
    arena_free(&lane->arena);
    memory_free(freed);
}
