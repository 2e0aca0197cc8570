#include "worker/permit.h"

#include "base/map.h"

/* How many are out under one name: a receiver's id, or a remote address. */
struct place {
    struct text name;
    unsigned out;
};

struct permit {
    struct permit_book *book;
    struct place *receiver, *address;
    struct timer rest;
    struct link link; /* in book->resting, or free */
};

struct permit_book {
    struct loop *loop;
    struct permit_home *home;
    struct arena *names; /* places live as long as the book: receivers are few */
    struct map *receivers, *addresses;
    struct list resting;
    unsigned out;
};

struct permit_book *permit_book_new(struct loop *loop, struct permit_home *home)
{
    struct permit_book *book = memory_make(struct permit_book);
    book->loop = loop;
    book->home = home;
    book->names = arena_new();
    book->receivers = map_new((struct hash_key){ 1, 2 });
    book->addresses = map_new((struct hash_key){ 3, 4 });
    list_init(&book->resting);
    return book;
}

static void permit_end(struct permit *permit)
{
    struct permit_book *book = permit->book;
    assert(book->out > 0 && permit->receiver->out > 0 && permit->address->out > 0);
    book->out--;
    permit->receiver->out--;
    permit->address->out--;
    timer_stop(&permit->rest);
    list_remove(&permit->link);
    memory_free(&permit);
}

void permit_book_free(struct permit_book **freed)
{
    struct permit_book *book = *freed;
    if (book == NULL)
        return;
    for (struct link *link; (link = list_first(&book->resting)) != NULL;)
        permit_end(container_of(link, struct permit, link));
    assert(book->out == 0);
    map_free(&book->receivers);
    map_free(&book->addresses);
    arena_free(&book->names);
    memory_free(freed);
}

static struct place *place_of(struct permit_book *book, struct map *places, struct text name)
{
    struct place *place = map_find(places, name);
    if (place != NULL)
        return place;
    place = arena_make(book->names, struct place);
    place->name = text_copy(book->names, name);
    map_put(places, place->name, place);
    return place;
}

static unsigned out_at(const struct map *places, struct text name)
{
    const struct place *place = map_find(places, name);
    return place == NULL ? 0 : place->out;
}

bool permit_has_room(const struct permit_book *book, const struct permit_wish *wish)
{
    return out_at(book->receivers, wish->receiver) < wish->at_receiver_max &&
           out_at(book->addresses, wish->address) < wish->at_address_max;
}

static void permit_rested(struct timer *timer)
{
    struct permit *permit = container_of(timer, struct permit, rest);
    permit_return(permit->book, &permit);
}

struct permit *permit_take(struct permit_book *book, const struct permit_wish *wish)
{
    if (!permit_has_room(book, wish))
        return NULL;
    struct permit *permit = memory_make(struct permit);
    permit->book = book;
    permit->receiver = place_of(book, book->receivers, wish->receiver);
    permit->address = place_of(book, book->addresses, wish->address);
    timer_init(&permit->rest, book->loop, permit_rested);
    link_init(&permit->link);
    permit->receiver->out++;
    permit->address->out++;
    book->out++;
    return permit;
}

void permit_return(struct permit_book *book, struct permit **permit)
{
    permit_end(*permit);
    *permit = NULL;
    book->home->returned(book->home);
}

void permit_settle(struct permit_book *book, struct permit **permit, int64_t settle_us)
{
    list_append(&book->resting, &(*permit)->link);
    timer_start(&(*permit)->rest, settle_us);
    *permit = NULL;
}

void permit_rest(struct permit_book *book, struct permit **permit, int64_t grace_us)
{
    permit_settle(book, permit, grace_us);
    book->home->rests(book->home, grace_us);
}

unsigned permit_out(const struct permit_book *book)
{
    return book->out;
}

unsigned permit_out_at(const struct permit_book *book, struct text receiver)
{
    return out_at(book->receivers, receiver);
}
