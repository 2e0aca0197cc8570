#include "mail/header.h"

#include "base/bounds.h"

enum { FOLD_AT = 76, ENCODED_WORD_MAX = 75, PLAIN_WORD_MAX = 900, PLAIN_PHRASE_MAX = 60, ENCODED_ROOM_MIN = 24 };

/* Visible ASCII but the colon (RFC 5322 §2.2). */
static bool is_field_name(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] <= ' ' || name.bytes[i] > '~' || name.bytes[i] == ':')
            return false;
    }
    return name.length > 0;
}

/* Written by the platform or a receiver, or with a place of its own in the API. A trailing '-' means all of that head. */
static const char *const reserved[] = {
    "From",
    "Sender",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Received",
    "Received-SPF",
    "Return-Path",
    "Delivered-To",
    "Envelope-To",
    "Apparently-To",
    "Errors-To",
    "Return-Receipt-To",
    "Disposition-Notification-To",
    "DKIM-Signature",
    "DomainKey-Signature",
    "Authentication-Results",
    "MIME-Version",
    "Resent-",
    "Content-",
    "ARC-",
    "List-",
    "BIMI-",
    "X-Evenpost-",
    "X-Original-To",
    "X-Forwarded-",
};

static const char *const open_fields[] = {
    "Auto-Submitted", "Comments", "Feedback-ID", "Importance",   "Keywords",     "Organization",
    "Precedence",     "Priority", "Sensitivity", "Thread-Index", "Thread-Topic", "User-Agent",
};

static bool is_reserved(struct text name)
{
    for (size_t i = 0; i < COUNT(reserved); i++) {
        struct text entry = text_of(reserved[i]);
        if (text_ends(entry, TEXT("-")) ? text_starts_fold(name, entry) : text_equal_fold(name, entry))
            return true;
    }
    return false;
}

bool header_is_open(struct text name)
{
    for (size_t i = 0; i < COUNT(open_fields); i++) {
        if (text_equal_fold(name, text_of(open_fields[i])))
            return true;
    }
    return false;
}

enum header_fault header_check_text(struct text text, size_t max)
{
    if (text.length > max)
        return HEADER_TOO_LONG;
    if (!text_is_utf8(text))
        return HEADER_NOT_UTF8;
    return text_has_control(text) ? HEADER_CONTROL : HEADER_GOOD;
}

enum header_fault header_check_field(struct text name, struct text value)
{
    if (!is_field_name(name))
        return HEADER_NAME;
    if (name.length > HEADER_NAME_MAX)
        return HEADER_TOO_LONG;
    if (is_reserved(name))
        return HEADER_RESERVED;
    if (!header_is_open(name) && !(text_starts_fold(name, TEXT("X-")) && name.length > 2))
        return HEADER_NOT_OPEN;
    enum header_fault fault = header_check_text(value, HEADER_VALUE_MAX);
    if (fault == HEADER_GOOD && text_trim(value).length == 0)
        return HEADER_EMPTY;
    return fault;
}

static bool is_id_byte(char byte)
{
    static const char marks[] = "!#$%&'*+-/=?^_`{|}~.";
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte != 0 && text_has(text_of(marks), byte));
}

static bool is_dot_atom(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        bool edge = i == 0 || i + 1 == text.length || text.bytes[i - 1] == '.';
        if (!is_id_byte(text.bytes[i]) || (edge && text.bytes[i] == '.'))
            return false;
    }
    return text.length > 0;
}

bool header_is_message_id(struct text id)
{
    size_t at = text_find(id, '@');
    return id.length <= 900 && at < id.length && is_dot_atom(text_slice(id, 0, at)) &&
           is_dot_atom(text_after(id, at + 1));
}

/* ---- a field on its way out: the builder, and how much of the present line is written ---- */

struct pen {
    struct builder *out;
    size_t column;
};

static void pen_put(struct pen *pen, struct text text)
{
    builder_add(pen->out, text);
    pen->column += text.length;
}

static void pen_fold(struct pen *pen)
{
    builder_add(pen->out, TEXT("\r\n "));
    pen->column = 1;
}

/* A word that cannot be parted, behind a blank or on a line of its own. The first stays beside its name. */
static void pen_put_word(struct pen *pen, struct text word, bool first)
{
    if (!first && pen->column + 1 + word.length > FOLD_AT)
        pen_fold(pen);
    else
        pen_put(pen, TEXT(" "));
    pen_put(pen, word);
}

static struct pen pen_begin(struct builder *out, struct text name)
{
    struct pen pen = { .out = out };
    assert(is_field_name(name));
    pen_put(&pen, name);
    pen_put(&pen, TEXT(":"));
    return pen;
}

static void pen_end(struct pen *pen)
{
    builder_add(pen->out, TEXT("\r\n"));
}

/* ---- encoded-words (RFC 2047) ---- */

static size_t character_length(struct text text)
{
    size_t length = 1;
    while (length < text.length && ((unsigned char)text.bytes[length] & 0xC0) == 0x80)
        length++;
    return length;
}

/* The set of RFC 2047 §5 (3), which is good in a phrase and good anywhere. */
static bool is_q_plain(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte != 0 && text_has(TEXT("!*+-/"), byte));
}

static size_t q_length(struct text text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++)
        length += is_q_plain(text.bytes[i]) || text.bytes[i] == ' ' ? 1 : 3;
    return length;
}

static size_t b_length(struct text text)
{
    return (text.length + 2) / 3 * 4;
}

/* As many whole characters from the start as one encoded-word of `room` octets can carry. */
static struct text encoded_part(struct text text, size_t room, size_t (*length_of)(struct text))
{
    const size_t frame = sizeof("=?utf-8?q?"
                                "?=") -
                         1;
    size_t length = 0;
    while (length < text.length) {
        size_t longer = length + character_length(text_after(text, length));
        if (frame + length_of(text_slice(text, 0, longer)) > room)
            break;
        length = longer;
    }
    assert(length > 0);
    return text_slice(text, 0, length);
}

static void put_q(struct pen *pen, struct text part)
{
    pen_put(pen, TEXT("=?utf-8?q?"));
    for (size_t i = 0; i < part.length; i++) {
        char byte = part.bytes[i];
        if (byte == ' ')
            pen_put(pen, TEXT("_"));
        else if (is_q_plain(byte))
            pen_put(pen, text_from(&byte, 1));
        else
            pen_put(pen, text_format(pen->out->arena, "=%02X", (unsigned)(unsigned char)byte));
    }
    pen_put(pen, TEXT("?="));
}

static void put_b(struct pen *pen, struct text part)
{
    pen_put(pen, TEXT("=?utf-8?b?"));
    pen_put(pen, text_base64(pen->out->arena, part));
    pen_put(pen, TEXT("?="));
}

/* What people can read is worth some length, but not a second word: there are readers that put a blank between two. */
static bool is_better_in_q(struct text text, size_t room)
{
    size_t q = q_length(text), b = b_length(text);
    return q <= 2 * b && (q <= room || b > room);
}

/* Blanks between encoded-words vanish when they are read (RFC 2047 §6.2), so those of the text are inside them. */
static void pen_put_encoded(struct pen *pen, struct text text)
{
    const size_t frame = sizeof("=?utf-8?q?"
                                "?=");
    bool q = is_better_in_q(text, FOLD_AT - MIN_OF(pen->column + frame, (size_t)FOLD_AT));
    bool first = true;
    while (text.length > 0) {
        if (pen->column + 1 + ENCODED_ROOM_MIN > FOLD_AT && !first)
            pen_fold(pen);
        else
            pen_put(pen, TEXT(" "));
        size_t room = FOLD_AT - MIN_OF(pen->column, (size_t)FOLD_AT - ENCODED_ROOM_MIN);
        struct text part = encoded_part(text, MIN_OF(room, (size_t)ENCODED_WORD_MAX), q ? q_length : b_length);
        if (q)
            put_q(pen, part);
        else
            put_b(pen, part);
        text = text_after(text, part.length);
        first = false;
    }
}

/* A word so long that no line could hold it, or blanks that folding and unfolding would change. */
static bool has_odd_words(struct text text)
{
    struct text rest = text, word = TEXT_NONE;
    while (text_cut(&rest, ' ', &word)) {
        if (word.length == 0 || word.length > PLAIN_WORD_MAX)
            return true;
    }
    return text_ends(text, TEXT(" "));
}

static bool needs_encoding(struct text text)
{
    return !text_is_ascii(text) || text_find_text(text, TEXT("=?")) < text.length || has_odd_words(text);
}

static void pen_put_words(struct pen *pen, struct text text)
{
    struct text rest = text, word = TEXT_NONE;
    for (bool first = true; text_cut(&rest, ' ', &word); first = false)
        pen_put_word(pen, word, first);
}

void header_write_text(struct builder *out, struct text name, struct text value)
{
    assert(text_is_utf8(value) && !text_has_control(value));
    struct pen pen = pen_begin(out, name);
    if (needs_encoding(value))
        pen_put_encoded(&pen, value);
    else
        pen_put_words(&pen, value);
    pen_end(&pen);
}

/* ---- mailboxes ---- */

/* Atoms and single blanks: a phrase as it is (RFC 5322 §3.2.5). */
static bool is_atoms(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != ' ' && (!is_id_byte(text.bytes[i]) || text.bytes[i] == '.'))
            return false;
    }
    return true;
}

static struct text quoted(struct arena *arena, struct text text)
{
    struct builder out = builder_in(arena);
    builder_add_byte(&out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '"' || text.bytes[i] == '\\')
            builder_add_byte(&out, '\\');
        builder_add_byte(&out, text.bytes[i]);
    }
    builder_add_byte(&out, '"');
    return builder_text(&out);
}

void header_write_mailbox(struct builder *out, struct text name, struct text display, const struct address *address)
{
    assert(text_is_utf8(display) && !text_has_control(display) && !text_has_control(address->text));
    struct pen pen = pen_begin(out, name);
    if (display.length == 0) {
        pen_put_word(&pen, address->text, true);
        pen_end(&pen);
        return;
    }
    if (needs_encoding(display) || display.length > PLAIN_PHRASE_MAX)
        pen_put_encoded(&pen, display);
    else
        pen_put_word(&pen, is_atoms(display) ? display : quoted(out->arena, display), true);
    pen_put_word(&pen, text_format(out->arena, "<%.*s>", TEXT_ARG(address->text)), false);
    pen_end(&pen);
}

void header_write_date(struct builder *out, struct instant date)
{
    struct pen pen = pen_begin(out, TEXT("Date"));
    pen_put_word(&pen, instant_mail_date(out->arena, date), true);
    pen_end(&pen);
}

void header_write_ids(struct builder *out, struct text name, const struct text *ids, size_t count)
{
    struct pen pen = pen_begin(out, name);
    assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert(header_is_message_id(ids[i]));
        pen_put_word(&pen, text_format(out->arena, "<%.*s>", TEXT_ARG(ids[i])), i == 0);
    }
    pen_end(&pen);
}
