#include "base/bounds.h"

#include "io/log.h"

#include "ledger/book.h"

#include "jobs/works.h"
#include "jobs_statements.h"

/*
 * Round and round through the mailboxes that have messages without a slot: of each, its messages are offered openings in
 * order, until one that might have been sent now finds none. So a thousand messages that wait for next month cost one
 * question a round.
 */

enum { MAILBOXES_AT_ONCE = 100, MESSAGES_AT_ONCE = 50 };

struct waiting {
    struct work work;
    struct transaction_wait wait;
    struct act act;
    struct book book;
    struct {
        struct uuid customer, mailbox;
    } mailboxes[MAILBOXES_AT_ONCE];
    size_t mailbox_count, mailbox_at;
    struct {
        struct uuid message;
        struct instant not_before;
    } messages[MESSAGES_AT_ONCE];
    size_t message_count, message_at;
    struct uuid after_customer, after_mailbox; /* where the round goes on */
    struct instant now, horizon;
    size_t asked, booked;
};

static void next_mailbox(struct waiting *waiting);
static void next_message(struct waiting *waiting);

static void end_run(struct waiting *waiting, enum work_end end)
{
    if (waiting->booked > 0)
        log_info("waiting", "booked of those that waited: %zu", waiting->booked);
    work_end(&waiting->work, end);
}

/* ---- a message ---- */

static void message_done(struct book *book)
{
    struct waiting *waiting = container_of(book, struct waiting, book);
    trace(TRACE_JOBS, "waiting", "%.*s %s", TEXT_ARG(id_text(waiting->act.arena, ID_MESSAGE, book->message)),
          book->word == BOOK_MADE ? "booked" : "not booked");
    act_commit(&waiting->act);
}

static void message_ended(struct act *act, const struct pg_end *end)
{
    struct waiting *waiting = container_of(act, struct waiting, act);
    if (end->word == PG_UNAVAILABLE || end->word == PG_UNKNOWN) {
        end_run(waiting, WORK_FAILED);
        return;
    }
    if (end->word == PG_REFUSED)
        log_warning("waiting", "refused: %s %.*s", end->sqlstate, TEXT_ARG(end->words));
    bool made = end->word == PG_COMMITTED && waiting->book.word == BOOK_MADE;
    bool none_left = end->word == PG_COMMITTED && waiting->book.word == BOOK_WAITS &&
                     !instant_before(act->now, waiting->messages[waiting->message_at].not_before);
    waiting->booked += made ? 1 : 0;
    waiting->message_at++;
    if (none_left)
        next_mailbox(waiting);
    else
        next_message(waiting);
}

static void next_message(struct waiting *waiting)
{
    if (waiting->message_at == waiting->message_count || work_is_stopping(&waiting->work)) {
        next_mailbox(waiting);
        return;
    }
    waiting->book = (struct book){ .message = waiting->messages[waiting->message_at].message,
                                   .not_before = INSTANT_NONE,
                                   .done = message_done };
    struct uuid customer = waiting->mailboxes[waiting->mailbox_at - 1].customer;
    act_begin(&waiting->act, waiting->work.crew->given.ledger, customer, message_ended);
    book_message(&waiting->act, &waiting->book);
}

/* ---- a mailbox ---- */

static void messages_found(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct waiting *waiting = container_of(wait, struct waiting, wait);
    if (end->word != PG_COMMITTED) {
        end_run(waiting, WORK_FAILED);
        return;
    }
    waiting->message_at = 0;
    waiting->message_count = messages_waiting_count(transaction, waiting->asked);
    for (size_t i = 0; i < waiting->message_count; i++) {
        struct messages_waiting_row row = messages_waiting_get(transaction, waiting->asked, i);
        waiting->messages[i].message = row.message_id;
        waiting->messages[i].not_before = row.not_before;
    }
    next_message(waiting);
}

static void next_mailbox(struct waiting *waiting)
{
    if (waiting->mailbox_at == waiting->mailbox_count || work_is_stopping(&waiting->work)) {
        end_run(waiting, waiting->mailbox_count == MAILBOXES_AT_ONCE ? WORK_GOES_ON : WORK_RESTS);
        return;
    }
    struct uuid customer = waiting->mailboxes[waiting->mailbox_at].customer;
    struct uuid mailbox = waiting->mailboxes[waiting->mailbox_at++].mailbox;
    waiting->after_customer = customer;
    waiting->after_mailbox = mailbox;
    waiting->wait.ended = messages_found;
    struct transaction *transaction = transaction_new_reading(waiting->work.crew->given.pool, customer, &waiting->wait);
    waiting->asked = messages_waiting_ask(transaction, &(struct messages_waiting){
                                                           .customer = customer,
                                                           .mailbox = mailbox,
                                                           .now = waiting->now,
                                                           .horizon = waiting->horizon,
                                                           .most = MESSAGES_AT_ONCE,
                                                       });
    transaction_commit(transaction);
}

/* ---- a run ---- */

static void mailboxes_found(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct waiting *waiting = container_of(wait, struct waiting, wait);
    if (end->word != PG_COMMITTED) {
        end_run(waiting, WORK_FAILED);
        return;
    }
    waiting->mailbox_at = 0;
    waiting->mailbox_count = mailboxes_waiting_count(transaction, waiting->asked);
    for (size_t i = 0; i < waiting->mailbox_count; i++) {
        struct mailboxes_waiting_row row = mailboxes_waiting_get(transaction, waiting->asked, i);
        waiting->mailboxes[i].customer = row.customer_id;
        waiting->mailboxes[i].mailbox = row.mailbox_id;
    }
    if (waiting->mailbox_count < MAILBOXES_AT_ONCE)
        waiting->after_customer = waiting->after_mailbox = UUID_NIL; /* the round begins anew */
    next_mailbox(waiting);
}

static void waiting_begin(struct work *work)
{
    struct waiting *waiting = container_of(work, struct waiting, work);
    waiting->booked = 0;
    waiting->now = clock_now(work->crew->given.clock);
    waiting->horizon = instant_add(waiting->now, BOUND_SLOT_HORIZON_DAYS * US_PER_DAY);
    waiting->wait.ended = mailboxes_found;
    struct transaction *transaction = transaction_new_reading(work->crew->given.pool, UUID_NIL, &waiting->wait);
    waiting->asked = mailboxes_waiting_ask(transaction, &(struct mailboxes_waiting){
                                                            .after_customer = waiting->after_customer,
                                                            .after_mailbox = waiting->after_mailbox,
                                                            .now = waiting->now,
                                                            .horizon = waiting->horizon,
                                                            .most = MAILBOXES_AT_ONCE,
                                                        });
    transaction_commit(transaction);
}

struct work *waiting_work(void)
{
    struct waiting *waiting = memory_make(struct waiting);
    waiting->work = (struct work){ .name = "waiting", .every_us = 2 * US_PER_SECOND, .begin = waiting_begin };
    return &waiting->work;
}
