#include "ledger/booking_list.h"

static void booking_list_next(struct booking_list *list);

static void booking_list_booked(struct book *book)
{
    booking_list_next(container_of(book, struct booking_list, book));
}

/* The caller's `done` may come at once, with nothing to do; booking itself always takes a turn of the loop. */
static void booking_list_next(struct booking_list *list)
{
    if (list->next == list->count) {
        list->done(list);
        return;
    }
    list->book = (struct book){
        .message = list->messages[list->next++],
        .not_before = INSTANT_NONE,
        .done = booking_list_booked,
    };
    if (list->displaced)
        book_displaced(list->act, &list->book);
    else
        book_held(list->act, &list->book);
}

void booking_list_start(struct act *act, struct booking_list *list)
{
    list->act = act;
    list->next = 0;
    booking_list_next(list);
}
