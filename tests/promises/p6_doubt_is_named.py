"""P6. If we died between the final dot and its reply, the message is `unconfirmed`, its slot is spent, and nothing is sent
again unless the customer asks for it.

The judge: the dots that the receiver read, and the states that the customer was told.
"""
import pytest

from harness.clock import instant
from harness.evenpost import ALL_DAY, SETTLED, Messages
from harness.receiver import CLOSE, RESET
from harness.wait import stays, wait_until

AUTHORIZED = ("slots", "update", "old.state = 'booked' and new.state = 'authorized'")


def one_message(evenpost):
    """A customer with one message that is due when the clock says so, and its receiver."""
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    receiver = evenpost.receiver()
    return acme, receiver, acme.send(1, to=receiver)


def begin(evenpost, sent):
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for row in sent.rows()))


def assert_unconfirmed_and_left_alone(evenpost, acme, receiver, sent, dots):
    wait_until(lambda: len(receiver.dots) == dots, 30, "the dot")
    others = {"accepted", "booked"} if dots else set()      # behind a dot no word of ours leads back there
    row, = sent.wait_until("unconfirmed", *others, seconds=40)
    assert (row["state"], row["explanation"]["code"]) == ("unconfirmed", "unconfirmed")
    slots = acme.api.get(f"/v1/mailboxes/{row['mailbox_id']}/plan?days=1")["data"]
    assert [slot["state"] for slot in slots if slot["message_id"] == row["id"]] == ["spent"]
    evenpost.clock.jump(2 * 86400)
    stays(lambda: len(receiver.dots) == dots, 2, "not sent again by itself")
    assert [event["type"] for event in acme.api.every(f"/v1/events?message_id={row['id']}")].count("message.unconfirmed") == 1


@pytest.mark.parametrize("answer", [CLOSE, RESET, b"250-2.0.0 half\r\n", b"250 2.0", "354 go on", "150 wait", "what?", b"\0\r\n", "650 x"],
                         ids=["close", "reset", "half-reply", "half-line", "354", "150", "garbage", "nul", "650"])
def test_a_dot_without_a_whole_reply_is_unconfirmed_and_not_sent_again(evenpost, answer):
    """Catches a second delivery of what may have been taken, as most servers do (T21, T29, T33)."""
    acme, receiver, sent = one_message(evenpost)
    receiver.answer("dot", answer)
    begin(evenpost, sent)
    assert_unconfirmed_and_left_alone(evenpost, acme, receiver, sent, dots=1)


def test_a_reply_that_is_cut_anywhere_is_no_reply(evenpost):
    """Catches a 250 believed before its line end: a relay cuts the reply to the dot after each octet (T26)."""
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(10)
    receiver = evenpost.receiver(through_relay=True)
    whole = len("250 2.0.0 taken\r\n")
    octets = {f"p{n + 1}@{receiver.domain}": n for n in range(whole)}
    receiver.when("dot", lambda conversation: receiver.relay.cut_after(octets[conversation.recipient]))
    sent = acme.send(whole, to=receiver)
    rows = evenpost.play(sent, *SETTLED, seconds=120)
    assert [row["state"] for row in rows] == ["unconfirmed"] * whole
    assert len(receiver.dots) == whole


def test_a_worker_killed_between_the_dot_and_its_reply_leaves_it_unconfirmed(platform):
    """Catches a second dot by the next owner, and `sending` for ever (T161). The customer may then ask for a resend."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    gate = receiver.gate("dot")
    begin(evenpost, sent)
    gate.wait()
    evenpost.worker.kill()
    gate.open()
    evenpost.worker.start()
    assert_unconfirmed_and_left_alone(evenpost, acme, receiver, sent, dots=1)
    receiver.gates.clear()
    again = acme.api.post(f"/v1/messages/{sent.ids[0]}/resend", expect=202)
    assert again["resend_of"] == sent.ids[0]
    evenpost.play(Messages(acme, [again["id"]]), "delivered")
    assert sent.states() == ["resent"] and len(receiver.dots) == 2
    assert receiver.dots[0].header("Message-ID") == receiver.dots[1].header("Message-ID") != []
    assert acme.api.post(f"/v1/messages/{sent.ids[0]}/resend", expect=409).problem == "not-unconfirmed"


def test_a_worker_killed_while_its_authorization_commits_sends_no_dot_and_says_so(platform):
    """Catches an authorized slot that nobody settles, and one that is used twice (T161)."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    brake = evenpost.database.brake(*AUTHORIZED)
    begin(evenpost, sent)
    brake.reached()
    evenpost.worker.kill()
    brake.release()
    evenpost.worker.start()
    assert_unconfirmed_and_left_alone(evenpost, acme, receiver, sent, dots=0)
    assert len(receiver.unfinished) == 1


def test_postgres_killed_between_authorize_and_dot_sends_no_dot(platform):
    """Catches a dot on the word of a statement whose transaction never was (T142, T145, T162)."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    brake = evenpost.database.brake(*AUTHORIZED)
    begin(evenpost, sent)
    brake.reached()
    evenpost.database.crash()
    wait_until(lambda: receiver.open() == 0, 40, "the session ended without a dot")
    assert receiver.dots == [] and len(receiver.unfinished) == 1, receiver.story()
    evenpost.database.start()
    evenpost.database.query("drop trigger brake on slots")
    evenpost.ready()
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 1


def test_an_authorization_whose_answer_is_lost_is_spent_and_sends_no_dot(platform):
    """Catches a dot on an unknown commit, and a slot given back after a known one: a relay cuts at the commit (T142)."""
    evenpost = platform(worker=False)
    relay = evenpost.database_relay()
    evenpost.worker.start()
    acme, receiver, sent = one_message(evenpost)
    brake = evenpost.database.brake(*AUTHORIZED)
    begin(evenpost, sent)
    brake.reached()
    relay.cut()
    brake.release()
    wait_until(lambda: receiver.open() == 0, 40, "the session ended without a dot")
    assert receiver.dots == [] and len(receiver.unfinished) == 1, receiver.story()
    spent = "select count(*) from slots where state = 'spent'"
    wait_until(lambda: evenpost.database.one(spent) == 1, 30, "the one that was not used is spent")
    first, = sent.rows()
    row, = evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 1
    assert (row["slot"]["local_day"], row["slot"]["number"]) != (first["slot"]["local_day"], first["slot"]["number"]) \
        or first["state"] == "booked"
    assert "not_sent" in [attempt["outcome"] for attempt in acme.attempts(row["id"])]
    assert evenpost.database.one(spent) == 2, "the unused one is spent too"


def test_an_authorization_that_comes_late_is_not_used(platform):
    """Catches a dot minutes after it was allowed: meanwhile all may have changed (T143). The answer is held for 11 s."""
    evenpost = platform(worker=False)
    relay = evenpost.database_relay()
    evenpost.worker.start()
    acme, receiver, sent = one_message(evenpost)
    gate = receiver.gate("data")
    begin(evenpost, sent)
    gate.wait()
    relay.hold()
    gate.open()
    authorized = "select count(*) from slots where state = 'authorized'"
    wait_until(lambda: evenpost.database.one(authorized) == 1, 20, "authorized, and the worker does not know")
    stays(lambda: receiver.dots == [], 11, "no dot without the answer")
    relay.flow()
    stays(lambda: receiver.dots == [], 2, "no dot after it either")
    receiver.gates.clear()
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 1 and len(receiver.unfinished) == 1
    assert "not_sent" in [attempt["outcome"] for attempt in acme.attempts(sent.ids[0])]


def test_content_behind_a_shut_window_is_not_authorized_yet(platform):
    """Catches an authorization that grows old while the dot waits in our kernel for a receiver that does not read (T27, T143)."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    receiver = evenpost.receiver(window=4096)
    sent = acme.send(1, to=receiver, text="How are you?\n" * 5000)
    gate = receiver.gate("content", deaf=True)
    begin(evenpost, sent)
    gate.wait()
    authorized = "select count(*) from slots where state = 'authorized'"
    stays(lambda: evenpost.database.one(authorized) == 0, 3, "no authorization before the content is on the wire")
    gate.open()
    sent.wait_until("delivered")
    assert len(receiver.dots) == 1 and receiver.dots[0].content.count(b"How are you?") == 5000


def test_a_dot_that_does_not_get_on_the_wire_is_taken_back(platform):
    """Catches a dot that goes out long after it was allowed: the content is on the wire and is lost there, the dot waits in the
    kernel behind it, and nobody stands behind the authorization any more when the way is free again."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    receiver.when("data", lambda conversation: conversation.lose())
    brake = evenpost.database.brake(*AUTHORIZED)
    begin(evenpost, sent)
    brake.reached()
    conversation, = receiver.conversations
    wait_until(conversation.sent_again, 2, "its kernel sends nothing new from now on")
    brake.release()
    assert evenpost.database.one("select count(*) from slots where state = 'authorized'") == 1
    stays(lambda: receiver.dots == [], 11, "the authorization is good for ten seconds")
    if receiver.open():
        conversation.lose(False)
    wait_until(lambda: receiver.open() == 0 or receiver.dots, 60)
    assert receiver.dots == [], "a dot when nobody stood behind it any more"
    assert_unconfirmed_and_left_alone(evenpost, acme, receiver, sent, dots=0)


def test_postgres_killed_between_the_dot_and_its_reply_changes_no_outcome(platform):
    """Catches an outcome that is lost because it could not be written at once."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    gate = receiver.gate("dot")
    begin(evenpost, sent)
    gate.wait()
    evenpost.database.crash()
    gate.open()
    wait_until(lambda: receiver.dots[0].answer, 10, "the receiver has taken it")
    wait_until(lambda: "outcome not written" in evenpost.worker.text(), 30, "no connection came while it waited for one")
    evenpost.database.start()
    evenpost.ready()
    row, = sent.wait_until("delivered", "unconfirmed", seconds=40)
    receiver.gates.clear()
    evenpost.clock.jump(2 * 86400)
    stays(lambda: len(receiver.dots) == 1, 2, "not sent again")
    assert row["state"] == "delivered", "the worker lived and knew: it must write it down when it can"


def test_a_clean_stop_leaves_nothing_unconfirmed(platform):
    """Catches a SIGTERM that abandons what has its dot (T180): one lane for each stage, stopped together."""
    evenpost = platform()
    lanes = []
    for stage in ("greeting", "mail", "rcpt", "data", "content", "dot", "replied", "quit"):
        customer = evenpost.customer(stage)
        customer.ip(), customer.mailbox()
        receiver = evenpost.receiver()
        lanes.append((stage, customer.send(1, to=receiver), receiver, receiver.gate(stage)))
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for _, sent, _, _ in lanes for row in sent.rows()))
    for _, _, _, gate in lanes:
        gate.wait()
    evenpost.worker.ask_to_end()
    for _, _, receiver, gate in lanes:
        receiver.gates.clear()
        gate.open()
    assert evenpost.worker.terminate() == 0
    assert "unconfirmed" not in [state for _, sent, _, _ in lanes for state in sent.states()]
    evenpost.worker.start()
    for stage, sent, receiver, _ in lanes:
        evenpost.play(sent, "delivered")
        assert len(receiver.dots) == 1, stage


def test_a_clean_stop_waits_for_the_reply_to_a_dot(platform):
    """Catches a drain that gives up a dot whose reply is slow: the receiver takes 25 s, and what it says counts."""
    evenpost = platform()
    acme, receiver, sent = one_message(evenpost)
    gate = receiver.gate("dot")
    begin(evenpost, sent)
    gate.wait()
    evenpost.worker.ask_to_end()
    stays(lambda: evenpost.worker.alive and receiver.open() == 1, 25, "it waits for the reply")
    gate.open()
    assert evenpost.worker.terminate() == 0
    assert sent.states() == ["delivered"]


def test_a_clean_stop_gives_back_what_a_kept_session_would_have_taken(platform):
    """Catches a drain that waits for ever: the receiver ends a kept session at MAIL while the worker stops."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(64, window={**ALL_DAY, "end": "00:15"})
    receiver = evenpost.receiver()
    sent = acme.send(2, to=receiver)
    receiver.when("dot", lambda conversation: receiver.gate("mail"))
    begin(evenpost, sent)
    wait_until(lambda: receiver.dots, 30, "the first is taken")
    receiver.gates["mail"].wait()
    receiver.answer("mail", CLOSE, times=1)
    evenpost.worker.ask_to_end()
    receiver.gates["mail"].open()
    assert evenpost.worker.terminate(30) == 0
    assert sorted(sent.states()) == ["booked", "delivered"]
    evenpost.worker.start()
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 2
