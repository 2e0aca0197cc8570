/* base/instant: RFC 3339 and RFC 5322 dates, days and their names, sums that stop at the ends. */
#include "base/instant.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void
rfc_3339_is_read_strictly(void **state) /* catches: 29 February of a common year, a leap second, no offset */
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t us;
    } rows[] = {
        { "1970-01-01T00:00:00Z", true, 0 },
        { "2026-11-24T09:41:07Z", true, 1795513267000000 },
        { "2026-11-24T10:41:07+01:00", true, 1795513267000000 },
        { "2026-11-24T09:41:07.5Z", true, 1795513267500000 },
        { "2026-11-24T09:41:07.123456789Z", true, 1795513267123456 },
        { "1969-12-31T23:59:59Z", true, -1000000 },
        { "2028-02-29T00:00:00Z", true, 1835395200000000 },
        { "2027-02-29T00:00:00Z", false, 0 },
        { "2016-12-31T23:59:60Z", false, 0 },
        { "2026-11-24 09:41:07Z", false, 0 },
        { "2026-11-24T09:41:07", false, 0 },
        { "2026-11-24T24:00:00Z", false, 0 },
        { "2026-11-24T09:41:07Zx", false, 0 },
        { "2026-11-24T09:41:07.Z", false, 0 },
        { "2026-11-24T09:41:07+24:00", false, 0 },
        { "2026-13-24T09:41:07Z", false, 0 },
        { "", false, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct instant instant = { 0 };
        assert_int_equal(instant_parse(text_of(rows[i].text), &instant), rows[i].good);
        if (rows[i].good)
            assert_true(instant.us == rows[i].us);
    }
}

static void an_instant_is_written_as_it_is_read(void **state) /* catches: negative remainders before 1970 */
{
    (void)state;
    struct arena *arena = arena_new();
    for (int64_t us = -4000000000000000; us < 8000000000000000; us += 777777777777777) {
        struct instant back, instant = { us };
        assert_true(instant_parse(instant_text_precise(arena, instant), &back));
        assert_true(back.us == us);
    }
    struct text date = instant_mail_date(arena, (struct instant){ 1795513267000000 });
    assert_string_equal(text_terminated(arena, date), "Tue, 24 Nov 2026 09:41:07 +0000");
    arena_free(&arena);
}

static void every_day_has_one_date_and_one_weekday(void **state) /* catches: a century that is no leap year */
{
    (void)state;
    struct civil before = civil_of_day((struct day){ -800000 });
    for (int32_t number = -799999; number < 800000; number++) {
        struct civil civil = civil_of_day((struct day){ number });
        assert_true(civil_exists(civil));
        assert_int_equal(day_of_civil(civil).number, number);
        assert_true(civil.day == before.day + 1 || civil.day == 1);
        assert_int_equal(day_weekday((struct day){ number }), (day_weekday((struct day){ number - 1 }) + 1) % 7);
        before = civil;
    }
    struct day day;
    assert_true(day_parse(TEXT("2026-11-24"), &day));
    assert_int_equal(day_weekday(day), 1);
    assert_false(day_parse(TEXT("1900-02-29"), &day));
}

static void sums_stop_at_the_ends(void **state) /* T174; catches: signed overflow */
{
    (void)state;
    assert_true(instant_add((struct instant){ INT64_MAX - 5 }, 10).us == INT64_MAX);
    assert_true(instant_since((struct instant){ 0 }, INSTANT_NONE) == INT64_MAX);
    assert_false(instant_is_none(instant_add((struct instant){ -5 }, INT64_MIN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_is_read_strictly),
        cmocka_unit_test(an_instant_is_written_as_it_is_read),
        cmocka_unit_test(every_day_has_one_date_and_one_weekday),
        cmocka_unit_test(sums_stop_at_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
