"""P2. Receivers never see more final dots from a mailbox in one local day than its cap, whatever crashes.

The judge: the dots that a receiver of the harness read, by the mailbox's own calendar.
"""
import datetime

import pytest

from harness import judge
from harness.clock import UTC, instant
from harness.evenpost import ALL_DAY, SETTLED, Messages
from harness.receiver import CLOSE, RESET
from harness.wait import wait_until


HOURS = {"days": ALL_DAY["days"], "start": "02:00", "end": "22:00"}     # at speed, no dot is blurred over midnight


def test_the_third_message_of_a_mailbox_goes_on_the_next_day(platform):
    """Catches a day with three slots, and one that is sent before its second: no hour of the days is leapt over."""
    evenpost = platform(rate=14400)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox(window=HOURS)
    receiver = evenpost.receiver()
    sent = acme.send(5, to=receiver)
    days = [row["slot"]["local_day"] for row in sent.rows()]
    assert days == sorted(days) and max(days.count(day) for day in days) == 2 and len(set(days)) in (3, 4)
    Messages(acme, sent.ids[:3]).wait_until("delivered", seconds=60)
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)


@pytest.mark.parametrize("answer", ["451 4.3.0 not now", CLOSE, RESET, "250", "354 what?", "?"],
                         ids=["451", "close", "reset", "no-words", "354", "garbage"])
def test_a_dot_counts_whatever_it_was_answered(evenpost, answer):
    """Catches a slot given back after a dot that was refused or lost: the receiver counts dots, not our successes (T29, T32)."""
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    receiver = evenpost.receiver()
    receiver.answer("dot", answer, times=2)
    sent = acme.send(4, to=receiver)
    evenpost.play(sent, "delivered", "unconfirmed", "bounced")
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
    again = 2 if str(answer).startswith("451") else 0
    assert len(receiver.dots) == 4 + again


def test_closing_a_mailbox_and_making_it_anew_does_not_refresh_its_day(evenpost):
    """Catches a cap that belongs to a row and not to the address."""
    acme = evenpost.customer()
    acme.ip()
    mailbox = acme.mailbox()
    receiver = evenpost.receiver()
    sent = acme.send(2, to=receiver)
    evenpost.play(sent, "delivered")
    for _ in range(2):
        acme.api.delete(f"/v1/mailboxes/{mailbox['id']}")
        again = acme.mailbox(mailbox["address"])
        assert again["id"] == mailbox["id"]
    more = acme.send(2, to=receiver)
    evenpost.play(more, "delivered")
    assert judge.most_in_a_day(receiver.dots) == 2, judge.dots_by_day(receiver.dots)


def test_a_lowered_cap_holds_for_the_day_that_has_begun(evenpost):
    """Catches a second dot today of a mailbox whose cap became one after its first."""
    acme = evenpost.customer()
    acme.ip()
    mailbox = acme.mailbox()
    receiver = evenpost.receiver()
    sent = acme.send(4, to=receiver)
    evenpost.play(Messages(acme, sent.ids[:1]), "delivered")
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"daily_cap": 1})
    evenpost.play(sent, "delivered")
    assert judge.most_in_a_day(receiver.dots) == 1, judge.dots_by_day(receiver.dots)


def test_no_date_line_gives_a_mailbox_a_third_message(evenpost):
    """Catches a zone change from UTC+14 to UTC-11 that shows the receiver four dots within a day (T169).

    At the change the day of Kiritimati has half of its hours to come, so that the day of Pago Pago, which is entered anew
    and ends an hour later, has a second ahead within them, but for a mailbox whose second lies in that hour: five ask.
    """
    acme = evenpost.customer()
    acme.ip()
    receiver = evenpost.receiver()
    now = evenpost.clock.now()
    begins = datetime.datetime.combine(now.date(), datetime.time(10), UTC)      # a day of Kiritimati
    begins += datetime.timedelta(days=1 if begins <= now else 0)
    evenpost.clock.jump_to(begins)
    boxes = acme.mailboxes(5, time_zone="Pacific/Kiritimati")
    sent = {box["id"]: acme.send(2, to=receiver, mailbox=box) for box in boxes}
    evenpost.play(Messages(acme, [messages.ids[0] for messages in sent.values()]), "delivered")
    assert evenpost.clock.now() < begins + datetime.timedelta(hours=13)
    for box in boxes:
        acme.api.patch(f"/v1/mailboxes/{box['id']}", {"time_zone": "Pacific/Pago_Pago"})
    for box in boxes:
        last = max(row["slot"]["local_day"] for row in sent[box["id"]].rows())
        day_end = datetime.datetime.combine(datetime.date.fromisoformat(last), datetime.time(10), UTC)
        more = acme.send(2, to=receiver, mailbox=box).rows()
        assert all(instant(row["slot"]["at"]) >= day_end for row in more), "a new day overlaps an old one with slots"


def test_kills_refusals_and_lost_replies_never_add_a_dot_to_a_day(platform):
    """Catches any way round the cap while worker and PostgreSQL die and the receiver misbehaves (T29, T40, T142, T161)."""
    evenpost = platform(rate=1440)
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(4, window=HOURS)
    receiver = evenpost.receiver()
    turn = iter(["250 2.0.0 taken", "451 4.3.0 later", CLOSE, "250 2.0.0 taken", "421 4.3.2 going down", RESET] * 20)
    receiver.answer("dot", lambda conversation: next(turn))
    sent = acme.send(20, to=receiver)
    for victim in ("worker", "database", "worker", "worker"):
        gate = receiver.gate("dot" if victim == "worker" else "content")
        gate.wait(60)
        if victim == "worker":
            evenpost.worker.kill()
            gate.open()
            evenpost.worker.start()
        else:
            evenpost.database.crash()
            gate.open()
            evenpost.database.start()
        receiver.gates.clear()
    evenpost.clock.set_rate(8640)
    wait_until(lambda: all(state in SETTLED for state in sent.states()), 90, lambda: sent.states())
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)
    for recipient in {dot.recipient for dot in receiver.dots}:
        taken = [dot for dot in receiver.dots_to(recipient) if dot.answer and dot.answer.startswith("250")]
        assert len(taken) <= 1, "a message that was taken was sent again"
