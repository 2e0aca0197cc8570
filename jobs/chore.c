#include "jobs/chore.h"

#include "io/log.h"

static void chore_end(struct chore *chore, enum work_end end)
{
    if (chore->done > 0)
        log_info(chore->work.name, "%zu %s", chore->done, chore->done_words);
    work_end(&chore->work, end);
}

static void chore_go_on(struct chore *chore)
{
    bool over = chore->at == chore->count;
    if (over || work_is_stopping(&chore->work)) {
        chore_end(chore, over && chore->count == CHORE_PIECES && chore->done > 0 ? WORK_GOES_ON : WORK_RESTS);
        return;
    }
    chore->worth_counting = false;
    chore->start(chore, &chore->pieces[chore->at++]);
}

void chore_next(struct chore *chore, enum chore_word word)
{
    chore->done += word == CHORE_DONE ? 1 : 0;
    if (word == CHORE_AWAY)
        chore_end(chore, WORK_FAILED);
    else
        chore_go_on(chore);
}

static void chore_act_ended(struct act *act, const struct pg_end *end)
{
    struct chore *chore = container_of(act, struct chore, act);
    switch (end->word) {
    case PG_COMMITTED: chore_next(chore, chore->worth_counting ? CHORE_DONE : CHORE_NOTHING); return;
    case PG_ROLLED_BACK: chore_next(chore, CHORE_NOTHING); return;
    case PG_REFUSED: /* this piece only; it is found again */
        log_warning(chore->work.name, "refused: %s %.*s", end->sqlstate, TEXT_ARG(end->words));
        chore_next(chore, CHORE_NOTHING);
        return;
    case PG_UNKNOWN: /* found again if it did not come true */
    case PG_UNAVAILABLE: chore_next(chore, CHORE_AWAY); return;
    }
}

struct act *chore_act(struct chore *chore, const struct piece *piece)
{
    act_begin(&chore->act, chore->work.crew->given.ledger, piece->customer, chore_act_ended);
    return &chore->act;
}

void chore_add(struct chore *chore, struct piece piece)
{
    if (chore->count < CHORE_PIECES)
        chore->pieces[chore->count++] = piece;
}

static void chore_found(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct chore *chore = container_of(wait, struct chore, wait);
    if (end->word != PG_COMMITTED) {
        if (end->word == PG_REFUSED)
            log_error(chore->work.name, "looking for work: %s %.*s", end->sqlstate, TEXT_ARG(end->words));
        work_end(&chore->work, WORK_FAILED);
        return;
    }
    chore->take(chore, transaction, chore->asked);
    trace(TRACE_JOBS, chore->work.name, "found %zu", chore->count);
    chore_go_on(chore);
}

void chore_begin(struct work *work)
{
    struct chore *chore = container_of(work, struct chore, work);
    chore->count = chore->at = chore->done = 0;
    chore->wait.ended = chore_found;
    struct transaction *transaction = transaction_new_reading(work->crew->given.pool, UUID_NIL, &chore->wait);
    chore->asked = chore->find(chore, transaction);
    transaction_commit(transaction);
}
