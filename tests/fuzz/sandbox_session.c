/* A client that says anything, in any pieces: every answer is a reply, the envelope stays in its bounds, and content ends
 * where the RFC says, wherever it is cut. The first byte says how the octets are cut. */

#include "sandbox/greylist.h"
#include "sandbox/session.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct answer *answer)
{
    assert(answer->reply.length <= SESSION_REPLY_MAX);
    if (answer->reply.length > 0 && answer->after != AFTER_CLOSE)
        assert(text_ends(answer->reply, TEXT("\r\n")));
}

static void check_envelope(const struct envelope *envelope)
{
    assert(envelope->recipients <= SESSION_RECIPIENTS_MAX && envelope->from.length <= BOUND_ADDRESS);
    for (size_t i = 0; i < envelope->recipients; i++)
        assert(envelope->to[i].length > 0 && !text_has_control(envelope->to[i]));
}

/* Reads content piece by piece; true: its dot was there, and *bytes is what follows. */
static bool read_content(struct content *content, struct text *bytes, size_t piece)
{
    while (bytes->length > 0) {
        struct text part = text_slice(*bytes, 0, piece);
        size_t before = part.length;
        bool ended = content_hear(content, &part);
        *bytes = text_after(*bytes, before - part.length);
        if (ended)
            return true;
    }
    return false;
}

static struct answer hear_content(struct session *session, struct text *bytes, size_t piece)
{
    struct content_budget budget = { .max = 1 << 20 };
    struct content cut = { 0 }, whole = { 0 };
    struct text same = *bytes;
    content_begin(&cut, &budget);
    content_begin(&whole, &budget);
    bool ended = read_content(&cut, bytes, piece);
    assert(ended == read_content(&whole, &same, same.length) && bytes->length == same.length);
    assert(cut.fault == whole.fault && text_equal(content_octets(&cut), content_octets(&whole)));
    struct answer answer = { .after = AFTER_CLOSE };
    if (ended) {
        answer = session_end_content(session, cut.fault);
        session_reset(session);
    }
    content_end(&cut);
    content_end(&whole);
    assert(budget.used == 0);
    return answer;
}

static void talk(struct session *session, struct text bytes, size_t piece)
{
    struct answer answer = session_greet(session, false, false);
    while (bytes.length > 0) {
        check_answer(&answer);
        check_envelope(session_envelope(session));
        if (answer.after == AFTER_CONTENT) {
            answer = hear_content(session, &bytes, piece);
            continue;
        }
        if (answer.after != AFTER_STAY)
            return;
        size_t end = text_find(bytes, '\n');
        answer = session_hear(session, text_slice(bytes, 0, end), (struct instant){ 0 });
        bytes = text_after(bytes, end + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hash_key seed;
    if (size == 0)
        return 0;
    struct behaviour behaviour = behaviour_of(PROFILE_STRICT);
    struct greylist *greylist = greylist_new(seed);
    struct session *session = session_new(&(struct scene){ &behaviour, greylist, TEXT("127.0.0.1") });
    talk(session, text_from((const char *)data + 1, size - 1), data[0] % 32 + 1);
    session_free(&session);
    greylist_free(&greylist);
    return 0;
}
