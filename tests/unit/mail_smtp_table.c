/* The table of the client's half of RFC 5321: complete, and with an outcome for every loss. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/dot.h"
#include "mail/smtp_table.h"

#include "any.h"

/* catches: a state that would stop at something nobody thought of. */
static void every_state_has_a_row_for_everything_it_may_hear(void **state)
{
    (void)state;
    for (int place = 0; place < SMTP_STATES; place++) {
        for (int input = 0; input < SMTP_INPUTS; input++) {
            if (smtp_rule_of((enum smtp_state)(1 << place), 1 << input) == NULL)
                fail_msg("%s has no row for input %d", smtp_facts_of((enum smtp_state)(1 << place))->name, input);
        }
    }
}

/* catches: a second road to the dot (P2, P6). */
static void only_the_ledgers_word_leads_to_the_dot(void **state)
{
    (void)state;
    int roads = 0;
    for (int place = 0; place < SMTP_STATES; place++) {
        for (int input = 0; input < SMTP_INPUTS; input++) {
            const struct smtp_rule *rule = smtp_rule_of((enum smtp_state)(1 << place), 1 << input);
            if (rule->next != DOT)
                continue;
            roads++;
            assert_int_equal(1 << place, HELD);
            assert_int_equal(1 << input, WORD_AUTHORIZED);
        }
    }
    assert_int_equal(roads, 1);
}

/* catches: a way out of DOT that forgets the message, or calls it delivered without a 2yz. */
static void what_leaves_the_dot_has_an_outcome(void **state)
{
    (void)state;
    for (int input = 0; input < SMTP_INPUTS; input++) {
        const struct smtp_rule *rule = smtp_rule_of(DOT, 1 << input);
        if (rule->next == SAME)
            continue;
        assert_int_not_equal(rule->then, GO_ON);
        if (rule->then == DELIVERED)
            assert_int_equal(1 << input, HEAR_2YZ);
    }
}

/* ---- T28: every stage against every way to lose or to be rude ---- */

enum rudeness { CLOSED, SILENT, SAID_421, SAID_4YZ, SAID_5YZ, WRONG_CLASS, GARBAGE, NUL, BARE_LF, MIXED, RUDENESSES };

struct conversation {
    struct arena *arena;
    struct smtp_session *session;
    struct address from, to;
    struct smtp_message message;
    struct tick now;
};

static struct conversation begin(void)
{
    struct conversation talk = { .arena = arena_new(), .now = { 0 } };
    talk.session = smtp_session_new(TEXT("client.example"), talk.now);
    assert_int_equal(address_parse(talk.arena, TEXT("ann@sender.example"), &talk.from), ADDRESS_GOOD);
    assert_int_equal(address_parse(talk.arena, TEXT("bo@receiver.example"), &talk.to), ADDRESS_GOOD);
    return talk;
}

static void end(struct conversation *talk)
{
    smtp_session_free(&talk->session);
    arena_free(&talk->arena);
}

static void offer(struct conversation *talk)
{
    talk->message = (struct smtp_message){ &talk->from, &talk->to, { TEXT("Subject: s\r\n\r\nbody\r\n"), false } };
    smtp_session_offer(talk->session, &talk->message, talk->now);
}

static void take_output(struct conversation *talk)
{
    for (size_t length = 0; (length = smtp_session_output(talk->session).length) > 0;)
        smtp_session_wrote(talk->session, length, talk->now);
}

static void hear(struct conversation *talk, const char *bytes)
{
    take_output(talk);
    smtp_session_hear(talk->session, text_of(bytes), talk->now);
    take_output(talk);
}

/* Politely up to the place where the reply in that state is due. */
static void reach(struct conversation *talk, enum smtp_state state)
{
    static const struct {
        enum smtp_state state;
        const char *reply;
    } steps[] = {
        { GREETING, "220 hi\r\n" }, { EHLO, "250 mx\r\n" }, { MAIL, "250 ok\r\n" },
        { RCPT, "250 ok\r\n" },     { DATA, "354 go\r\n" },
    };
    offer(talk);
    if (state == CONNECT)
        return;
    smtp_session_word(talk->session, WORD_CONNECTED, talk->now);
    for (size_t i = 0; i < COUNT(steps); i++) {
        take_output(talk);
        if (steps[i].state == state)
            return;
        hear(talk, state == CONTENT && steps[i].state == DATA ? "" : steps[i].reply);
    }
    if (state == CONTENT) {
        smtp_session_hear(talk->session, TEXT("354 go\r\n"), talk->now); /* and nothing of the content is taken */
        return;
    }
    if (state == HELD)
        return;
    smtp_session_word(talk->session, WORD_AUTHORIZED, talk->now);
    take_output(talk);
}

static void be_rude(struct conversation *talk, enum smtp_state state, enum rudeness rudeness)
{
    static const char *const said[RUDENESSES] = {
        [SAID_421] = "421 4.3.2 closing\r\n",
        [SAID_4YZ] = "450 4.2.1 later\r\n",
        [SAID_5YZ] = "550 5.7.1 no\r\n",
        [GARBAGE] = "+OK\r\n",
        [BARE_LF] = "250 ok\n",
        [MIXED] = "250-a\r\n550 b\r\n",
    };
    struct tick until = smtp_session_until(talk->session);
    switch (rudeness) {
    case CLOSED: smtp_session_word(talk->session, WORD_PEER_LOST, talk->now); return;
    case SILENT: smtp_session_word(talk->session, WORD_DEADLINE, until); return;
    case NUL: smtp_session_hear(talk->session, TEXT("250 a\0b\r\n"), talk->now); return;
    case WRONG_CLASS:
        smtp_session_hear(talk->session, state == DATA ? TEXT("250 ok\r\n") : TEXT("354 go\r\n"), talk->now);
        return;
    default: smtp_session_hear(talk->session, text_of(said[rudeness]), talk->now); return;
    }
}

#define R SMTP_REFUSED_HERE
#define D SMTP_DEFERRED
#define B SMTP_BOUNCED
#define U SMTP_UNCONFIRMED
#define N SMTP_NOT_SENT
#define H (-1) /* EHLO refused: HELO follows, no end yet */
#define X (-2) /* cannot be: nothing is connected */

/* catches: an end that is two of these, or none; a dot's doubt taken for a deferral, or the other way round. */
static void every_loss_at_every_stage_has_its_outcome(void **state)
{
    (void)state;
    static const struct {
        enum smtp_state in;
        int outcomes[RUDENESSES]; /* closed, silent, 421, 4yz, 5yz, wrong class, garbage, NUL, bare LF, mixed codes */
    } rows[] = {
        { CONNECT, { R, R, X, X, X, X, X, X, X, X } }, { GREETING, { R, R, R, R, R, R, R, R, R, R } },
        { EHLO, { R, R, R, R, H, R, R, R, R, R } },    { MAIL, { D, D, D, D, B, D, D, D, D, D } },
        { RCPT, { D, D, D, D, B, D, D, D, D, D } },    { DATA, { D, D, D, D, B, D, D, D, D, D } },
        { CONTENT, { D, D, D, D, D, D, D, D, D, D } }, { HELD, { D, N, D, D, D, D, D, D, D, D } },
        { DOT, { U, U, D, D, B, U, U, U, U, U } },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int rudeness = 0; rudeness < RUDENESSES; rudeness++) {
            struct smtp_result result = { 0 };
            int expected = rows[i].outcomes[rudeness];
            if (expected == X)
                continue;
            struct conversation talk = begin();
            reach(&talk, rows[i].in);
            be_rude(&talk, rows[i].in, (enum rudeness)rudeness);
            bool ended = smtp_session_result(talk.session, &result);
            if (expected == H ? ended : (!ended || (int)result.outcome != expected))
                fail_msg("%s, rudeness %d: ended %d, %.*s", smtp_facts_of(rows[i].in)->name, rudeness, ended,
                         TEXT_ARG(smtp_outcome_word(result.outcome)));
            assert_false(smtp_session_result(talk.session, &result));
            end(&talk);
        }
    }
}

/* ---- any conversation at all ---- */

/* Mostly what a polite peer would say, so that the far states are seen. */
static struct text any_said(struct any *any, bool data_is_due)
{
    static const char *const rude[] = {
        "220 hi\r\n",
        "250 2.1.0 ok\r\n",
        "250-mx\r\n250 SIZE 1000\r\n",
        "354 go\r\n",
        "421 4.4.2 bye\r\n",
        "451 4.7.1 no\r\n",
        "550 5.1.1 no\r\n",
        "250 ok\r\n250 ok\r\n",
        "2",
        "\r\n",
        "xx\r\n",
        "150 a\r\n",
        "250 ok\n",
    };
    if (any_between(any, 0, 9) > 0)
        return data_is_due ? TEXT("354 go\r\n") : TEXT("250 ok\r\n");
    return text_of(rude[any_between(any, 0, COUNT(rude) - 1)]);
}

struct tally {
    int offered, ended, dots, taken; /* taken: delivered, deferred or bounced by the dot's reply, or unconfirmed */
    bool authorized, data_is_due;
};

static void act(struct any *any, struct conversation *talk, struct tally *tally)
{
    struct smtp_session *session = talk->session;
    enum smtp_needs needs = smtp_session_needs(session);
    talk->now = tick_add(talk->now, any_between(any, 0, 60) == 0 ? 11 * US_PER_MINUTE : 1000);
    smtp_session_word(session, WORD_DEADLINE, talk->now);
    struct text output = smtp_session_output(session);
    if (output.length > 0 && any_between(any, 0, 9) > 0) {
        tally->dots += text_equal(output, DOT_END);
        assert_true(!text_equal(output, DOT_END) || tally->authorized);
        tally->data_is_due = text_equal(output, TEXT("DATA\r\n"));
        smtp_session_wrote(session, output.length, talk->now);
    } else if (needs == SMTP_NEEDS_AUTHORIZATION) {
        tally->authorized = any_between(any, 0, 3) > 0;
        smtp_session_word(session, tally->authorized ? WORD_AUTHORIZED : WORD_NOT_AUTHORIZED, talk->now);
    } else if (needs == SMTP_NEEDS_MESSAGE && any_between(any, 0, 5) > 0) {
        tally->authorized = false;
        tally->offered++;
        offer(talk);
    } else if (needs != SMTP_NEEDS_CONNECTION) {
        smtp_session_hear(session, any_said(any, tally->data_is_due), talk->now);
    }
    if (any_between(any, 0, 200) == 0)
        smtp_session_word(session, any_between(any, 0, 1) ? WORD_QUIT : WORD_PEER_LOST, talk->now);
}

static void settle(uint64_t seed, struct conversation *talk, struct tally *tally)
{
    struct smtp_result result = { 0 };
    if (!smtp_session_result(talk->session, &result))
        return;
    tally->ended++;
    tally->taken += result.dot_sent;
    HOLDS(seed, !result.dot_sent || result.stage == SMTP_STAGE_DOT);
    HOLDS(seed, result.outcome != SMTP_DELIVERED || (result.dot_sent && result.reply.class == REPLY_2YZ));
    HOLDS(seed, result.outcome != SMTP_UNCONFIRMED || result.dot_sent);
    HOLDS(seed, (result.outcome != SMTP_NOT_SENT && result.outcome != SMTP_STALE) || !result.dot_sent);
    HOLDS(seed, text_is_utf8(result.transcript) && result.transcript.length <= BOUND_TRANSCRIPT);
}

/* catches: a message with two ends or none, a dot without authorization, a dot that its result does not know (P2, P6, T34). */
static void a_message_has_one_end_and_a_dot_one_authorization(void **state)
{
    (void)state;
    int delivered_dots = 0;
    seeds (seed, 20000) {
        struct any any = any_of(seed);
        struct conversation talk = begin();
        struct tally tally = { .offered = 1 };
        offer(&talk);
        smtp_session_word(talk.session, WORD_CONNECTED, talk.now);
        for (int i = 0; i < 60 && smtp_session_needs(talk.session) != SMTP_NEEDS_CLOSE; i++) {
            act(&any, &talk, &tally);
            settle(seed, &talk, &tally);
        }
        smtp_session_word(talk.session, WORD_GIVE_UP, talk.now);
        settle(seed, &talk, &tally);
        HOLDS(seed, tally.ended == tally.offered && tally.dots == tally.taken);
        delivered_dots += tally.dots;
        end(&talk);
    }
    assert_true(delivered_dots > 1000); /* the property has seen what it speaks of */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_a_row_for_everything_it_may_hear),
        cmocka_unit_test(only_the_ledgers_word_leads_to_the_dot),
        cmocka_unit_test(what_leaves_the_dot_has_an_outcome),
        cmocka_unit_test(every_loss_at_every_stage_has_its_outcome),
        cmocka_unit_test(a_message_has_one_end_and_a_dot_one_authorization),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
