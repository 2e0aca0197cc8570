/* What is accepted, booked, refused and taken back. */
#include "ledger_house.h"

static void two_a_day_then_the_next_sending_day(void **state) /* catches: a cap that is not the slot's key */
{
    (void)state;
    static const char *const days[] = { "2026-11-23|0", "2026-11-23|1", "2026-11-24|0", "2026-11-24|1",
                                        "2026-11-25|0" };
    for (size_t i = 0; i < COUNT(days); i++) {
        char to[64];
        snprintf(to, sizeof(to), "bo%zu@example.com", i);
        struct uuid message = accept_to(to);
        assert_string_equal(told("select local_day, number from slots where message_id = '%s'", id_of(message)),
                            days[i]);
    }
}

static void
a_message_is_whole_when_it_is_accepted(void **state) /* catches: a part that is left to a later transaction */
{
    (void)state;
    struct uuid message = accept_to("bo@example.com");
    assert_string_equal(
        told("select m.state, m.explanation_code, m.explanation_until = s.at, m.dated_at = s.at, "
             "s.due_at = s.at, r.first_message_id = m.message_id, m.thread_id = m.message_id, "
             "(select array_agg(type order by event_id) from events e where e.message_id = m.message_id) "
             "from messages m join slots s using (customer_id, message_id) "
             "join recipients r on r.customer_id = m.customer_id and r.address_key = m.recipient_key "
             "where message_id = '%s'",
             id_of(message)),
        "booked|waiting_for_slot|t|t|t|t|t|{message.accepted,message.booked}");
    assert_int_equal(accepted.slot.number, 0);
}

static void
a_message_keeps_the_name_it_was_accepted_under(void **state) /* catches: other octets on the second attempt */
{
    (void)state;
    struct mailbox_change_call call = { .given = { .mailbox = mailbox, .display_name = TEXT("Ann Lee") } };
    mailbox_change_call(server, &call);
    struct uuid named = accept_to("bo@example.com");
    struct accept any = message_to("al@example.com");
    any.mailbox = UUID_NIL;
    assert_int_equal(offer(any), ACCEPT_MADE);
    call.given.display_name = TEXT("Ann Other");
    mailbox_change_call(server, &call);
    assert_string_equal(told("select string_agg(from_name, ',') from messages where message_id in ('%s', '%s')",
                             id_of(named), id_of(any.message)),
                        "Ann Lee,Ann Lee");
}

static void what_is_rolled_back_leaves_nothing(void **state) /* catches: a write beside the transaction */
{
    (void)state;
    struct accept_message_call call = { .given = message_to("bo@example.com") };
    call.given.done = accept_message_done;
    request_begin(&call.request, server);
    call.request.keep = true;
    accept_message(&call.request.act, &call.given);
    run();
    assert_int_equal(call.given.word, ACCEPT_MADE);
    assert_string_equal(told("select (select count(*) from messages where customer_id = c), "
                             "(select count(*) from slots where customer_id = c), "
                             "(select count(*) from recipients where customer_id = c) from (select '%s'::uuid c) _",
                             customer_text),
                        "0|0|0");
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_MADE);
}

/* ---- refusals ---- */

static void one_person_is_not_courted_twice(void **state) /* catches: a gap that each mailbox counts for itself */
{
    (void)state;
    accept_to("bo@example.com");
    struct accept again = message_to("bo@example.com");
    again.mailbox = mailbox_in("tim@acme.example", 2, UUID_NIL);
    assert_int_equal(offer(again), ACCEPT_RECENTLY_WRITTEN);
    jump("2026-12-24T06:00:00Z");
    again.message = fresh();
    assert_int_equal(offer(again), ACCEPT_MADE);
}

static struct accept follow_up(struct uuid parent)
{
    struct accept follow = message_to("bo@example.com");
    follow.mailbox = UUID_NIL;
    follow.in_reply_to = parent;
    return follow;
}

static void
a_follow_up_goes_from_its_threads_mailbox_and_after(void **state) /* catches: a reply before what it answers */
{
    (void)state;
    mailbox_in("tim@acme.example", 2, UUID_NIL);
    struct uuid first = accept_to("bo@example.com");
    struct instant at = accepted.slot.at;
    assert_int_equal(offer(follow_up(first)), ACCEPT_MADE);
    assert_true(uuid_equal(accepted.slot.mailbox, mailbox));
    assert_true(uuid_equal(accepted.thread, first));
    assert_true(instant_before(at, accepted.slot.at));
    assert_true(text_equal(accepted.explanation_code, TEXT("waiting_for_thread")));
    assert_int_equal(offer(follow_up(accepted.message)), ACCEPT_MADE); /* and one to the follow-up */
    assert_true(uuid_equal(accepted.thread, first));
}

static void a_follow_up_is_to_the_same_person_from_the_same_mailbox(void **state) /* catches: a way around the gap */
{
    (void)state;
    struct uuid other = mailbox_in("tim@acme.example", 2, UUID_NIL), first = accept_to("al@example.com");
    assert_int_equal(offer(follow_up(first)), ACCEPT_PARENT_OTHER);
    assert_int_equal(offer(follow_up(fresh())), ACCEPT_PARENT_UNKNOWN);
    struct accept follow = follow_up(accept_to("bo@example.com"));
    follow.mailbox = other;
    assert_int_equal(offer(follow), ACCEPT_THREAD_OTHER);
}

static void a_follow_up_to_what_was_never_sent_is_a_first_writing(void **state) /* catches: send, cancel, follow up */
{
    (void)state;
    struct uuid first = accept_to("bo@example.com");
    struct cancel_message_call call = { .given = { .message = first } };
    cancel_message_call(server, &call);
    struct accept rival = message_to("bo@example.com");
    rival.mailbox = mailbox_in("tim@acme.example", 2, UUID_NIL);
    assert_int_equal(offer(rival), ACCEPT_MADE);
    assert_int_equal(offer(follow_up(first)), ACCEPT_RECENTLY_WRITTEN);
    call.given.message = rival.message;
    cancel_message_call(server, &call);
    assert_int_equal(offer(follow_up(first)), ACCEPT_MADE);
    rival.message = fresh();
    assert_int_equal(offer(rival), ACCEPT_RECENTLY_WRITTEN);
}

static void each_refusal_has_its_word(void **state) /* catches: one reason told as another */
{
    (void)state;
    struct accept unknown = message_to("bo@example.com");
    unknown.mailbox = fresh();
    assert_int_equal(offer(unknown), ACCEPT_MAILBOX_UNKNOWN);

    told("update customers set mode = 'live', legal_name = 'Acme', postal_address = 'Way 1' where customer_id = '%s'",
         customer_text);
    told("update domains set state = 'pending' where customer_id = '%s'", customer_text);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_DOMAIN_NOT_READY);
    struct accept any = message_to("bo@example.com");
    any.mailbox = UUID_NIL;
    assert_int_equal(offer(any), ACCEPT_DOMAIN_NOT_READY);
    told("update customers set mode = 'sandbox', legal_name = null where customer_id = '%s'", customer_text);

    struct mailbox_change_call pause = { .given = { .mailbox = mailbox, .state = MAILBOX_PAUSED } };
    mailbox_change_call(server, &pause);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_MAILBOX_PAUSED);
    assert_int_equal(offer(any), ACCEPT_MAILBOX_PAUSED);

    struct mailbox_close_call close = { .given = { .mailbox = mailbox } };
    mailbox_close_call(server, &close);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_MAILBOX_CLOSED);

    assert_int_equal(offer(any), ACCEPT_MAILBOX_UNKNOWN);

    mailbox = mailbox_in("tim@acme.example", 2, pool_named("empty"));
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_IP_UNAVAILABLE);
    assert_int_equal(offer(any), ACCEPT_IP_UNAVAILABLE);

    struct customer_change_call suspend = { .given = { .move = CUSTOMER_SUSPEND } };
    customer_change_call(server, &suspend);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_CUSTOMER_SUSPENDED);
}

static void nothing_is_free_beyond_the_horizon(void **state) /* catches: a queue without end */
{
    (void)state;
    told("update mailboxes set window_days = 1, daily_cap = 1, plan_version = 2, laid_until = null where mailbox_id = "
         "'%s'",
         mailbox_text);
    told("delete from openings where mailbox_id = '%s'", mailbox_text);
    for (int i = 0; i < 13; i++) {
        char to[64];
        snprintf(to, sizeof(to), "bo%d@example.com", i);
        accept_to(to);
    }
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_NO_SLOT);
    assert_true(instant_before(instant_at("2027-02-21T00:00:00Z"), accepted.free_from));
    struct accept any = message_to("bo@example.com");
    any.mailbox = UUID_NIL;
    assert_int_equal(offer(any), ACCEPT_NO_SLOT);
}

/* ---- which opening ---- */

static void without_a_mailbox_it_is_the_earliest_opening(void **state) /* catches: the first mailbox instead */
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        char address[64];
        snprintf(address, sizeof(address), "m%d@acme.example", i);
        mailbox_in(address, 2, UUID_NIL);
    }
    struct instant before = instant_at(MONDAY);
    for (int i = 0; i < 30; i++) { /* two days and a half of six mailboxes */
        char to[64];
        snprintf(to, sizeof(to), "bo%d@example.com", i);
        struct accept any = message_to(to);
        any.mailbox = UUID_NIL;
        assert_int_equal(offer(any), ACCEPT_MADE);
        assert_true(instant_before(before, accepted.slot.at));
        before = accepted.slot.at;
    }
}

static void it_is_not_sent_before_it_is_scheduled(void **state) /* catches: an opening that is merely next */
{
    (void)state;
    struct accept later = message_to("bo@example.com");
    later.scheduled_at = instant_at("2027-02-10T12:00:00Z");
    assert_int_equal(offer(later), ACCEPT_MADE);
    assert_true(!instant_before(accepted.slot.at, later.scheduled_at));
    assert_string_equal(
        told("select local_day, explanation_code from slots join messages using (customer_id, message_id) "
             "where message_id = '%s'",
             id_of(later.message)),
        accepted.slot.local_day.number == 20859 ? "2027-02-10|scheduled" : "2027-02-11|scheduled");
}

static void a_stale_opening_is_passed_over(void **state) /* catches: a slot taken twice after a laying that raced */
{
    (void)state;
    struct uuid first = accept_to("bo1@example.com");
    told("insert into openings select customer_id, mailbox_id, local_day, number, day_from, day_until, ip_id, at, "
         "not_after "
         "from slots where message_id = '%s'",
         id_of(first));
    accept_to("bo2@example.com");
    assert_int_equal(accepted.slot.number, 1);
    assert_string_equal(
        told("select count(*) from openings where mailbox_id = '%s' and local_day = '2026-11-23'", mailbox_text), "0");
}

/* ---- taken back ---- */

static void a_cancelled_message_gives_back_slot_and_mark(void **state) /* catches: a slot that is lost until tomorrow */
{
    (void)state;
    struct uuid message = accept_to("bo@example.com");
    struct instant at = accepted.slot.at;
    struct cancel_message_call call = { .given = { .message = message } };
    cancel_message_call(server, &call);
    assert_int_equal(call.given.word, CANCEL_MADE);
    assert_string_equal(
        told("select state, explanation_code, ended_at is not null from messages where message_id = '%s'",
             id_of(message)),
        "cancelled|cancelled|t");
    accept_to("bo@example.com");
    assert_int_equal(accepted.slot.at.us, at.us);
    cancel_message_call(server, &call);
    assert_int_equal(call.given.word, CANCEL_TOO_LATE);
    call.given.message = fresh();
    cancel_message_call(server, &call);
    assert_int_equal(call.given.word, CANCEL_UNKNOWN);
}

static void
suppressing_a_person_stops_what_is_booked_and_what_comes(void **state) /* catches: a slot that stays booked */
{
    (void)state;
    struct uuid message = accept_to("bo@example.com"), other = accept_to("al@example.com");
    struct suppress_key_call call = { .given = { .suppression = fresh(), .key = TEXT("bo@example.com") } };
    suppress_key_call(server, &call);
    assert_true(call.given.made);
    assert_int_equal(call.given.messages, 1);
    assert_string_equal(told("select state from messages where message_id in ('%s', '%s') order by state",
                             id_of(message), id_of(other)),
                        "booked\nsuppressed");
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_SUPPRESSED);
    struct uuid first = call.given.suppression;
    call.given.suppression = fresh();
    suppress_key_call(server, &call);
    assert_false(call.given.made);
    assert_true(uuid_equal(call.given.suppression, first));

    struct unsuppress_key_call back = { .given = { .suppression = first } };
    unsuppress_key_call(server, &back);
    assert_int_equal(offer(message_to("bo@example.com")), ACCEPT_MADE);
    assert_int_equal(accepted.slot.number, 0); /* the slot that was freed */
}

static void
suppressing_a_domain_means_everybody_there(void **state) /* catches: a follow-up that only looks at the person */
{
    (void)state;
    struct uuid message = accept_to("bo@example.com");
    struct suppress_key_call call = { .given = { .suppression = fresh(), .key = TEXT("example.com") } };
    suppress_key_call(server, &call);
    assert_int_equal(call.given.messages, 1);
    assert_int_equal(offer(message_to("al@example.com")), ACCEPT_SUPPRESSED);
    struct accept follow = message_to("bo@example.com");
    follow.in_reply_to = message;
    assert_int_equal(offer(follow), ACCEPT_SUPPRESSED);
    assert_int_equal(offer(message_to("bo@example.org")), ACCEPT_MADE);
}

static void
a_closed_address_comes_back_with_its_slots(void **state) /* catches: a day that is refreshed by deleting (P2) */
{
    (void)state;
    accept_to("bo1@example.com");
    accept_to("bo2@example.com");
    told("update slots set state = 'spent', generation = 1, authorized_at = at, authorized_real_at = at, spent_at = at "
         "where mailbox_id = '%s'",
         mailbox_text);
    told("update messages set state = 'delivered', ended_at = created_at where mailbox_id = '%s'", mailbox_text);
    struct mailbox_close_call close = { .given = { .mailbox = mailbox } };
    mailbox_close_call(server, &close);
    struct uuid again = mailbox_in("ann@acme.example", 2, UUID_NIL);
    assert_true(uuid_equal(again, mailbox));
    accept_to("bo3@example.com");
    assert_string_equal(told("select local_day from slots where message_id = '%s'", id_of(accepted.message)),
                        "2026-11-24");
}

static void a_taken_address_is_told(void **state)
{
    (void)state;
    struct mailbox_new item = {
        .mailbox = fresh(),
        .address = TEXT("ann@acme.example"),
        .address_key = TEXT("ann@acme.example"),
        .domain = TEXT("acme.example"),
        .display_name = TEXT(""),
        .time_zone = TEXT("UTC"),
        .window = { 0x1f, 540, 1020 },
        .daily_cap = 2,
    };
    struct mailboxes_make_call call = { .given = { .items = &item, .count = 1 } };
    mailboxes_make_call(server, &call);
    assert_int_equal(call.given.word, MAILBOXES_ADDRESS_TAKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_a_day_then_the_next_sending_day),
        TEST(a_message_is_whole_when_it_is_accepted),
        TEST(a_message_keeps_the_name_it_was_accepted_under),
        TEST(what_is_rolled_back_leaves_nothing),
        TEST(one_person_is_not_courted_twice),
        TEST(a_follow_up_goes_from_its_threads_mailbox_and_after),
        TEST(a_follow_up_is_to_the_same_person_from_the_same_mailbox),
        TEST(a_follow_up_to_what_was_never_sent_is_a_first_writing),
        TEST(each_refusal_has_its_word),
        TEST(nothing_is_free_beyond_the_horizon),
        TEST(without_a_mailbox_it_is_the_earliest_opening),
        TEST(it_is_not_sent_before_it_is_scheduled),
        TEST(a_stale_opening_is_passed_over),
        TEST(a_cancelled_message_gives_back_slot_and_mark),
        TEST(suppressing_a_person_stops_what_is_booked_and_what_comes),
        TEST(suppressing_a_domain_means_everybody_there),
        TEST(a_closed_address_comes_back_with_its_slots),
        TEST(a_taken_address_is_told),
    };
    return cmocka_run_group_tests(tests, house_open, house_close);
}
