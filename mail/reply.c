#include "mail/reply.h"

struct reply_reader reply_reader_in(struct arena *arena)
{
    return (struct reply_reader){ .line = builder_in(arena), .text = builder_in(arena), .raw = builder_in(arena) };
}

bool enhanced_code_is(struct enhanced_code code, int class, int subject, int detail)
{
    return code.class == class && code.subject == subject && code.detail == detail;
}

bool enhanced_code_is_none(struct enhanced_code code)
{
    return code.class == 0;
}

struct text enhanced_code_text(struct arena *arena, struct enhanced_code code)
{
    if (enhanced_code_is_none(code))
        return TEXT_NONE;
    return text_format(arena, "%u.%u.%u", code.class, code.subject, code.detail);
}

struct text reply_words(struct arena *arena, const struct reply *reply)
{
    if (reply->code == 0)
        return TEXT_NONE;
    struct builder out = builder_in(arena);
    builder_format(&out, "%d", reply->code);
    if (!enhanced_code_is_none(reply->enhanced))
        builder_format(&out, " %.*s", TEXT_ARG(enhanced_code_text(arena, reply->enhanced)));
    if (reply->text.length > 0)
        builder_add_byte(&out, ' ');
    for (size_t i = 0; i < reply->text.length; i++)
        builder_add_byte(&out, reply->text.bytes[i] == '\n' ? ' ' : reply->text.bytes[i]);
    return builder_text(&out);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* One to three digits without a zero in front, and what stands behind them. */
static bool cut_number(struct text *rest, uint16_t *number)
{
    size_t length = 0;
    uint16_t value = 0;
    while (length < rest->length && length < 3 && is_digit(rest->bytes[length]))
        value = (uint16_t)(value * 10 + (rest->bytes[length++] - '0'));
    if (length == 0 || (length > 1 && rest->bytes[0] == '0'))
        return false;
    *rest = text_after(*rest, length);
    *number = value;
    return true;
}

static bool cut_dot(struct text *rest)
{
    if (!text_starts(*rest, TEXT(".")))
        return false;
    *rest = text_after(*rest, 1);
    return true;
}

/* RFC 2034 §4: at the start, behind it a blank or the end. *words is moved behind it. */
static struct enhanced_code cut_enhanced(struct text *words)
{
    struct enhanced_code code = { 0 };
    struct text rest = *words;
    bool there = cut_number(&rest, &code.class) && cut_dot(&rest) && cut_number(&rest, &code.subject) &&
                 cut_dot(&rest) && cut_number(&rest, &code.detail);
    if (!there || (code.class != 2 && code.class != 4 && code.class != 5))
        return (struct enhanced_code){ 0 };
    if (rest.length > 0 && rest.bytes[0] != ' ')
        return (struct enhanced_code){ 0 };
    *words = text_after(rest, rest.length > 0 ? 1 : 0);
    return code;
}

static enum reply_class class_of(int code)
{
    static const enum reply_class classes[] = { REPLY_1YZ, REPLY_2YZ, REPLY_3YZ, REPLY_4YZ, REPLY_5YZ };
    return classes[code / 100 - 1];
}

/* 0 where there is none. */
static int code_of(struct text line)
{
    if (line.length < 3 || line.bytes[0] < '1' || line.bytes[0] > '5' || !is_digit(line.bytes[1]) ||
        !is_digit(line.bytes[2]))
        return 0;
    return (line.bytes[0] - '0') * 100 + (line.bytes[1] - '0') * 10 + (line.bytes[2] - '0');
}

static void keep_raw(struct reply_reader *reader, struct text line)
{
    builder_add(&reader->raw, text_sane(reader->raw.arena, line));
    builder_add_byte(&reader->raw, '\n');
}

static void malformed(struct reply_reader *reader)
{
    if (reader->line.length > 0)
        keep_raw(reader, builder_text(&reader->line));
    reader->reply.class = REPLY_MALFORMED;
    reader->reply.code = 0;
    reader->reply.enhanced = (struct enhanced_code){ 0 };
    reader->reply.text = builder_text(&reader->raw);
}

/* The words of one line: the enhanced code goes from the first line, and from the others that repeat it. */
static void keep_words(struct reply_reader *reader, struct text words)
{
    struct text behind = words;
    struct enhanced_code code = cut_enhanced(&behind);
    struct enhanced_code first = reader->reply.enhanced;
    if (reader->lines == 1) {
        reader->reply.enhanced = code;
        words = behind;
    } else if (!enhanced_code_is_none(code) && enhanced_code_is(first, code.class, code.subject, code.detail)) {
        words = behind;
    }
    if (reader->lines > 1)
        builder_add_byte(&reader->text, '\n');
    builder_add(&reader->text, text_sane(reader->text.arena, words));
}

static void end_line(struct reply_reader *reader)
{
    struct text line = builder_text(&reader->line);
    int code = code_of(line);
    char separator = line.length > 3 ? line.bytes[3] : ' ';
    reader->lines++;
    bool fits = code != 0 && (separator == ' ' || separator == '-') && reader->lines <= BOUND_REPLY_LINES &&
                (reader->lines == 1 || code == reader->reply.code);
    if (!fits) {
        malformed(reader);
        return;
    }
    keep_raw(reader, line);
    reader->reply.code = code;
    keep_words(reader, text_after(line, 4));
    reader->line.length = 0;
    if (separator == '-')
        return;
    reader->reply.class = class_of(code);
    reader->reply.text = builder_text(&reader->text);
}

static void take(struct reply_reader *reader, char byte)
{
    bool cr = reader->cr;
    reader->cr = byte == '\r';
    reader->octets++;
    if (byte == 0 || cr != (byte == '\n') || reader->octets > BOUND_REPLY)
        malformed(reader);
    else if (byte == '\n')
        end_line(reader);
    else if (byte != '\r' && reader->line.length + 2 >= BOUND_REPLY_LINE)
        malformed(reader);
    else if (byte != '\r')
        builder_add_byte(&reader->line, byte);
}

size_t reply_read(struct reply_reader *reader, struct text bytes)
{
    size_t taken = 0;
    while (taken < bytes.length && reader->reply.class == REPLY_UNFINISHED)
        take(reader, bytes.bytes[taken++]);
    return taken;
}
