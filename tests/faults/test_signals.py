"""Signals to a worker at each stage of a delivery and to a server at each stage of a request; owners that are stopped and go on; restarts in a storm."""
import os
import signal
import socket
import threading

import pytest
from outcome import outcome
from stages import STAGES, lanes_held

from harness.clients import Clients, assert_each_is_there_once
from harness.clock import instant
from harness.evenpost import HOST, SETTLED
from harness.judge import most_in_a_day
from harness.wait import stays, wait_until

AUTHORIZED = ("slots", "update", "old.state = 'booked' and new.state = 'authorized'")
NO_WAIT = {"EVENPOST_TAKEOVER_WAIT": "0"}
FATAL = ["SIGKILL", "SIGQUIT", "SIGABRT", "SIGSEGV", "SIGALRM"]


def ends(program, seconds=90):
    program.child.wait(seconds)
    return program.child.returncode


@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGINT"], ["SIGHUP"], ["SIGTERM", "SIGINT", "SIGTERM"]], ids="-".join)
@outcome(fault="a worker is asked to end (SIGTERM, SIGINT, SIGHUP; also again and again) at any stage of a delivery",
         before="a message on its way", after="delivered, or booked as it was", receiver="the conversation to its end",
         customer="delivered; never unconfirmed")
def test_t180_a_worker_that_is_asked_to_end_leaves_no_doubt(platform, signals):
    """Catches a signal that kills what it should drain, and a second one that breaks off the first one's drain (T180)."""
    evenpost = platform(environment=NO_WAIT)
    lanes = lanes_held(evenpost)
    for name in signals:
        os.kill(evenpost.worker.pid, getattr(signal, name))
    wait_until(lambda: "info worker ends" in evenpost.worker.text(), 10, lambda: evenpost.worker.tail(3))
    for lane in lanes:
        lane.let_go()
    assert ends(evenpost.worker) == 0
    assert "unconfirmed" not in [lane.sent.states()[0] for lane in lanes]
    evenpost.worker.start()
    for lane in lanes:
        evenpost.play(lane.sent, "delivered")
        assert len(lane.receiver.dots) == 1 and lane.receiver.most_open() == 1, lane.told()


@pytest.mark.parametrize("name", FATAL)
@outcome(fault="a worker dies of a signal that nobody handles (SIGKILL, SIGQUIT, SIGABRT, SIGSEGV, SIGALRM) at any stage of a delivery",
         before="a message on its way", after="before its content delivered by the next owner; after it unconfirmed, or delivered if the outcome was written",
         receiver="one dot at most; one connection at once", customer="the state, and why")
def test_t161_a_worker_that_dies_at_any_stage_leaves_what_its_stage_says(platform, name, long):
    """Catches a signal after which something else is true than after kill -9 (T28, T161)."""
    if name != FATAL[0] and not long:
        pytest.skip("slow: only with ./evenpost test --long")
    evenpost = platform(environment=NO_WAIT)
    lanes = lanes_held(evenpost)
    os.kill(evenpost.worker.pid, getattr(signal, name))
    assert ends(evenpost.worker) == -getattr(signal, name)
    for lane in lanes:
        lane.let_go()
    evenpost.worker.start()
    for lane in lanes:
        row, = evenpost.play(lane.sent, *SETTLED)
        end = row["state"], len(lane.receiver.dots)
        if STAGES.index(lane.stage) < STAGES.index("data"):
            assert end == ("delivered", 1), lane.told()
        elif STAGES.index(lane.stage) <= STAGES.index("content"):      # its authorization may be asked for already
            assert end in (("delivered", 1), ("unconfirmed", 0), ("unconfirmed", 1)), lane.told()
        else:
            assert row["state"] in ({"unconfirmed"} if lane.stage == "dot" else {"unconfirmed", "delivered"}) and end[1] == 1, lane.told()
        assert lane.receiver.most_open() == 1, lane.told()


@outcome(fault="a worker is stopped (SIGSTOP) at any stage of a delivery, and goes on (SIGCONT)", before="a message on its way",
         after="delivered", receiver="one dot", customer="delivered; `sending` meanwhile")
def test_t160_a_worker_that_is_stopped_at_any_stage_goes_on_where_it_was(platform):
    """Catches a pause that is taken for a lost connection, and an interrupted call that is taken for an error (T160, T181)."""
    evenpost = platform()
    lanes = lanes_held(evenpost)
    for pause in range(3):
        evenpost.worker.suspend()
        if pause == 1:
            for lane in lanes:
                lane.let_go()           # what the receivers answer waits in the sockets
        evenpost.worker.resume()
    more = [lane.customer.send(1, to=f"more@{lane.receiver.domain}") for lane in lanes]
    for lane, next_one in zip(lanes, more):
        evenpost.play(lane.sent + next_one, "delivered")
        assert len(lane.receiver.dots) == 2 and lane.receiver.most_open() == 1, lane.told()
    assert [len(evenpost.worker.text().split(f"lane[{lane.source}] sends")) for lane in lanes] == [2] * len(lanes), "no lane was lost"


# Requests.

def asked_and_half_asked(evenpost, clients, half_said=b"POST /v1/mess"):
    """A request whose commit waits, and one that is not said to its end."""
    brake = evenpost.database.brake("messages")
    thread = threading.Thread(target=clients.ask, args=("k1",))
    thread.start()
    brake.reached()
    half = socket.create_connection((evenpost.api.host, evenpost.api.port))
    half.sendall(half_said)
    return brake, thread, half


def closed_without_a_word(half):
    half.settimeout(30)
    try:
        return half.recv(1000) == b""
    except ConnectionResetError:
        return True
    finally:
        half.close()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGQUIT"])
@outcome(fault="a server is asked to end (SIGTERM, SIGINT, SIGHUP) while a request commits and another is half said", before="a request to send",
         after="accepted", receiver="nothing", customer="202; the half one a closed connection")
@outcome(fault="a server dies of a signal (SIGKILL, SIGQUIT) while a request commits and another is half said", before="a request to send, under an Idempotency-Key",
         after="as PostgreSQL has it", receiver="nothing", customer="a lost connection; asked again, 202 and one message")
def test_t180_a_server_that_ends_answers_what_commits(platform, name):
    """Catches a stop that breaks off a request whose commit is under way, and one that waits for a head that never ends (T180)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(3)
    clients = Clients(acme, count=0)
    head = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nIdempotency-Key: k2\r\n"         # 10 s are given to what has begun
    brake, thread, half = asked_and_half_asked(evenpost, clients, *([head] if name == "SIGTERM" else []))
    os.kill(evenpost.server.pid, getattr(signal, name))
    clean = name not in FATAL
    if clean:
        wait_until(lambda: "info server ends" in evenpost.server.text(), 10, lambda: evenpost.server.tail(3))
    else:
        assert ends(evenpost.server) == -getattr(signal, name)
    brake.release()
    thread.join()
    assert closed_without_a_word(half)
    if clean:
        assert ends(evenpost.server) == 0
    assert bool(clients.told) == clean, (clients.told, clients.refused)
    evenpost.server.start()
    evenpost.ready()
    assert clients.ask("k1").headers["Idempotent-Replayed"] == "true"
    assert clients.ask("k2").headers["Idempotent-Replayed"] != "true"
    assert len(assert_each_is_there_once(clients, acme)) == 2


@outcome(fault="a server is stopped (SIGSTOP) while a request commits, and goes on (SIGCONT)", before="a request to send", after="accepted",
         receiver="nothing", customer="202, later")
def test_t180_a_server_that_is_stopped_answers_when_it_goes_on(platform):
    """Catches a commit whose answer waited in the socket, and is taken for lost."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(3)
    clients = Clients(acme, count=0)
    brake, thread, half = asked_and_half_asked(evenpost, clients)
    evenpost.server.suspend()
    brake.release()
    half.close()
    evenpost.server.resume()
    thread.join()
    assert list(clients.told) == ["k1"] and len(assert_each_is_there_once(clients, acme)) == 1
    assert clients.ask("k2").status == 202 and evenpost.server.alive, "and it goes on"


# Owners that are stopped, and wake up when the world has changed.

def authorized_and_stopped(evenpost):
    """A message whose authorization is committed, and whose owner was stopped before it heard of that."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(2)
    receiver = evenpost.receiver()
    sent = acme.send(1, to=receiver)
    brake = evenpost.database.brake(*AUTHORIZED)
    evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
    brake.reached()
    evenpost.worker.suspend()
    brake.release()
    wait_until(lambda: evenpost.database.one("select count(*) from slots where state = 'authorized'") == 1, 10, "authorized")
    return acme, source, receiver, sent


@outcome(fault="a worker is stopped between its authorization and the dot, and goes on after more than 10 s; another worker of the host would like the IP",
         before="authorized", after="the other does not get the IP; the slot is spent, the message is booked again and delivered",
         receiver="the first conversation ends without a dot; then one dot; one connection at once", customer="`not_sent`, then delivered")
def test_t160_an_owner_that_is_stopped_keeps_its_ip_and_sends_no_late_dot(platform):
    """Catches a lock that a stopped process loses, and an authorization that is used when its time is over (T143, T157, T160)."""
    evenpost = platform(environment=NO_WAIT)
    acme, source, receiver, sent = authorized_and_stopped(evenpost)
    generation = evenpost.database.one("select generation from lanes")
    other = evenpost.another_worker().start()
    wait_until(lambda: "taken on this host" in other.text(), 20, lambda: other.tail(3))
    stays(lambda: len(receiver.conversations) == 1 and receiver.dots == [], 11, "a stopped owner and one without the lock send nothing")
    assert evenpost.database.one("select generation from lanes") == generation
    assert sent.states() == ["sending"]
    evenpost.worker.resume()
    wait_until(lambda: receiver.open() == 0, 20, receiver.story)
    assert receiver.dots == []
    evenpost.play(sent, "delivered")
    assert [attempt["outcome"] for attempt in sorted(acme.attempts(sent.ids[0]), key=lambda a: a["at"])] == ["not_sent", "delivered"]
    assert len(receiver.dots) == 1 and receiver.most_open(source) == 1


@pytest.mark.long
@outcome(fault="a worker is stopped between its authorization and the dot for more than two minutes, and goes on", before="authorized",
         after="unconfirmed, by the jobs; what it has next is delivered under a new generation", receiver="no dot of it", customer="unconfirmed, before the worker goes on")
def test_t160_an_owner_that_was_given_up_sends_no_dot_when_it_wakes(platform):
    """Catches an owner that does not look whether it still is one (T160), and `sending` for ever."""
    evenpost = platform(environment=NO_WAIT)
    acme, source, receiver, sent = authorized_and_stopped(evenpost)
    generation = evenpost.database.one("select generation from lanes")
    sent.wait_until("unconfirmed", seconds=180)
    next_one = acme.send(1, to=f"next@{receiver.domain}")
    evenpost.worker.resume()
    wait_until(lambda: receiver.open() == 0, 30, receiver.story)
    assert receiver.dots == []
    evenpost.play(next_one, "delivered")
    assert evenpost.database.one("select generation from lanes") == generation + 2, "the jobs raised it, and its owner anew"
    assert sent.states() == ["unconfirmed"] and receiver.dots_to(f"p1@{receiver.domain}") == [] and receiver.most_open(source) == 1


@outcome(fault="a worker is stopped in a conversation, another takes its IP over (the lock does not hold it), and the first goes on",
         before="two messages are due, one is on its way", after="both are delivered by the new owner; the old one finds that it is none",
         receiver="one dot each; one connection at once", customer="delivered")
def test_t160_an_owner_that_was_replaced_while_it_was_stopped_sends_nothing(platform):
    """Catches a dot under a generation that is not the last (T158, T160): the new owner has another lock port, as on another host."""
    evenpost = platform(environment=NO_WAIT)
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(2)
    receiver = evenpost.receiver()
    gate = receiver.gate("rcpt")
    sent = acme.send(2, to=receiver)
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for row in sent.rows()))
    held = gate.wait()
    evenpost.worker.suspend()
    receiver.gates.clear()
    held.drop()                     # else the new owner would see the old one's connection, and wait
    gate.open()
    other = evenpost.another_worker("--host", HOST, "--lock-port", "25026").start()
    wait_until(lambda: "sends, generation" in other.text(), 60, lambda: other.tail(3))
    evenpost.play(sent, "delivered", seconds=90)
    seen = len(receiver.conversations)
    evenpost.worker.resume()
    wait_until(lambda: "is not the last any more" in evenpost.worker.text(), 30, lambda: evenpost.worker.tail(3))
    stays(lambda: len(receiver.conversations) == seen, 3, "the old owner connects no more")
    assert len(receiver.dots) == 2 and receiver.most_open(source) == 1
    assert sent.states() == ["delivered", "delivered"]


# Restarts, one after another.

@outcome(fault="worker and server are killed (kill -9) and started again, thirty times, each time in the middle of a conversation or of a request",
         before="requests and deliveries without a pause", after="what was accepted ends with a reason", receiver="one connection of an IP at once; one dot a message",
         customer="202, 503 or a lost connection; each message once")
def test_t189_a_storm_of_restarts_loses_nothing_and_opens_nothing_twice(platform, long):
    """Catches what only holds while a program lives long enough, and connections that pile up with restarts (T40, T173, T189)."""
    evenpost = platform(rate=2880, environment=NO_WAIT)
    acme = evenpost.customer()
    sources = [acme.ip()["address"] for _ in range(3)]
    acme.mailboxes(40)
    receiver = evenpost.receiver()
    clients = Clients(acme, count=2, domain=receiver.domain, every_s=0.05)
    for _ in range(15 if long else 8):
        conversations, told = len(receiver.conversations), len(clients.told)
        wait_until(lambda: len(receiver.conversations) > conversations, 60, lambda: evenpost.worker.tail(4))
        evenpost.worker.kill()
        evenpost.worker.start()
        wait_until(lambda: len(clients.told) > told, 60, lambda: evenpost.server.tail(4))
        evenpost.server.kill()
        evenpost.server.start()
        evenpost.ready()
    clients.stop()
    rows = assert_each_is_there_once(clients, acme)
    evenpost.clock.set_rate(20000)
    wait_until(lambda: all(row["state"] in SETTLED for row in acme.api.every("/v1/messages")), 120,
               lambda: [row["explanation"] for row in acme.api.every("/v1/messages") if row["state"] not in SETTLED][:3])
    ended = acme.api.every("/v1/messages")
    assert len(ended) == len(rows) and all(row["explanation"]["text"] for row in ended)
    for row in ended:
        assert len(receiver.dots_to(row["to"]["address"])) <= 1, row
        assert row["state"] != "delivered" or len(receiver.dots_to(row["to"]["address"])) == 1, row
    assert max(receiver.most_open(source) for source in sources) == 1
    assert most_in_a_day(receiver.dots) <= 2
