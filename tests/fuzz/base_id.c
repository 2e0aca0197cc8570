/* Any text as a TypeID or a UUID: an id has one spelling, one kind, and comes back as it was given. */

#include "base/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_typeid(struct arena *arena, struct text given)
{
    size_t kinds = 0, words[3] = { 0 };
    for (enum id_kind kind = 0; kind < ID_KINDS; kind++) {
        struct uuid uuid;
        enum id_fault fault = id_parse(given, kind, &uuid);
        words[fault]++;
        if (fault != ID_GOOD)
            continue;
        kinds++;
        assert(text_equal(id_text(arena, kind, uuid), given));
    }
    assert(kinds <= 1 && (words[ID_MALFORMED] == 0 || words[ID_MALFORMED] == ID_KINDS));
}

static void check_uuid(struct arena *arena, struct text given)
{
    struct uuid uuid, again;
    if (!uuid_parse(given, &uuid))
        return;
    struct text written = uuid_text(arena, uuid);
    assert(text_equal_fold(written, given) && uuid_parse(written, &again) && uuid_equal(uuid, again));
    for (enum id_kind kind = 0; kind < ID_KINDS; kind++)
        assert(id_parse(id_text(arena, kind, uuid), kind, &again) == ID_GOOD && uuid_equal(uuid, again));
}

/* Whatever the clock does between two ids of one maker, the second is above the first (T154). */
static void check_order(struct text octets)
{
    struct id_maker maker = { 0 };
    struct uuid last = UUID_NIL;
    uint8_t random[10] = { 0 };
    int64_t now_us = 0;
    for (size_t i = 0; i < octets.length; i++) {
        now_us += (int64_t)(signed char)octets.bytes[i] * US_PER_MS / 2;
        random[0] = random[2] = (uint8_t)octets.bytes[i];
        struct uuid next = id_next(&maker, (struct instant){ now_us }, random);
        assert(uuid_compare(next, last) > 0 && next.bytes[6] >> 4 == 7 && next.bytes[8] >> 6 == 2);
        last = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct text given = text_from((const char *)data, size);
    check_typeid(arena, given);
    check_uuid(arena, given);
    check_order(given);
    arena_free(&arena);
    return 0;
}
