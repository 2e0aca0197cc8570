#include "sandbox/content.h"

#include <string.h>

#define CONTENT_FIRST 8192 /* most messages fit */

void content_begin(struct content *content, struct content_budget *budget)
{
    assert(content->bytes == NULL);
    *content = (struct content){ .budget = budget };
}

void content_end(struct content *content)
{
    if (content->budget != NULL) {
        assert(content->budget->used >= content->capacity);
        content->budget->used -= content->capacity;
    }
    memory_free(&content->bytes);
    *content = (struct content){ 0 };
}

struct text content_octets(const struct content *content)
{
    return text_from(content->bytes == NULL ? "" : content->bytes, content->length);
}

static void content_blame(struct content *content, enum content_fault fault)
{
    if (content->fault == CONTENT_GOOD)
        content->fault = fault;
}

/* Room for so many more octets; what has none is blamed for it. */
static bool content_make_room(struct content *content, size_t more)
{
    size_t wanted = size_add(content->length, more);
    if (wanted <= content->capacity)
        return true;
    size_t capacity = MIN_OF(MAX_OF(MAX_OF(content->capacity * 2, wanted), (size_t)CONTENT_FIRST), (size_t)CONTENT_MAX);
    if (wanted > CONTENT_MAX) {
        content_blame(content, CONTENT_TOO_LARGE);
        return false;
    }
    if (capacity - content->capacity > content->budget->max - content->budget->used) {
        content_blame(content, CONTENT_NO_ROOM);
        return false;
    }
    content->budget->used += capacity - content->capacity;
    content->bytes = memory_resize(content->bytes, capacity, 1);
    content->capacity = capacity;
    return true;
}

static void content_add(struct content *content, const char *bytes, size_t length)
{
    if (content->fault == CONTENT_TOO_LARGE || content->fault == CONTENT_NO_ROOM)
        return;
    if (!content_make_room(content, length))
        return;
    memcpy(content->bytes + content->length, bytes, length);
    content->length += length;
}

/* Octets of a line that are neither CR nor LF. */
static void content_add_text(struct content *content, const char *bytes, size_t length)
{
    content->line += length;
    if (content->line > BOUND_LINE)
        content_blame(content, CONTENT_LONG_LINE);
    if (memchr(bytes, '\0', length) != NULL)
        content_blame(content, CONTENT_NUL);
    content_add(content, bytes, length);
}

static void content_end_line(struct content *content)
{
    content_add(content, "\r\n", 2);
    content->line = 0;
    content->state = AT_START;
}

static void content_bare(struct content *content, const char *bytes)
{
    content_blame(content, CONTENT_BARE);
    content_add(content, bytes, 1);
    content->state = AT_TEXT;
}

/* A CR, an LF, or an octet where it matters which; true: it ended the content. */
static bool content_hear_byte(struct content *content, char byte)
{
    if (content->state == AT_DOT_CR && byte == '\n')
        return true;
    if (content->state == AT_CR && byte == '\n') {
        content_end_line(content);
        return false;
    }
    if (content->state == AT_DOT_CR || content->state == AT_CR)
        content_bare(content, "\r");
    if (byte == '\r')
        content->state = content->state == AT_DOT ? AT_DOT_CR : AT_CR;
    else if (byte == '\n')
        content_bare(content, "\n");
    else if (byte == '.' && content->state == AT_START)
        content->state = AT_DOT;
    else {
        content_add_text(content, &byte, 1);
        content->state = AT_TEXT;
    }
    return false;
}

/* How many octets at the head of these are plain text of the line that we are in. */
static size_t content_plain(const struct content *content, struct text bytes)
{
    if (content->state != AT_TEXT)
        return 0;
    size_t to_cr = text_find(bytes, '\r');
    return text_find(text_slice(bytes, 0, to_cr), '\n');
}

bool content_hear(struct content *content, struct text *bytes)
{
    while (bytes->length > 0) {
        size_t plain = content_plain(content, *bytes);
        if (plain > 0) {
            content_add_text(content, bytes->bytes, plain);
            *bytes = text_after(*bytes, plain);
            continue;
        }
        char byte = bytes->bytes[0];
        *bytes = text_after(*bytes, 1);
        if (content_hear_byte(content, byte))
            return true;
    }
    return false;
}
