"""T87: idle connections by the thousand, from one address and from many: what is refused hears why, who asks is served.

With 1,024 descriptors the server has 704 places, 352 for one address; in the long tier it has all that this machine gives.
"""
import json
import os
import resource
import subprocess
import threading

import pytest

from api.conftest import witnessed
from harness.evenpost import Evenpost
from harness.wait import wait_until

LONG = os.environ.get("EVENPOST_TEST_LONG") == "1"
RESERVED, SPARE, PLACES_MOST = 256, 64, 4096        # as server/http.c and base/bounds.h say
DESCRIPTORS = 20000 if LONG else 1024
CROWD = 10000 if LONG else 2000
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'evenpost_server'"


@pytest.fixture(scope="module")
def places():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 500:
        pytest.skip(f"this process may open {hard} descriptors, and needs {CROWD + 500}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(min(DESCRIPTORS, hard) - RESERVED, PLACES_MOST) - SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def evenpost(session):
    evenpost = witnessed(Evenpost(session))
    most = min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    evenpost.server.argv = ["prlimit", f"--nofile={most}:{most}", *evenpost.server.argv]
    evenpost.start(worker=False)
    yield evenpost
    evenpost.stop()


@pytest.fixture
def crowd():
    """Open connections; closed with the test."""
    crowd = []
    yield crowd
    for peer in crowd:
        peer.close()


class Customer(threading.Thread):
    """Asks what needs the database, again and again, from an address of its own; each answer is kept."""

    def __init__(self, evenpost):
        super().__init__(daemon=True)
        self.api, self.over, self.answers = evenpost.api.from_address(evenpost.session.lot.address()), threading.Event(), []
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            try:
                self.answers.append(self.api.call("GET", "/v1/me").status)
            except Exception as trouble:
                self.answers.append(repr(trouble))

    def end(self):
        more = len(self.answers) + 3
        wait_until(lambda: len(self.answers) >= more, 20, "it is answered")
        self.over.set()
        self.join()
        return self.answers


def ended(peer):
    """What a connection of the crowd has heard; None: it is open, and nothing was said."""
    peer.setblocking(False)
    try:
        return peer.recv(4096)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def test_t087_one_address_has_its_share_and_hears_that_it_is_used_up(evenpost, places, crowd):
    """Catches one client that takes all places, and a refusal that nobody can tell from a fault of the network."""
    before, source = evenpost.server.descriptors(), evenpost.session.lot.address()
    here, customer = evenpost.api.from_address(source), Customer(evenpost)
    crowd += [here.connect(10) for _ in range(places // 2)]
    wait_until(lambda: evenpost.server.descriptors() >= before + places // 2, 30, "they are all accepted")
    more = [here.connect(10) for _ in range(50)]
    crowd += more
    for peer in more:
        peer.settimeout(10)
        head, _, body = peer.recv(4096).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 2" in head
        problem = json.loads(body)
        assert problem["status"] == 503 and "too many connections" in problem["detail"] and peer.recv(1) == b""
    assert set(customer.end()) == {200}
    assert sum(ended(peer) is not None for peer in crowd[:places // 2]) == 0, "those that were there stay"
    wait_until(lambda: f"connections refused, the last from {source}: one address may have {places // 2}" in
               evenpost.server.text(), 5)
    for peer in crowd:
        peer.close()
    wait_until(lambda: here.call("GET", "/v1/me").status == 200, 10, "its places are free again")


def test_t087_ten_thousand_idle_connections_from_everywhere_hinder_nobody(evenpost, places, crowd):
    """Catches a flood that fills the places and waits: it pushes itself out, who asks is served, PostgreSQL has its own.

    Every fifth speaks half a head, so that it is no use to prefer those that have said something.
    """
    before, customer = evenpost.server.descriptors(), Customer(evenpost)
    sources = [evenpost.api.from_address(evenpost.session.lot.address()) for _ in range(100)]
    for n in range(CROWD):
        crowd.append(sources[n % len(sources)].connect(10))
        if n % 5 == 0:
            crowd[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
        if n == CROWD // 2:
            subprocess.run(["psql", "-q", evenpost.database.url(), "-c", CUT], check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: "made room for new ones" in evenpost.server.text(), 10)
    assert evenpost.server.descriptors() <= places + SPARE + RESERVED
    made = evenpost.api.post("/v1/customers", {"name": "In the crowd", "mode": "sandbox"}, expect=201)
    answers = customer.end()
    assert set(answers) <= {200, 503} and answers[-1] == 200, answers
    assert answers.count(503) <= 3, "only when its database connection was cut"
    still = sum(ended(peer) is None for peer in crowd)
    assert still <= places, f"{still} of {CROWD} are open"
    for peer in crowd:
        peer.close()
    wait_until(lambda: evenpost.server.descriptors() <= before + 20, 30, "all is given back")
    assert evenpost.api.get(f"/v1/customers/{made['id']}")["name"] == "In the crowd"


def test_t087_too_few_descriptors_are_shared_and_never_the_end(session):
    """Catches a server that gives all of a few to whoever comes first, and then spins, or cannot reach its database (T175)."""
    evenpost = witnessed(Evenpost(session))
    program = evenpost.server.argv
    try:
        for most in (64, 128):
            evenpost.server.argv = ["prlimit", f"--nofile={most}:{most}", *program]
            evenpost.start(worker=False) if most == 64 else evenpost.server.start()
            evenpost.ready()
            crowd = [evenpost.api.from_address(evenpost.session.lot.address()).connect(10) for _ in range(3 * most)]
            cpu = evenpost.server.cpu_s()
            for _ in range(10):
                assert evenpost.api.get("/v1/me").status == 200
            for peer in crowd:
                peer.close()
            wait_until(lambda: evenpost.api.call("GET", "/v1/me").status == 200, 10)
            assert evenpost.server.cpu_s() - cpu < 5
            evenpost.server.kill()
    finally:
        evenpost.stop()
