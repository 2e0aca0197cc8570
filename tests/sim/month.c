/*
 * month — a month of one IP in a second, by seed: mailboxes of several zones and windows, every opening taken, receivers
 * that throttle now and then, and an outage of six hours in the middle. Nothing but the rules plays; the judge looks only
 * at who began when.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/bounds.h"
#include "policy/booking.h"
#include "policy/pacing.h"
#include "policy/spacing.h"

#include "unit/any.h"
#include "unit/zones.h"

#define DAYS          31
#define MAILBOXES_MAX 120
#define SLOTS_MAX     (MAILBOXES_MAX * BOUND_DAILY_CAP * (DAYS + 2))
#define OUTAGE_HOURS  6

struct begin {
    struct instant at;
    struct day day;
    uint32_t mailbox;
};

struct month {
    struct booking_mailbox mailboxes[MAILBOXES_MAX];
    uint32_t mailbox_count;
    struct span outage;
    struct spacing_slot slots[SLOTS_MAX]; /* all booked ones, in order of `at` */
    uint32_t owners[SLOTS_MAX];
    struct day days[SLOTS_MAX];
    size_t slot_count, first_open;
    bool done[SLOTS_MAX];
    struct begin begins[SLOTS_MAX];
    size_t begin_count, missed;
};

static struct arena *arena;
static const struct zone *zones[COUNT(odd_zones)];
static struct month month;

static struct booking_mailbox any_mailbox(struct any *any, bool one_window, struct uuid ip, uint32_t ordinal,
                                          uint32_t ordinals)
{
    struct booking_mailbox mailbox = {
        .zone = zones[1], .window = { 0x1f, 540, 1020 }, .ip = ip, .ordinal = ordinal, .ordinals = ordinals, .cap = 2
    };
    if (one_window)
        return mailbox;
    uint16_t start = (uint16_t)any_between(any, 0, 1200);
    mailbox.zone = zones[any_word(any) % COUNT(zones)];
    mailbox.window = (struct window){ 0x7f, start, (uint16_t)any_between(any, start + 60, 1440) };
    mailbox.cap = (uint8_t)any_between(any, 1, BOUND_DAILY_CAP);
    return mailbox;
}

static int by_at(const void *a, const void *b)
{
    const struct opening *x = *(const struct opening *const *)a, *y = *(const struct opening *const *)b;
    return x->at.us < y->at.us ? -1 : x->at.us > y->at.us;
}

/* Every mailbox is sparse or busy; a busy one has a message for each of its openings. */
static void book_all(struct any *any, struct day first)
{
    struct opening *openings = arena_make_array(arena, struct opening, SLOTS_MAX);
    struct opening **order = arena_make_array(arena, struct opening *, SLOTS_MAX);
    uint32_t *owners = arena_make_array(arena, uint32_t, SLOTS_MAX);
    size_t count = 0;
    for (uint32_t m = 0; m < month.mailbox_count; m++) {
        int64_t share = any_between(any, 10, 100);
        for (int32_t d = 0; d < DAYS; d++) {
            struct opening laid[BOUND_DAILY_CAP];
            size_t n = booking_openings(&month.mailboxes[m], day_add(first, d), NULL, 0, INSTANT_NONE, laid);
            for (size_t i = 0; i < n; i++) {
                if (any_between(any, 1, 100) > share)
                    continue;
                owners[count] = m;
                openings[count] = laid[i];
                order[count] = &openings[count];
                count++;
            }
        }
    }
    qsort(order, count, sizeof(order[0]), by_at);
    for (size_t i = 0; i < count; i++) {
        month.slots[i] = (struct spacing_slot){ order[i]->at, order[i]->not_after, order[i]->at };
        month.owners[i] = owners[order[i] - openings];
        month.days[i] = order[i]->day;
        month.done[i] = false;
    }
    month.slot_count = count;
    month.first_open = 0;
    month.begin_count = month.missed = 0;
}

static int64_t gap_at(struct instant now)
{
    struct spacing_share shares[MAILBOXES_MAX];
    size_t count = 0;
    for (uint32_t m = 0; m < month.mailbox_count; m++) {
        const struct booking_mailbox *mailbox = &month.mailboxes[m];
        shares[count].cap = mailbox->cap;
        if (window_open_at(&mailbox->window, mailbox->zone, now, &shares[count].window))
            count++;
    }
    return spacing_gap_min_us(shares, count, now);
}

/* What the lane sees: the slots that are booked still, of the next hours. */
static size_t agenda(struct instant now, struct spacing_slot *slots, size_t *places)
{
    size_t count = 0;
    while (month.first_open < month.slot_count && month.done[month.first_open])
        month.first_open++;
    for (size_t i = month.first_open; i < month.slot_count; i++) {
        if (month.slots[i].at.us > now.us + 3 * US_PER_HOUR)
            break;
        if (month.done[i])
            continue;
        if (!instant_before(now, month.slots[i].not_after)) { /* jobs re-books it */
            month.done[i] = true;
            month.missed++;
            continue;
        }
        places[count] = i;
        slots[count++] = month.slots[i];
    }
    return count;
}

static struct instant later_of(struct instant now, struct instant look)
{
    struct instant next_look = instant_min(look, instant_add(now, US_PER_HOUR));
    return span_contains(month.outage, next_look) ? month.outage.until : next_look;
}

/* One receiver, which throttles one attempt in twenty: the slot stays booked, and what is held waits. */
static bool is_throttled(struct any *any, struct pacing *pacing, struct spacing_slot *slot, struct instant now)
{
    struct pacing_throttle heard = { 0, any_word(any) };
    bool throttled = any_between(any, 1, 20) == 1;
    *pacing = pacing_after(*pacing, throttled ? PACING_THROTTLE : PACING_SUCCESS, throttled ? &heard : NULL, now);
    if (throttled)
        slot->not_before = pacing->hold_until;
    return throttled;
}

static void play(struct any *any, struct instant now, struct instant end)
{
    static struct spacing_slot slots[SLOTS_MAX];
    static size_t places[SLOTS_MAX];
    struct pacing pacing = pacing_new(1);
    struct instant last_begin = INSTANT_NONE;
    while (instant_before(now, end)) {
        size_t count = agenda(now, slots, places);
        struct spacing_choice choice = spacing_next(slots, count, last_begin, gap_at(now), now);
        if (choice.index == SPACING_NONE || pacing_connections(&pacing, now) == 0) {
            now = later_of(now, choice.index == SPACING_NONE ? choice.look : pacing.hold_until);
            continue;
        }
        size_t slot = places[choice.index];
        last_begin = now;
        month.begins[month.begin_count++] = (struct begin){ now, month.days[slot], month.owners[slot] };
        month.done[slot] = !is_throttled(any, &pacing, &month.slots[slot], now);
        if (!month.done[slot])
            month.begins[month.begin_count - 1].mailbox = UINT32_MAX; /* begun, but no dot */
    }
}

static void set_up(uint64_t seed, struct any *any, bool one_window, struct day first)
{
    struct uuid ip = { { (uint8_t)seed, 1, 2, 3 } };
    month.mailbox_count = (uint32_t)any_between(any, 5, MAILBOXES_MAX);
    for (uint32_t m = 0; m < month.mailbox_count; m++)
        month.mailboxes[m] = any_mailbox(any, one_window, ip, m, month.mailbox_count);
    struct instant morning = zone_instant(zones[1], day_add(first, 15), 9 * 3600);
    month.outage.from = instant_add(morning, any_between(any, 0, 60) * US_PER_MINUTE);
    month.outage.until = instant_add(month.outage.from, OUTAGE_HOURS * US_PER_HOUR);
    book_all(any, first);
    play(any, instant_add(instant_of_day_utc(first), -2 * US_PER_DAY),
         instant_add(instant_of_day_utc(first), 34 * US_PER_DAY));
}

/* The rule anew, in other words: four times the gap is the mean distance of all that may be sent now. */
static double gap_by_the_book_us(struct instant now)
{
    double per_us = 0;
    for (uint32_t m = 0; m < month.mailbox_count; m++) {
        struct booking_mailbox *mailbox = &month.mailboxes[m];
        struct local_time local = zone_local(mailbox->zone, now);
        struct span span;
        if (window_span(&mailbox->window, mailbox->zone, local.day, &span) && span.from.us <= now.us &&
            now.us < span.until.us)
            per_us += mailbox->cap / (double)(span.until.us - span.from.us);
    }
    return per_us > 0 ? 1 / (4 * per_us) : 0;
}

static void judge_gaps(uint64_t seed)
{
    for (size_t i = 1; i < month.begin_count; i++) {
        int64_t apart_us = instant_since(month.begins[i].at, month.begins[i - 1].at);
        HOLDS(seed, (double)apart_us >= gap_by_the_book_us(month.begins[i].at) - 2);
    }
}

static void judge_caps(uint64_t seed)
{
    static uint8_t dots[MAILBOXES_MAX][DAYS + 4];
    memset(dots, 0, sizeof(dots));
    int32_t first = INT32_MAX;
    for (size_t i = 0; i < month.slot_count; i++)
        first = MIN_OF(first, month.days[i].number);
    for (size_t i = 0; i < month.begin_count; i++) {
        const struct begin *begin = &month.begins[i];
        if (begin->mailbox == UINT32_MAX)
            continue;
        const struct booking_mailbox *mailbox = &month.mailboxes[begin->mailbox];
        int32_t seen_on = zone_local(mailbox->zone, begin->at).day.number; /* as a receiver's calendar has it */
        HOLDS(seed, seen_on == begin->day.number);
        HOLDS(seed, ++dots[begin->mailbox][seen_on - first] <= mailbox->cap);
    }
}

/* No quarter of an hour after the outage holds more begins than the least gap of that time lets through. */
static void judge_return(uint64_t seed)
{
    size_t right = 0;
    for (size_t left = 0; left < month.begin_count; left++) {
        struct instant from = month.begins[left].at;
        HOLDS(seed, !span_contains(month.outage, from));
        right = MAX_OF(right, left);
        while (right < month.begin_count && month.begins[right].at.us < from.us + 15 * US_PER_MINUTE)
            right++;
        double least_us = gap_by_the_book_us(from);
        for (size_t i = left; i < right; i++)
            least_us = MIN_OF(least_us, gap_by_the_book_us(month.begins[i].at));
        HOLDS(seed, least_us <= 0 || (double)(right - left) <= 15.0 * US_PER_MINUTE / least_us + 2);
    }
}

static void play_months(bool one_window)
{
    struct day first = day_of_civil((struct civil){ 2026, 10, 5 }); /* the clocks of Europe, Cairo and Beirut go back */
    uint64_t months = one_window ? 20 : 40;
    seeds (seed, months) {
        struct any any = any_of(seed);
        set_up(seed, &any, one_window, first);
        size_t dots = 0;
        for (size_t i = 0; i < month.begin_count; i++)
            dots += month.begins[i].mailbox != UINT32_MAX;
        HOLDS(seed, dots + month.missed == month.slot_count);
        HOLDS(seed, month.missed * 5 <= month.slot_count); /* a day's outage and the throttles: not a fifth */
        judge_gaps(seed);
        judge_caps(seed);
        judge_return(seed);
    }
}

/* catches: the gap broken where windows meet, a cap broken on the day the clock goes back, a slot that nobody serves. */
static void a_month_of_many_windows_keeps_gap_and_cap(void **state)
{
    (void)state;
    play_months(false);
}

/* catches: a burst of what six hours left behind. */
static void a_month_of_one_window_comes_back_from_an_outage_in_a_trickle(void **state)
{
    (void)state;
    play_months(true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_of_many_windows_keeps_gap_and_cap),
        cmocka_unit_test(a_month_of_one_window_comes_back_from_an_outage_in_a_trickle),
    };
    arena = arena_new();
    for (size_t i = 0; i < COUNT(zones); i++)
        zones[i] = zone_named(arena, odd_zones[i]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
