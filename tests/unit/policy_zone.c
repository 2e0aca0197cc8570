/* Local time to instant and back, at the places where clocks are changed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/zone_rule.h"

#include "any.h"
#include "zones.h"

static struct arena *arena;

static struct day date(int32_t year, int month, int day)
{
    return day_of_civil((struct civil){ year, month, day });
}

static struct instant instant_named(const char *text)
{
    struct instant instant;
    assert_true(instant_parse(text_of(text), &instant));
    return instant;
}

/* catches: a midnight that does not exist (Cairo, Beirut, Santiago) taken for the day before; a doubled hour taken twice;
   half an hour of summer time (Lord Howe); summer time that is the standard (Dublin); a day left out (Apia). */
static void a_local_time_is_the_first_instant_that_shows_it_or_a_later_one(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int year, month, day, hour, minute;
        const char *instant;
    } rows[] = {
        { "UTC", 2026, 11, 24, 9, 41, "2026-11-24T09:41:00Z" },
        { "Europe/Berlin", 2026, 11, 24, 9, 0, "2026-11-24T08:00:00Z" },
        { "Europe/Berlin", 2026, 3, 29, 2, 30, "2026-03-29T01:00:00Z" }, /* left out: when the clock is set forward */
        { "Europe/Berlin", 2026, 3, 29, 3, 0, "2026-03-29T01:00:00Z" },
        { "Europe/Berlin", 2026, 10, 25, 2, 30, "2026-10-25T00:30:00Z" }, /* doubled: the first */
        { "Europe/Berlin", 2026, 10, 25, 3, 0, "2026-10-25T02:00:00Z" },
        { "Africa/Cairo", 2026, 4, 24, 0, 0, "2026-04-23T22:00:00Z" }, /* 00:00 is 01:00 at once */
        { "Africa/Cairo", 2026, 4, 24, 0, 59, "2026-04-23T22:00:00Z" },
        { "Africa/Cairo", 2026, 10, 29, 23, 30, "2026-10-29T20:30:00Z" }, /* 24:00 is 23:00 again */
        { "Africa/Cairo", 2026, 10, 30, 0, 0, "2026-10-29T22:00:00Z" },
        { "Asia/Beirut", 2026, 3, 29, 0, 0, "2026-03-28T22:00:00Z" },
        { "Asia/Beirut", 2026, 10, 24, 23, 59, "2026-10-24T20:59:00Z" },
        { "Australia/Lord_Howe", 2026, 4, 5, 1, 45, "2026-04-04T14:45:00Z" },
        { "Australia/Lord_Howe", 2026, 10, 4, 2, 15, "2026-10-03T15:30:00Z" },
        { "America/Santiago", 2026, 9, 6, 0, 30, "2026-09-06T04:00:00Z" },
        { "America/Santiago", 2026, 4, 4, 23, 30, "2026-04-05T02:30:00Z" },
        { "Europe/Dublin", 2026, 1, 15, 12, 0, "2026-01-15T12:00:00Z" },
        { "Europe/Dublin", 2026, 7, 15, 12, 0, "2026-07-15T11:00:00Z" },
        { "Pacific/Apia", 2011, 12, 29, 12, 0, "2011-12-29T22:00:00Z" },
        { "Pacific/Apia", 2011, 12, 30, 12, 0, "2011-12-30T10:00:00Z" }, /* there was no 30th */
        { "Pacific/Apia", 2011, 12, 31, 0, 0, "2011-12-30T10:00:00Z" },
        { "Asia/Kathmandu", 2026, 6, 1, 9, 0, "2026-06-01T03:15:00Z" },
        { "America/New_York", 2093, 7, 1, 9, 0, "2093-07-01T13:00:00Z" }, /* by the rule, far after the table */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct zone *zone = zone_named(arena, rows[i].zone);
        assert_non_null(zone);
        struct instant at = zone_instant(zone, date(rows[i].year, rows[i].month, rows[i].day),
                                         rows[i].hour * 3600 + rows[i].minute * 60);
        struct text told = instant_text(arena, at);
        if (at.us != instant_named(rows[i].instant).us)
            fail_msg("row %zu, %s: %.*s instead of %s", i, rows[i].zone, TEXT_ARG(told), rows[i].instant);
    }
}

/* catches: an off-by-one at a change, in the table or in the rule behind it. */
static void a_local_time_that_a_clock_showed_leads_back_to_an_instant_that_shows_it(void **state)
{
    (void)state;
    seeds (seed, 60000) {
        struct any any = any_of(seed);
        const struct zone *zone = zone_named(arena, odd_zones[seed % COUNT(odd_zones)]);
        struct instant at = { any_between(&any, 0, 100LL * 366 * 86400) * US_PER_SECOND };
        struct local_time local = zone_local(zone, at);
        struct instant back = zone_instant(zone, local.day, local.second);
        struct local_time again = zone_local(zone, back);
        HOLDS(seed, !instant_before(at, back));
        HOLDS(seed, again.day.number == local.day.number && again.second == local.second);
        if (seed % 1000 == 0) {
            arena_free(&arena);
            arena = arena_new();
        }
    }
}

/* catches: a window whose end resolves before its start. */
static void a_later_local_time_is_never_an_earlier_instant(void **state)
{
    (void)state;
    for (size_t z = 0; z < COUNT(odd_zones); z++) {
        const struct zone *zone = zone_named(arena, odd_zones[z]);
        struct instant last = INSTANT_NONE;
        for (int32_t day = date(2011, 1, 1).number; day < date(2012, 2, 1).number; day++)
            for (int32_t second = 0; second <= 86400; second += 900) {
                struct instant at = zone_instant(zone, (struct day){ day }, second);
                assert_false(instant_before(at, last));
                last = at;
            }
    }
}

/* catches: only the year before and the next looked at, while all their changes have passed or none is reached yet. */
static void a_rule_may_change_in_another_year_than_it_names(void **state)
{
    (void)state;
    static const char *const rules[] = { "AAA3BBB,0/-167,0/-100", "AAA3BBB,365/167,364/167", "AAA3BBB,J1/-167,J365/167",
                                         "AAA-3BBB,365/160,0/-160" };
    for (size_t i = 0; i < COUNT(rules); i++) {
        struct zone_rule rule;
        assert_true(zone_rule_parse(text_of(rules[i]), &rule));
        int64_t begin_s = instant_named("2026-01-01T00:00:00Z").us / US_PER_SECOND;
        for (int64_t at_s = begin_s; at_s < begin_s + 3 * 366 * 86400; at_s += 3600) {
            int64_t next_s = zone_rule_next(&rule, at_s);
            assert_true(next_s > at_s && next_s < at_s + 2 * 366 * 86400);
            assert_int_equal(zone_rule_offset_s(&rule, next_s - 1), zone_rule_offset_s(&rule, at_s));
        }
    }
}

/* catches: bytes of a stranger believed: cut files, wrong counts, an index out of its table, a rule with more behind it. */
static void a_damaged_file_is_no_zone(void **state)
{
    (void)state;
    struct text good = zone_file(arena, "Europe/Berlin");
    assert_non_null(zone_parse(arena, good));
    for (size_t length = 0; length < good.length; length++)
        assert_null(zone_parse(arena, text_slice(good, 0, length)));
    seeds (seed, 20000) {
        struct any any = any_of(seed);
        char *bytes = arena_copy(arena, good.bytes, good.length);
        for (int i = 0; i < 3; i++)
            bytes[any_between(&any, 0, (int64_t)good.length - 1)] = (char)any_word(&any);
        const struct zone *zone = zone_parse(arena, text_from(bytes, good.length));
        if (zone != NULL) /* whatever it says, asking it ends */
            (void)zone_instant(zone, date(2026, 3, 29), 9000);
        arena_free(&arena);
        arena = arena_new();
        good = zone_file(arena, "Europe/Berlin");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_time_is_the_first_instant_that_shows_it_or_a_later_one),
        cmocka_unit_test(a_local_time_that_a_clock_showed_leads_back_to_an_instant_that_shows_it),
        cmocka_unit_test(a_later_local_time_is_never_an_earlier_instant),
        cmocka_unit_test(a_rule_may_change_in_another_year_than_it_names),
        cmocka_unit_test(a_damaged_file_is_no_zone),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
