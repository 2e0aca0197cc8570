"""What may end a message too early, or change it on its way (T01 to T17), through the API and a worker to receivers that
nobody here wrote. Each keeps what it took as files; what stands there must be what was written, once, and nothing else.

A seeded slice in every run; all of it, a message for each sequence, with --long.
"""
import email
import email.policy
import itertools
import os
import random
import socket

import pytest

from harness.evenpost import Evenpost
from harness.exim import Exim
from harness.opensmtpd import OpenSMTPD
from harness.postfix import Postfix
from harness.wait import wait_until

LONG = os.environ.get("EVENPOST_TEST_LONG") == "1"
SEED = int(os.environ.get("EVENPOST_TEST_SEED", "2026"))
SEQUENCES = ["".join(letters) for length in range(1, 7) for letters in itertools.product("\r\n.x", repeat=length)]
BLOCK = 16 * 1024                           # octets that the worker hands to the kernel at once
TRACE = {"return-path", "x-original-to", "delivered-to", "received"}
STRICT = {"smtpd_forbid_bare_newline": "reject", "smtpd_forbid_bare_newline_exclusions": ""}
PEERS = {"postfix-lax": (Postfix, {"smtpd_forbid_bare_newline": "no"}), "postfix-strict": (Postfix, STRICT), "exim": (Exim, {}),
         "opensmtpd": (OpenSMTPD, {})}
SMUGGLED = "MAIL FROM:<eve@evil.test>\r\nRCPT TO:<victim@{domain}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
ENDS = ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r\n.\r\n", "\r\n.\r\r\n", "\n.\r.\n"]


@pytest.fixture(scope="module")
def quick(session):
    """A platform on which a day passes in half a minute, so that a corpus is planned mail like any other.

    Without the second between two connections to a receiver: for five letters a connection, that is most of the time."""
    evenpost = Evenpost(session, rate=1440 if LONG else 2880, environment={"EVENPOST_PERMIT_SETTLE": "0"}).start()
    yield evenpost
    evenpost.stop()


def dots_at_edges():
    """Lines whose dot falls on the first octet of a block, and bodies of dots alone, two around each edge (T03)."""
    for around in range(-2, 3):
        yield ".\n" * (BLOCK // 3 + around)
        yield "y" * 70 + "\n" + ("x" * 62 + "\n") * (BLOCK // 64 - 12) + ".\n" * (400 + around)
        yield ("." * (50 + around) + "\n") * (2 * BLOCK // 52)


def texts(domain):
    """The corpus: every text is one message."""
    chosen = SEQUENCES if LONG else random.Random(SEED).sample(SEQUENCES, 24)
    yield from (f"a{sequence}b" for sequence in chosen)
    yield "\n".join(f"{number}:{sequence}:" for number, sequence in enumerate(SEQUENCES[:340]))     # up to four, in one
    yield from (f"Hello{end}{SMUGGLED.format(domain=domain)}" for end in ENDS)
    yield from list(dots_at_edges())[:None if LONG else 4]
    yield from ["." * 100_000, "x" * 100_000, "ü" * 30_000, "From here\n.\nFrom there", "\n\n\n", ".", "..\n", "\t.\n ", "Grüße aus 東京\n."]


def lines_of(text):
    """As a text must arrive: any line end is one, and the last line has one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


class Post:
    """A customer with as many mailboxes as a corpus takes in a day or a few, and what it wrote to one peer."""

    def __init__(self, evenpost, peer, count):
        self.customer, self.peer, self.written = evenpost.customer(), peer, {}
        self.customer.ip()
        self.customer.mailboxes(min(count // 2 + 1, 1000))
        evenpost.route(peer.domain, peer.address, peer.port)

    def write(self, text, **fields):
        to = f"p{len(self.written)}@{self.peer.domain}"
        self.written[self.customer.send_one(to, text=text, **fields)["id"]] = (to, text)

    def wait(self):
        """As long as letters come: how many a minute is the machine's affair. A weekend of the clock takes 160 s."""
        came = 0
        while came < len(self.written):
            wait_until(lambda: len(self.peer.files_kept()) > came, 300,
                       lambda: f"{len(self.written)} letters, {came} came; {self.peer.log()[-5:]}")
            came = len(self.peer.files_kept())

    def source(self, id):
        return self.customer.api.get(f"/v1/messages/{id}/source").octets.replace(b"\r\n", b"\n")


def judge_letter(octets, source, text):
    """The octets behind the peer's own trace fields are those that were sent, and say what was written."""
    assert octets.endswith(source), (octets[:300], source[:300])
    above = octets[:-len(source)].decode()
    assert {line.split(":")[0].lower() for line in above.splitlines() if line[:1] not in " \t"} <= TRACE, above
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message.get_content().replace("\r\n", "\n") == lines_of(text), (text[:80], message.get_content()[:80])


@pytest.mark.parametrize("kind", PEERS)
def test_t01_to_t17_each_text_arrives_as_one_letter_octet_for_octet(kind, peer, quick):
    """Catches an end of data inside a text, a dot stuffed twice or not at all, and whatever a receiver had to repair."""
    made, settings = PEERS[kind]
    receiver = peer(made, f"{kind}.test", **settings)
    corpus = list(texts(receiver.domain))
    post = Post(quick, receiver, len(corpus))
    for text in corpus:
        post.write(text)
    post.wait()
    letters = receiver.letters()
    assert len(letters) == len(corpus), f"one letter each, seed {SEED}"
    found = {email.message_from_bytes(octets)["Message-ID"].strip("<>").split("@")[0]: octets for octets in letters}
    for id, (to, text) in post.written.items():
        judge_letter(found[id], post.source(id), text)
    wait_until(lambda: len(receiver.taken()) >= len(corpus), 20, "its log says so too")
    assert sorted(receiver.taken()) == sorted(to for to, _ in post.written.values())
    assert receiver.log("bare") == [] and receiver.log("evil.test") == []


@pytest.mark.parametrize("kind", PEERS)
def test_t07_an_envelope_is_read_as_it_was_meant(kind, peer, evenpost):
    """Catches a path that a receiver parses otherwise than we (T07, T08): its log names exactly the pair of the API."""
    made, settings = PEERS[kind]
    receiver = peer(made, f"envelope-{kind}.test", **settings)
    evenpost.route(receiver.domain, receiver.address, receiver.port)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(5)
    locals_ = ["o'neil+tag", "a.b.c", "x=y/z", "first_last-1", "{curly}", "~tilde^", "0"]
    sent = [acme.send(1, to=f"{local}@{receiver.domain}") for local in locals_]
    evenpost.play(sum(sent[1:], sent[0]), "delivered", seconds=90)
    wait_until(lambda: len(receiver.taken()) >= len(locals_), 20, lambda: receiver.log()[-3:])
    assert sorted(receiver.taken()) == sorted(f"{local}@{receiver.domain}" for local in locals_)


def test_t06_a_nul_never_gets_as_far_as_a_receiver(evenpost):
    """Catches a NUL that C cuts and a receiver keeps: the API reads no text that has one, wherever it stands."""
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    for text in ("\0", "a\0b", "a\r\n\0.\r\n", "a\n.\0\n", "\0" * 6):
        refused = acme.api.post("/v1/messages", {"to": {"address": "bo@people.test"}, "subject": "x", "text": text}, expect=400)
        assert "u0000" in refused.body["detail"], refused.body


def test_t14_no_name_of_ours_is_in_what_a_stranger_reads(peer, evenpost):
    """Catches a Bcc, a Received or an id beside the Message-ID in what arrives (T14): these fields, once each."""
    receiver = peer(Exim, "names.test")
    evenpost.route(receiver.domain, receiver.address, receiver.port)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox(display_name="Ann")
    sent = acme.send(1, to=receiver, html="<p>Hello</p>")
    evenpost.play(sent, "delivered", seconds=60)
    wait_until(receiver.letters, 20)
    names = [name.lower() for name in email.message_from_bytes(receiver.letters()[0]).keys()]
    assert names == ["date", "from", "to", "subject", "message-id", "mime-version", "content-type"]


def test_p4_exim_that_takes_one_connection_of_a_host_sees_no_second(peer, evenpost):
    """Catches a permit that returns while Exim still counts: it does so until it has reaped the process of the connection."""
    receiver = peer(Exim, "one.test", smtp_accept_max_per_host=1)
    evenpost.route(receiver.domain, receiver.address, receiver.port)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(6)
    sent = acme.send(12, to=receiver)
    evenpost.play(sent, "delivered", seconds=120)
    wait_until(lambda: len(receiver.taken()) >= 12, 20)
    assert receiver.refused() == []
    assert len(receiver.log("SMTP connection from")) >= 12, "each message had a connection of its own to be refused"
    assert all(len(acme.attempts(id)) == 1 for id in sent.ids)
    with socket.create_connection((receiver.address, receiver.port)), socket.create_connection((receiver.address, receiver.port)):
        wait_until(receiver.refused, 10, "it would have said so: two at once are one too many")
