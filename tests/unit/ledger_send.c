/* The write before the dot, the write after it, and who may ask for either. */
#include "ledger_house.h"

static int64_t generation;
static struct instant due; /* the slot's second */

/* ---- one call each, waited for ---- */

static void authorize_told(struct authorize *authorize)
{
    (void)authorize;
    loop_stop(loop);
}

static enum authorize_word authorize(struct uuid message, int64_t as)
{
    static struct authorize call;
    call = (struct authorize){ .customer = customer,
                               .ip = ip,
                               .generation = as,
                               .message = message,
                               .local_day = accepted.slot.local_day,
                               .number = accepted.slot.number,
                               .told = authorize_told };
    authorize_slot(worker, &call);
    run();
    if (call.word == AUTHORIZED) {
        assert_true(authorize_is_good(&call, tick_add(call.asked_at, BOUND_AUTHORIZATION_US - 1)));
        assert_false(authorize_is_good(&call, tick_add(call.asked_at, BOUND_AUTHORIZATION_US)));
    }
    return call.word;
}

static void outcome_told(struct outcome *outcome)
{
    (void)outcome;
    loop_stop(loop);
}

static struct outcome after(struct uuid message, enum outcome_kind kind, bool authorized)
{
    return (struct outcome){
        .customer = customer, .ip = ip, .message = message, .mailbox = mailbox,
        .local_day = accepted.slot.local_day, .number = accepted.slot.number, .authorized = authorized, .kind = kind,
        .counted = true, .not_before = INSTANT_NONE,
        .attempt = {
            .id = fresh(), .at = clock_now(the_clock), .ip = TEXT("10.0.0.0"), .receiver = TEXT("127.0.0.1:2525"),
            .remote = TEXT("127.0.0.1:2525"), .stage = authorized ? TEXT("dot") : TEXT("rcpt"), .reply_code = 250,
            .duration_ms = 12,
        },
        .told = outcome_told,
    };
}

static enum outcome_word write_outcome(struct outcome *outcome)
{
    outcome_write(worker, outcome);
    run();
    return outcome->word;
}

static void owner_told(struct ownership *ownership)
{
    (void)ownership;
    loop_stop(loop);
}

static struct ownership owner;

static enum ownership_word own(void (*function)(struct ledger *, struct ownership *), struct ledger *who)
{
    owner.customer = customer;
    owner.ip = ip;
    owner.host = TEXT("sender-1");
    owner.pid = 42;
    owner.expected = INT64_MIN;
    owner.told = owner_told;
    function(who, &owner);
    run();
    return owner.word;
}

static struct uuid due_message(void)
{
    struct uuid message = accept_to("bo@example.com");
    owner = (struct ownership){ .generation = 0 };
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    generation = owner.generation;
    due = accepted.slot.at;
    assert_null(clock_file_forward(clock_path, due));
    return message;
}

static const char *state_of(struct uuid message)
{
    return told("select m.state, (select string_agg(s.state, ',' order by s.at) from slots s "
                "where (s.customer_id, s.message_id) = (m.customer_id, m.message_id)) "
                "from messages m where m.message_id = '%s'",
                id_of(message));
}

/* ---- authorize ---- */

static void a_due_slot_is_authorized_once(void **state) /* catches: two dots for one slot */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    assert_string_equal(state_of(message), "sending|authorized");
    assert_int_equal(authorize(message, generation), AUTHORIZE_GONE);
}

/* catches: a slot that was booked while the conversation went on, authorized, and then not the one that its outcome spends:
 * a delivered message that is unconfirmed at last (P6) */
static void only_the_slot_that_was_due_is_authorized(void **state)
{
    (void)state;
    struct uuid message = due_message();
    told("update slots set number = 1 - number where message_id = '%s'", id_of(message));
    assert_int_equal(authorize(message, generation), AUTHORIZE_GONE);
    assert_string_equal(state_of(message), "booked|booked");
}

/* Each gate of the statement, shut alone. */
static void every_gate_holds(void **state) /* catches: a condition that the statement lost */
{
    (void)state;
    static const struct {
        const char *shut;
        enum authorize_word word;
    } gates[] = {
        { "update lanes set generation = generation + 1", AUTHORIZE_NOT_OURS },
        { "update lanes set halted = '{ip_paused}'", AUTHORIZE_HALTED },
        { "update lanes set halted = '{customer_suspended}'", AUTHORIZE_HALTED },
        { "update slots set at = at + interval '1 s', due_at = due_at + interval '1 s'", AUTHORIZE_NOT_YET },
        { "update slots set day_from = day_from - interval '1 d', at = at - interval '1 d', not_after = at",
          AUTHORIZE_OVER },
        { "update slots set number = 1; update mailboxes set daily_cap = 1", AUTHORIZE_MAILBOX },
        { "update mailboxes set state = 'paused', paused_at = created_at", AUTHORIZE_MAILBOX },
        { "delete from slots", AUTHORIZE_GONE },
    };
    for (size_t i = 0; i < COUNT(gates); i++) {
        test_close(state);
        test_open(state);
        struct uuid message = due_message();
        char shut[512], *statement, *rest = shut;
        snprintf(shut, sizeof(shut), "%s", gates[i].shut);
        while ((statement = strsep(&rest, ";")) != NULL)
            told("%s where customer_id = '%s'", statement, customer_text);
        assert_int_equal(authorize(message, generation), gates[i].word);
        assert_string_equal(
            told("select count(*) from slots where customer_id = '%s' and state <> 'booked'", customer_text), "0");
        told("delete from slots where customer_id = '%s'", customer_text);
        told("update messages set state = 'accepted' where customer_id = '%s'", customer_text);
        told("delete from openings where customer_id = '%s'", customer_text);
    }
}

static void a_suppression_that_nobody_swept_still_stops_the_dot(void **state) /* catches: trust in the sweep */
{
    (void)state;
    static const char *const keys[][2] = { { "bo@example.com", "address" }, { "example.com", "domain" } };
    for (size_t i = 0; i < COUNT(keys); i++) {
        test_close(state);
        test_open(state);
        struct uuid message = due_message();
        told("insert into suppressions values ('%s', '%s', '%s', '%s', 'api', '" MONDAY "')", customer_text,
             id_of(fresh()), keys[i][0], keys[i][1]);
        assert_int_equal(authorize(message, generation), AUTHORIZE_SUPPRESSED);
        assert_string_equal(state_of(message), "suppressed|");
    }
}

static void what_is_authorized_cannot_be_cancelled(void **state) /* catches: both cancelled and sent */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    struct cancel_message_call call = { .given = { .message = message } };
    cancel_message_call(server, &call);
    assert_int_equal(call.given.word, CANCEL_TOO_LATE);
    assert_string_equal(state_of(message), "sending|authorized");
}

/* ---- outcome ---- */

static void each_outcome_has_its_state(void **state) /* catches: a slot that comes back after a dot (P2) */
{
    (void)state;
    static const struct {
        enum outcome_kind kind;
        bool authorized, same_slot;
        const char *states;
    } rows[] = {
        { OUTCOME_DELIVERED, true, false, "delivered|spent" },
        { OUTCOME_BOUNCED, true, false, "bounced|spent" },
        { OUTCOME_UNCONFIRMED, true, false, "unconfirmed|spent" },
        { OUTCOME_EXPIRED, true, false, "expired|spent" },
        { OUTCOME_DEFERRED, true, false, "booked|spent,booked" },
        { OUTCOME_NOT_SENT, true, false, "booked|spent,booked" },
        { OUTCOME_BOUNCED, false, false, "bounced|" },
        { OUTCOME_EXPIRED, false, false, "expired|" },
        { OUTCOME_DEFERRED, false, true, "booked|booked" },
        { OUTCOME_DEFERRED, false, false, "booked|booked" },
        { OUTCOME_REFUSED_HERE, false, true, "booked|booked" },
        { OUTCOME_REFUSED_HERE, false, false, "booked|booked" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        test_close(state);
        test_open(state);
        struct uuid message = due_message();
        if (rows[i].authorized)
            assert_int_equal(authorize(message, generation), AUTHORIZED);
        struct outcome outcome = after(message, rows[i].kind, rows[i].authorized);
        outcome.same_slot = rows[i].same_slot;
        outcome.not_before = instant_add(due, 5 * US_PER_MINUTE);
        assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
        assert_string_equal(state_of(message), rows[i].states);
        assert_string_equal(told("select count(*) from attempts where message_id = '%s'", id_of(message)), "1");
    }
}

static void a_retry_in_its_slot_waits_there(void **state) /* catches: a slot that is due again at once */
{
    (void)state;
    struct uuid message = due_message();
    struct outcome outcome = after(message, OUTCOME_DEFERRED, false);
    outcome.same_slot = true;
    outcome.not_before = instant_add(due, 5 * US_PER_MINUTE);
    outcome.explanation_code = TEXT("greylisted");
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_string_equal(
        told("select s.due_at - s.at, m.explanation_code, m.explanation_until = s.due_at, m.attempt_count, "
             "m.dated_at = s.at from slots s join messages m using (customer_id, message_id) "
             "where message_id = '%s'",
             id_of(message)),
        "00:05:00|greylisted|t|1|t");
    outcome = after(message, OUTCOME_DEFERRED, false); /* past its not_after: another slot after all */
    outcome.same_slot = true;
    outcome.not_before = instant_add(due, US_PER_DAY);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_true(instant_before(outcome.not_before, outcome.slot.at));
}

static void an_outcome_is_written_once(void **state) /* catches: a second attempt after a lost answer */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    struct outcome outcome = after(message, OUTCOME_DELIVERED, true);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_string_equal(
        told("select attempt_count, (select count(*) from attempts a where a.message_id = m.message_id), "
             "(select count(*) from events e where e.message_id = m.message_id and type = 'message.delivered') "
             "from messages m where message_id = '%s'",
             id_of(message)),
        "1|1|1");
}

static void
an_unknown_authorization_is_spent(void **state) /* catches: a late commit that finds the slot still booked */
{
    (void)state;
    struct uuid message = due_message();
    struct outcome outcome = after(message, OUTCOME_NOT_SENT, true); /* the statement never arrived */
    outcome.counted = false;
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_string_equal(state_of(message), "booked|spent,booked");
    assert_int_equal(authorize(message, generation), AUTHORIZE_NOT_YET);
}

static void an_outcome_speaks_of_its_own_slot_alone(void **state) /* catches: a late word for the slot before last */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    struct outcome first = after(message, OUTCOME_NOT_SENT, true);
    struct slot before = accepted.slot;
    assert_int_equal(write_outcome(&first), OUTCOME_WRITTEN);
    assert_null(clock_file_forward(clock_path, first.slot.at));
    accepted.slot = first.slot;
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    accepted.slot = before;
    struct outcome late = after(message, OUTCOME_DEFERRED, true);
    assert_int_equal(write_outcome(&late), OUTCOME_TOO_LATE);
    late = after(message, OUTCOME_DELIVERED, true);
    assert_int_equal(write_outcome(&late), OUTCOME_TOO_LATE);
    assert_string_equal(state_of(message), "sending|spent,authorized");
}

static void a_bounce_may_suppress_the_recipient(void **state) /* catches: the next campaign to a dead address */
{
    (void)state;
    struct uuid message = due_message();
    struct outcome outcome = after(message, OUTCOME_BOUNCED, false);
    outcome.suppress_recipient = true;
    outcome.attempt.reply_code = 550;
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_string_equal(state_of(message), "bounced|");
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_SUPPRESSED);
}

static void a_refusal_before_the_dot_gives_the_mark_back(void **state)
{
    (void)state;
    struct uuid message = due_message();
    struct outcome outcome = after(message, OUTCOME_BOUNCED, false);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_MADE);
}

static void
a_deferred_message_meets_its_suppression(void **state) /* catches: a retry to somebody who said no meanwhile */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    struct suppress_key_call call = { .given = { .suppression = fresh(), .key = TEXT("bo@example.com") } };
    suppress_key_call(server, &call);
    assert_int_equal(call.given.messages, 0); /* under way: it may still be sent */
    struct outcome outcome = after(message, OUTCOME_DEFERRED, true);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    assert_string_equal(state_of(message), "suppressed|spent");
}

static void an_outcome_of_a_cancelled_message_changes_nothing(void **state) /* catches: a cancelled one that goes on */
{
    (void)state;
    struct uuid message = due_message();
    struct cancel_message_call call = { .given = { .message = message } };
    cancel_message_call(server, &call);
    struct outcome outcome = after(message, OUTCOME_DEFERRED, false);
    assert_int_equal(write_outcome(&outcome), OUTCOME_TOO_LATE);
    assert_string_equal(state_of(message), "cancelled|");
    assert_string_equal(told("select count(*) from attempts where message_id = '%s'", id_of(message)), "1");
}

static struct pacing_load loaded;
static struct pacing_row remembered;

static void saved(struct pacing_save *save)
{
    assert_int_equal(save->word, PACING_STORE_DONE);
    loop_stop(loop);
}

static void load_told(struct pacing_load *load)
{
    assert_int_equal(load->word, PACING_STORE_DONE);
    assert_int_equal(load->count, 1);
    remembered = load->rows[0];
    loop_stop(loop);
}

static void a_hold_is_remembered_and_told_once(void **state) /* catches: a hold that a restart forgets (T173) */
{
    (void)state;
    struct pacing_save save = {
        .customer = customer,
        .ip = ip,
        .row = {
            .receiver = TEXT("127.0.0.1:2525"),
            .pacing = { .limit = 1, .probing = true, .failures_in_row = 2, .doublings = 3,
                        .hold_until = instant_at("2026-11-23T17:00:00Z") },
            .updated_at = instant_at("2026-11-23T16:00:00Z"),
        },
        .told = saved,
    };
    struct pacing_save late = { .customer = customer, .ip = ip, .row = save.row, .told = saved };
    late.row.pacing = (struct pacing){ .limit = 2, .hold_until = INSTANT_NONE };
    late.row.updated_at = instant_add(save.row.updated_at, -1);
    for (int i = 0; i < 2; i++) {
        pacing_save(worker, &save);
        run();
    }
    pacing_save(worker, &late); /* of an outcome that could not be written before */
    run();
    loaded = (struct pacing_load){ .customer = customer, .ip = ip, .told = load_told };
    pacing_load(worker, &loaded);
    run();
    assert_true(remembered.pacing.probing);
    assert_int_equal(remembered.pacing.failures_in_row, 2);
    assert_int_equal(remembered.pacing.doublings, 3);
    assert_int_equal(remembered.pacing.hold_until.us, save.row.pacing.hold_until.us);
    assert_string_equal(told("select count(*), min(data ->> 'receiver') from events where customer_id = '%s' "
                             "and type = 'ip.held'",
                             customer_text),
                        "1|127.0.0.1:2525");
}

/* ---- ownership ---- */

static void a_new_owner_ends_the_old_ones_authority(void **state) /* catches: two processes that both send */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    assert_int_equal(owner.generation, generation + 1);
    assert_true(text_equal(owner.host, TEXT("sender-1")));
    assert_false(instant_is_none(owner.before.since));
    assert_int_equal(authorize(message, generation), AUTHORIZE_NOT_OURS);
    owner.generation = generation;
    assert_int_equal(own(ownership_see, worker), OWNERSHIP_STALE);
    assert_int_equal(own(ownership_end, worker), OWNERSHIP_STALE);
    assert_int_equal(own(ownership_settle, worker), OWNERSHIP_STALE);
}

static void what_the_old_owner_left_is_named_as_doubt(void **state) /* catches: a message that stays `sending` (P6) */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    assert_int_equal(own(ownership_settle, worker), OWNERSHIP_OURS);
    assert_int_equal(owner.settled, 1);
    assert_string_equal(state_of(message), "unconfirmed|spent");

    struct outcome late = after(message, OUTCOME_UNCONFIRMED, true); /* a late doubt changes nothing */
    assert_int_equal(write_outcome(&late), OUTCOME_TOO_LATE);
    late = after(message, OUTCOME_DEFERRED, true);
    assert_int_equal(write_outcome(&late), OUTCOME_TOO_LATE);
    assert_string_equal(state_of(message), "unconfirmed|spent");
    late = after(message, OUTCOME_DELIVERED, true); /* a late truth does */
    assert_int_equal(write_outcome(&late), OUTCOME_WRITTEN);
    assert_string_equal(state_of(message), "delivered|spent");
}

static void doubt_is_sent_again_only_when_asked(void **state) /* catches: a resend of what was delivered */
{
    (void)state;
    struct uuid message = due_message();
    struct resend_message_call call = { .given = { .message = message, .fresh = fresh() } };
    resend_message_call(server, &call);
    assert_int_equal(call.given.word, RESEND_NOT_UNCONFIRMED);
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    struct outcome outcome = after(message, OUTCOME_UNCONFIRMED, true);
    assert_int_equal(write_outcome(&outcome), OUTCOME_WRITTEN);
    resend_message_call(server, &call);
    assert_int_equal(call.given.word, RESEND_MADE);
    assert_string_equal(state_of(message), "resent|spent");
    assert_string_equal(told("select a.header_message_id = b.header_message_id, b.resend_of = a.message_id, b.state "
                             "from messages a join messages b on b.message_id = '%s' where a.message_id = '%s'",
                             id_of(call.given.fresh), id_of(message)),
                        "t|t|booked");
}

static void
an_unseen_lane_is_raised_and_settled_by_jobs(void **state) /* catches: `sending` for ever without a worker */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    owner.older_than_us = 120 * US_PER_SECOND;
    assert_int_equal(own(ownership_raise_unseen, jobs), OWNERSHIP_STALE); /* seen a moment ago */
    told("update lanes set seen_at = seen_at - interval '3 min', since = since - interval '3 min' where customer_id = "
         "'%s'",
         customer_text);
    owner.older_than_us = 120 * US_PER_SECOND;
    assert_int_equal(own(ownership_raise_unseen, jobs), OWNERSHIP_OURS);
    assert_int_equal(owner.settled, 1);
    assert_string_equal(state_of(message), "unconfirmed|spent");
    assert_int_equal(authorize(message, generation), AUTHORIZE_NOT_OURS);
}

static void a_lanes_own_doubt_ages(void **state) /* catches: an outcome that got lost inside a living worker */
{
    (void)state;
    struct uuid message = due_message();
    assert_int_equal(authorize(message, generation), AUTHORIZED);
    owner.older_than_us = 15 * US_PER_MINUTE;
    assert_int_equal(own(ownership_settle, worker), OWNERSHIP_OURS);
    assert_int_equal(owner.settled, 0);
    told("update slots set authorized_real_at = authorized_real_at - interval '16 min' where customer_id = '%s'",
         customer_text);
    owner.older_than_us = 15 * US_PER_MINUTE;
    assert_int_equal(own(ownership_settle, worker), OWNERSHIP_OURS);
    assert_int_equal(owner.settled, 1);
    assert_string_equal(state_of(message), "unconfirmed|spent");
}

static void a_drained_lane_says_that_nobody_needs_to_wait(void **state)
{
    (void)state;
    due_message();
    owner.trouble = TEXT("clock_wrong");
    assert_int_equal(own(ownership_see, worker), OWNERSHIP_OURS);
    assert_string_equal(told("select trouble from lanes where ip_id = '%s'", id_of(ip)), "clock_wrong");
    assert_int_equal(own(ownership_end, worker), OWNERSHIP_OURS);
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    assert_false(instant_is_none(owner.before.ended_at));
    assert_string_equal(told("select coalesce(trouble, 'none') from lanes where ip_id = '%s'", id_of(ip)), "none");
    struct uuid other = ip;
    ip = fresh();
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_NO_LANE);
    ip = other;
}

/* catches: ten minutes of waiting for another host that are forgotten when the new owner is itself restarted (P4) */
static void an_owner_elsewhere_is_waited_for_across_restarts(void **state)
{
    (void)state;
    due_message();
    assert_true(instant_is_none(owner.before.elsewhere_until));
    told("update lanes set host = 'sender-2' where customer_id = '%s'", customer_text);
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    struct instant until = owner.before.elsewhere_until;
    int64_t left_us = instant_since(until, clock_wall());
    assert_true(left_us > BOUND_OTHER_HOST_US - US_PER_MINUTE && left_us <= BOUND_OTHER_HOST_US);
    assert_int_equal(own(ownership_raise, worker), OWNERSHIP_OURS);
    assert_int_equal(owner.before.elsewhere_until.us, until.us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_due_slot_is_authorized_once),
        TEST(only_the_slot_that_was_due_is_authorized),
        TEST(every_gate_holds),
        TEST(a_suppression_that_nobody_swept_still_stops_the_dot),
        TEST(what_is_authorized_cannot_be_cancelled),
        TEST(each_outcome_has_its_state),
        TEST(a_retry_in_its_slot_waits_there),
        TEST(an_outcome_is_written_once),
        TEST(an_unknown_authorization_is_spent),
        TEST(an_outcome_speaks_of_its_own_slot_alone),
        TEST(a_bounce_may_suppress_the_recipient),
        TEST(a_refusal_before_the_dot_gives_the_mark_back),
        TEST(a_deferred_message_meets_its_suppression),
        TEST(an_outcome_of_a_cancelled_message_changes_nothing),
        TEST(a_hold_is_remembered_and_told_once),
        TEST(a_new_owner_ends_the_old_ones_authority),
        TEST(what_the_old_owner_left_is_named_as_doubt),
        TEST(doubt_is_sent_again_only_when_asked),
        TEST(an_unseen_lane_is_raised_and_settled_by_jobs),
        TEST(a_lanes_own_doubt_ages),
        TEST(a_drained_lane_says_that_nobody_needs_to_wait),
        TEST(an_owner_elsewhere_is_waited_for_across_restarts),
    };
    return cmocka_run_group_tests(tests, house_open, house_close);
}
