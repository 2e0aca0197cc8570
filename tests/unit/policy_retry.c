/* What a failed attempt means. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounds.h"

#include "policy/retry.h"

#include "any.h"

#define S US_PER_SECOND

static const struct instant now = { 1000000 * S };

/* A slot with hours left, the first attempt, no other slot on that day. */
static struct retry_case usual(void)
{
    return (struct retry_case){ .attempts = 1,
                                .first_attempt = now,
                                .not_after = instant_add(now, 6 * US_PER_HOUR),
                                .window = { instant_add(now, -2 * US_PER_HOUR), instant_add(now, 6 * US_PER_HOUR) },
                                .now = now };
}

/* catches: a second message after a dot (P6), a throttle taken for the message's fault, a deferral that holds everybody. */
static void stage_and_reply_decide_over_message_and_receiver(void **state)
{
    (void)state;
    static const struct {
        struct failure failure;
        enum retry retry;
        bool spent;
        enum hold hold;
        int64_t after_s, hold_s;
    } rows[] = {
        { { FAILED_AT_CONNECT, FAILURE_LOST, 0, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_CONNECT, FAILURE_SILENT, 0, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_BANNER, FAILURE_REPLY, 421, { 4, 4, 5 }, 0 }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 30, 0 },
        { { FAILED_AT_BANNER, FAILURE_REPLY, 450, { 0 }, 120 * S }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 120, 120 },
        { { FAILED_AT_BANNER, FAILURE_REPLY, 554, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 3600, 3600 },
        { { FAILED_AT_BANNER, FAILURE_LOST, 0, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_EHLO, FAILURE_REPLY, 421, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 30, 0 },
        { { FAILED_AT_EHLO, FAILURE_GARBLED, 0, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_MAIL, FAILURE_REPLY, 451, { 4, 3, 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_MAIL, FAILURE_REPLY, 421, { 4, 3, 2 }, 0 }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 300, 0 },
        { { FAILED_AT_MAIL, FAILURE_REPLY, 550, { 5, 7, 1 }, 0 }, RETRY_BOUNCED, false, HOLD_NONE, 0, 0 },
        { { FAILED_AT_RCPT, FAILURE_REPLY, 421, { 4, 4, 5 }, 0 }, RETRY_SAME_SLOT, false, HOLD_RECEIVER, 300, 0 },
        { { FAILED_AT_RCPT, FAILURE_REPLY, 450, { 4, 2, 0 }, 900 * S }, RETRY_SAME_SLOT, false, HOLD_NONE, 900, 0 },
        { { FAILED_AT_RCPT, FAILURE_REPLY, 550, { 5, 1, 1 }, 0 }, RETRY_BOUNCED, false, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DATA, FAILURE_REPLY, 452, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_DATA, FAILURE_LOST, 0, { 0 }, 0 }, RETRY_SAME_SLOT, false, HOLD_NONE, 300, 0 },
        { { FAILED_AT_DATA, FAILURE_NOT_SENT, 0, { 0 }, 0 }, RETRY_ANOTHER_SLOT, true, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DOT, FAILURE_NOT_SENT, 0, { 0 }, 0 }, RETRY_ANOTHER_SLOT, true, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DOT, FAILURE_REPLY, 451, { 4, 7, 1 }, 0 }, RETRY_ANOTHER_SLOT, true, HOLD_NONE, 300, 0 },
        { { FAILED_AT_DOT, FAILURE_REPLY, 421, { 4, 4, 5 }, 0 }, RETRY_ANOTHER_SLOT, true, HOLD_RECEIVER, 300, 0 },
        { { FAILED_AT_DOT, FAILURE_REPLY, 554, { 5, 6, 0 }, 0 }, RETRY_BOUNCED, true, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DOT, FAILURE_LOST, 0, { 0 }, 0 }, RETRY_UNCONFIRMED, true, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DOT, FAILURE_SILENT, 0, { 0 }, 0 }, RETRY_UNCONFIRMED, true, HOLD_NONE, 0, 0 },
        { { FAILED_AT_DOT, FAILURE_GARBLED, 0, { 0 }, 0 }, RETRY_UNCONFIRMED, true, HOLD_NONE, 0, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct retry_case about = usual();
        struct verdict verdict = retry_of(&rows[i].failure, &about);
        bool right = verdict.retry == rows[i].retry && verdict.spent == rows[i].spent && verdict.hold == rows[i].hold &&
                     instant_since(verdict.not_before, now) == rows[i].after_s * S &&
                     verdict.hold_asked_us == rows[i].hold_s * S;
        if (!right)
            fail_msg("row %zu: retry %d, spent %d, hold %d, after %lld s", i, (int)verdict.retry, verdict.spent,
                     (int)verdict.hold, (long long)(instant_since(verdict.not_before, now) / S));
    }
}

static const struct failure deferral = { FAILED_AT_RCPT, FAILURE_REPLY, 450, { 4, 2, 0 }, 0 };

static void
deferrals_double_from_five_minutes_to_four_hours(void **state) /* catches: a retry every five minutes for a month */
{
    (void)state;
    static const int64_t minutes[] = { 5, 10, 20, 40, 80, 160, 240, 240, 240, 240, 240 };
    for (uint32_t i = 0; i < COUNT(minutes); i++) {
        struct retry_case about = usual();
        about.attempts = i + 1;
        about.not_after = instant_add(now, US_PER_DAY);
        struct verdict verdict = retry_of(&deferral, &about);
        assert_int_equal(instant_since(verdict.not_before, now), minutes[i] * US_PER_MINUTE);
    }
}

/* catches: "it is tried again in five minutes" where the gap of the IP is three hours. */
static void a_retry_is_told_for_when_the_gap_allows_it(void **state)
{
    (void)state;
    struct retry_case about = usual();
    about.gap_end = instant_add(now, 3 * US_PER_HOUR);
    struct verdict verdict = retry_of(&deferral, &about);
    assert_int_equal(verdict.retry, RETRY_SAME_SLOT);
    assert_int_equal(verdict.not_before.us, about.gap_end.us);
    about.gap_end = about.not_after; /* no room left in this slot: another, as soon as the receiver allows */
    verdict = retry_of(&deferral, &about);
    assert_int_equal(verdict.retry, RETRY_ANOTHER_SLOT);
    assert_int_equal(instant_since(verdict.not_before, now), 5 * US_PER_MINUTE);
}

static void twelve_attempts_or_thirty_days_are_enough(void **state) /* catches: a message that is tried for ever */
{
    (void)state;
    struct retry_case about = usual();
    about.attempts = 12;
    assert_int_equal(retry_of(&deferral, &about).retry, RETRY_EXPIRED);
    about = usual();
    about.first_attempt = instant_add(now, -30 * US_PER_DAY);
    assert_int_equal(retry_of(&deferral, &about).retry, RETRY_EXPIRED);
    assert_true(retry_is_expired(about.first_attempt, now));
    assert_false(retry_is_expired(instant_add(about.first_attempt, 1), now));
    struct failure final = { FAILED_AT_DOT, FAILURE_REPLY, 550, { 0 }, 0 };
    assert_int_equal(retry_of(&final, &about).retry, RETRY_BOUNCED); /* its own word, if there is one */
    struct failure doubt = { FAILED_AT_DOT, FAILURE_LOST, 0, { 0 }, 0 };
    assert_int_equal(retry_of(&doubt, &about).retry, RETRY_UNCONFIRMED);
}

/* catches: a message expired by a day of 421, or by our own lost commits; one to a dead host that is tried for ever. */
static void what_was_neither_offered_nor_sent_is_not_counted(void **state)
{
    (void)state;
    assert_false(retry_counts(&(struct failure){ FAILED_AT_BANNER, FAILURE_REPLY, 421, { 0 }, 0 }));
    assert_false(retry_counts(&(struct failure){ FAILED_AT_EHLO, FAILURE_REPLY, 554, { 0 }, 0 }));
    assert_false(retry_counts(&(struct failure){ FAILED_AT_DATA, FAILURE_NOT_SENT, 0, { 0 }, 0 }));
    assert_true(retry_counts(&(struct failure){ FAILED_AT_CONNECT, FAILURE_LOST, 0, { 0 }, 0 }));
    assert_true(retry_counts(&deferral));
}

/* property: catches a retry past its slot, one beside the mailbox's other slot, and one sooner than the reply allows. */
static void a_retry_in_its_slot_keeps_its_distance_and_its_end(void **state)
{
    (void)state;
    seeds (seed, 100000) {
        struct any any = any_of(seed);
        struct retry_case about = usual();
        int64_t length_us = any_between(&any, 15, 1440) * US_PER_MINUTE;
        about.window.from = instant_add(now, -any_between(&any, 0, length_us - 1));
        about.window.until = about.not_after = instant_add(about.window.from, length_us);
        about.attempts = (uint32_t)any_between(&any, 1, 11);
        about.has_other = any_between(&any, 0, 1) == 1;
        about.other_at = instant_add(about.window.from, any_between(&any, 0, length_us - 1));
        struct failure failure = deferral;
        failure.asked_us = any_between(&any, 0, 7200) * S;
        struct verdict verdict = retry_of(&failure, &about);
        int64_t distance_us = MIN_OF(US_PER_HOUR, length_us / 4);
        int64_t apart_us = instant_since(verdict.not_before, about.other_at);
        HOLDS(seed, instant_since(verdict.not_before, now) >= MAX_OF(300 * S, failure.asked_us));
        if (verdict.retry == RETRY_SAME_SLOT) {
            HOLDS(seed, instant_before(verdict.not_before, about.not_after));
            HOLDS(seed, !about.has_other || apart_us >= distance_us || apart_us <= -distance_us);
        } else {
            HOLDS(seed, verdict.retry == RETRY_ANOTHER_SLOT);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_and_reply_decide_over_message_and_receiver),
        cmocka_unit_test(deferrals_double_from_five_minutes_to_four_hours),
        cmocka_unit_test(a_retry_is_told_for_when_the_gap_allows_it),
        cmocka_unit_test(twelve_attempts_or_thirty_days_are_enough),
        cmocka_unit_test(what_was_neither_offered_nor_sent_is_not_counted),
        cmocka_unit_test(a_retry_in_its_slot_keeps_its_distance_and_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
