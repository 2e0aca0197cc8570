#include "ledger/ownership.h"

#include "base/bounds.h"

#include "ledger/event.h"

#include "ledger_statements.h"

static struct ownership *ownership_of(struct act *act)
{
    return container_of(act, struct ownership, act);
}

static void ownership_tell(struct ownership *ownership, enum ownership_word word)
{
    ownership->word = word;
    ownership->told(ownership);
}

/* A word that was found in the transaction holds if it ended as it was meant to. */
static void ownership_ended(struct act *act, const struct pg_end *end)
{
    bool known = end->word == PG_COMMITTED || end->word == PG_ROLLED_BACK;
    ownership_tell(ownership_of(act), known ? ownership_of(act)->word : OWNERSHIP_AGAIN);
}

/* ---- raise ---- */

static void raise_ended(struct act *act, const struct pg_end *end)
{
    struct ownership *ownership = ownership_of(act);
    if (end->word != PG_COMMITTED) {
        ownership_tell(ownership, OWNERSHIP_AGAIN); /* an unknown raise makes the next generation one higher, no more */
        return;
    }
    if (lane_raise_count(act->transaction, ownership->asked) == 0) {
        ownership_tell(ownership, OWNERSHIP_NO_LANE);
        return;
    }
    struct lane_raise_row row = lane_raise_get(act->transaction, ownership->asked, 0);
    ownership->generation = row.generation;
    ownership->halted = row.halted;
    ownership->before = (struct ownership_before){
        row.old_host,     row.old_pid,       row.old_since,       row.old_seen_at,
        row.old_ended_at, row.resting_until, row.elsewhere_until,
    };
    ownership_tell(ownership, OWNERSHIP_OURS);
}

void ownership_raise(struct ledger *ledger, struct ownership *ownership)
{
    act_begin(&ownership->act, ledger, ownership->customer, raise_ended);
    struct act *act = &ownership->act;
    ownership->asked =
        lane_raise_ask(act->transaction, &(struct lane_raise){
                                             .customer = act->customer,
                                             .ip = ownership->ip,
                                             .host = ownership->host,
                                             .pid = ownership->pid,
                                             .real = act->real,
                                             .elsewhere_until = instant_add(act->real, BOUND_OTHER_HOST_US),
                                             .place = ownership->place,
                                             .expected = ownership->expected,
                                         });
    act_commit(act);
}

/* ---- see, end ---- */

static void see_ended(struct act *act, const struct pg_end *end)
{
    struct ownership *ownership = ownership_of(act);
    if (end->word != PG_COMMITTED) {
        ownership_tell(ownership, OWNERSHIP_AGAIN);
        return;
    }
    if (lane_see_count(act->transaction, ownership->asked) == 0) {
        ownership_tell(ownership, OWNERSHIP_STALE);
        return;
    }
    ownership->halted = lane_see_get(act->transaction, ownership->asked, 0).halted;
    ownership_tell(ownership, OWNERSHIP_OURS);
}

void ownership_see(struct ledger *ledger, struct ownership *ownership)
{
    act_begin(&ownership->act, ledger, ownership->customer, see_ended);
    struct act *act = &ownership->act;
    ownership->asked =
        lane_see_ask(act->transaction, &(struct lane_see){ act->customer, ownership->ip, ownership->generation,
                                                           act->real, ownership->trouble, ownership->resting_until });
    act_commit(act);
}

static void end_ended(struct act *act, const struct pg_end *end)
{
    struct ownership *ownership = ownership_of(act);
    if (end->word != PG_COMMITTED)
        ownership_tell(ownership, OWNERSHIP_AGAIN);
    else
        ownership_tell(ownership,
                       lane_end_count(act->transaction, ownership->asked) == 1 ? OWNERSHIP_OURS : OWNERSHIP_STALE);
}

void ownership_end(struct ledger *ledger, struct ownership *ownership)
{
    act_begin(&ownership->act, ledger, ownership->customer, end_ended);
    struct act *act = &ownership->act;
    ownership->asked = lane_end_ask(
        act->transaction, &(struct lane_end){ act->customer, ownership->ip, ownership->generation, act->real });
    act_commit(act);
}

/* ---- settle: in rounds, so that an old owner with much in flight is no long transaction's statement ---- */

static void settle_look(struct act *act, struct ownership *ownership);

static void settle_marked(struct act_step *step)
{
    struct ownership *ownership = container_of(step, struct ownership, step);
    struct act *act = step->act;
    size_t count = messages_doubt_count(act->transaction, ownership->asked_more);
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    struct uuid *mailboxes = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++) {
        struct messages_doubt_row row = messages_doubt_get(act->transaction, ownership->asked_more, i);
        messages[i] = row.message_id;
        mailboxes[i] = row.mailbox_id;
    }
    event_add_many(act, "message.unconfirmed", messages, mailboxes, count, TEXT("owner_ended"));
    ownership->settled += count;
    settle_look(act, ownership);
}

static void settle_heard(struct act_step *step)
{
    struct ownership *ownership = container_of(step, struct ownership, step);
    struct act *act = step->act;
    if (lane_owned_count(act->transaction, ownership->asked) == 0 ||
        !lane_owned_get(act->transaction, ownership->asked, 0).owned) {
        ownership->word = OWNERSHIP_STALE;
        act_rollback(act);
        return;
    }
    size_t count = slots_in_doubt_count(act->transaction, ownership->asked_more);
    if (count == 0) {
        act_commit(act);
        return;
    }
    struct uuid *messages = arena_make_array(act->arena, struct uuid, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = slots_in_doubt_get(act->transaction, ownership->asked_more, i).message_id;
    ownership->asked_more =
        messages_doubt_ask(act->transaction, &(struct messages_doubt){ act->customer, { messages, count }, act->now });
    slots_spend_ask(act->transaction, &(struct slots_spend){ act->customer, { messages, count }, act->now });
    act_read(act, step, settle_marked);
}

static void settle_look(struct act *act, struct ownership *ownership)
{
    struct instant before =
        ownership->older_than_us == 0 ? INSTANT_NONE : instant_add(act->real, -ownership->older_than_us);
    ownership->asked =
        lane_owned_ask(act->transaction, &(struct lane_owned){ act->customer, ownership->ip, ownership->generation });
    ownership->asked_more = slots_in_doubt_ask(
        act->transaction, &(struct slots_in_doubt){ act->customer, ownership->ip, ownership->generation, before });
    act_read(act, &ownership->step, settle_heard);
}

void ownership_settle(struct ledger *ledger, struct ownership *ownership)
{
    ownership->settled = 0;
    ownership->word = OWNERSHIP_OURS;
    act_begin(&ownership->act, ledger, ownership->customer, ownership_ended);
    settle_look(&ownership->act, ownership);
}

/* ---- unseen ---- */

static void unseen_heard(struct act_step *step)
{
    struct ownership *ownership = container_of(step, struct ownership, step);
    struct act *act = step->act;
    if (lane_raise_unseen_count(act->transaction, ownership->asked) == 0) {
        ownership->word = OWNERSHIP_STALE;
        act_rollback(act);
        return;
    }
    ownership->generation = lane_raise_unseen_get(act->transaction, ownership->asked, 0).generation;
    ownership->older_than_us = 0;
    settle_look(act, ownership);
}

void ownership_raise_unseen(struct ledger *ledger, struct ownership *ownership)
{
    ownership->settled = 0;
    ownership->word = OWNERSHIP_OURS;
    act_begin(&ownership->act, ledger, ownership->customer, ownership_ended);
    struct act *act = &ownership->act;
    struct instant before = instant_add(act->real, -ownership->older_than_us);
    ownership->asked =
        lane_raise_unseen_ask(act->transaction, &(struct lane_raise_unseen){ act->customer, ownership->ip, before });
    act_read(act, &ownership->step, unseen_heard);
}
