#include "server/schema.h"

#include "base/ip.h"

#include "mail/header.h"

#include <string.h>

enum { NAME_TOLD_MAX = 200 }; /* octets of a field name that a fault repeats */

struct place {
    struct arena *arena;
    struct text pointer;
    struct faults *faults;
};

void faults_add(struct faults *faults, struct fault fault)
{
    if (faults->count < FAULTS_MAX)
        faults->items[faults->count++] = fault;
}

PRINTF(4, 5)
static void fault(const struct place *place, const char *code, int64_t limit, const char *format, ...)
{
    struct builder words = builder_in(place->arena);
    va_list arguments;
    va_start(arguments, format);
    builder_vformat(&words, format, arguments);
    va_end(arguments);
    faults_add(place->faults, (struct fault){ place->pointer, text_of(code), builder_text(&words), limit });
}

struct text schema_pointer(struct arena *arena, struct text pointer, struct text name)
{
    struct builder builder = builder_in(arena);
    builder_add(&builder, pointer);
    builder_add_byte(&builder, '/');
    struct text sane = text_sane(arena, text_slice(name, 0, NAME_TOLD_MAX));
    for (size_t i = 0; i < sane.length; i++) {
        if (sane.bytes[i] == '~')
            builder_add(&builder, TEXT("~0"));
        else if (sane.bytes[i] == '/')
            builder_add(&builder, TEXT("~1"));
        else
            builder_add_byte(&builder, sane.bytes[i]);
    }
    return builder_text(&builder);
}

static struct place below(const struct place *place, struct text name)
{
    return (struct place){ place->arena, schema_pointer(place->arena, place->pointer, name), place->faults };
}

/* ---- strings ---- */

static size_t characters(struct text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += (text.bytes[i] & 0xC0) != 0x80;
    return count;
}

static bool is_alphanumeric(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

static bool is_made_of(struct text text, const char *others)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_alphanumeric(text.bytes[i]) && (text.bytes[i] == '\0' || strchr(others, text.bytes[i]) == NULL))
            return false;
    return text.length > 0;
}

static bool is_lines(struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F)
            return false;
    }
    return true;
}

static bool is_label(struct text label)
{
    return label.length >= 1 && label.length <= 63 && is_made_of(label, "-") && label.bytes[0] != '-' &&
           label.bytes[label.length - 1] != '-';
}

/* A host of this platform is named as its operator likes: an underscore is no reason to refuse. */
static bool is_host_name(struct text text)
{
    struct text rest = text, label;
    while (text_cut(&rest, '.', &label))
        if (!is_made_of(label, "-_") || label.length > 63 || label.bytes[0] == '-' ||
            label.bytes[label.length - 1] == '-')
            return false;
    return text.length > 0 && !text_ends(text, TEXT("."));
}

/* One host's: not 0.0.0.0 or ::, no multicast, no broadcast; and in one spelling, since one that is mapped names it twice. */
static bool is_host_address(struct text text)
{
    struct ip ip;
    if (!ip_parse(text, &ip) || (ip.version == 4) == text_has(text, ':'))
        return false;
    static const uint8_t unspecified[sizeof ip.bytes];
    if (memcmp(ip.bytes, unspecified, sizeof unspecified) == 0)
        return false;
    return ip.version == 4 ? ip.bytes[0] != 0 && ip.bytes[0] < 224 : ip.bytes[0] != 0xFF;
}

static bool is_domain_name(struct arena *arena, struct text text)
{
    struct text canonical;
    if (domain_parse(arena, text, &canonical) != ADDRESS_GOOD)
        return false;
    struct text rest = canonical, label;
    size_t labels = 0;
    while (text_cut(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
        labels++;
    }
    return labels >= 2;
}

static bool is_time_of_day(struct text text)
{
    uint64_t hour, minute;
    if (text.length != 5 || text.bytes[2] != ':' || !text_to_uint(text_slice(text, 0, 2), 24, &hour) ||
        !text_to_uint(text_slice(text, 3, 2), 59, &minute))
        return false;
    return hour < 24 || minute == 0;
}

static bool is_media_type(struct text text)
{
    size_t slash = text_find(text, '/');
    return slash < text.length && is_made_of(text_slice(text, 0, slash), "!#$&-^_.+") &&
           is_made_of(text_after(text, slash + 1), "!#$&-^_.+");
}

static bool is_base64(struct text text)
{
    size_t end = text.length;
    if (end % 4 != 0)
        return false;
    for (int padding = 0; padding < 2 && end > 0 && text.bytes[end - 1] == '='; padding++)
        end--;
    return end == 0 || is_made_of(text_slice(text, 0, end), "+/");
}

static void check_id(const struct place *place, enum id_kind kind, struct text text)
{
    struct uuid uuid;
    struct text prefix = id_prefix(kind);
    switch (id_parse(text, kind, &uuid)) {
    case ID_GOOD: return;
    case ID_OTHER_KIND:
        fault(place, "format", INT64_MIN, "This must be an id that begins with %.*s_; it begins with %.*s_.",
              TEXT_ARG(prefix), TEXT_ARG(text_sane(place->arena, text_slice(text, 0, text_find_last(text, '_')))));
        return;
    case ID_MALFORMED:
        fault(place, "format", INT64_MIN, "This must be an id: %.*s_ and 26 characters.", TEXT_ARG(prefix));
        return;
    }
    unreachable("an id is good or has a fault");
}

/* NULL: it has the form. Otherwise what it must be. */
static const char *format_fault(struct arena *arena, enum schema_format format, struct text text)
{
    struct instant instant;
    struct address address;
    switch (format) {
    case FORMAT_NONE:
    case FORMAT_ID: return NULL;
    case FORMAT_LINE: return text_has_control(text) ? "This must be one line without control characters." : NULL;
    case FORMAT_TEXT:
        return is_lines(text) ? NULL : "This must be text without control characters but tabs and line ends.";
    case FORMAT_EMAIL:
        return address_parse(arena, text, &address) == ADDRESS_GOOD ? NULL : "This is no e-mail address.";
    case FORMAT_DATE_TIME:
        return instant_parse(text, &instant) ? NULL : "This must be a time like 2026-11-24T09:41:07Z (RFC 3339).";
    case FORMAT_TIME_OF_DAY:
        return is_time_of_day(text) ? NULL : "This must be a time of day as HH:MM, from 00:00 to 24:00.";
    case FORMAT_TIME_ZONE: return is_made_of(text, "/_+-") ? NULL : "This must be a time zone like Europe/Berlin.";
    case FORMAT_DOMAIN_NAME: return is_domain_name(arena, text) ? NULL : "This must be a domain like acme.example.";
    case FORMAT_HOST_NAME: return is_host_name(text) ? NULL : "This must be a host's name.";
    case FORMAT_IP_ADDRESS: return is_host_address(text) ? NULL : "This must be the IPv4 or IPv6 address of one host.";
    case FORMAT_BASE64: return is_base64(text) ? NULL : "This must be base64 with padding, without line ends.";
    case FORMAT_MEDIA_TYPE: return is_media_type(text) ? NULL : "This must be a media type like text/plain.";
    case FORMAT_EXTRA_HEADER:
        return header_check_field(text, TEXT("x")) == HEADER_GOOD ? NULL : "A header of your own must begin with X-.";
    case FORMAT_ROUTE_DOMAIN:
        return text_equal(text, TEXT("*")) || is_domain_name(arena, text) ? NULL : "This must be a domain, or *.";
    }
    unreachable("each format is checked");
}

static void check_words(const struct place *place, const char *const *words, struct text text)
{
    struct builder list = builder_in(place->arena);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (text_equal(text, text_of(words[i])))
            return;
        builder_format(&list, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    fault(place, "enum", INT64_MIN, "This must be one of: %.*s.", TEXT_ARG(builder_text(&list)));
}

static void check_string(const struct place *place, const struct schema *schema, struct text text)
{
    if (schema->words != NULL) {
        check_words(place, schema->words, text);
        return;
    }
    size_t length = characters(text);
    if (length < schema->length_min)
        fault(place, "min-length", (int64_t)schema->length_min, "This must have at least %zu characters.",
              schema->length_min);
    else if (length > schema->length_max)
        fault(place, "max-length", (int64_t)schema->length_max, "This has %zu characters; at most %zu are allowed.",
              length, schema->length_max);
    else if (schema->format == FORMAT_ID)
        check_id(place, schema->id_kind, text);
    else {
        const char *wanted = format_fault(place->arena, schema->format, text);
        if (wanted != NULL)
            fault(place, "format", INT64_MIN, "%s", wanted);
    }
}

/* ---- numbers, arrays, objects ---- */

static void check_integer(const struct place *place, const struct schema *schema, int64_t value)
{
    if (value < schema->minimum)
        fault(place, "minimum", schema->minimum, "This must be at least %lld.", (long long)schema->minimum);
    else if (value > schema->maximum)
        fault(place, "maximum", schema->maximum, "This must be at most %lld.", (long long)schema->maximum);
}

static void check(const struct place *place, const struct schema *schema, const json_t *value);

static bool stands_before(const json_t *array, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (json_equal(json_array_get(array, i), json_array_get(array, index)))
            return true;
    return false;
}

static void check_array(const struct place *place, const struct schema *schema, const json_t *value)
{
    size_t count = json_array_size(value);
    if (count < schema->count_min) {
        fault(place, "min-items", (int64_t)schema->count_min, "This must have at least %zu items.", schema->count_min);
        return;
    }
    if (count > schema->count_max) {
        fault(place, "max-items", (int64_t)schema->count_max, "This has %zu items; at most %zu are allowed.", count,
              schema->count_max);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct place item = below(place, text_format(place->arena, "%zu", i));
        check(&item, schema->items, json_array_get(value, i));
        if (schema->unique && stands_before(value, i))
            fault(&item, "unique", INT64_MIN, "This stands in the list already.");
    }
}

static const struct schema_field *field_named(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return &schema->fields[i];
    return NULL;
}

static void check_member(const struct place *place, const struct schema *schema, const char *name, const json_t *value)
{
    struct place member = below(place, text_slice(text_of(name), 0, 100));
    const struct schema_field *field = field_named(schema, name);
    if (field != NULL) {
        check(&member, field->schema, value);
    } else if (schema->others == NULL) {
        fault(&member, "unknown", INT64_MIN, "This field is not known here.");
    } else {
        check_string(&member, schema->names, text_of(name));
        check(&member, schema->others, value);
    }
}

static void check_one_of(const struct place *place, const struct schema *schema, const json_t *value)
{
    size_t count = 0;
    struct builder list = builder_in(place->arena);
    for (size_t i = 0; schema->one_of[i] != NULL; i++) {
        count += json_object_get(value, schema->one_of[i]) != NULL;
        builder_format(&list, "%s%s", i == 0 ? "" : ", ", schema->one_of[i]);
    }
    if (count != 1)
        fault(place, "one-of", INT64_MIN, "Exactly one of these is wanted: %.*s.", TEXT_ARG(builder_text(&list)));
}

static void check_object(const struct place *place, const struct schema *schema, const json_t *value)
{
    if (schema->others != NULL && json_object_size(value) > schema->count_max) {
        fault(place, "max-items", (int64_t)schema->count_max, "This has %zu fields; at most %zu are allowed.",
              json_object_size(value), schema->count_max);
        return;
    }
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member) check_member(place, schema, name, member);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!schema->fields[i].required || json_object_get(value, schema->fields[i].name) != NULL)
            continue;
        struct place missing = below(place, text_of(schema->fields[i].name));
        fault(&missing, "required", INT64_MIN, "This field is required.");
    }
    if (schema->one_of != NULL)
        check_one_of(place, schema, value);
}

static unsigned type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return SCHEMA_OBJECT;
    case JSON_ARRAY: return SCHEMA_ARRAY;
    case JSON_STRING: return SCHEMA_STRING;
    case JSON_INTEGER: return SCHEMA_INTEGER;
    case JSON_REAL: return 0; /* the contract has no fractions */
    case JSON_TRUE:
    case JSON_FALSE: return SCHEMA_BOOLEAN;
    case JSON_NULL: return SCHEMA_NULL;
    }
    unreachable("JSON has seven types");
}

static void fault_of_type(const struct place *place, unsigned types)
{
    static const struct {
        unsigned type;
        const char *name;
    } names[] = {
        { SCHEMA_OBJECT, "an object" },   { SCHEMA_ARRAY, "an array" },    { SCHEMA_STRING, "a string" },
        { SCHEMA_INTEGER, "an integer" }, { SCHEMA_BOOLEAN, "a boolean" }, { SCHEMA_NULL, "null" },
    };
    struct builder list = builder_in(place->arena);
    for (size_t i = 0; i < COUNT(names); i++)
        if (types & names[i].type)
            builder_format(&list, "%s%s", builder_text(&list).length == 0 ? "" : " or ", names[i].name);
    fault(place, "type", INT64_MIN, "This must be %.*s.", TEXT_ARG(builder_text(&list)));
}

static void check(const struct place *place, const struct schema *schema, const json_t *value)
{
    if (schema->many_field != NULL && json_is_object(value)) {
        check(place, json_object_get(value, schema->many_field) != NULL ? schema->many : schema->one, value);
        return;
    }
    unsigned type = type_of(value);
    if (!(type & schema->types))
        fault_of_type(place, schema->types);
    else if (type == SCHEMA_STRING)
        check_string(place, schema, text_from(json_string_value(value), json_string_length(value)));
    else if (type == SCHEMA_INTEGER)
        check_integer(place, schema, json_integer_value(value));
    else if (type == SCHEMA_ARRAY)
        check_array(place, schema, value);
    else if (type == SCHEMA_OBJECT)
        check_object(place, schema, value);
}

void schema_check(struct arena *arena, const struct schema *schema, const json_t *value, struct text pointer,
                  struct faults *faults)
{
    struct place place = { arena, pointer, faults };
    check(&place, schema, value);
}

void schema_check_text(struct arena *arena, const struct schema *schema, struct text value, struct text pointer,
                       struct faults *faults)
{
    struct place place = { arena, pointer, faults };
    int64_t number;
    if (schema->types & SCHEMA_ARRAY)
        schema_check_text(arena, schema->items, value, pointer, faults);
    else if (schema->types & SCHEMA_STRING)
        check_string(&place, schema, value);
    else if (text_to_int64(value, &number))
        check_integer(&place, schema, number);
    else
        fault_of_type(&place, SCHEMA_INTEGER);
}
