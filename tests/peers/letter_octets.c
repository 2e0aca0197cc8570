/*
 * letter_octets — the octets that mail/letter composes, for parsers that are not ours. Reads lines "NAME BASE64", with one
 * or two more BASE64 for what has more parts (header: name, value; file: name, type, bytes), writes the message. Ends with
 * 3 where the letter cannot be composed.
 */

#include <string.h>

#include "mail/letter.h"

enum { PARTS_MAX = 64, INPUT_MAX = 48 * 1024 * 1024 };

struct draft {
    struct letter letter;
    struct text references[PARTS_MAX];
    struct text header_names[PARTS_MAX], header_values[PARTS_MAX];
    struct text file_names[PARTS_MAX], file_types[PARTS_MAX], file_base64[PARTS_MAX];
};

static struct text next_value(struct arena *arena, struct text *rest)
{
    struct text word = TEXT_NONE, value = TEXT("");
    if (text_cut(rest, ' ', &word) && !text_unbase64(arena, word, &value))
        unreachable("the test writes base64");
    return value;
}

static void set(struct arena *arena, struct draft *draft, struct text name, struct text rest)
{
    struct letter *letter = &draft->letter;
    const struct {
        const char *name;
        struct text *text;
    } texts[] = {
        { "from", &letter->from_address },
        { "from_name", &letter->from_name },
        { "to", &letter->to_address },
        { "to_name", &letter->to_name },
        { "reply_to", &letter->reply_to },
        { "subject", &letter->subject },
        { "text", &letter->text },
        { "html", &letter->html },
        { "message_id", &letter->message_id },
        { "in_reply_to", &letter->in_reply_to },
    };
    struct text value = next_value(arena, &rest);
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (text_equal(name, text_of(texts[i].name)))
            *texts[i].text = value;
    }
    if (text_equal(name, TEXT("date")) && !text_to_int64(value, &letter->date.us))
        unreachable("the test writes microseconds");
    if (text_equal(name, TEXT("reference")))
        draft->references[letter->reference_count++] = value;
    if (text_equal(name, TEXT("header"))) {
        draft->header_names[letter->header_count] = value;
        draft->header_values[letter->header_count++] = next_value(arena, &rest);
    }
    if (text_equal(name, TEXT("file"))) {
        draft->file_names[letter->file_count] = value;
        draft->file_types[letter->file_count] = next_value(arena, &rest);
        draft->file_base64[letter->file_count++] = text_base64(arena, next_value(arena, &rest));
    }
}

static struct text read_input(struct arena *arena)
{
    char *bytes = arena_bytes(arena, INPUT_MAX);
    return text_from(bytes, fread(bytes, 1, INPUT_MAX, stdin));
}

int main(void)
{
    struct arena *arena = arena_new();
    struct draft *draft = arena_make(arena, struct draft);
    struct text rest = read_input(arena), line = TEXT_NONE, name = TEXT_NONE;
    draft->letter.from_name = draft->letter.to_name = TEXT("");
    while (text_cut(&rest, '\n', &line)) {
        if (text_cut(&line, ' ', &name))
            set(arena, draft, name, line);
    }
    draft->letter.references = draft->references;
    draft->letter.header_names = draft->header_names;
    draft->letter.header_values = draft->header_values;
    draft->letter.file_names = draft->file_names;
    draft->letter.file_types = draft->file_types;
    draft->letter.file_base64 = draft->file_base64;
    struct letter_made made = { 0 };
    bool composed = letter_compose(arena, &draft->letter, &made);
    if (composed)
        fwrite(made.content.octets.bytes, 1, made.content.octets.length, stdout);
    arena_free(&arena);
    return composed ? 0 : 3;
}
