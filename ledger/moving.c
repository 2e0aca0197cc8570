#include "ledger/moving.h"

#include "ledger/event.h"

#include "ledger_statements.h"

/* What is moved in one round: a column each, as statements take them. */
struct moved {
    struct uuid *messages, *mailboxes, *ips;
    struct instant *ats, *not_afters;
    size_t count;
};

static struct moved moved_make(struct arena *arena, size_t count)
{
    return (struct moved){
        .messages = arena_make_array(arena, struct uuid, count),
        .mailboxes = arena_make_array(arena, struct uuid, count),
        .ips = arena_make_array(arena, struct uuid, count),
        .ats = arena_make_array(arena, struct instant, count),
        .not_afters = arena_make_array(arena, struct instant, count),
    };
}

static const struct mailbox_plan *moving_plan(const struct moving *moving, struct uuid mailbox)
{
    for (size_t i = 0; i < moving->count; i++)
        if (uuid_equal(moving->plans[i].mailbox, mailbox))
            return &moving->plans[i];
    unreachable("a slot of a mailbox that is not moved");
}

/* A day that the present window does not have, or that another zone has elsewhere, keeps its second: what is booked stays
 * within its day. */
static bool moved_second(const struct mailbox_plan *plan, const struct slots_of_messages_row *slot,
                         struct opening *opening)
{
    return !uuid_is_nil(plan->ip) && plan->rules.zone != NULL &&
           booking_slot(&plan->rules, slot->local_day, (uint8_t)slot->number, opening) &&
           !instant_before(opening->at, slot->day_from) && instant_before(opening->not_after, slot->day_until);
}

static void moved_add(struct moved *moved, const struct mailbox_plan *plan, const struct slots_of_messages_row *slot)
{
    struct opening opening;
    bool planned = moved_second(plan, slot, &opening);
    moved->messages[moved->count] = slot->message_id;
    moved->mailboxes[moved->count] = slot->mailbox_id;
    moved->ips[moved->count] = plan->ip;
    moved->ats[moved->count] = planned ? opening.at : slot->at;
    moved->not_afters[moved->count] = planned ? opening.not_after : slot->not_after;
    moved->count++;
}

static void moved_write(struct act *act, const struct moved *moved)
{
    if (moved->count == 0)
        return;
    struct uuids messages = { moved->messages, moved->count };
    struct instants ats = { moved->ats, moved->count };
    slots_move_ask(
        act->transaction,
        &(struct slots_move){
            act->customer, messages, { moved->ips, moved->count }, ats, { moved->not_afters, moved->count } });
    messages_moved_ask(act->transaction, &(struct messages_moved){ act->customer, messages, ats });
    event_add_many(act, "message.booked", moved->messages, moved->mailboxes, moved->count, TEXT("moved"));
}

static void stranded_write(struct act *act, const struct moved *stranded)
{
    if (stranded->count == 0)
        return;
    struct uuids messages = { stranded->messages, stranded->count };
    slots_drop_ask(act->transaction, &(struct slots_drop){ act->customer, messages });
    messages_wait_ask(act->transaction, &(struct messages_wait){ act->customer, messages, TEXT("ip_unavailable") });
}

static void moving_round(struct act *act, struct moving *moving);

static void moving_slots(struct act_step *step)
{
    struct moving *moving = container_of(step, struct moving, step);
    struct act *act = step->act;
    size_t count = slots_of_messages_count(act->transaction, moving->asked);
    struct moved moved = moved_make(act->arena, count), stranded = moved_make(act->arena, count);
    for (size_t i = 0; i < count; i++) {
        struct slots_of_messages_row slot = slots_of_messages_get(act->transaction, moving->asked, i);
        const struct mailbox_plan *plan = moving_plan(moving, slot.mailbox_id);
        moved_add(uuid_is_nil(plan->ip) ? &stranded : &moved, plan, &slot);
    }
    moved_write(act, &moved);
    stranded_write(act, &stranded);
    moving_round(act, moving);
}

static void moving_held(struct act_step *step)
{
    struct moving *moving = container_of(step, struct moving, step);
    struct act *act = step->act;
    if (moving->plans == NULL) {
        assert(plans_count(act, moving->asked) == moving->count);
        moving->plans = arena_make_array(act->arena, struct mailbox_plan, moving->count);
        for (size_t i = 0; i < moving->count; i++)
            moving->plans[i] = plans_get(act, moving->asked, i);
    }
    size_t count = messages_of_mailboxes_count(act->transaction, moving->held);
    if (count == 0) {
        moving->done(moving);
        return;
    }
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = messages_of_mailboxes_get(act->transaction, moving->held, i).message_id;
    moving->after = messages[count - 1];
    moving->asked =
        slots_of_messages_ask(act->transaction, &(struct slots_of_messages){ act->customer, { messages, count } });
    act_read(act, step, moving_slots);
}

static void moving_round(struct act *act, struct moving *moving)
{
    static const struct text booked[] = { { "booked", 6 } };
    moving->held = messages_of_mailboxes_ask(
        act->transaction, &(struct messages_of_mailboxes){
                              act->customer, { moving->mailboxes, moving->count }, { booked, 1 }, moving->after });
    act_read(act, &moving->step, moving_held);
}

void moving_start(struct act *act, struct moving *moving)
{
    assert(moving->count > 0 && moving->count <= 1000);
    moving->mailboxes = arena_make_array(act->arena, struct uuid, moving->count);
    moving->after = UUID_NIL;
    moving->plans = NULL;
    for (size_t i = 0; i < moving->count; i++) {
        const struct move *move = &moving->moves[i];
        moving->mailboxes[i] = move->mailbox;
        mailbox_move_ask(act->transaction,
                         &(struct mailbox_move){ act->customer, move->mailbox, move->pool, move->ip, move->ordinal });
        openings_delete_ask(act->transaction, &(struct openings_delete){ act->customer, move->mailbox });
    }
    moving->asked = plans_ask(act, moving->mailboxes, moving->count);
    moving_round(act, moving);
}
