"""The connection to PostgreSQL is cut, by a relay that knows the protocol's messages: before, inside and behind each message
of a transaction, in each direction.

The judges: what clients were told, what receivers saw, and the rows themselves, read past the programs.
"""
import collections
import concurrent.futures
import uuid

import psycopg
import pytest

from harness import judge
from harness.clock import instant
from harness.evenpost import ALL_DAY, Messages
from harness.pgwire import CONNECTIONS, PgRelay, Point, points_of, relayed, uuid_octets
from harness.wait import wait_until
from outcome import outcome

HOURS = {**ALL_DAY, "start": "02:00", "end": "22:00"}          # no dot near midnight, where a day might be mistaken
CLIENTS = CONNECTIONS


def drawn(some, relay, kind, count, tag=""):
    """Some of the places where such a transaction can be cut, a third of them about its commit; its shape is known by now."""
    shape = relay.shape(kind)
    assert shape, f"no transaction with {kind} came through"
    every = list(points_of(shape))
    commit = [place for place in every if place[1].startswith("commit")]
    points = some(commit, count // 3) + some([place for place in every if place not in commit], count - count // 3)
    print(f"{kind}{tag}: {len(shape)} messages, {len(points)} points")
    return points


def at_once(work, items):
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(work, items))


def in_rounds(relay, work, count):
    """A few at a time, each round on new connections, which have prepared nothing yet: so every message is sent."""
    done = []
    for first in range(0, count, CLIENTS):
        relay.cut()
        done += at_once(work, range(first, min(first + CLIENTS, count)))
    return done


def met(points, at_least=0.8):
    """Nearly all that was planned happened: a transaction that met another may be shorter than the pattern."""
    count = sum(point.met for point in points)
    print(f"{count} of {len(points)} points were met")
    assert count >= len(points) * at_least, [point for point in points if not point.met]


def met_on_old_connections(points):
    """A connection that goes on has its statements prepared: such a message comes again only behind a cut."""
    met([point for point in points if point.met or " Parse" not in point.message])


# ---- the server ----

class Asked:
    """A POST with an Idempotency-Key whose transaction is cut at a point; then asked again until it is answered."""

    def __init__(self, api, path, body, key):
        self.api, self.path, self.body, self.key = api, path, body, key

    def ask(self):
        return self.api.call("POST", self.path, self.body, Idempotency_Key=self.key)

    def again(self):
        """Also just after a cut: a request may be given a connection whose end the server has not seen yet, and is told 503."""
        return wait_until(lambda: (answer := self.ask()).status < 500 and answer, 30, lambda: f"{self.path} {self.key}")


def assert_unavailable(answer):
    """A 503 that says what is known. True: nothing was done."""
    assert answer.status == 503 and answer.problem == "unavailable" and answer.headers["Retry-After"], answer
    nothing = "nothing was done" in answer["detail"]
    assert nothing or "not known" in answer["detail"], answer
    return nothing


@outcome(fault="the connection to PostgreSQL is cut before, inside or behind any message of an acceptance",
         before="POST /v1/messages under way", after="accepted, or nothing of it is kept; a retry with the same Idempotency-Key makes one message of it",
         receiver="nothing, or the message once", customer="202 only after the commit's own word, or when the message was found again; else 503, which says whether it may have been done")
def test_t140_an_acceptance_that_is_cut_anywhere_is_kept_whole_or_not_at_all(platform, some):
    """Catches a 2xx on a commit that never was, half a message, and two messages of one key."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(120)
    relay = relayed(evenpost, evenpost.server)
    told = collections.Counter()

    def accept(key):
        body = {"to": {"address": f"{key}@people.test"}, "subject": key, "text": "Hello\n"}
        return Asked(acme.api, "/v1/messages", body, key)

    def kept(key):
        return evenpost.database.one("select count(*) from messages where subject = %s", key)

    for key in ("laid", "shape"):           # the first lays openings for all: that is a transaction of its own length
        relay.cut()
        assert accept(key).again().status == 202
    points = [Point("idempotency_claim", *place, marker=f"k{number}".encode())
              for number, place in enumerate(drawn(some, relay, "idempotency_claim", 40))]
    relay.plan(*points)

    def one(number):
        key = f"k{number}"
        answer = accept(key).ask()
        if answer.status == 202:
            assert kept(key) == 1, f"{points[number]}: 202, and there is no such message"
        elif assert_unavailable(answer):
            assert kept(key) == 0, f"{points[number]}: \"nothing was done\", and it was"
        told[answer.status, kept(key)] += 1
        again = accept(key).again()
        assert again.status == 202 and kept(key) == 1, (points[number], again)
        assert answer.status != 202 or again["id"] == answer["id"]
        return again["id"]
    sent = Messages(acme, in_rounds(relay, one, len(points)))
    print(f"answered and kept: {dict(told)}")
    met(points)
    assert told[503, 0], "no cut met a transaction before its commit"
    assert told[202, 1] or told[503, 1], "no cut met a commit"
    evenpost.worker.start()
    evenpost.play(Messages(acme, sent.ids[:20]), "delivered", seconds=120)


def freed(evenpost, message, slot):
    """The slot of a cancelled message is nobody's, and can be taken again."""
    held = evenpost.database.one("select count(*) from slots join messages using (customer_id, message_id) where subject = %s", message)
    opened = evenpost.database.one(
        "select count(*) from openings join mailboxes using (customer_id, mailbox_id) where at = %s", slot)
    return held == 0 and opened >= 1


@outcome(fault="the connection to PostgreSQL is cut at any message of a cancellation",
         before="POST /v1/messages/{id}/cancel under way", after="cancelled whole, with its slot free again, or still booked; a retry with the same key cancels it",
         receiver="nothing of a message that is cancelled", customer="200 only when it is cancelled; else 503")
def test_t140_a_cancellation_that_is_cut_anywhere_frees_the_slot_once(platform, some):
    """Catches a message that is cancelled and keeps its slot, and a 200 for one that will be sent."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    relay = relayed(evenpost, evenpost.server)

    def cancel(key, message):
        return Asked(acme.api, f"/v1/messages/{message['id']}/cancel", None, key)

    def state(message):
        return evenpost.database.one("select state from messages where subject = %s", message["subject"])

    def booked(number):
        return acme.send_one(f"c{number}@people.test", subject=f"c{number}")
    first = booked("shape")
    relay.cut()
    assert cancel("shape", first).again().status == 200
    places = drawn(some, relay, "idempotency_claim", 16, " of a cancellation")
    messages = at_once(booked, range(len(places)))
    points = [Point("idempotency_claim", *place, marker=f"k{number}".encode()) for number, place in enumerate(places)]
    relay.plan(*points)

    def one(number):
        message = messages[number]
        answer = cancel(f"k{number}", message).ask()
        if answer.status == 200:
            assert state(message) == "cancelled", points[number]
        elif assert_unavailable(answer):
            assert state(message) == "booked", points[number]
        assert cancel(f"k{number}", message).again().status == 200
        assert state(message) == "cancelled" and freed(evenpost, message["subject"], message["slot"]["at"]), points[number]
    in_rounds(relay, one, len(points))
    met(points)
    events = collections.Counter(event["data"]["message_id"] for event in acme.api.every("/v1/events")
                                 if event["type"] == "message.cancelled")
    assert set(events.values()) == {1} and len(events) == len(points) + 1


@outcome(fault="the connection to PostgreSQL is cut at any message of a change that re-books, or of the closing of a mailbox",
         before="PATCH daily_cap, or DELETE, of a mailbox with booked mail", after="changed whole, every message booked within the new cap (or cancelled), or not at all; asked again it is done",
         receiver="no more dots a day than the cap that was answered", customer="200 or 204 only when it is done; else 503")
def test_t140_a_change_of_a_mailbox_that_is_cut_anywhere_moves_all_its_mail_or_none(platform, some):
    """Catches a cap that is lowered beside slots that stand above it, and a closed mailbox that still has mail to send."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip()
    relay = relayed(evenpost, evenpost.server)

    def box():
        made = acme.mailbox()
        acme.send(3, f"{made['id']}@people.test".replace("_", "-"), mailbox=made)
        return made

    def change(made, to_close):
        path = f"/v1/mailboxes/{made['id']}"
        return acme.api.call("DELETE", path) if to_close else acme.api.call("PATCH", path, {"daily_cap": 1})

    def answered(made, to_close):
        return wait_until(lambda: (answer := change(made, to_close)).status < 500 and answer, 30, "it can be asked again")

    def slots(made):
        return evenpost.database.query(
            "select slots.number, messages.state from messages left join slots using (customer_id, message_id) "
            "where messages.mailbox_id = %s", made["uuid"])

    def is_done(made, to_close):
        rows = slots(made)
        assert len(rows) == 3
        whole = {(None, "cancelled")} if to_close else {(0, "booked")}
        return set(rows) == whole

    def whole_box():
        made = box()
        made["uuid"] = str(uuid.UUID(bytes=uuid_octets(made["id"])))
        return made
    for to_close in (False, True):
        made = whole_box()
        relay.cut()
        assert answered(made, to_close).status in (200, 204)
        kind = "mailbox_closed" if to_close else "mailbox_set"
        kind = next(kind for kind in (kind, "mailbox_hold", "mailbox_lock") if relay.shape(kind))
        places = drawn(some, relay, kind, 10, " of a closing" if to_close else " of a lower cap")
        boxes = [whole_box() for _ in places]
        points = [Point(kind, *place, marker=uuid_octets(made["id"])) for made, place in zip(boxes, places)]
        relay.plan(*points)

        def one(number):
            made, before = boxes[number], slots(boxes[number])
            answer = change(made, to_close)
            if answer.status in (200, 204):
                assert is_done(made, to_close), (points[number], slots(made))
            elif assert_unavailable(answer):
                assert sorted(slots(made)) == sorted(before), points[number]
            again = answered(made, to_close)
            assert again.status in (200, 204) or (to_close and again.status in (404, 409)), (points[number], again)
            assert is_done(made, to_close), (points[number], slots(made))
        in_rounds(relay, one, len(points))
        met(points)



# What stops mail: the path and body of the POST, and two questions whose answers are equal: all of it, or nothing.
SUSPENDED = "select state = 'suspended' from customers where customer_id = %(customer)s"
HALTED = "select '{}' = any (halted) from lanes where customer_id = %(customer)s"
STOPS = {
    "a suppression": ("/v1/suppressions", {"address": "stop@people.test"},
                      "select count(*) = 1 from suppressions where customer_id = %(customer)s",
                      "select state = 'suppressed' from messages where customer_id = %(customer)s"),
    "a suspension": ("/v1/customers/{customer}/suspend", None, SUSPENDED, HALTED.format("customer_suspended")),
    "a pause": ("/v1/ips/{ip}/pause", None, "select paused from ips where ip_id = %(ip)s",
                HALTED.format("ip_paused")),
}


@outcome(fault="the connection to PostgreSQL is cut at any message of a suppression, of a customer's suspension, or of an IP's pause",
         before="the POST under way, mail booked", after="all of it stands, or nothing; asked again with the same key it stands",
         receiver="nothing more once it was answered", customer="2xx only when it stands; else 503")
@pytest.mark.parametrize("stop", STOPS)
def test_t140_a_stop_that_is_cut_anywhere_stands_whole_or_not_at_all(platform, some, stop):
    """Catches a suppression beside mail that will still go out, and a lane that nobody told to halt."""
    path, body, first, second = STOPS[stop]
    evenpost = platform(worker=False)
    relay = relayed(evenpost, evenpost.server)

    def victim(number):
        customer = evenpost.customer(f"c{number}")
        ip = customer.ip()
        customer.mailbox()
        customer.send_one("stop@people.test")
        return customer, ip

    def ask(number, who):
        customer, ip = who
        api = customer.api if stop == "a suppression" else evenpost.api
        return Asked(api, path.format(customer=customer.id, ip=ip["id"]), body, f"s{number}")

    def stands(who):
        customer, ip = who
        ids = {"customer": uuid.UUID(bytes=uuid_octets(customer.id)), "ip": uuid.UUID(bytes=uuid_octets(ip["id"]))}
        with psycopg.connect(evenpost.database.url()) as connection:
            told = {connection.execute(question, ids).fetchone()[0] for question in (first, second)}
        assert len(told) == 1, "half of it stands"
        return told.pop()
    who = victim("shape")
    relay.cut()
    assert ask("shape", who).again().status in (200, 201) and stands(who)
    kind = "idempotency_claim" if relay.shape("idempotency_claim") else "operator_idempotency_claim"
    places = drawn(some, relay, kind, 6, f" of {stop}")
    victims = [victim(number) for number in range(len(places))]
    points = [Point(kind, *place, marker=f"s{number}".encode()) for number, place in enumerate(places)]
    relay.plan(*points)

    def one(number):
        answer, who = ask(number, victims[number]).ask(), victims[number]
        if answer.status in (200, 201):
            assert stands(who), points[number]
        elif assert_unavailable(answer):
            assert not stands(who), points[number]
        assert ask(number, who).again().status in (200, 201) and stands(who), points[number]
    in_rounds(relay, one, len(points))
    met(points)


# ---- the worker ----

ACTS = {"letter_load": 6, "slot_authorize": 20, "attempt_insert": 16}       # and how many points of each the CI tier cuts


def deferred_once(receiver):
    """The first dot of every d… is answered 451: its outcome books another slot."""
    seen = set()

    def words(conversation):
        known = conversation.recipient in seen or not conversation.recipient.startswith("d")
        seen.add(conversation.recipient)
        return "250 2.0.0 taken" if known else "451 4.3.0 later"
    receiver.answer("dot", words)


@outcome(fault="the connection to PostgreSQL is cut at any message of the reading of a letter",
         before="a message is due", after="read again, and delivered", receiver="the message once", customer="delivered")
@outcome(fault="the connection to PostgreSQL is cut at any message of an authorization",
         before="the content is with the receiver, without its dot",
         after="no dot: the slot stays free, or is spent if the commit may have come true; booked anew and delivered",
         receiver="a connection that ends without a dot, later the message once", customer="delivered; the attempt that was not sent is told")
@outcome(fault="the connection to PostgreSQL is cut at any message of an outcome, or of one that books another slot",
         before="the receiver has answered the dot", after="written until it is known to be written: one attempt, one event",
         receiver="the message once (after 451: twice)", customer="delivered")
def test_t142_a_delivery_that_is_cut_anywhere_sends_no_dot_without_an_authorization_that_was_heard(platform, some):
    """Catches a dot on an unknown authorization, a second dot by an outcome that was lost, and an outcome told twice (T140)."""
    evenpost = platform(worker=False, rate=2880)
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(2, window=HOURS)
    receiver = evenpost.receiver()
    deferred_once(receiver)
    relay = relayed(evenpost, evenpost.worker)
    sent = acme.send(2, to=f"a0@{receiver.domain}") + Messages(acme, [acme.send_one(f"d0@{receiver.domain}")["id"]])
    evenpost.play(sent, "delivered", seconds=120)
    places = [(kind, *place) for kind, count in ACTS.items() for place in drawn(some, relay, kind, count)]
    acme.mailboxes(min(len(places), 120), window=HOURS)
    points, messages = [], []
    for kind, *place in places:
        name = ("d" if kind == "attempt_insert" and len(messages) % 2 else "a") + f"{len(messages) + 1}"
        message = acme.send_one(f"{name}@{receiver.domain}")
        points.append(Point(kind, *place, marker=uuid_octets(message["id"])))
        messages.append(message)
        relay.plan(points[-1])
    reads = [Point("due_next", *place) for place in drawn(some, relay, "due_next", 6)]
    relay.plan(*reads)
    sent = Messages(acme, [message["id"] for message in messages])

    def settled():
        for point, message in zip(points, messages):
            dots, heard = receiver.dots_to(message["to"]["address"]), relay.told("slot_authorize", point.marker)
            if len(dots) > heard:
                raise RuntimeError(f"{point}: {len(dots)} dots on {heard} authorizations that were heard")
        return set(sent.states()) == {"delivered"}
    wait_until(settled, 900, lambda: collections.Counter(sent.states()))
    met(points), met(reads)
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
    for point, message in zip(points, messages):
        dots = receiver.dots_to(message["to"]["address"])
        assert len(dots) == (2 if message["to"]["address"].startswith("d") else 1), (point, dots)
    told = collections.Counter((event["type"], event["data"]["message_id"]) for event in acme.api.every("/v1/events")
                               if event["type"] in ("message.delivered", "message.deferred"))
    assert set(told.values()) == {1} and len([key for key in told if key[0] == "message.delivered"]) == len(messages) + 3
    print(f"{len(receiver.unfinished)} conversations ended without their dot")


TAKEOVER = {"lane_raise": 12, "slots_in_doubt": 16}


def lanes_in_doubt(evenpost, receiver, count):
    """That many lanes whose owner was killed between a dot and its reply: customer, IP, and the message of each."""
    lanes = []
    for _ in range(count):
        customer = evenpost.customer()
        ip = customer.ip()
        customer.mailbox()
        lanes.append((customer, ip, customer.send(1, to=receiver)))
    gate, dots = receiver.gate("dot"), len(receiver.dots)
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for _, _, sent in lanes for row in sent.rows()))
    receiver.wait_dots(dots + count, 90)
    evenpost.worker.kill()
    gate.open()
    receiver.gates.clear()
    return lanes


@outcome(fault="the connection to PostgreSQL is cut at any message of the raising of a generation, or of the settling of what the old owner left",
         before="a worker takes over a lane whose owner was killed behind a dot", after="raised and settled: the message is unconfirmed, once; the lane sends on",
         receiver="no second dot", customer="unconfirmed, and may ask for a resend")
def test_t140_a_takeover_that_is_cut_anywhere_settles_each_message_once(platform, some):
    """Catches a lane that stays without an owner, a message that stays `sending`, and a doubt that is told twice (P6)."""
    evenpost = platform()
    receiver = evenpost.receiver()
    (_, _, shape), = lanes_in_doubt(evenpost, receiver, 1)
    relay = evenpost.database_relay(kind=PgRelay)
    evenpost.worker.start()
    shape.wait_until("unconfirmed", seconds=60)
    places = [(kind, *place) for kind, count in TAKEOVER.items() for place in drawn(some, relay, kind, count)]
    lanes = lanes_in_doubt(evenpost, receiver, len(places))
    points = [Point(*place, marker=uuid_octets(ip["id"])) for place, (_, ip, _) in zip(places, lanes)]
    relay.plan(*points)
    evenpost.worker.start()
    for point, (customer, _, sent) in zip(points, lanes):
        sent.wait_until("unconfirmed", seconds=120)
        assert [event["type"] for event in customer.api.every("/v1/events")].count("message.unconfirmed") == 1, point
    met(points)
    more = [customer.send(1, to=receiver) for customer, _, _ in lanes]
    for messages in more:
        evenpost.play(messages, "delivered")
    assert len(receiver.dots) == 1 + 2 * len(lanes), "one for each that is in doubt, one for each that came after"


# ---- the jobs ----

REBOOKING, LAYING = "message_mailbox_hold", "mailboxes_plan"


def every_third(dice, places):
    """A job that is cut rests before it goes on: all the places would take a quarter of an hour."""
    return places[dice.randrange(3)::3]


@outcome(fault="the connection to PostgreSQL is cut at any message of a re-booking, or of the laying of a mailbox's openings",
         before="jobs book a message anew whose slot passed; or lay days ahead", after="booked in one other slot; each day laid once; the rest as before",
         receiver="the message once, never more than the cap a day", customer="the new slot, and why")
def test_t140_a_rebooking_that_is_cut_anywhere_gives_each_message_one_slot(platform, some, dice):
    """Catches a message with two slots or none, and an opening that is laid beside the slot that was taken of it (P2)."""
    evenpost = platform(worker=False)
    acme = evenpost.customer()
    acme.ip()
    receiver = evenpost.receiver()
    relay = relayed(evenpost, evenpost.jobs)

    def let_pass(sent):
        """Nobody sends: the slots of all of them pass."""
        evenpost.clock.jump_to(max(instant(row["slot"]["not_after"]) for row in sent.rows()))
        evenpost.clock.jump(60)

    def rebooked(sent):
        now = evenpost.clock.now()
        return all(row["state"] == "booked" and instant(row["slot"]["not_after"]) > now for row in sent.rows())
    acme.mailbox()
    shape = acme.send(1, to=receiver)
    relay.cut()
    let_pass(shape)
    wait_until(lambda: rebooked(shape) and relay.shape(LAYING), 60, lambda: shape.rows())
    places = every_third(dice, drawn(some, relay, REBOOKING, 24))
    lays = [Point(LAYING, *place) for place in every_third(dice, drawn(some, relay, LAYING, 15, " of a laying"))]
    acme.mailboxes(len(places))
    sent = acme.send(len(places), to=receiver)
    points = [Point(REBOOKING, *place, marker=uuid_octets(id)) for place, id in zip(places, sent.ids)]
    relay.plan(*points, *lays)
    let_pass(sent)
    wait_until(lambda: rebooked(sent), 600, lambda: [row["slot"] for row in sent.rows()])
    met_on_old_connections(points + lays)
    twice = "select count(*) from slots join openings using (customer_id, mailbox_id, local_day, number)"
    assert evenpost.database.one(twice) == 0, "an opening beside its own slot"
    evenpost.worker.start()
    evenpost.clock.set_rate(8640)
    wait_until(lambda: set((sent + shape).states()) == {"delivered"}, 240, lambda: sent.states())
    assert len(receiver.dots) == len(sent) + 1
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
