#include "policy/zone.h"

#include "policy/zone_rule.h"

#define TZIF_HEAD    44
#define TZIF_TIMES   100000          /* real files hold some hundred; more is no zone */
#define TZIF_TYPES   256             /* an index is one octet */
#define OFFSET_S_MAX (26 * 3600 - 1) /* RFC 8536 §3.2: from -25 h to 26 h, both left out */

struct zone {
    size_t count; /* of changes that the table names */
    struct zone_change *changes;
    int32_t first_offset_s; /* before the first change */
    bool has_rule;          /* after the last one the rule decides; else the last offset stays */
    struct zone_rule rule;
};

struct tzif_head {
    uint8_t version;
    size_t isut, isstd, leaps, times, types, characters;
};

static uint64_t big_endian(struct text bytes, size_t at, size_t size)
{
    assert(at + size <= bytes.length);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (uint8_t)bytes.bytes[at + i];
    return value;
}

static bool read_head(struct text tzif, struct tzif_head *head)
{
    if (tzif.length < TZIF_HEAD || !text_starts(tzif, TEXT("TZif")))
        return false;
    head->version = (uint8_t)tzif.bytes[4];
    head->isut = big_endian(tzif, 20, 4);
    head->isstd = big_endian(tzif, 24, 4);
    head->leaps = big_endian(tzif, 28, 4);
    head->times = big_endian(tzif, 32, 4);
    head->types = big_endian(tzif, 36, 4);
    head->characters = big_endian(tzif, 40, 4);
    return head->times <= TZIF_TIMES && head->types <= TZIF_TYPES && head->characters <= TZIF_TIMES &&
           head->isut <= head->types && head->isstd <= head->types && head->leaps <= TZIF_TIMES;
}

/* Octets of the data behind a head whose times have `time_size` octets. */
static size_t data_size(const struct tzif_head *head, size_t time_size)
{
    return head->times * (time_size + 1) + head->types * 6 + head->characters + head->leaps * (time_size + 4) +
           head->isstd + head->isut;
}

static bool read_type(struct text types, size_t index, int32_t *offset_s)
{
    if (index >= types.length / 6)
        return false;
    *offset_s = (int32_t)(uint32_t)big_endian(types, index * 6, 4);
    return *offset_s >= -OFFSET_S_MAX && *offset_s <= OFFSET_S_MAX;
}

static bool read_changes(struct zone *zone, struct text data, const struct tzif_head *head)
{
    struct text indexes = text_after(data, head->times * 8);
    struct text types = text_slice(indexes, head->times, head->types * 6);
    if (!read_type(types, 0, &zone->first_offset_s))
        return false;
    for (size_t i = 0; i < head->times; i++) {
        struct zone_change *change = &zone->changes[i];
        change->at_s = (int64_t)big_endian(data, i * 8, 8);
        if (i > 0 && change->at_s <= change[-1].at_s)
            return false;
        if (!read_type(types, (uint8_t)indexes.bytes[i], &change->offset_s))
            return false;
    }
    return true;
}

/* The POSIX rule between two line feeds; an empty one says nothing about the time after the last change. */
static bool read_footer(struct zone *zone, struct text footer)
{
    if (footer.length < 2 || footer.bytes[0] != '\n')
        return false;
    struct text line = text_after(footer, 1);
    size_t end = text_find(line, '\n');
    if (end == line.length)
        return false;
    zone->has_rule = end > 0;
    return end == 0 || zone_rule_parse(text_slice(line, 0, end), &zone->rule);
}

const struct zone *zone_parse(struct arena *arena, struct text tzif)
{
    struct tzif_head head;
    if (!read_head(tzif, &head) || head.version < '2' || head.version > '4')
        return NULL;
    struct text rest = text_after(tzif, TZIF_HEAD + data_size(&head, 4)); /* the 32-bit times of version 1 */
    if (!read_head(rest, &head) || head.leaps > 0 || head.types == 0)
        return NULL;
    struct text data = text_after(rest, TZIF_HEAD);
    size_t size = data_size(&head, 8);
    if (data.length < size)
        return NULL;
    struct zone *zone = arena_make(arena, struct zone);
    zone->count = head.times;
    zone->changes = arena_make_array(arena, struct zone_change, head.times);
    bool good = read_changes(zone, data, &head) && read_footer(zone, text_after(data, size));
    return good ? zone : NULL;
}

/* How many of the table's changes are at or before this second. */
static size_t changes_until(const struct zone *zone, int64_t at_s)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_at(const struct zone *zone, int64_t at_s)
{
    size_t passed = changes_until(zone, at_s);
    if (passed == zone->count && zone->has_rule)
        return zone_rule_offset_s(&zone->rule, at_s);
    return passed == 0 ? zone->first_offset_s : zone->changes[passed - 1].offset_s;
}

/* When the offset may change next after this second; INT64_MAX: never again. */
static int64_t next_change(const struct zone *zone, int64_t at_s)
{
    size_t passed = changes_until(zone, at_s);
    if (passed < zone->count)
        return zone->changes[passed].at_s;
    return zone->has_rule ? zone_rule_next(&zone->rule, at_s) : INT64_MAX;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

int32_t zone_offset_s(const struct zone *zone, struct instant at)
{
    return offset_at(zone, floor_div(at.us, US_PER_SECOND));
}

struct local_time zone_local(const struct zone *zone, struct instant at)
{
    int64_t utc_s = floor_div(at.us, US_PER_SECOND);
    int64_t local_s = utc_s + offset_at(zone, utc_s);
    int64_t day = floor_div(local_s, 86400);
    return (struct local_time){ { (int32_t)day }, (int32_t)(local_s - day * 86400) };
}

/* Stretch by stretch of one offset each: the first second at which the local clock shows `wanted` or later. */
struct instant zone_instant(const struct zone *zone, struct day day, int32_t second)
{
    assert(day.number > -ZONE_DAYS_MAX && day.number < ZONE_DAYS_MAX);
    assert(second >= 0 && second <= 86400);
    int64_t wanted_s = (int64_t)day.number * 86400 + second;
    int64_t from_s = wanted_s - OFFSET_S_MAX - 1;
    for (;;) {
        int64_t until_s = next_change(zone, from_s);
        int64_t at_s = MAX_OF(from_s, wanted_s - offset_at(zone, from_s));
        if (at_s < until_s)
            return (struct instant){ at_s * US_PER_SECOND };
        from_s = until_s;
    }
}

struct instant zone_day_begin(const struct zone *zone, struct day day)
{
    return zone_instant(zone, day, 0);
}
