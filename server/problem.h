/*
 * problem — what is answered when something cannot be done (RFC 9457): the words of the contract, once.
 *
 * The enum is ours, the words are the edge's: a status, a slug (the last part of the type's URI) and a title that is the
 * same for all of the type. The sentence about this one case is given where it is refused.
 */
#pragma once

#include "policy/booking.h"

#include "server/schema.h"

enum problem {
    PROBLEM_NONE,
    PROBLEM_MALFORMED,
    PROBLEM_BAD_CURSOR,
    PROBLEM_CUSTOMER_REQUIRED,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN_SCOPE,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_NO_FREE_SLOT,
    PROBLEM_SUPPRESSED,
    PROBLEM_RECENTLY_WRITTEN,
    PROBLEM_IDENTITY_MISSING,
    PROBLEM_DOMAIN_NOT_READY,
    PROBLEM_MAILBOX_PAUSED,
    PROBLEM_CUSTOMER_SUSPENDED,
    PROBLEM_IP_UNAVAILABLE,
    PROBLEM_ADDRESS_TAKEN,
    PROBLEM_TOO_LATE,
    PROBLEM_NOT_UNCONFIRMED,
    PROBLEM_IDEMPOTENCY_IN_FLIGHT,
    PROBLEM_PRECONDITION_FAILED,
    PROBLEM_TOO_LARGE,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_VALIDATION,
    PROBLEM_IDEMPOTENCY_KEY_REUSED,
    PROBLEM_RATE_LIMITED,
    PROBLEM_UNAVAILABLE,
};

int problem_status(enum problem problem);
const char *problem_slug(enum problem problem);
/* Of the same request the same answer: kept with its Idempotency-Key. */
bool problem_is_kept(enum problem problem);

/* New reference. errors: NULL, or the fields. */
json_t *problem_json(enum problem problem, struct text detail, struct text instance, const struct faults *errors);

/* A refused booking, and the sentence about it. */
struct problem_words {
    enum problem problem;
    const char *pointer; /* the field of the request that it is about */
    const char *detail;
};
struct problem_words problem_of_booking(enum booking booking);
