/*
 * idempotency — the same Idempotency-Key and the same request give the same answer, once.
 *
 * The record is written in the transaction of its effect: first claimed (the primary key lets one of two equal ones wait
 * for the other), last filled with the answer. Equal requests of this process wait for each other here, without holding a
 * connection: up to 5 s of real time. A key's scope is customer, method and route; what is compared is the request by its
 * meaning: target and canonical JSON.
 */
#pragma once

#include "base/hash.h"

struct request;
struct idempotency;

struct idempotency *idempotency_new(struct hash_key seed); /* yours, until idempotency_free() */
void idempotency_free(struct idempotency **idempotency);

/* Reads the header; false: answered 400. request->idempotency_key stays TEXT_NONE without one. */
MUST_USE bool idempotency_read_key(struct request *request);
/* Waits for an equal request of this process; false: answered 409. Before request->act begins. */
MUST_USE bool idempotency_enter(struct request *request);
/* In the open act: claims the record. False: answered, by replay or refusal, or the act ended. */
MUST_USE bool idempotency_claim(struct request *request);
/* In the open act: asks that the answer be kept with the record. */
void idempotency_keep(struct request *request, struct text answer);
/* In a fresh act: asks that a refusal be kept, too; what it refused was rolled back. */
void idempotency_keep_refusal(struct request *request, struct text answer);
void idempotency_leave(struct request *request);
