#include "ledger/outcome.h"

#include "io/log.h"

#include "ledger/ending.h"
#include "ledger/event.h"
#include "ledger/holding.h"
#include "ledger/pacing_write.h"
#include "ledger/placing.h"
#include "ledger/suppress.h"

#include "ledger_statements.h"

struct outcome_work {
    struct outcome *outcome;
    struct act_step step;
    struct ending ending;
    struct placing placing;
    struct suppress suppress;
    size_t held, told, spent, retried, paced;
    struct message_hold_row message;
    bool current; /* the slot was not spent before: what we tell is about the present attempt */
};

static struct outcome_work *work_of(struct act *act)
{
    struct outcome *outcome = container_of(act, struct outcome, act);
    return outcome->work;
}

static const char *outcome_attempt_word(enum outcome_kind kind)
{
    switch (kind) {
    case OUTCOME_DELIVERED: return "delivered";
    case OUTCOME_DEFERRED:
    case OUTCOME_EXPIRED: return "deferred";
    case OUTCOME_BOUNCED: return "bounced";
    case OUTCOME_UNCONFIRMED: return "unconfirmed";
    case OUTCOME_NOT_SENT: return "not_sent";
    case OUTCOME_REFUSED_HERE: return "refused_here";
    }
    unreachable("a kind of outcome");
}

/* ---- what is written ---- */

static size_t outcome_tell_attempt(struct act *act, const struct outcome *outcome)
{
    const struct outcome_attempt *attempt = &outcome->attempt;
    return attempt_insert_ask(
        act->transaction,
        &(struct attempt_insert){
            .customer = act->customer,
            .attempt = attempt->id,
            .message = outcome->message,
            .at = attempt->at,
            .ip = outcome->ip,
            .address = attempt->ip,
            .receiver = attempt->receiver,
            .mx = attempt->mx,
            .remote = attempt->remote,
            .tls_version = attempt->tls_version,
            .tls_cipher = attempt->tls_cipher,
            .tls_verified = attempt->tls_verified,
            .stage = attempt->stage,
            .reply_code = attempt->reply_code,
            .reply_enhanced = attempt->reply_enhanced,
            .reply_text = attempt->reply_text,
            .outcome = text_of(outcome_attempt_word(outcome->kind)),
            .smtp_error = attempt->smtp_error_id,
            .duration_ms = attempt->duration_ms,
            .transcript = attempt->transcript.items == NULL ? (struct texts){ &TEXT_NONE, 0 } : attempt->transcript,
        });
}

static void outcome_tell_event(struct act *act, const struct outcome *outcome, const char *type)
{
    const struct outcome_attempt *attempt = &outcome->attempt;
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "message_id", ID_MESSAGE, outcome->message);
    event_data_id(&data, "mailbox_id", ID_MAILBOX, outcome->mailbox);
    event_data_id(&data, "attempt_id", ID_ATTEMPT, attempt->id);
    event_data_text(&data, "receiver", attempt->receiver);
    event_data_text(&data, "stage", attempt->stage);
    if (attempt->reply_code != INT16_MIN)
        event_data_number(&data, "reply_code", attempt->reply_code);
    event_data_text(&data, "reply_enhanced", attempt->reply_enhanced);
    event_data_text(&data, "reply_text", attempt->reply_text);
    event_data_text(&data, "smtp_error_id", attempt->smtp_error_id);
    event_add(act, type, outcome->message, event_data_end(&data));
}

static void outcome_tried(struct act *act, const struct outcome *outcome)
{
    message_tried_ask(act->transaction, &(struct message_tried){
                                            .customer = act->customer,
                                            .message = outcome->message,
                                            .now = act->now,
                                            .counted = outcome->counted ? 1 : 0,
                                            .retry_at = outcome->not_before,
                                        });
}

static void outcome_end(struct act *act, struct outcome *outcome, const char *state)
{
    outcome->state = text_of(state);
    act_commit(act);
}

/* It had ended otherwise, or another slot is its present one: the attempt is told, nothing else. */
static void outcome_late(struct act *act, struct outcome_work *work)
{
    work->outcome->word = OUTCOME_TOO_LATE;
    work->outcome->state = work->message.state;
    act_commit(act);
}

/* ---- the message is over ---- */

static bool state_is(const struct outcome_work *work, const char *state)
{
    return text_equal(work->message.state, text_of(state));
}

static void outcome_suppressed(struct suppress *suppress)
{
    struct outcome_work *work = container_of(suppress, struct outcome_work, suppress);
    act_commit(work->step.act);
}

/* After the message's own end, which the suppression must not take for its own. */
static void outcome_finish(struct act *act, struct outcome_work *work)
{
    if (!work->outcome->suppress_recipient) {
        act_commit(act);
        return;
    }
    work->suppress = (struct suppress){
        .suppression = act_id(act),
        .key = work->message.recipient_key,
        .reason = SUPPRESS_BOUNCE,
        .done = outcome_suppressed,
    };
    suppress_key(act, &work->suppress);
}

/* From `sending`, or, if the truth comes late and is one, from `unconfirmed`. */
static void outcome_over(struct act *act, struct outcome_work *work, const char *state, const char *event, bool truth)
{
    static const struct text from[] = { { "sending", 7 }, { "unconfirmed", 11 } };
    bool ours = (work->current && state_is(work, "sending")) || (truth && state_is(work, "unconfirmed"));
    if (!ours) {
        outcome_late(act, work);
        return;
    }
    outcome_tried(act, work->outcome);
    message_outcome_ask(act->transaction, &(struct message_outcome){
                                              .customer = act->customer,
                                              .message = work->outcome->message,
                                              .from_states = { from, truth ? 2 : 1 },
                                              .state = text_of(state),
                                              .about = work->outcome->attempt.smtp_error_id,
                                              .now = act->now,
                                          });
    outcome_tell_event(act, work->outcome, event);
    work->outcome->state = text_of(state);
    outcome_finish(act, work);
}

static void outcome_ending_done(struct ending *ending)
{
    struct outcome_work *work = container_of(ending, struct outcome_work, ending);
    outcome_finish(work->step.act, work);
}

/* Before the dot: the slot is free again, a first writing's mark returns. */
static void outcome_over_before(struct act *act, struct outcome_work *work, const char *state, const char *event)
{
    if (!state_is(work, "booked")) {
        outcome_late(act, work);
        return;
    }
    outcome_tried(act, work->outcome);
    outcome_tell_event(act, work->outcome, event);
    work->outcome->state = text_of(state);
    work->ending = (struct ending){
        .messages = &work->outcome->message,
        .count = 1,
        .state = state,
        .code = state,
        .about = work->outcome->attempt.smtp_error_id,
        .done = outcome_ending_done,
    };
    ending_start(act, &work->ending);
}

/* ---- the message goes on ---- */

static const char *outcome_placing_state(enum placing_word word)
{
    switch (word) {
    case PLACED: return "booked";
    case PLACING_WAITS: return "accepted";
    case PLACING_CANCELLED: return "cancelled";
    case PLACING_SUPPRESSED: return "suppressed";
    }
    unreachable("a word of placing");
}

static void outcome_placed(struct placing *placing)
{
    struct outcome_work *work = container_of(placing, struct outcome_work, placing);
    work->outcome->slot = placing->slot;
    outcome_end(work->step.act, work->outcome, outcome_placing_state(placing->word));
}

static void outcome_place(struct act *act, struct outcome_work *work)
{
    const struct outcome *outcome = work->outcome;
    if (!outcome->authorized)
        slots_drop_ask(act->transaction, &(struct slots_drop){ act->customer, { &outcome->message, 1 } });
    work->placing = (struct placing){
        .message = outcome->message,
        .mailbox = work->message.mailbox_id,
        .recipient_key = work->message.recipient_key,
        .domain_key = work->message.domain_key,
        .not_before = instant_max(outcome->not_before, work->message.scheduled_at),
        .code = outcome->explanation_code,
        .about = outcome->explanation_about,
        .done = outcome_placed,
    };
    placing_start(act, &work->placing);
}

static void outcome_retried(struct act_step *step)
{
    struct outcome_work *work = container_of(step, struct outcome_work, step);
    if (slot_retry_count(step->act->transaction, work->retried) == 0) {
        outcome_place(step->act, work);
        return;
    }
    struct outcome *outcome = work->outcome;
    struct text code = outcome->explanation_code;
    message_deferred_ask(step->act->transaction, &(struct message_deferred){
                                                     .customer = outcome->customer,
                                                     .message = outcome->message,
                                                     .code = text_is_none(code) ? TEXT("deferred_by_receiver") : code,
                                                     .until = outcome->not_before,
                                                     .about = outcome->explanation_about,
                                                 });
    outcome->slot = (struct slot){ outcome->mailbox, outcome->local_day,  outcome->number,
                                   outcome->ip,      outcome->not_before, INSTANT_NONE };
    outcome->slot.not_after = slot_retry_get(step->act->transaction, work->retried, 0).not_after;
    outcome_end(step->act, outcome, "booked");
}

static void outcome_goes_on(struct act *act, struct outcome_work *work)
{
    struct outcome *outcome = work->outcome;
    bool ours = outcome->authorized ? work->current && (state_is(work, "sending") || state_is(work, "booked"))
                                    : state_is(work, "booked");
    if (!ours) {
        outcome_late(act, work);
        return;
    }
    outcome_tried(act, outcome);
    if (outcome->kind != OUTCOME_NOT_SENT)
        outcome_tell_event(act, outcome, "message.deferred");
    if (outcome->authorized || !outcome->same_slot) {
        outcome_place(act, work);
        return;
    }
    work->retried =
        slot_retry_ask(act->transaction, &(struct slot_retry){ act->customer, outcome->message, outcome->not_before });
    act_read(act, &work->step, outcome_retried);
}

/* ---- which of these ---- */

static void outcome_decide(struct act *act, struct outcome_work *work)
{
    bool authorized = work->outcome->authorized;
    switch (work->outcome->kind) {
    case OUTCOME_DELIVERED: outcome_over(act, work, "delivered", "message.delivered", true); return;
    case OUTCOME_BOUNCED:
        if (authorized)
            outcome_over(act, work, "bounced", "message.bounced", true);
        else
            outcome_over_before(act, work, "bounced", "message.bounced");
        return;
    case OUTCOME_UNCONFIRMED: outcome_over(act, work, "unconfirmed", "message.unconfirmed", false); return;
    case OUTCOME_EXPIRED:
        if (authorized)
            outcome_over(act, work, "expired", "message.expired", false);
        else
            outcome_over_before(act, work, "expired", "message.expired");
        return;
    case OUTCOME_DEFERRED:
    case OUTCOME_NOT_SENT:
    case OUTCOME_REFUSED_HERE: outcome_goes_on(act, work); return;
    }
    unreachable("a kind of outcome");
}

static void outcome_heard(struct act_step *step)
{
    struct outcome_work *work = container_of(step, struct outcome_work, step);
    struct act *act = step->act;
    struct outcome *outcome = work->outcome;
    if (message_hold_count(act->transaction, work->held) == 0) {
        outcome->word = OUTCOME_TOO_LATE;
        act_rollback(act);
        return;
    }
    work->message = message_hold_get(act->transaction, work->held, 0);
    outcome->state = work->message.state;
    if (attempt_insert_count(act->transaction, work->told) == 0) {
        act_rollback(act); /* told before: an answer had been lost */
        return;
    }
    work->current = outcome->authorized && slot_spend_count(act->transaction, work->spent) == 1;
    if (outcome->pacing != NULL)
        pacing_write(act, outcome->ip, outcome->pacing, work->paced);
    outcome_decide(act, work);
}

static struct text static_state(struct text state)
{
    static const char *const states[] = { "accepted",    "booked", "sending",   "delivered", "bounced",
                                          "unconfirmed", "resent", "cancelled", "expired",   "suppressed" };
    for (size_t i = 0; i < COUNT(states); i++)
        if (text_equal(state, text_of(states[i])))
            return text_of(states[i]);
    return TEXT_NONE;
}

static void outcome_ended(struct act *act, const struct pg_end *end)
{
    struct outcome *outcome = work_of(act)->outcome;
    outcome->state = static_state(outcome->state);
    if (end->word != PG_COMMITTED && end->word != PG_ROLLED_BACK) {
        outcome->word = OUTCOME_AGAIN;
        log_warning("ledger", "outcome not written: %s %s %.*s", pg_word_name(end->word), end->sqlstate,
                    TEXT_ARG(end->words));
    }
    outcome->told(outcome);
}

void outcome_write(struct ledger *ledger, struct outcome *outcome)
{
    assert(!(outcome->authorized && outcome->same_slot));
    outcome->word = OUTCOME_WRITTEN;
    outcome->state = TEXT_NONE;
    outcome->slot = (struct slot){ .at = INSTANT_NONE, .not_after = INSTANT_NONE };
    act_begin(&outcome->act, ledger, outcome->customer, outcome_ended);
    struct act *act = &outcome->act;
    struct outcome_work *work = arena_make(act->arena, struct outcome_work);
    outcome->work = work;
    work->outcome = outcome;
    work->held = holding_ask(act, outcome->message);
    work->told = outcome_tell_attempt(act, outcome);
    if (outcome->pacing != NULL)
        work->paced = pacing_write_ask(act, outcome->ip, outcome->pacing->receiver);
    if (outcome->authorized)
        work->spent = slot_spend_ask(act->transaction, &(struct slot_spend){
                                                           .customer = act->customer,
                                                           .mailbox = outcome->mailbox,
                                                           .local_day = outcome->local_day,
                                                           .number = outcome->number,
                                                           .message = outcome->message,
                                                           .now = act->now,
                                                           .real = act->real,
                                                       });
    act_read(act, &work->step, outcome_heard);
}
