/*
 * schema — a JSON value against the contract: what api/openapi.yaml says, as tables (made by tools/routes.py), and the one
 * function that walks them.
 *
 * A fault names the field by a JSON pointer (RFC 6901), says what is wrong in a code and a sentence, and the limit where
 * there is one. Lengths are counted in characters (code points), as JSON Schema says.
 */
#pragma once

#include "base/id.h"

#include <jansson.h>

enum schema_type {
    SCHEMA_OBJECT = 1,
    SCHEMA_ARRAY = 2,
    SCHEMA_STRING = 4,
    SCHEMA_INTEGER = 8,
    SCHEMA_BOOLEAN = 16,
    SCHEMA_NULL = 32,
};

enum schema_format {
    FORMAT_NONE,
    FORMAT_LINE,         /* no control characters: it may stand in a header */
    FORMAT_TEXT,         /* lines: no control characters but tab and line ends */
    FORMAT_EMAIL,        /* mail/address */
    FORMAT_DATE_TIME,    /* RFC 3339 */
    FORMAT_TIME_OF_DAY,  /* 00:00 to 24:00 */
    FORMAT_TIME_ZONE,    /* the form of an IANA name; that it exists is the handler's to see */
    FORMAT_DOMAIN_NAME,  /* two labels at least */
    FORMAT_HOST_NAME,    /* one label at least */
    FORMAT_IP_ADDRESS,   /* IPv4 or IPv6, no prefix length */
    FORMAT_BASE64,       /* RFC 4648 §4 */
    FORMAT_MEDIA_TYPE,   /* type/subtype, no parameters */
    FORMAT_EXTRA_HEADER, /* a field that a customer may add: mail/header */
    FORMAT_ROUTE_DOMAIN, /* a domain, or * */
    FORMAT_ID,           /* a TypeID of id_kind */
};

struct schema;

struct schema_field {
    const char *name;
    const struct schema *schema;
    bool required;
};

struct schema {
    unsigned types; /* of enum schema_type, or'ed */

    /* string */
    const char *const *words; /* one of these, NULL at the end; then nothing else applies */
    enum schema_format format;
    enum id_kind id_kind;
    size_t length_min, length_max;

    /* integer */
    int64_t minimum, maximum;

    /* array */
    const struct schema *items;
    size_t count_min, count_max; /* count_max also of an object's `others` */
    bool unique;

    /* object: no other fields than these, unless `others` says what they are and `names` how they are called */
    const struct schema_field *fields;
    size_t field_count;
    const struct schema *others, *names;
    const char *const *one_of; /* exactly one of these fields, NULL at the end */

    /* one or many: with this field it is `many`, else `one` */
    const char *many_field;
    const struct schema *one, *many;
};

struct fault {
    struct text pointer, code, detail;
    int64_t limit; /* INT64_MIN: there is none */
};

enum { FAULTS_MAX = 20 };

struct faults {
    struct fault items[FAULTS_MAX];
    size_t count; /* further ones are not kept */
};

/* At `pointer` (a body's root: empty). */
void schema_check(struct arena *arena, const struct schema *schema, const json_t *value, struct text pointer,
                  struct faults *faults);
void faults_add(struct faults *faults, struct fault fault);
/* RFC 6901 §3: one step below, with ~ and / written ~0 and ~1. What a stranger named is shortened and made sane. */
struct text schema_pointer(struct arena *arena, struct text pointer, struct text name);
/* Text that came outside JSON (a path, a query): a string, or the integer or array that the schema wants, then the same. */
void schema_check_text(struct arena *arena, const struct schema *schema, struct text value, struct text pointer,
                       struct faults *faults);
