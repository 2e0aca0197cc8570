"""P8. Every message can say why it has not gone yet and when it will; every failed attempt carries the SMTP reply.

The judge reads what a customer reads: the explanation's code, its sentence, and its time.
"""
import datetime
import re

import pytest

from harness.clock import instant
from harness.evenpost import SETTLED
from harness.wait import wait_until

# What must happen first where no time can be told.
WAITS_FOR_SOMEBODY = {"no_route", "mailbox_paused", "ip_paused", "ip_unavailable", "customer_suspended", "worker_absent",
                      "domain_not_ready", "domain_paused", "no_free_slot", "quarantined_after_restore"}
CODES = WAITS_FOR_SOMEBODY | SETTLED | {"waiting_for_slot", "waiting_for_window", "scheduled", "sending", "spacing",
                                        "receiver_on_hold", "receiver_busy", "greylisted", "deferred_by_receiver",
                                        "resolver_unavailable", "mailbox_closed", "owner_changing", "ramping", "waiting_for_thread"}


def assert_explained(row, asked):
    """One sentence for a person, a known code, and a time that was ahead when it was asked, or somebody who must act."""
    explanation = row["explanation"]
    code, text = explanation["code"], explanation["text"]
    assert code in CODES, row
    assert re.fullmatch(r"[A-Z0-9“\"'].{8,300}[.!]", text) and "_" not in text and "null" not in text, text
    if row["state"] in SETTLED:
        assert code == row["state"], row
        return
    if explanation["until"]:
        assert instant(explanation["until"]) > asked - datetime.timedelta(seconds=1), (row["state"], explanation, asked)
    else:
        assert code in WAITS_FOR_SOMEBODY | {"sending", "owner_changing", "receiver_busy"}, row
    if row["state"] == "booked":
        assert row["slot"], row


def assert_all_explained(evenpost, customer):
    asked, rows = evenpost.clock.now(), customer.api.every("/v1/messages")
    for row in rows:
        assert_explained(row, asked)
    return {row["id"]: row for row in rows}


def test_every_message_of_a_mixed_day_has_an_explanation(platform):
    """Catches a state without a reason: a day with everything in it, looked at again and again while it passes."""
    evenpost = platform(rate=2880)
    acme = evenpost.customer()
    ip = acme.ip()
    boxes = acme.mailboxes(12)
    held = evenpost.receiver("held.test")
    held.answer("greeting", "421 4.4.5 server busy", times=3)
    evenpost.route("gone.test", evenpost.session.lot.address())
    people = ["p1@people.test", "defer@people.test", "greylist@people.test", "reject@people.test", "drop@people.test",
              "defer-dot@people.test", "reject-dot@people.test", "p2@held.test", "p3@gone.test", "garbage-dot@people.test"]
    sent = {}
    for person, box in zip(people, boxes):
        sent[person] = acme.send_one(person, box)["id"]
    paused, cancelled = acme.send_one("p4@people.test", boxes[10])["id"], acme.send_one("p5@people.test", boxes[11])["id"]
    later = acme.send_one("p6@people.test", boxes[11], scheduled_at="2026-11-30T00:00:00Z")["id"]
    acme.api.patch(f"/v1/mailboxes/{boxes[10]['id']}", {"state": "paused"})
    acme.api.post(f"/v1/messages/{cancelled}/cancel", expect=200)
    seen = set()
    begun = evenpost.clock.now()

    def a_day_passed():
        for row in assert_all_explained(evenpost, acme).values():
            seen.add(row["explanation"]["code"])
        return evenpost.clock.now() - begun > datetime.timedelta(hours=25)
    try:
        wait_until_explained(a_day_passed, 100)
    finally:
        rows = assert_all_explained(evenpost, acme)
    assert rows[sent["p1@people.test"]]["state"] == "delivered"
    assert rows[sent["greylist@people.test"]]["state"] == "delivered"
    assert rows[sent["reject@people.test"]]["state"] == "bounced"
    assert rows[sent["reject-dot@people.test"]]["state"] == "bounced"
    assert rows[sent["drop@people.test"]]["state"] == "unconfirmed"
    assert rows[sent["garbage-dot@people.test"]]["state"] == "unconfirmed"
    assert rows[sent["p2@held.test"]]["state"] == "delivered"
    assert rows[cancelled]["state"] == "cancelled"
    assert rows[paused]["explanation"]["code"] == "mailbox_paused"
    assert rows[later]["explanation"]["code"] in ("scheduled", "waiting_for_slot")
    assert {"waiting_for_slot", "delivered", "bounced", "unconfirmed", "cancelled", "mailbox_paused"} <= seen
    assert seen & {"deferred_by_receiver", "greylisted"} and "receiver_on_hold" in seen, seen
    assert ip["id"]


def wait_until_explained(condition, seconds):
    """As wait_until, but a failed look fails the test: every single look must be explained."""
    trouble = []

    def look():
        try:
            return condition()
        except AssertionError as failed:
            trouble.append(failed)
            return True
    wait_until(look, seconds)
    if trouble:
        raise trouble[0]


@pytest.mark.parametrize("person, outcome, stage, code, state", [
    ("defer", "deferred", "rcpt", 451, None), ("reject", "bounced", "rcpt", 550, "bounced"),
    ("reject-dot", "bounced", "dot", 550, "bounced"), ("busy", "deferred", "rcpt", 421, None),
    ("drop", "unconfirmed", "dot", None, "unconfirmed"), ("garbage-dot", "unconfirmed", "dot", None, "unconfirmed")])
def test_a_failed_attempt_tells_its_reply_and_its_stage(evenpost, person, outcome, stage, code, state):
    """Catches an attempt without the words of the other side (T33, T43)."""
    acme = evenpost.customer()
    address = acme.ip()["address"]
    acme.mailbox()
    sent = acme.send(1, to=f"{person}@people.test")
    evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
    attempt = wait_until(lambda: acme.attempts(sent.ids[0]), 20)[-1]
    assert (attempt["outcome"], attempt["stage"], attempt["ip"]) == (outcome, stage, address), attempt
    assert attempt["remote"] == f"{evenpost.sandbox_address}:2525"
    if code:
        assert attempt["reply"] and attempt["reply"]["code"] == code and attempt["reply"]["text"], attempt
        assert any(line.startswith(f"< {code}") for line in attempt["transcript"]), attempt["transcript"]
    asked, (row,) = evenpost.clock.now(), sent.rows()
    assert row["last_attempt"]["id"] == attempt["id"]
    assert_explained(row, asked)
    if state:
        assert row["state"] == state


def test_what_waits_for_somebody_says_for_whom(evenpost):
    """Catches a message that waits for a person and shows a time instead, or nothing."""
    acme = evenpost.customer()
    ip = acme.ip()
    box = acme.mailbox()
    sent = acme.send(1, to="p1@nowhere.test")

    def explained(code):
        wait_until(lambda: sent.rows()[0]["explanation"]["code"] == code, 20, lambda: (code, sent.rows()[0]))
        asked, (row,) = evenpost.clock.now(), sent.rows()
        assert_explained(row, asked)
    evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
    explained("no_route")
    acme.operator.post(f"/v1/ips/{ip['id']}/pause", expect=200)
    explained("ip_paused")
    acme.operator.post(f"/v1/ips/{ip['id']}/resume", expect=200)
    acme.api.patch(f"/v1/mailboxes/{box['id']}", {"state": "paused"})
    explained("mailbox_paused")
    acme.api.patch(f"/v1/mailboxes/{box['id']}", {"state": "active"})
    evenpost.api.post(f"/v1/customers/{acme.id}/suspend", expect=200)
    explained("customer_suspended")
    evenpost.api.post(f"/v1/customers/{acme.id}/resume", expect=200)
    evenpost.route("nowhere.test", evenpost.sandbox_address)
    evenpost.play(sent, "delivered")


def test_a_message_whose_worker_is_gone_says_so(platform):
    """Catches a slot that passes in silence: nobody sends from that IP."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    sent = acme.send(1, to="p1@people.test")
    assert sent.rows()[0]["explanation"]["code"] == "waiting_for_slot"
    evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
    wait_until(lambda: sent.rows()[0]["explanation"]["code"] == "worker_absent", 20, lambda: sent.rows()[0])
    asked, (row,) = evenpost.clock.now(), sent.rows()
    assert_explained(row, asked)


def test_the_story_of_a_message_is_told_by_its_events(evenpost):
    """Catches a change of state without its event, and events out of order."""
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    receiver = evenpost.receiver()
    receiver.answer("rcpt", "451 4.3.0 later", times=1)
    sent = acme.send(1, to=receiver)
    evenpost.play(sent, "delivered")
    events = acme.api.every(f"/v1/events?message_id={sent.ids[0]}")
    kinds = [event["type"].removeprefix("message.") for event in events]
    assert kinds[:2] == ["accepted", "booked"] and kinds[-1] == "delivered" and "deferred" in kinds, kinds
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    outcomes = [attempt["outcome"] for attempt in acme.attempts(sent.ids[0])]
    assert sorted(outcomes) == ["deferred", "delivered"]
