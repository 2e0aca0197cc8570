#include "mail/content.h"

#include <gmime/gmime.h>

#include "base/bounds.h"

enum { PLAIN_LINE_MAX = 76, REFERENCES_MAX = 20 };

/* ---- what may be composed ---- */

#define GOOD ((struct content_verdict){ .fault = CONTENT_GOOD })

static struct content_verdict verdict(enum content_fault fault, enum content_part part, size_t index)
{
    return (struct content_verdict){ .fault = fault, .part = part, .index = index };
}

static struct content_verdict header_verdict(enum header_fault fault, enum content_part part, size_t index)
{
    if (fault == HEADER_GOOD)
        return GOOD;
    return (struct content_verdict){ .fault = CONTENT_HEADER, .part = part, .index = index, .header = fault };
}

/* A control character of the body: lines may end in any way, and tabs are text. */
static bool is_body_control(struct text text, size_t at)
{
    unsigned char byte = (unsigned char)text.bytes[at];
    if (byte < 0x20)
        return byte != '\t' && byte != '\r' && byte != '\n';
    if (byte == 0xC2) /* C1 controls in UTF-8 */
        return (unsigned char)text.bytes[at + 1] < 0xA0;
    return byte == 0x7F;
}

static struct content_verdict check_body(struct text text, enum content_part part)
{
    if (text.length > BOUND_MESSAGE)
        return verdict(CONTENT_TOO_LONG, part, 0);
    if (!text_is_utf8(text))
        return verdict(CONTENT_NOT_UTF8, part, 0);
    for (size_t i = 0; i < text.length; i++) {
        if (is_body_control(text, i))
            return verdict(CONTENT_CONTROL, part, 0);
    }
    return GOOD;
}

static struct content_verdict check_bodies(const struct content_spec *spec)
{
    if (text_is_none(spec->text) && text_is_none(spec->html))
        return verdict(CONTENT_NO_BODY, CONTENT_PART_TEXT, 0);
    struct content_verdict found = check_body(spec->text, CONTENT_PART_TEXT);
    return found.fault == CONTENT_GOOD ? check_body(spec->html, CONTENT_PART_HTML) : found;
}

static struct content_verdict check_head(const struct content_spec *spec)
{
    const struct {
        enum content_part part;
        struct text text;
        size_t max;
    } texts[] = {
        { CONTENT_PART_FROM_NAME, spec->from_name, BOUND_NAME },
        { CONTENT_PART_TO_NAME, spec->to_name, BOUND_NAME },
        { CONTENT_PART_SUBJECT, spec->subject, BOUND_SUBJECT },
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        enum header_fault fault = header_check_text(texts[i].text, texts[i].max);
        if (fault != HEADER_GOOD)
            return header_verdict(fault, texts[i].part, 0);
    }
    if (!text_is_none(spec->in_reply_to) && !header_is_message_id(spec->in_reply_to))
        return header_verdict(HEADER_NAME, CONTENT_PART_IN_REPLY_TO, 0);
    return GOOD;
}

static struct content_verdict check_fields(const struct content_spec *spec)
{
    if (spec->field_count > BOUND_CUSTOM_HEADERS)
        return verdict(CONTENT_TOO_MANY, CONTENT_PART_FIELD, BOUND_CUSTOM_HEADERS);
    for (size_t i = 0; i < spec->field_count; i++) {
        enum header_fault fault = header_check_field(spec->fields[i].name, spec->fields[i].value);
        if (fault != HEADER_GOOD)
            return header_verdict(fault, CONTENT_PART_FIELD, i);
        for (size_t k = 0; k < i; k++) {
            if (text_equal_fold(spec->fields[i].name, spec->fields[k].name))
                return verdict(CONTENT_FIELD_TWICE, CONTENT_PART_FIELD, i);
        }
    }
    return GOOD;
}

/* RFC 2045 §5.1: no blanks, controls or tspecials. */
static bool is_token(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        if (byte <= ' ' || byte > '~' || text_has(TEXT("()<>@,;:\\\"/[]?="), byte))
            return false;
    }
    return text.length > 0 && text.length <= 127;
}

static bool split_type(struct text full, struct text *type, struct text *subtype)
{
    size_t slash = text_find(full, '/');
    *type = text_slice(full, 0, slash);
    *subtype = text_after(full, slash + 1);
    return is_token(*type) && is_token(*subtype);
}

static bool is_attachable(struct text full)
{
    struct text type = TEXT_NONE, subtype = TEXT_NONE;
    return split_type(full, &type, &subtype) && !text_equal_fold(type, TEXT("multipart")) &&
           !text_equal_fold(type, TEXT("message"));
}

static struct content_verdict check_attachments(const struct content_spec *spec)
{
    size_t total = spec->text.length + spec->html.length;
    if (spec->attachment_count > BOUND_ATTACHMENTS)
        return verdict(CONTENT_TOO_MANY, CONTENT_PART_ATTACHMENT_NAME, BOUND_ATTACHMENTS);
    for (size_t i = 0; i < spec->attachment_count; i++) {
        const struct content_attachment *attachment = &spec->attachments[i];
        enum header_fault fault = header_check_text(attachment->filename, BOUND_NAME);
        if (fault == HEADER_GOOD && attachment->filename.length == 0)
            fault = HEADER_EMPTY;
        if (fault != HEADER_GOOD)
            return header_verdict(fault, CONTENT_PART_ATTACHMENT_NAME, i);
        if (!is_attachable(attachment->content_type))
            return verdict(CONTENT_TYPE, CONTENT_PART_ATTACHMENT_TYPE, i);
        if (attachment->bytes.length > BOUND_MESSAGE)
            return verdict(CONTENT_TOO_LONG, CONTENT_PART_ATTACHMENT_BYTES, i);
        total = size_add(total, attachment->bytes.length);
    }
    return total > BOUND_MESSAGE ? verdict(CONTENT_TOO_LONG, CONTENT_PART_WHOLE, 0) : GOOD;
}

struct content_verdict content_check(const struct content_spec *spec)
{
    static struct content_verdict (*const checks[])(const struct content_spec *) = { check_head, check_bodies,
                                                                                     check_fields, check_attachments };
    for (size_t i = 0; i < COUNT(checks); i++) {
        struct content_verdict found = checks[i](spec);
        if (found.fault != CONTENT_GOOD)
            return found;
    }
    return GOOD;
}

/* ---- the body, through GMime ---- */

/* Any line end becomes `line_end`; the last line gets one too. */
static struct text with_line_ends(struct arena *arena, struct text text, struct text line_end)
{
    struct builder out = builder_in(arena);
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.bytes[i];
        if (byte == '\n' || (byte == '\r' && !(i + 1 < text.length && text.bytes[i + 1] == '\n')))
            builder_add(&out, line_end);
        else if (byte != '\r')
            builder_add_byte(&out, byte);
    }
    if (!text_ends(builder_text(&out), line_end))
        builder_add(&out, line_end);
    return builder_text(&out);
}

/* A line that arrives as it was sent without any encoding: short, no blank at its end, nothing that could look like a
 * boundary of ours. */
static bool is_plain_line(struct text line)
{
    return line.length <= PLAIN_LINE_MAX && text_is_ascii(line) && !text_ends(line, TEXT(" ")) &&
           !text_ends(line, TEXT("\t")) && text_find_text(line, TEXT("=_")) == line.length;
}

static bool is_plain(struct text text)
{
    struct text rest = text, line = TEXT_NONE;
    while (text_cut(&rest, '\n', &line)) {
        if (!is_plain_line(line))
            return false;
    }
    return true;
}

/* A mailbox file would write ">From ", and quoted-printable leaves it as it is (RFC 4155). */
static bool has_from_line(struct text text)
{
    return text_starts(text, TEXT("From ")) || text_find_text(text, TEXT("\nFrom ")) < text.length;
}

/* Quoted-printable costs two octets more for each that it must write as =XX, base64 a third of everything. */
static GMimeContentEncoding encoding_of(struct text text)
{
    size_t coded = 0;
    if (has_from_line(text))
        return GMIME_CONTENT_ENCODING_BASE64;
    if (is_plain(text))
        return GMIME_CONTENT_ENCODING_7BIT;
    for (size_t i = 0; i < text.length; i++)
        coded += (unsigned char)text.bytes[i] > 127 || text.bytes[i] == '=';
    return coded > text.length / 5 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

static void fill(GMimePart *part, struct text bytes, GMimeContentEncoding encoding)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes.bytes, bytes.length);
    GMimeDataWrapper *wrapper = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
    g_mime_part_set_content(part, wrapper);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(wrapper);
    g_object_unref(stream);
}

/* RFC 2046 §4.1.1: a text's line ends are CRLF under base64; for the other encodings GMime makes them. */
static GMimeObject *text_part(struct arena *arena, const char *subtype, struct text text)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);
    struct text lines = with_line_ends(arena, text, TEXT("\n"));
    GMimeContentEncoding encoding = encoding_of(lines);
    if (encoding == GMIME_CONTENT_ENCODING_BASE64)
        lines = with_line_ends(arena, text, TEXT("\r\n"));
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    fill(part, lines, encoding);
    return GMIME_OBJECT(part);
}

/* The name in UTF-8 by RFC 2231, not in whatever set GMime would find shorter. */
static void name_in_utf8(GMimeParamList *list, const char *name)
{
    GMimeParam *param = g_mime_param_list_get_parameter(list, name);
    g_mime_param_set_charset(param, "utf-8");
    g_mime_param_set_encoding_method(param, GMIME_PARAM_ENCODING_METHOD_RFC2231);
}

static void set_name(struct arena *arena, GMimePart *part, struct text name)
{
    GMimeObject *object = GMIME_OBJECT(part);
    g_mime_part_set_filename(part, text_terminated(arena, name));
    name_in_utf8(g_mime_content_disposition_get_parameters(g_mime_object_get_content_disposition(object)), "filename");
    name_in_utf8(g_mime_content_type_get_parameters(g_mime_object_get_content_type(object)), "name");
}

/* A name that looks like an encoded-word: there are readers that decode it against RFC 2047 §5, so that nothing of its
 * look may be left. */
static void name_without_look(struct arena *arena, GMimeObject *object, struct text name)
{
    struct builder value = builder_in(arena);
    builder_add(&value, TEXT(" attachment;\r\n\tfilename*=utf-8''"));
    for (size_t i = 0; i < name.length; i++)
        builder_format(&value, g_ascii_isalnum(name.bytes[i]) ? "%c" : "%%%02X", (unsigned char)name.bytes[i]);
    builder_add(&value, TEXT("\r\n"));
    GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(object), "Content-Disposition");
    g_mime_header_set_raw_value(header, text_terminated(arena, builder_text(&value)));
}

static GMimeObject *attachment_part(struct arena *arena, const struct content_attachment *attachment)
{
    struct text type = TEXT_NONE, subtype = TEXT_NONE;
    bool split = split_type(attachment->content_type, &type, &subtype);
    assert(split);
    GMimePart *part = g_mime_part_new_with_type(text_terminated(arena, type), text_terminated(arena, subtype));
    GMimeObject *object = GMIME_OBJECT(part);
    g_mime_object_set_disposition(object, GMIME_DISPOSITION_ATTACHMENT);
    if (text_find_text(attachment->filename, TEXT("=?")) < attachment->filename.length)
        name_without_look(arena, object, attachment->filename);
    else
        set_name(arena, part, attachment->filename);
    fill(part, attachment->bytes, GMIME_CONTENT_ENCODING_BASE64);
    return object;
}

/* "=_" stands in no quoted-printable, no base64 and no plain line of ours, so the boundary cannot stand in a part. */
static GMimeMultipart *multipart(struct arena *arena, const struct content_spec *spec, const char *subtype)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);
    struct builder boundary = builder_in(arena);
    builder_format(&boundary, "=_%s_", subtype);
    for (size_t i = 0; i < spec->message_id.length && i < 40 && spec->message_id.bytes[i] != '@'; i++)
        builder_add_byte(&boundary, g_ascii_isalnum(spec->message_id.bytes[i]) ? spec->message_id.bytes[i] : '_');
    g_mime_multipart_set_boundary(multipart, text_terminated(arena, builder_text(&boundary)));
    return multipart;
}

static void add(GMimeMultipart *multipart, GMimeObject *part)
{
    g_mime_multipart_add(multipart, part);
    g_object_unref(part);
}

static GMimeObject *bodies(struct arena *arena, const struct content_spec *spec)
{
    if (text_is_none(spec->html))
        return text_part(arena, "plain", spec->text);
    if (text_is_none(spec->text))
        return text_part(arena, "html", spec->html);
    GMimeMultipart *both = multipart(arena, spec, "alternative");
    add(both, text_part(arena, "plain", spec->text));
    add(both, text_part(arena, "html", spec->html));
    return GMIME_OBJECT(both);
}

static GMimeObject *whole(struct arena *arena, const struct content_spec *spec)
{
    if (spec->attachment_count == 0)
        return bodies(arena, spec);
    GMimeMultipart *mixed = multipart(arena, spec, "mixed");
    add(mixed, bodies(arena, spec));
    for (size_t i = 0; i < spec->attachment_count; i++)
        add(mixed, attachment_part(arena, &spec->attachments[i]));
    return GMIME_OBJECT(mixed);
}

/* Content-Type and what follows, down to the last line's end. */
static void write_body(struct builder *out, GMimeObject *object)
{
    GMimeFormatOptions *format = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    GMimeStream *stream = g_mime_stream_mem_new();
    if (g_mime_object_write_to_stream(object, format, stream) < 0)
        unreachable("a stream in memory takes everything");
    GByteArray *written = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    builder_add(out, text_from((const char *)written->data, written->len));
    if (!text_ends(builder_text(out), TEXT("\r\n")))
        builder_add(out, TEXT("\r\n"));
    g_object_unref(stream);
    g_mime_format_options_free(format);
}

/* ---- the head ---- */

/* RFC 5322 §3.6.4: the parent's references and the parent. Of a long thread the first and the last are kept. */
static void write_thread(struct builder *out, const struct content_spec *spec)
{
    struct text ids[REFERENCES_MAX];
    size_t count = 0;
    if (text_is_none(spec->in_reply_to))
        return;
    for (size_t i = 0; i < spec->reference_count; i++) {
        bool kept = i == 0 || i + REFERENCES_MAX > spec->reference_count + 1;
        if (kept && header_is_message_id(spec->references[i]) && count < REFERENCES_MAX - 1)
            ids[count++] = spec->references[i];
    }
    ids[count++] = spec->in_reply_to;
    header_write_ids(out, TEXT("In-Reply-To"), &spec->in_reply_to, 1);
    header_write_ids(out, TEXT("References"), ids, count);
}

static void write_head(struct builder *out, const struct content_spec *spec)
{
    header_write_date(out, spec->date);
    header_write_mailbox(out, TEXT("From"), spec->from_name, &spec->from);
    if (spec->reply_to != NULL)
        header_write_mailbox(out, TEXT("Reply-To"), TEXT(""), spec->reply_to);
    header_write_mailbox(out, TEXT("To"), spec->to_name, &spec->to);
    header_write_text(out, TEXT("Subject"), spec->subject);
    header_write_ids(out, TEXT("Message-ID"), &spec->message_id, 1);
    write_thread(out, spec);
    for (size_t i = 0; i < spec->field_count; i++)
        header_write_text(out, spec->fields[i].name, spec->fields[i].value);
    header_write_text(out, TEXT("MIME-Version"), TEXT("1.0"));
}

/* It counts how often, without a lock: two threads that compose must not both be the first. */
static void init_once(void)
{
    static gsize done;
    if (!g_once_init_enter(&done))
        return;
    g_mime_init();
    g_once_init_leave(&done, 1);
}

struct content content_compose(struct arena *arena, const struct content_spec *spec)
{
    assert(content_check(spec).fault == CONTENT_GOOD);
    assert(header_is_message_id(spec->message_id));
    init_once();
    struct builder out = builder_in(arena);
    write_head(&out, spec);
    GMimeObject *object = whole(arena, spec);
    write_body(&out, object);
    g_object_unref(object);
    bool international = !spec->from.ascii || !spec->to.ascii || (spec->reply_to != NULL && !spec->reply_to->ascii);
    struct content content = { .octets = builder_text(&out), .international = international };
    assert(content_is_canonical(content.octets, content.international));
    return content;
}

bool content_is_canonical(struct text octets, bool international)
{
    size_t line = 0;
    for (size_t i = 0; i < octets.length; i++) {
        char byte = octets.bytes[i];
        bool behind_cr = i > 0 && octets.bytes[i - 1] == '\r';
        if (byte == 0 || (byte == '\n') != behind_cr || (!international && (byte & 0x80)))
            return false;
        line = byte == '\n' ? 0 : line + 1;
        if (line > BOUND_LINE + 1) /* the CR is counted */
            return false;
    }
    return text_ends(octets, TEXT("\r\n"));
}
