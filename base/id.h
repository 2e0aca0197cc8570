/*
 * id — UUIDv7 (RFC 9562 §5.7) and TypeIDs (version 0.3.0), from given time and given randomness.
 *
 * An id_maker makes ids of one process that only rise, also when the clock goes back (RFC 9562 §6.2: a counter in rand_a).
 * In the database an id is a plain uuid; outside it is `prefix_` and 26 characters of base32.
 */
#pragma once

#include "base/instant.h"

struct uuid {
    uint8_t bytes[16];
};

#define UUID_NIL ((struct uuid){ { 0 } })

bool uuid_is_nil(struct uuid uuid);
bool uuid_equal(struct uuid a, struct uuid b);
int uuid_compare(struct uuid a, struct uuid b);
struct text uuid_text(struct arena *arena, struct uuid uuid); /* 8-4-4-4-12, lower case */
MUST_USE bool uuid_parse(struct text text, struct uuid *uuid);
struct instant uuid_instant(struct uuid uuid); /* the millisecond that a UUIDv7 was made in */

/* The least UUIDv7 of that millisecond: a bound for partitions and pages. */
struct uuid uuid_first_at(struct instant at);

struct id_maker {
    uint64_t last_ms;
    uint32_t counter; /* 12 bits are used */
};

/* Strictly above every id that this maker made before. random: 10 fresh random bytes. */
struct uuid id_next(struct id_maker *maker, struct instant now, const uint8_t random[10]);

enum id_kind {
    ID_CUSTOMER,
    ID_MAILBOX,
    ID_MESSAGE,
    ID_IP,
    ID_POOL,
    ID_DOMAIN,
    ID_KEY,
    ID_WEBHOOK,
    ID_EVENT,
    ID_ATTEMPT,
    ID_SUPPRESSION,
    ID_INVOICE,
    ID_TEMPLATE,
    ID_BATCH,
    ID_BILLING_HOOK,
    ID_AUDIT,
    ID_REQUEST,
    ID_KINDS
};

struct text id_prefix(enum id_kind kind); /* "cus", "mbx", … */
struct text id_text(struct arena *arena, enum id_kind kind, struct uuid uuid);

enum id_fault { ID_GOOD, ID_OTHER_KIND, ID_MALFORMED };
/* ID_OTHER_KIND: well-formed, of another prefix than the one that is wanted. */
MUST_USE enum id_fault id_parse(struct text text, enum id_kind kind, struct uuid *uuid);
