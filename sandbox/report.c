#include "sandbox/report.h"

#include "base/map.h"

/* What one pass over the kept dots says of a source. */
struct tally {
    struct instant first, last;
    int64_t smallest_gap_us; /* −1: there were not two */
    uint64_t most_per_sender_day;
    json_t *hours; /* [{"hour", "dots"}] in order of time */
    int64_t hour;
    int64_t hour_dots;
};

struct tallies {
    struct arena *arena;
    struct map *sources, *sender_days;
    int64_t offset_us;
};

json_t *report_text(struct text text)
{
    if (text_is_none(text))
        return json_null();
    json_t *plain = json_stringn(text.bytes, text.length);
    if (plain != NULL)
        return plain;
    struct arena *arena = arena_new();
    struct text sane = text_sane(arena, text);
    json_t *json = json_stringn(sane.bytes, sane.length);
    arena_free(&arena);
    return json;
}

json_t *report_instant(struct instant instant)
{
    if (instant_is_none(instant))
        return json_null();
    struct arena *arena = arena_new();
    json_t *json = report_text(instant_text_precise(arena, instant));
    arena_free(&arena);
    return json;
}

static json_t *report_tick_ms(struct tick tick)
{
    return tick_is_none(tick) ? json_null() : json_real((double)tick.us / (double)US_PER_MS);
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static struct tally *tally_of(const struct tallies *tallies, const struct source *source)
{
    struct tally *tally = map_find(tallies->sources, source_text(source));
    if (tally != NULL)
        return tally;
    tally = arena_make(tallies->arena, struct tally);
    tally->first = tally->last = INSTANT_NONE;
    tally->smallest_gap_us = -1;
    tally->hours = json_array();
    map_put(tallies->sources, source_text(source), tally);
    return tally;
}

static void tally_gap(struct tally *tally, struct instant at)
{
    if (!instant_is_none(tally->last)) {
        int64_t gap_us = instant_since(at, tally->last);
        if (tally->smallest_gap_us < 0 || gap_us < tally->smallest_gap_us)
            tally->smallest_gap_us = MAX_OF(gap_us, (int64_t)0);
    } else
        tally->first = at;
    tally->last = at;
}

static void tally_hour(const struct tallies *tallies, struct tally *tally, struct instant at)
{
    int64_t hour = floor_div(at.us + tallies->offset_us, US_PER_HOUR);
    size_t count = json_array_size(tally->hours);
    if (count == 0 || hour != tally->hour) {
        json_t *row = json_object();
        json_object_set_new(row, "hour", report_instant((struct instant){ hour * US_PER_HOUR - tallies->offset_us }));
        json_array_append_new(tally->hours, row);
        tally->hour = hour;
        tally->hour_dots = 0;
        count++;
    }
    json_object_set_new(json_array_get(tally->hours, count - 1), "dots", json_integer(++tally->hour_dots));
}

static void tally_sender_day(const struct tallies *tallies, struct tally *tally, const struct seen_dot *dot)
{
    int64_t day = floor_div(dot->moment.at.us + tallies->offset_us, US_PER_DAY);
    struct text source = source_text(dot->source);
    struct text key = text_format(tallies->arena, "%.*s %lld %.*s", TEXT_ARG(source), (long long)day,
                                  TEXT_ARG(text_lower(tallies->arena, dot->from)));
    uint64_t *dots = map_find(tallies->sender_days, key);
    if (dots == NULL) {
        dots = arena_make(tallies->arena, uint64_t);
        map_put(tallies->sender_days, key, dots);
    }
    ++*dots;
    tally->most_per_sender_day = MAX_OF(tally->most_per_sender_day, *dots);
}

static void tallies_read(struct tallies *tallies, const struct record *record, const struct report_wish *wish)
{
    for (uint64_t n = record_dots_first(record); n < record_dots_end(record); n++) {
        const struct seen_dot *dot = record_dot_seen(record, n);
        if (!text_is_none(wish->source) && !text_equal(wish->source, source_text(dot->source)))
            continue;
        struct tally *tally = tally_of(tallies, dot->source);
        tally_gap(tally, dot->moment.at);
        tally_hour(tallies, tally, dot->moment.at);
        tally_sender_day(tallies, tally, dot);
    }
}

static json_t *source_json(const struct source *source, struct tally *tally)
{
    json_t *row = json_object();
    json_object_set_new(row, "source", report_text(source_text(source)));
    json_object_set_new(row, "open", json_integer((json_int_t)source->open));
    json_object_set_new(row, "most_open", json_integer((json_int_t)source->most_open));
    json_object_set_new(row, "connections", json_integer((json_int_t)source->connections));
    json_object_set_new(row, "dots", json_integer((json_int_t)source->dots));
    json_object_set_new(row, "refused", json_integer((json_int_t)source->refused));
    json_object_set_new(row, "throttled", json_integer((json_int_t)source->throttled));
    json_object_set_new(row, "bytes", json_integer((json_int_t)source->bytes));
    json_object_set_new(row, "first_dot_at", report_instant(tally->first));
    json_object_set_new(row, "last_dot_at", report_instant(tally->last));
    json_object_set_new(row, "smallest_gap_s",
                        tally->smallest_gap_us < 0 ? json_null()
                                                   : json_real((double)tally->smallest_gap_us / (double)US_PER_SECOND));
    json_object_set_new(row, "most_per_sender_day", json_integer((json_int_t)tally->most_per_sender_day));
    json_object_set(row, "hours", tally->hours);
    return row;
}

/* A source that only was there before the record was begun anew says nothing. */
static bool source_is_silent(const struct source *source)
{
    return source->connections == 0 && source->dots == 0;
}

json_t *report_sources(const struct record *record, const struct report_wish *wish)
{
    struct arena *arena = arena_new();
    struct hash_key seed = record_seed(record);
    struct tallies tallies = { arena, map_new(seed), map_new(seed), wish->offset_us };
    json_t *data = json_array();
    const struct source *source;
    size_t place = 0;
    tallies_read(&tallies, record, wish);
    while ((source = record_next_source(record, &place)) != NULL) {
        if (!text_is_none(wish->source) && !text_equal(wish->source, source_text(source)))
            continue;
        if (!source_is_silent(source))
            json_array_append_new(data, source_json(source, tally_of(&tallies, source)));
    }
    map_each (tallies.sources, struct tally, tally)
        json_decref(tally->hours);
    map_free(&tallies.sources);
    map_free(&tallies.sender_days);
    arena_free(&arena);
    return json_pack("{s:o}", "data", data);
}

static json_t *connection_json(const struct seen_connection *seen)
{
    bool eof_first = !tick_is_none(seen->eof.tick) && !tick_is_none(seen->closed.tick);
    json_t *row = json_object();
    json_object_set_new(row, "n", json_integer((json_int_t)seen->number));
    json_object_set_new(row, "source", report_text(source_text(seen->source)));
    json_object_set_new(row, "opened_at", report_instant(seen->opened.at));
    json_object_set_new(row, "eof_at", report_instant(seen->eof.at));
    json_object_set_new(row, "closed_at", report_instant(seen->closed.at));
    json_object_set_new(row, "opened_ms", report_tick_ms(seen->opened.tick));
    json_object_set_new(row, "eof_ms", report_tick_ms(seen->eof.tick));
    json_object_set_new(row, "closed_ms", report_tick_ms(seen->closed.tick));
    json_object_set_new(row, "end", json_string(seen_end_name(seen->end)));
    json_object_set_new(row, "open_then", json_integer((json_int_t)seen->open_then));
    json_object_set_new(row, "dots", json_integer((json_int_t)seen->dots));
    json_object_set_new(row, "eof_before_close", json_boolean(eof_first));
    return row;
}

static json_t *recipients_json(struct text to)
{
    json_t *list = json_array();
    struct text one;
    while (text_cut(&to, '\n', &one))
        json_array_append_new(list, report_text(one));
    return list;
}

static json_t *dot_json(const struct seen_dot *dot)
{
    json_t *row = json_object();
    json_object_set_new(row, "n", json_integer((json_int_t)dot->number));
    json_object_set_new(row, "at", report_instant(dot->moment.at));
    json_object_set_new(row, "ms", report_tick_ms(dot->moment.tick));
    json_object_set_new(row, "source", report_text(source_text(dot->source)));
    json_object_set_new(row, "connection", json_integer((json_int_t)dot->connection));
    json_object_set_new(row, "from", report_text(dot->from));
    json_object_set_new(row, "to", recipients_json(dot->to));
    json_object_set_new(row, "answer", report_text(dot->reply));
    return row;
}

static bool is_wanted(const struct report_wish *wish, const struct source *source, const json_t *rows)
{
    if (json_array_size(rows) >= wish->limit)
        return false;
    return text_is_none(wish->source) || text_equal(wish->source, source_text(source));
}

json_t *report_timeline(const struct record *record, const struct report_wish *wish)
{
    json_t *connections = json_array();
    json_t *dots = json_array();
    uint64_t from = MAX_OF(record_connections_first(record), wish->after + 1);
    for (uint64_t n = from; n < record_connections_end(record); n++) {
        const struct seen_connection *seen = record_connection(record, n);
        if (is_wanted(wish, seen->source, connections))
            json_array_append_new(connections, connection_json(seen));
    }
    from = MAX_OF(record_dots_first(record), wish->after_dot + 1);
    for (uint64_t n = from; n < record_dots_end(record); n++) {
        const struct seen_dot *dot = record_dot_seen(record, n);
        if (is_wanted(wish, dot->source, dots))
            json_array_append_new(dots, dot_json(dot));
    }
    return json_pack("{s:o, s:o}", "connections", connections, "dots", dots);
}
