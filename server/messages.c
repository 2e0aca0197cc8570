#include "server/messages.h"

#include "base/bounds.h"

#include "mail/content.h"

#include "ledger/accept.h"
#include "ledger/cancel.h"
#include "ledger/resend.h"

#include "routes.h"
#include "server_statements.h"

#include <string.h>

LEDGER_CALL(accept, accept_message)
LEDGER_CALL(cancel, cancel_message)
LEDGER_CALL(resend, resend_message)

#define SCHEDULE_US_MAX (90 * US_PER_DAY)

/* ---- what is wanted, checked by the rules of mail ---- */

struct draft {
    struct content_spec spec;
    struct address reply_to;
    struct text headers, attachments, metadata; /* as JSON, as they are kept */
    struct faults faults;
    bool good;
};

static void draft_fields(struct request *request, struct draft *draft)
{
    const json_t *headers = json_object_get(request->body, "headers");
    struct content_field *fields = arena_make_array(request->arena, struct content_field, json_object_size(headers));
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)headers, name, value) fields[draft->spec.field_count++] =
        (struct content_field){ text_of(name), text_from(json_string_value(value), json_string_length(value)) };
    draft->spec.fields = fields;
}

static void draft_attachments(struct request *request, struct draft *draft)
{
    const json_t *files = json_object_get(request->body, "attachments");
    size_t count = json_array_size(files);
    struct content_attachment *attachments = arena_make_array(request->arena, struct content_attachment, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *file = json_array_get(files, i);
        attachments[i].filename = body_text(file, "filename");
        attachments[i].content_type = body_text(file, "content_type");
        if (!text_unbase64(request->arena, body_text(file, "content_base64"), &attachments[i].bytes))
            faults_add(&draft->faults,
                       (struct fault){ text_format(request->arena, "/attachments/%zu/content_base64", i),
                                       TEXT("format"), TEXT("This must be base64 with padding, without line ends."),
                                       INT64_MIN });
    }
    draft->spec.attachments = attachments;
    draft->spec.attachment_count = count;
}

static struct address address_of(struct request *request, const json_t *object, const char *name)
{
    struct address address;
    if (address_parse(request->arena, body_text(object, name), &address) != ADDRESS_GOOD)
        unreachable("the contract's format was checked");
    return address;
}

static struct text or_empty(struct text text)
{
    return text_is_none(text) ? TEXT("") : text;
}

/* The sender is not known yet, and does not matter: its address and name were checked when the mailbox was made. */
static void draft_fill(struct request *request, struct draft *draft)
{
    const json_t *body = request->body, *to = json_object_get(body, "to");
    memset(draft, 0, sizeof *draft);
    draft->spec.date = request->now;
    draft->spec.message_id = TEXT("id@domain.example");
    draft->spec.to = draft->spec.from = address_of(request, to, "address");
    draft->spec.from_name = TEXT("");
    draft->spec.to_name = or_empty(body_text(to, "name"));
    draft->spec.subject = body_text(body, "subject");
    draft->spec.text = body_text(body, "text");
    draft->spec.html = body_text(body, "html");
    draft->spec.in_reply_to = TEXT_NONE;
    if (!text_is_none(body_text(body, "reply_to"))) {
        draft->reply_to = address_of(request, body, "reply_to");
        draft->spec.reply_to = &draft->reply_to;
    }
    draft_fields(request, draft);
    draft_attachments(request, draft);
}

static struct text pointer_of(struct arena *arena, const struct draft *draft, const struct content_verdict *verdict)
{
    switch (verdict->part) {
    case CONTENT_PART_WHOLE: return TEXT("");
    case CONTENT_PART_FROM_NAME:
    case CONTENT_PART_IN_REPLY_TO: break;
    case CONTENT_PART_TO_NAME: return TEXT("/to/name");
    case CONTENT_PART_SUBJECT: return TEXT("/subject");
    case CONTENT_PART_TEXT: return TEXT("/text");
    case CONTENT_PART_HTML: return TEXT("/html");
    case CONTENT_PART_FIELD:
        return text_format(arena, "/headers/%.*s", TEXT_ARG(draft->spec.fields[verdict->index].name));
    case CONTENT_PART_ATTACHMENT_NAME: return text_format(arena, "/attachments/%zu/filename", verdict->index);
    case CONTENT_PART_ATTACHMENT_TYPE: return text_format(arena, "/attachments/%zu/content_type", verdict->index);
    case CONTENT_PART_ATTACHMENT_BYTES: return text_format(arena, "/attachments/%zu/content_base64", verdict->index);
    }
    unreachable("these parts are not the request's");
}

static struct fault fault_of(const struct content_verdict *verdict)
{
    struct fault fault = { .limit = INT64_MIN };
    switch (verdict->fault) { /* no default: a new word must not compile unexplained */
    case CONTENT_GOOD: break;
    case CONTENT_NO_BODY:
        fault.code = TEXT("required");
        fault.detail = TEXT("One of `text` and `html` is required, or both.");
        return fault;
    case CONTENT_NOT_UTF8:
        fault.code = TEXT("format");
        fault.detail = TEXT("This must be UTF-8.");
        return fault;
    case CONTENT_CONTROL:
        fault.code = TEXT("format");
        fault.detail = TEXT("This holds a control character.");
        return fault;
    case CONTENT_TOO_LONG:
        fault.code = TEXT("max-length");
        fault.detail = TEXT("This is too long; a message may have 10 MiB in all.");
        fault.limit = BOUND_MESSAGE;
        return fault;
    case CONTENT_HEADER:
        fault.code = TEXT("header");
        fault.detail = TEXT("This cannot stand in a message's head.");
        return fault;
    case CONTENT_FIELD_TWICE:
        fault.code = TEXT("twice");
        fault.detail = TEXT("This header is given twice.");
        return fault;
    case CONTENT_TOO_MANY:
        fault.code = TEXT("max-items");
        fault.detail = TEXT("These are too many.");
        return fault;
    case CONTENT_TYPE:
        fault.code = TEXT("format");
        fault.detail = TEXT("This type may not be attached.");
        return fault;
    }
    unreachable("good content has no fault");
}

/* False: answered 422. */
static bool draft_check(struct request *request, struct draft *draft)
{
    struct instant scheduled_at = body_instant(request->body, "scheduled_at");
    if (instant_since(scheduled_at, request->now) > SCHEDULE_US_MAX)
        faults_add(&draft->faults, (struct fault){ TEXT("/scheduled_at"), TEXT("maximum"),
                                                   TEXT("This must be within the next 90 days."), INT64_MIN });
    if (draft->faults.count == 0) {
        struct content_verdict verdict = content_check(&draft->spec);
        if (verdict.fault == CONTENT_GOOD)
            return true;
        struct fault fault = fault_of(&verdict);
        fault.pointer = pointer_of(request->arena, draft, &verdict);
        faults_add(&draft->faults, fault);
    }
    request_refuse_faults(request, &draft->faults);
    return false;
}

static struct text json_words(struct arena *arena, const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return TEXT_NONE;
    char *dumped = json_dumps(value, JSON_COMPACT);
    assert(dumped != NULL);
    struct text text = text_copy(arena, text_of(dumped));
    memory_free(&dumped);
    return text;
}

/* The whole draft; of a large body it takes a while. */
static void draft_make(struct request *request, void *of)
{
    struct draft *draft = of;
    draft_fill(request, draft);
    draft->good = draft_check(request, draft);
    if (!draft->good)
        return;
    draft->headers = json_words(request->arena, json_object_get(request->body, "headers"));
    draft->attachments = json_words(request->arena, json_object_get(request->body, "attachments"));
    draft->metadata = json_words(request->arena, json_object_get(request->body, "metadata"));
}

/* ---- send ---- */

static void refuse_accept(struct request *request, enum accept_word word, struct instant free_from)
{
    enum booking booking = BOOKING_MADE;
    switch (word) { /* no default: a new word must not compile unexplained */
    case ACCEPT_MADE: break;
    case ACCEPT_CUSTOMER_SUSPENDED: booking = BOOKING_CUSTOMER_SUSPENDED; break;
    case ACCEPT_IDENTITY_MISSING: booking = BOOKING_IDENTITY_MISSING; break;
    case ACCEPT_DOMAIN_NOT_READY: booking = BOOKING_DOMAIN_NOT_READY; break;
    case ACCEPT_MAILBOX_CLOSED: booking = BOOKING_MAILBOX_CLOSED; break;
    case ACCEPT_MAILBOX_PAUSED: booking = BOOKING_MAILBOX_PAUSED; break;
    case ACCEPT_IP_UNAVAILABLE: booking = BOOKING_IP_UNAVAILABLE; break;
    case ACCEPT_SUPPRESSED: booking = BOOKING_SUPPRESSED; break;
    case ACCEPT_RECENTLY_WRITTEN: booking = BOOKING_RECENTLY_WRITTEN; break;
    case ACCEPT_MAILBOX_UNKNOWN:
        request_refuse_field(request, PROBLEM_VALIDATION, "/mailbox_id", "unknown",
                             "The customer has no such mailbox, or no active one.");
        return;
    case ACCEPT_PARENT_UNKNOWN:
        request_refuse_field(request, PROBLEM_VALIDATION, "/in_reply_to", "unknown",
                             "The customer has no such message.");
        return;
    case ACCEPT_PARENT_OTHER:
        request_refuse_field(request, PROBLEM_VALIDATION, "/in_reply_to", "another-recipient",
                             "That message was written to somebody else.");
        return;
    case ACCEPT_THREAD_OTHER:
        request_refuse_field(request, PROBLEM_VALIDATION, "/mailbox_id", "another-mailbox",
                             "A follow-up goes from the mailbox of its thread.");
        return;
    case ACCEPT_NO_SLOT:
        request_refuse_field(request, PROBLEM_NO_FREE_SLOT, "/scheduled_at", "no-free-slot",
                             "No sending time is free within %d days; there are more from %.*s.",
                             BOUND_SLOT_HORIZON_DAYS, TEXT_ARG(instant_text(request->arena, free_from)));
        return;
    }
    struct problem_words words = problem_of_booking(booking);
    if (words.pointer[0] == '\0')
        request_refuse(request, words.problem, "%s", words.detail);
    else
        request_refuse_field(request, words.problem, words.pointer, problem_slug(words.problem), "%s", words.detail);
}

static void answer_kept(struct request *request, struct uuid message)
{
    json_t *json = message_read_one(request, request->act.transaction, message);
    if (json == NULL)
        return;
    request->message = message;
    request_location(request, "/v1/messages/%.*s", TEXT_ARG(id_text(request->arena, ID_MESSAGE, message)));
    request_answer_one(request, 202, json);
}

/* A follow-up goes to the same person from the same mailbox. False: answered 422. */
static bool parent_fits(struct request *request, const struct accept *accept)
{
    struct transaction *transaction = request->act.transaction;
    if (uuid_is_nil(accept->in_reply_to))
        return true;
    size_t asked = message_parent_ask(transaction, &(struct message_parent){ request->customer, accept->in_reply_to });
    if (!request_read(request))
        return false;
    if (message_parent_count(transaction, asked) == 0)
        return true; /* the ledger says so */
    struct message_parent_row parent = message_parent_get(transaction, asked, 0);
    if (!text_equal(parent.recipient_key, accept->recipient_key))
        request_refuse_field(request, PROBLEM_VALIDATION, "/in_reply_to", "other-recipient",
                             "That message was for somebody else; a follow-up is for the same person.");
    else if (!uuid_is_nil(accept->mailbox) && !uuid_equal(accept->mailbox, parent.mailbox_id))
        request_refuse_field(request, PROBLEM_VALIDATION, "/mailbox_id", "other-mailbox",
                             "A follow-up goes from the mailbox of the message that it follows: leave this out.");
    else
        return true;
    return false;
}

void messages_create(struct request *request)
{
    const json_t *body = request->body;
    struct draft draft;
    request_aside(request, request->exchange->body.length, draft_make, &draft);
    if (!draft.good)
        return;
    struct accept accept = {
        .message = act_id(&request->act),
        .mailbox = body_id(body, "mailbox_id", ID_MAILBOX),
        .in_reply_to = body_id(body, "in_reply_to", ID_MESSAGE),
        .to_address = draft.spec.to.text,
        .to_name = draft.spec.to_name,
        .recipient_key = draft.spec.to.key,
        .domain_key = draft.spec.to.domain,
        .subject = draft.spec.subject,
        .text = draft.spec.text,
        .html = draft.spec.html,
        .reply_to = draft.spec.reply_to == NULL ? TEXT_NONE : draft.reply_to.text,
        .headers = draft.headers,
        .attachments = draft.attachments,
        .metadata = draft.metadata,
        .tag = body_text(body, "tag"),
        .header_message_id = TEXT_NONE,
        .scheduled_at = body_instant(body, "scheduled_at"),
        .traceparent = request->traceparent,
    };
    if (!parent_fits(request, &accept) || !accept_call(request, &accept))
        return;
    if (accept.word == ACCEPT_MADE)
        answer_kept(request, accept.message);
    else
        refuse_accept(request, accept.word, accept.free_from);
}

/* ---- cancel, resend ---- */

void messages_cancel(struct request *request)
{
    struct cancel cancel = { .message = request_id_in_path(request, ID_MESSAGE) };
    if (!cancel_call(request, &cancel))
        return;
    switch (cancel.word) { /* no default: a new word must not compile unexplained */
    case CANCEL_UNKNOWN: request_not_found(request); return;
    case CANCEL_TOO_LATE:
        request_refuse(request, PROBLEM_TOO_LATE, "The message is %.*s: it cannot be cancelled any more.",
                       TEXT_ARG(cancel.state));
        return;
    case CANCEL_MADE: break;
    }
    json_t *json = message_read_one(request, request->act.transaction, cancel.message);
    if (json != NULL)
        request_answer_one(request, 200, json);
}

void messages_resend(struct request *request)
{
    struct resend resend = { .message = request_id_in_path(request, ID_MESSAGE),
                             .fresh = act_id(&request->act),
                             .traceparent = request->traceparent };
    if (!resend_call(request, &resend))
        return;
    switch (resend.word) { /* no default: a new word must not compile unexplained */
    case RESEND_UNKNOWN: request_not_found(request); return;
    case RESEND_NOT_UNCONFIRMED:
        request_refuse(request, PROBLEM_NOT_UNCONFIRMED, "The message is %.*s; only an unconfirmed one is sent again.",
                       TEXT_ARG(resend.state));
        return;
    case RESEND_REFUSED: refuse_accept(request, resend.refusal, resend.free_from); return;
    case RESEND_MADE: break;
    }
    answer_kept(request, resend.fresh);
}
