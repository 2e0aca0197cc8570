"""The network under a lane, and what its machine has to give.

Hosts are network namespaces on one switch, with kernel tables of their own: neither sees the other's sockets, locks or
addresses, as two machines do not. The judge is the receiver far away: whose connections it counted, from where, and how many
dots. What never left our host is no attempt, and costs a message nothing.
"""
import datetime
import os
import pathlib
import signal
import socket
import struct
import subprocess

import pytest

from harness.clock import instant
from harness.evenpost import HOST
from harness.network import FAR, Wire
from harness.wait import stays, wait_until
from outcome import outcome

IP = "10.88.0.7"


@pytest.fixture
def wire():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    wire = Wire("a", "b")
    yield wire
    wire.close()


@pytest.fixture
def evenpost(wire, platform):
    """A platform whose worker lives on host a; not started."""
    evenpost = platform(worker=False)
    evenpost.worker.argv = wire["a"].argv(evenpost.worker.argv)
    return evenpost


def on_host(evenpost, host, *arguments):
    worker = evenpost.another_worker(*arguments)
    worker.argv = host.argv(worker.argv)
    return worker


def acme(evenpost, host, *addresses, mailboxes=2):
    """A customer with these addresses of that host."""
    acme = evenpost.customer()
    for address in addresses or (IP,):
        host.add(address)
        acme.ip(address=address)
    acme.mailboxes(mailboxes)
    return acme


def due(evenpost, message):
    """Its second has come; the message's row."""
    evenpost.clock.jump_to(instant(message.rows()[0]["slot"]["at"]))
    return message.rows()[0]


def says(message, code, words="", seconds=20):
    """The explanation of a message comes to say this."""
    def there():
        told = message.rows()[0]["explanation"]
        assert told["code"] == code and words in told["text"], told
        return told
    return wait_until(there, seconds, lambda: message.customer.evenpost.worker.tail(6))


def was_tried(message):
    """The attempts of its one message, as the customer is told."""
    return [(attempt["stage"], attempt.get("reply", {}).get("code") if attempt.get("reply") else None)
            for attempt in message.customer.attempts(message.ids[0])]


# ---- two hosts ----

@outcome(fault="workers on two hosts are started for the same addresses in the same second", before="nobody owns them",
         after="each address has one owner, generation 1; the other host leaves it alone and names the owner",
         receiver="one connection of an address at a time, each message once", customer="delivered")
def test_t158_of_two_hosts_that_start_at_once_one_has_the_address(wire, evenpost):
    """Catches two owners of an address without one, each of whom raises what the other has just raised."""
    addresses = [f"10.88.0.{n}" for n in range(11, 15)]
    customer = acme(evenpost, wire["a"], *addresses, mailboxes=8)
    for address in addresses:
        wire["b"].add(address)
    receiver = wire.receiver(evenpost)
    other = on_host(evenpost, wire["b"], "--host", "sender-2", *(word for address in addresses for word in ("--ip", address)))
    evenpost.worker.start()
    other.start()
    owners = wait_until(lambda: owners_of(evenpost, 4), 20, evenpost.worker.tail)
    for address, host in owners.items():
        wire.lead(address, "a" if host == HOST else "b")
    sent = customer.send(16, to=receiver)
    evenpost.play(sent, "delivered", seconds=90)
    assert max(receiver.most_open(address) for address in addresses) == 1
    assert len(receiver.dots) == len({dot.recipient for dot in receiver.dots}) == 16
    assert {dot.source for dot in receiver.dots} <= set(addresses)
    assert owners_of(evenpost, 4) == owners and {g for g, in evenpost.database.query("select generation from lanes")} == {1}
    for address, host in owners.items():
        left = other if host == HOST else evenpost.worker
        wait_until(lambda: f"lane[{address}] somebody else owns it and was seen just now: {host}" in left.text(), 20, left.tail)


def owners_of(evenpost, count):
    """The host that owns each address; false until they all have one."""
    rows = evenpost.database.query("select host(ips.address), lanes.host from lanes join ips using (ip_id) where lanes.host is not null")
    return dict(rows) if len(rows) == count else {}


@outcome(fault="the host that owns the address is gone (its worker killed, or stopped for long) amid a conversation",
         before="sending, before the dot; the receiver counts the connection on",
         after="another host, or another network namespace of this one, raises the generation when the owner was not seen for "
               "15 s, and opens nothing for ten minutes; a stopped owner that wakes is refused its authorization",
         receiver="one connection at a time; the message once", customer="owner_changing meanwhile, then delivered")
@pytest.mark.parametrize("host, how", [
    (HOST, signal.SIGKILL), *(pytest.param(host, how, marks=pytest.mark.long) for host, how in (
        ("sender-2", signal.SIGSTOP), ("sender-2", signal.SIGKILL), (HOST, signal.SIGSTOP)))])
def test_t158_another_host_takes_over_when_nobody_can_count_the_old_one(wire, evenpost, host, how):
    """Catches a host that looks for the old owner's sockets in its own kernel, finds none, and is counted as the second."""
    customer = acme(evenpost, wire["a"])
    wire["b"].add(IP)
    wire.lead(IP, "a")
    receiver = wire.receiver(evenpost)
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    gate = receiver.gate("data", deaf=True)
    due(evenpost, sent)
    gate.wait()
    evenpost.worker.kill() if how == signal.SIGKILL else evenpost.worker.suspend()
    wire.lead(IP, "b")
    other = on_host(evenpost, wire["b"], "--host", host, "--ip", IP).start()
    wait_until(lambda: "somebody else owns it" in other.text(), 20, other.tail)
    wait_until(lambda: "takes over from" in other.text(), 30, other.tail)
    says(sent, "owner_changing")
    stays(lambda: receiver.open() == 1, 10, "nothing beside the old one's connection")
    wire.lead(IP, "a")
    if how == signal.SIGSTOP:
        evenpost.worker.resume()
    gate.open()
    wait_until(lambda: receiver.open() == 0, 20, "the old connection is over")
    other.kill()                    # ten minutes later
    wire.lead(IP, "b")
    evenpost.database.query("update lanes set elsewhere_until = now() - interval '1 s'")
    if how == signal.SIGKILL:
        evenpost.worker = other     # it is watched from now on
    other.start()
    evenpost.play(sent, "delivered", "unconfirmed")
    assert receiver.most_open() == 1 and len(receiver.dots) == 1, receiver.story()
    assert sent.states() == ["delivered"]


# ---- the address ----

@outcome(fault="the address is removed from the host while its lane has nothing to say", before="booked",
         after="booked; due, it waits without an attempt, and goes when the address is back",
         receiver="nothing meanwhile, from no address; then the message once, from the right one",
         customer="ip_unavailable, with the address")
def test_t163_a_lane_without_its_address_waits_and_says_so(wire, evenpost):
    """Catches a fall-back to the host's other address, and a receiver that is blamed for what never left us."""
    customer = acme(evenpost, wire["a"])
    receiver = wire.receiver(evenpost)
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    wait_until(lambda: "sends, generation 1" in evenpost.worker.text(), 20, evenpost.worker.tail)
    wire["a"].remove(IP)
    due(evenpost, sent)
    says(sent, "ip_unavailable", IP)
    assert "the address is not on this host any more" in evenpost.worker.text()
    assert receiver.conversations == [] and was_tried(sent) == []
    wire["a"].add(IP)
    evenpost.play(sent, "delivered")
    assert [dot.source for dot in receiver.dots] == [IP] and len(was_tried(sent)) == 1


@outcome(fault="the address is removed while the lane speaks, and comes back", before="sending: before DATA, or behind the dot",
         after="the conversation goes on where it was; nothing was begun or authorized meanwhile",
         receiver="one connection, one dot", customer="delivered after one attempt")
@pytest.mark.parametrize("step", ["rcpt", "dot"])
def test_t163_a_conversation_outlives_an_address_that_comes_back(wire, evenpost, step):
    """Catches a second connection beside one that the receiver still counts, and a dot that is sent again."""
    customer = acme(evenpost, wire["a"])
    receiver = wire.receiver(evenpost)
    evenpost.worker.start()
    sent, other = customer.send(1, to=receiver), customer.send(1, to="b@" + receiver.domain)
    gate = receiver.gate(step)
    due(evenpost, sent)
    gate.wait()
    wire["a"].remove(IP)
    gate.open()
    says(other, "ip_unavailable", IP)
    evenpost.clock.jump_to(instant(other.rows()[0]["slot"]["at"]))
    stays(lambda: receiver.open() == 1 and len(receiver.conversations) == 1, 3)
    wire["a"].add(IP)
    evenpost.play(sent + other, "delivered")
    assert receiver.most_open() == 1 and {dot.source for dot in receiver.dots} == {IP}
    assert sorted(dot.recipient for dot in receiver.dots) == sorted([f"p1@{receiver.domain}", f"b@{receiver.domain}"])
    assert len(was_tried(sent)) == 1 and len(was_tried(other)) == 1


# ---- the way ----

@outcome(fault="a route of our host says no (blackhole, unreachable, prohibit), or its link is down", before="booked, and due",
         after="booked; no attempt, tried again every ten seconds; mail that has a way goes on",
         receiver="nothing until there is a way; then the message once", customer="no_route, with the domain")
@pytest.mark.parametrize("kind", ["prohibit", *(pytest.param(kind, marks=pytest.mark.long)
                                                for kind in ("blackhole", "unreachable", "link"))])
def test_t163_without_a_way_nothing_was_tried_and_the_others_go_on(wire, evenpost, kind):
    """Catches a receiver that is held, and a message that expires, for a route of our own."""
    customer = acme(evenpost, wire["a"])
    receiver, other = wire.receiver(evenpost), wire.receiver(evenpost, FAR[1])
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    wait_until(lambda: "sends, generation 1" in evenpost.worker.text(), 20, evenpost.worker.tail)
    wire["a"].link("down") if kind == "link" else wire["a"].ip("route", "add", kind, f"{FAR[0]}/32")
    due(evenpost, sent)
    says(sent, "no_route", receiver.domain, 30)
    assert was_tried(sent) == [] and receiver.conversations == []
    if kind != "link":
        evenpost.play(customer.send(1, to=other), "delivered")
    wire["a"].link("up") if kind == "link" else wire["a"].ip("route", "del", kind, f"{FAR[0]}/32")
    evenpost.play(sent, "delivered")
    assert len(was_tried(sent)) == 1 and len(receiver.dots) == 1


@outcome(fault="the cable is pulled, or packets go and nothing comes", before="booked, and due",
         after="booked again in its slot: an attempt at connect that was lost, or took a minute",
         receiver="nothing; later the message once", customer="deferred_by_receiver, then delivered")
@pytest.mark.parametrize("pulled", [True, pytest.param(False, marks=pytest.mark.long)])
def test_t163_a_receiver_that_cannot_be_reached_is_tried_again(wire, evenpost, pulled):
    """Catches silence that is taken for an answer."""
    customer = acme(evenpost, wire["a"])
    receiver = wire.receiver(evenpost)
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    wire.far.ip("link", "set", "to-a", *(["down"] if pulled else ["nomaster"]))
    due(evenpost, sent)
    wait_until(lambda: was_tried(sent), 90, evenpost.worker.tail)
    assert was_tried(sent)[0] == ("connect", None) and sent.states() == ["booked"]
    wire.far.ip("link", "set", "to-a", *(["up"] if pulled else ["master", "switch"]))
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 1


@outcome(fault="the network fails amid a conversation that the lane then gives up (it is told of another owner)",
         before="sending, before the dot", after="booked; the place at the receiver stays taken for ten minutes: it heard nothing "
                                                 "of our end",
         receiver="the one connection that it still counts, and no second when the network is back", customer="it waits")
def test_t158_a_connection_that_could_not_be_closed_is_counted_on(wire, evenpost):
    """Catches a permit that comes home 30 s after a reset which nobody heard: the receiver would count two."""
    customer = acme(evenpost, wire["a"])
    receiver = wire.receiver(evenpost)
    evenpost.worker.argv += ["--close-wait", "1", "--permit-grace", "1", "--takeover-wait", "1"]
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    gate = receiver.gate("rcpt", deaf=True)
    due(evenpost, sent)
    gate.wait()
    wire["a"].ip("route", "add", "blackhole", f"{FAR[0]}/32")
    evenpost.database.query("update lanes set generation = generation + 1")
    wait_until(lambda: "somebody else owns the IP" in evenpost.worker.text(), 20, evenpost.worker.tail)
    wait_until(lambda: sockets_of(wire["a"]) == [], 20, "it was given up")
    wire["a"].ip("route", "del", "blackhole", f"{FAR[0]}/32")
    evenpost.clock.jump_to(evenpost.clock.now() + datetime.timedelta(hours=3))     # the gap of the IP is no reason
    stays(lambda: len(receiver.conversations) == 1, 8, "nothing beside it")
    assert receiver.open() == 1 and receiver.dots == [] and sent.states() == ["booked"]


def sockets_of(host):
    """Connections to receivers that this host's kernel shows."""
    return subprocess.run(["ip", "netns", "exec", host.name, "ss", "-Htn", "dport", "=", ":2525"], check=True, capture_output=True,
                          text=True).stdout.split("\n")[:-1]


# ---- what the machine has to give ----

@outcome(fault="no port is free for another connection from this address to this receiver", before="booked, and due",
         after="booked; no attempt; goes within seconds of there being one", receiver="then the message once",
         customer="worker_absent: the machine has run out of connections")
def test_t164_without_a_port_a_lane_waits_and_says_so(wire, evenpost):
    """Catches a receiver that is blamed, and an address that is thought to be missing, for ports of ours."""
    customer = acme(evenpost, wire["a"])
    receiver = wire.receiver(evenpost)
    evenpost.worker.start()
    sent = customer.send(1, to=receiver)
    with wire["a"].entered():
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40001")
        users = [socket.create_connection((receiver.address, receiver.port), 5, (IP, port)) for port in (40000, 40001)]
    due(evenpost, sent)
    says(sent, "worker_absent", "run out")
    assert was_tried(sent) == [] and len(receiver.conversations) == 2
    for user in users:
        user.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        user.close()
    evenpost.play(sent, "delivered")
    assert len(was_tried(sent)) == 1 and len(receiver.dots) == 1


def limit(process, what, soft):
    subprocess.run(["prlimit", f"--pid={process.pid}", f"--{what}={soft}:"], check=True)


@outcome(fault="the worker has no descriptor left (RLIMIT_NOFILE)", before="booked, and due",
         after="booked; no attempt; goes within seconds of there being one", receiver="nothing meanwhile; then the message once",
         customer="worker_absent: the machine has run out of connections")
def test_t175_a_lane_without_a_descriptor_waits_and_says_so(platform):
    """Catches an attempt, a hold or an expiry for what this host lacks, and a loop that spins."""
    evenpost = platform()
    customer = evenpost.customer()
    customer.ip(), customer.mailbox()
    receiver = evenpost.receiver()
    sent = customer.send(1, to=receiver)
    wait_until(lambda: "sends, generation 1" in evenpost.worker.text(), 20, evenpost.worker.tail)
    limit(evenpost.worker, "nofile", evenpost.worker.descriptors())
    due(evenpost, sent)
    says(sent, "worker_absent", "run out")
    cpu = evenpost.worker.cpu_s()
    stays(lambda: receiver.conversations == [], 3)
    assert evenpost.worker.cpu_s() - cpu < 1.5 and was_tried(sent) == []
    limit(evenpost.worker, "nofile", 4096)
    evenpost.play(sent, "delivered")
    assert len(was_tried(sent)) == 1 and len(receiver.dots) == 1


@outcome(fault="the server has no descriptor left (RLIMIT_NOFILE)", before="messages are being accepted",
         after="what was answered 202 is kept; who cannot be let in waits, and is answered when there is a descriptor again",
         receiver="each accepted message once", customer="an answer late, or none; never a 202 that is not kept")
@pytest.mark.parametrize("there", [0, 1], ids=["nobody", "one"])
def test_t175_a_server_without_a_descriptor_lives_and_keeps_what_it_answered(platform, there):
    """Catches a server that tries again at once and for ever to let somebody in, beside another connection or without one."""
    evenpost = platform(worker=False)
    customer = evenpost.customer()
    customer.ip(), customer.mailboxes(4)
    first = customer.send(2, to="a@people.test")
    quick, stays_open = customer.api.from_address(None), [evenpost.api.connect() for _ in range(there)]
    quick.timeout = 2
    answers = []

    def asked(n):
        try:
            answers.append(quick.call("POST", "/v1/messages", {"to": {"address": f"x{n}@people.test"}, "subject": "s", "text": "t"},
                                      Idempotency_Key=f"x{n}"))
            return True
        except Exception:
            return False
    most = evenpost.server.descriptors()
    limit(evenpost.server, "nofile", most)
    while asked(0):                 # one of them was closed meanwhile
        most -= 1
        limit(evenpost.server, "nofile", most)
    cpu = evenpost.server.cpu_s()
    assert not any(asked(n) for n in range(3)) and evenpost.server.alive
    assert evenpost.server.cpu_s() - cpu < 1
    for peer in stays_open:
        peer.close()
    limit(evenpost.server, "nofile", 4096)
    wait_until(lambda: evenpost.api.get("/readyz").status == 200, 20, evenpost.server.tail)
    later = [customer.api.post("/v1/messages", {"to": {"address": f"x{n}@people.test"}, "subject": "s", "text": "t"}, expect=202,
                               Idempotency_Key=f"x{n}")["id"] for n in range(3)]
    assert {answer["id"] for answer in answers if answer.status == 202} <= set(later)
    assert len({row["id"] for row in customer.api.every("/v1/messages")}) == len(set(first.ids + later)) == 5


@outcome(fault="a program starts with few descriptors (RLIMIT_NOFILE from 8 up)", before="not running",
         after="with fewer than 64 it does not start and says so; with more it works",
         receiver="nothing, or the message once", customer="worker_absent, or delivered")
def test_t175_with_few_descriptors_a_program_says_so_or_runs(platform, some):
    """Catches an abort deep in a library, a busy loop, and a lane that sends without its lock."""
    evenpost = platform(worker=False)
    customer = evenpost.customer()
    customer.ip(), customer.mailbox()
    receiver = evenpost.receiver()
    sent = customer.send(1, to=receiver)
    programs = (evenpost.worker, evenpost.server, evenpost.jobs, evenpost.sandbox)
    for program in programs:
        program.kill()
        program.argv = ["prlimit", "--nofile=64:64", *program.argv]
    for most in some(range(8, 64), 4):
        for program in programs:
            program.argv[1] = f"--nofile={most}:{most}"
            program.start()
            assert program.child.wait(20) in (1, 2) and "too few descriptors" in program.tail(3), (most, program.tail(3))
    for program in programs:
        program.argv[1] = "--nofile=64:64"
        program.start()
    evenpost.ready()
    evenpost.play(sent, "delivered")
    assert len(receiver.dots) == 1 and sum(program.cpu_s() for program in programs) < 20


@outcome(fault="the worker gets no more memory (RLIMIT_AS) while a large letter is due", before="booked, and due",
         after="the letter cannot be read, and is tried again each second; or the worker ends, and the next one sends it",
         receiver="nothing meanwhile; then the message once, whole", customer="it waits; then delivered")
def test_t176_a_worker_without_memory_loses_nothing(platform):
    """Catches a letter that is cut short where memory ended, or one that is sent twice."""
    evenpost = platform()
    customer = evenpost.customer()
    customer.ip(), customer.mailbox()
    receiver = evenpost.receiver()
    text = "How are you? " * 40000
    sent = customer.send(1, to=receiver, text=text)
    wait_until(lambda: "sends, generation 1" in evenpost.worker.text(), 20, evenpost.worker.tail)
    limit(evenpost.worker, "as", address_space(evenpost.worker) + 200_000)
    due(evenpost, sent)
    wait_until(lambda: not evenpost.worker.alive or "allocate" in evenpost.worker.text(), 30, evenpost.worker.tail)
    cpu = evenpost.worker.cpu_s() if evenpost.worker.alive else 0
    stays(lambda: receiver.dots == [], 3)
    if evenpost.worker.alive:
        assert evenpost.worker.cpu_s() - cpu < 1.5
        limit(evenpost.worker, "as", "unlimited")
    else:
        evenpost.worker.start()
    evenpost.play(sent, "delivered")
    dot, = receiver.dots
    assert len(dot.content) > 500_000


@outcome(fault="the server gets no more memory (RLIMIT_AS) while large requests come", before="messages are being accepted",
         after="it ends and says so, or refuses; what was answered 202 is kept, and the same key gives the same answer",
         receiver="each accepted message once", customer="no answer, or 503; never a 202 that is not kept")
def test_t176_a_server_without_memory_keeps_what_it_answered(platform):
    evenpost = platform(worker=False)
    customer = evenpost.customer()
    customer.ip(), customer.mailboxes(8)
    limit(evenpost.server, "as", address_space(evenpost.server) + 3_000_000)
    told = {}
    for n in range(12):
        try:
            answer = customer.api.call("POST", "/v1/messages", letter(n), Idempotency_Key=f"m{n}")
            told[n] = answer["id"] if answer.status == 202 else None
        except Exception:
            told[n] = None
        if not evenpost.server.alive:
            break
    assert not evenpost.server.alive or None in told.values(), "the limit was met"
    evenpost.server.kill()
    evenpost.server.start()
    evenpost.ready()
    again = {n: customer.api.post("/v1/messages", letter(n), expect=202, Idempotency_Key=f"m{n}")["id"] for n in told}
    assert all(again[n] == id for n, id in told.items() if id)
    assert {row["id"] for row in customer.api.every("/v1/messages")} == set(again.values())


def letter(n):
    return {"to": {"address": f"big{n}@people.test"}, "subject": "s", "text": "x" * (200_000 * (n + 1))}


def address_space(process):
    """Its virtual memory now, in octets."""
    with open(f"/proc/{process.pid}/statm") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
