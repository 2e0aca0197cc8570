#include "worker/begin.h"

#include "base/bounds.h"

#include "ledger/explain.h"

#include "worker/idle_sessions.h"

#define TELL_AFTER_US US_PER_SECOND /* real time: a slot that begins at its second needs no words */

/* What was said of a message last. */
struct said {
    struct uuid message;
    struct text code;
    struct instant until;
};

struct telling {
    struct lane *lane;
    struct arena *arena;
    struct explain explain;
    struct link link;
};

/* One due slot, looked at. */
struct candidate {
    const struct due *due;
    const struct route *route;
    struct receiver_state *receiver;
    struct session *idle;
    bool ready; /* for spacing to choose from; else it waits for `reason` */
    struct text reason, about;
    struct instant until;
};

static void told(struct explain *explain)
{
    struct telling *telling = container_of(explain, struct telling, explain);
    list_remove(&telling->link);
    arena_free(&telling->arena);
    memory_free(&telling);
}

static struct text key_of(const struct uuid *message)
{
    return text_from((const char *)message->bytes, sizeof message->bytes);
}

/* Not again the same word while it still holds. */
static bool is_news(struct lane *lane, struct uuid message, struct text code, struct instant until, struct instant now)
{
    struct said *said = map_find(lane->explained, key_of(&message));
    bool same = said != NULL && text_equal(said->code, code) &&
                (instant_is_none(said->until) || said->until.us == until.us || instant_before(now, said->until));
    if (same)
        return false;
    if (said == NULL) {
        said = arena_make(lane->explained_arena, struct said);
        said->message = message;
        map_put(lane->explained, key_of(&said->message), said);
    }
    said->code = text_copy(lane->explained_arena, code);
    said->until = until;
    return true;
}

static void tell(struct lane *lane, struct uuid message, struct text code, struct text about, struct instant until)
{
    struct telling *telling = memory_make(struct telling);
    telling->lane = lane;
    telling->arena = arena_new();
    struct uuid *messages = arena_copy(telling->arena, &message, sizeof message);
    telling->explain = (struct explain){ .customer = lane->customer,
                                         .messages = { messages, 1 },
                                         .code = text_copy(telling->arena, code),
                                         .until = until,
                                         .about = text_copy(telling->arena, about),
                                         .told = told };
    link_init(&telling->link);
    list_append(&lane->explains, &telling->link);
    explain_messages(lane->worker->ledger, &telling->explain);
}

/* Two words of one message, told at once, may be written in either order: the second waits for the next look. */
static bool is_being_told(struct lane *lane, struct uuid message)
{
    list_each (&lane->explains, link)
        if (uuid_equal(container_of(link, struct telling, link)->explain.messages.items[0], message))
            return true;
    return false;
}

void begin_explain(struct lane *lane, const struct due *due, struct text code, struct text about, struct instant until,
                   struct instant now)
{
    if (!is_being_told(lane, due->message) && is_news(lane, due->message, code, until, now))
        tell(lane, due->message, code, about, until);
}

static void explain(struct lane *lane, const struct due *due, struct text code, struct text about, struct instant until,
                    struct instant now)
{
    if ((double)instant_since(now, due->due_at) > (double)TELL_AFTER_US * clock_rate(lane->worker->clock))
        begin_explain(lane, due, code, about, until, now);
}

void begin_explain_all(struct lane *lane, struct text code, struct instant until, struct instant now)
{
    for (size_t i = 0; i < lane->agenda.count; i++)
        explain(lane, &lane->agenda.items[i], code, lane->address_text, until, now);
}

static struct permit_wish wish_of(const struct candidate *candidate, struct text address, struct instant now)
{
    return (struct permit_wish){
        .receiver = candidate->route->receiver,
        .address = address,
        .at_receiver_max = pacing_connections(&candidate->receiver->pacing, now),
        .at_address_max = candidate->route->connections_max,
    };
}

static void wait_for(struct candidate *candidate, struct text reason, struct text about, struct instant until)
{
    candidate->reason = reason;
    candidate->about = about;
    candidate->until = until;
}

static struct candidate look_at(struct lane *lane, struct arena *arena, const struct due *due, struct instant now)
{
    struct candidate candidate = { .due = due };
    candidate.route = routes_find(lane->worker->routes, due->domain, lane->tenure.sandbox, lane->address);
    if (candidate.route == NULL) {
        wait_for(&candidate, TEXT("no_route"), due->domain, INSTANT_NONE);
        return candidate;
    }
    candidate.receiver = receivers_find(&lane->receivers, candidate.route);
    if (pacing_connections(&candidate.receiver->pacing, now) == 0) {
        wait_for(&candidate, TEXT("receiver_on_hold"), candidate.route->receiver,
                 candidate.receiver->pacing.hold_until);
        return candidate;
    }
    struct permit_wish wish = wish_of(&candidate, ip_text(arena, candidate.route->peer), now);
    candidate.idle = idle_sessions_find(lane, candidate.route->receiver);
    candidate.ready = candidate.idle != NULL || permit_has_room(lane->book, &wish);
    if (!candidate.ready)
        wait_for(&candidate, TEXT("receiver_busy"), candidate.route->receiver, INSTANT_NONE);
    return candidate;
}

/* A reused session had ended without a word: its message goes at once, when that permit is home. */
static void serve_permitless(struct lane *lane, struct arena *arena, struct instant now)
{
    list_each (&lane->deliveries, link) {
        struct delivery *delivery = container_of(link, struct delivery, link);
        if (delivery->state != DELIVERY_PERMITLESS)
            continue;
        struct candidate candidate = { .route = &delivery->route, .receiver = delivery->receiver };
        struct permit_wish wish = wish_of(&candidate, ip_text(arena, delivery->route.peer), now);
        struct permit *permit = permit_take(lane->book, &wish);
        if (permit != NULL)
            delivery_connect(delivery, permit);
    }
}

static void begin(struct lane *lane, struct arena *arena, const struct candidate *candidate, struct instant now)
{
    struct delivery_given given = { .lane = lane,
                                    .due = candidate->due,
                                    .route = candidate->route,
                                    .receiver = candidate->receiver,
                                    .session = candidate->idle };
    if (candidate->idle == NULL) {
        struct permit_wish wish = wish_of(candidate, ip_text(arena, candidate->route->peer), now);
        given.permit = permit_take(lane->book, &wish);
        assert(given.permit != NULL);
    }
    delivery_begin(&given);
}

/* Those that the gap keeps back: the first at `next`, each a gap later than the one before, as far as anybody can say; at
 * the end of its slot a message is booked anew. */
static void explain_waiting(struct lane *lane, const struct candidate *candidates, size_t count, struct instant next,
                            int64_t gap_us, struct instant now)
{
    int64_t place = 0;
    for (size_t i = 0; i < count; i++) {
        const struct candidate *candidate = &candidates[i];
        if (!candidate->ready)
            explain(lane, candidate->due, candidate->reason, candidate->about, candidate->until, now);
        else if (!instant_before(now, candidate->due->due_at))
            explain(lane, candidate->due, TEXT("spacing"), lane->address_text,
                    instant_min(instant_add(next, gap_us * place++), candidate->due->not_after), now);
    }
}

struct instant begin_next(struct lane *lane, struct instant now)
{
    struct arena *arena = arena_new();
    struct candidate *candidates = arena_make_array(arena, struct candidate, lane->agenda.count);
    struct spacing_slot *slots = arena_make_array(arena, struct spacing_slot, lane->agenda.count);
    size_t *places = arena_make_array(arena, size_t, lane->agenda.count);
    size_t count = 0, ready = 0;
    int64_t gap_us = gap_min_us(&lane->gap, now);
    serve_permitless(lane, arena, now);
    for (size_t i = 0; i < lane->agenda.count; i++) {
        const struct due *due = &lane->agenda.items[i];
        if (agenda_is_taken(&lane->agenda, due->message))
            continue;
        candidates[count] = look_at(lane, arena, due, now);
        if (candidates[count].ready) {
            slots[ready] = (struct spacing_slot){ due->at, due->not_after, due->due_at };
            places[ready++] = count;
        }
        count++;
    }
    struct spacing_choice choice = spacing_next(slots, ready, lane->last_begin, gap_us, now);
    bool begins = choice.index != SPACING_NONE;
    if (begins) {
        struct candidate chosen = candidates[places[choice.index]];
        candidates[places[choice.index]] = candidates[--count];
        begin(lane, arena, &chosen, now);
    }
    explain_waiting(lane, candidates, count, begins ? instant_add(now, gap_us) : choice.look, gap_us, now);
    arena_free(&arena);
    return begins ? now : choice.look;
}
