#include "io/pg_inside.h"

#include <endian.h>
#include <math.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01 (src/include/datatype/timestamp.h). */
#define EPOCH_US   946684800000000LL
#define EPOCH_DAYS 10957

struct type {
    Oid oid, list_oid; /* src/include/catalog/pg_type.dat */
    size_t size;       /* in C */
    int length;        /* in a message; -1: varies */
};

static const struct type types[] = {
    [SQL_UUID] = { 2950, 2951, sizeof(struct uuid), 16 },
    [SQL_TEXT] = { 25, 1009, sizeof(struct text), -1 },
    [SQL_JSONB] = { 3802, 3807, sizeof(struct text), -1 },
    [SQL_BYTEA] = { 17, 1001, sizeof(struct text), -1 },
    [SQL_BIGINT] = { 20, 1016, sizeof(int64_t), 8 },
    [SQL_INTEGER] = { 23, 1007, sizeof(int32_t), 4 },
    [SQL_SMALLINT] = { 21, 1005, sizeof(int16_t), 2 },
    [SQL_BOOLEAN] = { 16, 1000, sizeof(int8_t), 1 },
    [SQL_DOUBLE] = { 701, 1022, sizeof(double), 8 },
    [SQL_TIMESTAMPTZ] = { 1184, 1185, sizeof(struct instant), 8 },
    [SQL_DATE] = { 1082, 1182, sizeof(struct day), 4 },
};

/* Every list of statement.h has this shape. */
struct any_list {
    const void *items;
    size_t count;
};

/* ---- to the server ---- */

static void add_big(struct builder *builder, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--)
        builder_add_byte(builder, (char)(value >> (8 * (i - 1))));
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* 'infinity' and '-infinity' are the ends of the type in both worlds. */
static int64_t timestamp_of(struct instant instant)
{
    if (instant.us == INT64_MAX)
        return INT64_MAX;
    return instant.us < INT64_MIN + EPOCH_US ? INT64_MIN : instant.us - EPOCH_US;
}

static int32_t date_of(struct day day)
{
    if (day.number == INT32_MAX)
        return INT32_MAX;
    return day.number < INT32_MIN + EPOCH_DAYS ? INT32_MIN : day.number - EPOCH_DAYS;
}

static bool is_null(enum sql_type type, const void *value)
{
    switch (type) {
    case SQL_UUID: return uuid_is_nil(*(const struct uuid *)value);
    case SQL_TEXT:
    case SQL_JSONB:
    case SQL_BYTEA: return text_is_none(*(const struct text *)value);
    case SQL_BIGINT: return *(const int64_t *)value == INT64_MIN;
    case SQL_INTEGER: return *(const int32_t *)value == INT32_MIN;
    case SQL_SMALLINT: return *(const int16_t *)value == INT16_MIN;
    case SQL_BOOLEAN: return *(const int8_t *)value == BOOLEAN_NONE;
    case SQL_DOUBLE: return isnan(*(const double *)value);
    case SQL_TIMESTAMPTZ: return instant_is_none(*(const struct instant *)value);
    case SQL_DATE: return day_is_none(*(const struct day *)value);
    }
    unreachable("a type without a row");
}

static void add_value(struct builder *builder, enum sql_type type, const void *value)
{
    switch (type) {
    case SQL_UUID: builder_add(builder, text_from(value, sizeof(struct uuid))); return;
    case SQL_JSONB:
        builder_add_byte(builder, 1); /* the version of jsonb_recv() */
        __attribute__((fallthrough));
    case SQL_TEXT:
    case SQL_BYTEA: builder_add(builder, *(const struct text *)value); return;
    case SQL_BIGINT: add_big(builder, (uint64_t) * (const int64_t *)value, 8); return;
    case SQL_INTEGER: add_big(builder, (uint32_t) * (const int32_t *)value, 4); return;
    case SQL_SMALLINT: add_big(builder, (uint16_t) * (const int16_t *)value, 2); return;
    case SQL_BOOLEAN: builder_add_byte(builder, *(const int8_t *)value != 0); return;
    case SQL_DOUBLE: add_big(builder, bits_of(*(const double *)value), 8); return;
    case SQL_TIMESTAMPTZ: add_big(builder, (uint64_t)timestamp_of(*(const struct instant *)value), 8); return;
    case SQL_DATE: add_big(builder, (uint32_t)date_of(*(const struct day *)value), 4); return;
    }
    unreachable("a type without a row");
}

/* array_recv(): dimensions, whether there are nulls, type; length and lower bound of each; then the elements. */
static void add_list(struct builder *builder, enum sql_type type, const struct any_list *list)
{
    bool nulls = false;
    for (size_t i = 0; i < list->count; i++)
        nulls = nulls || is_null(type, (const char *)list->items + i * types[type].size);
    add_big(builder, list->count > 0, 4);
    add_big(builder, nulls, 4);
    add_big(builder, types[type].oid, 4);
    if (list->count == 0)
        return;
    assert(list->count <= INT32_MAX);
    add_big(builder, list->count, 4);
    add_big(builder, 1, 4);
    for (size_t i = 0; i < list->count; i++) {
        const void *item = (const char *)list->items + i * types[type].size;
        if (is_null(type, item)) {
            add_big(builder, UINT32_MAX, 4);
            continue;
        }
        size_t place = builder->length;
        add_big(builder, 0, 4);
        add_value(builder, type, item);
        uint32_t length = htobe32((uint32_t)(builder->length - place - 4));
        memcpy(builder->bytes + place, &length, sizeof(length));
    }
}

static void add_parameter(struct transaction *transaction, struct asked *asked, size_t number, const void *takes)
{
    const struct statement_field *field = &asked->statement->takes[number];
    const void *value = (const char *)takes + field->offset;
    struct builder builder = builder_in(transaction->arena);
    bool null = field->nullable &&
                (field->array ? ((const struct any_list *)value)->items == NULL : is_null(field->type, value));
    if (null)
        return;
    if (field->array)
        add_list(&builder, field->type, value);
    else
        add_value(&builder, field->type, value);
    struct text text = builder_text(&builder);
    assert(text.length <= INT32_MAX);
    asked->values[number] = text.bytes;
    asked->lengths[number] = (int)text.length;
}

size_t statement_ask(struct transaction *transaction, const struct statement *statement, const void *takes)
{
    struct asked *asked = transaction_ask(transaction);
    asked->statement = statement;
    asked->values = arena_make_array(transaction->arena, const char *, statement->takes_count);
    asked->lengths = arena_make_array(transaction->arena, int, statement->takes_count);
    for (size_t i = 0; i < statement->takes_count; i++)
        add_parameter(transaction, asked, i, takes);
    return transaction->count - 1;
}

static Oid oid_of(const struct statement_field *field)
{
    return field->array ? types[field->type].list_oid : types[field->type].oid;
}

int statement_send_prepare(PGconn *conn, const struct statement *statement)
{
    Oid oids[BOUND_STATEMENT_TAKES];
    for (size_t i = 0; i < statement->takes_count; i++)
        oids[i] = oid_of(&statement->takes[i]);
    return PQsendPrepare(conn, statement->name, statement->sql, (int)statement->takes_count, oids);
}

/* ---- from the server ---- */

void statement_check(const struct statement *statement, const PGresult *result)
{
    bool same = PQnfields(result) == (int)statement->gives_count;
    for (size_t i = 0; same && i < statement->gives_count; i++)
        same = PQftype(result, (int)i) == oid_of(&statement->gives[i]);
    if (!same)
        must_fail(statement->name, 0, "the schema gives other columns than the program was built for");
}

static uint64_t big_of(const char *bytes, int length)
{
    uint64_t value = 0;
    for (int i = 0; i < length; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

static struct instant instant_of(int64_t timestamp)
{
    bool infinite = timestamp > INT64_MAX - EPOCH_US;
    return (struct instant){ infinite ? INT64_MAX : MAX_OF(timestamp + EPOCH_US, INT64_MIN + 1) };
}

static struct day day_of(int32_t date)
{
    bool infinite = date > INT32_MAX - EPOCH_DAYS;
    return (struct day){ infinite ? INT32_MAX : MAX_OF(date + EPOCH_DAYS, INT32_MIN + 1) };
}

static void give_null(enum sql_type type, void *into)
{
    switch (type) {
    case SQL_UUID: *(struct uuid *)into = UUID_NIL; return;
    case SQL_TEXT:
    case SQL_JSONB:
    case SQL_BYTEA: *(struct text *)into = TEXT_NONE; return;
    case SQL_BIGINT: *(int64_t *)into = INT64_MIN; return;
    case SQL_INTEGER: *(int32_t *)into = INT32_MIN; return;
    case SQL_SMALLINT: *(int16_t *)into = INT16_MIN; return;
    case SQL_BOOLEAN: *(int8_t *)into = BOOLEAN_NONE; return;
    case SQL_DOUBLE: *(double *)into = NAN; return;
    case SQL_TIMESTAMPTZ: *(struct instant *)into = INSTANT_NONE; return;
    case SQL_DATE: *(struct day *)into = DAY_NONE; return;
    }
    unreachable("a type without a row");
}

static void give_value(enum sql_type type, const char *bytes, int length, void *into)
{
    assert(types[type].length == -1 || types[type].length == length);
    uint64_t big = types[type].length == -1 ? 0 : big_of(bytes, MIN_OF(length, 8));
    switch (type) {
    case SQL_UUID: memcpy(into, bytes, sizeof(struct uuid)); return;
    case SQL_TEXT:
    case SQL_BYTEA: *(struct text *)into = text_from(bytes, (size_t)length); return;
    case SQL_JSONB: *(struct text *)into = text_after(text_from(bytes, (size_t)length), 1); return; /* its version */
    case SQL_BIGINT: *(int64_t *)into = (int64_t)big; return;
    case SQL_INTEGER: *(int32_t *)into = (int32_t)big; return;
    case SQL_SMALLINT: *(int16_t *)into = (int16_t)big; return;
    case SQL_BOOLEAN: *(int8_t *)into = big != 0; return;
    case SQL_DOUBLE: memcpy(into, &big, sizeof(double)); return;
    case SQL_TIMESTAMPTZ: *(struct instant *)into = instant_of((int64_t)big); return;
    case SQL_DATE: *(struct day *)into = day_of((int32_t)big); return;
    }
    unreachable("a type without a row");
}

/* What array_send() wrote. Several dimensions are one list here. */
static void give_list(struct arena *arena, enum sql_type type, const char *bytes, struct any_list *into)
{
    int64_t dimensions = (int64_t)big_of(bytes, 4);
    const char *next = bytes + 12 + dimensions * 8;
    size_t count = dimensions > 0;
    for (int64_t i = 0; i < dimensions; i++)
        count = size_mul(count, big_of(bytes + 12 + i * 8, 4));
    char *items = arena_array(arena, MAX_OF(count, (size_t)1), types[type].size);
    for (size_t i = 0; i < count; i++) {
        int length = (int)(int32_t)big_of(next, 4);
        next += 4;
        if (length < 0) {
            give_null(type, items + i * types[type].size);
            continue;
        }
        give_value(type, next, length, items + i * types[type].size);
        next += length;
    }
    *into = (struct any_list){ items, count };
}

static PGresult *result_of(const struct transaction *transaction, const struct statement *statement, size_t number)
{
    assert(number < transaction->count && transaction->asked[number].statement == statement);
    PGresult *result = transaction->asked[number].result;
    assert(result != NULL); /* it failed, or has not been answered */
    return result;
}

size_t statement_count(struct transaction *transaction, const struct statement *statement, size_t asked)
{
    PGresult *result = result_of(transaction, statement, asked);
    return statement->gives_count > 0 ? (size_t)PQntuples(result) : strtoul(PQcmdTuples(result), NULL, 10);
}

void statement_get(struct transaction *transaction, const struct statement *statement, size_t asked, size_t row,
                   void *gives)
{
    PGresult *result = result_of(transaction, statement, asked);
    assert(row < (size_t)PQntuples(result));
    for (size_t i = 0; i < statement->gives_count; i++) {
        const struct statement_field *field = &statement->gives[i];
        void *into = (char *)gives + field->offset;
        bool null = PQgetisnull(result, (int)row, (int)i);
        const char *bytes = PQgetvalue(result, (int)row, (int)i);
        if (null && field->array)
            *(struct any_list *)into = (struct any_list){ NULL, 0 };
        else if (null)
            give_null(field->type, into);
        else if (field->array)
            give_list(transaction->arena, field->type, bytes, into);
        else
            give_value(field->type, bytes, PQgetlength(result, (int)row, (int)i), into);
    }
}
