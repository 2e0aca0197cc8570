"""Time leaps while mail is on its way: the wall clock of a host is set, the clock of a home jumps, and it is not the real one.

Deadlines of a conversation are on the monotonic clock, slots on the wall clock; and what is scaled stays among ourselves.
"""
import collections
import datetime
import os
import pathlib
import struct
import subprocess

import pytest

from harness import judge
from harness.clock import UTC, instant, rfc3339
from harness.evenpost import START
from harness.wait import wait_until
from outcome import outcome

HOUR, DAY = 3600, 86400


class WallClock:
    """The wall clock of the one program that it is given to; set(seconds) puts it that much wrong."""

    def __init__(self, folder):
        self.file, library = folder / "wall", folder / "wall_clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, pathlib.Path(__file__).with_name("wall_clock.c")], check=True)
        self.file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self.file)}

    def set(self, seconds):
        with open(self.file, "r+b") as file:
            os.pwrite(file.fileno(), struct.pack("q", seconds), 0)


def a_quarter_of_an_hour_around_noon(now):
    """A zone in which it is about noon, and a window that has just begun there: no local day ends meanwhile."""
    ahead = 12 - now.hour
    local = now + datetime.timedelta(hours=ahead)
    start = local.hour * 60 + local.minute
    end = start + 16
    zone = f"Etc/GMT{'-' if ahead > 0 else '+'}{abs(ahead)}" if ahead else "UTC"
    clock = [f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end)]
    return zone, {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": clock[0], "end": clock[1]}


def by_the_real_clock(platform, folder):
    """A platform by the machine's own clock, whose worker's can be set; a customer with a slot every two seconds."""
    now = datetime.datetime.now(UTC)
    evenpost = platform(worker=False, start=now, environment={"EVENPOST_CLOCK": ""})
    wall = WallClock(folder)
    evenpost.worker.env.update(wall.environment)
    zone, window = a_quarter_of_an_hour_around_noon(now)
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(240, time_zone=zone, window=window)
    return evenpost, wall, acme


@outcome(fault="the wall clock of a sending host is set an hour back, or a day forward, while it sends",
         before="messages booked for the next minutes",
         after="all of the host's lanes halt until the clock is right again; then they are delivered in their slots' order",
         receiver="nothing while the clock is wrong, and no message twice", customer="the clock of the machine is wrong, in each explanation")
@pytest.mark.parametrize("wrong_s", [-HOUR, pytest.param(DAY, marks=pytest.mark.long)])
def test_t165_a_wall_clock_that_is_set_halts_its_lanes(platform, tmp_path, wrong_s):
    """Catches a worker that believes a clock which was set: it would send early what is planned for later, or all at once."""
    evenpost, wall, acme = by_the_real_clock(platform, tmp_path)
    receiver = evenpost.receiver()
    evenpost.worker.start()
    sent = acme.send(12, to=receiver)
    receiver.wait_dots(1, 60)
    wall.set(wrong_s)
    wait_until(lambda: "all lanes halt: the wall clock of this host was set" in evenpost.worker.text(), 20)
    wait_until(lambda: receiver.open() == 0 and not any(row["state"] == "sending" for row in sent.rows()), 40)
    seen = len(receiver.dots)

    def overdue():
        late = [row for row in sent.rows() if row["state"] == "booked" and instant(row["slot"]["at"]) < datetime.datetime.now(UTC)]
        assert len(late) >= 2 and all("clock of the machine" in row["explanation"]["text"] for row in late), late
        return True
    wait_until(overdue, 60)
    assert len(receiver.dots) == seen, "a dot while the clock was wrong"
    wall.set(0)
    sent.wait_until("delivered", seconds=120)
    assert sorted(collections.Counter(dot.recipient for dot in receiver.dots).values()) == [1] * len(sent)
    assert max(collections.Counter(dot.sender for dot in receiver.dots).values()) <= 2


@outcome(fault="a worker starts on a host whose wall clock is wrong by more than 30 s", before="messages booked for the next minutes",
         after="its lanes halt, and say that its clock and the database's differ; within seconds of its correction they send",
         receiver="nothing, then each message once", customer="that nobody sends from the IP at present")
@pytest.mark.parametrize("wrong_s", [-HOUR, pytest.param(DAY, marks=pytest.mark.long)])
def test_t165_a_worker_that_starts_with_a_wrong_clock_sends_when_it_is_corrected(platform, tmp_path, wrong_s):
    """Catches a host that came up with the time of its last shutdown, or with a flat battery, and one whose correction is taken
    for one more step of its clock: it would halt until it is started again, and say by a wrong clock that it lives."""
    evenpost, wall, acme = by_the_real_clock(platform, tmp_path)
    receiver = evenpost.receiver()
    wall.set(wrong_s)
    evenpost.worker.start()
    sent = acme.send(6, to=receiver)
    wait_until(lambda: "all lanes halt: this host's clock and the database's are more than 30 s apart" in evenpost.worker.text(), 20)
    last = max(instant(row["slot"]["at"]) for row in sent.rows())
    wait_until(lambda: datetime.datetime.now(UTC) > last, 60)
    assert receiver.dots == []
    wall.set(0)
    wait_until(lambda: "the clocks agree again: lanes go on" in evenpost.worker.text(), 60)
    sent.wait_until("delivered", seconds=120)
    wait_until(lambda: evenpost.api.get("/v1/ips")["data"][0]["worker"]["alive"], 20)
    assert sorted(collections.Counter(dot.recipient for dot in receiver.dots).values()) == [1] * len(sent)


@outcome(fault="the clock of a home jumps (an hour, a day, a week) at each stage of a conversation",
         before="a message in the middle of its delivery, others booked",
         after="delivered, or re-booked where its slot is over before it was authorized; never unconfirmed",
         receiver="each message once, and no more than the cap in a local day", customer="each message delivered")
@pytest.mark.parametrize("leap", [pytest.param(HOUR, marks=pytest.mark.long), DAY, pytest.param(7 * DAY, marks=pytest.mark.long)])
def test_t165_a_clock_that_leaps_at_any_stage_sends_nothing_twice(platform, leap):
    """Catches a deadline that hangs on the rules' clock: every session would end by it, and a dot be in doubt."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip()
    acme.mailboxes(2)
    receiver = evenpost.receiver()
    left = ["greeting", "ehlo", "mail", "rcpt", "data", "content", "dot", "replied", "quit"]

    def jump(stage):
        def once(conversation):
            if stage in left:
                left.remove(stage)
                evenpost.clock.jump(leap)
        return once
    for stage in list(left):
        receiver.when(stage, jump(stage))
    sent = acme.send(14, to=receiver)
    evenpost.play(sent, "delivered", "unconfirmed", seconds=150)
    assert left == [], left
    assert sent.states() == ["delivered"] * len(sent)
    assert all(len(receiver.dots_to(row["to"]["address"])) == 1 for row in sent.rows())
    assert judge.most_in_a_day(receiver.dots) <= 2, judge.dots_by_day(receiver.dots)


@outcome(fault="somebody sets the clock of a home back", before="messages delivered today, others booked",
         after="refused: such a clock only goes forward", receiver="nothing", customer="nothing")
def test_t165_the_clock_of_a_home_does_not_go_back(evenpost):
    """Catches a local day that comes twice."""
    acme = evenpost.customer()
    acme.ip()
    acme.mailbox()
    receiver = evenpost.receiver()
    sent = acme.send(2, to=receiver)
    evenpost.play(sent, "delivered")
    before = evenpost.clock.now()
    with pytest.raises(AssertionError, match="only goes forward"):
        evenpost.clock._call("to", rfc3339(before - datetime.timedelta(hours=12)))
    assert evenpost.clock.now() >= before


@outcome(fault="the clock of a home is not the real one, and a route leads to a public address",
         before="a due message", after="it waits, `no_route`, until the route leads to ourselves or a private network",
         receiver="nothing: no connection is begun", customer="a public address while the clock is not the real one, as the reason")
def test_a_clock_that_is_not_the_real_one_reaches_nobody_outside(platform):
    """Catches a play of a month that reaches strangers within minutes."""
    evenpost = platform(rate=60)
    acme = evenpost.customer()
    acme.ip()
    acme.mailbox()
    evenpost.route("public.test", "203.0.113.25", 25)            # TEST-NET-3: nobody is there
    message = acme.send_one("bo@public.test")
    evenpost.clock.jump_to(instant(message["slot"]["at"]))

    def refused():
        told = acme.message(message["id"])["explanation"]
        assert told["code"] == "no_route" and "a public one while the clock is not the real one" in told["text"], told
        return True
    wait_until(refused, 20)
    assert acme.attempts(message["id"]) == []
    receiver = evenpost.receiver("second.test")
    evenpost.route("public.test", receiver.address)
    receiver.wait_dots(1)
    assert evenpost.clock.now() > START
