"""The audit: each change of each operation has exactly one entry, in the change's own transaction, and no secret is in any."""
import json
import re
import socket

import psycopg
import pytest

from api import test_contract as walk
from api.witness import CONTRACT
from harness.api import Api
from harness.evenpost import Evenpost

WRITING = [operation for operation in CONTRACT.operations if operation.who != "anyone" and operation.method != "GET"]
ACTIVITY = {"POST": (1, 3), "PUT": (3,), "PATCH": (3,), "DELETE": (4,)}


def entries(api, path="/v1/audit"):
    return api.every(path)


def about(rows, operation):
    return [row for row in rows if row["api"]["operation"] == operation]


@pytest.fixture(scope="module")
def walked(evenpost):
    """A customer who does everything once, and how often each operation answered 2xx to a change."""
    done, call = {}, Api.call

    def counted(self, method, path, body=None, expect=None, **headers):
        answer = call(self, method, path, body, expect, **headers)
        if method != "GET" and answer.status < 300:
            operation = walk.witness.operation_of(method, path)
            done.setdefault(operation.id, []).append((answer, body))
        return answer
    Api.call = counted
    try:
        walk.walked.__wrapped__(evenpost)
    finally:
        Api.call = call
    return done


@pytest.mark.parametrize("operation", WRITING, ids=lambda operation: operation.id)
def test_each_change_has_one_entry(evenpost, walked, operation):
    """Catches a handler that writes beside the audit, and one that writes it twice."""
    answers = [answer for answer, _ in walked[operation.id]]
    ids = {answer.headers["Request-Id"] for answer in answers}
    rows = [row for row in about(entries(evenpost.api), operation.id) if row["metadata"]["request_id"] in ids]
    assert len(rows) == len(answers)
    for row in rows:
        assert row["activity_id"] in ACTIVITY[operation.method] and row["type_uid"] == 600300 + row["activity_id"]
        assert row["src_endpoint"]["ip"].startswith("127.") and row["resources"], row
        assert row["metadata"]["version"] == CONTRACT.of["info"]["version"]


def test_what_was_made_is_named(walked, evenpost):
    """Catches an entry that says that something was made, and not what."""
    rows = {row["metadata"]["request_id"]: row for row in entries(evenpost.api)}
    for operation, done in walked.items():
        for answer, _ in done:
            row, body = rows[answer.headers["Request-Id"]], answer.body or {}
            named = {resource["id"] for resource in row["resources"]}
            made = {body["id"]} if "id" in body else {one["id"] for one in body.get("data", [])}
            assert made <= named, (operation, row)


def test_no_secret_is_in_any_entry(evenpost, walked):
    """Catches a key's text, a message's words or a recipient in the table that everybody may read."""
    secrets = {answer["key"] for answer, _ in walked["keys_create"]} | {evenpost.key}
    secrets |= {body["to"]["address"] for _, body in walked["messages_create"]}
    words = json.dumps(entries(evenpost.api)) + str(evenpost.database.query("select audits::text from audits"))
    assert not [secret for secret in secrets if secret in words]
    assert not [secret for secret in secrets if re.sub("^ep_(op|cus_[a-z0-9]+)_", "", secret) in words]


def test_an_operators_hand_is_seen_by_the_customer(evenpost):
    """Catches a platform that acts for its customer unseen."""
    acme, other = evenpost.customer("Seen"), evenpost.customer("Unseen")
    ip = acme.ip()
    made = acme.operator.post("/v1/pools", {"name": "by-operator"}, expect=201)
    mine = acme.api.post("/v1/pools", {"name": "by-me"}, expect=201)
    evenpost.api.post(f"/v1/ips/{ip['id']}/release", expect=200)
    rows = entries(acme.api)
    by = {row["resources"][0]["id"]: row["actor"]["kind"] for row in about(rows, "pools_create")}
    assert by == {made["id"]: "operator", mine["id"]: "customer"}
    assert {row["actor"]["kind"] for row in about(rows, "ips_assign") + about(rows, "ips_release")} == {"operator"}
    assert len(about(rows, "ips_release")) == 1 and {row["customer_id"] for row in rows} == {acme.id}
    assert not {row["id"] for row in rows} & {row["id"] for row in entries(other.api)}
    assert [row["id"] for row in entries(acme.operator)] == [row["id"] for row in rows]


def test_what_is_no_customers_is_the_operators_alone(evenpost):
    acme = evenpost.customer("Routes")
    evenpost.route("audit.test", "127.0.0.1")
    row = about(entries(evenpost.api), "routes_put")[0]
    assert row["customer_id"] is None and row["resources"] == [{"type": "route", "id": "audit.test"}]
    assert about(entries(acme.api), "routes_put") == []


def test_the_operators_list_is_one_list(evenpost):
    """Catches a page that loses what stands in the other of its two tables."""
    acme = evenpost.customer("Merge")
    for n in range(6):
        acme.api.post("/v1/pools", {"name": f"p{n}"})
        evenpost.route(f"m{n}.test", "127.0.0.1")
    whole = [row["id"] for row in entries(evenpost.api)]
    assert whole == sorted(whole, reverse=True)
    paged, cursor = [], None
    while len(paged) < len(whole):
        page = evenpost.api.get("/v1/audit?limit=7" + (f"&cursor={cursor}" if cursor else ""))
        paged += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == whole


def test_what_a_patch_changed_is_told(evenpost):
    """Catches before and after the wrong way round, and a change that changed by itself."""
    acme = evenpost.customer("Diff")
    acme.ip()
    mailbox = acme.mailbox()
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"daily_cap": 1, "display_name": mailbox["display_name"]})
    row, = about(entries(acme.api), "mailboxes_patch")
    assert row["changes"] == [{"field": "daily_cap", "before": 2, "after": 1}]
    assert row["activity_id"] == 3 and row["resources"] == [{"type": "mailbox", "id": mailbox["id"]}]


def test_what_changed_nothing_has_no_entry(evenpost):
    """Catches an entry outside the transaction: of a refusal, of a rollback, of a replay."""
    acme = evenpost.customer("Nothing")
    before = len(entries(acme.api))
    acme.api.post("/v1/pools", {"name": "default"}, expect=422)
    acme.api.post("/v1/messages", {"to": {"address": "a@b.test"}, "subject": "s", "text": "t"}, expect=422)
    acme.api.delete("/v1/pools/pool_01h455vb4pex5vsknk084sn02q", expect=404)
    pool = acme.api.get("/v1/pools")["data"][0]["id"]
    acme.api.patch(f"/v1/pools/{pool}", {"name": "x"}, expect=412, If_Match='"stale"')
    assert len(entries(acme.api)) == before
    for _ in range(3):
        acme.api.post("/v1/pools", {"name": "once"}, expect=201, Idempotency_Key="audit-1")
    assert len(entries(acme.api)) == before + 1


@pytest.mark.parametrize("role", ["evenpost_server", "evenpost_operator", "evenpost_worker", "evenpost_jobs", "evenpost_smtpd"])
@pytest.mark.parametrize("table", ["audits", "operator_audits"])
def test_nobody_changes_an_entry(evenpost, role, table):
    """Catches an audit that whoever is audited may rewrite."""
    for statement in (f"update {table} set operation = 'x'", f"delete from {table}", f"truncate {table}"):
        with psycopg.connect(evenpost.database.url(role)) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_users_agent_is_made_sane(evenpost):
    """Catches bytes of a stranger in a table that a person reads."""
    acme = evenpost.customer("Agent")
    acme.api.post("/v1/pools", {"name": "agent"}, User_Agent="x\xff\xfe" + "a" * 400)
    agent = about(entries(acme.api), "pools_create")[0]["http_request"]["user_agent"]
    assert agent.startswith("x\ufffd") and len(agent.encode()) < 300


GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("given, kept", [
    (GOOD, GOOD[3:35]), (f" {GOOD} ", GOOD[3:35]), ("cc" + GOOD[2:] + "-more", GOOD[3:35]), ("cc" + GOOD[2:], GOOD[3:35]),
    ("", None), ("x", None), (GOOD.upper(), None), (GOOD + "-more", None), (GOOD[:-1], None), ("ff" + GOOD[2:], None),
    ("00-" + "0" * 32 + GOOD[35:], None), (GOOD[:36] + "0" * 16 + "-01", None), (GOOD.replace("-", "_"), None),
    ("cc" + GOOD[2:] + "more", None), ("00-" + "g" * 32 + GOOD[35:], None), ("\xff" * 55, None), ("-" * 9000, None),
])
def test_a_trace_is_carried_on_and_a_bad_one_fails_nothing(evenpost, given, kept):
    """Catches a header of the caller's tooling that costs a message; and a trace that ends at our door."""
    acme = evenpost.customer("Trace")
    acme.ip()
    acme.mailbox()
    sent = acme.api.post("/v1/messages", {"to": {"address": "bo@trace.test"}, "subject": "s", "text": "t"}, expect=202,
                         traceparent=given)
    assert sent["trace_id"] == kept and acme.message(sent["id"])["trace_id"] == kept
    assert about(entries(acme.api), "messages_create")[0]["metadata"]["trace_id"] == kept


def test_two_traces_are_none(evenpost):
    acme = evenpost.customer("Two traces")
    head = (f"POST /v1/pools HTTP/1.1\r\nHost: {evenpost.api.host}\r\nAuthorization: Bearer {acme.api.key}\r\n"
            f"traceparent: {GOOD}\r\ntraceparent: {GOOD}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
            '{"name":"x"}')
    with socket.create_connection((evenpost.api.host, evenpost.api.port), 5) as peer:
        peer.sendall(head.encode())
        assert peer.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert about(entries(acme.api), "pools_create")[0]["metadata"]["trace_id"] is None


@pytest.fixture(scope="module")
def behind(session):
    """A platform behind a front at 127.0.0.1, which is where a test asks from."""
    evenpost = Evenpost(session, environment={"EVENPOST_FRONTS": "192.0.2.1,127.0.0.1"}).start(worker=False)
    yield evenpost
    evenpost.stop()


@pytest.mark.parametrize("given, seen", [
    ("203.0.113.9", "203.0.113.9"), ("198.51.100.1, 203.0.113.9", "203.0.113.9"), ("x, 2001:db8::9 ", "2001:db8::9"),
    ("::ffff:203.0.113.9", "203.0.113.9"), ("203.0.113.9, x", "127.0.0.1"), ("", "127.0.0.1"), (",", "127.0.0.1"), ("\xff", "127.0.0.1"),
    ("203.0.113.9:80", "127.0.0.1"), ("a" * 5000, "127.0.0.1"),
])
def test_behind_a_front_of_ours_it_is_told_who_asked_that(behind, evenpost, given, seen):
    """Catches an audit of proxies; and one that believes what a stranger, or a front's client, wrote."""
    for platform, wanted in ((behind, seen), (evenpost, "127.0.0.1")):
        acme = platform.customer("Front")
        acme.api.post("/v1/pools", {"name": "front"}, expect=201, X_Forwarded_For=given)
        assert about(entries(acme.api), "pools_create")[0]["src_endpoint"]["ip"] == wanted
