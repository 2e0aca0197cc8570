#include "policy/pacing.h"

#include "base/bounds.h"

#define SUCCESSES_TO_RISE 10 /* before a second connection is tried: receivers measure over minutes, not messages */
#define DOUBLINGS_MAX     16 /* 30 s × 2^16 is more than a fortnight, far above the cap */

struct pacing pacing_new(uint8_t limit_max)
{
    assert(limit_max >= 1 && limit_max <= BOUND_CONNECTIONS);
    return (struct pacing){ .limit = 1, .limit_max = limit_max, .hold_until = INSTANT_NONE };
}

static bool is_held(const struct pacing *pacing, struct instant now)
{
    return instant_before(now, pacing->hold_until);
}

/* Up to a quarter more than the doubled time, so that the lanes of many IPs do not come back together. */
static int64_t hold_us(const struct pacing *pacing, const struct pacing_throttle *throttle)
{
    int64_t least_us = MAX_OF(BOUND_HOLD_MIN_US, throttle->asked_us);
    int64_t most_us = MAX_OF(BOUND_HOLD_MAX_US, throttle->asked_us);
    int64_t doubled_us = least_us;
    for (int i = 0; i < pacing->doublings && doubled_us < most_us; i++)
        doubled_us *= 2;
    int64_t jitter_us = (int64_t)(throttle->random % (uint64_t)(doubled_us / 4));
    return MIN_OF(doubled_us + jitter_us, most_us);
}

static struct pacing throttled(struct pacing pacing, const struct pacing_throttle *throttle, struct instant now)
{
    bool held = is_held(&pacing, now); /* a second connection heard the same: one cause, one doubling */
    struct pacing asked_only = pacing;
    if (held)
        asked_only.doublings = 0;
    struct instant until = instant_add(now, hold_us(&asked_only, throttle));
    pacing.hold_until = instant_max(pacing.hold_until, until);
    if (!held && pacing.doublings < DOUBLINGS_MAX)
        pacing.doublings++;
    if (pacing.failures_in_row < UINT16_MAX)
        pacing.failures_in_row++;
    pacing.limit = 1;
    pacing.successes_in_row = 0;
    pacing.probing = true;
    return pacing;
}

static struct pacing succeeded(struct pacing pacing, struct instant now)
{
    if (is_held(&pacing, now)) /* it began before the throttle, and says nothing of the time after it */
        return pacing;
    pacing.probing = false;
    pacing.failures_in_row = 0;
    if (pacing.doublings > 0)
        pacing.doublings--;
    if (pacing.limit < pacing.limit_max && ++pacing.successes_in_row >= SUCCESSES_TO_RISE) {
        pacing.limit++;
        pacing.successes_in_row = 0;
    }
    return pacing;
}

struct pacing pacing_after(struct pacing pacing, enum pacing_event event, const struct pacing_throttle *throttle,
                           struct instant now)
{
    assert((event == PACING_THROTTLE) == (throttle != NULL));
    switch (event) {
    case PACING_SUCCESS: return succeeded(pacing, now);
    case PACING_THROTTLE: return throttled(pacing, throttle, now);
    case PACING_RELEASE: pacing.hold_until = INSTANT_NONE; return pacing;
    }
    unreachable("an event of pacing");
}

uint8_t pacing_connections(const struct pacing *pacing, struct instant now)
{
    if (is_held(pacing, now))
        return 0;
    return pacing->probing ? 1 : pacing->limit;
}

struct pacing pacing_restored(struct pacing stored, uint8_t limit_max)
{
    struct pacing pacing = pacing_new(limit_max);
    pacing.limit = MIN_OF(MAX_OF(stored.limit, (uint8_t)1), limit_max);
    pacing.probing = stored.probing;
    pacing.failures_in_row = stored.failures_in_row;
    pacing.successes_in_row = stored.successes_in_row;
    pacing.doublings = MIN_OF(stored.doublings, (uint16_t)DOUBLINGS_MAX);
    pacing.hold_until = stored.hold_until;
    return pacing;
}
