/* worker/permit: never more out than allowed, at the receiver and at the address; a rest ends by itself. */
#include "worker/permit.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/hash.h"

enum { HELD = 64, STEPS = 20000 };

static struct loop *loop;
static struct permit_book *book;
static struct permit_home home;
static unsigned homecomings;
static int64_t rested_us;

static void returned(struct permit_home *at)
{
    assert_ptr_equal(at, &home);
    homecomings++;
    loop_stop(loop);
}

static void rests(struct permit_home *at, int64_t grace_us)
{
    assert_ptr_equal(at, &home);
    rested_us = grace_us;
}

static int setup(void **state)
{
    (void)state;
    loop = loop_new();
    home = (struct permit_home){ returned, rests };
    book = permit_book_new(loop, &home);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    permit_book_free(&book);
    loop_free(&loop);
    return 0;
}

/* P4; catches: a permit lent because one of the two counts was not looked at, or a count that drifts. */
static void no_more_are_out_than_the_receiver_and_the_address_allow(void **state)
{
    (void)state;
    static const char *const receivers[] = { "gmail", "127.0.0.1:2525", "127.0.0.1:2526" };
    static const char *const addresses[] = { "192.0.2.1", "127.0.0.1", "127.0.0.1" };
    struct permit *held[HELD] = { NULL };
    unsigned of[HELD], at_receiver[3] = { 0 }, out = 0;
    uint64_t word = 7;
    for (int step = 0; step < STEPS; step++) {
        word = hash_mix(word);
        size_t place = word % HELD, kind = word / HELD % 3;
        if (held[place] != NULL) {
            at_receiver[of[place]]--;
            out--;
            permit_return(book, &held[place]);
            assert_null(held[place]);
            continue;
        }
        unsigned receiver_max = (unsigned)(word / 1024 % 4), address_max = 1 + (unsigned)(word / 8192 % 2);
        struct permit_wish wish = { text_of(receivers[kind]), text_of(addresses[kind]), receiver_max, address_max };
        unsigned at_address = kind == 0 ? at_receiver[0] : at_receiver[1] + at_receiver[2];
        held[place] = permit_take(book, &wish);
        assert_int_equal(held[place] != NULL, at_receiver[kind] < receiver_max && at_address < address_max);
        of[place] = (unsigned)kind;
        at_receiver[kind] += held[place] != NULL;
        out += held[place] != NULL;
        assert_int_equal(permit_out(book), out);
        assert_int_equal(permit_out_at(book, wish.receiver), at_receiver[kind]);
    }
    for (size_t i = 0; i < HELD; i++)
        if (held[i] != NULL)
            permit_return(book, &held[i]);
}

static void a_resting_permit_counts_until_its_grace_is_over(void **state) /* T40; catches: a reset taken for a close */
{
    (void)state;
    struct permit_wish wish = { TEXT("slow"), TEXT("127.0.0.9"), 1, 1 };
    struct permit *permit = permit_take(book, &wish);
    unsigned before = homecomings;
    permit_rest(book, &permit, 20000);
    assert_int_equal(rested_us, 20000);
    assert_null(permit);
    assert_null(permit_take(book, &wish));
    while (homecomings == before) /* an earlier homecoming may have left a stop behind */
        loop_run(loop);
    assert_int_equal(homecomings, before + 1);
    permit = permit_take(book, &wish);
    assert_non_null(permit);
    permit_return(book, &permit);
}

/* P4; catches: a permit that comes home in the moment of the close, or tells the next owner of a moment. */
static void a_settling_permit_counts_for_a_moment_and_tells_nobody(void **state)
{
    (void)state;
    struct permit_wish wish = { TEXT("closes first"), TEXT("127.0.0.10"), 1, 1 };
    struct permit *permit = permit_take(book, &wish);
    unsigned before = homecomings;
    rested_us = 0;
    permit_settle(book, &permit, 20000);
    assert_int_equal(rested_us, 0);
    assert_null(permit_take(book, &wish));
    while (homecomings == before)
        loop_run(loop);
    permit = permit_take(book, &wish);
    assert_non_null(permit);
    permit_return(book, &permit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_are_out_than_the_receiver_and_the_address_allow),
        cmocka_unit_test(a_resting_permit_counts_until_its_grace_is_over),
        cmocka_unit_test(a_settling_permit_counts_for_a_moment_and_tells_nobody),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
