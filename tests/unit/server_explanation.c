/* Why a message has not gone: the widest reason first, each with its sentence, and a time or what must happen first. */
#include "server/explanation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW ((struct instant){ 1795512000000000 }) /* 2026-11-24T09:20:00Z */

static struct instant in(int64_t minutes)
{
    return instant_add(NOW, minutes * US_PER_MINUTE);
}

/* A booked message whose turn comes in an hour, and nothing in its way. */
static struct explanation_facts booked(void)
{
    return (struct explanation_facts){
        .state = TEXT("booked"),
        .stored = TEXT("waiting_for_slot"),
        .stored_until = in(60),
        .about = TEXT_NONE,
        .scheduled_at = INSTANT_NONE,
        .ended_at = INSTANT_NONE,
        .customer_state = TEXT("active"),
        .mailbox_state = TEXT("active"),
        .from_address = TEXT("ann@acme.example"),
        .to_address = TEXT("bo@example.com"),
        .mailbox_has_ip = true,
        .has_route = true,
        .domain = TEXT("example.com"),
        .at = in(60),
        .due_at = in(60),
        .not_after = in(300),
        .ip = TEXT("203.0.113.7"),
        .worker_alive = true,
        .reply_code = INT16_MIN,
        .reply_text = TEXT_NONE,
        .outcome = TEXT_NONE,
        .zone_name = TEXT("UTC"),
        .now = NOW,
    };
}

static struct arena *arena;

static void expect(const struct explanation_facts *facts, const char *code, bool has_time)
{
    struct explanation explanation = explanation_of(arena, facts);
    if (!text_equal(explanation.code, text_of(code)))
        print_error("%.*s, not %s: %.*s\n", TEXT_ARG(explanation.code), code, TEXT_ARG(explanation.text));
    assert_true(text_equal(explanation.code, text_of(code)));
    assert_int_equal(has_time, !instant_is_none(explanation.until));
    assert_true(explanation.text.length > 20 && text_ends(explanation.text, TEXT(".")));
    assert_true(text_is_utf8(explanation.text));
}

static void a_booked_message_says_when(void **state)
{
    (void)state;
    struct explanation_facts facts = booked();
    expect(&facts, "waiting_for_slot", true);
    assert_true(text_equal(explanation_of(arena, &facts).text,
                           TEXT("Goes out on Tuesday, 24 November 2026 at 10:20:00 (UTC) from 203.0.113.7.")));
    facts.scheduled_at = in(30);
    expect(&facts, "scheduled", true);
    facts.now = in(61);
    facts.scheduled_at = INSTANT_NONE;
    expect(&facts, "spacing", true);
    facts.worker_alive = false;
    expect(&facts, "worker_absent", false);
}

static void an_absent_worker_matters_when_its_turn_comes(void **state)
{
    (void)state;
    struct explanation_facts facts = booked();
    facts.worker_alive = false;
    expect(&facts, "waiting_for_slot", true);
    facts.now = in(56);
    expect(&facts, "worker_absent", false);
}

static void
a_living_worker_that_cannot_send_says_why(void **state) /* catches "it is next" while all lanes halt (T165) */
{
    (void)state;
    static const struct text paused[] = { { "ip_paused", 9 } };
    struct explanation_facts facts = booked();
    facts.now = in(61);
    facts.lane_trouble = TEXT("clock_wrong");
    expect(&facts, "worker_absent", false);
    struct text said = explanation_of(arena, &facts).text;
    assert_true(text_find_text(said, TEXT("clock")) < said.length);
    facts.lane_trouble = TEXT("address_missing");
    expect(&facts, "ip_unavailable", false);
    facts.lane_trouble = TEXT("host_exhausted");
    expect(&facts, "worker_absent", false);
    facts.worker_alive = false;
    expect(&facts, "worker_absent", false);
    facts.halted = (struct texts){ paused, COUNT(paused) };
    expect(&facts, "ip_paused", false);
}

static void the_widest_reason_is_told_first(void **state) /* catches advice that would not help */
{
    (void)state;
    static const struct text halted[] = { { "ip_paused", 9 } }, quarantine[] = { { "quarantine", 10 } };
    struct explanation_facts facts = booked();
    facts.has_route = false;
    expect(&facts, "no_route", false);
    facts.halted = (struct texts){ quarantine, 1 };
    expect(&facts, "quarantined_after_restore", false);
    facts.halted = (struct texts){ halted, 1 };
    expect(&facts, "ip_paused", false);
    facts.mailbox_has_ip = false;
    expect(&facts, "ip_unavailable", false);
    facts.mailbox_state = TEXT("paused");
    expect(&facts, "mailbox_paused", false);
    facts.customer_state = TEXT("suspended");
    expect(&facts, "customer_suspended", false);
}

static void a_receivers_word_holds_until_its_time(void **state)
{
    (void)state;
    struct explanation_facts facts = booked();
    facts.stored = TEXT("deferred_by_receiver");
    facts.stored_until = in(5);
    facts.reply_code = 450;
    facts.reply_text = TEXT("4.2.1 try\r\nlater \xff");
    expect(&facts, "deferred_by_receiver", true);
    assert_true(text_find_text(explanation_of(arena, &facts).text, TEXT("it said: 450 4.2.1 try")) <
                explanation_of(arena, &facts).text.length);
    facts.now = in(6);
    expect(&facts, "waiting_for_slot", true);
    facts.now = NOW;
    static const char *const codes[] = { "receiver_on_hold", "receiver_busy",       "greylisted",   "spacing",
                                         "owner_changing",   "waiting_for_thread",  "no_free_slot", "domain_not_ready",
                                         "domain_paused",    "resolver_unavailable" };
    for (size_t i = 0; i < COUNT(codes); i++) {
        facts.stored = text_of(codes[i]);
        expect(&facts, codes[i], true);
    }
}

static void a_route_that_leads_nowhere_is_no_route(void **state) /* catches "it is next" for what can never go */
{
    (void)state;
    struct explanation_facts facts = booked();
    facts.now = in(61);
    facts.stored = TEXT("no_route");
    facts.stored_until = INSTANT_NONE;
    expect(&facts, "no_route", false);
    facts.worker_alive = false;
    expect(&facts, "worker_absent", false);
}

static void what_is_over_says_how(void **state)
{
    (void)state;
    static const char *const states[] = { "delivered", "bounced", "unconfirmed", "resent",
                                          "cancelled", "expired", "suppressed" };
    struct explanation_facts facts = booked();
    facts.ended_at = NOW;
    facts.reply_code = 550;
    facts.reply_text = TEXT("5.1.1 no such user");
    for (size_t i = 0; i < COUNT(states); i++) {
        facts.state = text_of(states[i]);
        expect(&facts, states[i], false);
    }
}

static void what_waits_without_a_slot_says_for_what(void **state)
{
    (void)state;
    struct explanation_facts facts = booked();
    facts.state = TEXT("accepted");
    facts.at = facts.due_at = INSTANT_NONE;
    facts.stored = TEXT("no_free_slot");
    expect(&facts, "no_free_slot", true);
    facts.stored = TEXT("ip_unavailable");
    facts.mailbox_has_ip = false;
    expect(&facts, "ip_unavailable", false);
    facts.mailbox_has_ip = true; /* it has one again: it is booked within minutes */
    expect(&facts, "waiting_for_slot", true);
    facts.state = TEXT("sending");
    expect(&facts, "sending", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_booked_message_says_when),
        cmocka_unit_test(an_absent_worker_matters_when_its_turn_comes),
        cmocka_unit_test(a_living_worker_that_cannot_send_says_why),
        cmocka_unit_test(the_widest_reason_is_told_first),
        cmocka_unit_test(a_receivers_word_holds_until_its_time),
        cmocka_unit_test(a_route_that_leads_nowhere_is_no_route),
        cmocka_unit_test(what_is_over_says_how),
        cmocka_unit_test(what_waits_without_a_slot_says_for_what),
    };
    arena = arena_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
