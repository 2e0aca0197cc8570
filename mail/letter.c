#include "mail/letter.h"

size_t letter_size(const struct letter *letter)
{
    size_t size = size_add(letter->text.length, letter->html.length);
    for (size_t i = 0; i < letter->file_count; i++)
        size = size_add(size, letter->file_base64[i].length);
    return size;
}

static struct text copy(struct arena *arena, struct text text)
{
    return text_is_none(text) ? TEXT_NONE : text_copy(arena, text);
}

static const struct text *copy_all(struct arena *arena, const struct text *texts, size_t count)
{
    struct text *copies = arena_make_array(arena, struct text, count);
    for (size_t i = 0; i < count; i++)
        copies[i] = copy(arena, texts[i]);
    return copies;
}

struct letter letter_copy(struct arena *arena, const struct letter *letter)
{
    struct letter own = *letter;
    struct text *const texts[] = {
        &own.from_address, &own.from_name, &own.to_address, &own.to_name,    &own.reply_to,
        &own.subject,      &own.text,      &own.html,       &own.message_id, &own.in_reply_to
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = copy(arena, *texts[i]);
    own.references = copy_all(arena, letter->references, letter->reference_count);
    own.header_names = copy_all(arena, letter->header_names, letter->header_count);
    own.header_values = copy_all(arena, letter->header_values, letter->header_count);
    own.file_names = copy_all(arena, letter->file_names, letter->file_count);
    own.file_types = copy_all(arena, letter->file_types, letter->file_count);
    own.file_base64 = copy_all(arena, letter->file_base64, letter->file_count);
    return own;
}

static const struct content_field *fields_of(struct arena *arena, const struct letter *letter)
{
    struct content_field *fields = arena_make_array(arena, struct content_field, letter->header_count);
    for (size_t i = 0; i < letter->header_count; i++)
        fields[i] = (struct content_field){ letter->header_names[i], letter->header_values[i] };
    return fields;
}

static bool attachments_of(struct arena *arena, const struct letter *letter, const struct content_attachment **out)
{
    struct content_attachment *files = arena_make_array(arena, struct content_attachment, letter->file_count);
    for (size_t i = 0; i < letter->file_count; i++) {
        files[i].filename = letter->file_names[i];
        files[i].content_type = letter->file_types[i];
        if (!text_unbase64(arena, letter->file_base64[i], &files[i].bytes))
            return false;
    }
    *out = files;
    return true;
}

bool letter_compose(struct arena *arena, const struct letter *letter, struct letter_made *made)
{
    struct address reply_to;
    bool replies = !text_is_none(letter->reply_to);
    struct content_spec spec = {
        .date = letter->date,
        .message_id = letter->message_id,
        .from_name = letter->from_name,
        .to_name = letter->to_name,
        .reply_to = replies ? &reply_to : NULL,
        .subject = letter->subject,
        .text = letter->text,
        .html = letter->html,
        .in_reply_to = letter->in_reply_to,
        .references = letter->references,
        .reference_count = letter->reference_count,
        .fields = fields_of(arena, letter),
        .field_count = letter->header_count,
        .attachment_count = letter->file_count,
    };
    if (address_parse(arena, letter->from_address, &spec.from) != ADDRESS_GOOD ||
        address_parse(arena, letter->to_address, &spec.to) != ADDRESS_GOOD ||
        (replies && address_parse(arena, letter->reply_to, &reply_to) != ADDRESS_GOOD) ||
        !attachments_of(arena, letter, &spec.attachments))
        return false;
    if (!header_is_message_id(letter->message_id) || content_check(&spec).fault != CONTENT_GOOD)
        return false;
    made->from = spec.from;
    made->to = spec.to;
    made->content = content_compose(arena, &spec);
    return true;
}
