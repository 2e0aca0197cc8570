"""PostgreSQL dies: one of its processes, its postmaster, or all of it, at any message of a transaction and under load.

The judges: what clients were told, what receivers saw, and the rows themselves.
"""
import concurrent.futures
import itertools
import os

import pytest

from harness import judge
from harness.clients import Clients, assert_each_is_there_once
from harness.evenpost import ALL_DAY, Messages
from harness.pgwire import Point, points_of, relayed, uuid_octets
from harness.wait import wait_until
from outcome import outcome

HOURS = {**ALL_DAY, "start": "02:00", "end": "22:00"}          # no dot near midnight, where a day might be mistaken


class Deaths:
    """Ways for a PostgreSQL to die, one at a time, each of which returns when it answers again.

    All in one thread that lasts: what is started by a thread of the harness dies with that thread.
    """

    def __init__(self, database):
        self.database, self.thread = database, concurrent.futures.ThreadPoolExecutor(1)

    def all(self):
        """pg_terminate_backend; kill -9 to a backend, for which the postmaster ends all others; kill -9 to the postmaster;
        to all of them; pg_ctl stop, immediate and fast."""
        database = self.database
        return [self._of_backend(self._terminate), self._of_backend(database.kill_backend),
                self._of_all(database.behead), self._of_all(database.crash),
                self._of_all(database.stop_now), self._of_all(database.stop)]

    def _terminate(self, pid):
        self.database.query("select pg_terminate_backend(%s)", pid)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 20, "the backend is gone")

    def _of_backend(self, die):
        return self._named(die.__name__, lambda pid: die(pid) if os.path.exists(f"/proc/{pid}") else None)

    def _of_all(self, die):
        return self._named(die.__name__, lambda pid: die() or self.database.start())

    def _named(self, name, die):
        def dies(pid):
            self.thread.submit(die, pid).result()
        dies.__name__ = name
        return dies


@outcome(fault="PostgreSQL dies at any message of an acceptance: the backend by pg_terminate_backend or kill -9, the postmaster by kill -9, all of it, or by a fast or an immediate stop",
         before="POST /v1/messages under way", after="kept whole or not at all; the server connects again by itself",
         receiver="nothing, or the message once", customer="202 when it is kept; else 503 with Retry-After, and a retry with the same key makes one message of it")
def test_t145_a_database_that_dies_at_any_message_of_an_acceptance_takes_nothing_along(platform, some):
    """Catches a 2xx for what died with its backend, and a server that does not find its way back."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    clients, relay = Clients(acme, count=0), relayed(evenpost, evenpost.server)
    clients.ask("laid"), clients.ask("shape")
    deaths = Deaths(evenpost.database).all()
    places = some(list(points_of(relay.shape("idempotency_claim"))), 12)[:120]
    for number, (place, dies) in enumerate(zip(places, itertools.cycle(deaths))):
        key = f"k{number}"
        point = Point("idempotency_claim", *place, marker=key.encode(), action=dies)
        relay.plan(point)
        answer = clients.ask(key)
        assert point.over.wait(90) or not point.met
        kept = evenpost.database.one("select count(*) from messages where subject = %s", key)
        if answer and answer.status == 202:
            assert kept == 1, (point, dies.__name__)
        else:
            assert answer and answer.status == 503 and answer.headers["Retry-After"], (point, answer)
            assert "nothing was done" not in answer["detail"] or kept == 0, (point, dies.__name__)
        evenpost.ready()
        again = wait_until(lambda: (answer := clients.ask(key)).status < 500 and answer, 30, key)
        assert again.status == 202, (point, again)
        relay.forget()
    print(f"PostgreSQL died at {len(places)} points")
    assert_each_is_there_once(clients, acme)


@outcome(fault="PostgreSQL dies at any message of an authorization or an outcome, in each of these ways",
         before="a message is on its way, its content out without the dot, or its dot answered",
         after="no dot without an authorization that was heard; the outcome is written when the database is back; delivered",
         receiver="a connection without a dot, later the message once; or the message once", customer="delivered")
def test_t145_a_database_that_dies_at_any_message_of_a_delivery_adds_no_dot(platform, some):
    """Catches a dot on the word of a dying backend, and an outcome that dies with it (P2, P6)."""
    evenpost = platform(worker=False, rate=2880)
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(2, window=HOURS)
    receiver = evenpost.receiver()
    relay = relayed(evenpost, evenpost.worker)
    evenpost.play(acme.send(2, to=receiver), "delivered", seconds=120)
    deaths = itertools.cycle(Deaths(evenpost.database).all())
    places = [(kind, *place) for kind in ("slot_authorize", "attempt_insert")
              for place in some(list(points_of(relay.shape(kind))), 5)][:90]
    acme.mailboxes(len(places), window=HOURS)
    messages = [acme.send_one(f"m{number}@{receiver.domain}") for number in range(len(places))]
    points = [Point(*place, marker=uuid_octets(message["id"]), action=next(deaths))
              for place, message in zip(places, messages)]
    relay.plan(*points)
    sent = Messages(acme, [message["id"] for message in messages])

    def settled():
        return set(state for state in states(evenpost)) == {"delivered"}
    wait_until(settled, 600, lambda: states(evenpost))
    assert sent.states() == ["delivered"] * len(messages)
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
    for point, message in zip(points, messages):
        dots = receiver.dots_to(message["to"]["address"])
        assert len(dots) == 1, (point, point.action.__name__)
        assert relay.told("slot_authorize", point.marker) >= 1, point
    met = sum(point.met for point in points)            # a connection that is not new has prepared some already
    print(f"{met} of {len(points)} points were met")
    assert met >= len(points) / 2


def states(evenpost):
    """Of all messages, past the API: [] while PostgreSQL is away."""
    try:
        return [state for state, in evenpost.database.query("select state from messages")]
    except Exception:
        return []


@pytest.mark.parametrize("deaths", [pytest.param(6, id="6"), pytest.param(200, id="200", marks=pytest.mark.long)])
@outcome(fault="PostgreSQL dies again and again, in each of these ways, while clients send and a worker delivers",
         before="load", after="every program goes on by itself; each message that was answered with 202 is delivered",
         receiver="each message once, never more than the cap a day", customer="503 with Retry-After while it is away")
def test_t145_kills_under_load_lose_nothing_and_send_nothing_twice(platform, deaths):
    """Catches what falls between clients, rows and receivers when they are reconciled."""
    evenpost = platform(rate=2880)
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(100, window=HOURS)
    receiver = evenpost.receiver()
    clients = Clients(acme, count=2, domain=receiver.domain, every_s=0.4)
    ways = Deaths(evenpost.database)
    for number, dies in zip(range(deaths), itertools.cycle(ways.all())):
        enough = len(clients.told) + 3
        wait_until(lambda: len(clients.told) >= enough, 60, lambda: f"{len(clients.told)} told, {clients.refused[-1:]}")
        victim = evenpost.database.query("select pid from pg_stat_activity where usename in ('evenpost_worker', 'evenpost_server') "
                                         "order by (state = 'active') desc, random() limit 1")
        dies(victim[0][0])
    enough = len(clients.told) + 3
    wait_until(lambda: len(clients.told) >= enough, 60, "it goes on")
    clients.stop()
    assert all(answer.headers["Retry-After"] for answer in clients.refused)
    rows = assert_each_is_there_once(clients, acme)
    wait_until(lambda: set(states(evenpost)) == {"delivered"}, 600, lambda: states(evenpost))
    assert len(receiver.dots) == len(rows) == len({dot.recipient for dot in receiver.dots}), "each of them once"
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
    print(f"{deaths} deaths, {len(rows)} messages, {len(clients.refused)} times 503")
