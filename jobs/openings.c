#include "ledger/book.h"

#include "jobs/chore.h"
#include "jobs/works.h"
#include "jobs_statements.h"

#define AHEAD_DAYS 14 /* laid at a time: what /plan and capacity usually look at, and weeks of grace if we are away */
#define LEAST_DAYS 7  /* laid again when less is left */

struct openings {
    struct chore chore;
    struct lay lay;
};

static size_t openings_find(struct chore *chore, struct transaction *transaction)
{
    struct instant now = clock_now(chore->work.crew->given.clock);
    struct day before = day_add(day_of_instant_utc(now), LEAST_DAYS);
    return mailboxes_to_lay_ask(transaction, &(struct mailboxes_to_lay){ .before = before, .most = CHORE_PIECES });
}

static void openings_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < mailboxes_to_lay_count(transaction, asked); i++) {
        struct mailboxes_to_lay_row row = mailboxes_to_lay_get(transaction, asked, i);
        chore_add(chore, (struct piece){ row.customer_id, row.mailbox_id, INSTANT_NONE });
    }
}

static void openings_laid(struct lay *lay)
{
    struct openings *openings = container_of(lay, struct openings, lay);
    openings->chore.worth_counting = lay->laid > 0;
    act_commit(&openings->chore.act);
}

static void openings_start(struct chore *chore, const struct piece *piece)
{
    struct openings *openings = container_of(chore, struct openings, chore);
    openings->lay = (struct lay){ .mailbox = piece->id, .days = AHEAD_DAYS, .done = openings_laid };
    lay_mailbox(chore_act(chore, piece), &openings->lay);
}

struct work *openings_work(void)
{
    struct openings *openings = memory_make(struct openings);
    openings->chore = (struct chore){
        .work = { .name = "openings", .every_us = 2 * US_PER_SECOND, .begin = chore_begin },
        .find = openings_find,
        .take = openings_take,
        .start = openings_start,
        .done_words = "mailboxes have openings for more days",
    };
    return &openings->chore.work;
}
