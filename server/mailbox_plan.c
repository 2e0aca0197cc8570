#include "server/mailbox_plan.h"

#include "ledger/zones.h"

#include "server/render.h"
#include "server_statements.h"

bool mailbox_rules(struct request *request, const struct mailboxes_read_row *row, struct booking_mailbox *rules)
{
    *rules = (struct booking_mailbox){
        .zone = zones_find(request->server->zones, row->time_zone, clock_tick()),
        .window = { (uint8_t)row->window_days, (uint16_t)row->window_start_min, (uint16_t)row->window_end_min },
        .ip = row->ip_id,
        .ordinal = (uint32_t)MAX_OF(row->ordinal, 0),
        .ordinals = (uint32_t)row->ordinals,
        .cap = (uint8_t)row->daily_cap,
    };
    return rules->zone != NULL && !uuid_is_nil(row->ip_id) && row->ordinal >= 0;
}

static struct booking_taken *taken_of(struct arena *arena, const struct mailboxes_read_row *row)
{
    struct booking_taken *taken = arena_make_array(arena, struct booking_taken, row->taken_days.count);
    for (size_t i = 0; i < row->taken_days.count; i++)
        taken[i] = (struct booking_taken){ .day = row->taken_days.items[i],
                                           .day_span = { row->taken_from.items[i], row->taken_until.items[i] },
                                           .number = (uint8_t)row->taken_numbers.items[i] };
    return taken;
}

struct instant mailbox_next_free(struct request *request, const struct mailboxes_read_row *row)
{
    struct booking_mailbox rules;
    struct opening openings[BOUND_DAILY_CAP];
    if (!text_equal(row->state, TEXT("active")))
        return INSTANT_NONE;
    if (!instant_is_none(row->next_opening) || !mailbox_rules(request, row, &rules))
        return row->next_opening;
    const struct booking_taken *taken = taken_of(request->arena, row);
    struct day day = booking_first_day(rules.zone, request->now), last = booking_last_day(rules.zone, request->now);
    for (; day.number <= last.number; day = day_add(day, 1))
        if (booking_openings(&rules, day, taken, row->taken_days.count, request->now, openings) > 0)
            return openings[0].at;
    return INSTANT_NONE;
}

/* ---- the plan ---- */

static json_t *entry_json(struct arena *arena, struct day day, int number, struct instant at, struct text state,
                          struct uuid message)
{
    return json_pack("{s:o,s:i,s:o,s:o,s:o}", "local_day", render_day(arena, day), "number", number, "at",
                     render_instant(arena, at), "state", render_text(state), "message_id",
                     render_id(arena, ID_MESSAGE, message));
}

static const struct mailbox_slots_row *slot_of(const struct plan_days *days, struct day day, int number)
{
    for (size_t i = 0; i < days->taken_count; i++)
        if (days->taken[i].local_day.number == day.number && days->taken[i].number == number)
            return &days->taken[i];
    return NULL;
}

static bool is_open(const struct opening *openings, size_t count, int number)
{
    for (size_t i = 0; i < count; i++)
        if (openings[i].number == number)
            return true;
    return false;
}

static void add_day(struct request *request, const struct booking_mailbox *rules, bool usable,
                    const struct plan_days *days, const struct booking_taken *taken, struct day day, json_t *data)
{
    struct opening openings[BOUND_DAILY_CAP], opening;
    size_t open = usable ? booking_openings(rules, day, taken, days->taken_count, request->now, openings) : 0;
    for (int number = 0; number < BOUND_DAILY_CAP; number++) {
        const struct mailbox_slots_row *slot = slot_of(days, day, number);
        if (slot != NULL)
            json_array_append_new(data,
                                  entry_json(request->arena, day, number, slot->at, slot->state, slot->message_id));
        else if (usable && booking_slot(rules, day, (uint8_t)number, &opening) &&
                 (is_open(openings, open, number) || !instant_before(request->now, opening.at)))
            json_array_append_new(data, entry_json(request->arena, day, number, opening.at,
                                                   is_open(openings, open, number) ? TEXT("free") : TEXT("passed"),
                                                   UUID_NIL));
    }
}

json_t *mailbox_plan_json(struct request *request, const struct mailboxes_read_row *row, const struct plan_days *days)
{
    struct booking_mailbox rules;
    bool usable = mailbox_rules(request, row, &rules) && text_equal(row->state, TEXT("active"));
    struct booking_taken *taken = arena_make_array(request->arena, struct booking_taken, days->taken_count);
    for (size_t i = 0; i < days->taken_count; i++)
        taken[i] = (struct booking_taken){ .day = days->taken[i].local_day,
                                           .day_span = { days->taken[i].day_from, days->taken[i].day_until },
                                           .number = (uint8_t)days->taken[i].number };
    json_t *data = json_array();
    for (int32_t i = 0; i < days->count; i++)
        add_day(request, &rules, usable, days, taken, day_add(days->first, i), data);
    return data;
}
