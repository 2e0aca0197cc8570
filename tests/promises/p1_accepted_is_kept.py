"""P1. A message answered with 2xx is delivered, or ends in a state that says why; it is never just gone.

The judges: what clients were told, and what receivers saw.
"""
import threading

import pytest

from harness.clients import Clients, assert_each_is_there_once
from harness.clock import instant
from harness.evenpost import SETTLED
from harness.wait import wait_until

STAGES = ["greeting", "ehlo", "mail", "rcpt", "data", "content", "dot", "replied", "quit"]


def test_a_server_killed_while_it_accepts_loses_nothing_that_it_answered(platform):
    """Catches a 2xx before its commit, and a retry that makes a second message (T98, T116, T140)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    clients = Clients(acme)
    for kill in range(4):
        enough = len(clients.told) + 15
        wait_until(lambda: len(clients.told) >= enough, 30, lambda: f"{len(clients.told)} told, {clients.refused[:1]}")
        evenpost.server.kill()
        evenpost.server.start()
        evenpost.ready()
    clients.stop()
    assert clients.untold, "no request was cut off: the kills hit nothing"
    assert_each_is_there_once(clients, acme)


@pytest.mark.parametrize("stage", ["rolled back", "committed"])
def test_a_request_cut_off_at_its_commit_is_one_message_and_not_two(platform, stage):
    """Catches an effect without its stored answer, and the other way round: a retry must find it (T98, T116, T140)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    clients = Clients(acme, count=0)
    brake = evenpost.database.brake("messages")
    thread = threading.Thread(target=clients.ask, args=("k1",))
    thread.start()
    brake.reached()
    evenpost.server.kill()
    thread.join()
    assert "k1" in clients.untold, "the client was told before the commit"
    brake.release() if stage == "committed" else brake.fail()
    evenpost.server.start()
    evenpost.ready()
    again = clients.ask("k1")
    assert again.status == 202, again
    assert (again.headers["Idempotent-Replayed"] == "true") == (stage == "committed")
    assert_each_is_there_once(clients, acme)


def test_a_commit_that_postgres_did_not_live_to_answer_is_not_called_accepted(platform):
    """Catches a 2xx for a commit whose answer was lost (T140, T145)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    clients = Clients(acme, count=0)
    brake = evenpost.database.brake("messages")
    thread = threading.Thread(target=clients.ask, args=("k1",))
    thread.start()
    brake.reached()
    evenpost.database.crash()
    thread.join()
    assert clients.told == {}
    assert [answer.status for answer in clients.refused] in ([503], [])
    evenpost.database.start()
    evenpost.ready()
    evenpost.database.query("drop trigger brake on messages")
    clients.refused.clear()
    assert clients.ask("k1").status == 202
    assert_each_is_there_once(clients, acme)


def test_postgres_killed_again_and_again_loses_nothing_that_was_answered(platform):
    """Catches a 2xx that stood on a commit that never was, and a server that does not come back by itself (T145)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    clients = Clients(acme)
    for crash in range(3):
        enough = len(clients.told) + 15
        wait_until(lambda: len(clients.told) >= enough, 60, lambda: f"{len(clients.told)} told, {clients.refused[-1:]}")
        evenpost.database.crash()
        wait_until(lambda: any(a.status == 503 for a in clients.refused), 30, "clients hear 503 while it is away")
        evenpost.database.start()
    enough = len(clients.told) + 15
    wait_until(lambda: len(clients.told) >= enough, 60, "the server came back by itself")
    clients.stop()
    assert all(answer.headers["Retry-After"] for answer in clients.refused if answer.status == 503)
    assert_each_is_there_once(clients, acme)


def test_a_worker_killed_at_any_stage_of_a_delivery_loses_nothing(platform):
    """Catches a message that stays `sending` for ever, is gone, or goes out twice, by kill -9 at each stage (T28, T161).

    One lane for each stage, so that one kill meets a delivery at each of them.
    """
    evenpost = platform()
    lanes = []
    for stage in STAGES:
        customer = evenpost.customer(stage)
        customer.ip(), customer.mailbox()
        receiver = evenpost.receiver()
        lanes.append((stage, customer.send(1, to=receiver), receiver, receiver.gate(stage)))
    gates = [gate for _, _, _, gate in lanes]
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for _, sent, _, _ in lanes for row in sent.rows()))
    for gate in gates:
        gate.wait()
    evenpost.worker.kill()
    for gate in gates:
        gate.open()
    evenpost.worker.start()
    for stage, sent, receiver, gate in lanes:
        receiver.gates.clear()
        row, = evenpost.play(sent, *SETTLED)
        dots = len(receiver.dots)
        if STAGES.index(stage) < STAGES.index("content"):
            assert (row["state"], dots) in (("delivered", 1), ("unconfirmed", 0)), (stage, row["state"], dots)
        elif stage == "content":            # what the kernel had taken before the kill may hold the dot
            assert (row["state"], dots) in (("delivered", 1), ("unconfirmed", 0), ("unconfirmed", 1)), (row["state"], dots)
        else:
            assert row["state"] in ("delivered", "unconfirmed") and dots == 1, (stage, row["state"], dots)
        if stage == "dot":
            assert row["state"] == "unconfirmed"


def test_every_accepted_message_of_a_day_of_accidents_ends_with_a_reason(platform):
    """Catches what falls between two chairs: programs killed in turn while three days pass (T141, T177)."""
    evenpost = platform(rate=2880)
    acme = evenpost.customer()
    acme.ip(), acme.ip()
    acme.mailboxes(8)
    sent = acme.send(24, to=evenpost.receiver()) + acme.send(2, to="defer@people.test") + acme.send(2, to="reject@people.test")
    for program in (evenpost.worker, evenpost.jobs, evenpost.server, evenpost.worker):
        settled = sum(state in SETTLED for state in sent.states())
        wait_until(lambda: sum(state in SETTLED for state in sent.states()) > settled, 60, "the day goes on")
        program.kill()
        program.start()
        evenpost.ready()
    evenpost.clock.set_rate(20000)
    rows = wait_until(lambda: (rows := sent.rows()) and all(row["state"] in SETTLED for row in rows) and rows, 90,
                      lambda: [(row["state"], row["explanation"]) for row in sent.rows() if row["state"] not in SETTLED][:3])
    assert {row["state"] for row in rows} <= SETTLED
    assert all(row["explanation"]["text"] for row in rows)
    delivered = [row for row in rows if row["state"] == "delivered"]
    assert len(delivered) >= 20
