#include "ledger/placing.h"

#include "ledger/event.h"

#include "ledger_statements.h"

void placing_insert(struct act *act, struct uuid message, const struct taking *taking, struct text recipient_key,
                    struct text domain_key)
{
    slot_insert_ask(act->transaction, &(struct slot_insert){
                                          .customer = act->customer,
                                          .mailbox = taking->slot.mailbox,
                                          .local_day = taking->slot.local_day,
                                          .number = taking->slot.number,
                                          .day_from = taking->day_span.from,
                                          .day_until = taking->day_span.until,
                                          .message = message,
                                          .ip = taking->slot.ip,
                                          .at = taking->slot.at,
                                          .not_after = taking->slot.not_after,
                                          .recipient_key = recipient_key,
                                          .domain_key = domain_key,
                                          .now = act->now,
                                      });
}

static void placing_booked(struct placing *placing, struct act *act)
{
    struct text code = placing->code;
    if (text_is_none(code))
        code = instant_before(act->now, placing->scheduled_at) ? TEXT("scheduled") : TEXT("waiting_for_slot");
    placing->slot = placing->taking.slot;
    placing_insert(act, placing->message, &placing->taking, placing->recipient_key, placing->domain_key);
    message_booked_ask(act->transaction, &(struct message_booked){
                                             .customer = act->customer,
                                             .message = placing->message,
                                             .at = placing->slot.at,
                                             .code = code,
                                             .about = placing->about,
                                         });
    event_add(act, "message.booked", placing->message, event_booked_data(act, placing->message, &placing->slot));
    placing->word = PLACED;
    placing->done(placing);
}

static void placing_waits(struct placing *placing, struct act *act, const char *code, struct instant until)
{
    message_waits_ask(act->transaction, &(struct message_waits){
                                            .customer = act->customer,
                                            .message = placing->message,
                                            .code = text_of(code),
                                            .until = until,
                                        });
    placing->word = PLACING_WAITS;
    placing->done(placing);
}

static void placing_over(struct placing *placing, struct act *act, enum placing_word word, const char *code)
{
    bool cancelled = word == PLACING_CANCELLED;
    message_over_ask(act->transaction, &(struct message_over){
                                           .customer = act->customer,
                                           .message = placing->message,
                                           .state = cancelled ? TEXT("cancelled") : TEXT("suppressed"),
                                           .code = text_of(code),
                                           .now = act->now,
                                       });
    recipients_unmark_ask(act->transaction, &(struct recipients_unmark){ act->customer, { &placing->message, 1 } });
    event_add_many(act, cancelled ? "message.cancelled" : "message.suppressed", &placing->message, &placing->mailbox, 1,
                   text_of(code));
    placing->word = word;
    placing->done(placing);
}

static void placing_unusable(struct placing *placing, struct act *act)
{
    const struct mailbox_plan *plan = &placing->taking.plan;
    if (plan->customer == PLAN_CUSTOMER_CLOSED)
        placing_over(placing, act, PLACING_CANCELLED, "cancelled");
    else if (plan->state == PLAN_CLOSED)
        placing_over(placing, act, PLACING_CANCELLED, "mailbox_closed");
    else if (plan->customer == PLAN_CUSTOMER_SUSPENDED)
        placing_waits(placing, act, "customer_suspended", INSTANT_NONE);
    else if (plan->state == PLAN_PAUSED)
        placing_waits(placing, act, "mailbox_paused", INSTANT_NONE);
    else if (!plan->domain_ready)
        placing_waits(placing, act, "domain_not_ready", INSTANT_NONE);
    else if (uuid_is_nil(plan->ip))
        placing_waits(placing, act, "ip_unavailable", INSTANT_NONE);
    else
        placing_waits(placing, act, "no_free_slot", INSTANT_NONE); /* its zone is not known on this machine */
}

static void placing_taken(struct taking *taking)
{
    struct placing *placing = container_of(taking, struct placing, taking);
    struct act *act = taking->step.act;
    switch (taking->word) {
    case TAKING_MADE: placing_booked(placing, act); return;
    case TAKING_NONE: placing_waits(placing, act, "no_free_slot", taking->free_from); return;
    case TAKING_UNUSABLE: placing_unusable(placing, act); return;
    }
    unreachable("a word of taking");
}

static void placing_heard(struct act_step *step)
{
    struct placing *placing = container_of(step, struct placing, step);
    if (suppression_stands_count(step->act->transaction, placing->asked) > 0) {
        placing_over(placing, step->act, PLACING_SUPPRESSED, "suppressed");
        return;
    }
    placing->taking = (struct taking){
        .mailbox = placing->mailbox,
        .not_before = placing->not_before,
        .done = placing_taken,
    };
    taking_start(step->act, &placing->taking);
}

void placing_start(struct act *act, struct placing *placing)
{
    placing->asked = suppression_stands_ask(
        act->transaction, &(struct suppression_stands){ act->customer, placing->recipient_key, placing->domain_key });
    act_read(act, &placing->step, placing_heard);
}
