/*
 * A field of a head, of any octets (T05, T10): what its check lets through is written in lines that are all of this one
 * field, and a reader gets back what was given. The reader below is RFC 5322 §2.2.3 and RFC 2047, and shares nothing with
 * the writer. The first octet says which field, the second how long its name is.
 */

#include "base/bounds.h"

#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the ends off its lines; each line but the first begins with a blank, and none is too long. */
static struct text unfold(struct arena *arena, struct text written)
{
    struct builder whole = builder_in(arena);
    struct text rest = written, line;
    assert(text_ends(written, TEXT("\r\n")) && text_is_ascii(written));
    for (bool first = true; text_cut(&rest, '\n', &line); first = false) {
        assert(text_ends(line, TEXT("\r")) && line.length - 1 <= BOUND_LINE);
        line = text_slice(line, 0, line.length - 1);
        assert(!text_has_control(line) && (first || text_starts(line, TEXT(" "))));
        builder_add(&whole, line);
    }
    return builder_text(&whole);
}

static bool decode_q(struct arena *arena, struct text text, struct text *decoded)
{
    struct builder out = builder_in(arena);
    for (size_t i = 0; i < text.length; i++) {
        struct text octet;
        if (text.bytes[i] != '=') {
            builder_add_byte(&out, text.bytes[i] == '_' ? ' ' : text.bytes[i]);
            continue;
        }
        if (!text_unhex(arena, text_lower(arena, text_slice(text, i + 1, 2)), &octet) || octet.length != 1)
            return false;
        builder_add(&out, octet);
        i += 2;
    }
    *decoded = builder_text(&out);
    return true;
}

static bool decode_word(struct arena *arena, struct text word, struct text *decoded)
{
    if (!text_starts(word, TEXT("=?utf-8?")) || !text_ends(word, TEXT("?=")) || word.length < 12)
        return false;
    assert(word.length <= 75);
    struct text inside = text_slice(word, 10, word.length - 12);
    bool good = word.bytes[8] == 'q' ? decode_q(arena, inside, decoded) : text_unbase64(arena, inside, decoded);
    assert(good && text_is_utf8(*decoded));
    return true;
}

/* Blanks between two encoded-words are none of the text (RFC 2047 §6.2). */
static struct text read_words(struct arena *arena, struct text text)
{
    struct builder out = builder_in(arena);
    struct text rest = text, word, decoded;
    bool encoded_before = false;
    for (bool first = true; text_cut(&rest, ' ', &word); first = false) {
        bool encoded = decode_word(arena, word, &decoded);
        if (!first && !(encoded && encoded_before))
            builder_add_byte(&out, ' ');
        builder_add(&out, encoded ? decoded : word);
        encoded_before = encoded;
    }
    return builder_text(&out);
}

static struct text read_phrase(struct arena *arena, struct text text)
{
    if (!text_starts(text, TEXT("\"")))
        return read_words(arena, text);
    struct builder out = builder_in(arena);
    assert(text_ends(text, TEXT("\"")) && text.length >= 2);
    struct text inside = text_slice(text, 1, text.length - 2);
    for (size_t i = 0; i < inside.length; i++) {
        i += inside.bytes[i] == '\\';
        assert(i < inside.length);
        builder_add_byte(&out, inside.bytes[i]);
    }
    return builder_text(&out);
}

static struct text value_of(struct arena *arena, struct builder *out, struct text name)
{
    struct text field = unfold(arena, builder_text(out)), head = text_join(arena, name, TEXT(":"));
    assert(text_starts(field, head));
    struct text value = text_after(field, head.length);
    assert(value.length == 0 || value.bytes[0] == ' ');
    return text_after(value, 1);
}

static void check_text(struct arena *arena, struct text name, struct text value)
{
    struct builder out = builder_in(arena);
    if (header_check_field(name, value) != HEADER_GOOD)
        return;
    header_write_text(&out, name, value);
    assert(text_equal(read_words(arena, value_of(arena, &out, name)), value));
}

static void check_mailbox(struct arena *arena, struct text display)
{
    struct builder out = builder_in(arena);
    struct address address = { .text = TEXT("bo@receiver.example") };
    struct text tail = TEXT(" <bo@receiver.example>");
    if (header_check_text(display, BOUND_NAME) != HEADER_GOOD || display.length == 0)
        return;
    header_write_mailbox(&out, TEXT("To"), display, &address);
    struct text value = value_of(arena, &out, TEXT("To"));
    assert(text_ends(value, tail));
    assert(text_equal(read_phrase(arena, text_slice(value, 0, value.length - tail.length)), display));
}

static void check_ids(struct arena *arena, struct text id)
{
    struct builder out = builder_in(arena);
    struct text ids[] = { id, id, id };
    if (!header_is_message_id(id))
        return;
    header_write_ids(&out, TEXT("References"), ids, COUNT(ids));
    struct text value = value_of(arena, &out, TEXT("References"));
    assert(text_equal(value, text_format(arena, "<%.*s> <%.*s> <%.*s>", TEXT_ARG(id), TEXT_ARG(id), TEXT_ARG(id))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct arena *arena = arena_new();
    struct text rest = text_from((const char *)data + 2, size - 2);
    struct text name = text_slice(rest, 0, data[1]), value = text_after(rest, data[1]);
    if (data[0] % 4 == 0)
        check_text(arena, name, value);
    else if (data[0] % 4 == 1)
        check_text(arena, TEXT("X-Note"), rest);
    else if (data[0] % 4 == 2)
        check_mailbox(arena, rest);
    else
        check_ids(arena, rest);
    arena_free(&arena);
    return 0;
}
