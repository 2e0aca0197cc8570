/* A stranger's replies, of any bytes in any pieces (T18 to T20). The first byte says how they are cut. */

#include "mail/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reply read_in_pieces(struct arena *arena, struct text bytes, size_t piece)
{
    struct reply_reader reader = reply_reader_in(arena);
    while (bytes.length > 0) {
        struct text part = text_slice(bytes, 0, piece);
        size_t taken = reply_read(&reader, part);
        if (taken < part.length)
            break;
        bytes = text_after(bytes, taken);
    }
    return reader.reply;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    struct text bytes = text_from((const char *)data + 1, size - 1);
    struct reply whole = read_in_pieces(arena, bytes, size), parts = read_in_pieces(arena, bytes, data[0] % 32 + 1);
    assert(whole.class == parts.class && whole.code == parts.code && text_equal(whole.text, parts.text));
    assert(text_is_utf8(whole.text) && text_is_utf8(reply_words(arena, &whole)));
    assert(whole.class == REPLY_UNFINISHED || whole.class == REPLY_MALFORMED || whole.code / 100 == (int)whole.class);
    arena_free(&arena);
    return 0;
}
