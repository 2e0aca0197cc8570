#include "base/text.h"

#include <string.h>

struct text text_of(const char *terminated)
{
    return terminated == NULL ? TEXT_NONE : (struct text){ terminated, strlen(terminated) };
}

struct text text_from(const char *bytes, size_t length)
{
    return (struct text){ bytes, length };
}

bool text_is_none(struct text text)
{
    return text.bytes == NULL;
}

bool text_is_empty(struct text text)
{
    return text.length == 0;
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
}

bool text_equal_fold(struct text a, struct text b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (lower(a.bytes[i]) != lower(b.bytes[i]))
            return false;
    return true;
}

int text_compare(struct text a, struct text b)
{
    size_t shared = MIN_OF(a.length, b.length);
    int order = shared == 0 ? 0 : memcmp(a.bytes, b.bytes, shared);
    if (order != 0)
        return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

bool text_starts(struct text text, struct text head)
{
    return text.length >= head.length && text_equal(text_slice(text, 0, head.length), head);
}

bool text_starts_fold(struct text text, struct text head)
{
    return text.length >= head.length && text_equal_fold(text_slice(text, 0, head.length), head);
}

bool text_ends(struct text text, struct text tail)
{
    return text.length >= tail.length && text_equal(text_after(text, text.length - tail.length), tail);
}

struct text text_slice(struct text text, size_t from, size_t length)
{
    if (text.bytes == NULL)
        return text;
    from = MIN_OF(from, text.length);
    return (struct text){ text.bytes + from, MIN_OF(length, text.length - from) };
}

struct text text_after(struct text text, size_t from)
{
    return text_slice(text, from, text.length);
}

size_t text_find(struct text text, char byte)
{
    const char *found = text.length == 0 ? NULL : memchr(text.bytes, byte, text.length);
    return found == NULL ? text.length : (size_t)(found - text.bytes);
}

size_t text_find_last(struct text text, char byte)
{
    for (size_t i = text.length; i > 0; i--)
        if (text.bytes[i - 1] == byte)
            return i - 1;
    return text.length;
}

size_t text_find_text(struct text text, struct text wanted)
{
    for (size_t i = 0; i + wanted.length <= text.length; i++)
        if (text_starts(text_after(text, i), wanted))
            return i;
    return text.length;
}

bool text_has(struct text text, char byte)
{
    return text_find(text, byte) < text.length;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct text text_trim(struct text text)
{
    while (text.length > 0 && is_blank(text.bytes[0]))
        text = text_after(text, 1);
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

bool text_cut(struct text *rest, char separator, struct text *part)
{
    if (text_is_empty(*rest))
        return false;
    size_t end = text_find(*rest, separator);
    *part = text_slice(*rest, 0, end);
    *rest = end == rest->length ? TEXT_NONE : text_after(*rest, end + 1);
    return true;
}

bool text_to_uint(struct text text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)(unsigned char)text.bytes[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return sum <= max;
}

bool text_to_int64(struct text text, int64_t *value)
{
    bool negative = text_starts(text, TEXT("-"));
    uint64_t size;
    if (!text_to_uint(text_after(text, negative ? 1 : 0), (uint64_t)INT64_MAX + (negative ? 1 : 0), &size))
        return false;
    *value = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

/* Length of the well-formed UTF-8 sequence at the text's start and its code point; 0 where there is none. */
static size_t utf8_take(struct text text, uint32_t *point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char head = (unsigned char)text.bytes[0];
    size_t length = head < 0x80 ? 1 : head < 0xc2 ? 0 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : head < 0xf5 ? 4 : 0;
    if (length == 0 || length > text.length)
        return 0;
    uint32_t sum = length == 1 ? head : head & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text.bytes[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        sum = sum << 6 | (next & 0x3f);
    }
    if (sum < least[length] || sum > 0x10ffff || (sum >= 0xd800 && sum < 0xe000))
        return 0;
    *point = sum;
    return length;
}

static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
}

bool text_is_utf8(struct text text)
{
    uint32_t point;
    for (size_t taken; text.length > 0; text = text_after(text, taken))
        if ((taken = utf8_take(text, &point)) == 0)
            return false;
    return true;
}

bool text_has_control(struct text text)
{
    while (text.length > 0) {
        uint32_t point = 0xfffd;
        size_t taken = utf8_take(text, &point);
        if (is_control(point))
            return true;
        text = text_after(text, taken == 0 ? 1 : taken);
    }
    return false;
}

bool text_is_ascii(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] >= 0x80)
            return false;
    return true;
}

struct text text_copy(struct arena *arena, struct text text)
{
    if (text.bytes == NULL)
        return TEXT_NONE;
    return (struct text){ arena_copy(arena, text.bytes, text.length), text.length };
}

char *text_terminated(struct arena *arena, struct text text)
{
    char *copy = arena_bytes(arena, size_add(text.length, 1));
    if (text.length > 0)
        memcpy(copy, text.bytes, text.length);
    return copy;
}

struct text text_lower(struct arena *arena, struct text text)
{
    char *copy = text_terminated(arena, text);
    for (size_t i = 0; i < text.length; i++)
        copy[i] = lower(copy[i]);
    return (struct text){ copy, text.length };
}

struct text text_join(struct arena *arena, struct text a, struct text b)
{
    struct builder builder = builder_in(arena);
    builder_add(&builder, a);
    builder_add(&builder, b);
    return builder_text(&builder);
}

struct text text_format(struct arena *arena, const char *format, ...)
{
    struct builder builder = builder_in(arena);
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(&builder, format, arguments);
    va_end(arguments);
    return builder_text(&builder);
}

struct text text_sane(struct arena *arena, struct text text)
{
    struct builder builder = builder_in(arena);
    while (text.length > 0) {
        uint32_t point;
        size_t taken = utf8_take(text, &point);
        bool keep = taken > 0 && (!is_control(point) || point == '\t');
        builder_add(&builder, keep ? text_slice(text, 0, taken) : TEXT("\xef\xbf\xbd"));
        text = text_after(text, taken == 0 ? 1 : taken);
    }
    return builder_text(&builder);
}

struct text text_hex(struct arena *arena, struct text bytes)
{
    static const char digits[] = "0123456789abcdef";
    struct builder builder = builder_in(arena);
    for (size_t i = 0; i < bytes.length; i++) {
        builder_add_byte(&builder, digits[(unsigned char)bytes.bytes[i] >> 4]);
        builder_add_byte(&builder, digits[bytes.bytes[i] & 15]);
    }
    return builder_text(&builder);
}

unsigned text_nibble(char byte)
{
    if (byte >= '0' && byte <= '9')
        return (unsigned)(byte - '0');
    byte = lower(byte);
    return byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a' + 10) : 16;
}

bool text_unhex(struct arena *arena, struct text hex, struct text *bytes)
{
    struct builder builder = builder_in(arena);
    if (hex.length % 2 != 0)
        return false;
    for (size_t i = 0; i < hex.length; i += 2) {
        unsigned high = text_nibble(hex.bytes[i]), low = text_nibble(hex.bytes[i + 1]);
        if (high > 15 || low > 15)
            return false;
        builder_add_byte(&builder, (char)(high << 4 | low));
    }
    *bytes = builder_text(&builder);
    return true;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct text base64_encode(struct arena *arena, struct text bytes, const char *alphabet, bool padded)
{
    struct builder builder = builder_in(arena);
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t have = MIN_OF(bytes.length - i, (size_t)3);
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (unsigned char)bytes.bytes[i + k] : 0);
        for (size_t k = 0; k <= have; k++)
            builder_add_byte(&builder, alphabet[group >> (18 - 6 * k) & 63]);
        for (size_t k = have; padded && k < 3; k++)
            builder_add_byte(&builder, '=');
    }
    return builder_text(&builder);
}

struct text text_base64(struct arena *arena, struct text bytes)
{
    return base64_encode(arena, bytes, base64_alphabet, true);
}

struct text text_base64url(struct arena *arena, struct text bytes)
{
    return base64_encode(arena, bytes, base64url_alphabet, false);
}

/* Digits without padding, to bytes; the unused low bits of the last digit must be zero. */
static bool base64_decode(struct arena *arena, struct text digits, const char *alphabet, struct text *bytes)
{
    struct builder builder = builder_in(arena);
    uint32_t group = 0;
    unsigned bits = 0;
    if (digits.length % 4 == 1)
        return false;
    for (size_t i = 0; i < digits.length; i++) {
        const char *found = digits.bytes[i] == 0 ? NULL : strchr(alphabet, digits.bytes[i]);
        if (found == NULL)
            return false;
        group = group << 6 | (uint32_t)(found - alphabet);
        bits += 6;
        if (bits >= 8)
            builder_add_byte(&builder, (char)(group >> (bits -= 8) & 0xff));
    }
    *bytes = builder_text(&builder);
    return (group & ((1u << bits) - 1)) == 0;
}

bool text_unbase64(struct arena *arena, struct text base64, struct text *bytes)
{
    struct text digits = base64;
    if (base64.length % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text_ends(digits, TEXT("=")); i++)
        digits.length--;
    return base64_decode(arena, digits, base64_alphabet, bytes);
}

bool text_unbase64url(struct arena *arena, struct text base64, struct text *bytes)
{
    return base64_decode(arena, base64, base64url_alphabet, bytes);
}

struct builder builder_in(struct arena *arena)
{
    return (struct builder){ .arena = arena };
}

/* Room for `more` bytes and a terminator. */
static void builder_reserve(struct builder *builder, size_t more)
{
    size_t wanted = size_add(size_add(builder->length, more), 1);
    if (wanted <= builder->capacity)
        return;
    size_t capacity = MAX_OF(size_mul(builder->capacity, 2), MAX_OF(wanted, (size_t)64));
    char *grown = arena_bytes(builder->arena, capacity);
    if (builder->length > 0)
        memcpy(grown, builder->bytes, builder->length);
    builder->bytes = grown;
    builder->capacity = capacity;
}

void builder_add(struct builder *builder, struct text text)
{
    builder_reserve(builder, text.length);
    if (text.length > 0)
        memcpy(builder->bytes + builder->length, text.bytes, text.length);
    builder->length += text.length;
}

void builder_add_byte(struct builder *builder, char byte)
{
    builder_reserve(builder, 1);
    builder->bytes[builder->length++] = byte;
}

void builder_format(struct builder *builder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(builder, format, arguments);
    va_end(arguments);
}

void builder_vformat(struct builder *builder, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    builder_reserve(builder, (size_t)length);
    vsnprintf(builder->bytes + builder->length, (size_t)length + 1, format, arguments);
    builder->length += (size_t)length;
}

struct text builder_text(const struct builder *builder)
{
    return (struct text){ builder->bytes == NULL ? "" : builder->bytes, builder->length };
}
