"""T91 to T98 on every operation of the contract: paths, methods, types, codings and other protocols that only seem to fit;
and a client that leaves at any octet."""
import json
import os
import re
import socket
import struct
import time

import pytest

from api.witness import CONTRACT, check_problem
from harness.api import Answer

NEVER = "01h455vb4pex5vsknk084sn02q"
PREFIX = {"cus-id": "cus", "key-id": "key", "ip-id": "ip", "pool-id": "pool", "dom-id": "dom", "mbx-id": "mbx", "msg-id": "msg",
          "sup-id": "sup"}
PATHS = sorted({operation.path for operation in CONTRACT.operations})
WITH_BODY = [operation for operation in CONTRACT.operations if operation.body is not None]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
EVERY_PATH = pytest.mark.parametrize("path", PATHS)


def concrete(path):
    """The path with ids that nobody has."""
    operation = next(operation for operation in CONTRACT.operations if operation.path == path)
    for name, kind in operation.kinds.items():
        path = path.replace("{" + name + "}", f"{PREFIX[kind]}_{NEVER}" if kind in PREFIX else "nobody.test")
    return path


def ask(evenpost, method, target, *fields, body=b"", key=True, version="HTTP/1.1"):
    """One raw request; its only answer, checked as a problem where it is one."""
    lines = [f"{method} {target} {version}", "Host: api.test", "Connection: close", *fields]
    if key:
        lines.append(f"Authorization: Bearer {evenpost.key}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with evenpost.api.connect(10) as peer:
        peer.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        heard = b""
        while piece := peer.recv(65536):
            heard += piece
    return answer_of(heard)


def answer_of(heard):
    head, _, rest = heard.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {line.split(":")[0].title(): line.split(":", 1)[1].strip() for line in lines[1:]}
    answer = Answer(int(lines[0].split()[1]), fields, rest)
    assert all(re.fullmatch(r"[\x20-\x7e]*", value) for value in fields.values()), fields
    if answer.status >= 400 and rest:
        assert fields["Cache-Control"] == "no-store" and fields["X-Content-Type-Options"] == "nosniff"
        check_problem(answer)
    return answer


# ---- T91 ----

TWISTS = [lambda path: path + "/", lambda path: "/" + path, lambda path: path.replace("/", "//", 2), lambda path: path + "/.",
          lambda path: path + "/..", lambda path: "/x/.." + path, lambda path: "/." + path, lambda path: path + "%00",
          lambda path: path + ";x=y", lambda path: path + "%2F", lambda path: path.upper() if path != path.upper() else path + "X",
          lambda path: path.replace("/", "%2f"), lambda path: path.replace("/", "\\"), lambda path: path + "%c0%ae",
          lambda path: path + "%", lambda path: path + "%zz", lambda path: path + "%ff", lambda path: path + "/%2e%2e/%2e%2e/etc/passwd",
          lambda path: path + "%0d%0aX:%20y", lambda path: path + ".json", lambda path: path + "+", lambda path: path + "%20"]


@EVERY_PATH
def test_t091_a_path_is_what_it_is_or_nothing(evenpost, path):
    """Catches a router that tidies up, folds case, decodes twice or takes an encoded slash for one."""
    for twist in TWISTS:
        target = twist(concrete(path))
        answer = ask(evenpost, "GET", target)
        assert answer.status in (400, 404, 405, 422), (target, answer)
        assert "etc/passwd" not in answer.headers.get("Location", "") and b"root:" not in answer.octets


def test_t091_the_contracts_words_are_matched_as_they_are_written_and_an_id_is_decoded_once(evenpost):
    """Catches a second decoding, by which %256d would be an m."""
    pool = evenpost.customer("Decoded").api.get("/v1/pools")["data"][0]["id"]
    assert ask(evenpost, "GET", f"/v1/pools/%{ord(pool[0]):02x}{pool[1:]}").status == 200
    assert ask(evenpost, "GET", f"/v1/pools/%25{ord(pool[0]):02x}{pool[1:]}").status == 404
    assert ask(evenpost, "GET", "/v1/%70ools").status == 404


# ---- T92 ----

@EVERY_PATH
def test_t092_a_method_that_the_path_has_not_is_405_and_says_which(evenpost, path):
    """Catches an effect by a method that nobody wrote down, and an override that a proxy did not see."""
    there = {operation.method for operation in CONTRACT.operations if operation.path == path}
    for method in METHODS:
        if method in there:
            continue
        for fields in ((), ("X-HTTP-Method-Override: DELETE",), ("X-Method-Override: GET", "X-HTTP-Method: PATCH")):
            answer = ask(evenpost, method, concrete(path), *fields)
            assert answer.status == 405 and set(answer.headers["Allow"].split(", ")) == there, (method, answer)
            assert method != "TRACE" or b"Bearer" not in answer.octets
    for method in ("get", "Get", "BREW", "GETT"):
        assert ask(evenpost, method, concrete(path)).status == 400


def test_t092_an_override_is_only_a_word(evenpost):
    acme = evenpost.customer("Override")
    pool = acme.api.post("/v1/pools", {"name": "stays"}, expect=201)["id"]
    for fields in ({"X_HTTP_Method_Override": "DELETE"}, {"X_HTTP_Method": "DELETE"}, {"X_Method_Override": "DELETE"}):
        assert acme.api.get(f"/v1/pools/{pool}", **fields)["name"] == "stays"
    assert acme.api.get(f"/v1/pools/{pool}?_method=DELETE", expect=422).problem == "validation"
    assert acme.api.get(f"/v1/pools/{pool}")["name"] == "stays"


# ---- T93, T96 ----

TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin-1",
         "application/json; charset=utf-16", "application/jsonx", "application/json, text/plain", "json", "", "application/json-patch+json",
         "text/json", "application/xml", "*/*"]


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_t093_only_json_in_utf_8_is_a_body(evenpost, operation):
    """Catches a form of a stranger's page, which needs no preflight for text/plain."""
    body, path = json.dumps(CONTRACT.example(operation.body)).encode(), concrete(operation.path)
    for kind in TYPES:
        assert ask(evenpost, operation.method, path, f"Content-Type: {kind}", body=body).status == 415, kind
    assert ask(evenpost, operation.method, path, body=body).status == 415
    twice = ("Content-Type: application/json", "Content-Type: application/json")
    assert ask(evenpost, operation.method, path, *twice, body=body).status == 415
    for good in ("application/json", "Application/JSON", "application/json;charset=utf-8", 'application/json; charset="UTF-8"'):
        assert ask(evenpost, operation.method, path, f"Content-Type: {good}", body=body).status != 415, good


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_t096_a_coded_body_is_not_taken(evenpost, operation):
    """Catches a body that is small on the wire and large in memory."""
    for coding in ("gzip", "deflate", "br", "identity", "x"):
        answer = ask(evenpost, operation.method, concrete(operation.path), f"Content-Encoding: {coding}", "Content-Type: application/json",
                     body=b"{}")
        assert answer.status == 415, (coding, answer)


# ---- T95 ----

def test_t095_what_a_user_wrote_is_in_no_header(evenpost):
    """Catches a header split by a name; every answer of every test here is scanned as well."""
    acme = evenpost.customer("Split")
    for name in ("a%0d%0aSet-Cookie: x", "ä", "a, b", '"', "é\u2028"):
        made = acme.api.post("/v1/pools", {"name": name}, expect=(201, 422))
        assert not set(made.headers.keys()) & {"Set-Cookie"} and made.headers["Cache-Control"] == "no-store"
        if made.status == 201:
            assert made.headers["Location"] == f"/v1/pools/{made['id']}"
    for given in ("x\ty", "a b", "é", "x" * 129):
        assert re.fullmatch(r"req_[0-9a-z]{26}", acme.api.get("/v1/me", Request_Id=given).headers["Request-Id"])


# ---- T97 ----

OTHER_PROTOCOLS = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n", b"GET http://api.test/healthz HTTP/1.1\r\nHost: api.test\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: api.test\r\n\r\n"]


@pytest.mark.parametrize("octets", OTHER_PROTOCOLS, ids=lambda octets: octets[:16].decode())
def test_t097_no_other_protocol_is_spoken(evenpost, octets):
    """Catches a tunnel: it is refused, and the connection ends."""
    with evenpost.api.connect(5) as peer:
        peer.sendall(octets)
        heard = b""
        try:
            while piece := peer.recv(65536):
                heard += piece
        except OSError:
            pass
    assert set(re.findall(rb"^HTTP/1\.[01] (\d\d\d)", heard, re.M)) <= {b"400", b"405", b"505"}, heard[:200]
    assert b" 101 " not in heard and evenpost.api.get("/healthz").status == 200


# ---- T98 ----

def leave(evenpost, octets, read):
    """Sends that much, reads that much, and resets the connection. True: a whole answer of 201 was read."""
    with evenpost.api.connect(5) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sendall(octets)
        heard = b""
        peer.settimeout(0.3)
        try:
            while len(heard) < read:
                piece = peer.recv(min(read - len(heard), 65536))
                if not piece:
                    break
                heard += piece
        except OSError:
            pass
    return heard


def test_t098_whoever_leaves_at_any_octet_finds_it_done_once_or_not_at_all(evenpost):
    """Catches an effect that hangs on whether its answer was read: each retry with the key gives the one answer there is."""
    long = os.environ.get("EVENPOST_TEST_LONG") == "1"
    leave_at_octets(evenpost, "Leaves", 1 if long else 23)


def leave_at_octets(evenpost, name, every):
    """Each retry with the key gives the one answer there is, and each has one row and one entry of the audit."""
    acme = evenpost.customer(name)

    def request(n):
        body = json.dumps({"name": f"n{n}"}).encode()
        return (f"POST /v1/pools HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {acme.api.key}\r\nIdempotency-Key: leave-{n}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
    whole = len(leave(evenpost, request(0), 4000))
    assert whole > 200
    points = [(sent, 0) for sent in range(1, len(request(1)) + 1)] + [(None, read) for read in range(1, whole + 1)]
    points = points[::every] + points[-2:]
    for n, (sent, read) in enumerate(points, 1):
        leave(evenpost, request(n)[:sent], read)
    time.sleep(0.2)                 # no condition to wait for: it may be that nothing comes of the last ones
    ids = {}
    for n in range(1, len(points) + 1):
        ids[n] = acme.api.post("/v1/pools", {"name": f"n{n}"}, expect=201, Idempotency_Key=f"leave-{n}")["id"]
    rows = {row["name"]: row["id"] for row in acme.api.every("/v1/pools")}
    assert len(rows) == len(points) + 2 and all(rows[f"n{n}"] == id for n, id in ids.items())
    created = [row for row in acme.api.every("/v1/audit") if row["api"]["operation"] == "pools_create"]
    assert len(created) == len(points) + 1
