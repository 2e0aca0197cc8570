#include "base/id.h"

#include <string.h>

static const char base32[] = "0123456789abcdefghjkmnpqrstvwxyz";
enum { SUFFIX = 26 };

bool uuid_is_nil(struct uuid uuid)
{
    return uuid_equal(uuid, UUID_NIL);
}

bool uuid_equal(struct uuid a, struct uuid b)
{
    return uuid_compare(a, b) == 0;
}

int uuid_compare(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

struct text uuid_text(struct arena *arena, struct uuid uuid)
{
    struct text hex = text_hex(arena, text_from((const char *)uuid.bytes, sizeof uuid.bytes));
    return text_format(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.bytes, hex.bytes + 8, hex.bytes + 12, hex.bytes + 16,
                       hex.bytes + 20);
}

bool uuid_parse(struct text text, struct uuid *uuid)
{
    size_t nibbles = 0;
    if (text.length != 36)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        unsigned nibble = text_nibble(text.bytes[i]);
        if (dash ? text.bytes[i] != '-' : nibble > 15)
            return false;
        if (dash)
            continue;
        uint8_t *byte = &uuid->bytes[nibbles / 2];
        *byte = (uint8_t)(nibbles % 2 == 0 ? nibble << 4 : *byte | nibble);
        nibbles++;
    }
    return true;
}

static void put_milliseconds(struct uuid *uuid, uint64_t ms)
{
    for (int i = 0; i < 6; i++)
        uuid->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
}

struct instant uuid_instant(struct uuid uuid)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | uuid.bytes[i];
    return (struct instant){ (int64_t)ms * US_PER_MS };
}

static uint64_t milliseconds(struct instant at)
{
    return at.us < 0 ? 0 : (uint64_t)(at.us / US_PER_MS);
}

struct uuid uuid_first_at(struct instant at)
{
    struct uuid uuid = UUID_NIL;
    put_milliseconds(&uuid, milliseconds(at));
    uuid.bytes[6] = 0x70;
    uuid.bytes[8] = 0x80;
    return uuid;
}

struct uuid id_next(struct id_maker *maker, struct instant now, const uint8_t random[10])
{
    uint64_t ms = milliseconds(now);
    if (ms > maker->last_ms) {
        maker->last_ms = ms;
        maker->counter = ((uint32_t)random[0] << 8 | random[1]) & 0x7ff; /* the upper half is left to count in */
    } else if (++maker->counter > 0xfff) {
        maker->last_ms++; /* a little ahead of the clock, until the clock comes after */
        maker->counter = 0;
    }
    struct uuid uuid;
    put_milliseconds(&uuid, maker->last_ms);
    uuid.bytes[6] = (uint8_t)(0x70 | maker->counter >> 8);
    uuid.bytes[7] = (uint8_t)maker->counter;
    memcpy(uuid.bytes + 8, random + 2, 8);
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    return uuid;
}

struct text id_prefix(enum id_kind kind)
{
    static const char *const prefixes[ID_KINDS] = {
        [ID_CUSTOMER] = "cus", [ID_MAILBOX] = "mbx", [ID_MESSAGE] = "msg",      [ID_IP] = "ip",
        [ID_POOL] = "pool",    [ID_DOMAIN] = "dom",  [ID_KEY] = "key",          [ID_WEBHOOK] = "whk",
        [ID_EVENT] = "evt",    [ID_ATTEMPT] = "att", [ID_SUPPRESSION] = "sup",  [ID_INVOICE] = "inv",
        [ID_TEMPLATE] = "tpl", [ID_BATCH] = "bat",   [ID_BILLING_HOOK] = "bhk", [ID_AUDIT] = "aud",
        [ID_REQUEST] = "req",
    };
    assert(kind < ID_KINDS);
    return text_of(prefixes[kind]);
}

/* 26 digits of five bits for 128 bits: the first digit has only three, so it is at most 7. */
static unsigned digit_of(struct uuid uuid, int place)
{
    unsigned digit = 0;
    for (int bit = 0; bit < 5; bit++) {
        int at = place * 5 + bit - 2;
        unsigned value = at < 0 ? 0 : (unsigned)(uuid.bytes[at / 8] >> (7 - at % 8)) & 1u;
        digit = digit << 1 | value;
    }
    return digit;
}

struct text id_text(struct arena *arena, enum id_kind kind, struct uuid uuid)
{
    struct builder builder = builder_in(arena);
    builder_add(&builder, id_prefix(kind));
    builder_add_byte(&builder, '_');
    for (int place = 0; place < SUFFIX; place++)
        builder_add_byte(&builder, base32[digit_of(uuid, place)]);
    return builder_text(&builder);
}

static bool suffix_parse(struct text suffix, struct uuid *uuid)
{
    if (suffix.length != SUFFIX || suffix.bytes[0] > '7')
        return false;
    *uuid = UUID_NIL;
    for (int place = 0; place < SUFFIX; place++) {
        const char *found = suffix.bytes[place] == 0 ? NULL : strchr(base32, suffix.bytes[place]);
        if (found == NULL)
            return false;
        unsigned digit = (unsigned)(found - base32);
        for (int bit = 0; bit < 5; bit++) {
            int at = place * 5 + bit - 2;
            if (at >= 0)
                uuid->bytes[at / 8] |= (uint8_t)((digit >> (4 - bit) & 1u) << (7 - at % 8));
        }
    }
    return true;
}

enum id_fault id_parse(struct text text, enum id_kind kind, struct uuid *uuid)
{
    size_t underscore = text_find_last(text, '_');
    if (underscore == text.length || !suffix_parse(text_after(text, underscore + 1), uuid))
        return ID_MALFORMED;
    return text_equal(text_slice(text, 0, underscore), id_prefix(kind)) ? ID_GOOD : ID_OTHER_KIND;
}
