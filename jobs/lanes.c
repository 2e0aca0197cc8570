#include "io/log.h"

#include "ledger/ownership.h"

#include "jobs/chore.h"
#include "jobs/works.h"
#include "jobs_statements.h"

#define UNSEEN_US (2 * US_PER_MINUTE) /* real: a living lane is seen every few seconds */

struct lanes {
    struct chore chore;
    struct ownership ownership;
};

static size_t lanes_find(struct chore *chore, struct transaction *transaction)
{
    struct instant seen_before = instant_add(clock_steady(chore->work.crew->given.clock), -UNSEEN_US);
    return lanes_unseen_ask(transaction, &(struct lanes_unseen){ .seen_before = seen_before, .most = CHORE_PIECES });
}

static void lanes_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < lanes_unseen_count(transaction, asked); i++) {
        struct lanes_unseen_row row = lanes_unseen_get(transaction, asked, i);
        chore_add(chore, (struct piece){ row.customer_id, row.ip_id, INSTANT_NONE });
    }
}

static void lane_told(struct ownership *ownership)
{
    struct lanes *lanes = container_of(ownership, struct lanes, ownership);
    switch (ownership->word) {
    case OWNERSHIP_OURS:
        log_warning("lanes", "a lane was not seen for two minutes; unconfirmed: %zu", ownership->settled);
        chore_next(&lanes->chore, CHORE_DONE);
        return;
    case OWNERSHIP_STALE: /* it was seen meanwhile */
    case OWNERSHIP_NO_LANE: chore_next(&lanes->chore, CHORE_NOTHING); return;
    case OWNERSHIP_AGAIN: chore_next(&lanes->chore, CHORE_AWAY); return;
    }
}

static void lanes_start(struct chore *chore, const struct piece *piece)
{
    struct lanes *lanes = container_of(chore, struct lanes, chore);
    lanes->ownership = (struct ownership){
        .customer = piece->customer, .ip = piece->id, .older_than_us = UNSEEN_US, .told = lane_told
    };
    ownership_raise_unseen(chore->work.crew->given.ledger, &lanes->ownership);
}

struct work *lanes_work(void)
{
    struct lanes *lanes = memory_make(struct lanes);
    lanes->chore = (struct chore){
        .work = { .name = "lanes", .every_us = 5 * US_PER_SECOND, .begin = chore_begin },
        .find = lanes_find,
        .take = lanes_take,
        .start = lanes_start,
        .done_words = "lanes were given up",
    };
    return &lanes->chore.work;
}
