#include "ledger/event.h"

#include "base/instant.h"

#include "ledger_statements.h"

struct event_data event_data_new(struct arena *arena)
{
    struct event_data data = { builder_in(arena) };
    builder_add_byte(&data.json, '{');
    return data;
}

static void event_data_name(struct event_data *data, const char *name)
{
    if (builder_text(&data->json).length > 1)
        builder_add_byte(&data->json, ',');
    builder_format(&data->json, "\"%s\":", name);
}

static void event_data_string(struct event_data *data, struct text text)
{
    builder_add_byte(&data->json, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte == '"' || byte == '\\')
            builder_format(&data->json, "\\%c", byte);
        else if (byte < 0x20)
            builder_format(&data->json, "\\u%04x", byte);
        else
            builder_add_byte(&data->json, (char)byte);
    }
    builder_add_byte(&data->json, '"');
}

void event_data_text(struct event_data *data, const char *name, struct text text)
{
    event_data_name(data, name);
    if (text_is_none(text)) {
        builder_add(&data->json, TEXT("null"));
        return;
    }
    struct arena *scratch = arena_new();
    event_data_string(data, text_sane(scratch, text));
    arena_free(&scratch);
}

void event_data_id(struct event_data *data, const char *name, enum id_kind kind, struct uuid id)
{
    struct arena *scratch = arena_new();
    event_data_text(data, name, uuid_is_nil(id) ? TEXT_NONE : id_text(scratch, kind, id));
    arena_free(&scratch);
}

void event_data_instant(struct event_data *data, const char *name, struct instant at)
{
    struct arena *scratch = arena_new();
    event_data_text(data, name, instant_is_none(at) ? TEXT_NONE : instant_text(scratch, at));
    arena_free(&scratch);
}

void event_data_number(struct event_data *data, const char *name, int64_t number)
{
    event_data_name(data, name);
    builder_format(&data->json, "%lld", (long long)number);
}

struct text event_data_end(struct event_data *data)
{
    builder_add_byte(&data->json, '}');
    return builder_text(&data->json);
}

void event_add(struct act *act, const char *type, struct uuid message, struct text data)
{
    event_insert_ask(act->transaction, &(struct event_insert){
                                           .customer = act->customer,
                                           .event = act_id(act),
                                           .type = text_of(type),
                                           .now = act->now,
                                           .message = message,
                                           .data = data,
                                       });
}

struct text event_booked_data(struct act *act, struct uuid message, const struct slot *slot)
{
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "message_id", ID_MESSAGE, message);
    event_data_id(&data, "mailbox_id", ID_MAILBOX, slot->mailbox);
    event_data_id(&data, "ip_id", ID_IP, slot->ip);
    event_data_instant(&data, "slot_at", slot->at);
    return event_data_end(&data);
}

void event_add_accepted(struct act *act, struct uuid message, const struct slot *slot)
{
    struct uuid accepted = act_id(act);
    events_accepted_ask(act->transaction, &(struct events_accepted){
                                              .customer = act->customer,
                                              .accepted = accepted,
                                              .booked = act_id(act),
                                              .now = act->now,
                                              .message = message,
                                              .data = event_booked_data(act, message, slot),
                                          });
}

void event_add_many(struct act *act, const char *type, const struct uuid *messages, const struct uuid *mailboxes,
                    size_t count, struct text reason)
{
    if (count == 0)
        return;
    struct uuid *events = arena_make_array(act->arena, struct uuid, count);
    struct text *texts = arena_make_array(act->arena, struct text, count);
    for (size_t i = 0; i < count; i++) {
        struct event_data data = event_data_new(act->arena);
        event_data_id(&data, "message_id", ID_MESSAGE, messages[i]);
        event_data_id(&data, "mailbox_id", ID_MAILBOX, mailboxes[i]);
        event_data_text(&data, "reason", reason);
        events[i] = act_id(act);
        texts[i] = event_data_end(&data);
    }
    events_of_messages_ask(act->transaction, &(struct events_of_messages){
                                                 .customer = act->customer,
                                                 .type = text_of(type),
                                                 .now = act->now,
                                                 .messages = { messages, count },
                                                 .events = { events, count },
                                                 .data = { texts, count },
                                             });
}
