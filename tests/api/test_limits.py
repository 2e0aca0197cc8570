"""How much, how often, by whom: sizes, depth, rates, keys and scopes, preconditions, request ids."""
import base64
import hashlib
import json
import re
import time

import pytest

from api import conftest, witness
from harness.evenpost import Evenpost

CONTRACT = witness.CONTRACT
MIB = 1 << 20
GOOD = {"to": {"address": "bo@people.test"}, "subject": "s", "text": "t"}


@pytest.fixture(scope="module")
def acme(evenpost):
    acme = evenpost.customer("Limits")
    acme.ip(), acme.mailboxes(3)
    return acme


def attachment(octets):
    return {"filename": "a.bin", "content_type": "application/octet-stream", "content_base64": base64.b64encode(bytes(octets)).decode()}


# ---- sizes ----

def test_a_message_of_ten_mebibytes_is_taken_and_one_octet_more_is_not(acme):
    """Catches a limit of the encoded request: the ten MiB are of the decoded parts together."""
    acme.api.post("/v1/messages", {**GOOD, "attachments": [attachment(10 * MIB - 4096)]}, expect=202)
    for parts in ([attachment(10 * MIB + 1)], [attachment(3600 * 1024) for _ in range(3)]):
        answer = acme.api.call("POST", "/v1/messages", {**GOOD, "attachments": parts})
        assert answer.status in (413, 422) and answer.problem in ("too-large", "validation"), answer


def test_whatever_was_taken_can_be_composed(acme):
    """Catches a 202 for a letter that is too long, or too wide, once it is encoded: it would wait for ever (P1)."""
    wide = "\u00fc" * 200
    box = acme.mailbox(display_name=wide)
    half = 5 * MIB - 100
    for parts in ({"text": "\u00fc" * (half // 2)}, {"text": "=" * half}, {"text": "a\u00fc=" * (half // 4)}, {"text": "\n" * half},
                  {"text": ".\n" * (half // 2)}, {"html": "<p>" * (half // 3)}, {"text": "=" * half, "html": "\u00fc" * (half // 2)},
                  {"text": "t", "attachments": [{**attachment(1 << 20), "filename": wide}]}):
        body = {**GOOD, "to": {"address": "bo@people.test", "name": "\u4e16" * 200}, "mailbox_id": box["id"], **parts}
        sent = acme.api.post("/v1/messages", json.dumps(body, ensure_ascii=False).encode(), expect=202)
        source = acme.api.get(f"/v1/messages/{sent['id']}/source").octets
        assert max(map(len, source.split(b"\r\n"))) <= 998 and source.isascii()


@pytest.mark.parametrize("field, longest, make", [
    ("/subject", 998, lambda n: {"subject": "s" * n}), ("/tag", 64, lambda n: {"tag": "t" * n}),
    ("/to/name", 200, lambda n: {"to": {"address": "bo@people.test", "name": "n" * n}}),
    ("/headers/X-Own", 900, lambda n: {"headers": {"X-Own": "v" * n}}),
    ("/metadata/a", 500, lambda n: {"metadata": {"a": "v" * n}}),
    ("/attachments/0/filename", 200, lambda n: {"attachments": [{**attachment(1), "filename": "f" * n}]}),
])
def test_each_text_has_its_bound_and_the_answer_names_it(acme, field, longest, make):
    """Catches a limit that a client must find by trying."""
    acme.api.post("/v1/messages", {**GOOD, **make(longest)}, expect=202)
    answer = acme.api.post("/v1/messages", {**GOOD, **make(longest + 1)}, expect=422)
    (error,) = answer["errors"]
    assert error["pointer"] == field and error["limit"] == longest and str(longest) in error["detail"], answer
    wide = make(longest)
    assert acme.api.call("POST", "/v1/messages", json.loads(json.dumps({**GOOD, **wide}).replace("n" * longest, "\u00fc" * longest))).status in (202, 422)


@pytest.mark.parametrize("field, most, make", [
    ("/attachments", 10, lambda n: {"attachments": [attachment(1)] * n}),
    ("/headers", 20, lambda n: {"headers": {f"X-{i}": "v" for i in range(n)}}),
    ("/metadata", 50, lambda n: {"metadata": {f"k{i}": "v" for i in range(n)}}),
])
def test_each_list_has_its_bound_too(acme, field, most, make):
    acme.api.post("/v1/messages", {**GOOD, **make(most)}, expect=202)
    answer = acme.api.post("/v1/messages", {**GOOD, **make(most + 1)}, expect=422)
    assert answer["errors"][0]["pointer"] == field and answer["errors"][0]["limit"] == most, answer


def test_five_hundred_mailboxes_are_made_at_once_or_none_of_them(evenpost):
    """Catches half a customer: the last of five hundred is at fault, and nothing was made."""
    acme = evenpost.customer("Many")
    rows = [{"address": f"b{n}@many.test"} for n in range(500)]
    for fault, pointer, status in (({"address": "b0@many.test"}, "/mailboxes/499/address", 422),
                                   ({"address": "none"}, "/mailboxes/499/address", 422),
                                   ({"address": "z@many.test", "time_zone": "Mars/Base"}, "/mailboxes/499/time_zone", 422),
                                   ({"address": "z@many.test", "daily_cap": 3}, "/mailboxes/499/daily_cap", 422),
                                   ({"address": "z@many.test", "pool_id": "pool_01h455vb4pex5vsknk084sn02q"}, "/mailboxes/499/pool_id", 422)):
        answer = acme.api.call("POST", "/v1/mailboxes", {"mailboxes": rows[:499] + [fault]})
        assert answer.status == status and answer["errors"][0]["pointer"] == pointer, answer
    assert acme.api.get("/v1/mailboxes")["data"] == []
    over = acme.api.post("/v1/mailboxes", {"mailboxes": rows + [{"address": "one@many.test"}]}, expect=422)
    assert over["errors"][0]["pointer"] == "/mailboxes" and over["errors"][0]["limit"] == 500
    assert acme.api.post("/v1/mailboxes", {"mailboxes": []}, expect=422)["errors"][0]["pointer"] == "/mailboxes"
    made = acme.api.post("/v1/mailboxes", {"mailboxes": rows}, expect=201)["data"]
    assert [row["address"] for row in made] == [row["address"] for row in rows]
    several = acme.api.post("/v1/mailboxes", {"mailboxes": [{"address": "bad"}, {"address": "worse"}, {"daily_cap": 9}]}, expect=422)
    assert len(several["errors"]) >= 4, "every fault is told at once"


@pytest.mark.parametrize("body", [
    '{"to": {"address": "a@people.test"}, "to": {"address": "b@people.test"}, "subject": "s", "text": "t"}',
    '{"to": {"address": "a@people.test", "address": "b@people.test"}, "subject": "s", "text": "t"}',
    '{"to": {"address": "a@people.test"}, "subject": "s", "text": "t", "metadata": {"k": "1", "\\u006b": "2"}}'],
    ids=["of the body", "of a field", "spelled in two ways"])
def test_t102_a_name_that_stands_twice_is_refused_at_each_level(acme, body):
    """Catches a reader that checks the first of two values and uses the other."""
    assert acme.api.call("POST", "/v1/messages", body.encode()).problem == "malformed"
    assert {row["to"]["address"] for row in acme.api.every("/v1/messages")}.isdisjoint({"a@people.test", "b@people.test"})


@pytest.mark.parametrize("depth", [33, 100, 5000, 100000])
def test_what_is_too_deep_is_malformed(acme, depth):
    """Catches a stack that a stranger's brackets fill (T103)."""
    for opens, closes in (("[", "]"), ('{"a":', "}")):
        body = (opens * depth + ("1" if opens != "[" else "") + closes * depth).encode()
        assert acme.api.call("POST", "/v1/pools", body).problem == "malformed"


def test_a_request_of_many_faults_is_answered_with_some_and_soon(acme):
    """Catches an answer that is larger than the request, and a search that takes its square."""
    body = {"name": "n", **{f"unknown{n}": n for n in range(20000)}}
    since = time.monotonic()
    answer = acme.api.post("/v1/pools", body, expect=422)
    assert 1 <= len(answer["errors"]) <= 100 and time.monotonic() - since < 2
    answer = acme.api.post("/v1/pools", {"name": "n", "u" * 900000: 1}, expect=422)
    assert len(answer.octets) < 10000


# ---- rates ----

@pytest.fixture(scope="module")
def strict(session):
    """A platform with small rates: 60 a minute, five at once."""
    evenpost = conftest.witnessed(Evenpost(session, environment={"EVENPOST_REQUESTS_PER_MINUTE": "60", "EVENPOST_REQUESTS_AT_ONCE": "5"}))
    evenpost.database.start()
    evenpost._operator_key()
    evenpost.server.start()
    evenpost.ready()
    yield evenpost
    evenpost.stop()


def rate_of(answer):
    left, full = re.fullmatch(r'"\w+";r=(\d+);t=(\d+)', answer.headers["RateLimit"]).groups()
    return int(left), int(full)


def test_a_key_that_asks_too_often_is_told_when_to_come_again(strict):
    """Catches a limit that its own fields do not tell: whoever obeys them never sees a 429."""
    me = lambda: strict.api.call("GET", "/v1/me")
    answers = [me()]
    while answers[-1].status == 200 and len(answers) < 50:
        answers.append(me())
    refused, before = answers[-1], answers[-2]
    assert refused.status == 429 and refused.problem == "rate-limited" and len(answers) <= 8, answers
    assert rate_of(before)[0] == 0 and rate_of(refused)[0] == 0
    lefts = [rate_of(answer)[0] for answer in answers]
    assert lefts == sorted(lefts, reverse=True)
    assert [q for q in re.findall(r";q=(\d+);w=60", refused.headers["RateLimit-Policy"])] == ["60"]
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 3
    time.sleep(wait)
    assert me().status == 200
    other = hashlib.sha256(b"x").hexdigest()
    assert strict.api.with_key("ep_op_" + other).call("GET", "/v1/me").status == 401, "nobody's rate is nobody else's"
    limits = None
    while limits is None:
        answer = me()
        limits = answer.body.get("limits") if answer.status == 200 else time.sleep(1)
    assert limits["requests_per_minute"] == 60 and limits["requests_at_once"] == 5


def test_a_429_changes_nothing_and_is_not_kept(strict):
    """Catches a refused request that holds its Idempotency-Key for two days."""
    while strict.api.call("GET", "/v1/me").status == 200:
        pass
    told = strict.api.call("POST", "/v1/customers", {"name": "Late", "mode": "sandbox"}, Idempotency_Key="late")
    assert told.status == 429
    time.sleep(int(told.headers["Retry-After"]) + 1)
    made = strict.api.post("/v1/customers", {"name": "Late", "mode": "sandbox"}, expect=201, Idempotency_Key="late")
    assert "Idempotent-Replayed" not in made.headers


# ---- keys ----

def test_a_revoked_key_is_nobody_at_once_and_a_customers_keys_are_its_own(evenpost, acme):
    made = acme.api.post("/v1/keys", {"name": "short"}, expect=201)
    mine = acme.api.with_key(made["key"])
    assert mine.get("/v1/me")["kind"] == "customer" and made["key"].startswith("ep_cus_" + acme.id.removeprefix("cus_") + "_")
    assert made["customer_id"] == acme.id and made["key"].startswith(made["prefix"]) and len(made["key"]) > len(made["prefix"]) + 20
    acme.api.delete(f"/v1/keys/{made['id']}")
    for method, path in (("GET", "/v1/me"), ("GET", "/v1/messages"), ("POST", "/v1/pools")):
        answer = mine.call(method, path, {"name": "x"} if method == "POST" else None)
        assert answer.status == 401 and answer.problem == "unauthorized" and answer.headers["WWW-Authenticate"].startswith("Bearer")
    acme.api.delete(f"/v1/keys/{made['id']}", expect=404)
    operators = evenpost.api.post("/v1/keys", {"name": "op", "scopes": ["keys:read"]}, expect=201)
    assert operators["customer_id"] is None and operators["key"].startswith("ep_op_")
    assert acme.api.get(f"/v1/keys/{operators['id']}", expect=404).problem == "not-found"
    rows = evenpost.database.query("select * from api_keys") + evenpost.database.query("select * from operator_keys")
    assert all(made["key"] not in str(row) and operators["key"] not in str(row) for row in rows)


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic {key}", "{key}", "Bearer  x", "Bearer {key}x", "Bearer {short}",
                                   "Token {key}", "Bearer {upper}", "Bearer {key}, Bearer {key}", "Bearer {key} {key}"])
def test_only_a_whole_bearer_key_is_a_key(acme, value):
    """Catches a comparison that stops early, ignores case, or takes the first of two."""
    key = acme.api.key
    words = value.replace("{key}", key).replace("{short}", key[:-1]).replace("{upper}", key.upper())
    answer = acme.api.call("GET", "/v1/me", Authorization=words)
    assert answer.status == 401, (value, answer)
    assert acme.api.call("GET", "/v1/me", Authorization=f"bearer {key}").status in (200, 401)


def test_a_key_is_taken_from_the_header_and_from_nowhere_else(acme):
    """Catches a key in a URL, which every log keeps."""
    nobody = acme.api.with_key(None)
    for path in (f"/v1/me?access_token={acme.api.key}", f"/v1/me?key={acme.api.key}", f"/v1/me?api_key={acme.api.key}"):
        assert nobody.call("GET", path).status == 401
    assert nobody.call("GET", "/v1/me", Cookie=f"key={acme.api.key}", X_Api_Key=acme.api.key).status == 401


def test_t121_a_key_is_written_nowhere(platform):
    """Catches a key in a log line, a refusal, a row, an argument of a program: used well, used wrongly, put where it may not be."""
    evenpost = platform()
    acme = evenpost.customer()
    keys = [evenpost.api.key, acme.api.key, acme.api.post("/v1/keys", {"name": "k", "scopes": ["messages:read"]}, expect=201)["key"]]
    for key in keys:
        api, nobody = evenpost.api.with_key(key), evenpost.api.with_key(None)
        told = [api.call("GET", "/v1/me"), api.call("DELETE", "/v1/nowhere"), api.call("POST", "/v1/messages", b"{"),
                nobody.call("GET", f"/v1/me?key={key}"), nobody.call("GET", "/v1/me", Cookie=key),
                nobody.call("GET", "/v1/me", Authorization=f"Basic {key}"), api.call("GET", "/v1/me", traceparent=key)]
        for answer in told:
            assert key.encode() not in answer.octets, answer
        nobody.call("GET", f"/v1/{key}")        # who asks for such a path hears its own words; nobody else does
    written = b"".join(path.read_bytes() for path in evenpost.database.home.rglob("*") if path.suffix in (".log", "") and path.is_file()
                       and path.parent.name not in ("base", "global", "pg_wal") and path.stat().st_size < 1 << 24)
    tables = evenpost.database.query("select table_name from information_schema.tables where table_schema = 'public'")
    rows = "".join(str(evenpost.database.query(f'select t::text from "{table}" t')) for table, in tables).encode()
    arguments = b"".join(open(f"/proc/{program.pid}/cmdline", "rb").read() for program in (evenpost.server, evenpost.worker, evenpost.jobs))
    assert b"/v1/me" in written or b"ready" in written, "these are the logs"
    assert keys[1][:12].encode() in rows, "these are the rows: they hold a key's prefix"
    for key in keys:
        assert key.encode() not in written + rows + arguments


def test_a_scope_lets_in_to_its_operations_and_no_other(evenpost, acme):
    """Catches a read scope that writes: each scope alone, on every operation."""
    names = CONTRACT.of["components"]["schemas"]["Scope"]["enum"]
    wanted = {}
    for operation in CONTRACT.operations:
        security = CONTRACT.of["paths"][operation.path][operation.method.lower()].get("security", [])
        wanted[operation] = set(security[0]["key"]) if security else None
    assert set(names) == set().union(*(scopes for scopes in wanted.values() if scopes))
    for name in names:
        key = evenpost.api.post("/v1/keys", {"name": name, "scopes": [name]}, expect=201)["key"]
        api = evenpost.api.with_key(key).as_customer(acme.id)
        assert api.get("/v1/me")["scopes"] == [name]
        for operation, scopes in wanted.items():
            if scopes is None or operation.id in ("me_get",) or name in scopes and operation.method != "GET":
                continue
            path = re.sub(r"\{\w+\}", "x", operation.path)
            answer = api.call(operation.method, path, {} if operation.body else None)
            if name in scopes:
                assert answer.status != 403, (name, operation, answer)
            else:
                assert answer.status == 403 and answer.problem == "forbidden-scope", (name, operation, answer)


# ---- preconditions, ids of requests, what is where ----

def singles(acme):
    mailbox = acme.api.get("/v1/mailboxes")["data"][0]["id"]
    pool = acme.api.post("/v1/pools", {"name": f"p{time.monotonic_ns()}"}, expect=201)["id"]
    ip = acme.api.get("/v1/ips")["data"][0]["id"]
    return [(acme.api, f"/v1/mailboxes/{mailbox}", {"display_name": "{}"}), (acme.api, f"/v1/pools/{pool}", {"name": "{}"}),
            (acme.evenpost.api, f"/v1/customers/{acme.id}", {"name": "{}"}), (acme.evenpost.api, f"/v1/ips/{ip}", {"ptr": "h{}.test"})]


def test_a_change_on_an_old_picture_is_refused_and_changes_nothing(acme):
    """Catches the last writer who never saw what the first one wrote."""
    for api, path, body in singles(acme):
        change = lambda word: {name: value.format(word) for name, value in body.items()}
        first = api.get(path)
        tag = first.headers["ETag"]
        assert re.fullmatch(r'"[!-~]+"', tag) and api.get(path).headers["ETag"] == tag
        mine = api.patch(path, change("1"), If_Match=tag)
        assert mine.headers["ETag"] != tag and mine.headers["ETag"] == api.get(path).headers["ETag"]
        for stale in (tag, '"other"', f'W/{mine.headers["ETag"]}', "nonsense"):
            refused = api.patch(path, change("2"), expect=412, If_Match=stale)
            assert refused.problem == "precondition-failed"
        assert api.get(path).headers["ETag"] == mine.headers["ETag"]
        api.patch(path, change("3"), If_Match="*")
        api.patch(path, change("4"), If_Match=f'"other", {api.get(path).headers["ETag"]}')
        api.patch(path, change("5"))


def test_a_patch_changes_what_it_names_and_nothing_else(acme):
    """Catches a merge patch that is a replacement (RFC 7396)."""
    mailbox = acme.mailbox(display_name="Whole", time_zone="Europe/Berlin", daily_cap=1)
    path = f"/v1/mailboxes/{mailbox['id']}"
    before = acme.api.get(path).body
    assert acme.api.patch(path, {}).body == before
    after = acme.api.patch(path, {"daily_cap": 2}).body
    assert {name for name in before if before[name] != after[name]} <= {"daily_cap", "next_free_slot"}
    customer = f"/v1/customers/{acme.id}"
    identity = {"legal_name": "L", "postal_address": "P", "contact": "c@d.test"}
    assert acme.api.patch(customer, {"identity": identity})["identity"] == identity
    assert acme.api.patch(customer, {"identity": None})["identity"] is None, "null removes"
    plain = acme.api.call("PATCH", path, json.dumps({"daily_cap": 1}).encode(), Content_Type="application/json")
    assert plain.status == 200
    assert acme.api.call("PATCH", path, b"[]", Content_Type="application/json-patch+json").status == 415


@pytest.mark.parametrize("given, kept", [("abc-1.2_3:x", True), ("a" * 64, True), ("a" * 300, False), ("a b", False), ('a"b', None),
                                         ("\u00e4", False), ("<script>", None), ("", False)])
def test_a_request_id_is_kept_if_it_is_sane_and_made_if_not(acme, given, kept):
    """Catches a stranger's text in every log line and header (T184)."""
    answer = acme.api.call("GET", "/v1/me", Request_Id=given.encode().decode("latin-1"))
    told = answer.headers["Request-Id"]
    assert re.fullmatch(r"[\w.:/+=@-]{1,128}", told), told
    if kept is not None:
        assert (told == given) == kept


def test_request_ids_are_on_refusals_and_replays_too(acme):
    for call in (lambda: acme.api.call("GET", "/v1/none", Request_Id="mine"), lambda: acme.api.call("POST", "/v1/pools", b"{", Request_Id="mine"),
                 lambda: acme.api.with_key(None).call("GET", "/v1/me", Request_Id="mine"),
                 lambda: acme.api.call("PUT", "/v1/pools", {}, Request_Id="mine")):
        answer = call()
        assert answer.status >= 400 and answer.headers["Request-Id"] == "mine", answer
    acme.api.post("/v1/pools", {"name": "rid"}, Idempotency_Key="rid", Request_Id="first")
    assert acme.api.post("/v1/pools", {"name": "rid"}, Idempotency_Key="rid", Request_Id="second").headers["Request-Id"] == "second"


def test_each_made_thing_says_where_it_is(evenpost, acme):
    """Catches a Location that answers 404, or another thing."""
    for path, body in (("/v1/pools", {"name": "where"}), ("/v1/domains", {"name": "where.test"}), ("/v1/keys", {"name": "where"}),
                       ("/v1/mailboxes", {"address": "w@where.test"}), ("/v1/messages", GOOD)):
        made = acme.api.post(path, body, expect=(201, 202))
        assert made.headers["Location"] == f"{path}/{made['id']}"
        assert acme.api.get(made.headers["Location"])["id"] == made["id"]


def test_json_is_taken_in_utf_8_and_by_its_name_only(acme):
    for kind, status in (("application/json", 201), ("application/json; charset=utf-8", 201), ("application/json;charset=UTF-8", 201),
                         ("APPLICATION/JSON", 201), ("application/json; charset=utf-16", 415), ("text/json", 415),
                         ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415), ("application/xml", 415)):
        body = json.dumps({"name": f"k{time.monotonic_ns()}"}).encode()
        answer = acme.api.call("POST", "/v1/pools", body, Content_Type=kind)
        assert answer.status == status, (kind, answer)
