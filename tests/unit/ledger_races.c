/* Many at once on one server: what must never come of it, in whatever order they win. */
#include "ledger_house.h"

enum { MANY = 32 };

struct racer {
    struct request request;
    union {
        struct accept accept;
        struct cancel cancel;
        struct suppress suppress;
        struct mailbox_change change;
        struct mailboxes_make make;
        struct ip_pause pause;
    };
    char to[32];
    bool made;
};

static struct racer racers[MANY];
static size_t racing;

static void race_end(struct racer *racer, bool made)
{
    racer->made = made;
    request_end(&racer->request, made);
}

static void race_accepted(struct accept *accept)
{
    race_end(container_of(accept, struct racer, accept), accept->word == ACCEPT_MADE);
}

static void race_cancelled(struct cancel *cancel)
{
    race_end(container_of(cancel, struct racer, cancel), cancel->word == CANCEL_MADE);
}

static void race_suppressed(struct suppress *suppress)
{
    race_end(container_of(suppress, struct racer, suppress), true);
}

static void race_changed(struct mailbox_change *change)
{
    race_end(container_of(change, struct racer, change), change->word == MAILBOX_CHANGED);
}

static struct racer *race_begin(struct ledger *ledger)
{
    struct racer *racer = &racers[racing++];
    request_begin(&racer->request, ledger);
    racer->request.waits = &racing;
    racer->made = false;
    return racer;
}

static void race_accept(struct accept accept)
{
    struct racer *racer = race_begin(server);
    racer->accept = accept;
    racer->accept.done = race_accepted;
    accept_message(&racer->request.act, &racer->accept);
}

static size_t race(void)
{
    size_t count = racing, made = 0;
    run();
    for (size_t i = 0; i < count; i++)
        made += racers[i].made && racers[i].request.word == PG_COMMITTED;
    return made;
}

static void no_slot_is_taken_twice(void **state) /* catches: two bookings that read the same opening */
{
    (void)state;
    static char to[MANY][32];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(to[i], sizeof(to[i]), "bo%zu@example.com", i);
        struct accept accept = message_to(to[i]);
        if (i % 2 == 0)
            accept.mailbox = UUID_NIL;
        race_accept(accept);
    }
    assert_int_equal(race(), MANY);
    assert_string_equal(told("select count(*), count(distinct (local_day, number)), "
                             "(select count(*) from openings o where exists (select from slots t "
                             "where (t.mailbox_id, t.local_day, t.number) = (o.mailbox_id, o.local_day, o.number))) "
                             "from slots where mailbox_id = '%s'",
                             mailbox_text),
                        "32|32|0");
}

static void one_of_many_reaches_a_person(void **state) /* catches: two acceptances that both see nothing */
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        static char to[5][32];
        snprintf(to[round], sizeof(to[round]), "bo%d@example.com", round);
        for (size_t i = 0; i < 8; i++)
            race_accept(message_to(to[round]));
        assert_int_equal(race(), 1);
    }
}

static void
nobody_is_written_to_after_the_suppression(void **state) /* catches: an acceptance that a suppression missed */
{
    (void)state;
    static char to[12][32], domain[12][32];
    for (size_t round = 0; round < 12; round++) {
        snprintf(to[round], sizeof(to[round]), "bo@d%zu.example", round);
        snprintf(domain[round], sizeof(domain[round]), "d%zu.example", round);
        if (round % 3 != 0)
            race_accept(message_to(to[round]));
        struct racer *racer = race_begin(server);
        racer->suppress = (struct suppress){
            .suppression = fresh(),
            .key = text_of(round % 2 == 0 ? to[round] : domain[round]),
            .done = race_suppressed,
        };
        suppress_key(&racer->request.act, &racer->suppress);
        if (round % 3 == 0)
            race_accept(message_to(to[round]));
        race();
    }
    assert_string_equal(told("select count(*) from slots where customer_id = '%s'", customer_text), "0");
    assert_string_equal(
        told("select count(*) from messages where customer_id = '%s' and state <> 'suppressed'", customer_text), "0");
}

static void a_change_of_plan_and_bookings_agree(void **state) /* catches: an opening of a plan that is gone */
{
    (void)state;
    static char to[100][32];
    int messages = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 6; i++) {
            snprintf(to[messages], sizeof(to[messages]), "bo%d@example.com", messages);
            race_accept(message_to(to[messages]));
            messages++;
        }
        struct racer *racer = race_begin(server);
        racer->change = (struct mailbox_change){
            .mailbox = mailbox,
            .daily_cap = round % 2 == 0 ? 1 : 2,
            .window = { 0x1f, (uint16_t)((8 + round % 3) * 60), 17 * 60 },
            .done = race_changed,
        };
        mailbox_change(&racer->request.act, &racer->change);
        race();
    }
    assert_string_equal(told("select coalesce(bool_and(o.ip_id = m.ip_id and o.number < m.daily_cap and "
                             "(o.at at time zone 'UTC')::time >= make_time(m.window_start_min / 60, 0, 0)), true) "
                             "from openings o join mailboxes m using (customer_id, mailbox_id) where mailbox_id = '%s'",
                             mailbox_text),
                        "t");
    assert_string_equal(told("select count(*) from (select from slots where mailbox_id = '%s' group by local_day "
                             "having count(*) > 2) _",
                             mailbox_text),
                        "0");
}

static void authorized_told(struct authorize *authorize)
{
    (void)authorize;
    if (--racing == 0)
        loop_stop(loop);
}

static void either_cancelled_or_sent(void **state) /* catches: both, or neither (T129) */
{
    (void)state;
    told("update lanes set generation = 7 where ip_id = '%s'", ip_text_of);
    struct racer *racer = race_begin(server);
    racer->change = (struct mailbox_change){ .mailbox = mailbox, .daily_cap = 1, .done = race_changed };
    mailbox_change(&racer->request.act, &racer->change);
    assert_int_equal(race(), 1);
    for (int round = 0; round < 40; round++) {
        struct uuid message = accept_to("bo@example.com");
        assert_null(clock_file_forward(clock_path, accepted.slot.at));
        racer = race_begin(server);
        racer->cancel = (struct cancel){ .message = message, .done = race_cancelled };
        struct authorize authorize = { .customer = customer,
                                       .ip = ip,
                                       .generation = 7,
                                       .message = message,
                                       .local_day = accepted.slot.local_day,
                                       .number = accepted.slot.number,
                                       .told = authorized_told };
        racing++;
        if (round % 2 == 0)
            cancel_message(&racer->request.act, &racer->cancel);
        authorize_slot(worker, &authorize);
        if (round % 2 == 1)
            cancel_message(&racer->request.act, &racer->cancel);
        run();
        bool sent = authorize.word == AUTHORIZED;
        assert_true(sent != racers[0].made);
        assert_string_equal(told("select state from messages where message_id = '%s'", id_of(message)),
                            sent ? "sending" : "cancelled");
        told("update slots set state = 'spent', spent_at = at where message_id = '%s'", id_of(message));
        told("update messages set state = 'delivered', ended_at = created_at where message_id = '%s' and state = "
             "'sending'",
             id_of(message));
        told("update recipients set first_written_at = null, first_message_id = null where customer_id = '%s'",
             customer_text);
    }
}

static void
a_change_and_an_authorization_take_turns(void **state) /* catches: rows held in two orders, and a deadlock */
{
    (void)state;
    told("update lanes set generation = 7 where ip_id = '%s'", ip_text_of);
    static char to[30][32];
    for (int round = 0; round < 30; round++) {
        snprintf(to[round], sizeof(to[round]), "bo%d@example.com", round);
        struct uuid message = accept_to(to[round]);
        assert_null(clock_file_forward(clock_path, accepted.slot.at));
        struct racer *racer = race_begin(server);
        racer->change =
            (struct mailbox_change){ .mailbox = mailbox, .daily_cap = round % 2 == 0 ? 1 : 2, .done = race_changed };
        struct authorize authorize = { .customer = customer,
                                       .ip = ip,
                                       .generation = 7,
                                       .message = message,
                                       .local_day = accepted.slot.local_day,
                                       .number = accepted.slot.number,
                                       .told = authorized_told };
        racing++;
        if (round % 3 == 0)
            authorize_slot(worker, &authorize);
        mailbox_change(&racer->request.act, &racer->change);
        if (round % 3 != 0)
            authorize_slot(worker, &authorize);
        run();
        assert_int_equal(racers[0].request.word, PG_COMMITTED);
        assert_int_not_equal(authorize.word, AUTHORIZE_UNAVAILABLE);
    }
    assert_string_equal(told("select count(*) from (select from slots where mailbox_id = '%s' and state = 'authorized' "
                             "group by local_day having count(*) > 2) _",
                             mailbox_text),
                        "0");
}

static void race_paused(struct ip_pause *pause)
{
    race_end(container_of(pause, struct racer, pause), pause->word == IP_DONE);
}

/* After the pause has answered, nothing is authorized any more; before, both orders are right. */
static void a_halt_waits_for_authorizations_or_is_seen(void **state) /* catches: a dot after the pause was answered */
{
    (void)state;
    static struct authorize authorize[MANY];
    told("update lanes set generation = 7 where ip_id = '%s'", ip_text_of);
    struct uuid message = accept_to("bo@example.com");
    assert_null(clock_file_forward(clock_path, accepted.slot.at));
    struct racer *racer = race_begin(server);
    racer->pause = (struct ip_pause){ .ip = ip, .paused = true, .done = race_paused };
    ip_pause(&racer->request.act, &racer->pause);
    for (size_t i = 0; i < MANY; i++) {
        authorize[i] = (struct authorize){ .customer = customer,
                                           .ip = ip,
                                           .generation = 7,
                                           .message = message,
                                           .local_day = accepted.slot.local_day,
                                           .number = accepted.slot.number,
                                           .told = authorized_told };
        racing++;
        authorize_slot(worker, &authorize[i]);
    }
    run();
    size_t authorized = 0;
    for (size_t i = 0; i < MANY; i++)
        authorized += authorize[i].word == AUTHORIZED;
    assert_in_range(authorized, 0, 1);
    racing = 1;
    authorize[0].told = authorized_told;
    authorize_slot(worker, &authorize[0]);
    run();
    assert_int_equal(authorize[0].word, AUTHORIZE_HALTED);
}

static void race_made(struct mailboxes_make *make)
{
    race_end(container_of(make, struct racer, make), make->word == MAILBOXES_MADE);
}

static void ordinals_are_given_once(void **state) /* catches: two mailboxes at the same second of every day */
{
    (void)state;
    static struct mailbox_new items[8];
    static char addresses[8][32];
    for (size_t i = 0; i < 8; i++) {
        snprintf(addresses[i], sizeof(addresses[i]), "m%zu@acme.example", i);
        items[i] = (struct mailbox_new){
            .mailbox = fresh(),
            .address = text_of(addresses[i]),
            .address_key = text_of(addresses[i]),
            .domain = TEXT("acme.example"),
            .display_name = TEXT(""),
            .time_zone = TEXT("UTC"),
            .window = { 0x1f, 540, 1020 },
            .daily_cap = 2,
        };
        struct racer *racer = race_begin(server);
        racer->make = (struct mailboxes_make){ .items = &items[i], .count = 1, .done = race_made };
        mailboxes_make(&racer->request.act, &racer->make);
    }
    assert_int_equal(race(), 8);
    assert_string_equal(
        told("select string_agg(ordinal::text, ',' order by ordinal) from mailboxes where customer_id = '%s'",
             customer_text),
        "0,1,2,3,4,5,6,7,8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_slot_is_taken_twice),
        TEST(one_of_many_reaches_a_person),
        TEST(nobody_is_written_to_after_the_suppression),
        TEST(a_change_of_plan_and_bookings_agree),
        TEST(either_cancelled_or_sent),
        TEST(a_change_and_an_authorization_take_turns),
        TEST(a_halt_waits_for_authorizations_or_is_seen),
        TEST(ordinals_are_given_once),
    };
    return cmocka_run_group_tests(tests, house_open, house_close);
}
