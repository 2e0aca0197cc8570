"""System calls that answer an error, once, at any place of one delivery and of one acceptance; and PostgreSQL's own, where a
commit becomes durable.

What the error has met is read from the trace of that very life: the attempt must say what the table of T28 says of a reset at
that stage, and an interruption must cost nothing.
"""
import collections
import pathlib
import signal
import subprocess
import sys

import pytest
from injected import calls_of, hit_of, strace, traced, with_error
from outcome import outcome
from scenes import Acceptance, Delivery

from harness.evenpost import Evenpost
from harness.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import faults  # noqa: E402

TABLE = faults.read(ROOT / "tests/conversations/faults.table")[2]
PASSING = {"EINTR", "EAGAIN"}
SENDS = ["EPIPE", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOBUFS", "ENOMEM", *PASSING]
ERRORS = {
    "connect": ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "ENOBUFS", "EACCES", *PASSING],
    "sendto": SENDS, "sendmsg": SENDS,
    "recvfrom": ["ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENOMEM", *PASSING],
    "accept4": ["EMFILE", "ENFILE", "ECONNABORTED", "ENOBUFS", "ENOMEM", "EPROTO", "EPERM", *PASSING],
    "openat": ["EMFILE", "ENFILE", "ENOENT", "EACCES", "ENOMEM", "EIO", "EINTR"],
    "read": ["EIO", *PASSING], "write": ["ENOSPC", "EIO", "EPIPE", *PASSING],
    "socket": ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"], "bind": ["EADDRINUSE", "EADDRNOTAVAIL", "EACCES"], "listen": ["EADDRINUSE"],
    "setsockopt": ["ENOPROTOOPT", "ENOMEM"], "getsockopt": ["ENOBUFS"], "getsockname": ["ENOBUFS"], "shutdown": ["ENOTCONN"],
    "close": ["EIO", "EINTR"], "epoll_ctl": ["ENOMEM", "ENOSPC"], "epoll_wait": ["EINTR"], "fcntl": ["EINVAL"], "ioctl": ["EINVAL"],
    "pipe2": ["EMFILE"], "eventfd2": ["EMFILE"], "newfstatat": ["EACCES"], "getrandom": ["EINTR", "ENOSYS"],
}
ENDS_WITH = {0: "lived", 1: "said why", 2: "said why", -signal.SIGABRT: "our own assertion, or a library's"}


@pytest.fixture(params=[Delivery, Acceptance], ids=["delivery", "acceptance"])
def scene(request, session):
    scene = request.param(session)
    yield scene
    scene.close()


def is_possible(call):
    """A pipe to itself does not fail; a look at what the C library would like to have (nscd) is none of ours."""
    return call.peer is not None if call.name == "connect" else call.peer != "itself"


def is_slow(call, error):
    """libpq keeps an error of sending to itself and waits to read more: the deadline of the answer, 30 s, finds it."""
    return call.name == "sendto" and call.peer == "database" and error not in PASSING


def points_by_kind(scene, trace):
    """(call, error) by the name of the call, whom it speaks to, and whether it may simply be made again; but for those that
    only a deadline finds."""
    scene.play(traced(trace))
    points = collections.defaultdict(list)
    for call in calls_of(trace, since="/clock"):
        if is_possible(call):
            for error in ERRORS.get(call.name, []):
                if not is_slow(call, error):
                    points[call.name, call.peer, error in PASSING].append((call, error))
    return points


# What this host lacks, or no way to there (getsockname: it is not our address). That is no attempt, and the message goes later.
LACKING = {"EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EPERM", "EINVAL", "ENETDOWN"}


def first_outcomes(call, error):
    """What the first attempt may say, when this call to the receiver answers that."""
    if call.name == "getsockname" or (call.name in ("socket", "bind", "connect") and error in LACKING):
        return {"delivered"}
    if call.name in ("sendto", "recvfrom") and error in PASSING:
        return {"delivered"}
    if call.name in ("close", "setsockopt", "epoll_ctl", "ioctl", "fcntl"):
        return {"delivered", "refused_here"}
    row = TABLE[call.stage.upper(), "rst"]
    if row.outcome == "no_result":
        return {"delivered"}
    return {row.outcome, "not_sent"} if call.stage == "content" else {row.outcome}      # authorization may be asked for by then


def assert_as_decided(scene, point, call, error):
    told = [str(call), error, point]
    assert point.status in ENDS_WITH, told
    if error == "EINTR" and call.name in ("sendto", "sendmsg", "recvfrom", "read", "accept4", "epoll_wait", "close"):
        assert not point.died, told
    if scene.name == "worker" and call.peer == "receiver" and not point.died:
        assert point.attempts[0]["outcome"] in first_outcomes(call, error), told
        if call.stage == "dot" and call.name in ("sendto", "recvfrom") and error not in PASSING:
            assert point.state == "unconfirmed" and point.dots == (call.name == "recvfrom"), told


@outcome(fault="a system call of a worker answers an error, once", before="a message is due",
         after="delivered; unconfirmed, if the dot or its reply was met. An interrupted call costs nothing",
         receiver="one dot, none if it was the dot that could not be sent; one connection at once", customer="the attempt of that stage, as after a reset")
@outcome(fault="a system call of a server answers an error, once", before="a request to send, under an Idempotency-Key",
         after="accepted once, or not there", receiver="nothing", customer="202, 503 or a lost connection; asked again, 202 and the same message")
def test_t181_an_error_of_any_system_call_has_a_decided_outcome(scene, some, swept, tmp_path):
    """Catches an errno that is taken for another, or for success; and a program that dies without a word (T161, T181)."""
    met = 0
    for (_, peer, _), points in points_by_kind(scene, tmp_path / "trace").items():
        for call, error in some(points, 2 if peer in ("receiver", "client") else 1):
            point, hit = None, None
            try:
                point = scene.play(with_error(tmp_path / "hit", call.name, error, call.which))
                hit = hit_of(tmp_path / "hit")
                if hit:
                    assert_as_decided(scene, point, hit, error)
                    met += 1
            except AssertionError as fault:
                raise AssertionError(f"{error} at {call}; met: {hit}: {fault}") from fault
    swept(f"{scene.name} given an error", met)
    assert met > 20, "the errors meet their calls"


@pytest.mark.long
@outcome(fault="what a worker or a server says to PostgreSQL cannot be sent (ENOBUFS), and the connection stands", before="a message is due, or a request is open",
         after="the transaction is unknown or unavailable after 30 s, and asked again", receiver="one dot at most", customer="503 or a lost connection; asked again, 202")
def test_t181_a_send_to_the_database_that_fails_is_found_by_the_deadline(scene, dice, swept, tmp_path):
    """Catches a transaction that waits for ever for the answer to what was never sent (T140, T162)."""
    scene.play(traced(tmp_path / "trace"))
    calls = [call for call in calls_of(tmp_path / "trace", since="/clock") if is_slow(call, "ENOBUFS")]
    for call in dice.sample(calls, 4):
        scene.play(with_error(tmp_path / "hit", call.name, "ENOBUFS", call.which))
    swept(f"{scene.name} whose send to the database failed", 4)


# The calls that make a commit durable are PostgreSQL's.

def flushers(evenpost):
    """Who writes the log for the server: the backend of its pool of one connection, and the log's own writer."""
    return [pid for pid, in evenpost.database.query(
        "select pid from pg_stat_activity where usename = 'evenpost_server' or backend_type = 'walwriter'")]


def tracer_at(pids, trace, call, error, which):
    """strace at these processes of PostgreSQL."""
    at = [word for pid in pids for word in ("-p", str(pid))]
    tracer = subprocess.Popen([strace()[0], "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={which}", *at])
    wait_until(lambda: all("TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text() for pid in pids), 10, "strace is there")
    return tracer


def ask(acme, key):
    body = {"to": {"address": f"{key}@people.test"}, "subject": key, "text": "Hello\n"}
    return acme.api.call("POST", "/v1/messages", body, Idempotency_Key=key)


def accepted_under(evenpost, acme, key, trace, call, error, which):
    """One acceptance whose commit meets the error: whether it was met, and what the client was told at first."""
    tracer = tracer_at(flushers(evenpost), trace, call, error, which)
    first = ask(acme, key)
    tracer.terminate()
    tracer.wait(20)
    wait_until(evenpost.database.answers, 60, "PostgreSQL is back")
    evenpost.ready()
    second = wait_until(lambda: (answer := ask(acme, key)).status == 202 and answer, 30)
    assert first.status in (202, 503) and (first.status == 503 or first["id"] == second["id"]), (first, second)
    return "(INJECTED)" in trace.read_text(), first.status


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
@outcome(fault="PostgreSQL cannot write to its files or its log, or not make the log durable (EIO, ENOSPC), while an acceptance commits",
         before="a request to send, under an Idempotency-Key", after="rolled back, or PostgreSQL restarts itself; the message is there once",
         receiver="nothing", customer="503, or 202 for what is there; asked again, 202 and the same message")
def test_t152_an_acceptance_that_could_not_be_made_durable_is_not_answered_with_202(call, error, session, tmp_path):
    """Catches a 202 for a commit whose fsync failed (T145, T151, T152): at each such call of an acceptance."""
    evenpost = Evenpost(session, environment={"EVENPOST_CONNECTIONS": "1"}, durable=True)
    try:
        evenpost.start(worker=False)
        evenpost.jobs.kill()            # else its commits make the server's durable
        acme = evenpost.customer()
        acme.ip(), acme.mailboxes(10)
        ask(acme, "k0")
        told = []
        while not told or told[-1][0]:
            told.append(accepted_under(evenpost, acme, f"k{len(told) + 1}", tmp_path / f"t{len(told)}", call, error, len(told) + 1))
            assert len(told) < 10, "an acceptance has no end of such calls"
        assert len(told) > 1 and "could not" in evenpost.database.process.text(), told
        assert sorted(row["subject"] for row in acme.api.every("/v1/messages")) == sorted(f"k{n}" for n in range(len(told) + 1))
    finally:
        evenpost.stop()
