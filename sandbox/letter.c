#include "sandbox/letter.h"

#include "sandbox/encoding.h"

/* One entity of a message: its head, its body, and what is left to look at. */
struct part {
    struct text head, body;
};

struct reading {
    struct arena *arena;
    struct text plain, html; /* none until found; decoded */
    unsigned parts;
};

/* Head and body are parted by the first empty line; without one all is head. */
static struct part part_of(struct text bytes)
{
    struct text rest = bytes, line;
    while (rest.length > 0) {
        size_t end = text_find(rest, '\n');
        line = text_slice(rest, 0, end);
        struct text behind = text_after(rest, end + 1);
        if (line.length == 0 || text_equal(line, TEXT("\r")))
            return (struct part){ text_slice(bytes, 0, bytes.length - rest.length), behind };
        rest = behind;
    }
    return (struct part){ bytes, TEXT("") };
}

static bool is_folded(struct text line)
{
    return line.length > 0 && (line.bytes[0] == ' ' || line.bytes[0] == '\t');
}

static struct text without_cr(struct text line)
{
    return text_ends(line, TEXT("\r")) ? text_slice(line, 0, line.length - 1) : line;
}

/* Takes the next line off; false at the end. */
static bool next_line(struct text *rest, struct text *line)
{
    if (rest->length == 0)
        return false;
    size_t end = text_find(*rest, '\n');
    *line = without_cr(text_slice(*rest, 0, end));
    *rest = text_after(*rest, end + 1);
    return true;
}

static struct text header_of(struct arena *arena, struct text head, struct text name)
{
    struct text line;
    while (next_line(&head, &line)) {
        size_t colon = text_find(line, ':');
        if (colon == line.length || !text_equal_fold(text_trim(text_slice(line, 0, colon)), name))
            continue;
        struct builder value = builder_in(arena);
        builder_add(&value, text_trim(text_after(line, colon + 1)));
        for (struct text rest = head; next_line(&rest, &line) && is_folded(line);)
            builder_add(&value, line);
        return text_trim(builder_text(&value));
    }
    return TEXT_NONE;
}

struct text letter_header(struct arena *arena, struct text raw, struct text name)
{
    return header_of(arena, part_of(raw).head, name);
}

/* A parameter of Content-Type, without its quotes; empty: there is none. */
static struct text parameter_of(struct text value, struct text name)
{
    struct text rest = text_after(value, text_find(value, ';') + 1);
    while (rest.length > 0) {
        size_t equals = text_find(rest, '=');
        struct text key = text_trim(text_slice(rest, 0, equals));
        struct text behind = text_trim(text_after(rest, equals + 1));
        bool quoted = text_starts(behind, TEXT("\""));
        behind = text_after(behind, quoted);
        size_t end = text_find(behind, quoted ? '"' : ';');
        if (text_equal_fold(key, name))
            return text_trim(text_slice(behind, 0, end));
        rest = text_after(behind, end);
        rest = text_after(rest, text_find(rest, ';') + 1);
    }
    return TEXT("");
}

static struct text body_decoded(struct arena *arena, const struct part *part, struct text type)
{
    struct text encoding = header_of(arena, part->head, TEXT("Content-Transfer-Encoding"));
    struct text body = text_slice(part->body, 0, 4 * LETTER_TEXT_MAX); /* more is never shown */
    if (text_equal_fold(encoding, TEXT("base64")))
        body = encoding_base64(arena, body);
    else if (text_equal_fold(encoding, TEXT("quoted-printable")))
        body = encoding_quoted_printable(arena, body);
    body = encoding_utf8(arena, text_slice(body, 0, LETTER_TEXT_MAX), parameter_of(type, TEXT("charset")));
    return text_slice(encoding_lines(arena, body), 0, LETTER_TEXT_MAX);
}

static void part_read(struct reading *reading, struct text bytes, unsigned depth);

/* Is this line the boundary? `last`: the one with two dashes behind it. */
static bool is_boundary(struct text line, struct text boundary, bool *last)
{
    if (!text_starts(line, TEXT("--")) || !text_starts(text_after(line, 2), boundary))
        return false;
    struct text behind = text_trim(text_after(line, 2 + boundary.length));
    *last = text_equal(behind, TEXT("--"));
    return behind.length == 0 || *last;
}

static void multipart_read(struct reading *reading, struct text body, struct text boundary, unsigned depth)
{
    struct text rest = body, line;
    size_t begin = 0; /* of the part that we are in; 0: before the first */
    bool last = false;
    if (boundary.length == 0)
        return;
    while (!last && rest.length > 0) {
        size_t at = body.length - rest.length;
        if (!next_line(&rest, &line) || !is_boundary(line, boundary, &last))
            continue;
        if (begin > 0)
            part_read(reading, text_slice(body, begin, at - begin), depth + 1);
        begin = body.length - rest.length;
    }
    if (!last && begin > 0)
        part_read(reading, text_after(body, begin), depth + 1);
}

static bool is_attachment(struct arena *arena, const struct part *part)
{
    return text_starts_fold(header_of(arena, part->head, TEXT("Content-Disposition")), TEXT("attachment"));
}

static void part_read(struct reading *reading, struct text bytes, unsigned depth)
{
    if (depth > LETTER_DEPTH_MAX || reading->parts++ >= LETTER_PARTS_MAX)
        return;
    struct part part = part_of(bytes);
    struct text type = header_of(reading->arena, part.head, TEXT("Content-Type"));
    struct text *into = NULL;
    if (text_starts_fold(type, TEXT("multipart/")))
        multipart_read(reading, part.body, parameter_of(type, TEXT("boundary")), depth);
    else if (text_starts_fold(type, TEXT("text/html")))
        into = &reading->html;
    else if (type.length == 0 || text_starts_fold(type, TEXT("text/plain")))
        into = &reading->plain;
    if (into != NULL && text_is_none(*into) && !is_attachment(reading->arena, &part))
        *into = body_decoded(reading->arena, &part, type);
}

/* Cut to a length without breaking a character of UTF-8. */
static struct text cut_whole(struct text text, size_t max)
{
    size_t length = MIN_OF(text.length, max);
    while (length > 0 && length < text.length && ((unsigned char)text.bytes[length] & 0xc0) == 0x80)
        length--;
    return text_slice(text, 0, length);
}

struct letter letter_read(struct arena *arena, struct text raw)
{
    struct reading reading = { .arena = arena, .plain = TEXT_NONE, .html = TEXT_NONE };
    struct text subject = header_of(arena, part_of(raw).head, TEXT("Subject"));
    part_read(&reading, raw, 0);
    struct text text = text_is_none(reading.plain) ? reading.html : reading.plain;
    return (struct letter){
        .subject = cut_whole(encoding_words(arena, text_slice(subject, 0, LETTER_SUBJECT_MAX)), LETTER_SUBJECT_MAX),
        .text = text_is_none(text) ? TEXT("") : cut_whole(text, LETTER_TEXT_MAX),
        .html = text_is_none(reading.html) ? TEXT_NONE : cut_whole(reading.html, LETTER_TEXT_MAX),
    };
}
