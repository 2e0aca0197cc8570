/* capacity — how much a customer can still send, by local day: what its mailboxes' plans have, and what of it is taken. */
#include "policy/booking.h"

#include "ledger/zones.h"

#include "routes.h"
#include "server/mailbox_plan.h"
#include "server/render.h"
#include "server_statements.h"

/* Mailboxes times days of one page: computed on the loop between two reads. */
enum { MAILBOX_DAYS_AT_ONCE = 1500, MAILBOXES_AT_ONCE = 200, DAYS_BESIDE = 2 };

struct day_capacity {
    int64_t slots, booked, free;
};

struct capacity {
    struct day utc;          /* UTC's day: a local one differs by one at most */
    int32_t days;            /* asked for */
    struct day first;        /* the least local day that is today somewhere */
    struct day_capacity *of; /* from utc - 1 on */
    struct instant next_free;
};

static struct day_capacity *of_day(struct capacity *capacity, struct day day)
{
    return &capacity->of[day.number - capacity->utc.number + 1];
}

static struct booking_mailbox rules_of(struct request *request, const struct capacity_read_row *row)
{
    return (struct booking_mailbox){
        .zone = zones_find(request->server->zones, row->time_zone, clock_tick()),
        .window = { (uint8_t)row->window_days, (uint16_t)row->window_start_min, (uint16_t)row->window_end_min },
        .ip = row->ip_id,
        .ordinal = (uint32_t)MAX_OF(row->ordinal, 0),
        .ordinals = (uint32_t)row->ordinals,
        .cap = (uint8_t)row->daily_cap,
    };
}

static struct booking_taken *taken_of(struct arena *arena, const struct capacity_read_row *row)
{
    struct booking_taken *taken = arena_make_array(arena, struct booking_taken, row->taken_days.count);
    for (size_t i = 0; i < row->taken_days.count; i++)
        taken[i] = (struct booking_taken){ .day = row->taken_days.items[i],
                                           .day_span = { row->taken_from.items[i], row->taken_until.items[i] },
                                           .number = (uint8_t)row->taken_numbers.items[i] };
    return taken;
}

/* What of that day's plan is neither taken nor free: its second is over. */
static int passed_on(const struct request *request, const struct booking_mailbox *rules, struct day day,
                     const struct booking_taken *taken, size_t count)
{
    struct opening opening;
    int passed = 0;
    for (uint8_t number = 0; number < BOUND_DAILY_CAP; number++) {
        bool is_taken = false;
        for (size_t i = 0; i < count; i++)
            is_taken = is_taken || (taken[i].day.number == day.number && taken[i].number == number);
        if (!is_taken && booking_slot(rules, day, number, &opening) && !instant_before(request->now, opening.at))
            passed++;
    }
    return passed;
}

static void count_day(struct request *request, struct capacity *capacity, const struct booking_mailbox *rules,
                      bool usable, const struct capacity_read_row *row, const struct booking_taken *taken,
                      struct day day)
{
    struct opening openings[BOUND_DAILY_CAP];
    size_t count = row->taken_days.count;
    size_t open = usable ? booking_openings(rules, day, taken, count, request->now, openings) : 0;
    struct day_capacity *of = of_day(capacity, day);
    for (size_t i = 0; i < open; i++)
        capacity->next_free =
            instant_is_none(capacity->next_free) || instant_before(openings[i].at, capacity->next_free)
                ? openings[i].at
                : capacity->next_free;
    int64_t booked = 0;
    for (size_t i = 0; i < count; i++)
        booked += taken[i].day.number == day.number;
    of->booked += booked;
    of->free += (int64_t)open;
    of->slots += booked + (int64_t)open + (usable ? passed_on(request, rules, day, taken, count) : 0);
}

static void count_mailbox(struct request *request, struct arena *arena, struct capacity *capacity,
                          const struct capacity_read_row *row)
{
    struct booking_mailbox rules = rules_of(request, row);
    bool usable = row->bookable && rules.zone != NULL && !uuid_is_nil(row->ip_id) && row->ordinal >= 0;
    struct day today = rules.zone == NULL ? capacity->utc : booking_first_day(rules.zone, request->now);
    if (day_is_none(capacity->first) || today.number < capacity->first.number)
        capacity->first = today;
    const struct booking_taken *taken = taken_of(arena, row);
    for (int32_t i = 0; i < capacity->days; i++)
        count_day(request, capacity, &rules, usable, row, taken, day_add(today, i));
}

/* False: answered, or the last page was there. */
static bool count_page(struct request *request, struct capacity *capacity, struct uuid *after, size_t wanted)
{
    struct transaction *transaction = request_reading(request);
    size_t asked = capacity_read_ask(
        transaction, &(struct capacity_read){ request->customer, *after, day_add(capacity->utc, -1 - DAYS_BESIDE),
                                              day_add(capacity->utc, capacity->days + DAYS_BESIDE), (int64_t)wanted });
    if (!request_read(request))
        return false;
    size_t count = capacity_read_count(transaction, asked);
    struct arena *arena = arena_new();
    for (size_t i = 0; i < count; i++) {
        struct capacity_read_row row = capacity_read_get(transaction, asked, i);
        count_mailbox(request, arena, capacity, &row);
        *after = row.mailbox_id;
    }
    arena_free(&arena);
    return count == wanted;
}

static json_t *capacity_json(struct arena *arena, struct capacity *capacity)
{
    json_t *data = json_array();
    for (int32_t i = 0; i < capacity->days; i++) {
        struct day day = day_add(capacity->first, i);
        const struct day_capacity *of = of_day(capacity, day);
        json_array_append_new(data, json_pack("{s:o,s:I,s:I,s:I}", "local_day", render_day(arena, day), "slots",
                                              (json_int_t)of->slots, "booked", (json_int_t)of->booked, "free",
                                              (json_int_t)of->free));
    }
    return json_pack("{s:o,s:o}", "data", data, "next_free_at", render_instant(arena, capacity->next_free));
}

void capacity_get(struct request *request)
{
    if (uuid_is_nil(request->customer)) {
        request_refuse(request, PROBLEM_CUSTOMER_REQUIRED, "Name the customer with the header Evenpost-Customer.");
        return;
    }
    struct capacity capacity = { .utc = day_of_instant_utc(request->now),
                                 .days = (int32_t)request_query_number(request, "days"),
                                 .first = DAY_NONE,
                                 .next_free = INSTANT_NONE };
    capacity.of = arena_make_array(request->arena, struct day_capacity, (size_t)capacity.days + 2);
    struct uuid after = UUID_NIL;
    size_t wanted = (size_t)MIN_OF(MAX_OF(MAILBOX_DAYS_AT_ONCE / capacity.days, 1), MAILBOXES_AT_ONCE);
    while (count_page(request, &capacity, &after, wanted))
        ;
    if (day_is_none(capacity.first))
        capacity.first = capacity.utc; /* it has no mailbox */
    if (request->answer.status == 0)
        request_answer(request, 200, capacity_json(request->arena, &capacity));
}
