"""P7. No request shows one customer anything of another.

Driven from api/openapi.yaml: every operation is visited with another tenant's key, for every id of ours, and the answer
must be the one for an id that never was. A canary in everything that the first customer owns must never be told.
"""
import json
import random
import re
import uuid

import psycopg
import pytest

from harness.contract import Contract

CANARY = "canary7d1f"
CONTRACT = Contract()
CUSTOMERS = [operation for operation in CONTRACT.operations if operation.who != "anyone"]
WITH_ID = [operation for operation in CUSTOMERS if operation.kinds]


class World:
    """A customer with one of everything, all of it marked, and a stranger who owns as much."""

    def __init__(self, evenpost):
        self.evenpost = evenpost
        self.acme, self.bolt = (self._furnish(evenpost, name) for name in (CANARY, "Bolt"))
        self.stranger = self.bolt.api

    def _furnish(self, evenpost, name):
        customer = evenpost.customer(name)
        mark = name.lower()
        api, ip = customer.api, customer.ip()
        pool = api.post("/v1/pools", {"name": f"{mark}-pool"}, expect=201)
        domain = api.post("/v1/domains", {"name": f"{mark}.test"}, expect=201)
        mailbox = customer.mailbox(f"ann@{mark}.test", display_name=f"Ann {mark}")
        message = customer.send_one(f"bo@{mark}-people.test", mailbox, subject=f"about {mark}", tag=mark,
                                    metadata={"lead": mark}, text=f"{mark}\n")
        suppression = api.post("/v1/suppressions", {"address": f"no@{mark}-people.test"}, expect=201)
        key = api.post("/v1/keys", {"name": f"{mark} key"}, expect=201)
        event = api.get("/v1/events")["data"][0]
        customer.owned = {"cus-id": customer.id, "ip-id": ip["id"], "pool-id": pool["id"], "dom-id": domain["id"],
                          "mbx-id": mailbox["id"], "msg-id": message["id"], "sup-id": suppression["id"],
                          "key-id": key["id"], "evt-id": event["id"], "route-domain": "routed.test"}
        return customer

    def snapshot(self):
        """Everything of ours as we see it, without what time itself changes."""
        rows = {}
        for path in ("/v1/keys", "/v1/ips", "/v1/pools", "/v1/domains", "/v1/mailboxes", "/v1/messages", "/v1/suppressions",
                     "/v1/events"):
            rows[path] = self.acme.api.every(path)
        rows["me"] = self.acme.api.get(f"/v1/customers/{self.acme.id}").body
        text = json.dumps(rows, sort_keys=True)
        return re.sub(r'"(last_used_at|since|alive|generation)": [^,}]*', "", text)


@pytest.fixture(scope="module")
def world(evenpost):
    return World(evenpost)


def never_was(id):
    """An id of the same kind that nobody has: the last 26 characters are another UUID's."""
    kind, _ = id.rsplit("_", 1)
    number, letters = (uuid.uuid4().int & ~(0xF << 76)) | (7 << 76), "0123456789abcdefghjkmnpqrstvwxyz"
    return kind + "_" + "".join(letters[(number >> (5 * (25 - place))) & 31] for place in range(26))


def path_of(operation, owned, change=lambda id: id):
    path = operation.path
    for name, kind in operation.kinds.items():
        value = owned.get(kind, "127.0.0.1:2525")
        path = path.replace("{%s}" % name, change(value) if "_" in value else value)
    return path


def body_of(operation):
    return CONTRACT.example(operation.body) if operation.body else None


def without_ids(answer):
    """The answer's body with each id, and the request's own id, blotted out."""
    return re.sub(rb"[a-z]+_[0-9a-z]{26}|\"instance\":\s*\"[^\"]*\"", b"-", answer.octets)


@pytest.mark.parametrize("operation", WITH_ID, ids=lambda operation: operation.id)
def test_another_tenant_s_object_is_as_if_it_had_never_existed(world, operation):
    """Catches a 403, a 409 or any word that tells a stranger that the id lives (T111): answers are equal but for the id."""
    before = world.snapshot()
    headers = {"Evenpost_Customer": world.acme.id} if operation.method != "GET" else {}
    for extra in ({}, headers):
        theirs = world.stranger.call(operation.method, path_of(operation, world.acme.owned), body_of(operation), **extra)
        none = world.stranger.call(operation.method, path_of(operation, world.acme.owned, never_was), body_of(operation), **extra)
        assert (theirs.status, without_ids(theirs)) == (none.status, without_ids(none))
        assert theirs.status in ((404, 403) if operation.who == "operator" else (404,)), theirs
        assert CANARY.encode() not in theirs.octets
    assert world.snapshot() == before


@pytest.mark.parametrize("operation", CUSTOMERS, ids=lambda operation: operation.id)
def test_nobody_without_a_key_is_told_anything(world, operation):
    """Catches a handler that works before it asks who is there (T83)."""
    key = world.acme.api.key
    nearly = key[:-1] + ("y" if key[-1] == "x" else "x")
    for key in (None, "ep_op_" + "0" * 32, nearly, "ep_cus_" + world.acme.id.removeprefix("cus_") + "_"):
        answer = world.evenpost.api.with_key(key).call(operation.method, path_of(operation, world.acme.owned), body_of(operation))
        assert (answer.status, answer.problem) == (401, "unauthorized"), answer
        assert CANARY.encode() not in answer.octets


@pytest.mark.parametrize("operation", [o for o in CUSTOMERS if o.method == "GET" and not o.kinds], ids=lambda o: o.id)
def test_lists_filters_and_cursors_show_nothing_of_another(world, operation):
    """Catches a filter that reaches across, and a cursor that carries its tenant along (T111, T115)."""
    def clean(answer):
        assert CANARY.encode() not in answer.octets and world.acme.id.encode() not in answer.octets, answer
        return answer
    told = clean(world.stranger.call("GET", operation.path))
    if operation.who == "operator":
        assert told.status == 403
        return
    assert told.status == 200
    clean(world.stranger.call("GET", operation.path, Evenpost_Customer=world.acme.id))
    for name, schema in operation.query.items():
        ours = world.acme.owned.get(schema.get("format", ""))
        words = [ours] if ours else [CANARY, f"bo@{CANARY}-people.test"] if schema.get("type") == "string" else []
        for word in words:
            answer = clean(world.stranger.call("GET", f"{operation.path}?{name}={word}"))
            assert name == "after" or answer.status in (400, 404, 422) or answer["data"] == [], (name, answer)
    if "cursor" in operation.query:
        page = world.acme.api.get(f"{operation.path}?limit=1")
        if page["next_cursor"]:
            answer = clean(world.stranger.call("GET", f"{operation.path}?limit=1&cursor={page['next_cursor']}"))
            assert operation.id == "events_list" or answer.problem == "bad-cursor", "a cursor belongs to its tenant"
            ours = page["next_cursor"]
            bent = ours[:-1] + ("A" if ours[-1] != "A" else "B")
            assert world.acme.api.call("GET", f"{operation.path}?limit=1&cursor={bent}").problem == "bad-cursor"


def test_a_body_cannot_reach_into_another_tenant(world):
    """Catches ids in bodies that are looked up without their customer (T111)."""
    before, theirs = world.snapshot(), world.acme.owned
    to = {"to": {"address": "x@people.test"}, "subject": "x", "text": "x"}
    requests = [
        ("POST", "/v1/messages", "mailbox_id", "mbx-id", to), ("POST", "/v1/messages", "in_reply_to", "msg-id", to),
        ("POST", "/v1/mailboxes", "pool_id", "pool-id", {"address": "new@bolt.test"}),
        ("PATCH", f"/v1/mailboxes/{world.bolt.owned['mbx-id']}", "pool_id", "pool-id", {}),
    ]
    for method, path, field, kind, body in requests:
        reached = world.stranger.call(method, path, {**body, field: theirs[kind]})
        none = world.stranger.call(method, path, {**body, field: never_was(theirs[kind])})
        assert reached.status in (404, 422), reached
        assert (reached.status, without_ids(reached)) == (none.status, without_ids(none))
    assert world.snapshot() == before


def test_an_idempotency_key_belongs_to_its_tenant(world):
    """Catches a stored answer that is given to whoever sends the same key (T116)."""
    body = {"to": {"address": "same@people.test"}, "subject": f"of {CANARY}", "text": "x"}
    ours = world.acme.api.post("/v1/messages", body, Idempotency_Key="one-key", expect=202)
    theirs = world.stranger.post("/v1/messages", body, Idempotency_Key="one-key", expect=202)
    assert theirs["id"] != ours["id"] and theirs["customer_id"] == world.bolt.id
    assert theirs.headers["Idempotent-Replayed"] is None
    other = world.stranger.call("POST", "/v1/messages", {**body, "subject": "y"}, Idempotency_Key="one-key")
    assert other.problem == "idempotency-key-reused" and CANARY.encode() not in other.octets


def test_suppressions_and_addresses_of_one_customer_do_not_touch_another(world):
    """Catches rules that meet across customers: a refusal would tell what a neighbour does (T65, T72)."""
    world.stranger.post("/v1/messages", {"to": {"address": f"no@{CANARY}-people.test"}, "subject": "x", "text": "x"}, expect=202)
    twin = world.bolt.mailbox(f"ann@{CANARY}.test")
    assert twin["id"] != world.acme.owned["mbx-id"]


def test_an_operator_must_name_the_customer_it_writes_for(world):
    """Catches a write for nobody, or for whoever came before on that connection (T113)."""
    body = {"to": {"address": "x@people.test"}, "subject": "x", "text": "x"}
    assert world.evenpost.api.call("POST", "/v1/messages", body).problem == "customer-required"
    wrong = world.bolt.operator.call("POST", f"/v1/messages/{world.acme.owned['msg-id']}/cancel")
    assert wrong.status == 404, wrong


def test_the_database_shows_a_program_without_a_customer_nothing(world):
    """Catches a role that bypasses row-level security, and a table without a policy (T112)."""
    tables = [name for name, in world.evenpost.database.query(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' "
        "where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition "
        "and c.relname not in ('customers', 'ips', 'ip_assignments')")]
    assert len(tables) > 10
    for role in ("evenpost_server", "evenpost_worker"):
        with psycopg.connect(world.evenpost.database.url(role), autocommit=True) as connection:
            for table in tables:
                try:
                    seen = connection.execute(f'select count(*) from "{table}"').fetchone()[0]
                except psycopg.errors.InsufficientPrivilege:
                    continue
                assert seen == 0, f"{role} sees {seen} rows of {table} with no customer set"


def test_one_connection_serves_two_tenants_in_turn_without_mixing(world):
    """Catches a tenant left behind on a pooled connection, also after errors (T113): calls of both in any order."""
    turns = random.Random(113)

    def lists(customer, other):
        assert {row["customer_id"] for row in customer.api.get("/v1/messages")["data"]} == {customer.id}

    def asks_for_the_other_s(customer, other):
        customer.api.get(f"/v1/messages/{other.owned['msg-id']}", expect=404)

    def is_refused(customer, other):
        body = {"mailbox_id": other.owned["mbx-id"], "to": {"address": "x@people.test"}, "subject": "x", "text": "x"}
        assert customer.api.call("POST", "/v1/messages", body).status in (404, 422)     # undone behind its first statements
    for _ in range(360):
        customer, other = turns.choice([(world.acme, world.bolt), (world.bolt, world.acme)])
        turns.choice([lists, asks_for_the_other_s, is_refused])(customer, other)
