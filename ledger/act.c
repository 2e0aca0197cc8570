#include "ledger/act.h"

static void act_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct act *act = container_of(wait, struct act, wait);
    struct arena *arena = act->arena; /* the owner may be gone when `ended` returns */
    assert(act->transaction == transaction);
    act->ended(act, end);
    arena_free(&arena);
}

void act_begin(struct act *act, struct ledger *ledger, struct uuid customer,
               void (*ended)(struct act *act, const struct pg_end *end))
{
    *act = (struct act){
        .ledger = ledger,
        .customer = customer,
        .now = clock_now(ledger->clock),
        .real = clock_steady(ledger->clock),
        .arena = arena_new(),
        .ended = ended,
        .wait = { .ended = act_ended },
    };
    act->transaction = transaction_new(ledger->pool, customer, &act->wait);
}

static void act_heard(struct transaction_wait *wait, struct transaction *transaction)
{
    struct act *act = container_of(wait, struct act, wait);
    struct act_step *step = act->step;
    assert(act->transaction == transaction && step != NULL && step->act == act);
    act->step = NULL;
    step->heard(step);
}

void act_read(struct act *act, struct act_step *step, void (*heard)(struct act_step *step))
{
    assert(act->step == NULL);
    *step = (struct act_step){ heard, act };
    act->step = step;
    transaction_read(act->transaction, act_heard);
}

void act_commit(struct act *act)
{
    transaction_commit(act->transaction);
}

void act_rollback(struct act *act)
{
    transaction_rollback(act->transaction);
}

struct uuid act_id(struct act *act)
{
    return random_id(act->ledger->random, act->now);
}
