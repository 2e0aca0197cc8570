#include "server/problem.h"

struct words {
    int status;
    const char *slug, *title;
};

static struct words words_of(enum problem problem)
{
    switch (problem) { /* no default: a new word must not compile unexplained */
    case PROBLEM_NONE: break;
    case PROBLEM_MALFORMED: return (struct words){ 400, "malformed", "The request cannot be read" };
    case PROBLEM_BAD_CURSOR: return (struct words){ 400, "bad-cursor", "The cursor does not belong to this list" };
    case PROBLEM_CUSTOMER_REQUIRED: return (struct words){ 400, "customer-required", "The customer must be named" };
    case PROBLEM_UNAUTHORIZED: return (struct words){ 401, "unauthorized", "A key that lives is required" };
    case PROBLEM_FORBIDDEN_SCOPE: return (struct words){ 403, "forbidden-scope", "The key may not do this" };
    case PROBLEM_NOT_FOUND: return (struct words){ 404, "not-found", "Not found" };
    case PROBLEM_METHOD_NOT_ALLOWED: return (struct words){ 405, "method-not-allowed", "Method not allowed" };
    case PROBLEM_NO_FREE_SLOT: return (struct words){ 409, "no-free-slot", "No slot is free" };
    case PROBLEM_SUPPRESSED: return (struct words){ 409, "suppressed", "The recipient must not be written to" };
    case PROBLEM_RECENTLY_WRITTEN:
        return (struct words){ 409, "recently-written", "The recipient was written to recently" };
    case PROBLEM_IDENTITY_MISSING: return (struct words){ 409, "identity-missing", "The sender's identity is missing" };
    case PROBLEM_DOMAIN_NOT_READY: return (struct words){ 409, "domain-not-ready", "The domain is not ready" };
    case PROBLEM_MAILBOX_PAUSED: return (struct words){ 409, "mailbox-paused", "The mailbox does not send" };
    case PROBLEM_CUSTOMER_SUSPENDED: return (struct words){ 409, "customer-suspended", "The customer does not send" };
    case PROBLEM_IP_UNAVAILABLE: return (struct words){ 409, "ip-unavailable", "No IP address is available" };
    case PROBLEM_ADDRESS_TAKEN: return (struct words){ 409, "address-taken", "The address is there already" };
    case PROBLEM_TOO_LATE: return (struct words){ 409, "too-late", "It is too late" };
    case PROBLEM_NOT_UNCONFIRMED: return (struct words){ 409, "not-unconfirmed", "The message is not unconfirmed" };
    case PROBLEM_IDEMPOTENCY_IN_FLIGHT:
        return (struct words){ 409, "idempotency-in-flight", "An equal request is under way" };
    case PROBLEM_PRECONDITION_FAILED: return (struct words){ 412, "precondition-failed", "It has changed since" };
    case PROBLEM_TOO_LARGE: return (struct words){ 413, "too-large", "The request is too large" };
    case PROBLEM_UNSUPPORTED_MEDIA_TYPE:
        return (struct words){ 415, "unsupported-media-type", "The body must be JSON" };
    case PROBLEM_VALIDATION: return (struct words){ 422, "validation", "The request is not valid" };
    case PROBLEM_IDEMPOTENCY_KEY_REUSED:
        return (struct words){ 422, "idempotency-key-reused", "The Idempotency-Key was used for another request" };
    case PROBLEM_RATE_LIMITED: return (struct words){ 429, "rate-limited", "Too many requests" };
    case PROBLEM_UNAVAILABLE: return (struct words){ 503, "unavailable", "Not available at the moment" };
    }
    unreachable("no problem has no words");
}

int problem_status(enum problem problem)
{
    return words_of(problem).status;
}

const char *problem_slug(enum problem problem)
{
    return words_of(problem).slug;
}

bool problem_is_kept(enum problem problem)
{
    switch (problem_status(problem)) {
    case 404:
    case 409: return problem != PROBLEM_IDEMPOTENCY_IN_FLIGHT;
    default: return false;
    }
}

static json_t *errors_json(const struct faults *errors)
{
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count; i++) {
        const struct fault *fault = &errors->items[i];
        json_t *item =
            json_pack("{s:s%,s:s%,s:s%}", "pointer", fault->pointer.bytes, fault->pointer.length, "code",
                      fault->code.bytes, fault->code.length, "detail", fault->detail.bytes, fault->detail.length);
        if (fault->limit != INT64_MIN)
            json_object_set_new(item, "limit", json_integer(fault->limit));
        json_array_append_new(list, item);
    }
    return list;
}

json_t *problem_json(enum problem problem, struct text detail, struct text instance, const struct faults *errors)
{
    struct words words = words_of(problem);
    json_t *json =
        json_pack("{s:o,s:s,s:i,s:s%,s:s%}", "type", json_sprintf("https://evenpost.dev/problems/%s", words.slug),
                  "title", words.title, "status", words.status, "detail", detail.bytes, detail.length, "instance",
                  instance.bytes, instance.length);
    if (errors != NULL && errors->count > 0)
        json_object_set_new(json, "errors", errors_json(errors));
    return json;
}

struct problem_words problem_of_booking(enum booking booking)
{
    switch (booking) { /* no default: a new word must not compile unexplained */
    case BOOKING_MADE: break;
    case BOOKING_CUSTOMER_SUSPENDED:
        return (struct problem_words){ PROBLEM_CUSTOMER_SUSPENDED, "", "The customer is suspended or closed." };
    case BOOKING_IDENTITY_MISSING:
        return (struct problem_words){ PROBLEM_IDENTITY_MISSING, "",
                                       "The customer must have a legal name and a postal address before it sends." };
    case BOOKING_DOMAIN_NOT_READY:
        return (struct problem_words){ PROBLEM_DOMAIN_NOT_READY, "/mailbox_id",
                                       "The mailbox's domain is not ready to send yet." };
    case BOOKING_MAILBOX_CLOSED:
        return (struct problem_words){ PROBLEM_MAILBOX_PAUSED, "/mailbox_id", "The mailbox is closed." };
    case BOOKING_MAILBOX_PAUSED:
        return (struct problem_words){ PROBLEM_MAILBOX_PAUSED, "/mailbox_id",
                                       "The mailbox is paused; resume it, or choose another." };
    case BOOKING_IP_UNAVAILABLE:
        return (struct problem_words){ PROBLEM_IP_UNAVAILABLE, "/mailbox_id", "The mailbox's pool has no IP address." };
    case BOOKING_SUPPRESSED:
        return (struct problem_words){ PROBLEM_SUPPRESSED, "/to/address", "The recipient asked not to be written to." };
    case BOOKING_RECENTLY_WRITTEN:
        return (struct problem_words){ PROBLEM_RECENTLY_WRITTEN, "/to/address",
                                       "The recipient was first written to within the customer's recipient_gap_days." };
    case BOOKING_NO_SLOT:
        return (struct problem_words){ PROBLEM_NO_FREE_SLOT, "/scheduled_at", "No slot is free in that time." };
    }
    unreachable("a booking that was made is no problem");
}
