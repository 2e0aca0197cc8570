/*
 * agenda — what a lane may begin soon: its booked slots, read ahead, and which of them begins now.
 *
 * The rows of each reading replace the ones before. A reading that was sent before an outcome was written may still show
 * that slot as booked: agenda_taken() keeps a message out until a reading that was sent later has come.
 */
#pragma once

#include "base/list.h"
#include "base/map.h"

#include "policy/spacing.h"

#include "worker/worker.h"

struct due {
    struct uuid message, mailbox;
    struct day local_day;
    int16_t number;
    struct instant at, due_at, not_after;
    struct text domain; /* lives until the next reading */
};

struct agenda {
    struct arena *arena; /* of the last reading */
    struct due *items;
    size_t count, room;
    struct map *taken; /* message → struct taken */
};

void agenda_init(struct agenda *agenda);
void agenda_end(struct agenda *agenda);

/* A new reading: start, put, put, …; `sent` is when it was asked. */
void agenda_start(struct agenda *agenda, size_t room, struct tick sent);
void agenda_put(struct agenda *agenda, const struct due *due);

/* Not to be begun (again): until agenda_release(), then until a reading comes that was sent after `after`. */
void agenda_take(struct agenda *agenda, struct uuid message);
void agenda_release(struct agenda *agenda, struct uuid message, struct tick after);
bool agenda_is_taken(const struct agenda *agenda, struct uuid message);
