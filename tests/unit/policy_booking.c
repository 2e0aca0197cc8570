/* The openings of a mailbox's days, and why there are none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/booking.h"

#include "any.h"
#include "zones.h"

static struct arena *arena;

static struct booking_mailbox mailbox_in(const char *zone, uint16_t start, uint16_t end, uint8_t cap)
{
    return (struct booking_mailbox){
        .zone = zone_named(arena, zone), .window = { 0x7f, start, end }, .ip = { { 7 } }, .ordinals = 8, .cap = cap
    };
}

static struct day date(int32_t year, int month, int day)
{
    return day_of_civil((struct civil){ year, month, day });
}

static struct booking_taken taken_in(const struct booking_mailbox *mailbox, struct day day, uint8_t number)
{
    return (struct booking_taken){ day, window_day(mailbox->zone, day), number };
}

static void a_day_has_as_many_openings_as_its_cap_less_what_is_taken(void **state) /* catches: a slot laid twice */
{
    (void)state;
    struct opening out[BOUND_DAILY_CAP];
    struct day day = date(2026, 11, 24);
    struct booking_mailbox two = mailbox_in("Europe/Berlin", 540, 1020, 2),
                           one = mailbox_in("Europe/Berlin", 540, 1020, 1);
    struct booking_taken first = taken_in(&two, day, 0), second = taken_in(&two, day, 1);
    struct booking_taken both[] = { first, second };
    struct instant before = INSTANT_NONE;

    assert_int_equal(booking_openings(&two, day, NULL, 0, before, out), 2);
    assert_true(out[0].number == 0 && out[1].number == 1 && instant_before(out[0].at, out[1].at));
    assert_int_equal(booking_openings(&two, day, &first, 1, before, out), 1);
    assert_int_equal(out[0].number, 1);
    assert_int_equal(booking_openings(&two, day, both, 2, before, out), 0);
    assert_int_equal(booking_openings(&one, day, NULL, 0, before, out), 1);
    assert_int_equal(booking_openings(&one, day, &second, 1, before, out), 0); /* sent under the old cap of two */
    assert_int_equal(booking_openings(&two, day_add(day, 1), both, 2, before, out), 2);
}

static void an_opening_that_passed_is_none(void **state) /* catches: a message booked into the past */
{
    (void)state;
    struct opening out[BOUND_DAILY_CAP], all[BOUND_DAILY_CAP];
    struct booking_mailbox mailbox = mailbox_in("UTC", 540, 1020, 2);
    struct day day = date(2026, 11, 24);
    assert_int_equal(booking_openings(&mailbox, day, NULL, 0, INSTANT_NONE, all), 2);
    assert_int_equal(booking_openings(&mailbox, day, NULL, 0, instant_add(all[0].at, -1), out), 2);
    assert_int_equal(booking_openings(&mailbox, day, NULL, 0, all[0].at, out), 1);
    assert_int_equal(booking_openings(&mailbox, day, NULL, 0, all[1].at, out), 0);
}

/* catches: two local days' caps in the same hours, after Auckland became Honolulu and the same date began anew. */
static void after_a_change_of_zone_no_day_is_laid_over_an_old_one(void **state)
{
    (void)state;
    struct opening out[BOUND_DAILY_CAP];
    struct booking_mailbox old = mailbox_in("Pacific/Auckland", 540, 1020, 2);
    struct booking_mailbox new = mailbox_in("Pacific/Honolulu", 540, 1020, 2);
    struct booking_taken taken = taken_in(&old, date(2026, 11, 24), 0); /* 23rd 11:00Z to 24th 11:00Z */
    assert_int_equal(booking_openings(&new, date(2026, 11, 22), &taken, 1, INSTANT_NONE, out), 2);
    assert_int_equal(booking_openings(&new, date(2026, 11, 23), &taken, 1, INSTANT_NONE, out), 0);
    assert_int_equal(booking_openings(&new, date(2026, 11, 24), &taken, 1, INSTANT_NONE, out), 0);
    assert_int_equal(booking_openings(&new, date(2026, 11, 25), &taken, 1, INSTANT_NONE, out), 2);
}

/* property: whatever zones a mailbox had, the stretches of time of its days with slots never overlap, so that nobody
   sees more than the cap in any of them. */
static void days_with_slots_never_overlap_whatever_the_zones_were(void **state)
{
    (void)state;
    seeds (seed, 3000) {
        struct any any = any_of(seed);
        struct booking_taken taken[64];
        size_t count = 0;
        struct day day = { (int32_t)any_between(&any, 20000, 23000) };
        for (int change = 0; change < 6; change++) {
            const char *zone = odd_zones[any_word(&any) % COUNT(odd_zones)];
            struct booking_mailbox mailbox = mailbox_in(zone, 0, 1440, (uint8_t)any_between(&any, 1, 2));
            for (int i = 0; i < 4; i++) {
                struct day tried = day_add(day, (int32_t)any_between(&any, 0, 9));
                struct opening out[BOUND_DAILY_CAP];
                size_t laid = booking_openings(&mailbox, tried, taken, count, INSTANT_NONE, out);
                for (size_t k = 0; k < laid; k++)
                    taken[count++] = (struct booking_taken){ out[k].day, out[k].day_span, out[k].number };
            }
        }
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b < a; b++) {
                bool same = taken[a].day.number == taken[b].day.number;
                HOLDS(seed, same == span_overlaps(taken[a].day_span, taken[b].day_span));
                HOLDS(seed, !same || taken[a].number != taken[b].number);
            }
        arena_free(&arena);
        arena = arena_new();
    }
}

/* property: catches a cap that was lowered and is filled anew beside what was sent under the old one. */
static void whatever_the_caps_were_a_day_never_gets_more_than_the_present_one(void **state)
{
    (void)state;
    seeds (seed, 5000) {
        struct any any = any_of(seed);
        struct booking_taken taken[BOUND_DAILY_CAP * 8];
        size_t count = 0;
        struct day day = { (int32_t)any_between(&any, 20000, 23000) };
        for (int change = 0; change < 8; change++) {
            uint8_t cap = (uint8_t)any_between(&any, 1, BOUND_DAILY_CAP);
            struct booking_mailbox mailbox = mailbox_in("Europe/Berlin", 0, 1440, cap);
            struct opening out[BOUND_DAILY_CAP];
            size_t laid = booking_openings(&mailbox, day, taken, count, INSTANT_NONE, out);
            HOLDS(seed, laid == 0 || count + laid <= cap);
            HOLDS(seed, count >= cap || count + laid == cap || (count == 1 && taken[0].number == 1));
            for (size_t k = 0; k < laid && any_between(&any, 0, 1) == 1; k++)
                taken[count++] = taken_in(&mailbox, day, out[k].number);
            if (count > 0 && any_between(&any, 0, 3) == 0) /* one that was freed */
                taken[0] = taken[--count];
        }
        arena_free(&arena);
        arena = arena_new();
    }
}

static void the_widest_reason_is_told_first(void **state) /* catches: "the mailbox is paused" of a suspended customer */
{
    (void)state;
    static const struct {
        struct booking_facts facts;
        enum booking told;
    } rows[] = {
        { { .customer_active = true, .has_ip = true, .first_writing = true }, BOOKING_MADE },
        { { .mailbox_paused = true }, BOOKING_CUSTOMER_SUSPENDED },
        { { .customer_active = true, .live = true, .domain_ready = true, .has_ip = true }, BOOKING_IDENTITY_MISSING },
        { { .customer_active = true, .live = true, .identity_given = true, .has_ip = true }, BOOKING_DOMAIN_NOT_READY },
        { { .customer_active = true, .mailbox_closed = true, .mailbox_paused = true }, BOOKING_MAILBOX_CLOSED },
        { { .customer_active = true, .mailbox_paused = true }, BOOKING_MAILBOX_PAUSED },
        { { .customer_active = true, .suppressed = true }, BOOKING_IP_UNAVAILABLE },
        { { .customer_active = true, .has_ip = true, .suppressed = true }, BOOKING_SUPPRESSED },
        { { .customer_active = true, .has_ip = true, .recently_written = true, .first_writing = true },
          BOOKING_RECENTLY_WRITTEN },
        { { .customer_active = true, .has_ip = true, .recently_written = true }, BOOKING_MADE }, /* a follow-up */
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(booking_refusal(&rows[i].facts), rows[i].told);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_has_as_many_openings_as_its_cap_less_what_is_taken),
        cmocka_unit_test(an_opening_that_passed_is_none),
        cmocka_unit_test(after_a_change_of_zone_no_day_is_laid_over_an_old_one),
        cmocka_unit_test(days_with_slots_never_overlap_whatever_the_zones_were),
        cmocka_unit_test(whatever_the_caps_were_a_day_never_gets_more_than_the_present_one),
        cmocka_unit_test(the_widest_reason_is_told_first),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
