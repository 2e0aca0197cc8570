/* A mailbox's days and hours as stretches of time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/window.h"

#include "any.h"
#include "zones.h"

static struct arena *arena;

/* catches: a window longer than its day on the day the clock goes forward; a dot that falls behind midnight. */
static void a_window_is_as_long_as_its_clock_makes_it(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        const char *day;
        uint16_t start, end;
        const char *from, *until; /* NULL: no window */
    } rows[] = {
        { "UTC", "2026-11-24", 540, 1020, "2026-11-24T09:00:00Z", "2026-11-24T17:00:00Z" },
        { "UTC", "2026-11-28", 540, 1020, NULL, NULL }, /* a Saturday */
        { "UTC", "2026-11-24", 0, 1440, "2026-11-24T00:00:00Z", "2026-11-24T23:59:30Z" },
        { "UTC", "2026-11-24", 1380, 1439, "2026-11-24T23:00:00Z", "2026-11-24T23:59:00Z" },
        { "Africa/Cairo", "2026-10-29", 1320, 1440, "2026-10-29T19:00:00Z", "2026-10-29T21:59:30Z" }, /* three hours */
        { "Africa/Cairo", "2026-04-24", 0, 120, "2026-04-23T22:00:00Z", "2026-04-23T23:00:00Z" },     /* one */
        { "Africa/Cairo", "2026-04-24", 0, 60, NULL, NULL },                                          /* none */
        { "Pacific/Apia", "2011-12-30", 540, 1020, NULL, NULL },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct window window = { 0x1f, rows[i].start, rows[i].end };
        struct day day;
        struct span span;
        assert_true(day_parse(text_of(rows[i].day), &day));
        bool open = window_span(&window, zone_named(arena, rows[i].zone), day, &span);
        assert_int_equal(open, rows[i].from != NULL);
        if (!open)
            continue;
        assert_string_equal(text_terminated(arena, instant_text(arena, span.from)), rows[i].from);
        assert_string_equal(text_terminated(arena, instant_text(arena, span.until)), rows[i].until);
    }
}

static void a_window_has_days_and_fits_a_local_day(void **state) /* catches: 14 minutes, no day, an end behind 24:00 */
{
    (void)state;
    static const struct {
        struct window window;
        bool valid;
    } rows[] = {
        { { 0x1f, 540, 1020 }, true },  { { 0x7f, 0, 1440 }, true },    { { 0x01, 0, 15 }, true },
        { { 0x00, 540, 1020 }, false }, { { 0x01, 0, 14 }, false },     { { 0x01, 1020, 540 }, false },
        { { 0x80, 540, 1020 }, false }, { { 0x01, 540, 1441 }, false }, { { 0x01, 540, 540 }, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(window_is_valid(&rows[i].window), rows[i].valid);
}

/* property, all zones: catches a window that touches the next local day, or that is open at a time it does not hold. */
static void a_window_ends_30_s_before_its_local_day(void **state)
{
    (void)state;
    for (size_t z = 0; z < COUNT(odd_zones); z++) {
        const struct zone *zone = zone_named(arena, odd_zones[z]);
        seeds (seed, 3000) {
            struct any any = any_of(seed);
            struct day day = { (int32_t)any_between(&any, 14000, 24000) };
            uint16_t start = (uint16_t)any_between(&any, 0, 1425);
            struct window window = { 0x7f, start, (uint16_t)any_between(&any, start + 15, 1440) };
            struct span span;
            if (!window_span(&window, zone, day, &span))
                continue;
            struct span whole = window_day(zone, day), open;
            struct instant inside = { any_between(&any, span.from.us, span.until.us - 1) };
            HOLDS(seed, span_contains(whole, span.from));
            HOLDS(seed, span.until.us <= whole.until.us - BOUND_DAY_END_MARGIN_US);
            HOLDS(seed, zone_local(zone, inside).day.number == day.number);
            HOLDS(seed, window_open_at(&window, zone, inside, &open) && open.from.us == span.from.us);
            HOLDS(seed, !window_open_at(&window, zone, span.until, &open) || open.from.us != span.from.us);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_as_long_as_its_clock_makes_it),
        cmocka_unit_test(a_window_has_days_and_fits_a_local_day),
        cmocka_unit_test(a_window_ends_30_s_before_its_local_day),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
