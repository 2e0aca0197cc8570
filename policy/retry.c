#include "policy/retry.h"

#include "base/bounds.h"

#define DELAY_FIRST_US  (5 * US_PER_MINUTE)
#define DELAY_MAX_US    (4 * US_PER_HOUR)
#define DISTANCE_MAX_US US_PER_HOUR /* between the two slots of a mailbox's day */
#define REFUSED_IP_US   US_PER_HOUR /* 5yz at the greeting: a block, not a rush; asking sooner makes it worse */

static bool is_greeting(const struct failure *failure)
{
    return failure->stage == FAILED_AT_BANNER || failure->stage == FAILED_AT_EHLO;
}

static bool is_reply(const struct failure *failure, uint16_t class)
{
    return failure->kind == FAILURE_REPLY && failure->code / 100 == class;
}

static bool is_refused_in_greeting(const struct failure *failure)
{
    return failure->kind == FAILURE_REPLY && is_greeting(failure);
}

bool retry_counts(const struct failure *failure)
{
    return !is_refused_in_greeting(failure) && failure->kind != FAILURE_NOT_SENT;
}

bool retry_is_throttle(const struct failure *failure)
{
    const uint16_t *enhanced = failure->enhanced;
    bool is_4_4_5 = enhanced[0] == 4 && enhanced[1] == 4 && enhanced[2] == 5;
    bool is_leaving = failure->code == 421; /* RFC 5321 §3.8: the service closes the channel, whatever was said last */
    return failure->kind == FAILURE_REPLY && (is_4_4_5 || is_leaving || (is_greeting(failure) && is_reply(failure, 4)));
}

bool retry_is_expired(struct instant first_attempt, struct instant now)
{
    return instant_since(now, first_attempt) >= BOUND_LIFETIME_DAYS * US_PER_DAY;
}

static int64_t hold_asked_us(const struct failure *failure)
{
    bool refused_ip = is_greeting(failure) && is_reply(failure, 5);
    return refused_ip ? MAX_OF(REFUSED_IP_US, failure->asked_us) : failure->asked_us;
}

static int64_t delay_us(const struct failure *failure, const struct retry_case *at)
{
    if (is_refused_in_greeting(failure)) /* nothing was offered: as soon as the receiver may be asked again */
        return MAX_OF(BOUND_HOLD_MIN_US, hold_asked_us(failure));
    int64_t delay_us = DELAY_FIRST_US;
    for (uint32_t i = 1; i < at->attempts && delay_us < DELAY_MAX_US; i++)
        delay_us *= 2;
    return MAX_OF(MIN_OF(delay_us, DELAY_MAX_US), failure->asked_us);
}

/* Away from the mailbox's other slot by an hour, or a quarter of a short window. */
static struct instant distant(struct instant at, const struct retry_case *about)
{
    int64_t distance_us = MIN_OF(DISTANCE_MAX_US, span_length_us(about->window) / 4);
    int64_t since_us = instant_since(at, about->other_at);
    bool near = about->has_other && since_us > -distance_us && since_us < distance_us;
    return near ? instant_add(about->other_at, distance_us) : at;
}

static void defer(struct verdict *verdict, const struct failure *failure, const struct retry_case *at)
{
    verdict->not_before = failure->kind == FAILURE_NOT_SENT ? at->now : instant_add(at->now, delay_us(failure, at));
    if (at->attempts >= BOUND_ATTEMPTS || retry_is_expired(at->first_attempt, at->now)) {
        verdict->retry = RETRY_EXPIRED;
        return;
    }
    struct instant in_slot = distant(instant_max(verdict->not_before, at->gap_end), at);
    bool fits = !verdict->spent && instant_before(in_slot, at->not_after);
    verdict->retry = fits ? RETRY_SAME_SLOT : RETRY_ANOTHER_SLOT;
    if (fits)
        verdict->not_before = in_slot;
}

struct verdict retry_of(const struct failure *failure, const struct retry_case *at)
{
    assert(failure->kind != FAILURE_REPLY || is_reply(failure, 4) || is_reply(failure, 5));
    bool at_dot = failure->stage == FAILED_AT_DOT;
    bool held = retry_is_throttle(failure) || is_refused_in_greeting(failure);
    struct verdict verdict = {
        .spent = at_dot || failure->kind == FAILURE_NOT_SENT,
        .not_before = at->now,
        .hold = held ? HOLD_RECEIVER : HOLD_NONE,
        .hold_asked_us = held ? hold_asked_us(failure) : 0,
    };
    bool doubtful = at_dot && failure->kind != FAILURE_REPLY && failure->kind != FAILURE_NOT_SENT;
    bool final = is_reply(failure, 5) && failure->stage >= FAILED_AT_MAIL;
    if (doubtful)
        verdict.retry = RETRY_UNCONFIRMED;
    else if (final)
        verdict.retry = RETRY_BOUNCED;
    else
        defer(&verdict, failure, at);
    return verdict;
}
