"""P4. A receiver never sees more connections from one IP than its limit, at any instant, by the receiver's own count.

The judges: a receiver of the harness that counts from accept to its own close, Postfix's anvil (tests/peers), and the
sandbox's record.
"""
import datetime

import pytest

from harness.clock import UTC, instant
from harness.evenpost import ALL_DAY
from harness.receiver import CLOSE
from harness.wait import stays, wait_until


def one_by_one(evenpost, sent, receiver):
    """Each message comes due when the last one's QUIT was heard: none finds a session to use again."""
    for number, row in enumerate(sorted(sent.rows(), key=lambda row: row["slot"]["at"])):
        evenpost.clock.jump_to(instant(row["slot"]["at"]))
        wait_until(lambda: len(receiver.dots) == number + 1 and receiver.dots[-1].conversation.heard("QUIT"), 60,
                   lambda: (number, len(receiver.dots), evenpost.worker.tail(5)))
    sent.wait_until("delivered")


def crowd(evenpost):
    """A customer whose gap is 14 seconds: eight mailboxes send in the first quarter of the coming day."""
    acme = evenpost.customer()
    ip = acme.ip()
    evenpost.clock.jump_to(datetime.datetime.combine(evenpost.clock.now().date(), datetime.time(23), UTC))
    acme.mailboxes(8, window={"days": ALL_DAY["days"], "start": "00:00", "end": "00:15"})
    return acme, ip


def due(evenpost, sent):
    """The clock at the last of their slots: all of them are due."""
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for row in sent.rows()))


def test_a_receiver_that_closes_two_seconds_after_quit_sees_one_connection(evenpost):
    """Catches a permit returned at QUIT's reply: Postfix shows such a receiver 500 at once (T39)."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(3)
    receiver = evenpost.receiver()
    receiver.close_late_s = 2.0
    one_by_one(evenpost, acme.send(6, to=receiver), receiver)
    assert receiver.most_open(source) == 1
    assert len(receiver.conversations) == 6, "the attack needs a connection for a message"


def test_a_receiver_that_never_closes_sees_one_connection(platform):
    """Catches a permit that returns while the receiver still counts, and one that never returns (T39)."""
    evenpost = platform(environment={"EVENPOST_CLOSE_WAIT": "2", "EVENPOST_PERMIT_GRACE": "2"})
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailbox()
    receiver = evenpost.receiver()
    receiver.never_close = True
    one_by_one(evenpost, acme.send(2, to=receiver), receiver)
    assert receiver.most_open(source) == 1 and len(receiver.conversations) == 2
    assert receiver.conversations[1].opened - receiver.conversations[0].closed >= 1.9, "no rest after a reset"


def test_a_receiver_that_counts_a_moment_longer_than_it_is_open_sees_one_connection(evenpost):
    """Catches the next connection in the very moment of the peer's close: Exim counts until it has reaped the process."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailbox()
    receiver = evenpost.receiver()
    receiver.count_late_s = 0.5
    receiver.answer("mail", CLOSE, times=2)
    sent = acme.send(2, to=receiver)
    evenpost.play(sent, "delivered")
    assert receiver.most_open(source) == 1 and len(receiver.conversations) >= 3


def test_a_rest_after_a_reset_is_not_cut_short_by_a_crash(platform):
    """Catches a next owner that does not know whom the killed one waited for: no socket shows it any more (T39, T40)."""
    evenpost = platform(environment={"EVENPOST_CLOSE_WAIT": "1", "EVENPOST_PERMIT_GRACE": "15"})
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailbox()
    receiver = evenpost.receiver()
    receiver.never_close = True
    sent = acme.send(2, to=receiver)
    evenpost.clock.jump_to(min(instant(row["slot"]["at"]) for row in sent.rows()))
    wait_until(lambda: evenpost.database.one("select count(*) from lanes where resting_until is not null") == 1, 30,
               "the rest is written down")
    evenpost.worker.kill()
    evenpost.worker.start()
    evenpost.play(sent, "delivered")
    first, second = receiver.conversations
    assert second.opened - first.closed >= 14, "the rest was cut short"
    assert receiver.most_open(source) == 1


def test_two_domains_at_one_address_are_one_receiver(evenpost):
    """Catches counting by domain, or by port: the machine behind them counts the address."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(4)
    receiver = evenpost.receiver()
    for domain in ("other.test", "third.test"):
        evenpost.route(domain, receiver.address, receiver.port)
    gate = receiver.gate("rcpt")
    sent = acme.send(2, to=receiver) + acme.send(2, to="p1@other.test") + acme.send(2, to="p2@third.test")
    evenpost.clock.jump_to(min(instant(row["slot"]["at"]) for row in sent.rows()))
    gate.wait()
    due(evenpost, sent)
    stays(lambda: receiver.open(source) == 1, 3, "one connection, though five more messages are due")
    codes = {row["explanation"]["code"] for row in sent.rows()}
    assert "receiver_busy" in codes, f"not the permit kept them, but {codes}"
    gate.open()
    evenpost.play(sent, "delivered")
    assert receiver.most_open(source) == 1


def test_the_next_owner_waits_until_the_receiver_no_longer_counts_the_dead_one(platform):
    """Catches a takeover that trusts a timeout: a deaf receiver keeps the killed worker's connection (T40).

    Its kernel has read our end-of-file, but it has not; so ours sits in FIN_WAIT2 until the receiver closes.
    """
    evenpost = platform()
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(2)
    receiver = evenpost.receiver()
    deaf = receiver.gate("rcpt", deaf=True)
    sent = acme.send(3, to=receiver)
    due(evenpost, sent)
    deaf.wait()
    evenpost.worker.kill()
    evenpost.worker.start()
    stays(lambda: len(receiver.conversations) == 1, 8, "nobody connects while the old connection is counted")
    assert "owner_changing" in {row["explanation"]["code"] for row in sent.rows()}
    deaf.open()
    evenpost.play(sent, "delivered")
    assert receiver.most_open(source) == 1 and len(receiver.dots) == 3


def test_an_owner_that_stops_while_it_waits_has_not_ended_clean(platform):
    """Catches a restart that talks the next owner out of its wait: kill -9, start, SIGTERM, start (T40)."""
    evenpost = platform()
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(2)
    receiver = evenpost.receiver()
    deaf = receiver.gate("rcpt", deaf=True)
    sent = acme.send(2, to=receiver)
    due(evenpost, sent)
    deaf.wait()
    evenpost.worker.kill()
    evenpost.worker.start()
    wait_until(lambda: "takes over" in evenpost.worker.text(), 20, lambda: evenpost.worker.tail())
    assert evenpost.worker.terminate() == 0
    evenpost.worker.start()
    stays(lambda: len(receiver.conversations) == 1, 8, "nobody connects while the old connection is counted")
    deaf.open()
    evenpost.play(sent, "delivered")
    assert receiver.most_open(source) == 1


@pytest.mark.long
def test_an_owner_on_another_host_is_waited_for_though_the_new_one_restarts(platform):
    """Catches ten minutes that a restart forgets: nobody here can see the sockets of the owner elsewhere (T40)."""
    evenpost = platform()
    acme = evenpost.customer()
    ip = acme.ip()
    acme.mailbox()
    receiver = evenpost.receiver()
    gate = receiver.gate("rcpt")
    sent = acme.send(1, to=receiver)
    due(evenpost, sent)
    gate.wait()
    evenpost.worker.kill()
    evenpost.api.patch(f"/v1/ips/{ip['id']}", {"host": "sender-2"}, expect=200)
    other = evenpost.another_worker("--host", "sender-2").start()
    wait_until(lambda: "takes over" in other.text(), 40, lambda: other.tail())
    assert other.terminate() == 0
    other.start()
    stays(lambda: len(receiver.conversations) == 1, 12, "nobody connects within the ten minutes")
    assert sent.rows()[0]["explanation"]["code"] == "owner_changing"


def held_to_its_end(evenpost, sent, receiver, ip):
    """After one connection was throttled: until the hold's last seconds, far behind the gap, nobody else is let out."""
    receivers = f"/v1/ips/{ip['id']}/receivers"
    until = instant(wait_until(lambda: [row["hold_until"] for row in evenpost.api.get(receivers)["data"] if row["hold_until"]], 10,
                               "the receiver is held, not only the message")[0])
    assert (until - evenpost.clock.now()).total_seconds() > 20, "a throttle holds for 30 s at least"
    evenpost.clock.jump_to(until - datetime.timedelta(seconds=10))
    stays(lambda: len(receiver.conversations) == 1, 2, "no connection during the hold")
    wait_until(lambda: {row["explanation"]["code"] for row in sent.rows()} == {"receiver_on_hold"}, 5,
               lambda: f"the hold keeps all of them: {[(row['slot'], row['explanation']) for row in sent.rows()]}")


@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail", "rcpt"])
def test_a_throttle_holds_the_receiver_for_all_mailboxes_of_the_ip(evenpost, step):
    """Catches a retry on a new connection after 421 4.4.5, the very fault the reply complains about (T32, T54)."""
    acme, ip = crowd(evenpost)
    receiver = evenpost.receiver()
    receiver.answer(step, "421 4.4.5 server busy, too many connections", times=1)
    sent = acme.send(3, to=receiver)
    due(evenpost, sent)
    wait_until(lambda: len(receiver.conversations) == 1 and receiver.open() == 0, 20, "throttled")
    held_to_its_end(evenpost, sent, receiver, ip)
    evenpost.play(sent, "delivered")
    assert receiver.most_open() == 1
    assert receiver.conversations[1].opened - receiver.conversations[0].opened > 2


def test_a_hold_is_not_forgotten_by_a_restart(platform):
    """Catches holds kept in memory: a new process must not connect before their time (T173)."""
    evenpost = platform()
    acme, ip = crowd(evenpost)
    receiver = evenpost.receiver()
    receiver.answer("greeting", "421 4.4.5 server busy", times=1)
    sent = acme.send(3, to=receiver)
    due(evenpost, sent)
    wait_until(lambda: "receiver_on_hold" in {row["explanation"]["code"] for row in sent.rows()}, 20)
    evenpost.worker.terminate()
    evenpost.worker.start()
    wait_until(lambda: "sends" in evenpost.worker.text().split("taken up")[-1], 20, lambda: evenpost.worker.tail())
    held_to_its_end(evenpost, sent, receiver, ip)
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 3


def test_a_kept_session_that_the_receiver_ends_is_no_failure(evenpost):
    """Catches a message deferred because an idle session was closed under it, and a second connection beside it (T34)."""
    acme = evenpost.customer()
    source = acme.ip()["address"]
    window = {"days": ALL_DAY["days"], "start": "00:00", "end": "00:15"}
    acme.mailboxes(64, window=window)
    receiver = evenpost.receiver()
    turn = iter([None, CLOSE] + [None] * 200)
    fine = receiver.answers["mail"]
    receiver.answer("mail", lambda conversation: next(turn) or fine)
    today = evenpost.clock.now().date()
    evenpost.clock.jump_to(datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), UTC))
    sent = acme.send(6, to=receiver)
    evenpost.play(sent, "delivered")
    assert receiver.most_open(source) == 1
    assert {attempt["outcome"] for id in sent.ids for attempt in acme.attempts(id)} == {"delivered"}


def test_the_strict_sandbox_never_has_to_say_server_busy(platform):
    """Catches any second connection in a whole day of one IP at speed, judged by the sandbox's own record.

    It closes two seconds after QUIT, and a message comes due each second: a permit that came home early is seen.
    """
    evenpost = platform(rate=5760, profile="strict", sandbox=("--close-late-ms", "2000"))
    acme = evenpost.customer()
    source = acme.ip()["address"]
    acme.mailboxes(10)
    sent = acme.send(20, to="bo@people.test")
    sent.wait_until("delivered", seconds=90)
    seen, = [row for row in evenpost.inbox.get("/record")["data"] if row["source"] == source]
    assert (seen["most_open"], seen["refused"], seen["dots"]) == (1, 0, 20), seen


def test_nothing_is_said_behind_a_command_that_is_not_answered(evenpost):
    """Catches pipelining that nobody offered, above all behind the dot (T21, T38)."""
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(2)
    receiver = evenpost.receiver()
    evenpost.play(acme.send(4, to=receiver), "delivered")
    assert receiver.rude == [] and receiver.unfinished == []
