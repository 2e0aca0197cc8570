/*
 * A zone file of any octets: it is refused, or its clock is one that the rules can stand on. The first octet: even, the rest
 * is the file; odd, the rest is the rule in the footer of a file that is good otherwise.
 */

#include "policy/zone.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OFFSET_S_MAX = 26 * 3600 };

/* RFC 8536: twice a head with one type of no offset, "UTC", and the footer. */
static struct text file_of_rule(struct arena *arena, struct text rule)
{
    static const char head[44] = { 'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4 };
    static const char type[10] = { 0, 0, 0, 0, 0, 0, 'U', 'T', 'C', 0 };
    struct builder file = builder_in(arena);
    for (int i = 0; i < 2; i++) {
        builder_add(&file, text_from(head, sizeof head));
        builder_add(&file, text_from(type, sizeof type));
    }
    builder_add_byte(&file, '\n');
    builder_add(&file, rule);
    builder_add_byte(&file, '\n');
    return builder_text(&file);
}

static bool is_later(struct local_time a, struct local_time b)
{
    return a.day.number != b.day.number ? a.day.number > b.day.number : a.second > b.second;
}

/* The rule of zone.h: the first instant at which the clock shows that time or a later one. */
static void check_at(const struct zone *zone, struct instant at)
{
    int32_t offset_s = zone_offset_s(zone, at);
    struct local_time shown = zone_local(zone, at);
    assert(offset_s > -OFFSET_S_MAX && offset_s < OFFSET_S_MAX && shown.second >= 0 && shown.second < 86400);
    struct instant first = zone_instant(zone, shown.day, shown.second);
    assert(!instant_before(at, first) && !is_later(shown, zone_local(zone, first)));
    struct instant before = instant_add(first, -1);
    assert(is_later(shown, zone_local(zone, before)));
    assert(!instant_before(zone_instant(zone, shown.day, shown.second + 1), first));
    assert(!instant_before(first, zone_day_begin(zone, shown.day)));
    assert(!instant_before(zone_day_begin(zone, day_add(shown.day, 1)), first));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    struct text rest = text_from((const char *)data + 1, size - 1);
    const struct zone *zone = zone_parse(arena, data[0] % 2 == 0 ? rest : file_of_rule(arena, rest));
    uint64_t seed = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3;
    for (int i = 0; zone != NULL && i < 16; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t span_s = (int64_t)1 << (20 + seed % 16); /* from days to a thousand years around the epoch */
        check_at(zone, (struct instant){ (int64_t)(seed >> 24) % span_s * US_PER_SECOND * (i % 2 == 0 ? 1 : -1) });
    }
    arena_free(&arena);
    return 0;
}
