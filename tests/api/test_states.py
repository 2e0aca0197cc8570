"""What becomes of a message, as its sender is told it and as the receiver saw it.

One platform; every test has a customer of its own, and only ever moves the clock forward.
"""
import datetime
import email
import email.policy

import pytest

from harness.clock import instant
from harness.evenpost import ALL_DAY, Messages
from harness.wait import stays, wait_until


@pytest.fixture
def acme(evenpost):
    acme = evenpost.customer()
    acme.ip_row = acme.ip()
    return acme


def plan(acme, mailbox, days=9):
    return acme.api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days={days}")["data"]


def free(acme, mailbox, days=9):
    return [entry for entry in plan(acme, mailbox, days) if entry["state"] == "free"]


def refusal(acme, slug, pointer, status=409, **fields):
    """A message that is refused for that reason."""
    body = {"to": {"address": "bo@people.test"}, "subject": "s", "text": "t", **fields}
    answer = acme.api.post("/v1/messages", body, expect=status)
    assert answer.problem == slug, answer
    if pointer is not None:
        assert pointer in [error["pointer"] for error in answer.body.get("errors", [])], answer
    return answer


def code(acme, message):
    return acme.message(message["id"])["explanation"]["code"]


def row_until(acme, message, state, seconds=15):
    def there():
        row = acme.message(message["id"])
        assert row["state"] == state, (row["state"], row["explanation"])
        return row
    return wait_until(there, seconds, lambda: (state, acme.evenpost.worker.tail(4)))


def at_its_second(acme, message, *states):
    """The clock goes to the message's slot, and no further; its row in one of these states."""
    acme.evenpost.clock.jump_to(instant(acme.message(message["id"])["slot"]["at"]))

    def there():
        row = acme.message(message["id"])
        assert row["state"] in states, (row["state"], row["explanation"])
        return row
    return wait_until(there, 15, lambda: (states, acme.evenpost.worker.tail(4)))


def inbox(evenpost, to):
    return evenpost.inbox.get(f"/inbox?to={to}")["data"]


def received(evenpost, to):
    """The one letter that the receiver has for this person."""
    row, = inbox(evenpost, to)
    raw = evenpost.inbox.get(row["raw_url"].split("8026", 1)[1]).octets
    return email.message_from_bytes(raw, policy=email.policy.SMTP), row


# ---- when ----

def test_the_third_message_of_a_mailbox_goes_on_its_next_day(evenpost, acme):
    """Catches a cap that is a queue's length: two a local day, and the days one after another."""
    mailbox = acme.mailbox(time_zone="Asia/Tokyo")
    evenpost.clock.jump_to(instant(free(acme, mailbox)[1]["at"]) + datetime.timedelta(minutes=1))
    promised = free(acme, mailbox)
    sent = [acme.send_one(f"third{n}@people.test") for n in range(5)]
    assert [row["slot"]["at"] for row in sent] == [entry["at"] for entry in promised[:5]]
    days = [row["slot"]["local_day"] for row in sent]
    assert days == sorted(days) and max(days.count(day) for day in days) == 2 and days[-1] > days[1]
    assert [(row["slot"]["local_day"], row["slot"]["number"]) for row in sent] == [
        (entry["local_day"], entry["number"]) for entry in promised[:5]]


def test_what_the_plan_says_is_what_the_receiver_sees(evenpost, acme):
    """Catches a plan for the page alone: the receiver's own record has the same seconds, whoever was paused meanwhile."""
    boxes = acme.mailboxes(2, time_zone="America/New_York")
    said = sorted(entry["at"] for box in boxes for entry in free(acme, box))[:4]
    sent = [acme.send_one(f"plan{n}@people.test") for n in range(4)]
    assert sorted(row["slot"]["at"] for row in sent) == said
    for row in sorted(sent, key=lambda row: row["slot"]["at"]):
        ended = at_its_second(acme, row, "delivered")
        _, seen = received(evenpost, row["to"]["address"])
        late = instant(seen["at"]) - instant(row["slot"]["at"])
        assert datetime.timedelta(seconds=-1) < late < datetime.timedelta(seconds=15), late
        assert seen["source"] == acme.ip_row["address"] and seen["from"] == row["from"]
        assert ended["slot"]["at"] == row["slot"]["at"]
    for box in boxes:
        states = {entry["message_id"]: entry["state"] for entry in plan(acme, box) if entry["message_id"]}
        assert set(states.values()) <= {"spent"} and set(states) <= {row["id"] for row in sent}
        assert acme.api.get(f"/v1/mailboxes/{box['id']}")["sent_today"] <= 2


def test_a_message_without_a_mailbox_takes_the_earliest_second_of_all(evenpost, acme):
    boxes = acme.mailboxes(5)
    earliest = min((entry["at"], box["id"]) for box in boxes for entry in free(acme, box, 3))
    sent = acme.send_one("earliest@people.test")
    assert (sent["slot"]["at"], sent["mailbox_id"]) == earliest


def test_nothing_goes_before_the_time_that_was_asked_for(evenpost, acme):
    acme.mailbox()
    now = evenpost.clock.now()
    wanted = (now + datetime.timedelta(days=3, hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = acme.send_one("scheduled@people.test", scheduled_at=wanted)
    assert sent["slot"]["at"] >= wanted and sent["scheduled_at"] == wanted
    assert sent["explanation"]["code"] == "scheduled" and sent["explanation"]["until"] == sent["slot"]["at"]
    for days, status in ((89, 202), (91, 422)):
        at = (now + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = acme.api.post("/v1/messages", {"to": {"address": f"d{days}@people.test"}, "subject": "s", "text": "t",
                                                "scheduled_at": at}, expect=(202, 422, 409))
        assert answer.status == status, answer
    past = acme.send_one("past@people.test", scheduled_at="2020-02-29T12:00:00+01:00")
    assert past["state"] == "booked" and past["slot"]["at"] > sent["created_at"]


def test_beyond_the_horizon_there_is_no_slot_and_the_answer_says_from_when(evenpost, acme):
    """Catches a queue without an end: 90 days of one mailbox's slots, and no more."""
    acme.mailbox(daily_cap=1, window={**ALL_DAY, "days": ["sun"]})
    booked = 0
    while booked < 20:
        body = {"to": {"address": f"far{booked}@people.test"}, "subject": "s", "text": "t"}
        answer = acme.api.post("/v1/messages", body, expect=(202, 409))
        if answer.status == 409:
            break
        booked += 1
    assert answer.problem == "no-free-slot" and 12 <= booked <= 14, (booked, answer)
    assert "20" in answer["detail"], "the refusal says from when"


# ---- cancel and resend ----

def test_a_cancelled_message_gives_its_second_back(evenpost, acme):
    mailbox = acme.mailbox()
    sent = acme.send_one("cancelled@people.test")
    assert acme.api.post(f"/v1/messages/{sent['id']}/cancel", expect=200)["state"] == "cancelled"
    again = acme.api.post(f"/v1/messages/{sent['id']}/cancel", expect=409)
    assert again.problem == "too-late"
    assert free(acme, mailbox)[0]["at"] == sent["slot"]["at"]
    other = acme.send_one("instead@people.test")
    assert other["slot"] == sent["slot"]
    at_its_second(acme, other, "delivered")
    assert inbox(evenpost, "cancelled@people.test") == []
    assert acme.api.post(f"/v1/messages/{other['id']}/cancel", expect=409).problem == "too-late"
    assert acme.message(sent["id"])["slot"] is None


def test_only_what_is_unconfirmed_is_sent_again_and_as_the_same_letter(evenpost, acme):
    """Catches a second letter that a receiver could not recognize, and one that nobody asked for (P6)."""
    mailbox = acme.mailbox()
    sent = acme.send_one("drop+again@people.test", mailbox)
    resend = f"/v1/messages/{sent['id']}/resend"
    assert acme.api.post(resend, expect=409).problem == "not-unconfirmed"
    doubtful = at_its_second(acme, sent, "unconfirmed")
    assert doubtful["last_attempt"]["outcome"] == "unconfirmed" and doubtful["last_attempt"]["stage"] == "dot"
    assert acme.api.post(f"/v1/messages/{sent['id']}/cancel", expect=409).problem == "too-late"
    stays(lambda: len(inbox(evenpost, "drop%2Bagain@people.test")) == 1, 1, "it is not sent again by itself")
    made = acme.api.post(resend, expect=202, Idempotency_Key="again")
    assert acme.api.post(resend, expect=202, Idempotency_Key="again")["id"] == made["id"]
    assert acme.api.post(resend, expect=409).problem == "not-unconfirmed"
    assert made["resend_of"] == sent["id"] and made["id"] != sent["id"] and made["mailbox_id"] == sent["mailbox_id"]
    assert made.headers["Location"] == f"/v1/messages/{made['id']}"
    assert acme.message(sent["id"])["state"] == "resent" and code(acme, sent) == "resent"
    ids = {email.message_from_bytes(acme.api.get(f"/v1/messages/{id}/source").octets)["Message-ID"]
           for id in (sent["id"], made["id"])}
    assert len(ids) == 1
    at_its_second(acme, made.body, "unconfirmed")
    assert len(inbox(evenpost, "drop%2Bagain@people.test")) == 2


# ---- what the receiver says ----

def test_a_final_refusal_bounces_and_gives_the_second_back(evenpost, acme):
    """Catches a slot that is spent though no dot went out."""
    mailbox = acme.mailbox()
    sent = acme.send_one("reject@people.test", mailbox)
    row = at_its_second(acme, sent, "bounced")
    assert row["last_attempt"]["reply"]["code"] == 550 and row["slot"] is None
    assert "550" in row["explanation"]["text"]
    assert acme.api.get(f"/v1/mailboxes/{mailbox['id']}")["sent_today"] == 0
    assert inbox(evenpost, "reject@people.test") == []
    assert acme.api.post(f"/v1/messages/{sent['id']}/resend", expect=409).problem == "not-unconfirmed"


def test_a_refusal_of_the_content_bounces_and_the_second_is_spent(evenpost, acme):
    """Catches a cap that counts successes: the receiver saw a dot."""
    mailbox = acme.mailbox()
    row = at_its_second(acme, acme.send_one("reject-dot@people.test", mailbox), "bounced")
    assert row["last_attempt"]["stage"] == "dot"
    assert [entry["state"] for entry in plan(acme, mailbox) if entry["message_id"] == row["id"]] == ["spent"]


def test_greylisting_is_waited_out_inside_the_same_slot(evenpost, acme):
    boxes = acme.mailboxes(8)
    early = lambda box: [entry for entry in free(acme, box) if instant(entry["at"]).hour < 20][0]["at"]
    box = min(boxes, key=early)
    sent = acme.send_one("greylist@grey.test", box, scheduled_at=early(box))
    evenpost.clock.jump_to(instant(sent["slot"]["at"]))
    wait_until(lambda: code(acme, sent) == "greylisted", 15, lambda: acme.message(sent["id"]))
    waits = acme.message(sent["id"])
    assert waits["state"] == "booked" and waits["slot"] == sent["slot"]
    assert instant(waits["explanation"]["until"]) > instant(sent["slot"]["at"])
    row, = evenpost.play(Messages(acme, [sent["id"]]), "delivered")
    assert row["slot"]["local_day"] == sent["slot"]["local_day"]
    assert [attempt["outcome"] for attempt in acme.attempts(sent["id"])][::-1] in (
        ["deferred", "delivered"], ["delivered", "deferred"])


def test_a_deferred_message_says_what_the_receiver_said_and_when_it_is_tried_again(evenpost, acme):
    mailbox = acme.mailbox()
    sent = acme.send_one("defer@people.test", mailbox)
    evenpost.clock.jump_to(instant(sent["slot"]["at"]))
    row = wait_until(lambda: acme.attempts(sent["id"]) and acme.message(sent["id"]), 15)
    explanation = row["explanation"]
    assert row["state"] == "booked" and explanation["code"] == "deferred_by_receiver", row
    assert "451" in explanation["text"] and instant(explanation["until"]) > evenpost.clock.now()
    assert row["last_attempt"]["outcome"] == "deferred" and row["last_attempt"]["reply"]["enhanced"] == "4.3.0"
    assert [event["type"] for event in acme.api.every(f"/v1/events?message_id={sent['id']}")][-1] in (
        "message.deferred", "message.booked")
    evenpost.clock.jump_to(instant(explanation["until"]))
    wait_until(lambda: len(acme.attempts(sent["id"])) == 2, 15, lambda: (acme.message(sent["id"]), evenpost.worker.tail(3)))
    assert acme.api.post(f"/v1/messages/{sent['id']}/cancel", expect=200)["state"] == "cancelled"
    assert acme.api.get(f"/v1/mailboxes/{mailbox['id']}")["sent_today"] == 0


# ---- whom not to write to ----

def test_who_is_suppressed_gets_nothing_that_was_booked_before_either(evenpost, acme):
    mailbox = acme.mailbox()
    by_address, by_domain, other = (acme.send_one(to, mailbox) for to in ("Bo@Stop.test", "cy@gone.test", "di@fine.test"))
    made = acme.api.post("/v1/suppressions", {"address": "bo@stop.TEST"}, expect=201)
    whole = acme.api.post("/v1/suppressions", {"domain": "GONE.test"}, expect=201)
    assert whole["domain"] == "gone.test"
    for row in (by_address, by_domain):
        now = acme.message(row["id"])
        assert now["state"] == "suppressed" and now["slot"] is None and now["explanation"]["code"] == "suppressed"
        assert [event["type"] for event in acme.api.every(f"/v1/events?message_id={row['id']}")][-1] == "message.suppressed"
    assert acme.message(other["id"])["state"] == "booked"
    assert free(acme, mailbox)[0]["at"] == by_address["slot"]["at"], "the second is free again"
    for address in ("bo@stop.test", "BO@STOP.TEST", "anybody@gone.test", "cy@GONE.test"):
        refusal(acme, "suppressed", "/to/address", to={"address": address})
    refusal(acme, "suppressed", "/to/address", to={"address": "bo@stop.test"}, in_reply_to=by_address["id"])
    acme.send_one("bo@sub.gone.test")
    acme.api.delete(f"/v1/suppressions/{made['id']}")
    acme.send_one("bo@stop.test")
    at_its_second(acme, other, "delivered")
    assert inbox(evenpost, "cy@gone.test") == []


def test_one_person_is_not_courted_by_two_mailboxes(evenpost):
    acme = evenpost.customer("Gap", recipient_gap_days=30)
    acme.ip(), acme.mailboxes(2)
    first = acme.send_one("once@people.test")
    refusal(acme, "recently-written", "/to/address", to={"address": "ONCE@people.test"})
    acme.api.post(f"/v1/messages/{first['id']}/cancel", expect=200)
    second = acme.send_one("once@people.test")
    at_its_second(acme, second, "delivered")
    refusal(acme, "recently-written", "/to/address", to={"address": "once@people.test"})
    follow_up = acme.send_one("once@people.test", in_reply_to=second["id"])
    assert follow_up["mailbox_id"] == second["mailbox_id"]


# ---- a thread ----

def test_a_follow_up_goes_from_the_mailbox_of_its_thread_and_names_what_it_follows(evenpost, acme):
    """Catches a follow-up from a stranger's address, or one that no mail program shows below the first."""
    boxes = acme.mailboxes(3)
    first = acme.send_one("thread@people.test", boxes[1], subject="One")
    second = acme.send_one("thread@people.test", in_reply_to=first["id"], subject="Re: One")
    third = acme.send_one("thread@people.test", in_reply_to=second["id"], subject="Re: Re: One")
    rows = (first, second, third)
    assert {row["mailbox_id"] for row in rows} == {boxes[1]["id"]}
    assert first["slot"]["at"] < second["slot"]["at"] < third["slot"]["at"]
    assert second["in_reply_to"] == first["id"] and third["in_reply_to"] == second["id"]
    for row in rows:
        at_its_second(acme, row, "delivered")
    letters = {letter["Subject"]: letter for letter in (
        email.message_from_bytes(evenpost.inbox.get(row["raw_url"].split("8026", 1)[1]).octets)
        for row in inbox(evenpost, "thread@people.test"))}
    one, two, three = letters["One"], letters["Re: One"], letters["Re: Re: One"]
    assert one["In-Reply-To"] is None and one["References"] is None
    assert two["In-Reply-To"] == one["Message-ID"] and two["References"].split() == [one["Message-ID"]]
    assert three["In-Reply-To"] == two["Message-ID"]
    assert three["References"].split() == [one["Message-ID"], two["Message-ID"]]


def test_a_follow_up_is_refused_where_it_would_not_follow(evenpost, acme):
    boxes = acme.mailboxes(2)
    first = acme.send_one("only@people.test", boxes[0])
    refusal(acme, "validation", "/mailbox_id", 422, to={"address": "only@people.test"}, in_reply_to=first["id"],
            mailbox_id=boxes[1]["id"])
    refusal(acme, "validation", "/in_reply_to", 422, to={"address": "another@people.test"}, in_reply_to=first["id"])
    acme.api.patch(f"/v1/mailboxes/{boxes[0]['id']}", {"state": "paused"})
    refusal(acme, "mailbox-paused", None, to={"address": "only@people.test"}, in_reply_to=first["id"])


# ---- a mailbox changes ----

def test_a_paused_mailbox_takes_nothing_new_and_what_is_booked_waits(evenpost, acme):
    mailbox = acme.mailbox()
    path = f"/v1/mailboxes/{mailbox['id']}"
    sent, later = acme.send_one("pause@people.test"), acme.send_one("later@people.test")
    assert acme.api.patch(path, {"state": "paused"})["state"] == "paused"
    refusal(acme, "mailbox-paused", "/mailbox_id", mailbox_id=mailbox["id"])
    evenpost.clock.jump_to(instant(sent["slot"]["at"]))
    stays(lambda: acme.message(sent["id"])["state"] == "booked" and code(acme, sent) == "mailbox_paused", 2)
    assert inbox(evenpost, "pause@people.test") == []
    acme.api.patch(path, {"state": "active"})
    row_until(acme, sent, "delivered")
    acme.api.patch(path, {"state": "paused"})
    evenpost.clock.jump_to(instant(later["slot"]["not_after"]) + datetime.timedelta(seconds=1))
    row = row_until(acme, later, "accepted", 20)
    assert row["slot"] is None and row["explanation"]["code"] == "mailbox_paused"
    acme.api.patch(path, {"state": "active"})
    row = row_until(acme, later, "booked")
    assert row["slot"]["local_day"] > later["slot"]["local_day"]
    at_its_second(acme, later, "delivered")


def test_a_closed_mailbox_comes_back_as_the_same_with_its_day_as_it_was(evenpost, acme):
    """Catches a fresh day for whoever deletes the address and makes it anew: the cap belongs to the address (P2)."""
    mailbox = acme.mailbox("ann@cap.test", display_name="Before")
    path = f"/v1/mailboxes/{mailbox['id']}"
    sent = [acme.send_one(f"cap{n}@people.test") for n in range(4)]
    first_of_a_day = next(n for n in range(3) if sent[n]["slot"]["local_day"] == sent[n + 1]["slot"]["local_day"])
    for row in sent[:first_of_a_day + 2]:
        at_its_second(acme, row, "delivered")
    assert acme.api.get(path)["sent_today"] == 2
    acme.api.delete(path)
    assert acme.api.get(path)["state"] == "closed"
    acme.api.delete(path, expect=(204, 404, 409))
    for row in sent[first_of_a_day + 2:]:
        now = acme.message(row["id"])
        assert now["state"] == "cancelled" and now["explanation"]["code"] == "cancelled" and now["slot"] is None
    refusal(acme, "mailbox-paused", "/mailbox_id", mailbox_id=mailbox["id"])
    again = acme.mailbox("Ann@CAP.test", display_name="After")
    assert again["id"] == mailbox["id"] and again["state"] == "active" and again["display_name"] == "After"
    assert again["sent_today"] == 2
    more = acme.send_one("cap9@people.test", again)
    today = sent[first_of_a_day]["slot"]["local_day"]
    assert more["slot"]["local_day"] > today
    assert {entry["state"] for entry in plan(acme, again) if entry["local_day"] == today} == {"spent"}


def test_a_lower_cap_books_anew_what_is_above_it(evenpost, acme):
    mailbox = acme.mailbox()
    sent = [acme.send_one(f"lower{n}@people.test") for n in range(4)]
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"daily_cap": 1})
    rows = [acme.message(row["id"]) for row in sent]
    assert {row["state"] for row in rows} == {"booked"}
    days = [row["slot"]["local_day"] for row in rows]
    assert len(set(days)) == 4 and {row["slot"]["number"] for row in rows} == {0}
    assert {entry["number"] for entry in plan(acme, mailbox) if entry["state"] == "free"} == {0}


def test_a_new_window_or_zone_leaves_what_is_booked_where_it_was(evenpost, acme):
    mailbox = acme.mailbox()
    sent = [acme.send_one(f"stay{n}@people.test") for n in range(3)]
    window = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "12:00", "end": "13:00"}
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"window": window, "time_zone": "Pacific/Auckland"})
    assert [acme.message(row["id"])["slot"] for row in sent] == [row["slot"] for row in sent]
    for entry in free(acme, mailbox):
        at = instant(entry["at"]).hour * 60 + instant(entry["at"]).minute
        assert at in range(23 * 60, 24 * 60), "noon in Auckland is 23:00 UTC in summer"


# ---- an IP changes ----

def test_a_paused_ip_sends_nothing_and_goes_on_where_it_was(evenpost, acme):
    acme.mailbox()
    path = f"/v1/ips/{acme.ip_row['id']}"
    assert evenpost.api.post(path + "/pause", expect=200)["paused"] is True
    sent = acme.send_one("ippause@people.test")
    assert sent["state"] == "booked" and sent["explanation"]["code"] == "ip_paused"
    evenpost.clock.jump_to(instant(sent["slot"]["at"]))
    stays(lambda: acme.message(sent["id"])["state"] == "booked" and code(acme, sent) == "ip_paused", 2)
    assert evenpost.api.post(path + "/pause", expect=200)["paused"] is True
    assert evenpost.api.post(path + "/resume", expect=200)["paused"] is False
    row_until(acme, sent, "delivered")


def test_a_released_ips_mailboxes_go_to_another_with_their_days_and_numbers(evenpost, acme):
    mailbox = acme.mailbox()
    sent = [acme.send_one(f"move{n}@people.test") for n in range(3)]
    second = acme.ip()
    released = evenpost.api.post(f"/v1/ips/{acme.ip_row['id']}/release", expect=200)
    assert released["state"] == "quarantined" and released["customer_id"] is None
    assert instant(released["available_at"]) - evenpost.clock.now() > datetime.timedelta(days=29)
    assert acme.api.get(f"/v1/mailboxes/{mailbox['id']}")["ip_id"] == second["id"]
    for row in sent:
        now = acme.message(row["id"])
        assert (now["slot"]["local_day"], now["slot"]["number"]) == (row["slot"]["local_day"], row["slot"]["number"])
        assert now["slot"]["ip_id"] == second["id"] and second["address"] in now["explanation"]["text"]
    first = min((acme.message(row["id"]) for row in sent), key=lambda row: row["slot"]["at"])
    at_its_second(acme, first, "delivered")
    assert received(evenpost, first["to"]["address"])[1]["source"] == second["address"]
    other = evenpost.customer("Next")
    taken = evenpost.api.post(f"/v1/ips/{acme.ip_row['id']}/assign", {"customer_id": other.id}, expect=409)
    assert taken.problem == "ip-unavailable"


def test_without_an_ip_what_was_booked_is_kept_until_one_comes(evenpost, acme):
    mailbox = acme.mailbox()
    sent = acme.send_one("noip@people.test")
    evenpost.api.post(f"/v1/ips/{acme.ip_row['id']}/release", expect=200)
    row = acme.message(sent["id"])
    assert row["state"] == "accepted" and row["slot"] is None and row["explanation"]["code"] == "ip_unavailable"
    assert row["explanation"]["until"] is None
    refusal(acme, "ip-unavailable", None, mailbox_id=mailbox["id"])
    assert acme.api.get(f"/v1/mailboxes/{mailbox['id']}")["ip_id"] is None
    acme.api.get(f"/v1/ips/{acme.ip_row['id']}", expect=404)
    waits_for_cancel = acme.message(sent["id"])
    fresh = acme.ip()
    row = row_until(acme, waits_for_cancel, "booked")
    assert row["slot"]["ip_id"] == fresh["id"]
    at_its_second(acme, row, "delivered")
    assert received(evenpost, "noip@people.test")[1]["source"] == fresh["address"]


def test_what_waits_without_a_slot_can_be_cancelled(evenpost, acme):
    acme.mailbox()
    sent = acme.send_one("gone@people.test")
    evenpost.api.post(f"/v1/ips/{acme.ip_row['id']}/release", expect=200)
    assert acme.message(sent["id"])["state"] == "accepted"
    assert acme.api.post(f"/v1/messages/{sent['id']}/cancel", expect=200)["state"] == "cancelled"
    acme.ip()
    stays(lambda: acme.message(sent["id"])["state"] == "cancelled", 1)


# ---- a customer changes ----

def test_a_suspended_customer_waits_and_a_closed_one_is_over(evenpost, acme):
    acme.mailbox()
    path = f"/v1/customers/{acme.id}"
    sent, never = acme.send_one("susp@people.test"), acme.send_one("never@people.test")
    assert evenpost.api.post(path + "/suspend", expect=200)["state"] == "suspended"
    refusal(acme, "customer-suspended", None)
    evenpost.clock.jump_to(instant(sent["slot"]["at"]))
    stays(lambda: acme.message(sent["id"])["state"] == "booked" and code(acme, sent) == "customer_suspended", 2)
    assert evenpost.api.post(path + "/resume", expect=200)["state"] == "active"
    row_until(acme, sent, "delivered")
    assert evenpost.api.post(path + "/close", expect=200)["state"] == "closed"
    assert acme.operator.get(f"/v1/messages/{never['id']}")["state"] == "cancelled"
    assert evenpost.api.post(path + "/resume", expect=409).problem == "customer-suspended"
    told = acme.api.call("POST", "/v1/messages", {"to": {"address": "x@y.test"}, "subject": "s", "text": "t"})
    assert told.status in (401, 409), told
    evenpost.clock.jump_to(instant(never["slot"]["at"]))
    stays(lambda: inbox(evenpost, "never@people.test") == [], 1)


def test_a_live_customers_mail_never_takes_the_default_route(evenpost):
    """Catches a live letter in the sandbox; and a live domain that nobody has proven."""
    identity = {"legal_name": "L GmbH", "postal_address": "Weg 1", "contact": "l@l.test"}
    live = evenpost.customer("Live", "live", identity=identity)
    live.ip()
    answer = live.api.post("/v1/mailboxes", {"address": "ann@live-unknown.test"}, expect=422)
    assert answer["errors"][0]["pointer"] == "/address"
    assert live.api.post("/v1/domains", {"name": "live.test"}, expect=201)["state"] == "pending"
    mailbox = live.mailbox("ann@live.test")
    refusal(live, "domain-not-ready", None, mailbox_id=mailbox["id"])
