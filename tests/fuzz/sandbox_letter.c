/* A message of any octets, as the inbox shows it: bounded, valid UTF-8, and no control but tab and line end. */

#include "sandbox/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct text shown, size_t max)
{
    assert(shown.length <= max && text_is_utf8(shown));
    for (size_t i = 0; i < shown.length; i++)
        assert(shown.bytes[i] == '\t' || shown.bytes[i] == '\n' || (unsigned char)shown.bytes[i] >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct letter letter = letter_read(arena, text_from((const char *)data, size));
    check(letter.subject, LETTER_SUBJECT_MAX);
    check(letter.text, LETTER_TEXT_MAX);
    check(letter.html, LETTER_TEXT_MAX);
    assert(!text_has(letter.subject, '\n'));
    arena_free(&arena);
    return 0;
}
