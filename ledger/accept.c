#include "ledger/accept.h"

#include "policy/booking.h"

#include "ledger/event.h"
#include "ledger/placing.h"

#include "ledger_statements.h"

struct accepting {
    struct accept *accept;
    struct act_step step;
    struct taking taking;
    struct accept_facts_row facts;
    struct text address, display_name; /* the mailbox's */
    bool follows, first_writing, named;
    size_t asked, marked, domain_held, recipient_held;
};

static void accept_end(struct accept *accept, enum accept_word word)
{
    accept->word = word;
    accept->done(accept);
}

static enum accept_word accept_word_of(enum booking booking)
{
    switch (booking) {
    case BOOKING_MADE: return ACCEPT_MADE;
    case BOOKING_CUSTOMER_SUSPENDED: return ACCEPT_CUSTOMER_SUSPENDED;
    case BOOKING_IDENTITY_MISSING: return ACCEPT_IDENTITY_MISSING;
    case BOOKING_DOMAIN_NOT_READY: return ACCEPT_DOMAIN_NOT_READY;
    case BOOKING_MAILBOX_CLOSED: return ACCEPT_MAILBOX_CLOSED;
    case BOOKING_MAILBOX_PAUSED: return ACCEPT_MAILBOX_PAUSED;
    case BOOKING_IP_UNAVAILABLE: return ACCEPT_IP_UNAVAILABLE;
    case BOOKING_SUPPRESSED: return ACCEPT_SUPPRESSED;
    case BOOKING_RECENTLY_WRITTEN: return ACCEPT_RECENTLY_WRITTEN;
    case BOOKING_NO_SLOT: return ACCEPT_NO_SLOT;
    }
    unreachable("a word of booking");
}

/* ---- 3: everything is taken; what remains is written with the commit ---- */

static struct text accept_header_id(struct act *act, const struct accepting *accepting)
{
    const struct accept *accept = accepting->accept;
    if (!text_is_none(accept->header_message_id))
        return accept->header_message_id;
    struct text domain = text_after(accepting->address, text_find_last(accepting->address, '@') + 1);
    struct text id = id_text(act->arena, ID_MESSAGE, accept->message);
    return text_format(act->arena, "%.*s@%.*s", TEXT_ARG(id), TEXT_ARG(domain));
}

static void accept_write_message(struct act *act, const struct accepting *accepting)
{
    const struct accept *accept = accepting->accept;
    message_insert_ask(act->transaction,
                       &(struct message_insert){
                           .customer = act->customer,
                           .message = accept->message,
                           .mailbox = accept->slot.mailbox,
                           .to_address = accept->to_address,
                           .to_name = text_is_none(accept->to_name) ? TEXT("") : accept->to_name,
                           .recipient_key = accept->recipient_key,
                           .domain_key = accept->domain_key,
                           .subject = accept->subject,
                           .text_body = accept->text,
                           .html_body = accept->html,
                           .reply_to = accept->reply_to,
                           .headers = text_is_none(accept->headers) ? TEXT("{}") : accept->headers,
                           .attachments = text_is_none(accept->attachments) ? TEXT("[]") : accept->attachments,
                           .metadata = text_is_none(accept->metadata) ? TEXT("{}") : accept->metadata,
                           .tag = accept->tag,
                           .header_message_id = accept_header_id(act, accepting),
                           .in_reply_to = accept->in_reply_to,
                           .thread = accept->thread,
                           .first_writing = accepting->first_writing,
                           .now = act->now,
                           .scheduled_at = accept->scheduled_at,
                           .dated_at = accept->slot.at,
                           .code = accept->explanation_code,
                           .until = accept->explanation_until,
                           .from_name = accepting->display_name,
                           .traceparent = accept->traceparent,
                       });
}

static void accept_write(struct act *act, struct accepting *accepting)
{
    struct accept *accept = accepting->accept;
    accept->slot = accepting->taking.slot;
    accept->thread = accepting->follows ? accepting->facts.thread : accept->message;
    accept->explanation_code = instant_before(act->now, accept->scheduled_at) ? TEXT("scheduled")
                               : accepting->facts.parent_open                 ? TEXT("waiting_for_thread")
                                                                              : TEXT("waiting_for_slot");
    accept->explanation_until = accept->slot.at;
    accept_write_message(act, accepting);
    placing_insert(act, accept->message, &accepting->taking, accept->recipient_key, accept->domain_key);
    event_add_accepted(act, accept->message, &accept->slot);
    accept_end(accept, ACCEPT_MADE);
}

/* ---- what stands against it ---- */

/* With no mailbox read, nothing of a mailbox stands against it. */
static enum booking accept_refusal(const struct accept_facts_row *facts, bool mailbox_read)
{
    return booking_refusal(&(struct booking_facts){
        .live = facts->live,
        .customer_active = text_equal(facts->customer_state, TEXT("active")),
        .identity_given = facts->identity_given,
        .domain_ready = !mailbox_read || facts->domain_ready,
        .mailbox_closed = text_equal(facts->mailbox_state, TEXT("closed")),
        .mailbox_paused = text_equal(facts->mailbox_state, TEXT("paused")),
        .has_ip = !mailbox_read || !uuid_is_nil(facts->ip),
    });
}

/* ---- 2: the recipient's row is held, an opening is taken ---- */

static void accept_why_heard(struct act_step *step)
{
    struct accepting *accepting = container_of(step, struct accepting, step);
    struct recipient_state_row row = recipient_state_get(step->act->transaction, accepting->asked, 0);
    accept_end(accepting->accept, row.suppressed ? ACCEPT_SUPPRESSED : ACCEPT_RECENTLY_WRITTEN);
}

static bool accept_is_held(struct act *act, size_t asked)
{
    return recipient_hold_count(act->transaction, asked) == 1 &&
           !recipient_hold_get(act->transaction, asked, 0).suppressed;
}

/* Nothing was found for any mailbox: the readiest one of the customer speaks for all. */
static void accept_any_heard(struct act_step *step)
{
    struct accepting *accepting = container_of(step, struct accepting, step);
    struct accept_facts_row *facts = &accepting->facts;
    if (accept_any_facts_count(step->act->transaction, accepting->asked) == 0) {
        accept_end(accepting->accept, ACCEPT_MAILBOX_UNKNOWN);
        return;
    }
    struct accept_any_facts_row any = accept_any_facts_get(step->act->transaction, accepting->asked, 0);
    facts->mailbox_state = any.mailbox_state;
    facts->domain_ready = any.domain_ready;
    facts->ip = any.ip;
    enum booking refusal = accept_refusal(facts, true);
    accept_end(accepting->accept, refusal == BOOKING_MADE ? ACCEPT_NO_SLOT : accept_word_of(refusal));
}

static void accept_none(struct act *act, struct accepting *accepting)
{
    if (accepting->named) {
        accept_end(accepting->accept, ACCEPT_NO_SLOT);
        return;
    }
    accepting->asked = accept_any_facts_ask(act->transaction, &(struct accept_any_facts){ act->customer });
    act_read(act, &accepting->step, accept_any_heard);
}

static void accept_taken(struct taking *taking)
{
    struct accepting *accepting = container_of(taking, struct accepting, taking);
    struct accept *accept = accepting->accept;
    struct act *act = taking->step.act;
    if (!accept_is_held(act, accepting->domain_held) ||
        (!accepting->first_writing && !accept_is_held(act, accepting->recipient_held))) {
        accept_end(accept, ACCEPT_SUPPRESSED);
        return;
    }
    if (accepting->first_writing && recipient_mark_count(act->transaction, accepting->marked) == 0) {
        accepting->asked =
            recipient_state_ask(act->transaction, &(struct recipient_state){ act->customer, accept->recipient_key });
        act_read(act, &accepting->step, accept_why_heard);
        return;
    }
    accept->free_from = taking->free_from;
    if (!accepting->named) {
        accepting->address = taking->address;
        accepting->display_name = taking->display_name;
    }
    if (taking->word == TAKING_MADE)
        accept_write(act, accepting);
    else if (taking->word == TAKING_NONE)
        accept_none(act, accepting);
    else /* it changed since the facts were read */
        accept_end(accept, taking->plan.customer != PLAN_CUSTOMER_ACTIVE ? ACCEPT_CUSTOMER_SUSPENDED
                           : taking->plan.state == PLAN_CLOSED           ? ACCEPT_MAILBOX_CLOSED
                           : taking->plan.state == PLAN_PAUSED           ? ACCEPT_MAILBOX_PAUSED
                           : !taking->plan.domain_ready                  ? ACCEPT_DOMAIN_NOT_READY
                           : uuid_is_nil(taking->plan.ip)                ? ACCEPT_IP_UNAVAILABLE
                                                                         : ACCEPT_NO_SLOT);
}

static void accept_hold(struct act *act, struct accepting *accepting)
{
    const struct accept *accept = accepting->accept;
    int32_t gap_days = accepting->facts.gap_days;
    recipient_make_ask(act->transaction, &(struct recipient_make){ act->customer, accept->domain_key });
    accepting->domain_held =
        recipient_hold_ask(act->transaction, &(struct recipient_hold){ act->customer, accept->domain_key });
    if (accepting->first_writing) {
        accepting->marked = recipient_mark_ask(
            act->transaction,
            &(struct recipient_mark){
                .customer = act->customer,
                .address_key = accept->recipient_key,
                .now = act->now,
                .message = accept->message,
                .gap_start = gap_days == 0
                                 ? instant_add(act->now, 36500 * US_PER_DAY) /* no gap: any time is long ago */
                                 : instant_add(act->now, -gap_days * US_PER_DAY),
            });
    } else {
        recipient_make_ask(act->transaction, &(struct recipient_make){ act->customer, accept->recipient_key });
        accepting->recipient_held =
            recipient_hold_ask(act->transaction, &(struct recipient_hold){ act->customer, accept->recipient_key });
    }
}

static void accept_take(struct act *act, struct accepting *accepting)
{
    struct accept *accept = accepting->accept;
    accept_hold(act, accepting);
    accepting->taking = (struct taking){
        .mailbox = accepting->named ? accepting->facts.mailbox : UUID_NIL,
        .not_before = instant_max(accept->scheduled_at, accepting->facts.parent_at), /* a follow-up comes after */
        .usable = accepting->named,
        .done = accept_taken,
    };
    taking_start(act, &accepting->taking);
}

/* ---- 1: what stands against it, as far as it is known before anything is held ---- */

static enum accept_word accept_thread(const struct accepting *accepting)
{
    const struct accept *accept = accepting->accept;
    const struct accept_facts_row *facts = &accepting->facts;
    if (uuid_is_nil(facts->parent))
        return ACCEPT_PARENT_UNKNOWN;
    if (!text_equal(facts->parent_recipient, accept->recipient_key))
        return ACCEPT_PARENT_OTHER;
    if (!uuid_is_nil(accept->mailbox) && !uuid_equal(accept->mailbox, facts->mailbox))
        return ACCEPT_THREAD_OTHER;
    return ACCEPT_MADE;
}

static void accept_heard(struct act_step *step)
{
    struct accepting *accepting = container_of(step, struct accepting, step);
    struct accept *accept = accepting->accept;
    if (accept_facts_count(step->act->transaction, accepting->asked) == 0) {
        accept_end(accept, ACCEPT_CUSTOMER_SUSPENDED);
        return;
    }
    accepting->facts = accept_facts_get(step->act->transaction, accepting->asked, 0);
    accepting->address = accepting->facts.address;
    accepting->display_name = accepting->facts.display_name;
    enum accept_word thread = accepting->follows ? accept_thread(accepting) : ACCEPT_MADE;
    if (thread != ACCEPT_MADE) {
        accept_end(accept, thread);
        return;
    }
    accepting->first_writing = !accepting->follows || !accepting->facts.thread_begun;
    enum booking refusal = accept_refusal(&accepting->facts, accepting->named);
    if (accepting->named && uuid_is_nil(accepting->facts.mailbox) && refusal != BOOKING_CUSTOMER_SUSPENDED)
        accept_end(accept, ACCEPT_MAILBOX_UNKNOWN);
    else if (refusal != BOOKING_MADE)
        accept_end(accept, accept_word_of(refusal));
    else
        accept_take(step->act, accepting);
}

void accept_message(struct act *act, struct accept *accept)
{
    struct accepting *accepting = arena_make(act->arena, struct accepting);
    accepting->accept = accept;
    accepting->follows = !uuid_is_nil(accept->in_reply_to);
    accepting->named = !uuid_is_nil(accept->mailbox) || accepting->follows;
    accepting->asked = accept_facts_ask(act->transaction,
                                        &(struct accept_facts){ act->customer, accept->mailbox, accept->in_reply_to });
    act_read(act, &accepting->step, accept_heard);
}
