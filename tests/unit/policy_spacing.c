/* The least gap of an IP, and which due slot begins next. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/spacing.h"

#include "any.h"

#define S     US_PER_SECOND
#define NEVER INT64_MAX

static struct instant at_s(int64_t seconds)
{
    return (struct instant){ seconds * S };
}

static void the_gap_is_a_quarter_of_the_mean_of_what_is_open(void **state) /* catches: closed windows in the sum */
{
    (void)state;
    struct span day = { at_s(0), at_s(28800) }, evening = { at_s(20000), at_s(21000) };
    struct spacing_share one[] = { { 2, day } }, more[] = { { 2, day }, { 2, day }, { 2, day }, { 1, evening } };
    assert_int_equal(spacing_gap_min_us(one, 1, at_s(100)), 3600 * S);
    assert_int_equal(spacing_gap_min_us(more, 3, at_s(100)), 1200 * S);
    assert_int_equal(spacing_gap_min_us(more, 4, at_s(100)), 1200 * S);
    int64_t both_us = spacing_gap_min_us(more, 4, at_s(20500));
    int64_t exact_us = (int64_t)(0.25 * (double)S / (6.0 / 28800 + 1.0 / 1000));
    assert_true(both_us - exact_us <= 1 && exact_us - both_us <= 1);
    assert_int_equal(spacing_gap_min_us(one, 1, at_s(28800)), SPACING_GAP_ALONE_US);
}

/* at, not_before (0: the same), not_after; seconds. The gap is 100 s. */
struct row {
    int64_t slots[4][3];
    size_t count;
    int64_t last_begin, now;
    size_t index;
    int64_t look;
};

/* catches: a gap that is not kept, an overdue slot that takes a planned one's place, a retry that pushes ahead. */
static void planned_ones_leave_first_and_overdue_ones_where_they_keep_the_gap(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { { 0 } }, 0, 0, 1000, SPACING_NONE, NEVER },
        { { { 1000, 0, 9000 } }, 1, 0, 999, SPACING_NONE, 1000 },
        { { { 1000, 0, 9000 } }, 1, 0, 1000, 0, 1000 },
        { { { 1000, 0, 9000 } }, 1, 950, 1000, SPACING_NONE, 1050 },                 /* the gap is law */
        { { { 1000, 0, 1900 } }, 1, 0, 1900, SPACING_NONE, NEVER },                  /* past not_after */
        { { { 500, 0, 9000 }, { 1000, 0, 9000 } }, 2, 0, 1000, 1, 1000 },            /* planned first */
        { { { 600, 0, 9000 }, { 500, 0, 9000 } }, 2, 0, 1000, 1, 1000 },             /* overdue by `at` */
        { { { 500, 0, 9000 }, { 1050, 0, 9000 } }, 2, 0, 1000, SPACING_NONE, 1050 }, /* no room before a planned one */
        { { { 500, 0, 9000 }, { 1100, 0, 9000 } }, 2, 0, 1000, 0, 1000 },            /* just room */
        { { { 990, 995, 9000 }, { 950, 0, 9000 } }, 2, 0, 1000, 1, 1000 },           /* a retry is not planned */
        { { { 500, 2000, 9000 } }, 1, 0, 1000, SPACING_NONE, 2000 },                 /* not before */
        { { { 500, 0, 9000 }, { 400, 1050, 9000 } }, 2, 0, 1000, 0, 1000 },          /* a retry ahead keeps no room */
        { { { 980, 0, 9000 }, { 990, 0, 9000 } }, 2, 900, 1000, 0, 1000 },           /* two windows at once: by `at` */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spacing_slot slots[4];
        for (size_t k = 0; k < rows[i].count; k++) {
            const int64_t *s = rows[i].slots[k];
            slots[k] = (struct spacing_slot){ at_s(s[0]), at_s(s[2]), at_s(s[1] == 0 ? s[0] : s[1]) };
        }
        struct spacing_choice choice =
            spacing_next(slots, rows[i].count, at_s(rows[i].last_begin), 100 * S, at_s(rows[i].now));
        int64_t look_us = rows[i].look == NEVER ? NEVER : rows[i].look * S;
        if (choice.index != rows[i].index || choice.look.us != look_us)
            fail_msg("row %zu: slot %zd, look at %lld s", i, (ssize_t)choice.index, (long long)(choice.look.us / S));
    }
}

/* property: catches a choice that is not ready, that breaks the gap, or a look that lies in the past (a loop at full speed). */
static void what_begins_is_due_and_what_waits_has_a_later_time(void **state)
{
    (void)state;
    seeds (seed, 100000) {
        struct any any = any_of(seed);
        struct spacing_slot slots[8];
        size_t count = (size_t)any_between(&any, 0, 8);
        for (size_t i = 0; i < count; i++) {
            int64_t at = any_between(&any, 0, 2000);
            slots[i] = (struct spacing_slot){ at_s(at), at_s(at + any_between(&any, 1, 2000)),
                                              at_s(at + MAX_OF((int64_t)0, any_between(&any, -500, 500))) };
        }
        struct instant now = at_s(any_between(&any, 0, 3000)), last = at_s(any_between(&any, 0, now.us / S));
        int64_t gap_us = any_between(&any, 0, 300) * S;
        struct spacing_choice choice = spacing_next(slots, count, last, gap_us, now);
        if (choice.index == SPACING_NONE) {
            HOLDS(seed, instant_before(now, choice.look));
            continue;
        }
        HOLDS(seed, choice.index < count);
        const struct spacing_slot *slot = &slots[choice.index];
        HOLDS(seed, slot->at.us <= now.us && slot->not_before.us <= now.us && now.us < slot->not_after.us);
        HOLDS(seed, now.us - last.us >= gap_us);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gap_is_a_quarter_of_the_mean_of_what_is_open),
        cmocka_unit_test(planned_ones_leave_first_and_overdue_ones_where_they_keep_the_gap),
        cmocka_unit_test(what_begins_is_due_and_what_waits_has_a_later_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
