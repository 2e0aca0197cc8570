#include "ledger/authorize.h"

#include "io/log.h"

#include "ledger/ending.h"
#include "ledger/holding.h"

#include "ledger_statements.h"

static void authorize_tell(struct authorize *authorize, enum authorize_word word)
{
    authorize->word = word;
    authorize->told(authorize);
}

/* ---- a refusal asks why: nothing hangs on it but the next step ---- */

struct refusal {
    struct authorize *authorize;
    struct act_step step;
    struct ending ending;
    size_t slot, lane;
    enum authorize_word word;
};

static enum authorize_word refusal_word(struct act *act, const struct refusal *refusal)
{
    if (lane_owned_count(act->transaction, refusal->lane) == 0)
        return AUTHORIZE_NOT_OURS;
    struct lane_owned_row lane = lane_owned_get(act->transaction, refusal->lane, 0);
    if (!lane.owned)
        return AUTHORIZE_NOT_OURS;
    if (lane.halted)
        return AUTHORIZE_HALTED;
    if (slot_why_count(act->transaction, refusal->slot) == 0)
        return AUTHORIZE_GONE;
    struct slot_why_row slot = slot_why_get(act->transaction, refusal->slot, 0);
    return !slot.booked          ? AUTHORIZE_GONE
           : slot.suppressed     ? AUTHORIZE_SUPPRESSED
           : slot.over           ? AUTHORIZE_OVER
           : slot.early          ? AUTHORIZE_NOT_YET
           : !slot.mailbox_ready ? AUTHORIZE_MAILBOX
                                 : AUTHORIZE_GONE;
}

static void refusal_suppressed(struct ending *ending)
{
    act_commit(ending->step.act);
}

static void refusal_heard(struct act_step *step)
{
    struct refusal *refusal = container_of(step, struct refusal, step);
    refusal->word = refusal_word(step->act, refusal);
    if (refusal->word != AUTHORIZE_SUPPRESSED) {
        act_rollback(step->act);
        return;
    }
    holding_ask(step->act, refusal->authorize->message);
    refusal->ending = (struct ending){
        .messages = &refusal->authorize->message,
        .count = 1,
        .state = "suppressed",
        .code = "suppressed",
        .event = "message.suppressed",
        .done = refusal_suppressed,
    };
    ending_start(step->act, &refusal->ending);
}

static void refusal_ended(struct act *act, const struct pg_end *end)
{
    struct authorize *authorize = container_of(act, struct authorize, act);
    struct refusal *refusal = container_of(authorize->refusal_step, struct refusal, step);
    bool known = end->word == PG_ROLLED_BACK || end->word == PG_COMMITTED;
    authorize_tell(authorize, known ? refusal->word : AUTHORIZE_UNAVAILABLE);
}

static void authorize_ask_why(struct authorize *authorize)
{
    struct ledger *ledger = authorize->act.ledger;
    struct instant now = authorize->act.now; /* the moment that was refused */
    act_begin(&authorize->act, ledger, authorize->customer, refusal_ended);
    authorize->act.now = now;
    struct act *act = &authorize->act;
    struct refusal *refusal = arena_make(act->arena, struct refusal);
    refusal->authorize = authorize;
    refusal->lane = lane_owned_ask(act->transaction,
                                   &(struct lane_owned){ authorize->customer, authorize->ip, authorize->generation });
    refusal->slot =
        slot_why_ask(act->transaction, &(struct slot_why){ authorize->customer, authorize->ip, authorize->generation,
                                                           authorize->message, now });
    act_read(act, &refusal->step, refusal_heard);
    authorize->refusal_step = &refusal->step;
}

/* ---- the one statement ---- */

static void authorize_ended(struct act *act, const struct pg_end *end)
{
    struct authorize *authorize = container_of(act, struct authorize, act);
    switch (end->word) {
    case PG_COMMITTED:
        if (slot_authorize_count(act->transaction, authorize->asked) == 1)
            authorize_tell(authorize, AUTHORIZED);
        else
            authorize_ask_why(authorize);
        return;
    case PG_UNKNOWN: authorize_tell(authorize, AUTHORIZE_UNKNOWN); return;
    case PG_REFUSED:
    case PG_ROLLED_BACK:
    case PG_UNAVAILABLE:
        log_warning("ledger", "authorization not written: %s %.*s", pg_word_name(end->word), TEXT_ARG(end->words));
        authorize_tell(authorize, AUTHORIZE_UNAVAILABLE);
        return;
    }
    unreachable("a word of pg");
}

void authorize_slot(struct ledger *ledger, struct authorize *authorize)
{
    act_begin(&authorize->act, ledger, authorize->customer, authorize_ended);
    struct act *act = &authorize->act;
    transaction_limit(act->transaction, BOUND_STATEMENT_US);
    transaction_hurry(act->transaction, BOUND_STATEMENT_US);
    authorize->asked_at = clock_tick();
    authorize->asked = slot_authorize_ask(act->transaction, &(struct slot_authorize){
                                                                .customer = authorize->customer,
                                                                .ip = authorize->ip,
                                                                .generation = authorize->generation,
                                                                .message = authorize->message,
                                                                .now = act->now,
                                                                .real = act->real,
                                                                .local_day = authorize->local_day,
                                                                .number = authorize->number,
                                                            });
    act_commit(act);
}

bool authorize_is_good(const struct authorize *authorize, struct tick now)
{
    return authorize->word == AUTHORIZED && tick_since(now, authorize->asked_at) < BOUND_AUTHORIZATION_US;
}

const char *authorize_word_name(enum authorize_word word)
{
    static const char *const names[] = {
        [AUTHORIZED] = "authorized",
        [AUTHORIZE_UNKNOWN] = "unknown",
        [AUTHORIZE_UNAVAILABLE] = "unavailable",
        [AUTHORIZE_NOT_OURS] = "not ours",
        [AUTHORIZE_HALTED] = "halted",
        [AUTHORIZE_NOT_YET] = "not yet",
        [AUTHORIZE_OVER] = "over",
        [AUTHORIZE_SUPPRESSED] = "suppressed",
        [AUTHORIZE_MAILBOX] = "mailbox not ready",
        [AUTHORIZE_GONE] = "gone",
    };
    return names[word];
}
