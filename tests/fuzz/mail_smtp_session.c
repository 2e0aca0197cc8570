/*
 * A conversation with any peer at all. The input is a script: each step is an octet, what happens, and for what the peer
 * says its length and its bytes. A message has one end, a dot one authorization, and nothing but lines is ever said.
 */

#include "mail/dot.h"
#include "mail/smtp_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
    struct smtp_session *session;
    struct smtp_message message;
    struct tick now;
    bool authorized, dot_out, open; /* of the message at hand */
};

static const struct address from = { .text = { "ann@sender.example", 18 }, .ascii = true };
static const struct address to = { .text = { "bo@receiver.example", 19 }, .ascii = true };

static void offer(struct talk *talk)
{
    talk->message = (struct smtp_message){ &from, &to, { TEXT("Subject: s\r\n\r\n.\r\n..\r\nbody\r\n"), false } };
    talk->authorized = talk->dot_out = false;
    talk->open = true;
    smtp_session_offer(talk->session, &talk->message, talk->now);
}

static void write_output(struct talk *talk, size_t most)
{
    struct text output = smtp_session_output(talk->session);
    bool is_dot = text_equal(output, DOT_END);
    assert(!is_dot || talk->authorized);
    talk->dot_out |= is_dot && most > 0;
    if (output.length > 0)
        smtp_session_wrote(talk->session, MIN_OF(most, output.length), talk->now);
}

static void settle(struct talk *talk)
{
    struct smtp_result result;
    if (!smtp_session_result(talk->session, &result))
        return;
    assert(talk->open && result.dot_sent == talk->dot_out);
    assert(result.outcome != SMTP_DELIVERED || (talk->dot_out && result.reply.class == REPLY_2YZ));
    assert(result.outcome != SMTP_UNCONFIRMED || talk->dot_out);
    assert(text_is_utf8(result.transcript) && result.transcript.length <= BOUND_TRANSCRIPT);
    talk->open = false;
}

static void act(struct talk *talk, uint8_t step, struct text said)
{
    enum smtp_needs needs = smtp_session_needs(talk->session);
    switch (step % 8) {
    case 0:
        smtp_session_word(talk->session, needs == SMTP_NEEDS_CONNECTION ? WORD_CONNECTED : WORD_DEADLINE, talk->now);
        return;
    case 1:
        talk->authorized |= needs == SMTP_NEEDS_AUTHORIZATION;
        smtp_session_word(talk->session, WORD_AUTHORIZED, talk->now);
        return;
    case 2: smtp_session_word(talk->session, step & 8 ? WORD_NOT_AUTHORIZED : WORD_QUIT, talk->now); return;
    case 3: smtp_session_word(talk->session, step & 8 ? WORD_PEER_LOST : WORD_GIVE_UP, talk->now); return;
    case 4: write_output(talk, step & 8 ? 1 : SIZE_MAX); return;
    case 5:
        if (needs == SMTP_NEEDS_MESSAGE && !talk->open)
            offer(talk);
        return;
    case 6: talk->now = tick_add(talk->now, (step >> 3) * US_PER_MINUTE); return;
    default:
        if (needs != SMTP_NEEDS_CONNECTION)
            smtp_session_hear(talk->session, said, talk->now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct talk talk = { .session = smtp_session_new(TEXT("client.example"), (struct tick){ 0 }) };
    offer(&talk);
    for (size_t at = 0; at < size; at++) {
        uint8_t step = data[at];
        size_t length = step % 8 == 7 ? MIN_OF((size_t)(step >> 3) * 2, size - at - 1) : 0;
        act(&talk, step, text_from((const char *)data + at + 1, length));
        settle(&talk);
        at += length;
    }
    smtp_session_word(talk.session, WORD_GIVE_UP, talk.now);
    settle(&talk);
    assert(!talk.open && smtp_session_needs(talk.session) == SMTP_NEEDS_CLOSE);
    smtp_session_free(&talk.session);
    return 0;
}
