/* messages: what can be read of them. */
#include "mail/address.h"
#include "mail/letter.h"

#include "ledger/zones.h"

#include "routes.h"
#include "server/cursor.h"
#include "server/explanation.h"
#include "server/messages.h"
#include "server/render.h"
#include "server/traceparent.h"
#include "server_statements.h"

#define ALIVE_US (15 * US_PER_SECOND) /* a worker was seen within this, real time */

/* ---- attempts ---- */

static json_t *reply_json(const struct attempts_read_row *row)
{
    if (row->reply_code < 0)
        return json_null();
    return json_pack("{s:i,s:o,s:o}", "code", row->reply_code, "enhanced", render_text(row->reply_enhanced), "text",
                     render_text(text_is_none(row->reply_text) ? TEXT("") : row->reply_text));
}

static json_t *attempt_json(struct arena *arena, const struct attempts_read_row *row)
{
    json_t *tls =
        json_pack("{s:o,s:o,s:o}", "version", render_text(row->tls_version), "cipher", render_text(row->tls_cipher),
                  "verified", render_text(text_is_none(row->tls_verified) ? TEXT("none") : row->tls_verified));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:o}", "id",
                     render_id(arena, ID_ATTEMPT, row->attempt_id), "at", render_instant(arena, row->at), "ip",
                     render_text(row->ip), "receiver", render_text(row->receiver), "mx", render_text(row->mx), "remote",
                     render_text(row->remote), "tls", tls, "stage", render_text(row->stage), "reply", reply_json(row),
                     "outcome", render_text(row->outcome), "smtp_error_id", render_text(row->smtp_error_id),
                     "duration_ms", row->duration_ms, "transcript", render_texts(row->transcript));
}

static json_t *last_attempt_json(struct arena *arena, const struct messages_read_row *row)
{
    if (uuid_is_nil(row->attempt_id))
        return json_null();
    struct attempts_read_row attempt = {
        .attempt_id = row->attempt_id,
        .at = row->attempt_at,
        .ip = row->attempt_ip,
        .receiver = row->receiver,
        .mx = row->mx,
        .remote = row->remote,
        .tls_version = row->tls_version,
        .tls_cipher = row->tls_cipher,
        .tls_verified = row->tls_verified,
        .stage = row->stage,
        .reply_code = row->reply_code,
        .reply_enhanced = row->reply_enhanced,
        .reply_text = row->reply_text,
        .outcome = row->outcome,
        .smtp_error_id = row->smtp_error_id,
        .duration_ms = row->duration_ms,
        .transcript = row->transcript,
    };
    return attempt_json(arena, &attempt);
}

/* ---- messages ---- */

static json_t *slot_json(struct arena *arena, const struct messages_read_row *row)
{
    if (instant_is_none(row->at))
        return json_null();
    return json_pack("{s:o,s:i,s:o,s:o,s:o}", "local_day", render_day(arena, row->local_day), "number", row->number,
                     "at", render_instant(arena, row->at), "not_after", render_instant(arena, row->not_after), "ip_id",
                     render_id(arena, ID_IP, row->slot_ip));
}

static json_t *explanation_json(struct request *request, const struct messages_read_row *row)
{
    struct arena *arena = request->arena;
    struct text domain = text_after(row->to_address, text_find_last(row->to_address, '@') + 1);
    struct explanation_facts facts = {
        .state = row->state,
        .stored = row->explanation_code,
        .stored_until = row->explanation_until,
        .about = row->explanation_about,
        .scheduled_at = row->scheduled_at,
        .ended_at = row->ended_at,
        .customer_state = row->customer_state,
        .mailbox_state = row->mailbox_state,
        .from_address = row->from_address,
        .to_address = row->to_address,
        .mailbox_has_ip = !uuid_is_nil(row->mailbox_ip),
        .has_route = row->has_route,
        .domain = domain_shown(arena, domain),
        .at = row->at,
        .due_at = row->due_at,
        .not_after = row->not_after,
        .ip = row->ip,
        .halted = row->halted,
        .lane_trouble = row->lane_trouble,
        .worker_alive = !instant_is_none(row->seen_at) && instant_is_none(row->lane_ended_at) &&
                        instant_since(clock_steady(request->server->clock), row->seen_at) <= ALIVE_US,
        .reply_code = row->reply_code,
        .reply_text = row->reply_text,
        .outcome = row->outcome,
        .zone = zones_find(request->server->zones, row->time_zone, clock_tick()),
        .zone_name = row->time_zone,
        .now = request->now,
    };
    struct explanation explanation = explanation_of(arena, &facts);
    return json_pack("{s:o,s:o,s:o}", "code", render_text(explanation.code), "text", render_text(explanation.text),
                     "until", render_instant(arena, explanation.until));
}

static json_t *message_json(struct request *request, const struct messages_read_row *row)
{
    struct arena *arena = request->arena;
    json_t *to = json_pack("{s:o,s:o}", "address", render_text(row->to_address), "name",
                           render_text(row->to_name.length == 0 ? TEXT_NONE : row->to_name));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
                     render_id(arena, ID_MESSAGE, row->message_id), "customer_id",
                     render_id(arena, ID_CUSTOMER, row->customer_id), "state", render_text(row->state), "mailbox_id",
                     render_id(arena, ID_MAILBOX, row->mailbox_id), "from", render_text(row->from_address), "to", to,
                     "subject", render_text(row->subject), "created_at", render_instant(arena, row->created_at), "slot",
                     slot_json(arena, row), "explanation", explanation_json(request, row), "last_attempt",
                     last_attempt_json(arena, row), "resend_of", render_id(arena, ID_MESSAGE, row->resend_of),
                     "in_reply_to", render_id(arena, ID_MESSAGE, row->in_reply_to), "scheduled_at",
                     render_instant(arena, row->scheduled_at), "tag", render_text(row->tag), "metadata",
                     render_json(row->metadata), "trace_id", render_text(traceparent_trace(row->traceparent)));
}

/* ---- one ---- */

/* The same row from two statements: this one is planned once, by its key. */
static struct messages_read_row row_of(const struct message_read_row *row)
{
    return (struct messages_read_row){
        .customer_id = row->customer_id,
        .message_id = row->message_id,
        .mailbox_id = row->mailbox_id,
        .state = row->state,
        .to_address = row->to_address,
        .to_name = row->to_name,
        .subject = row->subject,
        .created_at = row->created_at,
        .ended_at = row->ended_at,
        .scheduled_at = row->scheduled_at,
        .in_reply_to = row->in_reply_to,
        .resend_of = row->resend_of,
        .tag = row->tag,
        .traceparent = row->traceparent,
        .metadata = row->metadata,
        .explanation_code = row->explanation_code,
        .explanation_until = row->explanation_until,
        .explanation_about = row->explanation_about,
        .from_address = row->from_address,
        .mailbox_state = row->mailbox_state,
        .time_zone = row->time_zone,
        .mailbox_ip = row->mailbox_ip,
        .customer_state = row->customer_state,
        .has_route = row->has_route,
        .local_day = row->local_day,
        .number = row->number,
        .at = row->at,
        .due_at = row->due_at,
        .not_after = row->not_after,
        .slot_ip = row->slot_ip,
        .ip = row->ip,
        .halted = row->halted,
        .seen_at = row->seen_at,
        .lane_ended_at = row->lane_ended_at,
        .lane_trouble = row->lane_trouble,
        .reply_code = INT16_MIN,
    };
}

static void add_attempt(struct messages_read_row *row, const struct attempt_last_row *attempt)
{
    row->attempt_id = attempt->attempt_id;
    row->attempt_at = attempt->at;
    row->attempt_ip = attempt->ip;
    row->receiver = attempt->receiver;
    row->mx = attempt->mx;
    row->remote = attempt->remote;
    row->tls_version = attempt->tls_version;
    row->tls_cipher = attempt->tls_cipher;
    row->tls_verified = attempt->tls_verified;
    row->stage = attempt->stage;
    row->reply_code = attempt->reply_code;
    row->reply_enhanced = attempt->reply_enhanced;
    row->reply_text = attempt->reply_text;
    row->outcome = attempt->outcome;
    row->smtp_error_id = attempt->smtp_error_id;
    row->duration_ms = attempt->duration_ms;
    row->transcript = attempt->transcript;
}

static bool read_of_customer(struct request *request, struct transaction *transaction, struct uuid message,
                             struct messages_read_row *row)
{
    size_t asked = message_read_ask(transaction, &(struct message_read){ request->customer, message });
    size_t last = attempt_last_ask(transaction, &(struct attempt_last){ request->customer, message });
    if (!request_read(request))
        return false;
    if (message_read_count(transaction, asked) == 0)
        return true;
    struct message_read_row read = message_read_get(transaction, asked, 0);
    *row = row_of(&read);
    if (attempt_last_count(transaction, last) == 1) {
        struct attempt_last_row attempt = attempt_last_get(transaction, last, 0);
        add_attempt(row, &attempt);
    }
    return true;
}

static bool read_of_any(struct request *request, struct transaction *transaction, struct uuid message,
                        struct messages_read_row *row)
{
    size_t asked = messages_read_ask(transaction,
                                     &(struct messages_read){ .message = message, .before = page_newest, .wanted = 1 });
    if (!request_read(request))
        return false;
    if (messages_read_count(transaction, asked) == 1)
        *row = messages_read_get(transaction, asked, 0);
    return true;
}

static bool read_row(struct request *request, struct transaction *transaction, struct uuid message,
                     struct messages_read_row *row)
{
    *row = (struct messages_read_row){ .message_id = UUID_NIL };
    bool read = uuid_is_nil(request->customer) ? read_of_any(request, transaction, message, row)
                                               : read_of_customer(request, transaction, message, row);
    if (!read)
        return false;
    if (!uuid_is_nil(row->message_id))
        return true;
    request_not_found(request);
    return false;
}

json_t *message_read_one(struct request *request, struct transaction *transaction, struct uuid message)
{
    struct messages_read_row row;
    return read_row(request, transaction, message, &row) ? message_json(request, &row) : NULL;
}

void messages_get(struct request *request)
{
    json_t *json = message_read_one(request, request_reading(request), request_id_in_path(request, ID_MESSAGE));
    if (json != NULL)
        request_answer_one(request, 200, json);
}

/* An address that is none was never written to. */
static struct text key_of(struct arena *arena, struct text text)
{
    struct address address;
    if (text_is_none(text))
        return TEXT_NONE;
    return address_parse(arena, text, &address) == ADDRESS_GOOD ? address.key : TEXT("");
}

void messages_list(struct request *request)
{
    struct page page;
    if (!page_take(request, &page))
        return;
    struct transaction *transaction = request_reading(request);
    size_t asked =
        messages_read_ask(transaction, &(struct messages_read){
                                           .customer = request->customer,
                                           .states = request_query_list(request, "state"),
                                           .mailbox = request_query_id(request, "mailbox_id", ID_MAILBOX),
                                           .recipient_key = key_of(request->arena, request_query(request, "to")),
                                           .tag = request_query(request, "tag"),
                                           .before = page.before,
                                           .wanted = page_wanted(&page),
                                       });
    if (!request_read(request))
        return;
    size_t count = messages_read_count(transaction, asked), shown = page_shown(&page, count);
    struct messages_read_row row = { .message_id = UUID_NIL };
    json_t *data = json_array();
    for (size_t i = 0; i < shown; i++) {
        row = messages_read_get(transaction, asked, i);
        json_array_append_new(data, message_json(request, &row));
    }
    page_answer(request, &page, data, count, row.message_id);
}

/* Whose the message is: an operator may ask without naming the customer. False: answered 404. */
static bool read_customer(struct request *request, struct uuid message, struct uuid *customer)
{
    struct messages_read_row row;
    if (!read_row(request, request_reading(request), message, &row))
        return false;
    *customer = row.customer_id;
    return true;
}

void messages_attempts(struct request *request)
{
    struct uuid message = request_id_in_path(request, ID_MESSAGE), customer;
    if (!read_customer(request, message, &customer))
        return;
    struct transaction *transaction = request_reading_of(request, customer);
    size_t asked = attempts_read_ask(transaction, &(struct attempts_read){ customer, message });
    if (!request_read(request))
        return;
    json_t *data = json_array();
    for (size_t i = 0; i < attempts_read_count(transaction, asked); i++) {
        struct attempts_read_row row = attempts_read_get(transaction, asked, i);
        json_array_append_new(data, attempt_json(request->arena, &row));
    }
    request_answer(request, 200, json_pack("{s:o}", "data", data));
}

/* ---- the octets ---- */

static struct letter letter_of(const struct message_letter_row *row)
{
    return (struct letter){
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

struct composing {
    struct letter letter;
    struct letter_made made;
    bool good;
};

static void compose(struct request *request, void *of)
{
    struct composing *composing = of;
    composing->good = letter_compose(request->arena, &composing->letter, &composing->made);
}

void messages_source(struct request *request)
{
    struct uuid message = request_id_in_path(request, ID_MESSAGE), customer;
    if (!read_customer(request, message, &customer))
        return;
    struct transaction *transaction = request_reading_of(request, customer);
    size_t asked = message_letter_ask(transaction, &(struct message_letter){ customer, message });
    if (!request_read(request))
        return;
    if (message_letter_count(transaction, asked) == 0) {
        request_not_found(request);
        return;
    }
    struct message_letter_row row = message_letter_get(transaction, asked, 0);
    struct letter letter = letter_of(&row);
    struct composing composing = { .letter = letter_copy(request->arena, &letter) };
    request_aside(request, letter_size(&composing.letter), compose, &composing);
    if (!composing.good) {
        request_refuse(request, PROBLEM_UNAVAILABLE, "The message cannot be composed any more.");
        return;
    }
    request_answer(request, 200, NULL);
    request->answer.text = composing.made.content.octets;
    request->answer.content_type = "message/rfc822";
}
