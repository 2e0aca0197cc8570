"""A disk is full: under PostgreSQL's tables, under its log (WAL), and under the programs' own logs.

The small disk is a tmpfs in a mount namespace that the test made. The judges: what clients were told, what receivers saw,
and the rows themselves.
"""
import os

import pytest

from harness.clock import instant
from harness.evenpost import Messages
from harness.wait import stays, wait_until
from outcome import outcome

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a disk of a test's own needs root (a mount namespace)")


def fill(disk):
    """Not an octet is left."""
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 65536)
        except OSError:
            pass
        try:
            while True:
                filler.write(b"x")
        except OSError:
            pass


def make_room(disk):
    os.unlink(disk / "filler")


def post(acme, number):
    """One long message: its text needs pages of its own."""
    body = {"to": {"address": f"n{number}@people.test"}, "subject": f"n{number}", "text": os.urandom(20000).hex()}
    return acme.api.call("POST", "/v1/messages", body, Idempotency_Key=f"n{number}")


def kept(evenpost, number):
    return evenpost.database.one("select count(*) from messages where subject = %s", f"n{number}")


def post_until_full(evenpost, acme):
    """The ids that were answered with 202, and the first number that was not taken, with its answer."""
    told = []
    for number in range(400):
        answer = post(acme, number)
        if answer.status != 202:
            assert answer.status == 503 and answer.headers["Retry-After"], answer
            return told, number, answer
        told.append(answer["id"])
    raise AssertionError("400 long messages found room on a full disk")


@needs_root
@outcome(fault="the disk under PostgreSQL's tables is full", before="clients send, mail is booked",
         after="writes fail whole; sending goes on only where its authorization could be committed; when there is room all goes on by itself",
         receiver="no dot without a committed authorization; each message once",
         customer="503 that says the disk is full, and that nothing was done; reads are answered; a retry with the same key succeeds when there is room")
def test_t151_a_full_disk_takes_nothing_half_and_all_comes_back_when_there_is_room(platform):
    """Catches a 2xx without room, half a message, a dot without its row, and a program that must be helped up again."""
    evenpost = platform(disk=("base", 96))
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    receiver = evenpost.receiver()
    sent = acme.send(10, to=receiver)
    with evenpost.database.keeps_open():
        fill(evenpost.disk)
        told, number, refused = post_until_full(evenpost, acme)
        assert "disk is full" in refused["detail"] and "nothing was done" in refused["detail"], refused
        assert kept(evenpost, number) == 0
        assert all(acme.message(id)["state"] == "booked" for id in told[-3:]), "what is there can be read"
        committed = "select count(*) from slots where state in ('authorized', 'spent')"

        def dots_are_covered():
            dots = len(receiver.dots)
            return dots <= evenpost.database.one(committed)
        for at in sorted(instant(row["slot"]["at"]) for row in sent.rows())[:6]:
            evenpost.clock.jump_to(at)
            stays(dots_are_covered, 1, "each dot has its committed authorization")
        wait_until(lambda: "authorization not written: refused" in evenpost.worker.text(), 30, "the worker meets the full disk")
        assert dots_are_covered()
        assert evenpost.worker.alive and evenpost.server.alive and evenpost.jobs.alive
        assert post(acme, number).status == 503, "it is full still"
    make_room(evenpost.disk)
    again = wait_until(lambda: (answer := post(acme, number)).status == 202 and answer, 30, "there is room")
    assert kept(evenpost, number) == 1
    evenpost.play(sent, "delivered", seconds=120)
    evenpost.play(Messages(acme, told[:5] + [again["id"]]), "delivered", seconds=120)
    assert len(receiver.dots) == len({dot.recipient for dot in receiver.dots}) == 10


@needs_root
@outcome(fault="the disk under PostgreSQL's log (WAL) is full", before="clients send, mail is booked",
         after="PostgreSQL ends itself; what was answered is there when it has room and is started again, and all goes on by itself",
         receiver="no dot meanwhile; each message once", customer="503 with Retry-After meanwhile; a retry with the same key makes one message of it")
def test_t151_a_full_log_disk_stops_postgresql_and_loses_nothing(platform):
    """Catches a 202 whose commit found no room in the log."""
    evenpost = platform(disk=("pg_wal", 40))
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(60)
    receiver = evenpost.receiver()
    sent = acme.send(6, to=receiver)
    due = max(instant(row["slot"]["at"]) for row in sent.rows())
    fill(evenpost.disk)
    told, number, _ = post_until_full(evenpost, acme)
    evenpost.clock.jump_to(due)
    stays(lambda: receiver.dots == [], 3, "no dot without PostgreSQL")
    assert evenpost.worker.alive and evenpost.server.alive and evenpost.jobs.alive
    wait_until(lambda: not evenpost.database.process.alive, 60, "it cannot recover without room, and ends")
    make_room(evenpost.disk)
    evenpost.database.start()                           # its supervisor's part
    evenpost.ready()
    again = wait_until(lambda: (answer := post(acme, number)).status == 202 and answer, 30, "it goes on")
    assert kept(evenpost, number) == 1
    assert {row["id"] for row in acme.api.every("/v1/messages")} >= {*told, *sent.ids, again["id"]}
    evenpost.play(sent, "delivered", seconds=120)
    assert len(receiver.dots) == 6


@pytest.mark.parametrize("full", ["a limit of size", "a full disk"])
@outcome(fault="no line more can be written to a program's log: its disk is full, or its size is limited (RLIMIT_FSIZE)",
         before="the programs run", after="they go on; the lines are dropped, and counted", receiver="the message once", customer="nothing of it")
def test_t178_a_log_that_may_not_grow_ends_no_program(platform, full):
    """Catches SIGXFSZ, and a program that dies of its own words."""
    evenpost = platform()
    programs = (evenpost.server, evenpost.jobs, evenpost.worker)
    for program in programs:
        program.kill()
        log = program.log
        if full == "a full disk":
            program.log = "/dev/full"
        else:
            size = log.stat().st_size + 100
            program.argv = ["prlimit", f"--fsize={size}", "--", *program.argv]
        program.start()
        program.log = log
    evenpost.ready()
    acme = evenpost.customer()
    acme.ip(), acme.mailbox()
    receiver = evenpost.receiver()
    evenpost.play(acme.send(1, to=receiver), "delivered")
    assert all(program.alive for program in programs) and len(receiver.dots) == 1
    assert [program.terminate() for program in programs] == [0, 0, 0]
