"""The rows of tests/conversations/faults.table that a socket can make, against a real worker and a real ledger (T28, T31, T32);
and a peer that talks for ever (T18).

Each fault has a receiver of its own, rude once and polite from then on, so that the end of the story shows what the first
attempt has cost: how many dots the receiver saw, and in which state the message came to rest.
"""
import functools
import pathlib
import re
import sys

import pytest

from harness.clock import instant
from harness.evenpost import Evenpost
from harness.receiver import CLOSE, HALF_CLOSE, RESET
from harness.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import faults  # noqa: E402

ROWS = faults.read(ROOT / "tests/conversations/faults.table")[2]
STEPS = {"GREETING": "greeting", "EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "CONTENT": "data", "DOT": "dot",
         "QUIT": "quit"}
WORDS = {"fin": CLOSE, "rst": RESET, "half_close": HALF_CLOSE, "421": "421 4.3.2 going down", "4yz": "450 4.2.0 not now",
         "5yz": "550 5.7.1 no", "garbage": "+OK hello", "nul": b"250 2.0.0 o\0k\r\n"}
PLAYED = [row for row in ROWS.values() if row.stage in STEPS and row.fault != "silence"]
SETTLED = {"unconfirmed": "unconfirmed", "bounced": "bounced"}          # anything else is delivered in the end
UNDER_WAY = "not_sent"          # instead of deferred, where the authorization was asked for before the fault was heard
MIB = 1024 * 1024


def words_of(row):
    """What the receiver does: the fault's own words, or a code of a class that does not belong there."""
    if row.fault != "wrong":
        return WORDS[row.fault]
    return "250 ok" if row.stage in ("DATA", "CONTENT") else "354 go ahead"


def invited(words):
    """The same, right behind the 354 and before the content can be out."""
    if isinstance(words, str):
        return b"354 go ahead\r\n" + words.encode() + b"\r\n"
    if isinstance(words, bytes):
        return b"354 go ahead\r\n" + words

    def then(conversation):
        conversation.send("354 go ahead", more=True)
        return words
    return then


def rude_once(receiver, row):
    words = words_of(row)
    receiver.answer(STEPS[row.stage], invited(words) if row.stage == "CONTENT" else words, times=1)


def expected_dots(row, sees_dot):
    """Before the dot: one, the later attempt's. At it: that one, and another where it was told 4yz."""
    if row.outcome == "bounced":
        return 1 if sees_dot else 0
    return 2 if (row.outcome, row.at) == ("deferred", "dot") else 1


@pytest.fixture(scope="module")
def played(session):
    """Every row at once, on a platform whose day is half a minute: the receivers by row, and the messages."""
    evenpost = Evenpost(session, rate=2880).start()
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(len(PLAYED))
    stories = {}
    for row in PLAYED:
        receiver = evenpost.receiver(f"{row.stage}-{row.fault}.test".lower().replace("_", "-"))
        rude_once(receiver, row)
        stories[row.stage, row.fault] = acme, receiver, acme.send(1, to=receiver)
    sent = functools.reduce(lambda all, one: all + one, [story[2] for story in stories.values()])
    sent.wait_until("delivered", "bounced", "unconfirmed", seconds=200)
    yield stories
    evenpost.stop()


@pytest.mark.parametrize("row", PLAYED, ids=lambda row: f"{row.stage}-{row.fault}")
def test_t028_a_fault_costs_what_the_table_says(row, played):
    """Catches a socket that ends otherwise than the table thinks, and an outcome that the ledger reads otherwise."""
    acme, receiver, sent = played[row.stage, row.fault]
    attempts = acme.attempts(sent.ids[0])
    first = min(attempts, key=lambda attempt: attempt["at"])
    told = [receiver.story(), attempts]
    assert sent.states() == [SETTLED.get(row.outcome, "delivered")], told
    assert len(receiver.dots) == expected_dots(row, sees_dot=row.stage == "DOT"), told
    if row.outcome == "no_result":
        assert len(attempts) == 1 and first["outcome"] == "delivered", told
        return
    if row.stage == "CONTENT" and first["outcome"] == UNDER_WAY:
        return
    assert first["outcome"] == row.outcome, told
    hasty = (row.stage, row.fault) == ("GREETING", "rst")       # to the kernel a reset right behind the handshake is a refused connect
    assert first["stage"] == row.at or (hasty and first["stage"] == "connect"), told
    assert str((first["reply"] or {}).get("code", "-")) == row.code, told
    assert receiver.most_open() == 1 and receiver.rude == [], told


def test_t032_a_421_at_any_stage_holds_its_receiver(evenpost):
    """Catches a goodbye in mid-session that is taken for a word about one message: the next one would be begun at once."""
    for step in ["greeting", "ehlo", "mail", "rcpt", "data", "dot"]:
        acme = evenpost.customer()
        acme.ip(), acme.mailbox()
        receiver = evenpost.receiver(f"leaving-{step}.test")
        receiver.answer(step, "421 4.3.2 going down", times=1)
        sent = acme.send(1, to=receiver)
        evenpost.clock.jump_to(instant(sent.rows()[0]["slot"]["at"]))
        wait_until(lambda: acme.attempts(sent.ids[0]), 30, f"an attempt at {step}")
        row = sent.rows()[0]
        assert row["explanation"]["code"] == "receiver_on_hold", (step, row)
        assert row["state"] in ("booked", "accepted") and len(receiver.conversations) == 1, (step, row)


FLOODS = {"a line": (b"220 ", b"a" * 4096), "lines": (b"", b"250-x\r\n" * 512)}
FLOODED = ["greeting", "ehlo", "mail", "rcpt", "data", "content", "dot", "quit"]


def flood(receiver, step, first, piece):
    """Ten MiB at that step, once; "content" is behind the 354. More than a socket takes: the worker must read it or close."""
    def pour(conversation):
        conversation.send(b"354 go\r\n" if step == "content" else first, more=True)      # else the dot may be out before it begins
        for _ in range(10 * MIB // len(piece)):
            conversation.connection.sendall(piece)
        return CLOSE
    receiver.answer("data" if step == "content" else step, pour, times=1)


def memory(process, name):
    """Octets, from the kernel: VmRSS is what it holds now, VmHWM the most it ever held."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) * 1024


@pytest.mark.parametrize("shape", FLOODS)
def test_t018_an_endless_reply_takes_no_memory_at_any_stage(shape, platform, session):
    """Catches a reply that is kept while it comes: ten MiB at each stage, and the worker never holds two more than before."""
    if b"__asan_init" in session.program("worker").read_bytes():
        pytest.skip("a sanitizer keeps what was freed: the figure would be its own")
    evenpost = platform(rate=2880)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(len(FLOODED) + 2)
    polite = evenpost.receiver()
    acme.send(2, to=polite).wait_until("delivered", seconds=60)
    receivers = {step: evenpost.receiver(f"{step}.test") for step in FLOODED}
    for step, receiver in receivers.items():
        flood(receiver, step, *FLOODS[shape])
    pathlib.Path(f"/proc/{evenpost.worker.pid}/clear_refs").write_text("5")         # the most it ever held begins anew
    before = memory(evenpost.worker, "VmRSS")
    sent = {step: acme.send(1, to=receiver) for step, receiver in receivers.items()}
    for step, one in sent.items():
        wait_until(lambda: acme.attempts(one.ids[0]), 60, f"an attempt at {step}")
    wait_until(lambda: all(receiver.conversations and receiver.conversations[0].closed for receiver in receivers.values()), 60,
               lambda: [receiver.story() for receiver in receivers.values()])
    assert memory(evenpost.worker, "VmHWM") - before < 2 * MIB
    for step, one in sent.items():
        first = min(acme.attempts(one.ids[0]), key=lambda attempt: attempt["at"])
        wanted = {"greeting": "refused_here", "ehlo": "refused_here", "dot": "unconfirmed", "quit": "delivered"}.get(step, "deferred")
        assert first["outcome"] in (wanted, UNDER_WAY) if step == "content" else first["outcome"] == wanted, (step, first)
        assert len("".join(first["transcript"])) < 9000
