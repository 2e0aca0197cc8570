#include "worker/lane.h"

#include <signal.h>

#include "base/bounds.h"

#include "io/log.h"

#include "worker/begin.h"
#include "worker/idle_sessions.h"
#include "worker_statements.h"

enum { PORTS_MAX = 256 };

#define BEAT_US    US_PER_SECOND       /* all real time */
#define SEE_US     (4 * US_PER_SECOND) /* alive for others: seen within 15 s */
#define ALIVE_US   (15 * US_PER_SECOND)
#define READ_US    (2 * US_PER_SECOND) /* mailboxes and holds */
#define SETTLE_US  US_PER_MINUTE
#define PATIENT_US (20 * US_PER_SECOND) /* of a drain, before what waits for a dot is given up */

static void change(struct lane *lane, enum lane_state state)
{
    if (lane->state == state)
        return;
    trace(TRACE_LANE, lane->name, "%s: %s", lane_state_name(lane->state), lane_state_name(state));
    lane->state = state;
}

const char *lane_state_name(enum lane_state state)
{
    switch (state) {
    case LANE_LOCKING: return "locking";
    case LANE_ASKING: return "asking";
    case LANE_RAISING: return "raising";
    case LANE_WAITING: return "waiting";
    case LANE_SETTLING: return "settling";
    case LANE_RUNNING: return "running";
    case LANE_DRAINING: return "draining";
    }
    unreachable("a state that is none");
}

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

static void give_up_sessions(struct lane *lane)
{
    list_each (&lane->sessions, link)
        session_give_up(session_of_link(link));
}

void lane_is_stale(struct lane *lane)
{
    if (!lane->owned)
        return;
    log_warning(lane->name, "generation %lld is not the last any more: somebody else owns the IP",
                (long long)lane->generation);
    lane->owned = lane->settled = false;
    give_up_sessions(lane);
    if (lane->state != LANE_DRAINING)
        change(lane, LANE_ASKING);
}

static void permit_returned(struct permit_home *home)
{
    lane_look(container_of(home, struct lane, home));
}

static void session_idles(struct session_keeper *keeper, struct session *session)
{
    struct lane *lane = container_of(keeper, struct lane, keeper);
    (void)session;
    lane_look(lane);
}

/* A reply that ended an idle session speaks of the receiver, if of anything: 421 4.4.5 is a throttle, a time-out is none. */
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

void lane_delivery_ended(struct lane *lane, struct delivery *delivery)
{
    (void)delivery;
    lane_look(lane);
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
        .grace_us = lane->worker->grace_us,
        .book = lane->book,
        .permit = permit,
        .keeper = &lane->keeper,
    });
    list_append(&lane->sessions, session_link(session));
    return session;
}

/* ---- ownership, step by step ---- */

static void raised(struct ownership *ownership);
static void settled(struct ownership *ownership);
static void seen(struct ownership *ownership);
static void ended(struct ownership *ownership);

static void ask_owner(struct lane *lane, void (*ask)(struct ledger *, struct ownership *),
                      void (*told)(struct ownership *), int64_t older_than_us)
{
    if (lane->ownership_asked)
        return;
    lane->ownership_asked = true;
    lane->ownership = (struct ownership){
        .customer = lane->customer,
        .ip = lane->ip,
        .host = text_of(lane->worker->host),
        .pid = (int32_t)lane->worker->pid,
        .generation = lane->generation,
        .older_than_us = older_than_us,
        .told = told,
    };
    ask(lane->worker->ledger, &lane->ownership);
}

static void wait_for_old(struct lane *lane, const struct ownership_before *before)
{
    bool first = instant_is_none(before->since), clean = !instant_is_none(before->ended_at);
    lane->same_host = text_equal(before->host, text_of(lane->worker->host));
    lane->wait_since = clock_tick();
    lane->wait_at_most = tick_add(lane->wait_since, lane->same_host ? BOUND_TAKEOVER_US : BOUND_OTHER_HOST_US);
    if (first || clean) {
        change(lane, LANE_SETTLING);
        return;
    }
    log_info(lane->name, "takes over from %.*s, pid %d: waits until its connections cannot be counted any more",
             TEXT_ARG(before->host), before->pid);
    change(lane, LANE_WAITING);
}

static void raised(struct ownership *ownership)
{
    struct lane *lane = container_of(ownership, struct lane, ownership);
    lane->ownership_asked = false;
    if (ownership->word == OWNERSHIP_OURS) {
        lane_answered(lane);
        lane->generation = ownership->generation;
        lane->owned = true;
        lane->halted = ownership->halted;
        lane->seen_at = clock_tick();
        if (lane->state == LANE_RAISING)
            wait_for_old(lane, &ownership->before);
    } else if (lane->state == LANE_RAISING) {
        change(lane, LANE_ASKING);
    }
}

static void settled(struct ownership *ownership)
{
    struct lane *lane = container_of(ownership, struct lane, ownership);
    lane->ownership_asked = false;
    if (ownership->word == OWNERSHIP_STALE)
        lane_is_stale(lane);
    if (ownership->word != OWNERSHIP_OURS)
        return;
    lane_answered(lane);
    lane->settled = true;
    lane->settled_at = clock_tick();
    if (ownership->settled > 0)
        log_warning(lane->name, "%zu messages that were authorized and never ended are unconfirmed now",
                    ownership->settled);
}

static void seen(struct ownership *ownership)
{
    struct lane *lane = container_of(ownership, struct lane, ownership);
    lane->ownership_asked = false;
    if (ownership->word == OWNERSHIP_STALE || ownership->word == OWNERSHIP_NO_LANE)
        lane_is_stale(lane);
    if (ownership->word != OWNERSHIP_OURS)
        return;
    lane_answered(lane);
    lane->seen_at = clock_tick();
    if (lane->halted != ownership->halted)
        lane_look(lane);
    lane->halted = ownership->halted;
}

/* ---- the steps of its life ---- */

static void lock_step(struct lane *lane)
{
    enum host_lock_word word = host_lock_take(&lane->lock, lane->address, lane->worker->lock_port);
    if (word == HOST_LOCK_HELD) {
        change(lane, LANE_ASKING);
        return;
    }
    if (word != lane->lock_word)
        log_error(lane->name, "no lock (port %u of the address, %s): nothing is sent from it by this process",
                  lane->worker->lock_port, host_lock_word_name(word));
    lane->lock_word = word;
}

/* Somebody else lives and sends: another host, or, behind another network namespace, another process of this host. */
static bool is_live_elsewhere(struct lane *lane, const struct lane_holder_row *row)
{
    if (row->ended || instant_is_none(row->seen_at))
        return false;
    bool fresh = instant_since(clock_wall(), row->seen_at) < ALIVE_US;
    if (!text_equal(row->host, text_of(lane->worker->host)))
        return fresh;
    return fresh && row->pid != (int32_t)lane->worker->pid && kill(row->pid, 0) == 0;
}

static void owner_read(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct lane *lane = container_of(wait, struct lane, owner_wait);
    lane->owner_reading = false;
    if (end->word != PG_COMMITTED || lane->state != LANE_ASKING ||
        lane_holder_count(transaction, lane->owner_asked) == 0)
        return;
    struct lane_holder_row row = lane_holder_get(transaction, lane->owner_asked, 0);
    lane->sandbox = text_equal(row.mode, TEXT("sandbox"));
    lane->last_begin =
        instant_is_none(lane->last_begin) ? row.last_begin : instant_max(lane->last_begin, row.last_begin);
    bool busy = is_live_elsewhere(lane, &row);
    if (busy && !lane->told_busy)
        log_error(lane->name, "%.*s, pid %d, owns it and was seen just now: nothing is sent from it by this process",
                  TEXT_ARG(row.host), row.pid);
    lane->told_busy = busy;
    if (!busy)
        change(lane, LANE_RAISING);
}

static void asking_step(struct lane *lane)
{
    bool home = list_is_empty(&lane->deliveries) && permit_out(lane->book) == 0;
    if (lane->owner_reading || !home)
        return;
    lane->owner_reading = true;
    lane->owner_wait.ended = owner_read;
    struct transaction *transaction = transaction_new_reading(lane->worker->pg, lane->customer, &lane->owner_wait);
    lane->owner_asked =
        lane_holder_ask(transaction, &(struct lane_holder){ .customer = lane->customer, .ip = lane->ip });
    transaction_commit(transaction);
}

static int sockets_left(struct lane *lane)
{
    uint16_t ports[PORTS_MAX];
    size_t count = routes_ports(lane->worker->routes, ports, COUNT(ports));
    return lane->same_host ? host_lock_count_sockets(lane->address, ports, count) : 1;
}

static void waiting_step(struct lane *lane)
{
    struct tick now = clock_tick();
    begin_explain_all(lane, TEXT("owner_changing"), INSTANT_NONE, clock_now(lane->worker->clock));
    bool long_enough = tick_since(now, lane->wait_since) >= lane->worker->takeover_wait_us;
    if (!tick_before(now, lane->wait_at_most)) {
        log_warning(lane->name, "goes on, although sockets of the old owner may still be open");
        change(lane, LANE_SETTLING);
    } else if (long_enough && routes_are_known(lane->worker->routes) && sockets_left(lane) == 0) {
        change(lane, LANE_SETTLING);
    }
}

static void receivers_loaded(struct receivers *receivers)
{
    struct lane *lane = container_of(receivers, struct lane, receivers);
    if (lane->state != LANE_SETTLING)
        lane_look(lane);
}

static void settling_step(struct lane *lane)
{
    if (!lane->settled) {
        ask_owner(lane, ownership_settle, settled, 0);
        gap_read(&lane->gap);
        receivers_load(&lane->receivers);
        return;
    }
    if (!lane->gap.known || receivers_are_busy(&lane->receivers) || !routes_are_known(lane->worker->routes))
        return;
    change(lane, LANE_RUNNING);
    log_info(lane->name, "sends, generation %lld", (long long)lane->generation);
    lane_look(lane);
}

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

static void running_step(struct lane *lane)
{
    struct tick now = clock_tick();
    fail_closed(lane);
    if (tick_since(now, lane->settled_at) >= SETTLE_US)
        ask_owner(lane, ownership_settle, settled, BOUND_IN_DOUBT_US);
    if (tick_since(now, lane->read_at) < READ_US)
        return;
    lane->read_at = now;
    gap_read(&lane->gap);
    receivers_load(&lane->receivers);
    receivers_tell_connections(&lane->receivers, clock_now(lane->worker->clock));
}

static bool is_home(struct lane *lane)
{
    return list_is_empty(&lane->deliveries) && list_is_empty(&lane->sessions) && permit_out(lane->book) == 0 &&
           !receivers_are_busy(&lane->receivers) && !gap_is_reading(&lane->gap) && !lane->owner_reading &&
           list_is_empty(&lane->explains) && !lane->ownership_asked;
}

static void lane_over(struct lane *lane)
{
    timer_stop(&lane->beat);
    timer_stop(&lane->look);
    host_lock_release(&lane->lock);
    log_info(lane->name, "ended");
    lane->owner->ended(lane->owner, lane);
}

static void ended(struct ownership *ownership)
{
    struct lane *lane = container_of(ownership, struct lane, ownership);
    lane->ownership_asked = false;
    lane->owned = ownership->word == OWNERSHIP_AGAIN;
}

static void draining_step(struct lane *lane)
{
    idle_sessions_tidy(lane, clock_now(lane->worker->clock));
    if (!lane->given_up && tick_since(clock_tick(), lane->drain_since) > PATIENT_US) {
        lane->given_up = true;
        give_up_sessions(lane);
    }
    if (!is_home(lane))
        return;
    if (lane->owned)
        ask_owner(lane, ownership_end, ended, 0);
    else
        lane_over(lane);
}

static void lane_step(struct lane *lane)
{
    switch (lane->state) {
    case LANE_LOCKING: lock_step(lane); break;
    case LANE_ASKING: asking_step(lane); break;
    case LANE_RAISING: ask_owner(lane, ownership_raise, raised, 0); break;
    case LANE_WAITING: waiting_step(lane); break;
    case LANE_SETTLING: settling_step(lane); break;
    case LANE_RUNNING: running_step(lane); break;
    case LANE_DRAINING: draining_step(lane); return;
    }
    if (lane->owned && tick_since(clock_tick(), lane->seen_at) >= SEE_US)
        ask_owner(lane, ownership_see, seen, 0);
}

static void beat_fired(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, beat);
    bool waits = lane->state == LANE_WAITING || lane->state == LANE_RUNNING || lane->state == LANE_LOCKING;
    timer_start(&lane->beat, waits ? BEAT_US : BEAT_US / 20);
    lane_step(lane);
}

/* ---- sending ---- */

static bool may_begin(const struct lane *lane)
{
    return lane->state == LANE_RUNNING && lane->owned && !lane->halted && !lane->silent && lane->worker->halt == NULL;
}

static void look_fired(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, look);
    struct instant now = clock_now(lane->worker->clock), next = now;
    if (may_begin(lane)) {
        next = begin_next(lane, now);
        timer_start(&lane->look, MIN_OF(clock_wait_us(lane->worker->clock, next), BEAT_US));
    }
    idle_sessions_tidy(lane, now);
}

bool lane_wants_due(const struct lane *lane)
{
    return lane->state == LANE_RUNNING || lane->state == LANE_WAITING;
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

struct lane *lane_new(struct worker *worker, const struct lane_given *given, struct lane_owner *owner)
{
    struct lane *lane = memory_make(struct lane);
    lane->worker = worker;
    lane->arena = arena_new();
    lane->explained_arena = arena_new();
    lane->customer = given->customer;
    lane->ip = given->ip;
    lane->address = given->address;
    lane->address_text = ip_text(lane->arena, given->address);
    lane->helo = helo_of(lane->arena, given->address, given->ptr);
    lane->name = text_terminated(lane->arena, text_format(lane->arena, "lane[%.*s]", TEXT_ARG(lane->address_text)));
    lane->lock = HOST_LOCK_NONE;
    lane->lock_word = HOST_LOCK_HELD;
    lane->last_begin = INSTANT_NONE;
    lane->owner = owner;
    lane->seen_at = lane->settled_at = lane->answered_at = lane->read_at = clock_tick();
    lane->home.returned = permit_returned;
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
    timer_init(&lane->look, worker->loop, look_fired);
    timer_init(&lane->beat, worker->loop, beat_fired);
    timer_start(&lane->beat, 0);
    return lane;
}

void lane_drain(struct lane *lane)
{
    if (lane->state == LANE_DRAINING)
        return;
    change(lane, LANE_DRAINING);
    lane->drain_since = clock_tick();
    list_each (&lane->deliveries, link)
        delivery_give_up(container_of(link, struct delivery, link));
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
