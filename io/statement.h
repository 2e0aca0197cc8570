/*
 * statement — SQL from a room's sql/ folder, as typed C: parameters in, rows out.
 *
 * One statement a file, ROOM/sql/NAME.sql, with a head that tools/statements.py reads at build time:
 *
 *   -- slot_authorize: may this final dot be sent? No row: it is not ours, or not now.
 *   -- takes: customer uuid, ip uuid, generation bigint, message uuid, now timestamptz, note text?, tags text[]
 *   -- gives: message_id uuid, at timestamptz?
 *   -- costs: four key look-ups
 *
 * ($1 is the first that it takes, and so on; a head's line may go on in the next comment line; `takes: nothing` and
 * `gives: nothing` say so.) The room then includes "ROOM_statements.h", which holds for each file
 *
 *   struct slot_authorize { struct uuid customer; struct uuid ip; int64_t generation; ... };
 *   struct slot_authorize_row { struct uuid message_id; struct instant at; };
 *   size_t slot_authorize_ask(struct transaction *, const struct slot_authorize *);       which returns `asked`,
 *   size_t slot_authorize_count(struct transaction *, size_t asked);                      for these two
 *   struct slot_authorize_row slot_authorize_get(struct transaction *, size_t asked, size_t row);
 *
 * NAME_ask() copies what it is given; between two syncs at most BOUND_STATEMENTS_PER_ROUND may be asked. NAME_count() is
 * the number of rows given, or, of a statement that gives nothing, of rows written; call it and NAME_get() only in
 * `heard` or `ended`, in the latter only after PG_COMMITTED. What NAME_get() points to lives until `ended` returns.
 *
 *   SQL                    C                      `?`: nullable, and null is
 *   uuid                   struct uuid            UUID_NIL
 *   text, jsonb, bytea     struct text            bytes == NULL
 *   bigint                 int64_t                INT64_MIN
 *   integer                int32_t                INT32_MIN
 *   smallint               int16_t                INT16_MIN
 *   boolean                bool; with `?` int8_t  BOOLEAN_NONE
 *   double precision       double                 NAN
 *   timestamptz            struct instant         INSTANT_NONE
 *   date                   struct day             DAY_NONE
 *   any of them with []    struct uuids, texts, bigints, integers, smallints, booleans, doubles, instants, days
 *                          (items, count)         items == NULL; null elements as above
 *
 * Anything else (inet, enums, intervals, numeric) goes as text or number and is cast in the SQL.
 * A column that is null without `?` still comes as the value above.
 */
#pragma once

#include "base/id.h"
#include "base/instant.h"

struct transaction;

enum { BOOLEAN_NONE = -1 };

struct uuids {
    const struct uuid *items;
    size_t count;
};
struct texts {
    const struct text *items;
    size_t count;
};
struct bigints {
    const int64_t *items;
    size_t count;
};
struct integers {
    const int32_t *items;
    size_t count;
};
struct smallints {
    const int16_t *items;
    size_t count;
};
struct booleans {
    const int8_t *items; /* 0, 1 or BOOLEAN_NONE */
    size_t count;
};
struct doubles {
    const double *items;
    size_t count;
};
struct instants {
    const struct instant *items;
    size_t count;
};
struct days {
    const struct day *items;
    size_t count;
};

/* ---- for generated code and for those who check it; nobody else ---- */

enum sql_type {
    SQL_UUID,
    SQL_TEXT,
    SQL_JSONB,
    SQL_BYTEA,
    SQL_BIGINT,
    SQL_INTEGER,
    SQL_SMALLINT,
    SQL_BOOLEAN,
    SQL_DOUBLE,
    SQL_TIMESTAMPTZ,
    SQL_DATE,
};

struct statement_field {
    const char *name;
    size_t offset; /* in the struct */
    enum sql_type type;
    bool array;
    bool nullable;
};

struct statement {
    const char *name;
    const char *sql;
    const struct statement_field *takes;
    const struct statement_field *gives;
    size_t takes_count;
    size_t gives_count;
};

size_t statement_ask(struct transaction *transaction, const struct statement *statement, const void *takes);
size_t statement_count(struct transaction *transaction, const struct statement *statement, size_t asked);
void statement_get(struct transaction *transaction, const struct statement *statement, size_t asked, size_t row,
                   void *gives);
