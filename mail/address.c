#include "mail/address.h"

#include <glib.h>
#include <idn2.h>

#include "base/bounds.h"

/* RFC 5322 §3.2.3, without the dot; octets above 127 by RFC 6531 §3.3. */
static bool is_atext(char byte)
{
    static const char marks[] = "!#$%&'*+-/=?^_`{|}~";
    if (byte & 0x80)
        return true;
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
        return true;
    return byte != 0 && text_has(text_of(marks), byte);
}

static bool is_dot_string(struct text local)
{
    if (local.length == 0 || local.bytes[0] == '.' || local.bytes[local.length - 1] == '.')
        return false;
    for (size_t i = 0; i < local.length; i++) {
        if (local.bytes[i] == '.' ? local.bytes[i + 1] == '.' : !is_atext(local.bytes[i]))
            return false;
    }
    return true;
}

/* The length of the quoted string at the start, with its quotes; 0 where there is none that ends. */
static size_t quoted_length(struct text text)
{
    if (text.length == 0 || text.bytes[0] != '"')
        return 0;
    for (size_t i = 1; i < text.length; i++) {
        if (text.bytes[i] == '"')
            return i + 1;
        if (text.bytes[i] == '\\')
            i++;
    }
    return 0;
}

static struct text unquoted(struct arena *arena, struct text quoted)
{
    struct builder out = builder_in(arena);
    for (size_t i = 1; i + 1 < quoted.length; i++) {
        if (quoted.bytes[i] == '\\')
            i++;
        builder_add_byte(&out, quoted.bytes[i]);
    }
    return builder_text(&out);
}

static void write_local(struct builder *out, struct text local)
{
    if (is_dot_string(local)) {
        builder_add(out, local);
        return;
    }
    builder_add_byte(out, '"');
    for (size_t i = 0; i < local.length; i++) {
        if (local.bytes[i] == '"' || local.bytes[i] == '\\')
            builder_add_byte(out, '\\');
        builder_add_byte(out, local.bytes[i]);
    }
    builder_add_byte(out, '"');
}

/* Text of GLib's, copied and freed. What it is made of was checked: it is none only where there was no memory for it. */
static struct text taken(struct arena *arena, char *owned)
{
    if (owned == NULL)
        unreachable("no memory is left");
    struct text copy = text_copy(arena, text_of(owned));
    g_free(owned);
    return copy;
}

static struct text composed(struct arena *arena, struct text text)
{
    return taken(arena, g_utf8_normalize(text.bytes, (gssize)text.length, G_NORMALIZE_NFC));
}

/* Folding may decompose: composed again, so that equal keys are equal bytes. */
static struct text folded(struct arena *arena, struct text text)
{
    return composed(arena, taken(arena, g_utf8_casefold(text.bytes, (gssize)text.length)));
}

static bool has_encoded_word(struct text text)
{
    size_t start = text_find_text(text, TEXT("=?"));
    return start < text.length && text_find_text(text_after(text, start + 2), TEXT("?=")) < text.length - start - 2;
}

/* Seen by nobody, and so a second spelling of one person: blanks of no width, turns of direction. Two scripts need joiners. */
static bool has_invisible(struct text text)
{
    for (const char *at = text.bytes; at < text.bytes + text.length; at = g_utf8_next_char(at)) {
        gunichar point = g_utf8_get_char(at);
        bool joiner = point == 0x200C || point == 0x200D;
        if (g_unichar_type(point) == G_UNICODE_FORMAT && !joiner)
            return true;
    }
    return false;
}

static bool is_digits(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    }
    return true;
}

/* Whatever libidn2 answers is a fault of the name, but for this. */
static bool idn_is_good(int word)
{
    if (word == IDN2_MALLOC)
        unreachable("no memory is left");
    return word == IDN2_OK;
}

static enum address_fault domain_to_ascii(struct arena *arena, struct text text, struct text *ascii)
{
    const int flags = IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT | IDN2_USE_STD3_ASCII_RULES;
    uint8_t *looked_up = NULL;
    const char *name = text_terminated(arena, text);
    if (!idn_is_good(idn2_lookup_u8((const uint8_t *)name, &looked_up, flags)))
        return ADDRESS_DOMAIN;
    *ascii = text_lower(arena, text_of((const char *)looked_up));
    idn2_free(looked_up);
    return ADDRESS_GOOD;
}

static bool is_domain_byte(char byte)
{
    return (byte & 0x80) || byte == '-' || byte == '.' || (byte >= '0' && byte <= '9') ||
           (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_domain_text(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_domain_byte(text.bytes[i]))
            return false;
    }
    return text.bytes[text.length - 1] != '.';
}

/* RFC 1035 §2.3.1 as RFC 1123 relaxed it, of what IDNA made: its mapping makes dots of other characters too. */
static enum address_fault check_labels(struct text ascii)
{
    struct text rest = ascii, label = TEXT_NONE;
    size_t labels = 0;
    if (ascii.length == 0 || !text_is_ascii(ascii) || !is_domain_text(ascii))
        return ADDRESS_DOMAIN;
    while (text_cut(&rest, '.', &label)) {
        if (label.length == 0 || label.length > 63 || label.bytes[0] == '-' || label.bytes[label.length - 1] == '-')
            return ADDRESS_DOMAIN;
        labels++;
    }
    if (labels < 2 || is_digits(label))
        return ADDRESS_DOMAIN_SHORT;
    return ADDRESS_GOOD;
}

enum address_fault domain_parse(struct arena *arena, struct text text, struct text *domain)
{
    if (text_is_empty(text))
        return ADDRESS_EMPTY;
    if (!text_is_utf8(text))
        return ADDRESS_NOT_UTF8;
    if (text_has_control(text))
        return ADDRESS_CONTROL;
    if (text.length > BOUND_DOMAIN * 4)
        return ADDRESS_TOO_LONG;
    if (text.bytes[0] == '[')
        return ADDRESS_LITERAL;
    if (!is_domain_text(text))
        return ADDRESS_DOMAIN;

    struct text ascii = TEXT_NONE;
    enum address_fault fault = domain_to_ascii(arena, text, &ascii);
    if (fault != ADDRESS_GOOD)
        return fault;
    if (ascii.length > BOUND_ADDRESS - 2)
        return ADDRESS_TOO_LONG;
    fault = check_labels(ascii);
    if (fault == ADDRESS_GOOD)
        *domain = ascii;
    return fault;
}

struct text domain_shown(struct arena *arena, struct text domain)
{
    char *unicode = NULL;
    if (!idn_is_good(idn2_to_unicode_8z8z(text_terminated(arena, domain), &unicode, 0)))
        return text_copy(arena, domain);
    struct text shown = text_copy(arena, text_of(unicode));
    idn2_free(unicode);
    return shown;
}

/* What surrounds an address elsewhere and never is part of one. */
static bool is_decorated(struct text text)
{
    static const char marks[] = "<>(),;:\"[]\\ ";
    for (size_t i = 0; i < text.length; i++) {
        if (text_has(text_of(marks), text.bytes[i]))
            return true;
    }
    return false;
}

/* Parts the text at the @ behind the local-part. */
static enum address_fault part(struct arena *arena, struct text text, struct text *local, struct text *domain)
{
    size_t quoted = quoted_length(text);
    size_t at = quoted > 0 ? quoted : text_find(text, '@');
    if (quoted == 0 && is_decorated(text_slice(text, 0, at)))
        return ADDRESS_DECORATED;
    if (at >= text.length || text.bytes[at] != '@')
        return text_has(text_after(text, at), '@') ? ADDRESS_LOCAL_PART : ADDRESS_NO_AT;
    *local = quoted > 0 ? unquoted(arena, text_slice(text, 0, quoted)) : text_slice(text, 0, at);
    *domain = text_after(text, at + 1);
    if (quoted == 0 && !is_dot_string(*local))
        return ADDRESS_LOCAL_PART;
    if (local->length == 0)
        return ADDRESS_LOCAL_PART;
    if (domain->length == 0)
        return ADDRESS_NO_AT;
    if (domain->bytes[0] == '[')
        return ADDRESS_LITERAL;
    if (is_decorated(*domain))
        return ADDRESS_DECORATED;
    return text_has(*domain, '@') ? ADDRESS_NO_AT : ADDRESS_GOOD;
}

enum address_fault address_parse(struct arena *arena, struct text text, struct address *address)
{
    if (text_is_empty(text))
        return ADDRESS_EMPTY;
    if (text.length > BOUND_ADDRESS * 4)
        return ADDRESS_TOO_LONG;
    if (!text_is_utf8(text))
        return ADDRESS_NOT_UTF8;
    if (text_has_control(text))
        return ADDRESS_CONTROL;

    struct text local = TEXT_NONE, domain = TEXT_NONE;
    enum address_fault fault = part(arena, text, &local, &domain);
    if (fault != ADDRESS_GOOD)
        return fault;
    if (has_encoded_word(local))
        return ADDRESS_ENCODED_WORD;
    if (has_invisible(local))
        return ADDRESS_CONTROL;
    fault = domain_parse(arena, domain, &domain);
    if (fault != ADDRESS_GOOD)
        return fault;

    struct address parsed = { .local = composed(arena, local), .domain = domain };
    struct builder out = builder_in(arena);
    write_local(&out, parsed.local);
    if (builder_text(&out).length > BOUND_LOCAL_PART)
        return ADDRESS_TOO_LONG;
    builder_add_byte(&out, '@');
    builder_add(&out, domain);
    parsed.text = builder_text(&out);
    if (parsed.text.length > BOUND_ADDRESS)
        return ADDRESS_TOO_LONG;
    parsed.ascii = text_is_ascii(parsed.local);
    struct builder key = builder_in(arena);
    write_local(&key, folded(arena, parsed.local));
    builder_add_byte(&key, '@');
    builder_add(&key, domain);
    parsed.key = builder_text(&key);
    *address = parsed;
    return ADDRESS_GOOD;
}
