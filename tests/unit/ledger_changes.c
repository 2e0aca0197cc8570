/* "Changes under booked slots" (DESIGN section 4): each row, and what must not happen with it. */
#include "ledger_house.h"

static struct uuid messages[8];

/* n messages of the mailbox, two a day. */
static void book_some(int n)
{
    for (int i = 0; i < n; i++) {
        static char to[8][32];
        snprintf(to[i], sizeof(to[i]), "bo%d@example.com", i);
        messages[i] = accept_to(to[i]);
    }
}

static void change(struct mailbox_change given)
{
    struct mailbox_change_call call = { .given = given };
    call.given.mailbox = mailbox;
    mailbox_change_call(server, &call);
    assert_int_equal(call.given.word, MAILBOX_CHANGED);
}

static const char *slots(void)
{
    return told("select local_day, number, state from slots where mailbox_id = '%s' order by 1, 2", mailbox_text);
}

static const char *states(void)
{
    return told("select string_agg(state || ' ' || explanation_code, ', ' order by message_id) from messages "
                "where mailbox_id = '%s'",
                mailbox_text);
}

static int64_t plan_version(void)
{
    return strtoll(told("select plan_version from mailboxes where mailbox_id = '%s'", mailbox_text), NULL, 10);
}

/* As the worker and the receiver leave it. */
static void spend(const char *day, int number)
{
    told("with s as (update slots set state = 'spent', generation = 1, authorized_at = at, authorized_real_at = at, "
         "spent_at = at where mailbox_id = '%s' and local_day = '%s' and number = %d returning message_id) "
         "update messages set state = 'delivered', ended_at = created_at from s where messages.message_id = "
         "s.message_id",
         mailbox_text, day, number);
}

/* ---- the cap ---- */

static void a_lower_cap_moves_what_has_no_place(void **state) /* catches: a second dot after the customer said one */
{
    (void)state;
    book_some(4);
    int64_t version = plan_version();
    change((struct mailbox_change){ .daily_cap = 1 });
    assert_true(plan_version() > version);
    assert_string_equal(slots(), "2026-11-23|0|booked\n2026-11-24|0|booked\n2026-11-25|0|booked\n2026-11-26|0|booked");
    assert_string_equal(told("select local_day from slots where message_id = '%s'", id_of(messages[1])), "2026-11-25");
}

static void a_day_whose_dots_fill_the_lower_cap_is_over(void **state) /* catches: number 0 sent after number 1 was */
{
    (void)state;
    book_some(3);
    spend("2026-11-23", 1);
    change((struct mailbox_change){ .daily_cap = 1 });
    assert_string_equal(slots(), "2026-11-23|1|spent\n2026-11-24|0|booked\n2026-11-25|0|booked");
    assert_string_equal(
        told("select count(*) from openings where mailbox_id = '%s' and local_day = '2026-11-23'", mailbox_text), "0");
    change((struct mailbox_change){ .daily_cap = 2 });
    accept_to("new@example.com");
    assert_string_equal(told("select local_day, number from slots where message_id = '%s'", id_of(accepted.message)),
                        "2026-11-23|0");
}

/* ---- window and zone ---- */

static void
another_window_or_zone_leaves_what_is_booked(void **state) /* catches: a message that jumps to another day */
{
    (void)state;
    book_some(3);
    char before[512];
    snprintf(
        before, sizeof(before), "%s",
        told("select local_day, number, at, not_after from slots where mailbox_id = '%s' order by 1, 2", mailbox_text));
    change((struct mailbox_change){ .window = { 0x7f, 20 * 60, 22 * 60 }, .time_zone = TEXT("America/New_York") });
    assert_string_equal(
        told("select local_day, number, at, not_after from slots where mailbox_id = '%s' order by 1, 2", mailbox_text),
        before);
    assert_string_equal(told("select bool_and((at at time zone 'America/New_York')::time >= '20:00') from openings "
                             "where mailbox_id = '%s'",
                             mailbox_text),
                        "t");
}

static void days_that_share_hours_do_not_both_count(void **state) /* catches: two caps for one receiver's day (T169) */
{
    (void)state;
    change((struct mailbox_change){ .window = { 0x7f, 0, 1440 }, .time_zone = TEXT("Pacific/Kiritimati") });
    book_some(4);
    change((struct mailbox_change){ .time_zone = TEXT("Pacific/Pago_Pago") });
    assert_string_equal(told("select count(*) from openings o join slots s using (customer_id, mailbox_id) "
                             "where mailbox_id = '%s' and o.day_from < s.day_until and s.day_from < o.day_until",
                             mailbox_text),
                        "0");
}

/* ---- pause ---- */

static void a_paused_mailbox_keeps_what_is_booked(void **state) /* catches: a pause that cancels */
{
    (void)state;
    book_some(2);
    change((struct mailbox_change){ .state = MAILBOX_PAUSED });
    assert_string_equal(states(), "booked mailbox_paused, booked mailbox_paused");
    assert_string_equal(told("select count(*) from openings where mailbox_id = '%s'", mailbox_text), "0");
    assert_int_equal(offer(message_to("al@example.com")), ACCEPT_MAILBOX_PAUSED);
    change((struct mailbox_change){ .state = MAILBOX_ACTIVE });
    assert_string_equal(states(), "booked waiting_for_slot, booked waiting_for_slot");
    assert_string_equal(slots(), "2026-11-23|0|booked\n2026-11-23|1|booked");
}

static void what_a_pause_outlasts_waits_and_resume_books_it(void **state) /* catches: a message that is forgotten */
{
    (void)state;
    book_some(2);
    change((struct mailbox_change){ .state = MAILBOX_PAUSED });
    jump("2026-11-24T06:00:00Z");
    for (size_t i = 0; i < 2; i++) {
        struct book_anew_call call = { .given = { .message = messages[i] } };
        book_anew_call(jobs, &call);
        assert_int_equal(call.given.word, BOOK_WAITS);
    }
    assert_string_equal(states(), "accepted mailbox_paused, accepted mailbox_paused");
    assert_string_equal(slots(), "");
    change((struct mailbox_change){ .state = MAILBOX_ACTIVE });
    assert_string_equal(slots(), "2026-11-24|0|booked\n2026-11-24|1|booked");
}

/* ---- another IP ---- */

static void a_moved_mailbox_keeps_day_and_number(void **state) /* catches: a move that costs a day */
{
    (void)state;
    book_some(3);
    struct uuid other = pool_named("other"), other_ip = ip_in(other);
    for (int i = 0; i < 5; i++) { /* so that its ordinal there is another */
        char address[32];
        snprintf(address, sizeof(address), "m%d@acme.example", i);
        mailbox_in(address, 2, other);
    }
    change((struct mailbox_change){ .pool = other });
    assert_string_equal(slots(), "2026-11-23|0|booked\n2026-11-23|1|booked\n2026-11-24|0|booked");
    assert_string_equal(
        told("select count(*), bool_and(s.ip_id = '%s'), bool_and(m.explanation_until = s.at) from slots s "
             "join messages m using (customer_id, message_id) where s.mailbox_id = '%s'",
             id_of(other_ip), mailbox_text),
        "3|t|t");
    assert_string_equal(
        told("select ordinal, ip_id = '%s' from mailboxes where mailbox_id = '%s'", id_of(other_ip), mailbox_text),
        "5|t");
}

static void
moved_after_its_zone_changed_it_stays_within_its_day(void **state) /* catches: a check that forbids the move */
{
    (void)state;
    change((struct mailbox_change){ .window = { 0x7f, 0, 1440 }, .time_zone = TEXT("Pacific/Kiritimati") });
    book_some(4);
    change((struct mailbox_change){ .time_zone = TEXT("Pacific/Pago_Pago") });
    struct uuid other = pool_named("other"), other_ip = ip_in(other);
    change((struct mailbox_change){ .pool = other });
    assert_string_equal(told("select count(*), bool_and(ip_id = '%s') from slots where mailbox_id = '%s'",
                             id_of(other_ip), mailbox_text),
                        "4|t");
}

static void moved_to_a_pool_without_an_ip_it_waits_for_one(void **state) /* catches: a slot on an IP of another pool */
{
    (void)state;
    book_some(2);
    struct uuid other = pool_named("other");
    change((struct mailbox_change){ .pool = other });
    assert_string_equal(states(), "accepted ip_unavailable, accepted ip_unavailable");
    assert_int_equal(offer(message_to("al@example.com")), ACCEPT_IP_UNAVAILABLE);
    ip_in(other);
    assert_string_equal(states(), "booked waiting_for_slot, booked waiting_for_slot");
}

/* ---- closed ---- */

static void a_closed_mailbox_cancels_what_waits(void **state) /* catches: mail from an address that its owner gave up */
{
    (void)state;
    book_some(3);
    spend("2026-11-23", 0);
    struct mailbox_close_call call = { .given = { .mailbox = mailbox } };
    mailbox_close_call(server, &call);
    assert_int_equal(call.given.cancelled, 2);
    assert_string_equal(slots(), "2026-11-23|0|spent");
    assert_string_equal(
        told("select count(*) from recipients where customer_id = '%s' and first_message_id is not null",
             customer_text),
        "1"); /* only the one that was written to */
    struct uuid next = mailbox_in("tim@acme.example", 2, UUID_NIL);
    assert_string_equal(told("select ordinal from mailboxes where mailbox_id = '%s'", id_of(next)), "0");
}

/* ---- the IP ---- */

static void a_released_ip_hands_its_mailboxes_on(void **state) /* catches: mail from an address that has left (P3) */
{
    (void)state;
    book_some(3);
    struct uuid second = ip_in(UUID_NIL);
    struct ip_release_call call = { .given = { .ip = ip, .available_at = instant_at("2026-12-23T06:00:00Z") } };
    ip_release_call(server, &call);
    assert_int_equal(call.given.word, IP_DONE);
    assert_string_equal(slots(), "2026-11-23|0|booked\n2026-11-23|1|booked\n2026-11-24|0|booked");
    assert_string_equal(
        told("select bool_and(ip_id = '%s') from slots where mailbox_id = '%s'", id_of(second), mailbox_text), "t");
    assert_string_equal(told("select halted, released_at is not null, state, upper_inf(during) from lanes "
                             "join ips using (ip_id) join ip_assignments using (ip_id) where ip_id = '%s'",
                             ip_text_of),
                        "{released}|t|quarantined|f");
    ip_release_call(server, &call);
    assert_int_equal(call.given.word, IP_UNKNOWN);
    struct ip_assign_call again = { .given = { .ip = ip } };
    ip_assign_call(server, &again);
    assert_int_equal(again.given.word, IP_UNAVAILABLE);
    jump("2026-12-23T06:00:00Z");
    ip_assign_call(server, &again);
    assert_int_equal(again.given.word, IP_DONE);
}

static void
the_last_ip_released_leaves_messages_waiting(void **state) /* catches: a message that is lost with its IP (P1) */
{
    (void)state;
    book_some(2);
    struct ip_release_call call = { .given = { .ip = ip, .available_at = instant_at("2026-12-23T06:00:00Z") } };
    ip_release_call(server, &call);
    assert_string_equal(states(), "accepted ip_unavailable, accepted ip_unavailable");
    assert_string_equal(slots(), "");
    ip_in(UUID_NIL);
    assert_string_equal(states(), "booked waiting_for_slot, booked waiting_for_slot");
}

static void a_released_ip_keeps_its_other_reasons(void **state) /* catches: a pause that an assignment forgets */
{
    (void)state;
    struct ip_pause_call pause = { .given = { .ip = ip, .paused = true } };
    ip_pause_call(server, &pause);
    struct ip_release_call call = { .given = { .ip = ip, .available_at = instant_at(MONDAY) } };
    ip_release_call(server, &call);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of), "{ip_paused,released}");
    struct ip_assign_call again = { .given = { .ip = ip } };
    ip_assign_call(server, &again);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of), "{ip_paused}");
}

static void a_paused_ip_takes_bookings_and_sends_nothing(void **state) /* catches: a pause that refuses customers */
{
    (void)state;
    struct ip_pause_call call = { .given = { .ip = ip, .paused = true } };
    ip_pause_call(server, &call);
    assert_int_equal(call.given.word, IP_DONE);
    book_some(1);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of), "{ip_paused}");
    jump("2026-11-24T06:00:00Z");
    struct book_anew_call anew = { .given = { .message = messages[0] } };
    book_anew_call(jobs, &anew);
    assert_int_equal(anew.given.word, BOOK_MADE);
    call.given.paused = false;
    ip_pause_call(server, &call);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of), "{}");
}

/* ---- the customer ---- */

static void a_suspended_customer_keeps_what_is_booked(void **state) /* catches: a resume that lifts another's pause */
{
    (void)state;
    book_some(2);
    struct ip_pause_call pause = { .given = { .ip = ip, .paused = true } };
    ip_pause_call(server, &pause);
    struct customer_change_call call = { .given = { .move = CUSTOMER_SUSPEND } };
    customer_change_call(server, &call);
    assert_int_equal(call.given.word, CUSTOMER_MOVED);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of),
                        "{ip_paused,customer_suspended}");
    assert_int_equal(offer(message_to("al@example.com")), ACCEPT_CUSTOMER_SUSPENDED);
    assert_string_equal(told("select count(*) from openings where customer_id = '%s'", customer_text), "0");
    jump("2026-11-24T06:00:00Z");
    struct book_anew_call anew = { .given = { .message = messages[0] } };
    book_anew_call(jobs, &anew);
    assert_int_equal(anew.given.word, BOOK_WAITS);
    assert_string_equal(states(), "accepted customer_suspended, booked waiting_for_slot");
    struct uuid assigned_meanwhile = ip_in(UUID_NIL);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", id_of(assigned_meanwhile)),
                        "{customer_suspended}");
    call.given.move = CUSTOMER_RESUME;
    customer_change_call(server, &call);
    assert_string_equal(told("select halted from lanes where ip_id = '%s'", ip_text_of), "{ip_paused}");
    struct book_message_call book = { .given = { .message = messages[0], .not_before = INSTANT_NONE } };
    book_message_call(jobs, &book);
    assert_int_equal(book.given.word, BOOK_MADE);
}

static void a_closed_customers_mail_is_cancelled(void **state)
{
    (void)state;
    book_some(3);
    struct customer_change_call call = { .given = { .move = CUSTOMER_CLOSE } };
    customer_change_call(server, &call);
    assert_int_equal(call.given.cancelled, 3);
    assert_string_equal(slots(), "");
    call.given.move = CUSTOMER_RESUME;
    customer_change_call(server, &call);
    assert_int_equal(call.given.word, CUSTOMER_CLOSED);
}

/* ---- late ---- */

static void
a_slot_that_is_over_is_booked_anew_once(void **state) /* catches: a message that moves while it is still good */
{
    (void)state;
    book_some(1);
    struct book_anew_call call = { .given = { .message = messages[0] } };
    book_anew_call(jobs, &call);
    assert_int_equal(call.given.word, BOOK_GONE);
    jump("2026-11-23T17:00:00Z");
    book_anew_call(jobs, &call);
    assert_int_equal(call.given.word, BOOK_MADE);
    assert_string_equal(slots(), "2026-11-24|0|booked");
    book_anew_call(jobs, &call);
    assert_int_equal(call.given.word, BOOK_GONE);
}

static void thirty_days_after_the_first_try_it_is_over(void **state)
{
    (void)state;
    book_some(1);
    told("update messages set first_attempt_at = created_at, attempt_count = 1 where message_id = '%s'",
         id_of(messages[0]));
    jump("2026-12-24T06:00:00Z");
    change((struct mailbox_change){ .state = MAILBOX_PAUSED });
    struct book_anew_call call = { .given = { .message = messages[0] } };
    book_anew_call(jobs, &call);
    assert_int_equal(call.given.word, BOOK_EXPIRED);
    assert_string_equal(states(), "expired expired");
}

static void
a_freed_slot_comes_back_only_under_the_present_plan(void **state) /* catches: an opening of yesterday's window */
{
    (void)state;
    book_some(1);
    change((struct mailbox_change){ .window = { 0x1f, 20 * 60, 22 * 60 } });
    struct cancel_message_call call = { .given = { .message = messages[0] } };
    cancel_message_call(server, &call);
    assert_string_equal(told("select count(*), bool_and((at at time zone 'UTC')::time >= '20:00') from openings "
                             "where mailbox_id = '%s' and local_day = '2026-11-23'",
                             mailbox_text),
                        "2|t");
}

static void ordinals_beyond_a_power_of_two_renew_the_plans(void **state) /* catches: jitter of a plan that is gone */
{
    (void)state;
    int64_t version = plan_version();
    mailbox_in("m1@acme.example", 2, UUID_NIL); /* the second */
    assert_true(plan_version() > version);
    version = plan_version();
    mailbox_in("m2@acme.example", 2, UUID_NIL); /* the third */
    assert_true(plan_version() > version);
    version = plan_version();
    mailbox_in("m3@acme.example", 2, UUID_NIL); /* the fourth fits */
    assert_int_equal(plan_version(), version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lower_cap_moves_what_has_no_place),
        TEST(a_day_whose_dots_fill_the_lower_cap_is_over),
        TEST(another_window_or_zone_leaves_what_is_booked),
        TEST(days_that_share_hours_do_not_both_count),
        TEST(a_paused_mailbox_keeps_what_is_booked),
        TEST(what_a_pause_outlasts_waits_and_resume_books_it),
        TEST(a_moved_mailbox_keeps_day_and_number),
        TEST(moved_after_its_zone_changed_it_stays_within_its_day),
        TEST(moved_to_a_pool_without_an_ip_it_waits_for_one),
        TEST(a_closed_mailbox_cancels_what_waits),
        TEST(a_released_ip_hands_its_mailboxes_on),
        TEST(the_last_ip_released_leaves_messages_waiting),
        TEST(a_released_ip_keeps_its_other_reasons),
        TEST(a_paused_ip_takes_bookings_and_sends_nothing),
        TEST(a_suspended_customer_keeps_what_is_booked),
        TEST(a_closed_customers_mail_is_cancelled),
        TEST(a_slot_that_is_over_is_booked_anew_once),
        TEST(thirty_days_after_the_first_try_it_is_over),
        TEST(a_freed_slot_comes_back_only_under_the_present_plan),
        TEST(ordinals_beyond_a_power_of_two_renew_the_plans),
    };
    return cmocka_run_group_tests(tests, house_open, house_close);
}
