"""The sandbox counts what is there at the instant, answers as it was told, and outlives whoever is rude to it."""
import datetime
import json
import os
import pathlib
import smtplib
import socket
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness.clock import Clock
from harness.lot import Lot
from harness.process import Process
from harness.wait import stays, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("EVENPOST_BUILD", ROOT / "build"))
SMTP, HTTP = 2525, 8026
LETTER = b"From: a@x.test\r\nSubject: hello\r\n\r\nhello\r\n"
START = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.timezone.utc)


class Sandbox:
    """The program on an address of its own, and its pages."""

    def __init__(self, folder, lot, *flags, clock=None):
        self.address, self.lot = lot.address(), lot
        env = dict(os.environ, EVENPOST_LOG="info", **({"EVENPOST_CLOCK": str(clock)} if clock else {}))
        self.process = Process("sandbox", [BUILD / "evenpost-sandbox", "--smtp", f"{self.address}:{SMTP}", "--http",
                                           f"{self.address}:{HTTP}", *flags], folder / f"{self.address}.log", env)
        self.process.start()
        wait_until(lambda: self.process.alive and "ready" in self.process.text(), 20, self.process.tail)

    def ask(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}:{HTTP}{path}", data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def get(self, path):
        status, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def behave(self, **behaviour):
        status, body = self.ask("PUT", "/behaviour", behaviour)
        assert status == 200, body

    def record(self, source):
        return next((row for row in self.get(f"/record?source={source}")["data"]), None)

    def open(self, source):
        row = self.record(source)
        return row["open"] if row else 0

    def timeline(self, source):
        return self.get(f"/record/timeline?source={source}")

    def dots(self, source):
        return self.timeline(source)["dots"]

    def inbox(self, to):
        return self.get("/inbox?to=" + urllib.parse.quote(to))["data"]

    def source(self):
        return self.lot.address()

    def call(self, source, greeted=True):
        return Caller(self, source, greeted)

    def client(self, source):
        return smtplib.SMTP(self.address, SMTP, source_address=(source, 0), timeout=20)

    def send(self, source, to, sender="a@x.test", letter=LETTER):
        with self.client(source) as client:
            return client.sendmail(sender, [to], letter)

    def alive(self):
        return self.process.alive and self.ask("GET", "/healthz")[0] == 200


class Caller:
    """A raw connection: what is written is what is sent."""

    def __init__(self, sandbox, source, greeted):
        self.socket = socket.socket()
        self.socket.settimeout(20)
        self.socket.bind((source, 0))
        self.socket.connect((sandbox.address, SMTP))
        if greeted:
            self.greeting = self.read()

    def write(self, octets):
        self.socket.sendall(octets)
        return self

    def read(self):
        """One reply, all its lines; b"" at the end of the connection."""
        octets = b""
        while not octets.endswith(b"\n") or octets[octets.rfind(b"\n", 0, -1) + 1:][3:4] == b"-":
            more = self.socket.recv(1)
            if not more:
                return octets
            octets += more
        return octets

    def say(self, line):
        return self.write(line + b"\r\n").read()

    def begin(self, to=b"bo@y.test", sender=b"a@x.test"):
        for line, code in ((b"EHLO x.test", b"250"), (b"MAIL FROM:<" + sender + b">", b"250"),
                           (b"RCPT TO:<" + to + b">", b"250"), (b"DATA", b"354")):
            said = self.say(line)
            assert said.startswith(code), said
        return self

    def rest(self):
        """What comes until the end of the connection, or its reset."""
        octets = b""
        try:
            while more := self.socket.recv(4096):
                octets += more
        except ConnectionResetError:
            return None
        return octets

    def end_writing(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


@pytest.fixture(scope="module")
def lot():
    lot = Lot()
    yield lot
    lot.close()


@pytest.fixture(scope="module")
def program(lot, tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), lot)
    yield sandbox
    assert sandbox.process.terminate(10) == 0, sandbox.process.tail()


@pytest.fixture
def sandbox(program):
    program.ask("DELETE", "/behaviour")
    yield program
    assert program.alive(), program.process.tail()


@pytest.fixture
def clocked(lot, tmp_path):
    clock = Clock(BUILD / "evenpost-clock", tmp_path / "clock", START)
    sandbox = Sandbox(tmp_path, lot, clock=tmp_path / "clock")
    yield sandbox, clock
    assert sandbox.process.terminate(10) == 0, sandbox.process.tail()


# ---- what is counted ----

def test_a_connection_is_open_from_accept_until_it_has_ended_on_both_sides(sandbox):
    """Catches a count that is given back at QUIT."""
    source = sandbox.source()
    caller = sandbox.call(source)
    assert sandbox.open(source) == 1
    assert caller.say(b"QUIT").startswith(b"221")
    assert caller.socket.recv(10) == b""                    # it has ended its side; ours is open
    stays(lambda: sandbox.open(source) == 1, 0.3)
    caller.close()
    wait_until(lambda: sandbox.open(source) == 0)
    seen = sandbox.timeline(source)["connections"]
    assert len(seen) == 1 and seen[0]["end"] == "quit" and seen[0]["eof_before_close"]


def test_a_client_that_ends_first_is_closed_at_once(sandbox):
    """Catches a judge that waits out its own patience, and so counts an honest client longer than it is there."""
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.write(b"QUIT\r\n").end_writing()
    begun = time.monotonic()
    assert caller.rest().startswith(b"221") and time.monotonic() - begun < 0.09
    assert sandbox.open(source) == 0


def test_one_after_another_is_never_two(sandbox):
    """Catches a count that comes down later than the client can know of the end."""
    source = sandbox.source()
    for n in range(200):
        caller = sandbox.call(source)
        assert caller.greeting.startswith(b"220")
        assert caller.say(b"QUIT").startswith(b"221")
        if n % 20:
            caller.end_writing()
        assert caller.socket.recv(10) == b""
        caller.close()
    assert sandbox.record(source)["most_open"] == 1 and sandbox.record(source)["connections"] == 200


def test_what_ended_before_it_came_again_is_not_held_against_it(sandbox):
    """Catches a count that hangs on the order in which the kernel tells of a call and of an end."""
    source, other = sandbox.source(), sandbox.source()
    caller = sandbox.call(source)
    caller.say(b"QUIT")
    assert caller.socket.recv(10) == b""
    sandbox.process.suspend()
    try:
        held = [sandbox.call(other, greeted=False)]             # so that the listener is told of first
        caller.close()
        held.append(sandbox.call(source, greeted=False))
    finally:
        sandbox.process.resume()
    assert all(one.read().startswith(b"220") for one in held)
    assert sandbox.record(source)["most_open"] == 1


def test_the_third_connection_is_told_that_the_server_is_busy(sandbox):
    """Catches a cap that is off by one, or counts other sources."""
    source, other = sandbox.source(), sandbox.source()
    first, second = sandbox.call(source), sandbox.call(source)
    third = sandbox.call(source)
    assert third.greeting.startswith(b"421 4.4.5 ") and third.rest() == b""
    assert sandbox.call(other).greeting.startswith(b"220")
    row = sandbox.record(source)
    assert (row["most_open"], row["refused"], row["throttled"], row["connections"]) == (3, 1, 1, 3)
    third.close()
    first.reset()
    wait_until(lambda: sandbox.open(source) == 1)
    assert sandbox.call(source).greeting.startswith(b"220")
    second.close()


def test_a_refused_one_counts_until_it_has_ended(sandbox):
    source = sandbox.source()
    held = [sandbox.call(source) for _ in range(3)]
    assert held[2].rest() == b""
    stays(lambda: sandbox.open(source) == 3, 0.2)
    for caller in held:
        caller.close()
    wait_until(lambda: sandbox.open(source) == 0)


def test_a_late_close_is_counted_as_long_as_it_lasts(sandbox):
    """Catches a sender, and a judge, that think a connection is over at its own end."""
    sandbox.behave(close_late_ms=600)
    source = sandbox.source()
    caller = sandbox.call(source)
    assert caller.say(b"QUIT").startswith(b"221")
    said = time.monotonic()
    caller.end_writing()
    stays(lambda: sandbox.open(source) == 1, 0.4)
    assert caller.rest() == b"" and 0.55 < time.monotonic() - said < 2
    assert sandbox.open(source) == 0


def test_one_that_is_late_still_counts_when_its_client_has_gone(sandbox):
    sandbox.behave(close_late_ms=600)
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.say(b"QUIT")
    caller.close()
    assert sandbox.call(source).greeting.startswith(b"220")
    assert sandbox.record(source)["most_open"] == 2


def test_slow_closes_two_seconds_late(sandbox):
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=b"slow+tag@y.test")
    assert caller.say(LETTER + b".").startswith(b"250")
    assert caller.say(b"QUIT").startswith(b"221")
    said = time.monotonic()
    assert caller.end_writing().rest() == b"" and 1.9 < time.monotonic() - said < 4


def test_one_that_never_closes_ends_with_the_clients_reset(sandbox):
    """Catches a busy loop on a half-closed socket too: the program must be able to answer meanwhile."""
    sandbox.behave(never_close=True)
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.say(b"QUIT")
    caller.end_writing()
    spent = sandbox.process.cpu_s()
    stays(lambda: sandbox.open(source) == 1, 0.7)
    assert sandbox.process.cpu_s() - spent < 0.5
    caller.reset()
    wait_until(lambda: sandbox.open(source) == 0)
    assert sandbox.timeline(source)["connections"][0]["end"] == "reset"


def test_a_client_that_does_not_end_is_counted(sandbox):
    """Catches a count that believes its own shutdown."""
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.say(b"QUIT")
    assert caller.rest() == b""
    stays(lambda: sandbox.open(source) == 1, 0.5)
    caller.close()


def test_a_half_close_is_no_offence(sandbox):
    """Catches answers that are thrown away because the client has ended its side."""
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.write(b"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<half@y.test>\r\nDATA\r\n").end_writing()
    said = caller.rest()
    assert said.count(b"\r\n250 ") == 3 and b"354" in said
    assert sandbox.timeline(source)["connections"][0]["end"] == "lost"
    assert sandbox.dots(source) == []


def test_five_hundred_at_once_are_counted_as_five_hundred(sandbox):
    sandbox.behave(profile="lax")
    source = sandbox.source()
    held = [sandbox.call(source, greeted=False) for _ in range(500)]
    wait_until(lambda: sandbox.open(source) == 500)
    assert all(caller.read().startswith(b"220") for caller in held)
    for caller in held:
        caller.begin(to=b"crowd@y.test")
    for caller in held:
        caller.write(LETTER + b".\r\n")
    assert all(caller.read().startswith(b"250") for caller in held)
    for caller in held:
        caller.close()
    wait_until(lambda: sandbox.open(source) == 0)
    row = sandbox.record(source)
    assert (row["most_open"], row["dots"], row["connections"]) == (500, 500, 500)
    assert len(sandbox.inbox("crowd@y.test")) == 500


def test_gmail_refuses_some_from_three_and_all_above_five(lot, tmp_path):
    """Catches a profile that never answers 421, or that answers it to a sender of one or two."""
    sandbox = Sandbox(tmp_path, lot, "--profile", "gmail", "--seed", "7")
    seen = {n: set() for n in range(1, 9)}
    for _ in range(20):
        source = sandbox.source()
        held = [sandbox.call(source) for _ in range(8)]
        for n, caller in enumerate(held, 1):
            seen[n].add(caller.greeting[:3])
        for caller in held:
            caller.close()
    assert seen[1] == seen[2] == {b"220"} and all(seen[n] == {b"421"} for n in (6, 7, 8))
    assert all(seen[n] == {b"220", b"421"} for n in (3, 4, 5))
    assert sandbox.process.terminate(10) == 0


def test_the_record_begins_anew_with_what_is_open(sandbox):
    source = sandbox.source()
    sandbox.send(source, "bo@y.test")
    caller = sandbox.call(source)
    assert sandbox.ask("DELETE", "/record")[0] == 204
    row = sandbox.record(source)
    assert (row["open"], row["most_open"], row["connections"], row["dots"]) == (1, 1, 1, 0)
    caller.close()
    wait_until(lambda: sandbox.open(source) == 0)


# ---- the dots ----

def test_a_dot_is_written_down_even_when_no_answer_follows(sandbox):
    """Catches a ledger of what we answered, instead of what we read: P6 hangs on the difference."""
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=b"drop@y.test")
    assert caller.write(LETTER + b".\r\n").rest() in (b"", None)
    assert [(dot["from"], dot["to"], dot["answer"]) for dot in sandbox.dots(source)] == [("a@x.test", ["drop@y.test"], None)]
    assert sandbox.open(source) == 0 and sandbox.timeline(source)["connections"][0]["end"] == "dropped"
    assert sandbox.inbox("drop@y.test")[0]["answer"] is None


def test_a_message_without_its_dot_is_none(sandbox):
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=b"nodot@y.test")
    caller.write(LETTER + b".\r")
    caller.close()
    wait_until(lambda: sandbox.open(source) == 0)
    assert sandbox.record(source)["dots"] == 0 and sandbox.inbox("nodot@y.test") == []


def test_stall_reads_the_dot_and_says_nothing(sandbox):
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=b"stall@y.test")
    caller.write(LETTER + b".\r\n")
    wait_until(lambda: sandbox.dots(source))
    caller.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        caller.read()
    assert sandbox.open(source) == 1
    caller.close()
    wait_until(lambda: sandbox.open(source) == 0)


@pytest.mark.parametrize("local_part, reply", [("defer-dot", b"451 4.3.0 "), ("reject-dot", b"550 5.7.1 "),
                                               ("garbage-dot", b"lorem ipsum")])
def test_addresses_answer_the_dot_as_they_are_called(sandbox, local_part, reply):
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=local_part.encode() + b"@y.test")
    assert caller.say(LETTER + b".").startswith(reply)
    assert sandbox.dots(source)[0]["answer"].encode().startswith(reply)
    assert caller.say(b"NOOP").startswith(b"250")


def test_half_a_reply_is_half_a_reply(sandbox):
    caller = sandbox.call(sandbox.source()).begin(to=b"half-dot@y.test")
    assert caller.write(LETTER + b".\r\n").rest() == b"250 2.0"


@pytest.mark.parametrize("local_part, reply", [("reject", b"550 5.1.1 "), ("REJECT+x", b"550 5.1.1 "), ("defer", b"451 4.3.0 "),
                                               ("greylist", b"451 4.7.1 "), ("rejected", b"250 ")])
def test_addresses_answer_rcpt_as_they_are_called(sandbox, local_part, reply):
    caller = sandbox.call(sandbox.source())
    caller.say(b"EHLO x.test")
    caller.say(b"MAIL FROM:<a@x.test>")
    assert caller.say(b"RCPT TO:<" + local_part.encode() + b"@any.domain.test>").startswith(reply)


def test_busy_ends_the_connection(sandbox):
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.say(b"EHLO x.test")
    caller.say(b"MAIL FROM:<a@x.test>")
    assert caller.say(b"RCPT TO:<busy@y.test>").startswith(b"421 4.4.5 ") and caller.rest() == b""
    assert sandbox.record(source)["throttled"] == 1


def test_greylisting_lets_the_same_three_pass_after_five_minutes_of_the_rules_time(clocked):
    """Catches a wait by the machine's clock, one that starts anew with each try, and one that forgets the source."""
    sandbox, clock = clocked
    clock.run()
    source = sandbox.source()

    def passes(sender="a@x.test", source=source):
        try:
            sandbox.send(source, "greylist@y.test", sender)
            return True
        except smtplib.SMTPRecipientsRefused:
            return False
    assert not passes()
    clock.jump(240)
    assert not passes()
    clock.jump(61)
    assert not passes("other@x.test") and not passes(source=sandbox.source())
    assert passes() and passes()


def test_gaps_hours_and_days_are_those_of_the_rules_clock(clocked):
    sandbox, clock = clocked
    source = sandbox.source()
    sandbox.send(source, "bo@y.test", "ann@x.test")
    clock.run()
    for jump, sender in ((5400, "ANN@x.test"), (600, "bea@x.test"), (86400, "ann@x.test")):
        clock.jump(jump)
        sandbox.send(source, "bo@y.test", sender)
    row = sandbox.record(source)
    assert [(hour["hour"], hour["dots"]) for hour in row["hours"]] == [
        ("2026-11-24T09:00:00Z", 1), ("2026-11-24T10:00:00Z", 2), ("2026-11-25T10:00:00Z", 1)]
    assert row["most_per_sender_day"] == 2 and 599 < row["smallest_gap_s"] < 620
    shifted = sandbox.get(f"/record?source={source}&utc_offset_minutes=-600")["data"][0]
    assert shifted["most_per_sender_day"] == 1                   # 23:00 and 00:30, ten hours west


def test_a_timeline_is_read_page_by_page(sandbox):
    """Catches a reader that never comes to the end, or that misses a dot between two pages."""
    source, after, seen = sandbox.source(), 0, []
    for n in range(7):
        sandbox.send(source, f"page{n}@y.test")
    while page := sandbox.get(f"/record/timeline?source={source}&after={after}&limit=3")["dots"]:
        assert len(page) <= 3
        seen += [dot["to"] for dot in page]
        after = page[-1]["n"]
    assert seen == [[f"page{n}@y.test"] for n in range(7)]
    timeline = sandbox.get(f"/record/timeline?source={source}&after=0&after_dot={after}")
    assert len(timeline["connections"]) == 7 and timeline["dots"] == []


# ---- what a test may set ----

def test_a_rule_of_a_stage_is_asked_before_the_stage_takes_effect(sandbox):
    sandbox.behave(at={"rcpt": {"reply": "452 4.2.2 full"}})
    caller = sandbox.call(sandbox.source())
    caller.say(b"EHLO x.test")
    caller.say(b"MAIL FROM:<a@x.test>")
    assert caller.say(b"RCPT TO:<bo@y.test>") == b"452 4.2.2 full\r\n"
    assert caller.say(b"DATA").startswith(b"503")
    sandbox.ask("DELETE", "/behaviour")
    assert caller.say(b"RCPT TO:<bo@y.test>").startswith(b"250")


def test_a_rule_may_answer_late_drop_stall_or_close(sandbox):
    sandbox.behave(at={"ehlo": {"delay_ms": 300}, "mail": {"reply": "421-4.3.2 going\n421 4.3.2 down", "close": True}})
    caller = sandbox.call(sandbox.source())
    begun = time.monotonic()
    assert caller.say(b"EHLO x.test").startswith(b"250") and time.monotonic() - begun > 0.28
    assert caller.say(b"MAIL FROM:<a@x.test>") == b"421-4.3.2 going\r\n421 4.3.2 down\r\n" and caller.rest() == b""
    sandbox.behave(at={"greeting": {"drop": True}})
    assert sandbox.call(sandbox.source()).greeting == b""
    sandbox.behave(at={"greeting": {"stall": True}})
    caller = sandbox.call(sandbox.source(), greeted=False)
    caller.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        caller.read()


def test_it_may_close_without_a_word_after_so_many_messages(sandbox):
    sandbox.behave(messages=2)
    caller = sandbox.call(sandbox.source())
    for _ in range(2):
        assert caller.begin().say(LETTER + b".").startswith(b"250")
    assert caller.rest() == b""


def test_a_session_that_is_idle_is_told_so_and_closed(sandbox):
    sandbox.behave(idle_s=1)
    source = sandbox.source()
    caller = sandbox.call(source)
    caller.write(b"EHL")                                        # a command that never ends is idle too
    assert caller.rest().startswith(b"421 4.4.2 ")
    assert sandbox.record(source)["throttled"] == 0
    caller.close()
    wait_until(lambda: sandbox.timeline(source)["connections"][0]["end"] == "timeout")


@pytest.mark.parametrize("behaviour", [
    {"limits": 2}, {"limit": -1}, {"limit": "2"}, {"profile": "yahoo"}, {"at": {"starttls": {}}}, {"at": {"dot": {"reply": 3}}},
    {"at": {"dot": {"reply": "250 ok\r\n"}}}, {"at": {"dot": {"reply": "2" * 2000}}}, {"at": {"dot": {"late": True}}},
    {"never_close": 1}, {"close_late_ms": 10 ** 18}, [], "strict", None])
def test_what_is_no_behaviour_is_refused_and_changes_nothing(sandbox, behaviour):
    before = sandbox.get("/behaviour")
    assert sandbox.ask("PUT", "/behaviour", behaviour)[0] == 422
    assert sandbox.get("/behaviour") == before


def test_a_behaviour_that_is_shown_can_be_given_back(sandbox):
    sandbox.behave(profile="gmail", limit=7, close_late_ms=5, never_close=True, greylist_s=1, messages=3, idle_s=9,
                   at={"dot": {"reply": "250 ok\n", "delay_ms": 4, "stall": True, "drop": True, "close": True}})
    shown = sandbox.get("/behaviour")
    sandbox.behave(**shown)
    assert sandbox.get("/behaviour") == shown


# ---- SMTP, strictly ----

@pytest.mark.parametrize("line, code", [
    (b"", b"500"), (b"HELLO x.test", b"500"), (b"EHLO", b"501"), (b"EHLO x y", b"501"), (b"EHLO [127.0.0.1]", b"250"),
    (b"helo x.test", b"250"), (b"NOOP anything", b"250"), (b"RSET", b"250"), (b"VRFY bo", b"252"), (b"HELP", b"214"),
    (b"STARTTLS", b"500"), (b"MAIL FROM:<a@x.test>", b"503"), (b"DATA", b"503"), (b"NO\0OP", b"500"), (b"NO\rOP", b"500"),
    (b"\xff\xfe\xfd", b"500"), (b"EHLO " + b"x" * 2100, b"500"), (b"EHLO " + b"x" * 9000, b"500")],
    ids=lambda value: repr(value[:20]))
def test_a_first_command_gets_its_code(sandbox, line, code):
    caller = sandbox.call(sandbox.source())
    assert caller.say(line).startswith(code)
    assert caller.say(b"NOOP").startswith(b"250")


@pytest.mark.parametrize("path, code", [
    (b"<a@x.test>", b"250"), (b"<>", b"250"), (b"<a@x.test> SIZE=1000 BODY=8BITMIME", b"250"), (b"<a@x.test> SIZE=99999999", b"552"),
    (b"<a@x.test> SIZE=x", b"501"), (b"<a@x.test> WHAT=1", b"555"), (b" <a@x.test>", b"501"), (b"a@x.test", b"501"), (b"<a>", b"501"),
    (b"<a@x..test>", b"501"), (b"<a@-x.test>", b"501"), (b"<@x.test:a@y.test>", b"501"), (b'<"a b"@x.test>', b"250"),
    (b'<"a>b"@x.test>', b"250"), (b'<"a"b"@x.test>', b"501"), (b'<"a\\"b"@x.test>', b"250"),
    (b'<"a\\\xa4b"@x.test>', b"501"), (b'<"a\\"@x.test>', b"501"), (b"<" + b"a" * 65 + b"@x.test>", b"501"), (b"<a b@x.test>", b"501"),
    ("<ä@x.test>".encode(), b"553"), ("<ä@x.test> SMTPUTF8".encode(), b"250"), (b"<\xff@x.test> SMTPUTF8", b"501"), (b"<a@[127.0.0.1]>", b"250")])
def test_a_senders_path_is_read_as_the_rfc_says(sandbox, path, code):
    caller = sandbox.call(sandbox.source())
    caller.say(b"EHLO x.test")
    said = caller.say(b"MAIL FROM:" + path)
    assert said.startswith(code), said


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r"])
def test_only_crlf_dot_crlf_ends_a_message(sandbox, end):
    """Catches SMTP smuggling: a second message inside the first."""
    source = sandbox.source()
    caller = sandbox.call(source).begin(to=b"smuggled@y.test")
    caller.write(b"Subject: x\r\n\r\nx" + end + b"MAIL FROM:<evil@x.test>\r\n")
    said = caller.say(b".")
    assert said.startswith(b"550 5.6.0 ") and len(sandbox.dots(source)) == 1
    assert sandbox.inbox("smuggled@y.test") == []


@pytest.mark.parametrize("content, code", [
    (b"x" * 998 + b"\r\n", b"250"), (b"x" * 999 + b"\r\n", b"550"), (b"a\0b\r\n", b"550"), (b"", b"250"), (b"..\r\n", b"250")],
    ids=["998", "999", "NUL", "nothing", "a dot"])
def test_content_is_judged_strictly(sandbox, content, code):
    caller = sandbox.call(sandbox.source()).begin()
    assert caller.write(content).say(b".").startswith(code)


def test_dots_are_unstuffed_and_octets_kept(sandbox):
    letter = b"Subject: x\r\n\r\n" + bytes(b for b in range(1, 256) if b not in (10, 13)) + b"\r\n..\r\n...\r\n..x\r\n"
    sandbox.call(sandbox.source()).begin(to=b"octets@y.test").write(letter + b".\r\n").read()
    row = sandbox.inbox("octets@y.test")[0]
    raw = urllib.request.urlopen(row["raw_url"]).read()
    assert raw == letter.replace(b"\r\n..", b"\r\n.")


def test_a_message_over_the_size_is_read_to_its_end_and_refused(sandbox):
    caller = sandbox.call(sandbox.source()).begin(to=b"large@y.test")
    line = b"x" * 76 + b"\r\n"
    for _ in range(26):
        caller.write(line * (1024 * 1024 // len(line) + 1))
    assert caller.say(b".").startswith(b"552 5.3.4 ") and sandbox.inbox("large@y.test") == []
    assert caller.begin().say(LETTER + b".").startswith(b"250")


def test_commands_in_one_packet_are_answered_in_order(sandbox):
    source = sandbox.source()
    caller = sandbox.call(source)
    message = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<one@y.test>\r\nRCPT TO:<reject@y.test>\r\nDATA\r\n" + LETTER + b".\r\n"
    caller.write(b"EHLO x.test\r\n" + message * 20 + b"QUIT\r\n")
    said = caller.rest()
    assert said.count(b"550 5.1.1") == said.count(b"354 ") == said.count(b"Message taken") == 20
    assert said.endswith(b"221 2.0.0 Bye\r\n") and sandbox.record(source)["dots"] == 20


def test_who_speaks_before_the_greeting_is_refused(sandbox):
    sandbox.process.suspend()                                   # so that the octets are there when it looks
    try:
        caller = sandbox.call(sandbox.source(), greeted=False).write(b"EHLO x.test\r\n")
    finally:
        sandbox.process.resume()
    assert caller.rest().startswith(b"554 5.5.1 ")


def test_too_many_errors_end_the_session(sandbox):
    caller = sandbox.call(sandbox.source())
    said = caller.write(b"WHAT\r\n" * 50).rest()
    assert said is None or said.count(b"500 ") == 20


def test_recipients_are_bounded(sandbox):
    caller = sandbox.call(sandbox.source())
    caller.say(b"EHLO x.test")
    caller.say(b"MAIL FROM:<a@x.test>")
    said = [caller.say(b"RCPT TO:<many%d@y.test>" % n)[:3] for n in range(102)]
    assert said == [b"250"] * 100 + [b"452"] * 2


# ---- the hostile ----

def test_noise_harms_nobody(sandbox):
    """Catches a parser that reads beyond its bytes; the build with sanitizers makes it sharp. The seed is in the name."""
    import random
    sandbox.behave(profile="lax")
    for seed in range(150):
        draw = random.Random(seed)
        caller = sandbox.call(sandbox.source())
        words = [b"EHLO x.test\r\n", b"MAIL FROM:<", b"RCPT TO:<", b"a@x.test", b">", b"\r\n", b"DATA\r\n", b".\r\n", b"\r\n.\r\n", b"\0",
                 b"\n", b"\r", b"QUIT\r\n", draw.randbytes(draw.randrange(3000)), b"x" * 4000, b'"', b"\\", b"SIZE=", b" ", b"="]
        try:
            caller.write(b"".join(draw.choice(words) for _ in range(draw.randrange(200))))
            draw.choice((caller.reset, caller.close, caller.end_writing))()
        except OSError:
            pass
        assert sandbox.process.alive, f"seed {seed}: {sandbox.process.tail()}"
        caller.close()


def test_letters_of_noise_can_be_shown(sandbox):
    """Catches a decoder that trusts what a message says of itself, and an answer that is no JSON for it."""
    import random
    sandbox.ask("DELETE", "/inbox")
    words = [b"Subject: ", b"=?utf-8?q?", b"=?x?b?", b"?=", b"=?", b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--\r\n",
             b"Content-Type: text/plain; charset=", b"utf-16", b"iso-2022-jp", b"utf-7", b"\r\n", b"\r\n\r\n", b"=", b"=3", b"=FF", b"\xff\xfe",
             b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n", b"QUJD", b"\"", b";", b" ", b"<script>",
             b"boundary=\"", b"\xc3", b"\x1b$B", b"\xe2\x80\xa8"]
    for seed in range(150):
        draw = random.Random(seed)
        letter = b"".join(draw.choice(words) for _ in range(draw.randrange(300))).replace(b"\r\n.", b"\r\n..")
        said = sandbox.call(sandbox.source()).begin(to=b"noise@y.test").write(letter + b"\r\n.\r\n").read()
        assert said[:3] in (b"250", b"550"), (seed, said)
    assert len(sandbox.inbox("noise@y.test")) > 100
    assert b"<script>" not in sandbox.ask("GET", "/")[1]


def test_memory_is_bounded_whatever_is_sent(lot, tmp_path):
    """Catches an inbox, or messages that are being read, without a bound. Under sanitizers memory is not what it seems."""
    sandbox = Sandbox(tmp_path, lot, "--profile", "lax", "--inbox-max", "20")
    letter = b"Subject: x\r\n\r\n" + (b"x" * 76 + b"\r\n") * 13000
    source = sandbox.source()
    for n in range(60):
        sandbox.send(source, f"n{n}@y.test", letter=letter)
    shown = sandbox.get("/inbox?limit=3")
    assert [row["to"] for row in shown["data"]] == ["n59@y.test", "n58@y.test", "n57@y.test"]
    assert shown["left_out"] == 17 and shown["dropped"] == 40
    assert sandbox.ask("GET", "/inbox/1/raw")[0] == 404
    kilobytes = int(next(line.split()[1] for line in pathlib.Path(f"/proc/{sandbox.process.pid}/status").read_text().splitlines()
                         if line.startswith("VmRSS")))
    assert kilobytes < 200_000 or b"__asan_init" in (BUILD / "evenpost-sandbox").read_bytes()
    assert sandbox.process.terminate(10) == 0


def test_the_folder_holds_the_newest_messages_and_no_more(lot, tmp_path):
    """Catches files that outlive their message, numbers that begin anew, and a stop that leaves half of them unwritten."""
    folder = tmp_path / "inbox"

    def files():
        return sorted(int(path.stem) for path in folder.iterdir())
    for run in range(2):
        sandbox = Sandbox(tmp_path, lot, "--inbox-dir", str(folder), "--inbox-max", "5")
        for n in range(8):
            sandbox.send(sandbox.source(), "bo@y.test", letter=LETTER + b"%d\r\n" % n)
        numbers = [row["n"] for row in sandbox.inbox("bo@y.test")]
        assert numbers == [8 * run + n for n in (8, 7, 6, 5, 4)]
        assert sandbox.process.terminate(10) == 0, sandbox.process.tail()
        assert files() == sorted(numbers)
    assert (folder / "16.eml").read_bytes() == LETTER + b"7\r\n"
    sandbox = Sandbox(tmp_path, lot, "--inbox-dir", str(folder))
    sandbox.send(sandbox.source(), "bo@y.test")
    assert sandbox.ask("DELETE", "/inbox")[0] == 204
    wait_until(lambda: 17 not in files() and 16 in files())
    assert sandbox.process.terminate(10) == 0


# ---- its pages ----

def test_a_letter_is_shown_as_a_person_would_see_it(sandbox):
    from email.message import EmailMessage
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "Ann <ann@x.test>", "bo@y.test", "Grüße aus 東京 – <b>& mehr " + "lang " * 30
    letter.set_content("Zeile eins\n.Punkt\n" + "ü" * 200 + "\n")
    letter.add_alternative("<p>Zeile <b>eins</b></p>", subtype="html")
    letter.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="x.bin")
    with sandbox.client(sandbox.source()) as client:
        client.send_message(letter, to_addrs=["shown+x@y.test"])
    row = sandbox.get("/inbox?to=SHOWN+x@y.test")["data"][0]    # a plus as people write it
    assert row["subject"].strip() == str(letter["Subject"]).strip() and row["from"] == "ann@x.test" and row["to"] == "shown+x@y.test"
    assert row["text"].rstrip("\n") == "Zeile eins\n.Punkt\n" + "ü" * 200 and row["html"].strip() == "<p>Zeile <b>eins</b></p>"
    page = sandbox.ask("GET", "/")[1].decode()
    assert "東京 – &lt;b&gt;&amp; mehr" in page and "<script" not in page and " style=" not in page


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r", "iso-2022-jp", "utf-16"])
def test_charsets_are_read(sandbox, charset):
    import base64
    words = {"koi8-r": "Привет", "iso-2022-jp": "日本語", "iso-8859-15": "5 €", "windows-1252": "“5 €”"}.get(charset, "Grüße")
    letter = (f"Subject: =?{charset}?B?{base64.b64encode(words.encode(charset)).decode()}?=\r\nContent-Type: text/plain; charset=\"{charset}\"\r\n"
              f"Content-Transfer-Encoding: base64\r\n\r\n{base64.b64encode(words.encode(charset)).decode()}\r\n").encode()
    sandbox.send(sandbox.source(), f"{charset}@y.test", letter=letter)
    row = sandbox.inbox(f"{charset}@y.test")[0]
    assert row["subject"] == words and row["text"] == words


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nowhere", 404), ("GET", "/inbox/999999/raw", 404), ("GET", "/inbox/x/raw", 404), ("GET", "/inbox/1", 404), ("DELETE", "/", 405),
    ("POST", "/inbox", 405), ("PUT", "/record", 405), ("GET", "/inbox?limit=x", 400), ("GET", "/record/timeline?after=-1", 400),
    ("GET", "/record?utc_offset_minutes=9999", 400), ("HEAD", "/", 200), ("GET", "/healthz", 200)])
def test_pages_have_their_status(sandbox, method, path, status):
    assert sandbox.ask(method, path)[0] == status


@pytest.mark.parametrize("host, status", [("127.0.0.1", 200), ("localhost:8026", 200), ("[::1]:8026", 200), ("evil.example", 421), ("", 421)])
def test_a_strangers_name_for_us_is_refused(sandbox, host, status):
    """Catches DNS rebinding: a web page reading the inbox through a name that points here."""
    assert sandbox.ask("GET", "/inbox", headers={"Host": host})[0] == status


@pytest.mark.parametrize("head, status", [
    (b"GET / HTTP/1.1\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n", b"400"),
    (b"PUT /behaviour HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    (b"PUT /behaviour HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello", b"400"),
    (b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"405")])
def test_a_head_that_is_wrong_is_refused(sandbox, head, status):
    with socket.create_connection((sandbox.address, HTTP), timeout=10) as client:
        client.sendall(head)
        assert client.recv(100).split(b" ")[1] == status


def test_it_says_what_it_cannot_do_and_ends(lot, tmp_path, sandbox):
    taken = Process("second", [BUILD / "evenpost-sandbox", "--smtp", f"{sandbox.address}:{SMTP}", "--http", f"{sandbox.address}:8027"],
                    tmp_path / "log", dict(os.environ))
    taken.start()
    wait_until(lambda: not taken.alive)
    assert taken.child.returncode == 2 and "in use" in taken.text()


def test_it_tells_its_supervisor_that_it_is_ready(lot, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(10)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            sandbox = Sandbox(tmp_path, lot)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert b"READY=1" in supervisor.recv(1000)
        held = sandbox.call(sandbox.source())
        assert sandbox.process.terminate(10) == 0 and held.rest() in (b"", None)
