"""T85 to T98 three times: at the server itself, and through HAProxy and nginx with the configurations of deploy/ as they stand.

What a front makes well-formed may pass; what it lets through as it came is the server's to refuse. Whichever: a hidden request
has no effect, who asks is told truly, and nothing that a client does slowly, hugely or halfway holds more than its share.
"""
import copy
import itertools
import json
import re
import ssl
import threading
import time

import pytest

from api import test_framing as framing
from api import test_host as host_names
from api import test_tricks as tricks
from api import test_wire as wire
from harness.evenpost import Evenpost
from harness.front import FRONTS, NAME
from harness.wait import wait_until

DOORS = ("direct", "haproxy", "nginx")
NUMBERS = itertools.count()
GOOD_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REFUSED = {400, 405, 413, 414, 415, 417, 421, 422, 431}     # by the server or by a front: never 2xx, never a server's fault
PASSES = {                          # what a front makes well-formed: it is answered as that
    "haproxy": {"two equal lengths", "an unknown version"},
    "nginx": {"an unknown version", "an absolute target", "an unknown expectation", "an upgrade"},
}
CLEAR = {                           # heads that are refused, but end at one place for every reader
    "no host", "a name with a bracket", "an absolute target", "a tab in a query", "octets in a query", "the target *",
    "an unknown version", "an unknown method", "a method in lower case", "CONNECT", "an upgrade", "too many headers",
    ("Content-Length: 5", "Content-Length: 5"), ("Content-Length: 5,5",), ("Content-Encoding: br", "Content-Length: 5"),
    ("Expect: nothing", "Content-Length: 5")}


@pytest.fixture(scope="module")
def evenpost(session):
    """A platform with fronts on this machine, as an operator says it: EVENPOST_FRONTS."""
    evenpost = Evenpost(session, environment={"EVENPOST_FRONTS": "127.0.0.1"}).start(worker=False)
    yield evenpost
    evenpost.stop()


@pytest.fixture(scope="module")
def front(evenpost, peer):
    """The two fronts, each started when it is first asked for."""
    started = {}

    def of(name):
        if name not in started:
            started[name] = peer(FRONTS[name], NAME, port=443, server=f"{evenpost.api.host}:{evenpost.api.port}")
        return started[name]
    return of


@pytest.fixture(scope="module", params=DOORS)
def door(request, evenpost, front):
    """The platform, asked at that door."""
    return through(evenpost, front, request.param)


@pytest.fixture(scope="module", params=DOORS[1:])
def fronted(request, evenpost, front):
    return through(evenpost, front, request.param)


def through(evenpost, front, name):
    door = copy.copy(evenpost)
    door.name = name
    if name != "direct":
        door.front = front(name)
        door.api = door.front.api(evenpost.key)
    return door


def statuses(heard):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d\d\d)", heard)]


def hide(door, octets, clear, seconds=2):
    """Sends these with a request behind them; the statuses heard, without that request's own.

    At the server itself nothing behind a refusal is a request. A front may take it for its client's next one, where
    nobody can doubt that it is: then the client is told so, on its own connection.
    """
    name = f"hidden {next(NUMBERS)}"
    heard = statuses(framing.talk(door, octets + wire.smuggled(door, name), seconds))
    if name in wire.names(door):
        assert door.name != "direct" and clear and len(heard) >= 2 and heard.pop() == 201, heard
    return heard


# ---- T85 ----

@pytest.mark.parametrize("name", framing.REFUSED)
def test_t085_a_head_that_may_be_read_in_two_ways_hides_no_request(door, name):
    """Catches a front and a server that disagree where a request ends: the one behind it would be somebody else's."""
    head, wanted = framing.REFUSED[name]
    heard = hide(door, framing.request(head.replace("{key}", door.key)), name in CLEAR)
    if name in PASSES.get(door.name, ()):
        assert heard and heard[0] < 500 and set(heard[1:]) <= REFUSED, heard
    else:
        assert heard and set(heard) <= ({wanted} if door.name == "direct" else {wanted} | REFUSED), heard


@pytest.mark.parametrize("fields", wire.AMBIGUOUS, ids=", ".join)
def test_t085_a_body_of_doubtful_length_hides_no_request(door, fields):
    heard = hide(door, wire.posted(door, *fields) + b"0\r\n\r\n", fields in CLEAR)
    assert heard and set(heard) <= REFUSED, heard


def test_t085_a_body_ends_where_it_said_it_would(door):
    name = f"Exactly {door.name}"
    body = json.dumps({"name": name, "mode": "sandbox"}).encode()
    request = wire.posted(door, f"Content-Length: {len(body)}") + body
    got = wire.answers(wire.Peer(door, request + wire.head(door, "GET", "/healthz", "Connection: close")).all())
    assert [status for status, *_ in got] == [201, 200] and wire.names(door).count(name) == 1


def test_t085_requests_behind_each_other_are_answered_in_order(door):
    framing.test_requests_behind_each_other_are_answered_in_order(door)


# ---- T86: the slow ones wait while the rest runs ----

@pytest.fixture(scope="module", autouse=True)
def slow(evenpost, front):
    """Slow clients of every door begin with the module; their ends are asked for by its last tests."""
    ends, threads = {}, {}
    for name in DOORS:
        door = through(evenpost, front, name)
        for how, (act, _) in wire.SLOW.items():
            key = (name, how)
            threads[key] = threading.Thread(target=lambda key=key, act=act, door=door: ends.__setitem__(key, act(door)), daemon=True)
            threads[key].start()
        if name != "direct":
            key = (name, HELLO)
            threads[key] = threading.Thread(target=lambda key=key, door=door: ends.__setitem__(key, no_hello(door)), daemon=True)
            threads[key].start()
    return threads, ends


HELLO = "a hello that never comes"


def no_hello(door):
    """A connection to the front over which TLS never begins; the seconds until it ends."""
    plain, since = copy.copy(door.api), time.monotonic()
    plain.tls = None
    with plain.connect(wire.BODY_S + 15) as peer:
        peer.recv(1)
    return time.monotonic() - since


# ---- T87 ----

def test_t087_a_crowd_of_idle_clients_hinders_nobody(door, evenpost):
    """Catches one address that takes all places: others are served, also while it holds what it can get."""
    before = evenpost.server.descriptors()
    here, there = evenpost.session.lot.address(), evenpost.session.lot.address()
    crowd = []
    try:
        for _ in range(300):
            try:
                crowd.append(door.api.from_address(here).connect(5))
            except OSError:                             # a front's limit: refused before TLS began
                break
        good = door.api.from_address(there)
        assert all(good.get("/v1/me").status == 200 for _ in range(10))
    finally:
        for one in crowd:
            one.close()
    wait_until(lambda: evenpost.server.descriptors() <= before + 20, 15)


def test_t087_no_two_clients_share_a_connection_to_the_server(fronted, evenpost):
    """Catches a front that hands a connection on, and with it whatever one client left there for the next."""
    others = connections_to(evenpost)
    with fronted.api.connect(5) as peer:
        for _ in range(3):
            peer.sendall(wire.head(fronted, "GET", "/healthz"))
            assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: connections_to(evenpost) <= others, 5, "a client's connection to the server ends with it")


def connections_to(evenpost):
    """The ports from which connections to the server are established, as the kernel knows them."""
    octets = "".join(f"{int(part):02X}" for part in reversed(evenpost.api.host.split(".")))
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table]
    return {row[2] for row in rows if row[1] == f"{octets}:{evenpost.api.port:04X}" and row[3] == "01"}


# ---- T88, T89, T90 ----

@pytest.mark.parametrize("octets, wanted", wire.NOT_REQUESTS, ids=wire.bytes_shown)
def test_t088_what_is_no_request_is_refused_and_the_door_stays_open(door, octets, wanted):
    peer = wire.Peer(door, octets)
    peer.socket.settimeout(1)
    heard = peer.all()
    allowed = set(wanted) if door.name == "direct" else REFUSED
    if not (door.name == "haproxy" and octets.startswith(b"GET /healthz HTTP/9.9")):        # it makes an HTTP/1.1 of it
        assert set(statuses(heard)) <= allowed, heard[:300]
    assert wire.lives(door)


def test_t089_a_body_that_is_too_large_is_refused_before_it_is_sent(door):
    """Catches a front that takes in what is then refused, and a `100 Continue` said to 2 GB."""
    for length in (16 * 1024 * 1024 + 1, 2_000_000_000):
        heard = wire.Peer(door, wire.posted(door, f"Content-Length: {length}", "Expect: 100-continue")).all()
        assert statuses(heard) == [413], heard[:300]
        assert b"application/problem+json" in heard and b'"status":413' in heard.replace(b" ", b"")


def test_t089_a_body_on_a_get_becomes_no_request(door):
    hidden = wire.smuggled(door, f"a body {door.name}")
    heard = framing.talk(door, wire.head(door, "GET", "/healthz", f"Content-Length: {len(hidden)}") + hidden, seconds=2)
    assert statuses(heard) == [400] and f"a body {door.name}" not in wire.names(door), heard[:300]


@pytest.mark.parametrize("chunks, wanted", wire.CHUNKS, ids=wire.bytes_shown)
def test_t090_chunks_are_read_as_the_rfc_says(door, chunks, wanted):
    """Catches a front that reads a chunk's size otherwise than the server, and a trailer that becomes a header."""
    body = json.dumps({"name": "Chunks", "mode": "sandbox"}).encode()
    octets = chunks.replace(b"%(size)x", b"%x" % len(body)).replace(b"%(body)s", body)
    heard = wire.Peer(door, wire.posted(door, "Transfer-Encoding: chunked", "Connection: close") + octets).all()
    if wanted == 201:
        assert statuses(heard) == [201], heard[:300]
    else:
        assert set(statuses(heard)) <= {400, 413, 503}, heard[:300]


def test_t090_chunks_are_counted_behind_a_front_too(door):
    """Catches a body without a length that outgrows what a length would have refused."""
    peer = wire.Peer(door, wire.posted(door, "Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = sum(peer.send(chunk) for _ in range(300))
    peer.send(b"0\r\n\r\n")
    assert set(statuses(peer.all())) <= {400, 413, 503} and sent <= 300
    assert wire.lives(door)


# ---- T91 to T97 ----

@pytest.mark.parametrize("path", ["/v1/pools", "/v1/messages/{id}"])
def test_t091_a_path_is_what_it_is_or_nothing(door, path):
    """Catches a front that clears a path up, so that it is another one when the server sees it."""
    real = path.replace("{id}", f"msg_{tricks.NEVER}")
    for twist in tricks.TWISTS:
        heard = framing.talk(door, wire.head(door, "GET", twist(real), "Connection: close"), seconds=5)
        assert set(statuses(heard)) <= {400, 404, 405, 422} and statuses(heard), (twist(real), heard[:200])


def test_t092_a_method_that_is_none_has_no_effect(door):
    for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "get", "BREW", "GETT", "CONNECT"):
        heard = framing.talk(door, wire.head(door, method, "/v1/pools", "X-HTTP-Method-Override: GET", "Connection: close"), seconds=5)
        assert statuses(heard) and set(statuses(heard)) <= {400, 405}, (method, heard[:200])
        assert b"Bearer" not in heard


def test_t093_t096_only_plain_json_in_utf_8_is_a_body(door):
    for fields in [(f"Content-Type: {kind}",) for kind in tricks.TYPES] + [
            ("Content-Type: application/json", f"Content-Encoding: {coding}") for coding in ("gzip", "br", "identity")]:
        heard = framing.talk(door, wire.head(door, "POST", "/v1/pools", *fields, "Content-Length: 2", "Connection: close") + b"{}")
        assert statuses(heard) == [415], (fields, heard[:200])


@pytest.mark.parametrize("host", ["evil.example", "api.test.evil.example", "user@api.test", "evil.example:443", "*"])
def test_t094_a_strangers_name_is_not_served(door, host):
    assert host_names.asked(door, host).status in ((421,) if door.name == "direct" else (421, 400))


@pytest.mark.parametrize("host", ["api.test", "API.test:443", "localhost"])
def test_t094_our_own_names_pass_a_front(door, host):
    assert host_names.asked(door, host).status == 200


def test_t095_nothing_is_to_be_kept_and_no_header_is_a_users(door):
    acme = door.customer(f"Split {door.name}")
    for name in ("a%0d%0aSet-Cookie: x", "é\u2028"):
        made = acme.api.post("/v1/pools", {"name": name}, expect=(201, 422))
        assert made.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in made.headers


@pytest.mark.parametrize("octets", tricks.OTHER_PROTOCOLS, ids=lambda octets: octets[:16].decode())
def test_t097_no_other_protocol_is_spoken(door, octets):
    heard = framing.talk(door, octets, seconds=3)
    assert 101 not in statuses(heard) and b"HTTP/2" not in heard
    if b"Upgrade" not in octets and b"http://" not in octets or door.name != "nginx":        # it asks without them
        assert set(statuses(heard)) <= {400, 405, 505}, heard[:200]
    assert wire.lives(door)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_t097_a_front_offers_tls_1_2_and_http_1_1_and_no_less_or_more(fronted):
    """Catches a protocol that nobody here has tried, and one that is broken."""
    old = fronted.front.trusted()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    api = copy.copy(fronted.api)
    api.tls = old
    with pytest.raises(OSError):
        api.connect(5)
    api.tls = fronted.front.trusted()
    api.tls.set_alpn_protocols(["h2", "http/1.1"])
    with api.connect(5) as peer:
        assert peer.selected_alpn_protocol() in ("http/1.1", None) and peer.version() in ("TLSv1.2", "TLSv1.3")


# ---- T98 ----

def test_t098_whoever_leaves_at_any_octet_finds_it_done_once_or_not_at_all(door):
    """Catches a front that asks again by itself, or breaks off what the server has begun."""
    tricks.leave_at_octets(door, f"Leaves {door.name}", 41)


def test_t098_a_server_that_is_away_is_said_and_found_again(fronted, evenpost):
    """Catches a front that gives a server up, hangs on it, or speaks HTML to who reads JSON."""
    evenpost.server.kill()
    try:
        told = fronted.api.call("GET", "/v1/me")
        assert told.status == 503 and told.problem == "unavailable" and told.headers["Retry-After"].isdigit(), told
    finally:
        evenpost.server.start()
        evenpost.ready()
    wait_until(lambda: fronted.api.call("GET", "/v1/me").status == 200, 15, "the front finds it again")


# ---- who asks ----

@pytest.mark.parametrize("given", [{}, {"X_Forwarded_For": "203.0.113.9"}, {"X_Forwarded_For": "203.0.113.9, 127.0.0.1"},
                                   {"Forwarded": "for=203.0.113.9", "X_Real_IP": "203.0.113.9"}], ids=str)
def test_the_audit_tells_who_asked_the_front(fronted, evenpost, given):
    """Catches an audit of proxies, and one that tells what a client wrote of itself."""
    here = evenpost.session.lot.address()
    acme = fronted.customer(f"Asks {fronted.name}")
    acme.api.from_address(here).post("/v1/pools", {"name": "asked"}, expect=201, **given)
    entry, = [row for row in acme.api.every("/v1/audit") if row["api"]["operation"] == "pools_create"]
    assert entry["src_endpoint"]["ip"] == here


def test_a_trace_and_a_request_id_pass_a_front(fronted):
    acme = fronted.customer(f"Traced {fronted.name}")
    made = acme.api.post("/v1/pools", {"name": "traced"}, expect=201, traceparent=GOOD_TRACE, Request_Id="mine-1")
    assert made.headers["Request-Id"] == "mine-1"
    entry, = [row for row in acme.api.every("/v1/audit") if row["api"]["operation"] == "pools_create"]
    assert entry["metadata"]["trace_id"] == GOOD_TRACE[3:35]


def test_the_program_itself_finds_nothing_wrong_with_its_configuration(fronted):
    told = fronted.front.check()
    assert re.search("is valid|is successful", told) and not re.search("(?i)warn|alert|emerg", told), told


# ---- the slow ones' ends ----

@pytest.mark.parametrize("name", DOORS)
def test_t086_slow_clients_are_ended_at_an_absolute_deadline(slow, name):
    """Catches idle time taken for the deadline, also by a front: one octet in a while would hold a place for ever."""
    threads, ends = slow
    for (door, how), thread in threads.items():
        if door == name:
            most = wire.SLOW[how][1] if how in wire.SLOW else wire.BODY_S
            thread.join(wire.BODY_S + 20)
            assert ends.get((door, how), 99) < most + wire.SLACK_S, (how, ends)
