"""Raw sockets: what may be read in two ways (T85), what never ends (T86), what is too much (T87 to T90).

test_framing.py has the table of heads; here are bodies, time, and the crowd. The slow clients all wait at once, while the
other tests of this file run.
"""
import json
import re
import socket
import threading
import time

import pytest

from api.witness import check_problem
from harness.api import Answer
from harness.wait import wait_until

HEAD_S, BODY_S = 10, 30         # the server's absolute deadlines; they are looked at once a second
SLACK_S = 4


class Peer:
    """One TCP connection, and what came over it."""

    def __init__(self, evenpost, octets=b"", receive_buffer=None):
        self.socket = evenpost.api.connect(5, receive_buffer)
        self.send(octets)

    def send(self, octets):
        try:
            self.socket.sendall(octets)
            return True
        except OSError:
            return False

    def all(self):
        """Everything until the end, or until five seconds of silence."""
        heard = b""
        try:
            while piece := self.socket.recv(65536):
                heard += piece
        except OSError:
            pass
        self.socket.close()
        return heard


def head(evenpost, method, path, *fields, version="HTTP/1.1"):
    lines = [f"{method} {path} {version}", "Host: api.test", f"Authorization: Bearer {evenpost.key}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def posted(evenpost, *fields):
    return head(evenpost, "POST", "/v1/customers", "Content-Type: application/json", *fields)


def answers(heard):
    """The answers in what was heard: (status, fields, body)."""
    found = []
    while heard.startswith(b"HTTP/1.1 "):
        top, _, rest = heard.partition(b"\r\n\r\n")
        fields = {line.split(b":")[0].decode().lower(): line.split(b":", 1)[1].strip().decode() for line in top.split(b"\r\n")[1:]}
        length = int(fields.get("content-length", 0))
        found.append((int(top.split(b" ")[1]), fields, rest[:length]))
        heard = rest[length:]
    return found


def lives(evenpost):
    """It still answers what needs the database, and soon."""
    since = time.monotonic()
    return evenpost.api.get("/v1/me").status == 200 and time.monotonic() - since < 2


def names(evenpost):
    return [row["name"] for row in evenpost.api.every("/v1/customers")]


# ---- slow ones: they wait while the rest runs ----

def drip(evenpost, begin, piece, pause=0.5):
    """Sends a little, again and again, until the server has enough; the seconds that took."""
    peer, since = Peer(evenpost, begin), time.monotonic()
    peer.socket.settimeout(pause)
    while time.monotonic() - since < BODY_S + 15:
        if piece and not peer.send(piece):
            break
        try:
            if not peer.socket.recv(4096):
                break
        except socket.timeout:
            continue
        except OSError:
            break
    return time.monotonic() - since


def swallow_nothing(evenpost, requests):
    """Asks for much and reads nothing; the seconds until the server let go: its side of the connection is gone."""
    peer, since = Peer(evenpost, receive_buffer=1024), time.monotonic()
    ours, theirs = (f":{port:04X}" for port in (peer.socket.getsockname()[1], evenpost.api.port))
    peer.socket.settimeout(0.2)
    peer.send(requests)
    while time.monotonic() - since < BODY_S + 15:
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table]
        if not any(row[1].endswith(theirs) and row[2].endswith(ours) and row[3] == "01" for row in rows):
            break
        time.sleep(0.5)
    return time.monotonic() - since


SLOW = {                            # name: (how, the deadline that must end it)
    "says nothing": (lambda e: drip(e, b"", b""), HEAD_S),
    "a head, letter by letter": (lambda e: drip(e, b"GE", b"T"), HEAD_S),
    "a head, line by line": (lambda e: drip(e, b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"), HEAD_S),
    "a body, blank by blank": (lambda e: drip(e, posted(e, "Content-Length: 1000"), b" "), BODY_S),
    "chunks of one octet": (lambda e: drip(e, posted(e, "Transfer-Encoding: chunked"), b"1\r\n \r\n"), BODY_S),
    "a body that never comes": (lambda e: drip(e, posted(e, "Content-Length: 1000"), b""), BODY_S),
    "answers that nobody reads": (lambda e: swallow_nothing(e, head(e, "GET", "/openapi.yaml") * 100), BODY_S),
}


@pytest.fixture(scope="module", autouse=True)
def slow(evenpost):
    """The slow clients begin with the module; their ends are asked for by the last tests of it."""
    ends = {}
    threads = [threading.Thread(target=lambda name=name, how=how: ends.__setitem__(name, how(evenpost)), daemon=True)
               for name, (how, _) in SLOW.items()]
    for thread in threads:
        thread.start()
    return threads, ends


# ---- bodies ----

AMBIGUOUS = (("Transfer-Encoding: chunked", "Content-Length: 5"), ("Content-Length: 5", "Content-Length: 5"),
             ("Transfer-Encoding: gzip",), ("Content-Length: 99999999",), ("Content-Encoding: br", "Content-Length: 5"),
             ("Expect: nothing", "Content-Length: 5"), ("Content-Length : 5",), ("Content-Length: 5,5",),
             ("Content-Length: -1",), ("Content-Length: 5 5",), ("Transfer-Encoding: chunked, chunked",),
             ("Transfer-Encoding: identity",), ("Transfer-Encoding: xchunked",), ("Transfer-Encoding : chunked",))


def smuggled(evenpost, name="smuggled"):
    """A request that makes a customer of that name, to be hidden behind another."""
    hidden = json.dumps({"name": name, "mode": "sandbox"}).encode()
    return posted(evenpost, f"Content-Length: {len(hidden)}", "Connection: close") + hidden


def test_what_follows_a_refused_head_is_never_a_request(evenpost):
    """Catches a body that is served as the next request when its own was refused (T85)."""
    for fields in AMBIGUOUS:
        heard = Peer(evenpost, posted(evenpost, *fields) + b"0\r\n\r\n" + smuggled(evenpost)).all()
        statuses = set(re.findall(rb"^HTTP/1\.[01] (\d\d\d) ", heard, re.M))
        assert statuses and all(400 <= int(status) < 500 for status in statuses), (fields, heard[:400])
    assert "smuggled" not in names(evenpost)


def test_a_body_ends_where_it_said_it_would(evenpost):
    """Catches a length that is a hint: what is behind it is the next request, what is missing is waited for, then dropped."""
    body = json.dumps({"name": "Exactly", "mode": "sandbox"}).encode()
    request = posted(evenpost, f"Content-Length: {len(body)}") + body
    got = answers(Peer(evenpost, request + head(evenpost, "GET", "/healthz", "Connection: close")).all())
    assert [status for status, *_ in got] == [201, 200]
    peer = Peer(evenpost, posted(evenpost, f"Content-Length: {len(body) + 1}") + body)
    peer.socket.settimeout(1)
    peer.socket.shutdown(socket.SHUT_WR)
    assert b" 201 " not in peer.all()
    assert names(evenpost).count("Exactly") == 1


def bytes_shown(value):
    return ascii(value[:24]) if isinstance(value, bytes) else "-"


CHUNKS = [                          # (chunks, status)
    (b"%(size)x\r\n%(body)s\r\n0\r\n\r\n", 201), (b"%(size)x;name=value\r\n%(body)s\r\n0\r\n\r\n", 201),
    (b"%(size)x\r\n%(body)s\r\n0\r\nX-Trailer: a\r\n\r\n", 201),
    (b"%(size)x\r\n%(body)s\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 3\r\n\r\n", 201),
    (b"0x%(size)x\r\n%(body)s\r\n0\r\n\r\n", 400), (b"-5\r\n%(body)s\r\n0\r\n\r\n", 400), (b"\r\n%(body)s\r\n0\r\n\r\n", 400),
    (b"ffffffffffffffffff\r\n%(body)s\r\n0\r\n\r\n", 413), (b"%(size)xq\r\n%(body)s\r\n0\r\n\r\n", 400),
]


@pytest.mark.parametrize("chunks, wanted", CHUNKS, ids=bytes_shown)
def test_chunks_are_read_as_the_rfc_says(evenpost, chunks, wanted):
    """Catches a chunk's size that two readers read differently, and a trailer that becomes a header (T90)."""
    body = json.dumps({"name": "Chunks", "mode": "sandbox"}).encode()
    octets = chunks.replace(b"%(size)x", b"%x" % len(body)).replace(b"%(body)s", body)
    heard = Peer(evenpost, posted(evenpost, "Transfer-Encoding: chunked", "Connection: close") + octets).all()
    statuses = [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d\d\d) ", heard, re.M)]
    if wanted == 201:
        assert statuses == [201], heard[:300]
    else:
        assert not statuses or set(statuses) <= {400, 413}, heard[:300]


def test_a_million_small_chunks_and_a_long_extension_are_bounded(evenpost):
    """Catches memory or time that grows with the chunks and not with the body (T90)."""
    since = time.monotonic()
    heard = Peer(evenpost, posted(evenpost, "Transfer-Encoding: chunked") + b"1\r\n \r\n" * 200000 + b"0\r\n\r\n").all()
    assert answers(heard)[0][0] == 400 and time.monotonic() - since < 10, heard[:200]
    peer = Peer(evenpost)
    peer.socket.settimeout(1)
    peer.send(posted(evenpost, "Transfer-Encoding: chunked") + b"1;" + b"x" * (1 << 20) + b"\r\n \r\n0\r\n\r\n")
    assert lives(evenpost), "libmicrohttpd turns round a full buffer; the loop must turn as well"
    assert b" 201 " not in peer.all()
    assert lives(evenpost)


NOT_REQUESTS = [                    # (octets, the statuses that may be heard)
    (b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: a\r\n\r\n", (414,)),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nCookie: " + b"c" * (1 << 20) + b"\r\n\r\n", (431,)),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(3000)) + b"\r\n", (431,)),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X" * 70000 + b": v\r\n\r\n", (431,)),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, (400,)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)), (b"\r\n" * 1000, (400,)), (b"\x00" * 1000 + b"\r\n\r\n", (400,)),
    (b"HELO sandbox\r\n\r\n", (400,)), (b"GET\r\n\r\n", (400,)), (b"GET /healthz\r\n\r\n", (400,)),
    (b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n", (400, 505)),
]


@pytest.mark.parametrize("octets, wanted", NOT_REQUESTS, ids=bytes_shown)
def test_what_is_no_request_is_refused_and_the_server_lives(evenpost, octets, wanted):
    """Catches floods of heads (T88) and other protocols: refused with a status, or the connection just ends."""
    peer = Peer(evenpost, octets)
    peer.socket.settimeout(1)
    heard = peer.all()
    statuses = {int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d\d\d)", heard, re.M)}
    assert statuses <= set(wanted), heard[:300]
    assert lives(evenpost)


REFUSALS = {                        # of the guard: name: (octets, status)
    "two hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a coding and a length": (b"POST /v1/pools HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
    "an unknown method": (b"BREW /v1/pools HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a body on a GET": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 400),
    "an unknown expectation": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
    "no key": (b"POST /v1/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 401),
    "too many fields": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(101)) + b"\r\n", 431),
    "an absolute target": (b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a CR in a value": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_the_guards_refusals_are_problems_like_any_other(evenpost, name):
    """Catches a bare HTML page where a client expects to read what is wrong."""
    octets, wanted = REFUSALS[name]
    (status, fields, body), *rest = answers(Peer(evenpost, octets).all())
    assert status == wanted and not rest and fields["connection"].lower() == "close"
    answer = Answer(status, {name.title(): value for name, value in fields.items()}, body)
    answer.body = json.loads(body)
    check_problem(answer)
    assert re.fullmatch(r"req_[0-9a-z]{26}", fields["request-id"]), fields


def test_http_1_0_is_served_and_closed(evenpost):
    heard = Peer(evenpost, b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n").all()
    assert b" 200 " in heard.split(b"\r\n")[0]


def test_a_hundred_continue_is_said_only_to_who_may_send(evenpost):
    """Catches a client that is asked for a body which is then refused (T89)."""
    body = json.dumps({"name": "Continue", "mode": "sandbox"}).encode()
    peer = Peer(evenpost, posted(evenpost, f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
    wait_until(lambda: peer.socket.recv(1000, socket.MSG_PEEK) == b"HTTP/1.1 100 Continue\r\n\r\n", 5)
    peer.send(body)
    assert peer.all().split(b"\r\n\r\n", 1)[1].startswith(b"HTTP/1.1 201 ")
    for request in (posted(evenpost, "Content-Length: 1048577", "Expect: 100-continue"),
                    b"POST /v1/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
                    head(evenpost, "POST", "/v1/pools", "Content-Type: text/xml", "Content-Length: 9", "Expect: 100-continue")):
        heard = Peer(evenpost, request).all()
        assert b"100 Continue" not in heard and re.match(rb"HTTP/1\.1 4\d\d ", heard), heard[:200]


# ---- a crowd ----

def latency(evenpost, times=40):
    took = []
    for _ in range(times):
        since = time.monotonic()
        evenpost.api.get("/v1/me")
        took.append(time.monotonic() - since)
    return sorted(took)[times // 2]


def test_two_thousand_idle_connections_hinder_nobody(evenpost):
    """Catches a server that runs out of descriptors, or looks at every connection for each request (T87)."""
    alone = latency(evenpost)
    crowd = [Peer(evenpost) for _ in range(1900)]
    try:
        assert latency(evenpost) < max(3 * alone, 0.03)
        made = evenpost.api.post("/v1/customers", {"name": "In the crowd", "mode": "sandbox"}, expect=201)
        assert made["id"]
    finally:
        for peer in crowd:
            peer.socket.close()
    assert evenpost.api.get("/readyz").status == 200


def test_clients_that_leave_in_the_middle_leave_nothing_behind(evenpost):
    before = evenpost.server.descriptors()
    for octets in (b"", b"GET /", head(evenpost, "GET", "/v1/me"), posted(evenpost, "Content-Length: 100") + b"{",
                   head(evenpost, "GET", "/openapi.yaml") * 3):
        for _ in range(40):
            peer = Peer(evenpost, octets)
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            peer.socket.close()
    wait_until(lambda: evenpost.server.descriptors() <= before + 5, 5)


# ---- the slow ones' ends ----

@pytest.mark.parametrize("name", SLOW)
def test_a_slow_client_is_ended_at_an_absolute_deadline(slow, name):
    """Catches idle time taken for the deadline: one octet in a while resets that, and holds a connection for ever (T86)."""
    threads, ends = slow
    most = SLOW[name][1] + SLACK_S
    threads[list(SLOW).index(name)].join(BODY_S + 20)
    assert name in ends and ends[name] < most, ends
    assert ends[name] > SLOW[name][1] - 2, f"sooner than its deadline: {ends[name]}"
