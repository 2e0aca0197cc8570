#include "worker/agenda.h"

struct taken {
    struct uuid message;
    struct tick until; /* TICK_NONE: its delivery goes on */
};

static struct text key_of(const struct uuid *message)
{
    return text_from((const char *)message->bytes, sizeof message->bytes);
}

void agenda_init(struct agenda *agenda)
{
    *agenda = (struct agenda){ .arena = arena_new(), .taken = map_new((struct hash_key){ 11, 12 }) };
}

void agenda_end(struct agenda *agenda)
{
    map_each (agenda->taken, struct taken, taken)
        memory_free(&taken);
    map_free(&agenda->taken);
    arena_free(&agenda->arena);
}

/* Those that ended before this reading was asked may come again. */
static void forget_older(struct agenda *agenda, struct tick sent)
{
    struct map *kept = map_new((struct hash_key){ 11, 12 });
    map_each (agenda->taken, struct taken, taken) {
        if (!tick_is_none(taken->until) && tick_before(taken->until, sent))
            memory_free(&taken);
        else
            map_put(kept, key_of(&taken->message), taken);
    }
    map_free(&agenda->taken);
    agenda->taken = kept;
}

void agenda_start(struct agenda *agenda, size_t room, struct tick sent)
{
    arena_free(&agenda->arena);
    agenda->arena = arena_new();
    agenda->items = arena_make_array(agenda->arena, struct due, room);
    agenda->room = room;
    agenda->count = 0;
    forget_older(agenda, sent);
}

void agenda_put(struct agenda *agenda, const struct due *due)
{
    assert(agenda->count < agenda->room);
    agenda->items[agenda->count] = *due;
    agenda->items[agenda->count++].domain = text_copy(agenda->arena, due->domain);
}

void agenda_take(struct agenda *agenda, struct uuid message)
{
    struct taken *taken = map_find(agenda->taken, key_of(&message));
    if (taken == NULL) {
        taken = memory_make(struct taken);
        taken->message = message;
        map_put(agenda->taken, key_of(&taken->message), taken);
    }
    taken->until = TICK_NONE;
}

void agenda_release(struct agenda *agenda, struct uuid message, struct tick after)
{
    struct taken *taken = map_find(agenda->taken, key_of(&message));
    if (taken != NULL)
        taken->until = after;
}

bool agenda_is_taken(const struct agenda *agenda, struct uuid message)
{
    return map_find(agenda->taken, key_of(&message)) != NULL;
}
