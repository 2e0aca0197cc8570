"""The manners of the API, on every operation that the contract has."""
import json
import re

import pytest

from harness.contract import Contract

CONTRACT = Contract()
WITH_KEY = [operation for operation in CONTRACT.operations if operation.who != "anyone"]
WITH_BODY = [operation for operation in CONTRACT.operations if operation.body is not None]
PREFIX = {"cus-id": "cus", "key-id": "key", "ip-id": "ip", "pool-id": "pool", "dom-id": "dom", "mbx-id": "mbx",
          "msg-id": "msg", "sup-id": "sup"}


def path_of(operation, suffix="01h455vb4pex5vsknk084sn02q"):
    """The path with ids that were never anybody's."""
    path = operation.path
    for name, kind in operation.kinds.items():
        value = f"{PREFIX[kind]}_{suffix}" if kind in PREFIX else "nobody.test"
        path = path.replace("{" + name + "}", value)
    return path


@pytest.fixture(scope="module")
def acme(evenpost):
    return evenpost.customer("Manners")


def is_problem(answer, status, slug=None):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.body
    assert problem["status"] == status and problem["type"].startswith("https://evenpost.dev/problems/")
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert slug is None or answer.problem == slug, answer
    return problem


@pytest.mark.parametrize("operation", WITH_KEY, ids=repr)
def test_without_a_key_nothing_is_said(evenpost, operation):
    """Catches a route that forgot to ask who is there."""
    for key in (None, "ep_op_" + "x" * 32, "ep_cus_01h455vb4pex5vsknk084sn02q_" + "x" * 32, "nonsense"):
        api = evenpost.api.with_key(key)
        answer = api.call(operation.method, path_of(operation), {} if operation.body else None)
        is_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("operation", [o for o in WITH_KEY if o.who == "operator"], ids=repr)
def test_a_customer_cannot_do_what_is_the_operators(acme, operation):
    answer = acme.api.call(operation.method, path_of(operation), {} if operation.body else None)
    is_problem(answer, 403, "forbidden-scope")


@pytest.mark.parametrize("operation", WITH_KEY, ids=repr)
def test_a_key_without_the_scope_is_refused(evenpost, acme, operation):
    """Catches a route that forgot its scope."""
    if operation.id == "me_get":
        return
    wanted = "suppressions:read" if operation.id != "suppressions_list" else "pools:read"
    made = evenpost.api.post("/v1/keys", {"name": "narrow", "scopes": [wanted]})
    api = evenpost.api.with_key(made["key"]).as_customer(acme.id)
    is_problem(api.call(operation.method, path_of(operation), {} if operation.body else None), 403, "forbidden-scope")


@pytest.mark.parametrize("operation", [o for o in WITH_KEY if o.kinds], ids=repr)
def test_an_id_that_is_nobodys_is_not_found(evenpost, acme, operation):
    if operation.id in ("routes_put",):
        return
    body = CONTRACT.example(operation.body) if operation.body else None
    if operation.id == "ips_assign":
        body = {"customer_id": acme.id}
    api = evenpost.api if operation.who == "operator" else acme.api
    is_problem(api.call(operation.method, path_of(operation), body), 404, "not-found")
    if operation.kinds.get("id") in PREFIX:
        for bad in ("01h455vb4pex5vsknk084sn02", "81h455vb4pex5vsknk084sn02q", "01H455VB4PEX5VSKNK084SN02Q", "x"):
            is_problem(api.call(operation.method, path_of(operation, bad), body), 404, "not-found")


@pytest.mark.parametrize("operation", [o for o in WITH_KEY if o.who == "customer" and o.method != "GET"], ids=repr)
def test_an_operator_must_name_the_customer(evenpost, operation):
    body = CONTRACT.example(operation.body) if operation.body else None
    is_problem(evenpost.api.call(operation.method, path_of(operation), body), 400, "customer-required")


BROKEN = ["", "{", "[]x", '{"a":1,"a":2}', '{"a":"\ud800"}'.encode("utf-8", "surrogatepass"), b'{"a":"\xff"}', b"\xef\xbb\xbf{}",
          "{'a':1}", '{"a":01}', '{"a":1e999}', '{"a":9999999999999999999}', "[" * 100 + "]" * 100, '{"a":"\\u0000"}',
          '{"a":"\\ud800"}', "nul", "//x\n{}"]


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_what_is_no_json_is_malformed(evenpost, acme, operation):
    """Catches a body that is half read (T101 to T104)."""
    api = evenpost.api.as_customer(acme.id)
    for text in BROKEN:
        octets = text if isinstance(text, bytes) else text.encode()
        is_problem(api.call(operation.method, path_of(operation), octets), 400, "malformed")


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_unknown_and_wrong_fields_are_pointed_at(evenpost, acme, operation):
    """Catches mass assignment (T106), and a fault that names no field."""
    api = evenpost.api.as_customer(acme.id)
    example = CONTRACT.example(operation.body)
    for extra in ("customer_id_", "state_", "__proto__", "a/b~c"):
        problem = is_problem(api.call(operation.method, path_of(operation), {**example, extra: 1}), 422, "validation")
        pointer = "/" + extra.replace("~", "~0").replace("/", "~1")
        assert [error["pointer"] for error in problem["errors"]] == [pointer], problem
        assert problem["errors"][0]["code"] == "unknown"
    for name, value in example.items():
        wrong = {"a": 1} if not isinstance(value, dict) else 7
        problem = is_problem(api.call(operation.method, path_of(operation), {**example, name: wrong}), 422)
        assert any(error["pointer"].startswith("/" + name) for error in problem["errors"]), problem
    for whole in ([], "text", 7, None, True):
        body = json.dumps(whole).encode()
        answer = api.call(operation.method, path_of(operation), body)
        assert answer.status in (400, 422), answer


@pytest.mark.parametrize("operation", [o for o in CONTRACT.operations if o.query], ids=repr)
def test_a_query_is_held_to_the_contract(evenpost, acme, operation):
    api = evenpost.api if operation.who == "operator" else acme.api
    path = path_of(operation)
    for query in ("unknown=1", "limit=0" if "limit" in operation.query else "days=0", "limit=x" if "limit" in operation.query
                  else "days=91", "limit=1&limit=2" if "limit" in operation.query else "days=1&days=2"):
        is_problem(api.call("GET", f"{path}?{query}"), 422, "validation")
    is_problem(api.call("GET", f"{path}?%zz"), 400, "malformed")
    if "cursor" in operation.query:
        for cursor in ("x", "A" * 60, "!!"):
            is_problem(api.call("GET", f"{path}?cursor={cursor}"), 400, "bad-cursor")


def test_every_answer_has_its_id_and_says_what_is_left(evenpost, acme):
    answer = acme.api.get("/v1/me", Request_Id="my-own.id:1")
    assert answer.headers["Request-Id"] == "my-own.id:1"
    assert re.fullmatch(r'"default";q=\d+;w=60', answer.headers["RateLimit-Policy"])
    assert re.fullmatch(r'"default";r=\d+;t=\d+', answer.headers["RateLimit"])
    assert answer.headers["Cache-Control"] == "no-store"
    made = acme.api.get("/v1/me", Request_Id="not sane").headers["Request-Id"]
    assert re.fullmatch(r"req_[0-9a-z]{26}", made)


def test_the_contract_that_is_served_is_the_one_that_is_kept(evenpost):
    answer = evenpost.api.with_key(None).get("/openapi.yaml")
    assert b"openapi: 3.1.0" in answer.octets and answer.headers["Content-Type"] == "application/yaml"


def test_every_example_of_the_contract_is_valid(evenpost, acme):
    """Catches an example that a reader would copy in vain: no field of it may be at fault."""
    for operation in WITH_BODY:
        example = CONTRACT.example(operation.body)
        answer = evenpost.api.as_customer(acme.id).call(operation.method, path_of(operation), example)
        slugs = [error["code"] for error in (answer.body or {}).get("errors", [])]
        assert answer.status < 500 and not set(slugs) & {"format", "type", "required"}, (operation, answer)
