#include "worker/delivery.h"

#include "base/bounds.h"

#include "io/log.h"

#include "worker/begin.h"
#include "worker/lane.h"
#include "worker/verdict.h"
#include "worker_statements.h"

#include <string.h>

enum { AGAIN_FIRST_MS = 200, AGAIN_DOUBLINGS = 6, NOT_NOW_S = 10 };

static void delivery_free(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    assert(!delivery->authorizing && (delivery->session == NULL || delivery->state == DELIVERY_READING));
    if (delivery->session != NULL)
        session_reserve(delivery->session, false);
    timer_stop(&delivery->again);
    list_remove(&delivery->link);
    if (delivery->permit != NULL)
        permit_return(lane->book, &delivery->permit);
    lane_delivery_ended(lane, delivery);
    arena_free(&delivery->arena);
    memory_free(&delivery);
}

/* It may come again with a reading that is sent after `pause_us`. */
static void delivery_end(struct delivery *delivery, int64_t pause_us)
{
    agenda_release(&delivery->lane->agenda, delivery->due.message, tick_add(clock_tick(), pause_us));
    delivery_free(delivery);
}

/* Nothing was begun after all: the gap is as it was. */
static void put_back(struct delivery *delivery, int64_t pause_us)
{
    struct lane *lane = delivery->lane;
    if (lane->last_begin.us == delivery->begun_at.us)
        lane->last_begin = delivery->last_begin_before;
    delivery_end(delivery, pause_us);
}

static void outcome_told(struct outcome *outcome);

static void write_outcome(struct delivery *delivery)
{
    delivery->state = DELIVERY_WRITING;
    delivery->outcome.told = outcome_told;
    outcome_write(delivery->lane->worker->ledger, &delivery->outcome);
}

static void again_fired(struct timer *timer)
{
    write_outcome(container_of(timer, struct delivery, again));
}

static void outcome_told(struct outcome *outcome)
{
    struct delivery *delivery = container_of(outcome, struct delivery, outcome);
    if (outcome->word == OUTCOME_AGAIN) {
        unsigned doublings = MIN_OF(delivery->tries, (unsigned)AGAIN_DOUBLINGS);
        delivery->tries++;
        timer_start(&delivery->again, (int64_t)AGAIN_FIRST_MS * US_PER_MS << doublings);
        return;
    }
    lane_answered(delivery->lane);
    log_info(delivery->lane->name, "message to %.*s at %.*s: %.*s", TEXT_ARG(delivery->due.domain),
             TEXT_ARG(delivery->route.receiver), TEXT_ARG(smtp_outcome_word(delivery->result.outcome)));
    delivery_end(delivery, 0);
}

/* Both are known: what the conversation came to, and whether the slot was authorized. */
static void decide(struct delivery *delivery)
{
    bool never_allowed = delivery->result.outcome == SMTP_NOT_SENT && !delivery->authorized;
    if (never_allowed) {
        delivery_end(delivery, US_PER_SECOND);
        return;
    }
    verdict_fill(delivery);
    write_outcome(delivery);
}

/* Its session was closed by the peer while it idled. No failure: at once, when that connection's permit is home; from a
 * lane that begins nothing more it goes back. */
static void wait_for_permit(struct delivery *delivery)
{
    if (!lane_may_begin(delivery->lane)) {
        put_back(delivery, 0);
        return;
    }
    delivery->state = DELIVERY_PERMITLESS;
    lane_look(delivery->lane);
}

static void keep_result(struct delivery *delivery, const struct smtp_result *result)
{
    delivery->result = *result;
    delivery->result.transcript = text_copy(delivery->arena, result->transcript);
    delivery->result.reply.text = text_copy(delivery->arena, result->reply.text);
    delivery->has_result = true;
}

static void sender_result(struct session_sender *sender, const struct smtp_result *result)
{
    struct delivery *delivery = container_of(sender, struct delivery, sender);
    delivery->session = NULL;
    lane_connects(delivery->lane);
    if (result->outcome == SMTP_STALE) {
        wait_for_permit(delivery);
        return;
    }
    keep_result(delivery, result);
    if (!delivery->authorizing)
        decide(delivery);
}

/* Nothing has left this host: no attempt. Where only the way to this receiver is missing, the others go on. */
static void sender_not_made(struct session_sender *sender, const struct connection_end *end)
{
    struct delivery *delivery = container_of(sender, struct delivery, sender);
    struct lane *lane = delivery->lane;
    delivery->session = NULL;
    if (end->word == CONNECTION_NOT_OURS) {
        tenure_look(&lane->tenure);
        put_back(delivery, US_PER_SECOND);
    } else if (connection_lacks_way(end->error)) {
        log_warning(lane->name, "no way to %.*s: %s", TEXT_ARG(delivery->route.receiver), strerror(end->error));
        begin_explain(lane, &delivery->due, TEXT("no_route"), delivery->route.receiver, INSTANT_NONE,
                      clock_now(lane->worker->clock));
        put_back(delivery, NOT_NOW_S * US_PER_SECOND);
    } else {
        lane_exhausted(lane);
        put_back(delivery, 0);
    }
}

static void authorize_told(struct authorize *authorize)
{
    struct delivery *delivery = container_of(authorize, struct delivery, authorize);
    struct lane *lane = delivery->lane;
    bool doubtful = authorize->word == AUTHORIZE_UNKNOWN;
    delivery->authorizing = false;
    delivery->authorized = authorize->word == AUTHORIZED || doubtful;
    trace(TRACE_LANE, lane->name, "authorize: %s", authorize_word_name(authorize->word));
    if (!doubtful && authorize->word != AUTHORIZE_UNAVAILABLE)
        lane_answered(lane);
    if (authorize->word == AUTHORIZE_HALTED)
        lane->tenure.halted = true; /* until tenure sees otherwise */
    if (delivery->has_result)
        decide(delivery);
    else
        session_authorize(delivery->session, authorize->word == AUTHORIZED
                                                 ? tick_add(authorize->asked_at, BOUND_AUTHORIZATION_US)
                                                 : TICK_NONE);
    if (authorize->word == AUTHORIZE_NOT_OURS)
        tenure_lose(&lane->tenure);
}

static void sender_authorize(struct session_sender *sender)
{
    struct delivery *delivery = container_of(sender, struct delivery, sender);
    struct lane *lane = delivery->lane;
    bool away = lane->tenure.trouble == TENURE_ADDRESS_MISSING;
    if (!lane->tenure.owned || away || lane->worker->halt != NULL) {
        session_authorize(delivery->session, TICK_NONE);
        return;
    }
    delivery->authorizing = true;
    delivery->authorize = (struct authorize){
        .customer = lane->customer,
        .ip = lane->ip,
        .generation = lane->tenure.generation,
        .message = delivery->due.message,
        .local_day = delivery->due.local_day,
        .number = delivery->due.number,
        .told = authorize_told,
    };
    authorize_slot(lane->worker->ledger, &delivery->authorize);
}

static void speak(struct delivery *delivery)
{
    delivery->state = DELIVERY_SPEAKING;
    session_send(delivery->session, &delivery->message, &delivery->sender);
}

void delivery_connect(struct delivery *delivery, struct permit *permit)
{
    assert(delivery->state == DELIVERY_PERMITLESS || delivery->state == DELIVERY_READING);
    delivery->session = lane_connect(delivery->lane, &delivery->route, permit);
    speak(delivery);
}

/* The row is there, but what it says cannot be a message: it ends with that, instead of being tried for ever. */
static void end_uncomposable(struct delivery *delivery)
{
    if (delivery->session != NULL)
        session_reserve(delivery->session, false);
    delivery->session = NULL;
    log_error(delivery->lane->name, "a booked message cannot be composed: it is bounced");
    delivery->result = (struct smtp_result){ .outcome = SMTP_BOUNCED, .stage = SMTP_STAGE_CONNECT };
    verdict_fill(delivery);
    write_outcome(delivery);
}

static void fill_letter(const struct letter_load_row *row, struct letter *letter)
{
    *letter = (struct letter){
        .from_address = row->from_address,
        .from_name = row->from_name,
        .to_address = row->to_address,
        .to_name = row->to_name,
        .reply_to = row->reply_to,
        .subject = row->subject,
        .text = row->text_body,
        .html = row->html_body,
        .message_id = row->message_id,
        .date = row->dated_at,
        .in_reply_to = row->in_reply_to,
        .references = row->references_ids.items,
        .reference_count = row->references_ids.count,
        .header_names = row->header_names.items,
        .header_values = row->header_values.items,
        .header_count = row->header_names.count,
        .file_names = row->file_names.items,
        .file_types = row->file_types.items,
        .file_base64 = row->file_base64.items,
        .file_count = row->file_names.count,
    };
}

static void fill_retry(struct delivery *delivery, const struct letter_load_row *row)
{
    struct window window = { .days = (uint8_t)row->window_days,
                             .start_minute = (uint16_t)row->window_start_min,
                             .end_minute = (uint16_t)row->window_end_min };
    const struct zone *zone = zones_find(delivery->lane->worker->ledger->zones, row->time_zone, clock_tick());
    struct retry_case *retry = &delivery->retry;
    *retry = (struct retry_case){ .attempts = (uint32_t)row->attempts,
                                  .first_attempt = row->first_attempt_at,
                                  .not_after = delivery->due.not_after,
                                  .has_other = !instant_is_none(row->other_at),
                                  .other_at = row->other_at };
    if (zone == NULL || !window_span(&window, zone, delivery->due.local_day, &retry->window))
        retry->window = (struct span){ delivery->due.at, delivery->due.not_after };
}

static void compose(struct delivery *delivery)
{
    delivery->composed = letter_compose(delivery->arena, &delivery->letter, &delivery->made);
}

static void go(struct delivery *delivery)
{
    if (!delivery->composed) {
        end_uncomposable(delivery);
        return;
    }
    delivery->message = (struct smtp_message){ &delivery->made.from, &delivery->made.to, delivery->made.content };
    if (delivery->session != NULL) {
        speak(delivery);
        return;
    }
    if (delivery->permit == NULL) {
        wait_for_permit(delivery);
        return;
    }
    struct permit *permit = delivery->permit;
    delivery->permit = NULL;
    delivery_connect(delivery, permit);
}

static void composing_works(struct aside *aside)
{
    compose(container_of(aside, struct delivery, composing));
}

static void composing_done(struct aside *aside)
{
    struct delivery *delivery = container_of(aside, struct delivery, composing);
    if (lane_may_begin(delivery->lane))
        go(delivery);
    else
        put_back(delivery, 0);
}

/* A large letter is composed by another thread; for the others it is still being read. */
static void letter_read(struct delivery *delivery, const struct letter_load_row *row)
{
    struct letter letter;
    fill_letter(row, &letter);
    fill_retry(delivery, row);
    delivery->letter = letter_copy(delivery->arena, &letter);
    delivery->composing = (struct aside){ composing_works, composing_done };
    if (letter_size(&letter) > BOUND_ASIDE) {
        aside_start(delivery->lane->worker->loop, &delivery->composing);
        return;
    }
    compose(delivery);
    go(delivery);
}

static void reading_ended(struct transaction_wait *wait, struct transaction *transaction, const struct pg_end *end)
{
    struct delivery *delivery = container_of(wait, struct delivery, reading);
    bool answered = end->word == PG_COMMITTED;
    if (answered)
        lane_answered(delivery->lane);
    if (!answered || !lane_may_begin(delivery->lane) || letter_load_count(transaction, delivery->asked) == 0) {
        put_back(delivery, answered ? 0 : US_PER_SECOND); /* it may be the letter itself that we have no memory for */
        return;
    }
    struct letter_load_row row = letter_load_get(transaction, delivery->asked, 0);
    if (!row.sendable) {
        put_back(delivery, NOT_NOW_S * US_PER_SECOND);
        return;
    }
    letter_read(delivery, &row);
}

void delivery_begin(const struct delivery_given *given)
{
    struct delivery *delivery = memory_make(struct delivery);
    struct lane *lane = given->lane;
    delivery->lane = lane;
    delivery->arena = arena_new();
    delivery->due = *given->due;
    delivery->due.domain = text_copy(delivery->arena, given->due->domain);
    delivery->route = *given->route;
    delivery->route.receiver = text_copy(delivery->arena, given->route->receiver);
    delivery->receiver = given->receiver;
    delivery->permit = given->permit;
    delivery->session = given->session;
    if (given->session != NULL)
        session_reserve(given->session, true);
    delivery->sender = (struct session_sender){ sender_authorize, sender_result, sender_not_made };
    timer_init(&delivery->again, lane->worker->loop, again_fired);
    link_init(&delivery->link);
    list_append(&lane->deliveries, &delivery->link);
    agenda_take(&lane->agenda, delivery->due.message);
    delivery->begun_at = clock_now(lane->worker->clock);
    delivery->last_begin_before = lane->last_begin;
    lane->last_begin = delivery->begun_at;

    delivery->reading.ended = reading_ended;
    struct transaction *transaction = transaction_new_reading(lane->worker->pg, lane->customer, &delivery->reading);
    transaction_limit(transaction, BOUND_STATEMENT_US);
    delivery->asked = letter_load_ask(transaction, &(struct letter_load){ .customer = lane->customer,
                                                                          .message = delivery->due.message,
                                                                          .local_day = delivery->due.local_day,
                                                                          .number = delivery->due.number });
    transaction_commit(transaction);
}

void delivery_lost_session(struct delivery *delivery, const struct session *session)
{
    if (delivery->state == DELIVERY_READING && delivery->session == session)
        delivery->session = NULL;
}

void delivery_give_up(struct delivery *delivery)
{
    if (delivery->state == DELIVERY_PERMITLESS)
        put_back(delivery, 0);
}
