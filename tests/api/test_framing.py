"""What is refused before it costs anything: heads that two readers may read differently, and clients that are slow."""
import json
import re
import socket
import time

import pytest

HOST = "Host: api.test\r\n"
KEY = "Authorization: Bearer {key}\r\n"


def talk(evenpost, octets, seconds=5):
    """All that the server says until it closes, or for some seconds."""
    with evenpost.api.connect(seconds) as peer:
        try:
            peer.sendall(octets)
        except OSError:
            pass
        heard = b""
        try:
            while piece := peer.recv(65536):
                heard += piece
        except OSError:
            pass
        return heard


def status(heard):
    return int(heard.split(b" ", 2)[1]) if heard.startswith(b"HTTP/") else None


def request(head, body=""):
    return f"{head}\r\n{body}".encode()


REFUSED = {
    "a coding and a length": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", 400),
    "two lengths": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\nContent-Length: 5\r\n", 400),
    "two equal lengths": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\nContent-Length: 4\r\n", 400),
    "two codings": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    "an unknown coding": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Transfer-Encoding: gzip, chunked\r\n", 400),
    "a coding in HTTP/1.0": ("POST /v1/pools HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n", 400),
    "a length that is no number": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Content-Length: 0x4\r\n", 400),
    "a signed length": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Content-Length: +4\r\n", 400),
    "two hosts": ("GET /healthz HTTP/1.1\r\n" + HOST + "Host: other.test\r\n", 400),
    "no host": ("GET /healthz HTTP/1.1\r\n", 400),
    "a blank before the colon": ("GET /healthz HTTP/1.1\r\n" + HOST + "X-Name : v\r\n", 400),
    "a name with a bracket": ("GET /healthz HTTP/1.1\r\n" + HOST + "X(Name: v\r\n", 400),
    "a CR in a value": ("GET /healthz HTTP/1.1\r\n" + HOST + "X-Name: a\rb\r\n", 400),
    "an absolute target": ("GET http://api.test/healthz HTTP/1.1\r\n" + HOST, 400),
    "a tab in a query": ("GET /healthz?x=\t HTTP/1.1\r\n" + HOST, 400),
    "octets in a query": ("GET /healthz?x=\xff HTTP/1.1\r\n" + HOST, 400),
    "the target *": ("OPTIONS * HTTP/1.1\r\n" + HOST, 400),
    "an unknown version": ("GET /healthz HTTP/1.2\r\n" + HOST, 400),
    "an unknown method": ("BREW /healthz HTTP/1.1\r\n" + HOST, 400),
    "a method in lower case": ("get /healthz HTTP/1.1\r\n" + HOST, 400),
    "CONNECT": ("CONNECT api.test:443 HTTP/1.1\r\n" + HOST, 400),
    "an unknown expectation": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Expect: 200-maybe\r\nContent-Length: 2\r\n", 417),
    "an upgrade": ("GET /healthz HTTP/1.1\r\n" + HOST + "Connection: Upgrade\r\nUpgrade: websocket\r\n", 400),
    "a compressed body": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Content-Encoding: gzip\r\nContent-Length: 2\r\n", 415),
    "a body on a GET": ("GET /healthz HTTP/1.1\r\n" + HOST + "Content-Length: 2\r\n", 400),
    "a body that is too large": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY +
                                 "Content-Type: application/json\r\nContent-Length: 1048577\r\n", 413),
    "JSON that says it is text": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Content-Type: text/plain\r\nContent-Length: 2\r\n", 415),
    "JSON of no type": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Content-Length: 2\r\n", 415),
    "JSON in Latin-1": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY +
                        "Content-Type: application/json; charset=latin1\r\nContent-Length: 2\r\n", 415),
    "two types": ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY +
                  "Content-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", 415),
    "a body without a key": ("POST /v1/pools HTTP/1.1\r\n" + HOST + "Content-Type: application/json\r\nContent-Length: 2\r\n", 401),
    "too many headers": ("GET /healthz HTTP/1.1\r\n" + HOST + "".join(f"X-{n}: v\r\n" for n in range(150)), 431),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_may_be_read_in_two_ways_ends_the_connection(evenpost, name):
    """Catches a second request hidden behind a first (T85): what follows the head must never be read as one."""
    head, wanted = REFUSED[name]
    hidden = "GET /healthz HTTP/1.1\r\nHost: hidden.test\r\n\r\n"
    heard = talk(evenpost, request(head.replace("{key}", evenpost.key), hidden), seconds=3)
    assert status(heard) == wanted, heard[:300]
    # libmicrohttpd writes the head of its own refusals twice: never another status, and the connection ends.
    assert set(re.findall(rb"^HTTP/1\.[01] (\d\d\d) ", heard, re.M)) == {b"%d" % wanted}, heard
    assert b"100 Continue" not in heard


def test_refusals_are_problems_too(evenpost):
    """Catches the library's own words where ours are promised."""
    heard = talk(evenpost, request("BREW /healthz HTTP/1.1\r\n" + HOST))
    head, body = heard.split(b"\r\n\r\n", 1)
    assert b"application/problem+json" in head and b"Connection: close" in head
    problem = json.loads(body)
    assert problem["status"] == 400 and problem["type"].endswith("/malformed")


def test_a_large_body_is_refused_before_it_is_sent(evenpost):
    """Catches `100 Continue` said to 2 GB."""
    head = ("POST /v1/messages HTTP/1.1\r\n" + HOST + KEY + "Content-Type: application/json\r\nExpect: 100-continue\r\n"
            "Content-Length: 2000000000\r\n").replace("{key}", evenpost.key)
    heard = talk(evenpost, request(head))
    assert status(heard) == 413 and b"100 Continue" not in heard


def test_chunks_are_counted(evenpost):
    """Catches a chunked body that outgrows what a length would have refused."""
    head = ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"
    heard = talk(evenpost, request(head.replace("{key}", evenpost.key), chunk * 20 + "0\r\n\r\n"))
    assert status(heard) in (413, None), heard[:200]


@pytest.mark.parametrize("path", ["/v1/pools/", "//v1/pools", "/v1//pools", "/V1/pools", "/v1/./pools", "/v1/x/../pools",
                                  "/v1/pools%00", "/v1/pools;x=y", "/v1%2Fpools", "/v1/%70ools%zz", "/v1/pools/%c0%af",
                                  "/%2e%2e/%2e%2e/etc/passwd", "/v1/pools\\x", "/docs", "/v1"])
def test_a_path_is_taken_as_it_is_written(evenpost, path):
    """Catches a path that is tidied up before it is judged (T91)."""
    head = f"GET {path} HTTP/1.1\r\n" + HOST + KEY.replace("{key}", evenpost.key) + "Connection: close\r\n"
    assert status(talk(evenpost, request(head))) in (400, 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT"])
def test_a_method_that_is_not_in_the_contract_says_which_are(evenpost, method):
    heard = talk(evenpost, request(f"{method} /v1/pools HTTP/1.1\r\n" + HOST + KEY.replace("{key}", evenpost.key) +
                                   "X-HTTP-Method-Override: GET\r\nConnection: close\r\n"))
    assert status(heard) == 405 and b"Allow: GET, POST" in heard


def test_requests_behind_each_other_are_answered_in_order(evenpost):
    """Catches a pipeline that loses or swaps answers."""
    one = f"GET /healthz HTTP/1.1\r\n{HOST}Request-Id: r%d\r\n\r\n"
    last = f"GET /healthz HTTP/1.1\r\n{HOST}Request-Id: end\r\nConnection: close\r\n\r\n"
    heard = talk(evenpost, ("".join(one % n for n in range(20)) + last).encode())
    ids = [line.split(b": ")[1] for line in heard.split(b"\r\n") if line.lower().startswith(b"request-id")]
    assert ids == [b"r%d" % n for n in range(20)] + [b"end"]


@pytest.mark.long
@pytest.mark.parametrize("begin, most", [(b"", 13), (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", 13),
                                         (b"POST", 13)])
def test_a_slow_head_ends_at_its_deadline(evenpost, begin, most):
    """Catches a client that holds a connection with one octet a second: idle time alone never ends it (T86)."""
    with evenpost.api.connect(5) as peer:
        peer.sendall(begin or b"G")
        since = time.monotonic()
        try:
            while time.monotonic() - since < 30:
                peer.sendall(b"X" if not begin.endswith(b"\n") else b"X-A: b\r\n")
                peer.settimeout(1)
                try:
                    if not peer.recv(1000):
                        break
                except socket.timeout:
                    continue
        except OSError:
            pass
        assert time.monotonic() - since < most


@pytest.mark.long
def test_a_slow_body_ends_at_its_deadline(evenpost):
    head = ("POST /v1/pools HTTP/1.1\r\n" + HOST + KEY + "Content-Type: application/json\r\nContent-Length: 100000\r\n")
    with evenpost.api.connect(5) as peer:
        peer.sendall(request(head.replace("{key}", evenpost.key)))
        since = time.monotonic()
        try:
            while time.monotonic() - since < 60:
                peer.sendall(b" ")
                peer.settimeout(1)
                try:
                    if not peer.recv(1000):
                        break
                except socket.timeout:
                    continue
        except OSError:
            pass
        assert 20 < time.monotonic() - since < 34
    assert evenpost.api.get("/healthz").status == 200


def test_a_client_that_leaves_leaves_nothing_half_done(evenpost):
    """Catches an effect that depends on whether its answer could be written (T98)."""
    acme = evenpost.customer("Left")
    key = acme.api.key
    body = json.dumps({"name": "gone"})
    head = (f"POST /v1/pools HTTP/1.1\r\n{HOST}Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: left\r\nContent-Length: {len(body)}\r\n")
    octets = request(head, body)
    for cut in (len(octets) // 2, len(octets) - 1, len(octets)):
        with evenpost.api.connect() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            peer.sendall(octets[:cut])
    again = acme.api.post("/v1/pools", {"name": "gone"}, expect=(201, 409), Idempotency_Key="left")
    assert again.status == 201
    assert [row["name"] for row in acme.api.every("/v1/pools")].count("gone") == 1
