/*
 * act — one transaction in which the ledger writes, and its owner may too.
 *
 * One life: the owner embeds a struct act and begins it for one customer; nothing is sent yet. It may ask statements of
 * its own on act->transaction; it calls functions of this room, one after the other, each of which ends by calling the
 * `done` of the struct that it was given. In `done` the owner looks at the word, asks what belongs to the answer (an
 * idempotency record), and ends the act: act_commit() for a word that says it was made, act_rollback() for a refusal.
 * `ended` is called once, whatever happens: only PG_COMMITTED means that any of it is true.
 *
 *   static void accepted(struct accept *accept) { ...; act_commit(&request->act); }
 *   static void ended(struct act *act, const struct pg_end *end) { ...; 202 only for PG_COMMITTED }
 *
 *   act_begin(&request->act, ledger, customer, ended);
 *   request->accept = (struct accept) { ..., .done = accepted };
 *   accept_message(&request->act, &request->accept);
 *
 * `done` is always called later, from the loop, and not at all when a statement failed or the connection was lost: then
 * `ended` alone hears it. What a function was given must stay until its `done`, or `ended`. The arena, and all that the
 * functions tell in it, lives until `ended` returns.
 */
#pragma once

#include "ledger/ledger.h"

struct act;

/* Embedded in whatever waits for rows; found back with container_of(). */
struct act_step {
    void (*heard)(struct act_step *step);
    struct act *act;
};

struct act {
    struct ledger *ledger;
    struct uuid customer;
    struct instant now;  /* the rules' clock, as it was at act_begin() */
    struct instant real; /* the machine's */
    struct arena *arena;
    struct transaction *transaction;
    void (*ended)(struct act *act, const struct pg_end *end);
    struct transaction_wait wait; /* act's own */
    struct act_step *step;        /* act's own */
};

void act_begin(struct act *act, struct ledger *ledger, struct uuid customer,
               void (*ended)(struct act *act, const struct pg_end *end));

/* Sends what was asked; step->heard is called in the open transaction. */
void act_read(struct act *act, struct act_step *step, void (*heard)(struct act_step *step));
void act_commit(struct act *act);
void act_rollback(struct act *act);

/* A fresh UUIDv7 of act->now. */
struct uuid act_id(struct act *act);
