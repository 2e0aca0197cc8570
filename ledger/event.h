/*
 * event — what happened, appended in the transaction that made it happen. Its data are a flat JSON object whose ids are
 * written as the API writes them.
 */
#pragma once

#include "ledger/act.h"
#include "ledger/slot.h"

struct event_data {
    struct builder json;
};

struct event_data event_data_new(struct arena *arena);
void event_data_id(struct event_data *data, const char *name, enum id_kind kind, struct uuid id); /* UUID_NIL: null */
void event_data_text(struct event_data *data, const char *name, struct text text);                /* TEXT_NONE: null */
void event_data_instant(struct event_data *data, const char *name, struct instant at);            /* none: null */
void event_data_number(struct event_data *data, const char *name, int64_t number);
struct text event_data_end(struct event_data *data);

/* message: UUID_NIL for what is no message's. Asked, not sent. */
void event_add(struct act *act, const char *type, struct uuid message, struct text data);

/* {"message_id", "mailbox_id"}, and where it went. */
struct text event_booked_data(struct act *act, struct uuid message, const struct slot *slot);

/* message.accepted and message.booked of one that was just taken in. */
void event_add_accepted(struct act *act, struct uuid message, const struct slot *slot);

/* The same for many messages, at most 1,000: {"message_id", "mailbox_id", "reason"}. */
void event_add_many(struct act *act, const char *type, const struct uuid *messages, const struct uuid *mailboxes,
                    size_t count, struct text reason);
