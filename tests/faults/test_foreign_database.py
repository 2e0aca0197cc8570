"""A DATABASE_URL that somebody else looks after: settings that forget, a standby, a pair that fails over, and an old primary
that comes back.

The judges: what clients were told, what receivers saw, and the rows of both servers.
"""
import socket
import threading

import psycopg
import pytest

from harness import judge
from harness.clients import Clients, assert_each_is_there_once
from harness.evenpost import ALL_DAY
from harness.pair import Pair
from harness.wait import stays, wait_until
from outcome import outcome

HOURS = {**ALL_DAY, "start": "02:00", "end": "22:00"}          # no dot near midnight, where a day might be mistaken
ALLOWED = "EVENPOST_ALLOW_UNSAFE_DATABASE"
UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@pytest.fixture
def pair(platform, session):
    """A platform whose programs, but for the worker, run on a synchronous pair; made by pair(rate=60)."""
    made = []

    def make(**options):
        evenpost = platform(worker=False, **options)
        evenpost.pair = Pair(evenpost.database, session.folder / f"s{session.made}")
        made.append(evenpost)
        for program in (evenpost.server, evenpost.jobs, evenpost.worker):
            program.env["DATABASE_URL"] = evenpost.pair.url(f"evenpost_{program.name}", "target_session_attrs=read-write")
        for program in (evenpost.server, evenpost.jobs):
            program.kill()
            program.start()
        evenpost.ready()
        return evenpost
    yield make
    for evenpost in made:
        for program in (evenpost.worker, evenpost.server, evenpost.jobs):
            program.kill()
        evenpost.pair.stop()


def ends_and_says(program, *words):
    program.kill()
    said = len(program.text())
    program.start()
    wait_until(lambda: not program.alive, 30, lambda: f"{program.name} refuses: {program.text()[said:]}")
    told = program.text()[said:]
    assert program.child.returncode == 1 and all(word in told for word in words), told


@outcome(fault="the database's fsync, full_page_writes or synchronous_commit is off, or synchronous_commit is local beside a standby",
         before="a program starts", after="it ends with status 1, and names the setting and what to set, unless EVENPOST_ALLOW_UNSAFE_DATABASE is set",
         receiver="nothing", customer="nothing is promised")
def test_t152_a_database_that_forgets_is_refused_by_name(platform):
    """Catches a promise on a commit that a power cut takes back."""
    evenpost = platform(worker=False, durable=True)
    programs = (evenpost.server, evenpost.jobs, evenpost.worker)

    def set_to(setting, value):
        evenpost.database.query(f"alter system set {setting} = '{value}'" if value else f"alter system reset {setting}")
        evenpost.database.query("select pg_reload_conf()")
        wait_until(lambda: evenpost.database.one(f"select current_setting('{setting}')") == (value or "on"), 10, setting)
    for program in programs:
        del program.env[ALLOWED]
    for setting, value in UNSAFE.items():
        set_to(setting, value)
        for program in programs:
            ends_and_says(program, f"{setting} is {value}", f"Set {setting} = on", ALLOWED)
        set_to(setting, None)
    evenpost.database.query("alter role evenpost_server set synchronous_commit = local")
    evenpost.server.start()
    evenpost.ready()                                    # without a standby, local is all there is
    evenpost.database.query("alter system set synchronous_standby_names = 'second'")
    evenpost.database.query("select pg_reload_conf()")
    ends_and_says(evenpost.server, "synchronous_commit is local", "Set synchronous_commit = on")


@outcome(fault="DATABASE_URL leads to a standby", before="a program starts", receiver="nothing", customer="503: it is not ready",
         after="it does not serve, says that it is a standby and what to do, and begins by itself when the standby is promoted")
def test_t147_a_standby_is_refused_until_it_is_promoted(pair):
    """Catches decisions on rows that lag, also where the URL says that any server will do."""
    evenpost = pair()
    standby = evenpost.pair.standby
    programs = (evenpost.server, evenpost.jobs, evenpost.worker)
    said = {program.name: len(program.text()) for program in programs}
    for program in programs:
        program.kill()
        program.env["DATABASE_URL"] = standby.url(f"evenpost_{program.name}") + "&target_session_attrs=any"
        program.start()
    for program in programs:
        wait_until(lambda: "is a standby or read-only" in program.text()[said[program.name]:], 30, program.name)
        assert "Name the primary in DATABASE_URL, or promote it" in program.text()[said[program.name]:]
    stays(lambda: evenpost._status("/readyz") == 503, 2, "not ready")
    assert standby.query("select 1 from pg_stat_activity where usename like 'evenpost%%' and state <> 'idle'") == []
    evenpost.pair.primary.crash()
    evenpost.pair.promote()
    evenpost.ready()
    assert all(program.alive for program in programs)


def no_more_than_once(evenpost, receiver, rows):
    assert len(receiver.dots) == len(rows) == len({dot.recipient for dot in receiver.dots}), "each of them once"
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)


def all_delivered(database):
    states = {state for state, in database.query("select distinct state from messages")}
    return states == {"delivered"}


@outcome(fault="the primary of a synchronous pair is killed (kill -9) under load, and its standby promoted",
         before="DATABASE_URL names both; clients send, mail goes out", after="every program connects to the new primary by itself; all that was accepted is there",
         receiver="each message once, never more than the cap a day", customer="503 with Retry-After meanwhile; nothing that was answered with 202 is lost")
@outcome(fault="the old primary comes back after that, and takes writes as if nothing had happened",
         before="DATABASE_URL names it first", after="no running program reads or writes it: its timeline is old; it is said in the log",
         receiver="nothing that was sent before", customer="nothing of it")
def test_t146_a_failover_loses_no_accepted_message_and_the_old_primary_is_not_written_to(pair):
    """Catches a 202 that only the dead primary had, a slot that looks free again, and two worlds after a split brain."""
    evenpost = pair(rate=2880)
    old, new = evenpost.pair.primary, evenpost.pair.standby
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(60, window=HOURS)
    evenpost.worker.start()
    receiver = evenpost.receiver()
    clients = Clients(acme, count=3, domain=receiver.domain, every_s=0.3)

    def more(count, why):
        enough = len(clients.told) + count
        wait_until(lambda: len(clients.told) >= enough, 90, lambda: f"{why}: {len(clients.told)}, {clients.refused[-1:]}")
    more(12, "before")
    wait_until(lambda: receiver.dots, 60, "mail goes out")
    old.crash()
    wait_until(lambda: any(answer.status == 503 for answer in clients.refused), 30, "clients hear 503")
    evenpost.pair.promote()
    evenpost.database = new
    more(12, "the programs found the new primary by themselves")
    (old.data / "postgresql.auto.conf").write_text("synchronous_standby_names = ''\n")
    (old.data / "standby.signal").unlink(missing_ok=True)
    old.start()
    before = old.one("select count(*) from messages")
    for _ in range(2):
        new.query("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'evenpost%%'")
        more(6, "connections are made anew, and the old primary is the first in the list")
    clients.stop()
    assert old.one("select count(*) from messages") == before
    assert old.one("select pg_is_in_recovery()") is False
    wait_until(lambda: "it is an old primary" in evenpost.server.text() + evenpost.worker.text(), 20, "it is said")
    assert all(answer.headers["Retry-After"] for answer in clients.refused if answer.status == 503)
    wait_until(lambda: all_delivered(new), 300, lambda: new.query("select state, count(*) from messages group by 1"))
    for program in (evenpost.server, evenpost.jobs, evenpost.worker):       # who starts anew has seen no failover
        program.kill()
        program.start()
    evenpost.ready()
    assert clients.ask("anew").status == 202
    rows = assert_each_is_there_once(clients, acme)
    wait_until(lambda: all_delivered(new), 300, lambda: new.query("select state, count(*) from messages group by 1"))
    assert old.one("select count(*) from messages") == before
    no_more_than_once(evenpost, receiver, rows)
    print(f"{len(rows)} messages, {len(clients.refused)} times 503")


@outcome(fault="the first host of DATABASE_URL is silent: it takes connections and never says a word",
         before="a program starts", after="it connects to the next one, ten seconds later",
         receiver="nothing", customer="503 until then")
def test_t146_a_host_that_is_silent_keeps_nobody_from_the_next(platform, session):
    """Catches a program that asks the same dead machine for ever, beside a primary that would answer."""
    evenpost = platform(worker=False)
    with socket.create_server((session.lot.address(), 5499)) as silent:
        host, port = silent.getsockname()
        server = evenpost.server
        server.env["DATABASE_URL"] = (f"postgresql:///evenpost?host={host},{evenpost.database.sockets}&port={port},5432"
                                      "&user=evenpost_server")
        server.kill()
        server.start()
        evenpost.ready(seconds=60)
        assert evenpost.customer().api.get("/v1/me").status == 200


@pytest.mark.long
@outcome(fault="a program is started anew while only the old primary of a synchronous pair answers",
         before="the standby was promoted elsewhere", after="no commit is answered there: it waits for its standby",
         receiver="nothing", customer="503: it is not known")
def test_t146_an_old_primary_alone_accepts_and_sends_nothing(pair):
    """Catches a 202, and a dot, on a server that its standby has left behind: the same slots are sent from elsewhere."""
    evenpost = pair()
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(4)
    receiver = evenpost.receiver()
    sent = acme.send(2, to=receiver)
    evenpost.pair.promote()
    evenpost.pair.standby.crash()
    wait_until(lambda: not evenpost.pair.primary.query("select 1 from pg_stat_replication"), 30, "it is alone")
    evenpost.server.kill()
    evenpost.server.start()
    evenpost.ready()
    evenpost.worker.start()
    evenpost.clock.jump(2 * 86400)
    answers = []
    body = {"to": {"address": "late@people.test"}, "subject": "late", "text": "t"}
    asking = threading.Thread(target=lambda: answers.append(acme.api.call("POST", "/v1/messages", body, Idempotency_Key="late")))
    acme.api.timeout = 90
    asking.start()
    stays(lambda: receiver.dots == [] and answers == [], 12, "no dot, and no answer")
    asking.join(80)
    assert [answer.status for answer in answers] == [503], answers
    assert receiver.dots == [] and "delivered" not in sent.states()


class Canceller:
    """Somebody who cancels every commit that waits for a standby: PostgreSQL then answers COMMIT, with a warning."""

    def __init__(self, database):
        self.ended, self.cancelled = threading.Event(), 0
        self.connection = psycopg.connect(database.url(), autocommit=True)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended.wait(0.02):
            found = self.connection.execute("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")
            self.cancelled += len(found.fetchall())

    def stop(self):
        self.ended.set()
        self.thread.join()
        self.connection.close()


@outcome(fault="the wait of a commit for its standby is cancelled: PostgreSQL answers COMMIT with a warning, and the commit is local",
         before="POST /v1/messages, or an authorization, under way", after="unknown: it is asked again until the standby has it",
         receiver="no dot on a local authorization", customer="503: it is not known; with the same key 202 once the standby is there")
def test_t140_a_commit_that_is_only_local_is_not_called_accepted(platform):
    """Catches a 2xx, a replay and a dot that a failover would undo."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(4)
    receiver = evenpost.receiver()
    sent = acme.send(1, to=receiver)
    database = evenpost.database

    def wait_for(names):
        database.query(f"alter system set synchronous_standby_names = '{names}'")
        database.query("select pg_reload_conf()")
    canceller = Canceller(database)
    wait_for("nobody")
    body = {"to": {"address": "local@people.test"}, "subject": "local", "text": "t"}
    wait_until(lambda: canceller.cancelled, 30, "somebody waits for a standby")
    for _ in range(3):                                  # the first writes, the others find what it wrote
        answer = acme.api.call("POST", "/v1/messages", body, Idempotency_Key="local")
        assert answer.status == 503 and "not known" in answer["detail"], answer
    evenpost.clock.jump(86400)
    stays(lambda: receiver.dots == [], 5, "no dot on a local authorization")
    canceller.stop()
    assert database.one("select count(*) from messages where subject = 'local'") == 1, "it was committed here, and nobody said so"
    wait_for("")
    answer = wait_until(lambda: (told := acme.api.call("POST", "/v1/messages", body, Idempotency_Key="local")).status == 202 and told, 30)
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert [row["id"] for row in acme.api.every("/v1/messages?to=local@people.test")] == [answer["id"]]
    evenpost.play(sent, "delivered", seconds=120)
    assert len(receiver.dots) == 1
