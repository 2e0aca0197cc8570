#include "sandbox/encoding.h"

#include <iconv.h>

static unsigned base64_value(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (unsigned)(byte - 'A');
    if (byte >= 'a' && byte <= 'z')
        return (unsigned)(byte - 'a') + 26;
    if (byte >= '0' && byte <= '9')
        return (unsigned)(byte - '0') + 52;
    if (byte == '+')
        return 62;
    return byte == '/' ? 63 : 64;
}

struct text encoding_base64(struct arena *arena, struct text encoded)
{
    char *bytes = arena_bytes(arena, encoded.length / 4 * 3 + 3);
    size_t length = 0;
    uint32_t word = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < encoded.length && encoded.bytes[i] != '='; i++) {
        unsigned value = base64_value(encoded.bytes[i]);
        if (value == 64)
            continue;
        word = word << 6 | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[length++] = (char)(unsigned char)(word >> bits & 0xff);
        }
    }
    return text_from(bytes, length);
}

/* "=4a" at this place? */
static bool is_escape(struct text text, size_t at)
{
    return at + 2 < text.length && text.bytes[at] == '=' && text_nibble(text.bytes[at + 1]) < 16 &&
           text_nibble(text.bytes[at + 2]) < 16;
}

static char escape_byte(struct text text, size_t at)
{
    return (char)(unsigned char)(text_nibble(text.bytes[at + 1]) << 4 | text_nibble(text.bytes[at + 2]));
}

/* Octets of a soft line end at this place: "=" and white space up to and with the line's end; 0: there is none. */
static size_t soft_end(struct text text, size_t at)
{
    size_t end = at + 1;
    if (text.bytes[at] != '=')
        return 0;
    while (end < text.length && text_has(TEXT(" \t\r"), text.bytes[end]))
        end++;
    if (end == text.length)
        return end - at;
    return text.bytes[end] == '\n' ? end + 1 - at : 0;
}

struct text encoding_quoted_printable(struct arena *arena, struct text encoded)
{
    char *bytes = arena_bytes(arena, encoded.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < encoded.length;) {
        size_t soft = soft_end(encoded, i);
        if (soft > 0)
            i += soft;
        else if (is_escape(encoded, i)) {
            bytes[length++] = escape_byte(encoded, i);
            i += 3;
        } else
            bytes[length++] = encoded.bytes[i++];
    }
    return text_from(bytes, length);
}

/* The Q encoding of RFC 2047 §4.2: an underscore is a space. */
static struct text encoding_q(struct arena *arena, struct text encoded)
{
    char *bytes = arena_bytes(arena, encoded.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        if (is_escape(encoded, i)) {
            bytes[length++] = escape_byte(encoded, i);
            i += 2;
        } else
            bytes[length++] = encoded.bytes[i] == '_' ? ' ' : encoded.bytes[i];
    }
    return text_from(bytes, length);
}

/* Octets of a charset that iconv knows as UTF-8; what it refuses is passed over. */
static struct text encoding_converted(struct arena *arena, struct text bytes, iconv_t convert)
{
    struct builder result = builder_in(arena);
    char *from = (char *)(uintptr_t)bytes.bytes;
    size_t left = bytes.length;
    while (left > 0) {
        char chunk[1024];
        char *to = chunk;
        size_t room = sizeof(chunk), before = left;
        iconv(convert, &from, &left, &to, &room);
        builder_add(&result, text_from(chunk, sizeof(chunk) - room));
        if (left == before && room == sizeof(chunk)) { /* neither eaten nor made: a wrong octet */
            builder_add(&result, TEXT("\xef\xbf\xbd"));
            from++;
            left--;
        }
    }
    return builder_text(&result);
}

struct text encoding_utf8(struct arena *arena, struct text bytes, struct text charset)
{
    if (charset.length == 0 || text_equal_fold(charset, TEXT("utf-8")) || text_equal_fold(charset, TEXT("us-ascii")))
        return bytes;
    for (size_t i = 0; i < charset.length; i++) /* iconv_open() takes more than names */
        if (!text_has(TEXT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:."), charset.bytes[i]))
            return bytes;
    iconv_t convert = charset.length > 40 ? (iconv_t)-1 : iconv_open("UTF-8", text_terminated(arena, charset));
    if (convert == (iconv_t)-1)
        return bytes;
    struct text result = encoding_converted(arena, bytes, convert);
    iconv_close(convert);
    return result;
}

/* "charset?Q?words?=" behind "=?"; its length, or 0 where it is none. */
static size_t encoded_word(struct arena *arena, struct text rest, struct text *word)
{
    size_t charset_end = text_find(rest, '?');
    struct text behind = text_after(rest, charset_end + 1);
    if (charset_end == 0 || behind.length < 4 || behind.bytes[1] != '?')
        return 0;
    struct text words = text_after(behind, 2);
    size_t end = text_find_text(words, TEXT("?="));
    struct text encoded = text_slice(words, 0, end);
    if (end == words.length || text_has(encoded, ' '))
        return 0;
    char kind = (char)(behind.bytes[0] | 0x20);
    if (kind != 'b' && kind != 'q')
        return 0;
    struct text charset = text_slice(rest, 0, MIN_OF(charset_end, text_find(rest, '*'))); /* RFC 2231 §5: a language */
    *word = encoding_utf8(arena, kind == 'b' ? encoding_base64(arena, encoded) : encoding_q(arena, encoded), charset);
    return charset_end + 1 + 2 + end + 2;
}

static size_t blanks(struct text text)
{
    size_t count = 0;
    while (count < text.length && text_has(TEXT(" \t"), text.bytes[count]))
        count++;
    return count;
}

struct text encoding_words(struct arena *arena, struct text value)
{
    struct builder result = builder_in(arena);
    bool after_word = false; /* blanks between two encoded words are not shown (RFC 2047 §6.2) */
    while (value.length > 0) {
        size_t gap = blanks(value);
        struct text behind = text_after(value, gap), word;
        size_t length = text_starts(behind, TEXT("=?")) ? encoded_word(arena, text_after(behind, 2), &word) : 0;
        if (length > 0) {
            builder_add(&result, text_slice(value, 0, after_word ? 0 : gap));
            builder_add(&result, word);
            value = text_after(behind, 2 + length);
            after_word = true;
            continue;
        }
        size_t end = gap + MIN_OF(text_find(behind, ' '), text_find(behind, '\t'));
        builder_add(&result, text_slice(value, 0, MAX_OF(end, (size_t)1)));
        value = text_after(value, MAX_OF(end, (size_t)1));
        after_word = false;
    }
    return text_sane(arena, builder_text(&result));
}

struct text encoding_lines(struct arena *arena, struct text bytes)
{
    struct builder result = builder_in(arena);
    struct text line;
    bool first = true;
    while (text_cut(&bytes, '\n', &line)) {
        if (!first)
            builder_add_byte(&result, '\n');
        first = false;
        if (text_ends(line, TEXT("\r")))
            line = text_slice(line, 0, line.length - 1);
        builder_add(&result, text_sane(arena, line));
    }
    return builder_text(&result);
}
