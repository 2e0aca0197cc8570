/* (IP, receiver): the limit now, hold until, failures in a row. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/pacing.h"

#include "any.h"

#define S US_PER_SECOND

static struct instant at_s(int64_t seconds)
{
    return (struct instant){ seconds * S };
}

static struct pacing throttle(struct pacing pacing, int64_t asked_s, uint64_t random, struct instant now)
{
    struct pacing_throttle heard = { asked_s * S, random };
    return pacing_after(pacing, PACING_THROTTLE, &heard, now);
}

static struct pacing success(struct pacing pacing, struct instant now)
{
    return pacing_after(pacing, PACING_SUCCESS, NULL, now);
}

static void the_limit_rises_one_by_one_to_the_maximum_and_no_further(void **state) /* catches: probing beyond it */
{
    (void)state;
    struct pacing one = pacing_new(1), two = pacing_new(2);
    assert_int_equal(pacing_connections(&two, at_s(0)), 1);
    for (int i = 0; i < 9; i++)
        two = success(two, at_s(i));
    assert_int_equal(pacing_connections(&two, at_s(10)), 1);
    for (int i = 0; i < 50; i++) {
        one = success(one, at_s(i));
        two = success(two, at_s(i));
    }
    assert_int_equal(pacing_connections(&one, at_s(60)), 1);
    assert_int_equal(pacing_connections(&two, at_s(60)), 2);
}

/* catches: a hold shorter than 30 s, one without growth, one above an hour that nobody asked for, and a limit that comes
   back whole after it. */
static void a_throttle_holds_doubling_then_one_probe_then_slowly_back(void **state)
{
    (void)state;
    static const int64_t least_s[] = { 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600 };
    struct pacing pacing = pacing_new(2);
    for (int i = 0; i < 20; i++)
        pacing = success(pacing, at_s(0));
    struct instant now = at_s(1000);
    for (size_t i = 0; i < COUNT(least_s); i++) {
        pacing = throttle(pacing, 0, hash_mix(i), now);
        int64_t hold_us = instant_since(pacing.hold_until, now);
        assert_true(hold_us >= least_s[i] * S && hold_us <= MIN_OF(3600 * S, least_s[i] * S * 5 / 4));
        assert_int_equal(pacing_connections(&pacing, now), 0);
        assert_int_equal(pacing_connections(&pacing, instant_add(pacing.hold_until, -1)), 0);
        assert_int_equal(pacing_connections(&pacing, pacing.hold_until), 1);
        assert_int_equal(pacing.failures_in_row, i + 1);
        now = pacing.hold_until;
    }
    pacing = success(pacing, now);
    assert_int_equal(pacing.failures_in_row, 0);
    assert_int_equal(pacing_connections(&pacing, now), 1);
    struct pacing again = throttle(pacing, 0, 0, now);
    assert_true(instant_since(again.hold_until, now) > 30 * S); /* one success does not forget ten throttles */
    for (int i = 0; i < 20; i++)
        pacing = success(pacing, now);
    assert_int_equal(pacing_connections(&pacing, now), 2);
    again = throttle(pacing, 0, 0, now);
    assert_int_equal(instant_since(again.hold_until, now), 30 * S);
}

static void an_entry_that_asks_for_longer_is_given_it(void **state) /* catches: Yahoo's two hours cut to one */
{
    (void)state;
    struct pacing pacing = throttle(pacing_new(1), 7200, 12345, at_s(0));
    assert_true(instant_since(pacing.hold_until, at_s(0)) >= 7200 * S);
    pacing = throttle(pacing_new(1), 300, 0, at_s(0));
    assert_int_equal(instant_since(pacing.hold_until, at_s(0)), 300 * S);
    pacing = throttle(pacing, 300, 0, at_s(300));
    assert_int_equal(instant_since(pacing.hold_until, at_s(300)), 600 * S);
}

/* catches: two connections that heard the same 421 counted as two rounds, and an old success that ends a new hold. */
static void what_was_under_way_when_the_hold_began_changes_little(void **state)
{
    (void)state;
    struct pacing first = throttle(pacing_new(2), 0, 0, at_s(0));
    struct pacing second = throttle(first, 0, 0, at_s(1));
    assert_int_equal(second.doublings, first.doublings);
    assert_true(second.hold_until.us <= at_s(1 + 30).us);
    struct pacing late = success(first, at_s(2));
    assert_int_equal(pacing_connections(&late, at_s(2)), 0);
    assert_true(late.probing);
}

static void
a_release_lifts_the_hold_and_leaves_the_probe(void **state) /* catches: an operator's word that opens two at once */
{
    (void)state;
    struct pacing pacing = throttle(pacing_new(2), 0, 0, at_s(0));
    pacing = pacing_after(pacing, PACING_RELEASE, NULL, at_s(1));
    assert_int_equal(pacing_connections(&pacing, at_s(1)), 1);
    assert_true(pacing.probing);
}

/* property: catches a state that is stored, read, and then allows more than the receiver's maximum. */
static void no_history_allows_more_than_the_maximum(void **state)
{
    (void)state;
    seeds (seed, 20000) {
        struct any any = any_of(seed);
        uint8_t max = (uint8_t)any_between(&any, 1, BOUND_CONNECTIONS);
        struct pacing pacing = pacing_new(max);
        struct instant now = at_s(0);
        for (int i = 0; i < 60; i++) {
            now = instant_add(now, any_between(&any, 0, 600) * S);
            bool throttled = any_between(&any, 0, 9) == 0;
            pacing =
                throttled ? throttle(pacing, any_between(&any, 0, 4000), any_word(&any), now) : success(pacing, now);
            if (any_between(&any, 0, 9) == 0) {
                max = (uint8_t)any_between(&any, 1, BOUND_CONNECTIONS);
                pacing = pacing_restored(pacing, max);
            }
            HOLDS(seed, pacing_connections(&pacing, now) <= max);
            HOLDS(seed, !throttled || instant_since(pacing.hold_until, now) >= 30 * S);
            HOLDS(seed, !throttled || pacing_connections(&pacing, pacing.hold_until) == 1);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_rises_one_by_one_to_the_maximum_and_no_further),
        cmocka_unit_test(a_throttle_holds_doubling_then_one_probe_then_slowly_back),
        cmocka_unit_test(an_entry_that_asks_for_longer_is_given_it),
        cmocka_unit_test(what_was_under_way_when_the_hold_began_changes_little),
        cmocka_unit_test(a_release_lifts_the_hold_and_leaves_the_probe),
        cmocka_unit_test(no_history_allows_more_than_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
