/* The second of each slot. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/plan.h"

#include "any.h"
#include "zones.h"

static struct arena *arena;
static const struct zone *zones[COUNT(odd_zones)];

static struct uuid any_ip(struct any *any)
{
    struct uuid ip;
    for (size_t i = 0; i < sizeof(ip.bytes); i++)
        ip.bytes[i] = (uint8_t)any_word(any);
    return ip;
}

/* Any window of any zone, any day, any place on any IP. False: no window on that day. */
static bool any_plan(struct any *any, struct plan *plan)
{
    uint16_t start = (uint16_t)any_between(any, 0, 1425);
    struct window window = { 0x7f, start, (uint16_t)any_between(any, start + 15, 1440) };
    plan->ip = any_ip(any);
    plan->day = (struct day){ (int32_t)any_between(any, 20000, 24000) };
    plan->ordinals = (uint32_t)any_between(any, 1, 500);
    plan->ordinal = (uint32_t)any_between(any, 0, plan->ordinals - 1);
    plan->cap = (uint8_t)any_between(any, 1, BOUND_DAILY_CAP);
    return window_span(&window, zones[any_word(any) % COUNT(zones)], plan->day, &plan->window);
}

/* property: catches rounding past a window's ends, and a jitter that carries a slot over the next one. */
static void a_slot_lies_in_its_window_at_a_whole_second_number_after_number(void **state)
{
    (void)state;
    seeds (seed, 200000) {
        struct any any = any_of(seed);
        struct plan plan;
        if (!any_plan(&any, &plan))
            continue;
        for (uint8_t number = 0; number < plan.cap; number++) {
            struct instant at = plan_at(&plan, number);
            HOLDS(seed, span_contains(plan.window, at) && at.us % US_PER_SECOND == 0);
            HOLDS(seed, number == 0 || instant_before(plan_at(&plan, (uint8_t)(number - 1)), at));
            HOLDS(seed, at.us == plan_at(&plan, number).us);
        }
    }
}

/* catches: a formula that changed unnoticed. Booked slots keep their second, but openings of the same day laid before and
   after a new version would not fit together. */
static void the_same_inputs_give_the_same_second_for_ever(void **state)
{
    (void)state;
    struct plan plan = { .ip = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
                         .day = day_of_civil((struct civil){ 2026, 11, 24 }),
                         .ordinals = 3,
                         .cap = 2 };
    plan.window.from = instant_add(instant_of_day_utc(plan.day), 9 * US_PER_HOUR);
    plan.window.until = instant_add(instant_of_day_utc(plan.day), 17 * US_PER_HOUR);
    static const char *const known[3][2] = {
        { "2026-11-24T10:51:46Z", "2026-11-24T14:50:40Z" },
        { "2026-11-24T09:21:35Z", "2026-11-24T13:19:54Z" },
        { "2026-11-24T11:50:57Z", "2026-11-24T15:46:29Z" },
    };
    for (plan.ordinal = 0; plan.ordinal < 3; plan.ordinal++)
        for (uint8_t number = 0; number < 2; number++)
            assert_string_equal(text_terminated(arena, instant_text(arena, plan_at(&plan, number))),
                                known[plan.ordinal][number]);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* property: catches a sequence that crowds, for any number of mailboxes. For one window and gapless ordinals. */
static void the_smallest_gap_of_an_ip_is_a_quarter_of_the_mean_or_more(void **state)
{
    (void)state;
    static int64_t at[2 * 256];
    seeds (seed, 4000) {
        struct any any = any_of(seed);
        struct plan plan;
        if (!any_plan(&any, &plan))
            continue;
        uint32_t mailboxes = (uint32_t)any_between(&any, 1, 256);
        size_t slots = 0;
        plan.ordinals = mailboxes;
        plan.window.until = instant_add(plan.window.from, any_between(&any, 8, 24) * US_PER_HOUR);
        for (plan.ordinal = 0; plan.ordinal < mailboxes; plan.ordinal++)
            for (uint8_t number = 0; number < plan.cap; number++)
                at[slots++] = plan_at(&plan, number).us;
        qsort(at, slots, sizeof(at[0]), by_time);
        int64_t quarter_us = span_length_us(plan.window) / (4 * (int64_t)slots);
        for (size_t i = 1; i < slots; i++)
            HOLDS(seed, at[i] - at[i - 1] >= quarter_us);
    }
}

/* catches: one mailbox that is first every morning. */
static void another_day_begins_with_another_mailbox(void **state)
{
    (void)state;
    struct any any = any_of(1);
    struct plan plan = { .ip = any_ip(&any), .ordinals = 50, .cap = 1 };
    bool was_first[50] = { false };
    int different = 0;
    for (int32_t day = 20000; day < 20100; day++) {
        plan.day = (struct day){ day };
        plan.window.from = instant_of_day_utc(plan.day);
        plan.window.until = instant_add(plan.window.from, 8 * US_PER_HOUR);
        uint32_t first = 0;
        int64_t first_us = INT64_MAX;
        for (plan.ordinal = 0; plan.ordinal < 50; plan.ordinal++)
            if (plan_at(&plan, 0).us < first_us) {
                first_us = plan_at(&plan, 0).us;
                first = plan.ordinal;
            }
        different += was_first[first] ? 0 : 1;
        was_first[first] = true;
    }
    assert_true(different >= 30);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_lies_in_its_window_at_a_whole_second_number_after_number),
        cmocka_unit_test(the_same_inputs_give_the_same_second_for_ever),
        cmocka_unit_test(the_smallest_gap_of_an_ip_is_a_quarter_of_the_mean_or_more),
        cmocka_unit_test(another_day_begins_with_another_mailbox),
    };
    arena = arena_new();
    for (size_t i = 0; i < COUNT(zones); i++)
        zones[i] = zone_named(arena, odd_zones[i]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
