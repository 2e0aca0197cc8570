"""Who may ask for what: every operation × every id × every caller who may not, answered alike whether the id exists or not.

An id that is somebody else's, one that is gone and one that never was must not be told apart: not by the status, not by
the words, not by a header (P7). Behind it all, nothing of the one who was asked about has changed.
"""
import json

import pytest

from api.witness import CONTRACT, Witness

NEVER = "01h455vb4pex5vsknk084sn02q"
PREFIX = {"cus-id": "cus", "key-id": "key", "ip-id": "ip", "pool-id": "pool", "dom-id": "dom", "mbx-id": "mbx", "msg-id": "msg",
          "sup-id": "sup"}
WITH_KEY = [operation for operation in CONTRACT.operations if operation.who != "anyone"]
SCOPE = {o.id: CONTRACT.of["paths"][o.path][o.method.lower()]["security"][0]["key"] for o in WITH_KEY}
OF_NO_ANSWER = {"request-id", "date", "ratelimit", "content-length"}        # they differ by time, or with the id's length


class World:
    """One customer with one of everything, what it had and has no more, and the callers who may not see it."""

    def __init__(self, evenpost):
        self.acme, self.other = evenpost.customer("Matrix"), evenpost.customer("Stranger")
        api, self.operator = self.acme.api, evenpost.api
        ip = self.acme.ip()
        mailbox = self.acme.mailbox()
        message = self.acme.send_one("bo@matrix.test", mailbox, scheduled_at="2026-12-20T00:00:00Z")
        made = {"pool": api.post("/v1/pools", {"name": "matrix"}), "dom": api.post("/v1/domains", {"name": "matrix.test"}),
                "sup": api.post("/v1/suppressions", {"address": "no@matrix.test"}), "key": api.post("/v1/keys", {"name": "matrix"})}
        self.ids = {"cus": [self.acme.id], "ip": [ip["id"]], "mbx": [mailbox["id"]], "msg": [message["id"]],
                    **{kind: [answer["id"]] for kind, answer in made.items()}}
        for kind, path, body in (("pool", "/v1/pools", {"name": "gone"}), ("dom", "/v1/domains", {"name": "gone.test"}),
                                 ("sup", "/v1/suppressions", {"address": "gone@matrix.test"}), ("key", "/v1/keys", {"name": "gone"})):
            gone = api.post(path, body)["id"]
            api.delete(f"{path}/{gone}")
            self.ids[kind].append(gone)
        self.dead = self._dead_keys()

    def _dead_keys(self):
        """A revoked and an expired key of the customer itself."""
        revoked = self.acme.api.post("/v1/keys", {"name": "revoked"})
        self.acme.api.delete(f"/v1/keys/{revoked['id']}")
        expired = self.acme.api.post("/v1/keys", {"name": "expired", "expires_at": "2020-01-01T00:00:00Z"})
        return [revoked["key"], expired["key"]]

    def narrow(self, operation):
        """A key of the customer itself that lacks the operation's scope, and an operator's."""
        scopes = ["pools:read"] if "pools:read" not in SCOPE[operation.id] else ["events:read"]
        made = [api.post("/v1/keys", {"name": "narrow", "scopes": scopes})["key"] for api in (self.acme.api, self.operator)]
        return [self.operator.with_key(made[0]), self.operator.with_key(made[1]).as_customer(self.acme.id)]

    def snapshot(self):
        """All that an operator sees of the customer, but for what changes by itself."""
        lists = {path: self.acme.operator.every(path) for path in (
            "/v1/keys", "/v1/ips", "/v1/pools", "/v1/domains", "/v1/mailboxes", "/v1/messages", "/v1/suppressions", "/v1/events")}
        for row in lists["/v1/ips"] + lists["/v1/mailboxes"]:
            for name in ("worker", "sent_today", "next_free_slot"):
                row.pop(name, None)
        lists["/v1/keys"] = [row for row in lists["/v1/keys"] if row["name"] != "narrow"]
        for row in lists["/v1/messages"]:
            row.pop("explanation")
        return {**lists, "customer": self.acme.operator.get(f"/v1/customers/{self.acme.id}").body}


@pytest.fixture(scope="module")
def world(evenpost):
    world = World(evenpost)
    before = world.snapshot()
    yield world
    assert world.snapshot() == before, "somebody who may not has changed something"


def body_of(operation):
    if operation.body is None:
        return None
    return {"customer_id": f"cus_{NEVER}"} if operation.id == "ips_assign" else CONTRACT.example(operation.body)


def paths_of(operation, world, kind=None):
    """The path with each id of that kind (its own, if none is said) that the world has or had, and one that never was."""
    kind = kind or PREFIX.get(operation.kinds.get("id"))
    if kind is None:
        return [operation.path.replace("{domain}", "nobody.test")]
    return [operation.path.replace("{id}", id).replace("{receiver}", "127.0.0.1%3A2525")
            for id in [*world.ids[kind], f"{kind}_{NEVER}"]]


def plain(answer, path):
    """The answer without what may differ: it must be the same for every id."""
    fields = sorted((name.lower(), value) for name, value in answer.headers.items() if name.lower() not in OF_NO_ANSWER)
    body = {name: value for name, value in (answer.body or {}).items() if name != "instance"}
    assert answer.body is None or answer.body["instance"] == path
    return answer.status, fields, json.dumps(body, sort_keys=True)


def alike(operation, world, caller, status, slug, kind=None):
    """Every id of that operation is answered with that status, and in the same words."""
    told = set()
    for path in paths_of(operation, world, kind):
        answer = caller.call(operation.method, path, body_of(operation))
        assert (answer.status, answer.problem) == (status, slug), (operation, path, answer)
        told.add(str(plain(answer, path)))
    assert len(told) == 1, told


EVERY = pytest.mark.parametrize("operation", WITH_KEY, ids=repr)


@EVERY
def test_without_a_key_that_lives_nothing_is_told(evenpost, world, operation):
    """Catches a look-up before the key is known; and a key that was revoked, of the customer that is asked about."""
    for key in [None, "ep_op_" + "x" * 32, f"ep_cus_{NEVER}_" + "x" * 32, *world.dead]:
        alike(operation, world, evenpost.api.with_key(key), 401, "unauthorized")


@EVERY
def test_without_the_scope_nothing_is_told(world, operation):
    """Catches a 404 before the 403, by which a narrow key would learn what there is; and a read scope that writes (T114)."""
    if SCOPE[operation.id]:
        for caller in world.narrow(operation):
            alike(operation, world, caller, 403, "forbidden-scope")


@pytest.mark.parametrize("operation", [o for o in WITH_KEY if o.who == "operator"], ids=repr)
def test_the_operators_is_not_a_customers(world, operation):
    for caller in (world.acme.api, world.other.api):
        alike(operation, world, caller, 403, "forbidden-scope")


@pytest.mark.parametrize("operation", [o for o in WITH_KEY if o.who != "operator" and o.kinds], ids=repr)
def test_another_customers_is_not_there(evenpost, world, operation):
    """Catches a row that is found by its id alone: by a stranger, by one who names the customer, by an operator who names
    another."""
    other = world.other.api
    naming = Witness(other.host, other.port, other.key, world.acme.id)
    for caller in (other, naming, *([world.other.operator] if operation.who == "customer" else [])):
        for kind in [None, *world.ids] if operation.kinds.get("id") in PREFIX else [None]:
            alike(operation, world, caller, 404, "not-found", kind)


REFERENCES = [("POST", "/v1/messages", "mailbox_id", "mbx", {"to": {"address": "b@c.test"}, "subject": "s", "text": "t"}),
              ("POST", "/v1/messages", "in_reply_to", "msg", {"to": {"address": "b@c.test"}, "subject": "s", "text": "t"}),
              ("POST", "/v1/mailboxes", "pool_id", "pool", {"address": "x@y.test"})]


@pytest.mark.parametrize("method, path, field, kind, body", REFERENCES, ids=[f"{row[1]} {row[2]}" for row in REFERENCES])
def test_a_reference_to_anothers_is_one_to_nothing(world, method, path, field, kind, body):
    """Catches a door in the body: another customer's mailbox, thread or pool, named in a field."""
    told = {str(plain(world.other.api.call(method, path, {**body, field: id}, expect=422), path))
            for id in [*world.ids[kind], f"{kind}_{NEVER}"]}
    assert len(told) == 1, told


@pytest.mark.parametrize("path, field, kind", [("/v1/messages", "mailbox_id", "mbx"), ("/v1/events", "message_id", "msg"),
                                               ("/v1/mailboxes", "pool_id", "pool")])
def test_a_filter_by_anothers_finds_nothing(world, path, field, kind):
    for id in [*world.ids[kind], f"{kind}_{NEVER}"]:
        assert world.other.api.get(f"{path}?{field}={id}").body == {"data": [], "next_cursor": None}


def test_an_operator_assigns_to_nobody_who_is_not_there(world, evenpost):
    free = evenpost.api.post("/v1/ips", {"address": evenpost.session.lot.address(), "host": "elsewhere"}, expect=201)["id"]
    for body in ({"customer_id": f"cus_{NEVER}"}, {"customer_id": world.other.id, "pool_id": world.ids["pool"][0]},
                 {"customer_id": world.other.id, "pool_id": f"pool_{NEVER}"}):
        assert evenpost.api.post(f"/v1/ips/{free}/assign", body, expect=422).problem == "validation"


def test_the_matrix_knows_every_kind_of_id():
    """Catches a resource that came later, and that nobody asks about in another's name."""
    assert {kind for operation in WITH_KEY for name, kind in operation.kinds.items() if name == "id"} <= set(PREFIX)
