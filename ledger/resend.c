#include "ledger/resend.h"

#include "ledger/event.h"
#include "ledger/holding.h"
#include "ledger/placing.h"

#include "ledger_statements.h"

struct resending {
    struct resend *resend;
    struct act_step step;
    struct taking taking;
    struct message_hold_row message;
    size_t held, recipient_held, domain_held;
};

static void resend_end(struct resend *resend, enum resend_word word)
{
    resend->word = word;
    resend->done(resend);
}

static void resend_refuse(struct resend *resend, enum accept_word refusal)
{
    resend->refusal = refusal;
    resend_end(resend, RESEND_REFUSED);
}

static enum accept_word resend_unusable(const struct mailbox_plan *plan)
{
    return plan->customer != PLAN_CUSTOMER_ACTIVE ? ACCEPT_CUSTOMER_SUSPENDED
           : plan->state == PLAN_CLOSED           ? ACCEPT_MAILBOX_CLOSED
           : plan->state == PLAN_PAUSED           ? ACCEPT_MAILBOX_PAUSED
           : !plan->domain_ready                  ? ACCEPT_DOMAIN_NOT_READY
           : uuid_is_nil(plan->ip)                ? ACCEPT_IP_UNAVAILABLE
                                                  : ACCEPT_NO_SLOT;
}

static void resend_write(struct act *act, struct resending *work)
{
    struct resend *resend = work->resend;
    resend->slot = work->taking.slot;
    message_resend_ask(act->transaction, &(struct message_resend){
                                             .customer = act->customer,
                                             .old = resend->message,
                                             .fresh = resend->fresh,
                                             .now = act->now,
                                             .dated_at = resend->slot.at,
                                             .code = TEXT("waiting_for_slot"),
                                             .until = resend->slot.at,
                                             .traceparent = resend->traceparent,
                                         });
    placing_insert(act, resend->fresh, &work->taking, work->message.recipient_key, work->message.domain_key);
    message_resent_ask(act->transaction, &(struct message_resent){ act->customer, resend->message, act->now,
                                                                   id_text(act->arena, ID_MESSAGE, resend->fresh) });
    struct event_data data = event_data_new(act->arena);
    event_data_id(&data, "message_id", ID_MESSAGE, resend->message);
    event_data_id(&data, "resent_as", ID_MESSAGE, resend->fresh);
    event_add(act, "message.resent", resend->message, event_data_end(&data));
    event_add_accepted(act, resend->fresh, &resend->slot);
    resend_end(resend, RESEND_MADE);
}

static bool resend_is_suppressed(struct act *act, size_t asked)
{
    return recipient_hold_count(act->transaction, asked) == 0 ||
           recipient_hold_get(act->transaction, asked, 0).suppressed;
}

static void resend_taken(struct taking *taking)
{
    struct resending *work = container_of(taking, struct resending, taking);
    struct act *act = taking->step.act;
    if (resend_is_suppressed(act, work->recipient_held) || resend_is_suppressed(act, work->domain_held)) {
        resend_refuse(work->resend, ACCEPT_SUPPRESSED);
        return;
    }
    work->resend->free_from = taking->free_from;
    if (taking->word == TAKING_MADE)
        resend_write(act, work);
    else
        resend_refuse(work->resend, taking->word == TAKING_NONE ? ACCEPT_NO_SLOT : resend_unusable(&taking->plan));
}

static size_t resend_hold(struct act *act, struct text key)
{
    recipient_make_ask(act->transaction, &(struct recipient_make){ act->customer, key });
    return recipient_hold_ask(act->transaction, &(struct recipient_hold){ act->customer, key });
}

static void resend_heard(struct act_step *step)
{
    struct resending *work = container_of(step, struct resending, step);
    struct act *act = step->act;
    if (message_hold_count(act->transaction, work->held) == 0) {
        resend_end(work->resend, RESEND_UNKNOWN);
        return;
    }
    work->message = message_hold_get(act->transaction, work->held, 0);
    work->resend->state = work->message.state;
    if (!text_equal(work->message.state, TEXT("unconfirmed"))) {
        resend_end(work->resend, RESEND_NOT_UNCONFIRMED);
        return;
    }
    work->domain_held = resend_hold(act, work->message.domain_key);
    work->recipient_held = resend_hold(act, work->message.recipient_key);
    work->taking = (struct taking){
        .mailbox = work->message.mailbox_id,
        .not_before = act->now,
        .done = resend_taken,
    };
    taking_start(act, &work->taking);
}

void resend_message(struct act *act, struct resend *resend)
{
    struct resending *work = arena_make(act->arena, struct resending);
    work->resend = resend;
    resend->state = TEXT_NONE;
    work->held = holding_ask(act, resend->message);
    act_read(act, &work->step, resend_heard);
}
