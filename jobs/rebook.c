#include "base/bounds.h"

#include "io/log.h"

#include "ledger/book.h"

#include "jobs/chore.h"
#include "jobs/works.h"
#include "jobs_statements.h"

struct rebook {
    struct chore chore;
    struct book book;
    void (*how)(struct act *act, struct book *book);
};

static void rebook_done(struct book *book)
{
    static const char *const words[] = {
        [BOOK_MADE] = "booked", [BOOK_WAITS] = "waits", [BOOK_EXPIRED] = "expired", [BOOK_GONE] = "moved meanwhile"
    };
    struct rebook *rebook = container_of(book, struct rebook, book);
    struct act *act = &rebook->chore.act;
    trace(TRACE_JOBS, rebook->chore.work.name, "%.*s %s", TEXT_ARG(id_text(act->arena, ID_MESSAGE, book->message)),
          words[book->word]);
    rebook->chore.worth_counting = book->word != BOOK_GONE;
    act_commit(act);
}

static void rebook_start(struct chore *chore, const struct piece *piece)
{
    struct rebook *rebook = container_of(chore, struct rebook, chore);
    rebook->book = (struct book){ .message = piece->id, .not_before = INSTANT_NONE, .done = rebook_done };
    rebook->how(chore_act(chore, piece), &rebook->book);
}

static size_t overdue_find(struct chore *chore, struct transaction *transaction)
{
    struct instant now = clock_now(chore->work.crew->given.clock);
    return slots_overdue_ask(transaction, &(struct slots_overdue){ .now = now, .most = CHORE_PIECES });
}

static void overdue_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < slots_overdue_count(transaction, asked); i++) {
        struct slots_overdue_row row = slots_overdue_get(transaction, asked, i);
        chore_add(chore, (struct piece){ row.customer_id, row.message_id, INSTANT_NONE });
    }
}

static size_t expiry_find(struct chore *chore, struct transaction *transaction)
{
    struct instant now = clock_now(chore->work.crew->given.clock);
    struct instant tried_until = instant_add(now, -BOUND_LIFETIME_DAYS * US_PER_DAY);
    return messages_expired_ask(transaction,
                                &(struct messages_expired){ .tried_until = tried_until, .most = CHORE_PIECES });
}

static void expiry_take(struct chore *chore, struct transaction *transaction, size_t asked)
{
    for (size_t i = 0; i < messages_expired_count(transaction, asked); i++) {
        struct messages_expired_row row = messages_expired_get(transaction, asked, i);
        chore_add(chore, (struct piece){ row.customer_id, row.message_id, INSTANT_NONE });
    }
}

struct work *overdue_work(void)
{
    struct rebook *rebook = memory_make(struct rebook);
    rebook->how = book_anew;
    rebook->chore = (struct chore){
        .work = { .name = "overdue", .every_us = US_PER_SECOND / 2, .begin = chore_begin },
        .find = overdue_find,
        .take = overdue_take,
        .start = rebook_start,
        .done_words = "messages lost a slot that passed, and were booked anew, wait or expired",
    };
    return &rebook->chore.work;
}

struct work *expiry_work(void)
{
    struct rebook *rebook = memory_make(struct rebook);
    rebook->how = book_message;
    rebook->chore = (struct chore){
        .work = { .name = "expiry", .every_us = 5 * US_PER_SECOND, .begin = chore_begin },
        .find = expiry_find,
        .take = expiry_take,
        .start = rebook_start,
        .done_words = "messages without a slot expired",
    };
    return &rebook->chore.work;
}
