#include "ledger/book.h"

#include "policy/retry.h"

#include "ledger/ending.h"
#include "ledger/holding.h"
#include "ledger/placing.h"

#include "ledger_statements.h"

enum book_from { BOOK_FROM_ACCEPTED, BOOK_FROM_OVER, BOOK_FROM_ANY_SLOT };

struct booking_work {
    struct book *book;
    enum book_from from;
    struct act_step step;
    struct placing placing;
    struct ending ending;
    size_t held, over;
};

static void book_end(struct book *book, enum book_word word)
{
    book->word = word;
    book->done(book);
}

static void book_placed(struct placing *placing)
{
    struct booking_work *work = container_of(placing, struct booking_work, placing);
    work->book->slot = placing->slot;
    book_end(work->book, placing->word == PLACED ? BOOK_MADE : placing->word == PLACING_WAITS ? BOOK_WAITS : BOOK_GONE);
}

static void book_expired(struct ending *ending)
{
    struct booking_work *work = container_of(ending, struct booking_work, ending);
    book_end(work->book, BOOK_EXPIRED);
}

static void book_expire(struct act *act, struct booking_work *work)
{
    work->ending = (struct ending){
        .messages = &work->book->message,
        .count = 1,
        .state = "expired",
        .code = "expired",
        .event = "message.expired",
        .done = book_expired,
    };
    ending_start(act, &work->ending);
}

static void book_place(struct act *act, struct booking_work *work, const struct message_hold_row *message)
{
    bool retry = message->attempt_count > 0 || !instant_is_none(message->retry_at);
    bool deferred = retry && (text_equal(message->explanation_code, TEXT("deferred_by_receiver")) ||
                              text_equal(message->explanation_code, TEXT("greylisted")));
    work->placing = (struct placing){
        .message = work->book->message,
        .mailbox = message->mailbox_id,
        .recipient_key = message->recipient_key,
        .domain_key = message->domain_key,
        .not_before = instant_max(work->book->not_before, instant_max(message->scheduled_at, message->retry_at)),
        .code = deferred ? message->explanation_code : TEXT_NONE,
        .about = deferred ? message->explanation_about : TEXT_NONE,
        .scheduled_at = message->scheduled_at,
        .done = book_placed,
    };
    placing_start(act, &work->placing);
}

static bool book_lost_slot(struct act *act, const struct booking_work *work)
{
    return work->from == BOOK_FROM_OVER ? slot_over_count(act->transaction, work->over) == 1
                                        : slots_drop_count(act->transaction, work->over) == 1;
}

static void book_heard(struct act_step *step)
{
    struct booking_work *work = container_of(step, struct booking_work, step);
    struct act *act = step->act;
    if (message_hold_count(act->transaction, work->held) == 0) {
        book_end(work->book, BOOK_GONE);
        return;
    }
    struct message_hold_row message = message_hold_get(act->transaction, work->held, 0);
    bool ours =
        work->from == BOOK_FROM_ACCEPTED ? text_equal(message.state, TEXT("accepted")) : book_lost_slot(act, work);
    if (!ours)
        book_end(work->book, BOOK_GONE);
    else if (!instant_is_none(message.first_attempt_at) && retry_is_expired(message.first_attempt_at, act->now))
        book_expire(act, work);
    else
        book_place(act, work, &message);
}

static void book_start(struct act *act, struct book *book, enum book_from from, bool mailbox_held)
{
    struct booking_work *work = arena_make(act->arena, struct booking_work);
    work->book = book;
    work->from = from;
    work->held = mailbox_held
                     ? message_hold_ask(act->transaction, &(struct message_hold){ act->customer, book->message })
                     : holding_ask(act, book->message);
    if (from == BOOK_FROM_OVER)
        work->over = slot_over_ask(act->transaction, &(struct slot_over){ act->customer, book->message, act->now });
    if (from == BOOK_FROM_ANY_SLOT)
        work->over = slots_drop_ask(act->transaction, &(struct slots_drop){ act->customer, { &book->message, 1 } });
    act_read(act, &work->step, book_heard);
}

void book_message(struct act *act, struct book *book)
{
    book_start(act, book, BOOK_FROM_ACCEPTED, false);
}

void book_anew(struct act *act, struct book *book)
{
    book_start(act, book, BOOK_FROM_OVER, false);
}

void book_held(struct act *act, struct book *book)
{
    book_start(act, book, BOOK_FROM_ACCEPTED, true);
}

void book_displaced(struct act *act, struct book *book)
{
    book_start(act, book, BOOK_FROM_ANY_SLOT, true);
}
