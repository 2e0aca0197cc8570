/*
 * chore — work that is found first and then done piece by piece, one transaction each.
 *
 * One life of a run: find() asks one statement in a transaction that only reads; take() calls chore_add() for each of its
 * rows; then start() is called for one piece after the other, and each ends with chore_next() or, where the piece is an act
 * of the ledger, with the end of chore->act. A piece that is refused is said and left; when the database is away the run
 * ends. A run that was full begins anew at once.
 */
#pragma once

#include "ledger/act.h"

#include "jobs/claim.h"

enum { CHORE_PIECES = 100 }; /* of a run: short enough for its claim */

struct piece {
    struct uuid customer, id;
    struct instant not_before; /* INSTANT_NONE where it has none */
};

struct chore {
    struct work work;                                                     /* name and every_us given */
    size_t (*find)(struct chore *chore, struct transaction *transaction); /* what NAME_ask() told */
    void (*take)(struct chore *chore, struct transaction *transaction, size_t asked);
    void (*start)(struct chore *chore, const struct piece *piece);
    void (*ended)(struct chore *chore); /* NULL, or: the run's last piece is done; for the log */
    const char *done_words;             /* "messages booked anew": logged with their number */

    struct act act; /* for start(): chore_act() */
    struct piece pieces[CHORE_PIECES];
    size_t count, at;
    size_t done;         /* pieces that came true in this run */
    bool worth_counting; /* of the piece at hand: set by its act */
    size_t asked;
    struct transaction_wait wait;
};

/* Given as work.begin. */
void chore_begin(struct work *work);
void chore_add(struct chore *chore, struct piece piece);

/* Begins chore->act for the piece's customer. Its end leads on to the next piece; done counts if worth_counting. */
struct act *chore_act(struct chore *chore, const struct piece *piece);

enum chore_word { CHORE_DONE, CHORE_NOTHING, CHORE_AWAY };
/* For pieces that are no act: done, nothing to do, or the database was away. */
void chore_next(struct chore *chore, enum chore_word word);
