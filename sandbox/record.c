#include "sandbox/record.h"

#include "base/map.h"

#include <string.h>

struct record {
    struct hash_key seed;
    struct map *sources;
    struct seen_connection *connections; /* RECORD_CONNECTIONS_MAX, by number */
    uint64_t connections_first, connections_end;
    struct seen_dot *dots; /* RECORD_DOTS_MAX, by number */
    uint64_t dots_first, dots_end;
    size_t words;
};

static_assert((RECORD_CONNECTIONS_MAX & (RECORD_CONNECTIONS_MAX - 1)) == 0, "numbers find their place by a mask");
static_assert((RECORD_DOTS_MAX & (RECORD_DOTS_MAX - 1)) == 0, "numbers find their place by a mask");

struct record *record_new(struct hash_key seed)
{
    struct record *record = memory_make(struct record);
    record->seed = seed;
    record->sources = map_new(seed);
    record->connections = memory_make_array(struct seen_connection, RECORD_CONNECTIONS_MAX);
    record->dots = memory_make_array(struct seen_dot, RECORD_DOTS_MAX);
    record->connections_first = record->connections_end = 1;
    record->dots_first = record->dots_end = 1;
    return record;
}

static struct seen_dot *dot_place(const struct record *record, uint64_t number)
{
    return &record->dots[number & (RECORD_DOTS_MAX - 1)];
}

static struct seen_connection *connection_place(const struct record *record, uint64_t number)
{
    return &record->connections[number & (RECORD_CONNECTIONS_MAX - 1)];
}

static void record_forget_dot(struct record *record)
{
    struct seen_dot *dot = dot_place(record, record->dots_first++);
    record->words -= dot->from.length + dot->to.length + dot->reply.length;
    memory_free(&dot->words);
    memory_free(&dot->reply_words);
    *dot = (struct seen_dot){ 0 };
}

void record_free(struct record **record)
{
    if (*record == NULL)
        return;
    while ((*record)->dots_first < (*record)->dots_end)
        record_forget_dot(*record);
    map_each ((*record)->sources, struct source, source)
        free(source);
    map_free(&(*record)->sources);
    memory_free(&(*record)->connections);
    memory_free(&(*record)->dots);
    memory_free(record);
}

void record_forget(struct record *record)
{
    while (record->dots_first < record->dots_end)
        record_forget_dot(record);
    record->connections_first = record->connections_end;
    map_each (record->sources, struct source, source) {
        source->most_open = source->open;
        source->connections = source->open;
        source->dots = source->refused = source->throttled = source->bytes = 0;
    }
}

struct source *record_source(struct record *record, struct text address)
{
    struct source *source = map_find(record->sources, address);
    if (source != NULL || map_count(record->sources) == RECORD_SOURCES_MAX)
        return source;
    source = memory_new(size_add(sizeof(*source), address.length));
    source->length = address.length;
    memcpy(source->address, address.bytes, address.length);
    map_put(record->sources, source_text(source), source);
    return source;
}

struct text source_text(const struct source *source)
{
    return text_from(source->address, source->length);
}

uint64_t record_opened(struct record *record, struct source *source, struct moment now)
{
    uint64_t number = record->connections_end++;
    source->open++;
    source->connections++;
    source->most_open = MAX_OF(source->most_open, source->open);
    if (number - record->connections_first >= RECORD_CONNECTIONS_MAX)
        record->connections_first++;
    *connection_place(record, number) = (struct seen_connection){
        .number = number,
        .source = source,
        .opened = now,
        .eof = MOMENT_NONE,
        .closed = MOMENT_NONE,
        .open_then = source->open,
    };
    return number;
}

/* What is kept of a connection, to be written on; NULL: forgotten. */
static struct seen_connection *connection_kept(const struct record *record, uint64_t number)
{
    if (number < record->connections_first || number >= record->connections_end)
        return NULL;
    return connection_place(record, number);
}

void record_refused(struct source *source, bool throttled)
{
    source->refused++;
    source->throttled += throttled;
}

void record_bytes(struct source *source, size_t length)
{
    source->bytes += length;
}

static size_t words_length(struct text from, const struct text *to, size_t recipients)
{
    size_t length = from.length + (recipients > 0 ? recipients - 1 : 0);
    for (size_t i = 0; i < recipients; i++)
        length = size_add(length, to[i].length);
    return length;
}

static void dot_write(struct seen_dot *dot, struct text from, const struct text *to)
{
    char *at = dot->words;
    memcpy(at, from.bytes == NULL ? "" : from.bytes, from.length);
    dot->from = text_from(at, from.length);
    char *begin = at += from.length;
    for (size_t i = 0; i < dot->recipients; i++) {
        if (i > 0)
            *at++ = '\n';
        memcpy(at, to[i].bytes, to[i].length);
        at += to[i].length;
    }
    dot->to = text_from(begin, (size_t)(at - begin));
}

uint64_t record_dot(struct record *record, struct source *source, uint64_t connection, struct text from,
                    const struct text *to, size_t recipients, struct moment now)
{
    uint64_t number = record->dots_end++;
    size_t length = words_length(from, to, recipients);
    if (number - record->dots_first >= RECORD_DOTS_MAX)
        record_forget_dot(record);
    while (record->words + length > RECORD_WORDS_MAX && record->dots_first < number)
        record_forget_dot(record);
    struct seen_dot *dot = dot_place(record, number);
    *dot = (struct seen_dot){
        .number = number,
        .source = source,
        .connection = connection,
        .moment = now,
        .recipients = recipients,
        .words = memory_new(MAX_OF(length, (size_t)1)),
    };
    dot_write(dot, from, to);
    record->words += length;
    source->dots++;
    struct seen_connection *kept = connection_kept(record, connection);
    if (kept != NULL)
        kept->dots++;
    return number;
}

void record_reply(struct record *record, uint64_t number, struct text reply)
{
    struct text line = text_slice(reply, 0, MIN_OF(text_find(reply, '\r'), (size_t)512));
    if (number < record->dots_first || number >= record->dots_end)
        return;
    struct seen_dot *dot = dot_place(record, number);
    assert(dot->reply_words == NULL);
    dot->reply_words = memory_new(MAX_OF(line.length, (size_t)1));
    memcpy(dot->reply_words, line.bytes, line.length);
    dot->reply = text_from(dot->reply_words, line.length);
    record->words += line.length;
}

void record_eof(struct record *record, uint64_t connection, struct moment now)
{
    struct seen_connection *kept = connection_kept(record, connection);
    if (kept != NULL && instant_is_none(kept->eof.at))
        kept->eof = now;
}

void record_closed(struct record *record, struct source *source, uint64_t connection, enum seen_end end,
                   struct moment now)
{
    assert(source->open > 0 && end != SEEN_OPEN);
    source->open--;
    struct seen_connection *kept = connection_kept(record, connection);
    if (kept == NULL)
        return;
    kept->closed = now;
    kept->end = end;
}

struct hash_key record_seed(const struct record *record)
{
    return record->seed;
}

const struct source *record_next_source(const struct record *record, size_t *place)
{
    return map_next(record->sources, place);
}

const struct seen_connection *record_connection(const struct record *record, uint64_t number)
{
    return connection_kept(record, number);
}

const struct seen_dot *record_dot_seen(const struct record *record, uint64_t number)
{
    if (number < record->dots_first || number >= record->dots_end)
        return NULL;
    return dot_place(record, number);
}

uint64_t record_connections_first(const struct record *record)
{
    return record->connections_first;
}

uint64_t record_connections_end(const struct record *record)
{
    return record->connections_end;
}

uint64_t record_dots_first(const struct record *record)
{
    return record->dots_first;
}

uint64_t record_dots_end(const struct record *record)
{
    return record->dots_end;
}

const char *seen_end_name(enum seen_end end)
{
    static const char *const names[] = { "open", "quit", "refused", "lost", "reset", "timeout", "dropped", "stopped" };
    assert(end < COUNT(names));
    return names[end];
}
