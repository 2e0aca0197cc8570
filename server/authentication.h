/*
 * authentication — whose key it is, and what it may do.
 *
 * A key's text names its customer (`ep_cus_`, 26 characters, `_`, a secret) or is an operator's (`ep_op_`, a secret); it is
 * kept as the SHA-256 of the whole text. What was found is remembered for less than a second of real time, so that a burst
 * costs one look-up and a revoked key dies within a second on every server.
 */
#pragma once

#include "base/hash.h"
#include "base/id.h"

#include "io/secret.h"

struct request;
struct authentication;

struct caller {
    bool known, is_operator;
    struct uuid customer; /* UUID_NIL: an operator */
    struct uuid key;
    uint64_t scopes; /* bit n: scopes_all[n] of the contract */
};

struct authentication *authentication_new(struct hash_key seed); /* yours, until authentication_free() */
void authentication_free(struct authentication **authentication);
/* What was remembered is forgotten: a key was revoked here. */
void authentication_forget(struct authentication *authentication);

/* The form alone; *customer UUID_NIL for an operator's. */
MUST_USE bool key_parse(struct text key, bool *is_operator, struct uuid *customer);
/* Fills request->caller from the header Authorization; false: answered 401, or 503. */
MUST_USE bool authenticate(struct request *request);

uint64_t scope_bit(struct text scope); /* 0: there is none of that name */
uint64_t scopes_of_all(void);
uint64_t scopes_of_customers(void); /* what a customer's key may have */
