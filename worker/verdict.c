#include "worker/verdict.h"

#include "worker/delivery.h"
#include "worker/lane.h"

static enum failure_stage failure_stage(enum smtp_stage stage)
{
    switch (stage) {
    case SMTP_STAGE_CONNECT: return FAILED_AT_CONNECT;
    case SMTP_STAGE_BANNER: return FAILED_AT_BANNER;
    case SMTP_STAGE_EHLO: return FAILED_AT_EHLO;
    case SMTP_STAGE_MAIL: return FAILED_AT_MAIL;
    case SMTP_STAGE_RCPT: return FAILED_AT_RCPT;
    case SMTP_STAGE_DATA: return FAILED_AT_DATA;
    case SMTP_STAGE_DOT: return FAILED_AT_DOT;
    case SMTP_STAGES: break;
    }
    unreachable("a stage that is none");
}

static bool has_verdict(const struct reply *reply)
{
    return reply->code >= 400 && reply->code <= 599;
}

static enum failure_kind failure_kind(const struct delivery *delivery)
{
    const struct smtp_result *result = &delivery->result;
    if (delivery->authorized && !result->dot_sent)
        return FAILURE_NOT_SENT;
    switch (result->trouble) {
    case SMTP_LOST: return FAILURE_LOST;
    case SMTP_SILENT: return FAILURE_SILENT;
    case SMTP_PROTOCOL: return FAILURE_GARBLED;
    case SMTP_NO_TROUBLE:
    case SMTP_NO_UTF8:
    case SMTP_TOO_BIG: return has_verdict(&result->reply) ? FAILURE_REPLY : FAILURE_GARBLED;
    case SMTP_NOT_AUTHORIZED:
    case SMTP_GIVEN_UP: return FAILURE_LOST;
    }
    unreachable("a trouble that is none");
}

static struct failure failure_of(const struct delivery *delivery)
{
    const struct reply *reply = &delivery->result.reply;
    struct failure failure = { .stage = failure_stage(delivery->result.stage), .kind = failure_kind(delivery) };
    if (failure.kind != FAILURE_REPLY)
        return failure;
    failure.code = (uint16_t)reply->code;
    failure.enhanced[0] = reply->enhanced.class;
    failure.enhanced[1] = reply->enhanced.subject;
    failure.enhanced[2] = reply->enhanced.detail;
    return failure;
}

/* What blames the recipient, and nobody else (RFC 3463 §3.2): no such mailbox. */
static bool blames_recipient(const struct smtp_result *result)
{
    struct enhanced_code code = result->reply.enhanced;
    bool address = enhanced_code_is(code, 5, 1, 1) || enhanced_code_is(code, 5, 1, 6);
    return result->stage == SMTP_STAGE_RCPT && address;
}

static bool has_word(struct text text, struct text word)
{
    for (size_t i = 0; i + word.length <= text.length; i++)
        if (text_starts_fold(text_after(text, i), word))
            return true;
    return false;
}

static struct text explanation_of(const struct delivery *delivery, const struct failure *failure,
                                  const struct verdict *verdict)
{
    if (failure->kind == FAILURE_NOT_SENT) /* our own doing: the receiver did nothing */
        return TEXT("waiting_for_slot");
    struct text words = delivery->result.reply.text;
    if (verdict->hold == HOLD_RECEIVER)
        return TEXT("receiver_on_hold");
    bool grey = has_word(words, TEXT("greylist")) || has_word(words, TEXT("graylist"));
    return grey ? TEXT("greylisted") : TEXT("deferred_by_receiver");
}

static enum outcome_kind kind_of(const struct delivery *delivery, const struct failure *failure, enum retry retry)
{
    switch (retry) {
    case RETRY_BOUNCED: return OUTCOME_BOUNCED;
    case RETRY_UNCONFIRMED: return OUTCOME_UNCONFIRMED;
    case RETRY_EXPIRED: return OUTCOME_EXPIRED;
    case RETRY_SAME_SLOT:
    case RETRY_ANOTHER_SLOT: break;
    }
    if (failure->kind == FAILURE_NOT_SENT)
        return OUTCOME_NOT_SENT;
    return delivery->result.outcome == SMTP_REFUSED_HERE ? OUTCOME_REFUSED_HERE : OUTCOME_DEFERRED;
}

static void hear(struct delivery *delivery, enum pacing_event event, int64_t asked_us)
{
    struct lane *lane = delivery->lane;
    receivers_hear(&lane->receivers, delivery->receiver, event, asked_us, clock_now(lane->worker->clock),
                   &delivery->pacing);
    delivery->outcome.pacing = &delivery->pacing;
}

static void fill_failure(struct delivery *delivery)
{
    const struct lane *lane = delivery->lane;
    struct outcome *outcome = &delivery->outcome;
    struct failure failure = failure_of(delivery);
    struct retry_case at = delivery->retry;
    at.now = clock_now(lane->worker->clock);
    if (!instant_is_none(lane->last_begin))
        at.gap_end = instant_add(lane->last_begin, gap_min_us(&lane->gap, at.now));
    outcome->counted = retry_counts(&failure);
    at.attempts += outcome->counted;
    if (instant_is_none(at.first_attempt))
        at.first_attempt = at.now;
    struct verdict verdict = retry_of(&failure, &at);
    outcome->kind = kind_of(delivery, &failure, verdict.retry);
    outcome->not_before = verdict.not_before;
    outcome->same_slot = verdict.retry == RETRY_SAME_SLOT && !outcome->authorized;
    outcome->suppress_recipient = outcome->kind == OUTCOME_BOUNCED && blames_recipient(&delivery->result);
    outcome->explanation_code = explanation_of(delivery, &failure, &verdict);
    outcome->explanation_about = delivery->route.receiver;
    bool heard = failure.kind == FAILURE_REPLY && failure.stage >= FAILED_AT_RCPT;
    if (verdict.hold == HOLD_RECEIVER)
        hear(delivery, PACING_THROTTLE, verdict.hold_asked_us);
    else if (heard)
        hear(delivery, PACING_SUCCESS, 0);
}

static struct texts transcript_lines(struct arena *arena, struct text transcript)
{
    size_t count = 0;
    for (size_t i = 0; i < transcript.length; i++)
        count += transcript.bytes[i] == '\n';
    struct text *lines = arena_make_array(arena, struct text, count + 1);
    size_t filled = 0;
    for (struct text line; text_cut(&transcript, '\n', &line);)
        if (!text_is_empty(line))
            lines[filled++] = line;
    return (struct texts){ lines, filled };
}

static void fill_attempt(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    struct outcome_attempt *attempt = &delivery->outcome.attempt;
    const struct smtp_result *result = &delivery->result;
    struct text peer = ip_text(delivery->arena, delivery->route.peer);
    const char *remote = delivery->route.peer.version == 6 ? "[%.*s]:%u" : "%.*s:%u";
    struct builder builder = builder_in(delivery->arena);
    builder_format(&builder, remote, TEXT_ARG(peer), (unsigned)delivery->route.port);
    attempt->id = random_id(lane->worker->random, clock_now(lane->worker->clock));
    attempt->at = delivery->begun_at;
    attempt->ip = lane->address_text;
    attempt->receiver = delivery->route.receiver;
    attempt->mx = peer;
    attempt->remote = builder_text(&builder);
    attempt->tls_verified = TEXT("none");
    attempt->stage = smtp_stage_word(result->stage);
    attempt->reply_code = result->reply.code == 0 ? INT16_MIN : (int16_t)result->reply.code;
    attempt->reply_enhanced = enhanced_code_text(delivery->arena, result->reply.enhanced);
    attempt->reply_text = result->reply.code == 0 ? TEXT_NONE : result->reply.text;
    attempt->duration_ms = (int32_t)MIN_OF(result->took_us / US_PER_MS, (int64_t)INT32_MAX);
    attempt->transcript = transcript_lines(delivery->arena, result->transcript);
}

void verdict_fill(struct delivery *delivery)
{
    struct lane *lane = delivery->lane;
    delivery->outcome = (struct outcome){
        .customer = lane->customer,
        .ip = lane->ip,
        .message = delivery->due.message,
        .mailbox = delivery->due.mailbox,
        .local_day = delivery->due.local_day,
        .number = delivery->due.number,
        .authorized = delivery->authorized,
        .counted = true,
        .not_before = INSTANT_NONE,
    };
    fill_attempt(delivery);
    if (delivery->result.outcome == SMTP_DELIVERED) {
        delivery->outcome.kind = OUTCOME_DELIVERED;
        hear(delivery, PACING_SUCCESS, 0);
    } else if (delivery->message.from == NULL) { /* it could not be composed */
        delivery->outcome.kind = OUTCOME_BOUNCED;
    } else {
        fill_failure(delivery);
    }
}
