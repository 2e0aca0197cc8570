#include "worker/tenure.h"

#include <errno.h>
#include <signal.h>

#include "base/bounds.h"

#include "io/log.h"

#include "worker/routes.h"
#include "worker_statements.h"

enum { PORTS_MAX = 256 };

#define STEP_US   US_PER_SECOND       /* all real time */
#define HURRY_US  (50 * US_PER_MS)    /* while each answer leads to the next question */
#define SEE_US    (4 * US_PER_SECOND) /* alive for others: seen within 15 s */
#define ALIVE_US  (15 * US_PER_SECOND)
#define SETTLE_US US_PER_MINUTE

static const char *state_name(enum tenure_state state)
{
    static const char *const names[] = {
        "locking", "asking", "raising", "waiting", "settling", "held", "ending", "over"
    };
    assert((size_t)state < COUNT(names));
    return names[state];
}

static void change(struct tenure *tenure, enum tenure_state state)
{
    if (tenure->state == state)
        return;
    trace(TRACE_LANE, tenure->name, "%s: %s", state_name(tenure->state), state_name(state));
    tenure->state = state;
    tenure->keeper->changed(tenure->keeper);
}

static void answered(struct tenure *tenure)
{
    tenure->keeper->answered(tenure->keeper);
}

void tenure_lose(struct tenure *tenure)
{
    if (!tenure->owned)
        return;
    log_warning(tenure->name, "generation %lld is not the last any more: somebody else owns the IP",
                (long long)tenure->generation);
    tenure->owned = tenure->settled = false;
    tenure->keeper->lost(tenure->keeper);
    change(tenure, tenure->state == TENURE_ENDING ? TENURE_ENDING : TENURE_ASKING);
}

/* ---- questions: one at a time ---- */

static struct text trouble_word(const struct tenure *tenure)
{
    if (tenure->worker->halt != NULL)
        return TEXT("clock_wrong");
    switch (tenure->trouble) {
    case TENURE_ADDRESS_MISSING: return TEXT("address_missing");
    case TENURE_HOST_EXHAUSTED: return TEXT("host_exhausted");
    case TENURE_FINE: return TEXT_NONE;
    }
    unreachable("a trouble that is none");
}

/* ---- what keeps us from sending ---- */

static void trouble(struct tenure *tenure, enum tenure_trouble found)
{
    if (tenure->trouble == found)
        return;
    if (found == TENURE_ADDRESS_MISSING)
        log_error(tenure->name, "the address is not on this host any more: nothing is sent until it is back");
    else if (found == TENURE_HOST_EXHAUSTED)
        log_error(tenure->name, "this host has no descriptor, memory or port for a connection: tried again soon");
    else
        log_info(tenure->name, "can send again");
    tenure->trouble = found;
    tenure->seen_at = TICK_NONE; /* told with the next step */
    tenure->keeper->changed(tenure->keeper);
}

void tenure_look(struct tenure *tenure)
{
    enum host_lock_word word = host_lock_look(tenure->address);
    if (word == HOST_LOCK_NOT_OURS)
        trouble(tenure, TENURE_ADDRESS_MISSING);
    else if (word == HOST_LOCK_HELD && tenure->trouble == TENURE_ADDRESS_MISSING)
        trouble(tenure, TENURE_FINE);
}

void tenure_exhausted(struct tenure *tenure, bool exhausted)
{
    if (tenure->trouble != TENURE_ADDRESS_MISSING)
        trouble(tenure, exhausted ? TENURE_HOST_EXHAUSTED : TENURE_FINE);
}

static void ask(struct tenure *tenure, void (*question)(struct ledger *, struct ownership *),
                void (*told)(struct ownership *), int64_t older_than_us)
{
    if (tenure->asked)
        return;
    tenure->asked = true;
    tenure->ownership = (struct ownership){
        .customer = tenure->customer,
        .ip = tenure->ip,
        .host = text_of(tenure->worker->host),
        .place = tenure->worker->place,
        .pid = (int32_t)tenure->worker->pid,
        .expected = tenure->generation_seen,
        .generation = tenure->generation,
        .trouble = trouble_word(tenure),
        .resting_until = tenure->resting_until,
        .older_than_us = older_than_us,
        .told = told,
    };
    question(tenure->worker->ledger, &tenure->ownership);
}

static struct tenure *hear(struct ownership *ownership)
{
    struct tenure *tenure = container_of(ownership, struct tenure, ownership);
    tenure->asked = false;
    if (ownership->word == OWNERSHIP_STALE || ownership->word == OWNERSHIP_NO_LANE)
        tenure_lose(tenure);
    if (ownership->word == OWNERSHIP_OURS)
        answered(tenure);
    return tenure;
}

/* How long until then, in real time; 0: there is no such moment. */
static int64_t ahead_us(const struct tenure *tenure, struct instant until)
{
    return instant_is_none(until) ? 0 : instant_since(until, clock_steady(tenure->worker->clock));
}

static void wait_for_old(struct tenure *tenure, const struct ownership_before *before)
{
    bool first = instant_is_none(before->since), clean = !instant_is_none(before->ended_at);
    int64_t elsewhere_us = ahead_us(tenure, before->elsewhere_until);
    int64_t resting_us = MIN_OF(ahead_us(tenure, before->resting_until), BOUND_OTHER_HOST_US);
    tenure->same_host = elsewhere_us <= 0;
    tenure->wait_since = clock_tick();
    int64_t least_us = MAX_OF(tenure->worker->takeover_wait_us, resting_us);
    int64_t most_us = tenure->same_host ? BOUND_TAKEOVER_US : MIN_OF(elsewhere_us, BOUND_OTHER_HOST_US);
    tenure->wait_at_least = tick_add(tenure->wait_since, least_us);
    tenure->wait_at_most = tick_add(tenure->wait_since, MAX_OF(least_us, most_us));
    if (first || (clean && tenure->same_host)) {
        change(tenure, TENURE_SETTLING);
        return;
    }
    log_info(tenure->name, "takes over from %.*s, pid %d: waits until its connections cannot be counted any more",
             TEXT_ARG(before->host), before->pid);
    change(tenure, TENURE_WAITING);
}

static void raised(struct ownership *ownership)
{
    struct tenure *tenure = container_of(ownership, struct tenure, ownership);
    tenure->asked = false;
    if (ownership->word != OWNERSHIP_OURS) {
        if (tenure->state == TENURE_RAISING)
            change(tenure, TENURE_ASKING);
        return;
    }
    answered(tenure);
    tenure->generation = ownership->generation;
    tenure->owned = true;
    tenure->knows_begin = false;
    tenure->halted = ownership->halted;
    tenure->seen_at = clock_tick();
    if (tenure->state == TENURE_RAISING)
        wait_for_old(tenure, &ownership->before);
}

static void settled(struct ownership *ownership)
{
    struct tenure *tenure = hear(ownership);
    if (ownership->word != OWNERSHIP_OURS)
        return;
    tenure->settled = true;
    tenure->settled_at = clock_tick();
    if (ownership->settled > 0)
        log_warning(tenure->name, "unconfirmed, because they were authorized and never ended: %zu", ownership->settled);
    if (tenure->state == TENURE_SETTLING)
        change(tenure, TENURE_HELD);
}

static void seen(struct ownership *ownership)
{
    struct tenure *tenure = hear(ownership);
    if (ownership->word != OWNERSHIP_OURS) {
        tenure->resting_told = INSTANT_NONE; /* at the next step again */
        return;
    }
    bool same = tenure->halted == ownership->halted;
    tenure->seen_at = clock_tick();
    tenure->halted = ownership->halted;
    if (!same)
        tenure->keeper->changed(tenure->keeper);
}

static void see(struct tenure *tenure)
{
    if (tenure->asked)
        return;
    tenure->resting_told = tenure->resting_until;
    ask(tenure, ownership_see, seen, 0);
}

static void ended(struct ownership *ownership)
{
    struct tenure *tenure = container_of(ownership, struct tenure, ownership);
    tenure->asked = false;
    tenure->owned = ownership->word == OWNERSHIP_AGAIN;
}

/* ---- steps ---- */

static void read_holder(struct tenure *tenure);

static void lock_step(struct tenure *tenure)
{
    enum host_lock_word word = host_lock_take(&tenure->lock, tenure->address, tenure->worker->lock_port);
    bool news = word != tenure->lock_word;
    tenure->lock_word = word;
    if (word == HOST_LOCK_HELD)
        change(tenure, TENURE_ASKING);
    else if (news && word == HOST_LOCK_TAKEN)
        read_holder(tenure); /* who it is stands in the lane's row */
    else if (news)
        log_error(tenure->name, "no lock (port %u of the address, %s): nothing is sent from it by this process",
                  tenure->worker->lock_port, host_lock_word_name(word));
}

static bool is_our_place(const struct tenure *tenure, const struct lane_holder_row *row)
{
    struct text place = tenure->worker->place;
    bool same = text_is_none(row->place) || text_is_none(place) || text_equal(row->place, place);
    return same && text_equal(row->host, text_of(tenure->worker->host));
}

/* Somebody else lives and sends: on another host, or in another namespace of this one, where nobody here sees whether its
 * process is there; or another process of this place, which has another lock. */
static bool is_live_elsewhere(const struct tenure *tenure, const struct lane_holder_row *row)
{
    if (row->ended || instant_is_none(row->seen_at))
        return false;
    bool fresh = instant_since(clock_steady(tenure->worker->clock), row->seen_at) < ALIVE_US;
    if (!is_our_place(tenure, row))
        return fresh;
    return fresh && row->pid != (int32_t)tenure->worker->pid && (kill(row->pid, 0) == 0 || errno != ESRCH);
}

static void tell_holder(const struct tenure *tenure, const char *how, const struct lane_holder_row *row)
{
    struct arena *arena = arena_new();
    struct text since = instant_is_none(row->since) ? TEXT("?") : instant_text(arena, row->since);
    log_error(tenure->name, "%s: %.*s, pid %d, since %.*s; nothing is sent from it by this process", how,
              TEXT_ARG(row->host), row->pid == INT32_MIN ? 0 : row->pid, TEXT_ARG(since));
    arena_free(&arena);
}

static void ask_holder(struct tenure *tenure, const struct lane_holder_row *row)
{
    bool busy = is_live_elsewhere(tenure, row);
    tenure->sandbox = text_equal(row->mode, TEXT("sandbox"));
    tenure->generation_seen = row->generation;
    if (busy && !tenure->told_busy)
        tell_holder(tenure, "somebody else owns it and was seen just now", row);
    tenure->told_busy = busy;
    if (!busy)
        change(tenure, TENURE_RAISING);
}

/* Read when the old owner cannot authorize any more: before, one of its own may still have come (P5). */
static void know_last_begin(struct tenure *tenure, const struct lane_holder_row *row)
{
    tenure->last_begin = row->last_begin;
    tenure->knows_begin = true;
}

static void holder_read(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct tenure *tenure = container_of(wait, struct tenure, holder_wait);
    tenure->reading = false;
    if (end->word == PG_COMMITTED)
        answered(tenure);
    if (end->word != PG_COMMITTED || lane_holder_count(transaction, tenure->holder_asked) == 0)
        return;
    struct lane_holder_row row = lane_holder_get(transaction, tenure->holder_asked, 0);
    if (tenure->state == TENURE_ASKING)
        ask_holder(tenure, &row);
    else if (tenure->state == TENURE_SETTLING)
        know_last_begin(tenure, &row);
    else if (tenure->state == TENURE_LOCKING)
        tell_holder(tenure, "the lock of the address is taken on this host", &row);
}

static void read_holder(struct tenure *tenure)
{
    if (tenure->reading)
        return;
    tenure->reading = true;
    tenure->holder_wait.ended = holder_read;
    struct transaction *transaction =
        transaction_new_reading(tenure->worker->pg, tenure->customer, &tenure->holder_wait);
    tenure->holder_asked =
        lane_holder_ask(transaction, &(struct lane_holder){ .customer = tenure->customer, .ip = tenure->ip });
    transaction_commit(transaction);
}

static void asking_step(struct tenure *tenure)
{
    if (tenure->keeper->is_home(tenure->keeper))
        read_holder(tenure);
}

/* Those of an owner on another host cannot be seen from here: only time helps. */
static int sockets_left(const struct tenure *tenure)
{
    uint16_t ports[PORTS_MAX];
    size_t count = routes_ports(tenure->worker->routes, ports, COUNT(ports));
    return tenure->same_host ? host_lock_count_sockets(tenure->address, ports, count) : 1;
}

static void waiting_step(struct tenure *tenure)
{
    struct tick now = clock_tick();
    bool long_enough = !tick_before(now, tenure->wait_at_least);
    if (!tick_before(now, tenure->wait_at_most)) {
        log_warning(tenure->name, "goes on, although sockets of the old owner may still be open");
        change(tenure, TENURE_SETTLING);
    } else if (long_enough && routes_are_known(tenure->worker->routes) && sockets_left(tenure) == 0) {
        change(tenure, TENURE_SETTLING);
    }
}

static void settling_step(struct tenure *tenure)
{
    if (tenure->knows_begin)
        ask(tenure, ownership_settle, settled, 0);
    else
        read_holder(tenure);
}

static void held_step(struct tenure *tenure)
{
    tenure_look(tenure);
    if (tick_since(clock_tick(), tenure->settled_at) >= SETTLE_US)
        ask(tenure, ownership_settle, settled, BOUND_IN_DOUBT_US);
}

static void ending_step(struct tenure *tenure)
{
    if (tenure->asked || tenure->reading)
        return;
    if (tenure->owned && tenure->settled) { /* before that, the old owner may still be counted: no clean end */
        ask(tenure, ownership_end, ended, 0);
        return;
    }
    host_lock_release(&tenure->lock);
    change(tenure, TENURE_OVER);
}

void tenure_step(struct tenure *tenure)
{
    switch (tenure->state) {
    case TENURE_LOCKING: lock_step(tenure); break;
    case TENURE_ASKING: asking_step(tenure); break;
    case TENURE_RAISING: ask(tenure, ownership_raise, raised, 0); break;
    case TENURE_WAITING: waiting_step(tenure); break;
    case TENURE_SETTLING: settling_step(tenure); break;
    case TENURE_HELD: held_step(tenure); break;
    case TENURE_ENDING: ending_step(tenure); return;
    case TENURE_OVER: return;
    }
    bool news = tenure->resting_until.us != tenure->resting_told.us;
    bool soon = tick_is_none(tenure->seen_at) || tick_since(clock_tick(), tenure->seen_at) >= SEE_US;
    if (tenure->owned && (news || soon))
        see(tenure);
}

void tenure_rests(struct tenure *tenure, int64_t grace_us)
{
    tenure->resting_until = instant_add(clock_steady(tenure->worker->clock), grace_us);
    if (tenure->owned)
        see(tenure);
}

int64_t tenure_step_us(const struct tenure *tenure)
{
    switch (tenure->state) {
    case TENURE_LOCKING:
    case TENURE_WAITING:
    case TENURE_HELD: return STEP_US;
    case TENURE_ASKING: return tenure->told_busy ? STEP_US : HURRY_US;
    case TENURE_RAISING:
    case TENURE_SETTLING:
    case TENURE_ENDING:
    case TENURE_OVER: return HURRY_US;
    }
    unreachable("a state that is none");
}

bool tenure_is_held(const struct tenure *tenure)
{
    return tenure->state == TENURE_HELD && tenure->owned;
}

bool tenure_is_busy(const struct tenure *tenure)
{
    return tenure->asked || tenure->reading;
}

void tenure_end(struct tenure *tenure)
{
    change(tenure, TENURE_ENDING);
}

void tenure_init(struct tenure *tenure, struct worker *worker, struct tenure_keeper *keeper)
{
    *tenure = (struct tenure){ .worker = worker,
                               .keeper = keeper,
                               .lock = HOST_LOCK_NONE,
                               .lock_word = HOST_LOCK_HELD,
                               .last_begin = INSTANT_NONE,
                               .resting_until = INSTANT_NONE,
                               .resting_told = INSTANT_NONE };
    tenure->seen_at = tenure->settled_at = clock_tick();
}
