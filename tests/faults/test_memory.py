"""Allocations that fail, once or from one on, in ten things that the programs do: each a whole life, from the start to the end.

Our own allocation ends the process at once, and so do some libraries; others answer an error, which is an outcome like any other.
Which allocation fails is counted by what is preloaded (failing_allocation.c); it says which file asked for it.
"""
import base64
import re

import pytest
from outcome import outcome
from scenes import Acceptance, Delivery, Takeover

from harness.receiver import CLOSE

OURS = re.compile(r"asked by evenpost-")
WHO = re.compile(r"an allocation fails, asked by (\S+)")
DIES_OF_IT = {"libc.so.6", "libcrypto.so.3", "libglib-2.0.so.0"}       # a null pointer of their own, while they say so
ENDED = {0, 1, 2, -6, -5}                           # in order; with a word; by an assertion, ours or a library's; by GLib


# What a worker does.

class Bounced(Delivery):
    """The recipient is refused."""
    ends = {"bounced": {0}, "unconfirmed": {0}}

    def before(self):
        self.receiver.answer("rcpt", "550 5.2.1 not here any more")


class Deferred(Delivery):
    """The recipient is deferred once."""

    def before(self):
        self.receiver.once.clear()
        self.receiver.answer("rcpt", "450 4.2.0 not now", times=1)


class Unanswered(Delivery):
    """The dot is not answered."""
    ends = {"unconfirmed": {0, 1}}

    def before(self):
        self.receiver.answer("dot", CLOSE)


class Large(Delivery):
    """The message has all that a message may have."""
    message = {"text": "Grüße\n" * 2000, "html": "<p>Grüße</p>\n" * 2000, "headers": {"X-Thing": "a thing"}, "reply_to": "r@acme.test",
               "attachments": [{"filename": "Übersicht.pdf", "content_type": "application/pdf",
                                "content_base64": base64.b64encode(bytes(range(256)) * 200).decode()}]}


# What a server does.

class AcceptanceOfLarge(Acceptance):
    message = Large.message


class Changes(Acceptance):
    """A mailbox is made, another changed, an address suppressed."""

    def __init__(self, session):
        super().__init__(session)
        self.evenpost.server.start()
        self.evenpost.ready()
        self.mailbox = self.acme.mailbox()
        self.evenpost.server.terminate()

    def requests(self, key):
        return [("POST", "/v1/mailboxes", {"address": f"{key}@changes.test", "window": self.mailbox["window"]}),
                ("PATCH", f"/v1/mailboxes/{self.mailbox['id']}", {"display_name": key}),
                ("POST", "/v1/suppressions", {"address": f"{key}@suppressed.test"})]

    def ask(self, key):
        answers = [self.asked(method, path, body, f"{key}-{number}") for number, (method, path, body) in enumerate(self.requests(key))]
        return None if None in answers else min(answers, key=lambda answer: answer.status < 300)

    def judge(self, key, first, second, words):
        told = [first, second, words[-800:]]
        assert first is None or first.status in (200, 201, 503), told
        assert second is not None and second.status in (200, 201), told
        one = self.evenpost.database.one
        assert one("select count(*) from mailboxes where address = %s", f"{key}@changes.test") == 1, told
        assert one("select display_name from mailboxes where address = %s", self.mailbox["address"]) == key, told
        assert one("select count(*) from suppressions where address_key = %s", f"{key}@suppressed.test") == 1, told


class Reads(Acceptance):
    """Lists, one thing, and what is reckoned."""

    def __init__(self, session):
        super().__init__(session)
        self.evenpost.server.start()
        self.evenpost.ready()
        self.sent = self.acme.send(3, to=self.receiver)
        self.whole = {path: self.read(path).body for path in self.paths()}
        self.evenpost.server.terminate()

    def paths(self):
        return ["/v1/messages", f"/v1/messages/{self.sent.ids[0]}", "/v1/mailboxes?limit=5", "/v1/events", "/v1/me"]

    def read(self, path):
        return self.asked("GET", path, None, None)

    def ask(self, key):
        answers = {path: self.read(path) for path in self.paths()}
        for path, answer in answers.items():
            assert answer is None or answer.status in (200, 503), (path, answer)
            assert answer is None or answer.status == 503 or _same(answer.body, self.whole[path]), (path, answer, self.whole[path])
        return None if None in answers.values() else min(answers.values(), key=lambda answer: answer.status == 200)

    def judge(self, key, first, second, words):
        assert second is not None and second.status == 200, [first, second, words[-800:]]


def _same(body, whole):
    """The same names and the same things; times and what the clock moves aside."""
    if isinstance(whole, dict):
        return isinstance(body, dict) and body.keys() == whole.keys() and all(_same(body[name], whole[name]) for name in whole)
    if isinstance(whole, list):
        return isinstance(body, list) and len(body) == len(whole) and all(map(_same, body, whole))
    return type(body) is type(whole) or None in (body, whole)


SCENES = [Delivery, Bounced, Deferred, Unanswered, Large, Takeover, Acceptance, AcceptanceOfLarge, Changes, Reads]


@pytest.fixture(params=SCENES, ids=lambda scene: scene.__name__.lower())
def scene(request, session):
    scene = request.param(session)
    yield scene
    scene.close()


def fails_at(session, number, then_on):
    preload = session.build / "libfailing_allocation.so"
    assert preload.exists(), "tests/tests.cmake builds it"
    return {"LD_PRELOAD": str(preload), "EVENPOST_FAILS_AT": str(number), **({"EVENPOST_FAILS_ON": "1"} if then_on else {})}


def assert_as_decided(point):
    who = WHO.findall(point.words)
    assert point.status in ENDED or (point.status == -11 and set(who) & DIES_OF_IT), point
    if OURS.search(point.words):
        assert point.status == -6 and "no memory is left" in point.words, point


def drawn(dice, scene, total, count):
    """Numbers out of equal stretches: half of them from the whole life, half from its end, where the work is."""
    begun = int(total * (1 - scene.busy))
    stretches = [(0, total, n, count // 2) for n in range(count // 2)]
    stretches += [(begun, total - begun, n, count - count // 2) for n in range(count - count // 2)]
    return [dice.randrange(start + length * n // of, start + length * (n + 1) // of) + 1 for start, length, n, of in stretches]


def play_each(scene, session, points, total):
    for number, then_on in points:
        try:
            assert_as_decided(scene.play(**fails_at(session, number, then_on)))
        except AssertionError as fault:
            raise AssertionError(f"allocation {number} of {total} fails{', and each behind it' if then_on else ''}: {fault}") from fault


@outcome(fault="an allocation of a worker fails, once or each from one on: at its start, at a takeover, in a delivery that ends with 250, 450, 550 or no reply, with a large message",
         before="a message is due, or is left by a killed owner", after="as without the fault; unconfirmed, if its authorization was asked for and the program ended",
         receiver="one dot at most; one connection at once", customer="the state, and why; never bounced for lack of memory")
@outcome(fault="an allocation of a server fails, once or each from one on: at its start, at an acceptance, a large one, changes, reads",
         before="requests, under Idempotency-Keys where they change something", after="done once, or not at all", receiver="nothing",
         customer="what is asked for in whole, 503 or a lost connection; asked again, the same")
def test_t176_an_allocation_that_fails_changes_nothing_that_was_promised(scene, session, dice, long, swept):
    """Catches a null that is taken for an answer: an address that is none, a list that is shorter, an outcome that was not heard (T176)."""
    total = int(re.search(r"asked for (\d+) allocations", scene.play(**fails_at(session, 0, False)).words)[1])
    count = 26 if long else 2
    points = [(number, then_on) for then_on in (False, True) for number in drawn(dice, scene, total, count)]
    play_each(scene, session, points, total)
    swept(f"{scene.name} without memory", len(points))


@outcome(fault="an allocation of a server fails while it answers: any of the last ones", before="lists and single things are asked for",
         after="as without the fault", receiver="nothing", customer="an answer with all of its headers, 503, or a lost connection; asked again, the same")
def test_t176_an_answer_has_all_of_its_headers_or_is_none(session, dice, long, swept):
    """Catches an answer without its type, or without what keeps a browser from guessing one."""
    scene, step = Reads(session), 1 if long else 4
    try:
        total = int(re.search(r"asked for (\d+) allocations", scene.play(**fails_at(session, 0, False)).words)[1])
        numbers = range(total - 400 + dice.randrange(step), total, step)
        play_each(scene, session, [(number, False) for number in numbers], total)
    finally:
        scene.close()
    swept("answers without memory", len(numbers))
