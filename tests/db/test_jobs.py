"""evenpost-jobs beside a real PostgreSQL: what it finds, what it leaves alone, and that it comes and goes without harm.

The rows are written here, as the ledger would leave them; what jobs made of them is read back from the tables.
"""
import datetime
import uuid

import pytest

from harness.clock import UTC, Clock
from harness.process import Process
from harness.wait import stays, wait_until

START = datetime.datetime(2026, 11, 23, 6, tzinfo=UTC)          # a Monday
DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


class Home:
    """A migrated cluster, a clock, jobs, and one sandbox customer with an IP and its lane."""

    def __init__(self, session):
        self.session, self.database = session, session.cluster().start()
        self.clock = Clock(session.program("clock"), self.database.home / "clock", START)
        self.jobs = self.program("jobs")
        self.customer, self.ip, self.pool, self.domain = (uuid.uuid4() for _ in range(4))
        self.mailboxes = 0
        self.put("customers", customer_id=self.customer, name="Acme", mode="sandbox", recipient_gap_days=0, created_at=START)
        self.put("pools", customer_id=self.customer, pool_id=self.pool, name="default", created_at=START)
        self.put("domains", customer_id=self.customer, domain_id=self.domain, name="acme.example", state="ready",
                 created_at=START, ready_at=START)
        self.put("ips", ip_id=self.ip, address="203.0.113.7", host="sender-1", state="assigned", created_at=START)
        self.put("lanes", customer_id=self.customer, ip_id=self.ip, pool_id=self.pool, assigned_at=START)
        self.put("ip_ordinals", customer_id=self.customer, ip_id=self.ip, given=100)

    def program(self, name):
        env = {"PATH": "/usr/bin:/bin", "EVENPOST_CLOCK": str(self.clock.path), "EVENPOST_ALLOW_UNSAFE_DATABASE": "1",
               "EVENPOST_TRACE": "jobs", "DATABASE_URL": self.database.url("evenpost_jobs"),
               "ASAN_OPTIONS": "detect_leaks=0"}
        return Process(name, [self.session.program("jobs")], self.database.home / f"{name}.log", env)

    def stop(self):
        self.jobs.kill()
        self.database.end()

    def query(self, statement, *values):
        return self.database.query(statement, *values)

    def put(self, table, **columns):
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        self.query(f"insert into {table} ({names}) values ({marks})", *columns.values())

    def mailbox(self, state="active", cap=2):
        mailbox, self.mailboxes = uuid.uuid4(), self.mailboxes + 1
        address = f"m{self.mailboxes}@acme.example"
        self.put("mailboxes", customer_id=self.customer, mailbox_id=mailbox, address=address, address_key=address,
                 domain_id=self.domain, pool_id=self.pool, ip_id=self.ip, ordinal=self.mailboxes, time_zone="UTC",
                 window_days=127, window_start_min=540, window_end_min=1020, daily_cap=cap, state=state, created_at=START,
                 paused_at=START if state == "paused" else None)
        return mailbox

    def message(self, mailbox, state="accepted", **columns):
        message = uuid.uuid4()
        self.put("messages", **{
            "customer_id": self.customer, "message_id": message, "mailbox_id": mailbox, "state": state,
            "to_address": "bo@example.com", "recipient_key": "bo@example.com", "domain_key": "example.com", "subject": "Hello",
            "text_body": "Hello", "header_message_id": f"{message}@acme.example", "thread_id": message,
            "first_writing": False, "created_at": START, "explanation_code": "no_free_slot", **columns})
        return message

    def slot(self, message, mailbox, at, number=0, hours=1, **columns):
        day = at.replace(hour=0, minute=0, second=0)
        self.put("slots", **{
            "customer_id": self.customer, "mailbox_id": mailbox, "local_day": day.date(), "number": number, "day_from": day,
            "day_until": day + DAY, "message_id": message, "ip_id": self.ip, "at": at, "due_at": at,
            "not_after": at + hours * HOUR, "recipient_key": "bo@example.com", "domain_key": "example.com",
            "booked_at": START, **columns})

    def state(self, message):
        return self.database.one("select state from messages where message_id = %s", message)

    def slots_of(self, message):
        return self.query("select local_day, number, at, state from slots where message_id = %s order by at", message)


@pytest.fixture
def home(session):
    home = Home(session)
    yield home
    home.stop()


def test_openings_are_laid_for_days_ahead_and_again_when_days_have_passed(home):
    """Catches a mailbox that never gets openings, and a clock jump after which nothing is free."""
    mailbox, paused = home.mailbox(), home.mailbox(state="paused")
    home.jobs.start()

    def days(of):
        return home.query("select count(*), min(local_day), max(local_day) from openings where mailbox_id = %s", of)[0]
    wait_until(lambda: days(mailbox)[0] == 28, 20, home.jobs.tail)
    home.clock.jump_to(START + 30 * DAY)
    wait_until(lambda: days(mailbox)[2] >= (START + 36 * DAY).date(), 20, home.jobs.tail)
    wait_until(lambda: days(mailbox)[1] >= (START + 30 * DAY).date(), 20, "openings that passed are forgotten")
    assert days(paused)[0] == 0


def test_a_slot_that_passed_is_booked_anew_deferred_ones_first(home):
    """Catches a message left behind with a slot of yesterday, and a fresh one that pushes ahead of a deferred one."""
    mailbox, at = home.mailbox(), START + 4 * HOUR
    fresh, deferred = home.message(mailbox, "booked"), home.message(mailbox, "booked", attempt_count=1,
                                                                    first_attempt_at=START, retry_at=START)
    home.slot(fresh, mailbox, at, 0)
    home.slot(deferred, mailbox, at + HOUR / 60, 1)
    home.jobs.start()
    stays(lambda: home.slots_of(fresh)[0][2] == at, 2, "a slot that is still good stays")
    home.clock.jump_to(at + 3 * HOUR)
    wait_until(lambda: all(home.slots_of(m)[0][2] > at + 3 * HOUR for m in (fresh, deferred)), 20, home.jobs.tail)
    assert home.slots_of(deferred)[0][2] < home.slots_of(fresh)[0][2]
    assert len(home.slots_of(fresh)) == len(home.slots_of(deferred)) == 1
    assert home.state(fresh) == home.state(deferred) == "booked"


def test_a_spent_slot_is_never_taken_back(home):
    """Catches a cap that a re-booking gave back (P2): yesterday's dot stays where it was seen."""
    mailbox, at = home.mailbox(), START + 4 * HOUR
    sent = home.message(mailbox, "delivered", ended_at=at, attempt_count=1, first_attempt_at=at, explanation_code="delivered")
    home.slot(sent, mailbox, at, 0, state="spent", generation=1, authorized_at=at, authorized_real_at=at, spent_at=at)
    before = home.slots_of(sent)
    home.jobs.start()
    home.clock.jump_to(at + 3 * DAY)
    wait_until(lambda: home.query("select 1 from openings"), 20, home.jobs.tail)
    stays(lambda: home.slots_of(sent) == before, 2)


def test_messages_that_wait_are_booked_once_their_mailbox_may_send(home):
    """Catches an accepted message that nobody looks at again, and one of a paused mailbox that is booked."""
    mailbox = home.mailbox(state="paused")
    fresh = home.message(mailbox, explanation_code="mailbox_paused")
    deferred = home.message(mailbox, explanation_code="mailbox_paused", attempt_count=1, first_attempt_at=START,
                            retry_at=START + HOUR)
    home.jobs.start()
    wait_until(lambda: "waiting" in home.jobs.text(), 20)
    stays(lambda: home.state(fresh) == home.state(deferred) == "accepted", 2)
    home.query("update mailboxes set state = 'active', paused_at = null, plan_version = plan_version + 1")
    wait_until(lambda: home.state(fresh) == home.state(deferred) == "booked", 20, home.jobs.tail)
    assert home.slots_of(deferred)[0][2] < home.slots_of(fresh)[0][2], "the deferred one had the first opening"


def test_a_message_beyond_the_horizon_is_left_until_a_day_comes_within_it(home):
    """Catches a queue that is asked for again and again, and one that is forgotten when it cannot be booked at once."""
    mailbox, days = home.mailbox(cap=1), 91
    messages = [home.message(mailbox) for _ in range(days + 2)]
    home.jobs.start()
    wait_until(lambda: sum(home.state(m) == "booked" for m in messages) >= days - 1, 60, home.jobs.tail)
    wait_until(lambda: not home.query("select 1 from messages where state = 'accepted' and explanation_until is null"), 20)

    def written():
        return home.query("select message_id, xmin::text from messages where state = 'accepted' order by message_id")
    left = [m for m in messages if home.state(m) == "accepted"]
    stays(lambda: [home.state(m) for m in left] == ["accepted"] * len(left), 3)
    before = written()
    stays(lambda: written() == before, 5, "nothing is written meanwhile")
    home.query("with sent as (update slots set state = 'spent', generation = 1, authorized_at = at, authorized_real_at = at, "
               "spent_at = at where at < %s returning message_id) update messages set state = 'delivered', ended_at = %s "
               "from sent where messages.message_id = sent.message_id", START + 2 * DAY, START)
    home.clock.jump_to(START + 2 * DAY)
    wait_until(lambda: all(home.state(m) == "booked" for m in left), 20, lambda: home.jobs.tail(5))


def test_thirty_days_after_its_first_attempt_a_message_is_over(home):
    """Catches a message of a paused mailbox that is kept alive for ever."""
    mailbox = home.mailbox(state="paused")
    message = home.message(mailbox, attempt_count=1, first_attempt_at=START, explanation_code="mailbox_paused")
    home.jobs.start()
    home.clock.jump_to(START + 29 * DAY)
    stays(lambda: home.state(message) == "accepted", 6)
    home.clock.jump_to(START + 30 * DAY + HOUR)
    wait_until(lambda: home.state(message) == "expired", 20, home.jobs.tail)


def test_what_an_unseen_lane_left_is_unconfirmed_and_its_generation_is_over(home):
    """Catches a message that is `sending` for ever, and an owner that is gone but could still write."""
    now = datetime.datetime.now(UTC)
    mailbox, at = home.mailbox(), START - HOUR
    message = home.message(mailbox, "sending", explanation_code="sending")
    home.slot(message, mailbox, at, 0, state="authorized", generation=3, authorized_at=at,
              authorized_real_at=now - datetime.timedelta(minutes=3))
    home.query("update lanes set generation = 3, host = 'sender-1', pid = 1, since = %s, seen_at = %s",
               now - HOUR, now - datetime.timedelta(seconds=90))
    home.jobs.start()
    wait_until(lambda: "lanes" in home.jobs.text(), 20)
    stays(lambda: home.state(message) == "sending", 7, "a lane seen within two minutes lives")
    home.query("update lanes set seen_at = %s", now - datetime.timedelta(minutes=3))
    wait_until(lambda: home.state(message) == "unconfirmed", 20, home.jobs.tail)
    assert home.database.one("select generation from lanes") == 4
    assert home.slots_of(message)[0][3] == "spent"
    stays(lambda: home.database.one("select generation from lanes") == 4, 6, "it is given up once")


def test_months_of_history_are_there_ahead_also_after_a_jump(home):
    """Catches a year of events in the default partition."""
    home.jobs.start()

    def months():
        return {name for name, in home.query("select relname from pg_class where relname ~ '^events_2' and relkind = 'r'")}
    wait_until(lambda: "events_2027_02" in months(), 20, home.jobs.tail)
    home.clock.jump_to(START + 400 * DAY)
    wait_until(lambda: {"events_2027_12", "events_2028_03"} <= months(), 20, home.jobs.tail)


def test_answers_to_requests_are_forgotten_after_their_time(home):
    """Catches a table that only grows, and a key forgotten while a client may still repeat its request."""
    now = datetime.datetime.now(UTC)
    for key, hours in (("old", -1), ("new", 1)):
        row = dict(method="POST", route="/v1/messages", key=key, request_hash=bytes(32), status=202, answer="{}",
                   created_at=now - 49 * HOUR, expires_at=now + hours * HOUR)
        home.put("idempotency_keys", customer_id=home.customer, **row)
        home.put("operator_idempotency_keys", **row)
    home.jobs.start()
    for table in ("idempotency_keys", "operator_idempotency_keys"):
        wait_until(lambda: home.query(f"select key from {table}") == [("new",)], 20, home.jobs.tail)


def test_it_survives_the_loss_of_its_database_and_stops_cleanly(home):
    """Catches a program that ends, spins or hangs when PostgreSQL is away; one that does not hear SIGTERM."""
    home.jobs.start()
    wait_until(lambda: home.query("select 1 from works"), 20, home.jobs.tail)
    home.database.crash()
    cpu = home.jobs.cpu_s()
    stays(lambda: home.jobs.alive, 3)
    assert home.jobs.cpu_s() - cpu < 0.5
    home.database.start()
    mailbox = home.mailbox()
    wait_until(lambda: home.query("select 1 from openings where mailbox_id = %s", mailbox), 30, home.jobs.tail)
    home.jobs.suspend(), home.jobs.resume()
    assert home.jobs.terminate(20) == 0


def test_two_share_the_work_and_one_goes_on_when_the_other_is_killed(home):
    """Catches a claim that dies with its process, and a slot booked twice because two were at it."""
    other = home.program("jobs-2")
    try:
        mailboxes = [home.mailbox() for _ in range(10)]
        messages = [home.message(mailbox) for mailbox in mailboxes for _ in range(5)]
        home.jobs.start(), other.start()
        wait_until(lambda: all(home.state(m) == "booked" for m in messages[:25]), 30, home.jobs.tail)
        home.jobs.kill()
        wait_until(lambda: all(home.state(m) == "booked" for m in messages), 30, other.tail)
        late = home.mailbox()
        wait_until(lambda: home.query("select 1 from openings where mailbox_id = %s", late), 30, other.tail)
        assert home.database.one("select count(*) from slots") == len(messages)
        assert other.terminate(20) == 0
    finally:
        other.kill()


def test_it_refuses_a_database_that_forgets_what_it_committed(home):
    """Catches a platform that promises on a cluster with fsync off."""
    del home.jobs.env["EVENPOST_ALLOW_UNSAFE_DATABASE"]
    home.jobs.start()
    wait_until(lambda: not home.jobs.alive, 20, home.jobs.tail)
    assert home.jobs.child.returncode == 1 and "fsync" in home.jobs.text()
