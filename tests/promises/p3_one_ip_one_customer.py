"""P3. One IP, one customer: the worker binds the source address or fails, and never falls back to another.

The judge: the source address of every connection, as the receiver saw it.
"""
import re

from harness.clock import instant
from harness.evenpost import HOST, Messages
from harness.wait import stays, wait_until


def test_each_customer_s_mail_comes_from_its_own_address_alone(evenpost):
    """Catches a session reused across lanes, and a source chosen by the kernel."""
    receiver = evenpost.receiver()
    customers, addresses = [], {}
    for name in ("Acme", "Bolt", "Cask"):
        customer = evenpost.customer(name)
        address = customer.ip()["address"]
        mailbox = customer.mailbox()
        addresses[mailbox["address"]] = address
        customers.append(customer)
    sent = [customer.send(2, to=receiver) for customer in customers]
    for some in sent:
        evenpost.play(some, "delivered")
    assert len(receiver.dots) == 6
    assert {(dot.sender, dot.source) for dot in receiver.dots} == set(addresses.items())
    assert {conversation.source for conversation in receiver.conversations} <= set(addresses.values())
    for customer, some in zip(customers, sent):
        attempt, = customer.attempts(some.ids[0])
        assert attempt["ip"] == addresses[some.rows()[0]["from"]]


def test_an_address_that_is_assigned_cannot_be_given_to_another(evenpost):
    """Catches an IP with two customers, by the API and by the table itself (T64)."""
    acme, bolt = evenpost.customer("Acme"), evenpost.customer("Bolt")
    ip = acme.ip()
    refused = bolt.operator.post(f"/v1/ips/{ip['id']}/assign", {"customer_id": bolt.id}, expect=409)
    assert refused.problem == "ip-unavailable"
    twice = evenpost.api.post("/v1/ips", {"address": ip["address"], "host": HOST, "ptr": "x.test"}, expect=409)
    assert twice.problem == "address-taken"
    released = evenpost.api.as_customer(acme.id).post(f"/v1/ips/{ip['id']}/release", expect=200)
    assert released["state"] == "quarantined" and released["available_at"]
    assert bolt.operator.post(f"/v1/ips/{ip['id']}/assign", {"customer_id": bolt.id}, expect=409).problem == "ip-unavailable"


def test_a_lane_without_its_address_sends_from_no_other(evenpost):
    """Catches the kernel's default source used when bind fails (T163): the address is not on this host."""
    acme = evenpost.customer()
    acme.ip(address="192.0.2.77")
    acme.mailbox()
    receiver = evenpost.receiver()
    sent = acme.send(1, to=receiver)
    row, = sent.rows()
    evenpost.clock.jump_to(instant(row["slot"]["at"]))
    stays(lambda: receiver.conversations == [], 4, "no connection from anywhere")
    row, = sent.rows()
    assert row["state"] == "booked" and row["explanation"]["code"] in ("worker_absent", "ip_unavailable"), row


def test_a_released_address_sends_nothing_for_its_old_customer(evenpost):
    """Catches a lane that goes on after release, and mail of two customers from one address."""
    acme, bolt = evenpost.customer("Acme"), evenpost.customer("Bolt")
    ip = acme.ip()
    acme.mailbox()
    receiver = evenpost.receiver()
    sent = acme.send(2, to=receiver)
    evenpost.play(Messages(acme, sent.ids[:1]), "delivered")
    acme.operator.post(f"/v1/ips/{ip['id']}/release", expect=200)
    left = acme.message(sent.ids[1])
    assert (left["state"], left["explanation"]["code"]) == ("accepted", "ip_unavailable")
    wait_until(lambda: evenpost.api.patch(f"/v1/ips/{ip['id']}", {"state": "available"}, expect=(200, 409)).status == 200, 30,
               "the old lane has ended")
    bolt.operator.post(f"/v1/ips/{ip['id']}/assign", {"customer_id": bolt.id}, expect=200)
    mailbox = bolt.mailbox()
    more = bolt.send(2, to=receiver)
    evenpost.play(more, "delivered")
    assert [dot.sender for dot in receiver.dots[1:]] == [mailbox["address"]] * 2
    assert acme.message(sent.ids[1])["state"] == "accepted"


def test_a_lane_that_is_released_while_it_speaks_ends_clean(platform):
    """Catches a release that is taken for another owner's word: without a clean end the IP is nobody's for ten minutes."""
    evenpost = platform()
    acme = evenpost.customer()
    ip = acme.ip()
    acme.mailbox()
    receiver = evenpost.receiver()
    gate = receiver.gate("rcpt")
    sent = acme.send(1, to=receiver)
    evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
    gate.wait()
    acme.operator.post(f"/v1/ips/{ip['id']}/release", expect=200)
    stays(lambda: receiver.open() == 1, 6, "it is spoken to, and the lane was seen meanwhile")
    gate.open()
    wait_until(lambda: evenpost.api.patch(f"/v1/ips/{ip['id']}", {"state": "available"}, expect=(200, 409)).status == 200, 30,
               lambda: f"the old lane has ended: {evenpost.worker.tail(6)}")
    assert receiver.dots == [] and "somebody else owns" not in evenpost.worker.text()


def test_a_second_worker_on_the_same_address_gets_no_lane(platform):
    """Catches two lanes of one IP on one host; the second names who has it (T157).

    Some come for the whole host and bear its name, and so only the lock keeps them off; some for the address alone.
    """
    evenpost = platform()
    acme = evenpost.customer()
    ip = acme.ip()
    acme.mailboxes(3)
    receiver = evenpost.receiver()
    sent = acme.send(6, to=receiver)
    wait_until(lambda: evenpost.api.get(f"/v1/ips/{ip['id']}")["worker"]["alive"], 20, "the first has its lane")
    generation = evenpost.api.get(f"/v1/ips/{ip['id']}")["worker"]["generation"]
    others = [evenpost.another_worker(*arguments).start() for arguments in [(), ("--ip", ip["address"])] * 4]
    holder = re.compile(rf"{re.escape(ip['address'])}.*\b{evenpost.worker.pid}\b")
    for other in others:
        wait_until(lambda: holder.search(other.text()), 20, lambda: f"it names the holder: {other.tail()}")
    assert evenpost.api.get(f"/v1/ips/{ip['id']}")["worker"]["generation"] == generation
    evenpost.play(sent, "delivered")
    assert receiver.most_open() == 1 and len(receiver.dots) == 6
    assert evenpost.api.get(f"/v1/ips/{ip['id']}")["worker"]["generation"] == generation


def test_when_many_workers_start_at_once_one_has_the_lane(platform):
    """Catches a race for the lock: each message has one dot, and the receiver sees one connection at a time (T157)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(3)
    receiver = evenpost.receiver()
    sent = acme.send(6, to=receiver)
    evenpost.worker.start()
    for other in [evenpost.another_worker() for _ in range(8)]:
        other.start()
    evenpost.play(sent, "delivered")
    assert receiver.most_open() == 1
    assert sorted(dot.recipient for dot in receiver.dots) == sorted({dot.recipient for dot in receiver.dots})
