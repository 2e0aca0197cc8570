/* A key's bucket: what may come at once, and how it fills again. */
#include "server/rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct uuid one = { { 1 } }, two = { { 2 } };

static void a_key_may_ask_at_once_and_then_at_its_rate(void **state)
{
    (void)state;
    struct rates *rates = rates_new((struct hash_key){ 1, 2 }, 60, 3); /* one a second, three at once */
    struct tick now = { 1000000 };
    for (int i = 2; i >= 0; i--) {
        struct rates_word word = rates_take(rates, one, now);
        assert_true(word.allowed && word.left == i);
    }
    struct rates_word refused = rates_take(rates, one, now);
    assert_false(refused.allowed);
    assert_int_equal(refused.retry_after_s, 1);
    assert_int_equal(refused.full_in_s, 1);           /* Retry-After is not earlier than the field says */
    assert_true(rates_take(rates, two, now).allowed); /* another key's bucket is its own */
    assert_false(rates_take(rates, one, tick_add(now, 999999)).allowed);
    assert_true(rates_take(rates, one, tick_add(now, 1000000)).allowed); /* what Retry-After said is kept */
    assert_int_equal(rates_take(rates, one, tick_add(now, 100 * US_PER_SECOND)).left, 2);
    rates_free(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_key_may_ask_at_once_and_then_at_its_rate) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
