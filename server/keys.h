/*
 * keys — an API key as JSON, for its own resource and for /me.
 */
#pragma once

#include "server/request.h"

/* That one of `customer` (UUID_NIL: an operator's), from a reading or writing transaction: NULL if it was answered. */
json_t *key_read_one(struct request *request, struct transaction *transaction, struct uuid customer, struct uuid key);
json_t *scopes_json(uint64_t scopes);
