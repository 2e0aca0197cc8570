"""witness: a client that holds every answer to the contract, whatever the test that asked wanted to know."""
import json
import re

from api.schema import Schema
from harness.api import Api
from harness.contract import Contract

CONTRACT = Contract()
PROBLEM = Schema(CONTRACT, {"$ref": "#/components/schemas/Problem"})
# API.md, "Errors": the slugs that each status may have.
SLUGS = {
    400: {"malformed", "bad-cursor", "customer-required"},
    401: {"unauthorized"}, 403: {"forbidden-scope"}, 404: {"not-found"}, 405: {"method-not-allowed"},
    409: {"no-free-slot", "suppressed", "recently-written", "identity-missing", "domain-not-ready", "mailbox-paused",
          "customer-suspended", "ip-unavailable", "address-taken", "too-late", "not-unconfirmed", "idempotency-in-flight"},
    412: {"precondition-failed"}, 413: {"too-large"}, 415: {"unsupported-media-type"},
    422: {"validation", "idempotency-key-reused"}, 429: {"rate-limited"}, 503: {"unavailable"},
}
# Refusals of the HTTP itself, before there is an operation: they are no word of the table, but problems all the same.
OF_HTTP = {414, 417, 421, 431}
good = set()                        # ids of the operations that were seen to answer 2xx


def operation_of(method, path):
    """The contract's operation for a request; an exact path goes before a pattern."""
    def fits(operation):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.path))
        return operation.method == method and re.fullmatch(pattern, path.split("?")[0])
    found = [operation for operation in CONTRACT.operations if fits(operation)]
    return min(found, key=lambda operation: len(operation.kinds), default=None)


def spoken(operation):
    """The `responses` of an operation as the contract writes them."""
    return CONTRACT.of["paths"][operation.path][operation.method.lower()]["responses"]


def resolve_pointer(body, pointer):
    """What a JSON pointer points at: (there, value). A name that is missing is pointed at where it should be."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list):
            assert part.isdigit() and int(part) < len(body), f"{pointer} does not resolve"
            body = body[int(part)]
        elif isinstance(body, dict) and part in body:
            body = body[part]
        else:
            assert isinstance(body, dict), f"{pointer} does not resolve"
            return False, None
    return True, body


def check_problem(answer, sent=None):
    """RFC 9457 and API.md, "Errors", on any answer of 400 and more."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer
    problem = answer.body
    assert not PROBLEM.faults(problem), (PROBLEM.faults(problem), problem)
    assert problem["status"] == answer.status, "the body says another status"
    assert problem["type"].startswith("https://evenpost.dev/problems/"), problem
    assert answer.problem in SLUGS.get(answer.status, ()) or answer.status in OF_HTTP, problem
    words = json.dumps(problem)
    assert not re.search(r"(?i)\bselect \w|\binsert into|\.c:\d|/sql/|psql|libpq|relation \"", words), "our insides are told"
    for error in problem.get("errors", []):
        assert error["detail"].endswith(".") and error["code"], error
        assert error["pointer"] == "" or error["pointer"].startswith("/"), error
        if isinstance(sent, (dict, list)):
            resolve_pointer(sent, error["pointer"])


def check_headers(operation, answer):
    """Request-Id on every answer; RateLimit on every one that a key asked for; what the contract names for a success."""
    assert re.fullmatch(r"[\x21-\x7e]{1,128}", answer.headers.get("Request-Id") or ""), answer.headers.items()
    if operation.who != "anyone" and answer.status not in (401,):
        assert re.fullmatch(r'"\w+";r=\d+;t=\d+', answer.headers.get("RateLimit") or ""), (operation, answer)
        assert re.fullmatch(r'"\w+";q=\d+;w=\d+(, "\w+";q=\d+;.*)?', answer.headers.get("RateLimit-Policy") or ""), answer
    if answer.status in (429, 503):
        assert answer.headers.get("Retry-After", "").isdigit(), answer
    wanted = spoken(operation).get(str(answer.status), {}).get("headers", {})
    if isinstance(answer.body, dict) and set(answer.body) == {"data"}:
        wanted = set(wanted) - {"Location", "ETag"}         # several were made, or a list: it has no one place
    for name in set(wanted) - {"Idempotent-Replayed"} if answer.status < 300 else ():
        assert answer.headers.get(name), f"{operation}: the contract promises {name}"


def check(method, path, answer, sent=None):
    operation = operation_of(method, path)
    if answer.status >= 400:
        check_problem(answer, sent)
    if operation is None:
        return
    check_headers(operation, answer)
    responses = spoken(operation)
    if answer.status in OF_HTTP | {405}:
        return
    assert str(answer.status) in responses, f"{operation} answered {answer.status}, which its contract does not know: {answer!r}"
    if answer.status >= 300:
        return
    good.add(operation.id)
    content = CONTRACT.resolve(responses[str(answer.status)]).get("content")
    if not content:
        assert answer.octets == b"", f"{operation}: nothing was promised, and something said: {answer!r}"
        return
    (kind, of), = content.items()
    assert answer.headers["Content-Type"].split(";")[0] == kind, (operation, answer.headers["Content-Type"])
    if kind == "application/json":
        faults = Schema(CONTRACT, of["schema"]).faults(answer.body)
        assert not faults, f"{operation}: {faults}"


class Witness(Api):
    """An Api whose every answer is checked."""

    def call(self, method, path, body=None, expect=None, **headers):
        answer = super().call(method, path, body, expect, **headers)
        check(method, path, answer, body)
        return answer
