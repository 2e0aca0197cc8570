"""A real Postfix as the receiver: what its own anvil counts, and what its own log says it took."""
import collections
import email
import os
import random
import smtplib
import threading

import pytest

from harness.evenpost import ALL_DAY
from harness.receiver import Receiver
from harness.wait import stays, wait_until


@pytest.fixture(scope="module")
def strict(postfix, evenpost):
    """Allows one connection. Loopback is exempt from Postfix's limits unless told otherwise."""
    receiver = postfix(mydestination="postfix.test, lost.test", smtpd_client_connection_count_limit=1,
                       smtpd_client_event_limit_exceptions="")
    evenpost.route(receiver.domain, receiver.address, receiver.port)
    return receiver


def test_postfix_counts_one_connection_when_it_allows_one(strict, evenpost):
    """Catches a permit returned at QUIT's reply: anvil still counts what Postfix has not closed (P4)."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(5)
    sent = acme.send(10, to=strict)
    evenpost.play(sent, "delivered", seconds=90)
    wait_until(lambda: strict.most_at_once(source), 10, "anvil has told")
    assert strict.log("limit exceeded") == [] and strict.most_at_once(source) == 1
    assert sorted(strict.taken()[-10:]) == sorted(f"p{n + 1}@{strict.domain}" for n in range(10))


def test_postfix_reads_what_was_written(strict, evenpost):
    """Catches an envelope or a content that Postfix reads otherwise than we (T01, T07): names, dots, long lines, languages."""
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(3, display_name="Ann “Łee” Müller")
    text = "\n".join([".", "..", ".dot", "x" * 3000, "Grüße aus 東京", "", "end"])
    sent = acme.send(1, to=strict, text=text, subject="Grüße, 東京 " * 12)
    sent += acme.send(1, to="o'neil+tag@" + strict.domain, text="plain\n", html="<p>Grüße</p>")
    rows = evenpost.play(sent, "delivered", seconds=60)
    assert [row["last_attempt"]["reply"]["code"] for row in rows] == [250, 250]
    assert f"o'neil+tag@{strict.domain}" in strict.taken()


def test_a_postfix_that_forbids_bare_newlines_takes_our_mail(postfix, evenpost):
    """Catches a lone CR or LF on the wire (T01, T02): this Postfix answers 521 to the first and hangs up."""
    receiver = postfix("newlines.test", smtpd_forbid_bare_newline="yes", smtpd_forbid_bare_newline_exclusions="")
    evenpost.route(receiver.domain, receiver.address, receiver.port)
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    sent = acme.send(1, to=receiver, text="a\rb\nc\r\nd\n\r\n.\r.\n.\r\n")
    evenpost.play(sent, "delivered", seconds=60)
    assert receiver.log("bare") == []


def test_a_postfix_whose_reply_to_the_dot_is_lost_gets_no_second_copy(strict, evenpost):
    """Catches the copy that Postfix itself would send in our place (T29): a relay eats the reply to the dot."""
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    relay = evenpost.relay_to(strict, "lost.test")
    relay.watch = lambda direction, octets: relay.eat("answers") if octets.endswith(b"\r\n.\r\n") else None
    sent = acme.send(1, to="once@lost.test")
    evenpost.play(sent, "unconfirmed", "sending")
    wait_until(lambda: "once@lost.test" in strict.taken(), 20, "Postfix has it")
    relay.cut()
    sent.wait_until("unconfirmed", seconds=30)
    relay.flow()
    evenpost.clock.jump(2 * 86400)
    stays(lambda: strict.taken().count("once@lost.test") == 1, 3, "no second copy")


def test_t029_days_of_lost_replies_never_show_postfix_a_third_dot(postfix, platform):
    """Catches a slot that is used again after its dot was taken and not answered: three days of it, or a month with --long."""
    evenpost = platform(rate=5760)
    receiver, seed = postfix("lossy.test"), int(os.environ.get("EVENPOST_TEST_SEED", "2026"))
    relay, dice = evenpost.relay_to(receiver, receiver.domain), random.Random(seed)

    def cut():
        relay.cut()
        relay.flow()

    def lose(direction, octets):
        if octets.endswith(b"\r\n.\r\n") and dice.random() < 0.6:
            relay.eat("answers")
            threading.Timer(0.3, cut).start()
    relay.watch = lose
    acme, days = evenpost.customer(), 30 if os.environ.get("EVENPOST_TEST_LONG") == "1" else 3
    acme.ip()
    acme.mailboxes(6, window={**ALL_DAY, "start": "04:00", "end": "16:00"})     # far from midnight: a letter is filed a moment later
    sent = acme.send(12 * days, to=receiver)
    rows = sent.wait_until("delivered", "unconfirmed", seconds=days * 60 + 60)
    kept = [(email.message_from_bytes(path.read_bytes()), evenpost.clock.at(path.stat().st_mtime)) for path in receiver.files_kept()]
    seen = collections.Counter((letter["From"], at.date()) for letter, at in kept)
    assert max(seen.values()) <= 2, (seed, seen.most_common(3))
    assert len({letter["Message-ID"] for letter, _ in kept}) == len(kept) == len(sent), f"each once, seed {seed}"
    assert sum(row["state"] == "unconfirmed" for row in rows) >= len(rows) // 4, "replies were lost"


def test_our_own_receiver_counts_as_postfix_does():
    """Catches a judge that is kinder than the real thing: two open connections are two, until each is closed."""
    receiver = Receiver("127.0.0.1", 0)
    with smtplib.SMTP("127.0.0.1", receiver.port) as one:
        one.sendmail("a@b.test", ["c@d.test"], "Subject: x\r\n\r\n.\r\n..\r\nend\r\n")
        with smtplib.SMTP("127.0.0.1", receiver.port):
            assert receiver.most_open() == 2
    wait_until(lambda: receiver.open() == 0, 5)
    assert receiver.most_open() == 2 and receiver.rude == []
    assert receiver.dots[0].content == b"Subject: x\r\n\r\n..\r\n...\r\nend\r\n"
    receiver.close()
