#include "worker/receivers.h"

#include "base/map.h"

#include "io/log.h"

struct save {
    struct receivers *receivers;
    struct pacing_save save;
    struct link link;
};

void receivers_init(struct receivers *receivers, struct worker *worker, struct uuid customer, struct uuid ip,
                    struct permit_book *book)
{
    *receivers = (struct receivers){ .worker = worker, .customer = customer, .ip = ip, .book = book };
    receivers->arena = arena_new();
    receivers->states = map_new((struct hash_key){ 9, 10 });
    list_init(&receivers->saves);
}

void receivers_end(struct receivers *receivers)
{
    assert(!receivers_are_busy(receivers));
    map_free(&receivers->states);
    arena_free(&receivers->arena);
}

bool receivers_are_busy(const struct receivers *receivers)
{
    return receivers->loading || !list_is_empty(&receivers->saves);
}

static struct receiver_state *state_of(struct receivers *receivers, struct text id, uint8_t limit_max)
{
    struct receiver_state *state = map_find(receivers->states, id);
    if (state != NULL)
        return state;
    state = arena_make(receivers->arena, struct receiver_state);
    state->id = text_copy(receivers->arena, id);
    state->pacing = pacing_new(limit_max);
    state->updated_at = INSTANT_NONE;
    map_put(receivers->states, state->id, state);
    return state;
}

struct receiver_state *receivers_find(struct receivers *receivers, const struct route *route)
{
    struct receiver_state *state = state_of(receivers, route->receiver, route->connections_max);
    if (state->pacing.limit_max != route->connections_max)
        state->pacing = pacing_restored(state->pacing, route->connections_max);
    return state;
}

/* A row that is newer than what we know is somebody else's word: an operator released the hold. */
static void adopt(struct receivers *receivers, const struct pacing_row *row)
{
    struct receiver_state *state = state_of(receivers, row->receiver, 1);
    if (!instant_before(state->updated_at, row->updated_at))
        return;
    state->pacing = pacing_restored(row->pacing, MAX_OF(state->pacing.limit_max, (uint8_t)1));
    state->updated_at = row->updated_at;
    state->connections_told = row->connections;
}

static void load_told(struct pacing_load *load)
{
    struct receivers *receivers = container_of(load, struct receivers, load);
    receivers->loading = false;
    if (load->word != PACING_STORE_DONE)
        return;
    for (size_t i = 0; i < load->count; i++)
        adopt(receivers, &load->rows[i]);
    receivers->known = true;
    receivers->loaded(receivers);
}

void receivers_load(struct receivers *receivers)
{
    if (receivers->loading)
        return;
    receivers->loading = true;
    receivers->load = (struct pacing_load){ .customer = receivers->customer, .ip = receivers->ip, .told = load_told };
    pacing_load(receivers->worker->ledger, &receivers->load);
}

static struct pacing_row row_of(struct receivers *receivers, struct receiver_state *state)
{
    int16_t connections = (int16_t)permit_out_at(receivers->book, state->id);
    return (struct pacing_row){ state->id, state->pacing, connections, state->updated_at };
}

void receivers_hear(struct receivers *receivers, struct receiver_state *state, enum pacing_event event,
                    int64_t asked_us, struct instant now, struct pacing_row *row)
{
    struct pacing_throttle throttle = { asked_us, random_word(receivers->worker->random) };
    state->pacing = pacing_after(state->pacing, event, event == PACING_THROTTLE ? &throttle : NULL, now);
    state->updated_at = now;
    *row = row_of(receivers, state);
    state->connections_told = row->connections;
}

static void save_told(struct pacing_save *told)
{
    struct save *save = container_of(told, struct save, save);
    if (told->word != PACING_STORE_DONE)
        log_warning(NULL, "the state of receiver %.*s could not be saved", TEXT_ARG(told->row.receiver));
    list_remove(&save->link);
    memory_free(&save);
}

void receivers_save(struct receivers *receivers, struct receiver_state *state, struct instant now)
{
    struct save *save = memory_make(struct save);
    state->updated_at = now;
    save->receivers = receivers;
    save->save = (struct pacing_save){
        .customer = receivers->customer, .ip = receivers->ip, .row = row_of(receivers, state), .told = save_told
    };
    state->connections_told = save->save.row.connections;
    link_init(&save->link);
    list_append(&receivers->saves, &save->link);
    pacing_save(receivers->worker->ledger, &save->save);
}

void receivers_tell_connections(struct receivers *receivers, struct instant now)
{
    map_each (receivers->states, struct receiver_state, state) {
        if (state->connections_told != (int16_t)permit_out_at(receivers->book, state->id))
            receivers_save(receivers, state, now);
    }
}
