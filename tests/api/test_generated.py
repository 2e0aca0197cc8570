"""Requests made from the contract: none is answered 5xx, and every answer is what the contract says of it (api/witness.py)."""
import collections
import os

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from api.conftest import witnessed
from api.generated import requests
from api.witness import CONTRACT, Witness
from harness.evenpost import Evenpost

LONG = os.environ.get("EVENPOST_TEST_LONG") == "1"
SEED = int(os.environ.get("EVENPOST_SEED", "20261124"))
COUNT = 20000 if LONG else 600
# What would end the one who asks, or take its address: aimed only at what was made for it.
ENDS = {"customers_close", "customers_suspend", "customers_patch", "ips_release", "ips_patch", "ips_pause", "ips_assign", "keys_delete"}


class World:
    """Callers, and the ids that they may know. What is deleted is there twenty times, so that it lasts."""

    def __init__(self, evenpost):
        self.evenpost, self.seen = evenpost, collections.Counter()
        acme, other = evenpost.customer("Generated"), evenpost.customer("Other")
        self.ids = {kind: [] for kind in ("cus", "key", "ip", "pool", "dom", "mbx", "msg", "sup", "evt")}
        self.mortal = {"cus": [evenpost.customer("Mortal").id for _ in range(10)], "ip": [self._ip() for _ in range(10)],
                       "key": [acme.api.post("/v1/keys", {"name": "mortal"})["id"] for _ in range(20)]}
        for customer in (acme, other):
            self._fill(customer)
        narrow = acme.api.post("/v1/keys", {"name": "narrow", "scopes": ["messages:read"]})["key"]
        operator = evenpost.api
        self.callers = [acme.api] * 4 + [acme.operator] * 3 + [operator] * 3 + [
            other.api, operator.with_key(narrow), operator.with_key(None), operator.with_key("ep_op_" + "x" * 32),
            Witness(operator.host, operator.port, operator.key, "cus_nobody")]

    def _ip(self):
        return self.evenpost.api.post("/v1/ips", {"address": self.evenpost.session.lot.address(), "host": "nowhere"})["id"]

    def _fill(self, customer):
        api = customer.api
        self.ids["cus"].append(customer.id)
        self.ids["ip"].append(customer.ip()["id"])
        self.ids["mbx"] += [mailbox["id"] for mailbox in customer.mailboxes(3)]
        self.ids["msg"] += [customer.send_one(f"p{n}@generated.test")["id"] for n in range(3)]
        for n in range(20):
            self.ids["pool"].append(api.post("/v1/pools", {"name": f"a{n}"})["id"])
            self.ids["dom"].append(api.post("/v1/domains", {"name": f"g{n}.test"})["id"])
            self.ids["sup"].append(api.post("/v1/suppressions", {"address": f"no{n}@generated.test"})["id"])
        self.ids["key"].append(api.get("/v1/keys")["data"][0]["id"])
        self.ids["evt"].append(api.get("/v1/events")["data"][0]["id"])

    def known(self, operation):
        return {**self.ids, **self.mortal} if operation.id in ENDS else self.ids

    def heard(self, operation, answer):
        self.seen[operation.id, answer.status] += 1


@pytest.fixture(scope="module")
def world(session):
    """Without a worker: what is made here may be routed anywhere."""
    evenpost = witnessed(Evenpost(session)).start(worker=False)
    yield World(evenpost)
    evenpost.stop()


def test_no_request_is_answered_5xx_or_otherwise_than_promised(world):
    """Catches what nobody thought of: a 500 of an odd text, a field the contract does not name, a status it does not know."""
    @seed(SEED)
    @settings(max_examples=COUNT, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=(Phase.generate, Phase.shrink))
    @given(st.data())
    def ask(data):
        operation = data.draw(st.sampled_from(CONTRACT.operations))
        caller = data.draw(st.sampled_from(world.callers))
        method, path, body, fields = data.draw(requests(operation, world.known(operation)))
        answer = caller.call(method, path, body, **fields)              # the witness holds it to the contract
        assert answer.status < 500, (SEED, method, path, body, fields, answer)
        world.heard(operation, answer)
    ask()
    assert sum(world.seen.values()) >= COUNT
    good = {operation for operation, status in world.seen if status < 300}
    assert LONG is False or len(good) > len(CONTRACT.operations) * 3 // 4, f"only {sorted(good)} were ever answered well"
    print(SEED, sum(world.seen.values()), collections.Counter(status for (_, status), count in world.seen.items() for _ in range(count)))
    assert world.evenpost.server.alive and world.evenpost.api.get("/v1/me").status == 200
