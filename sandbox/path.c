#include "sandbox/path.h"

#include "base/bounds.h"

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

static bool is_utf8_byte(char byte, bool utf8)
{
    return utf8 && (unsigned char)byte >= 0x80;
}

/* RFC 5322 §3.2.3 atext. */
static bool is_atom(struct text atom, bool utf8)
{
    if (atom.length == 0)
        return false;
    for (size_t i = 0; i < atom.length; i++)
        if (!is_letter_or_digit(atom.bytes[i]) && !text_has(TEXT("!#$%&'*+-/=?^_`{|}~"), atom.bytes[i]) &&
            !is_utf8_byte(atom.bytes[i], utf8))
            return false;
    return true;
}

static bool is_label(struct text label, bool utf8)
{
    if (label.length == 0 || label.length > 63 || label.bytes[0] == '-' || label.bytes[label.length - 1] == '-')
        return false;
    for (size_t i = 0; i < label.length; i++)
        if (!is_letter_or_digit(label.bytes[i]) && label.bytes[i] != '-' && !is_utf8_byte(label.bytes[i], utf8))
            return false;
    return true;
}

/* Each part between dots, the last included, passes the check. */
static bool is_dotted(struct text text, bool utf8, bool (*check)(struct text part, bool utf8))
{
    struct text rest = text;
    for (;;) {
        size_t dot = text_find(rest, '.');
        if (!check(text_slice(rest, 0, dot), utf8))
            return false;
        if (dot == rest.length)
            return true;
        rest = text_after(rest, dot + 1);
    }
}

static bool is_quoted(struct text text, bool utf8)
{
    if (text.length < 3 || text.bytes[0] != '"' || text.bytes[text.length - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < text.length; i++) {
        bool escaped = text.bytes[i] == '\\';
        i += escaped;
        char byte = text.bytes[i];
        if (i + 1 == text.length || !((byte >= ' ' && byte <= '~') || is_utf8_byte(byte, utf8 && !escaped)))
            return false;
        if (byte == '"' && !escaped)
            return false;
    }
    return true;
}

static bool is_literal(struct text text)
{
    if (text.length < 3 || text.bytes[0] != '[' || text.bytes[text.length - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < text.length; i++)
        if (!is_letter_or_digit(text.bytes[i]) && !text_has(TEXT(".:-"), text.bytes[i]))
            return false;
    return true;
}

bool path_is_domain(struct text domain, bool utf8)
{
    if (domain.length == 0 || domain.length > BOUND_DOMAIN)
        return false;
    return is_literal(domain) || is_dotted(domain, utf8, is_label);
}

static bool is_address(struct text address, bool utf8)
{
    size_t at = text_find_last(address, '@');
    struct text local_part = text_slice(address, 0, at);
    if (text_equal_fold(address, TEXT("postmaster")))
        return true;
    if (at == address.length || local_part.length == 0 || local_part.length > BOUND_LOCAL_PART)
        return false;
    if (address.length > BOUND_ADDRESS || (utf8 && !text_is_utf8(address)))
        return false;
    return (is_dotted(local_part, utf8, is_atom) || is_quoted(local_part, utf8)) &&
           path_is_domain(text_after(address, at + 1), utf8);
}

/* The place of the bracket that ends the path: one inside quotes does not. */
static size_t path_end(struct text text)
{
    bool quoted = false;
    for (size_t i = 1; i < text.length; i++) {
        if (quoted && text.bytes[i] == '\\')
            i++;
        else if (text.bytes[i] == '"')
            quoted = !quoted;
        else if (text.bytes[i] == '>' && !quoted)
            return i;
    }
    return text.length;
}

bool path_read(struct text text, bool utf8, struct text *address, struct text *parameters)
{
    if (text.length == 0 || text.bytes[0] != '<')
        return false;
    size_t end = path_end(text);
    if (end == text.length)
        return false;
    *address = text_slice(text, 1, end - 1);
    *parameters = text_after(text, end + 1);
    if (parameters->length > 0 && parameters->bytes[0] != ' ')
        return false;
    *parameters = text_trim(*parameters);
    return address->length == 0 || is_address(*address, utf8);
}
