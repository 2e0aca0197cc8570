"""Any request that the contract lets one think of: never a 5xx, never an answer that the contract does not know.

Bodies and queries are made from the schemas, and then spoiled. A failure prints its seed; EVENPOST_SEED runs that one.
"""
import json
import os
import random
import string

import pytest

from api import witness
from harness.api import NoAnswer

CONTRACT = witness.CONTRACT
ROUNDS = 300
WORDS = ["", "x", "0", "-1", "null", "a" * 300, "\u00fc\U0001f600", "\u202e", "\ufeff", "../../etc/passwd", "' or 1=1 --", "%s%n%x", "{{7*7}}",
         "<script>", "\\", "\"", "a@b.test", "2026-11-24T09:41:07Z", "09:00", "*", "::1", "127.0.0.1", "=?utf-8?q?x?=", "\t", "\r\n", "\0", "\x7f"]
NUMBERS = [0, 1, 2, -1, 3, 255, 65535, 65536, 2 ** 31, 2 ** 53, 2 ** 63 - 1, -2 ** 63, 1.5, 1e300, -0.0]
BY_FORMAT = {
    "email": lambda rng: f"{letters(rng)}@{letters(rng)}.test", "date-time": lambda rng: f"20{rng.randint(10, 60)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T0{rng.randint(0, 9)}:00:00Z",
    "domain-name": lambda rng: f"{letters(rng)}.test", "route-domain": lambda rng: f"{letters(rng)}.test", "time-of-day": lambda rng: f"{rng.randint(0, 24):02}:{rng.choice('01234')}0",
    "time-zone": lambda rng: rng.choice(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]), "host-name": lambda rng: letters(rng),
    "ip-address": lambda rng: f"127.{rng.randint(1, 9)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}", "base64": lambda rng: "aGVsbG8=",
    "media-type": lambda rng: rng.choice(["text/plain", "application/pdf", "image/png"]), "extra-header": lambda rng: f"X-{letters(rng)}",
}


def letters(rng):
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=rng.randint(1, 12)))


class Maker:
    """Values by schema, from one seed. spoil: how often something is not as it should be."""

    def __init__(self, rng, ids, spoil):
        self.rng, self.ids, self.spoil = rng, ids, spoil

    def value(self, node):
        node, rng = CONTRACT.resolve(node), self.rng
        if rng.random() < self.spoil:
            return self.junk()
        if "oneOf" in node:
            return self.value(rng.choice(node["oneOf"]))
        if "enum" in node:
            return rng.choice(node["enum"])
        types = node.get("type", "object")
        kind = rng.choice(types) if isinstance(types, list) else types
        return getattr(self, kind)(node)

    def junk(self):
        return self.rng.choice([None, True, False, [], {}, [[]], {"a": None}, self.rng.choice(WORDS), self.rng.choice(WORDS), self.rng.choice(NUMBERS)])

    def null(self, node):
        return None

    def boolean(self, node):
        return self.rng.random() < 0.5

    def integer(self, node):
        return self.rng.choice([node.get("minimum", 0), node.get("maximum", 9), node.get("default", 1), self.rng.randint(0, 100)])

    def string(self, node):
        kind = node.get("format", "")
        if kind in self.ids and self.rng.random() < 0.9:
            return self.rng.choice(self.ids[kind])
        if kind in BY_FORMAT:
            return BY_FORMAT[kind](self.rng)
        least, most = node.get("minLength", 0), min(node.get("maxLength", 20), 2000)
        return "".join(self.rng.choices("abc \u00fc\u4e16", k=self.rng.choice([least, most, self.rng.randint(least, min(most, 40))])))

    def array(self, node):
        count = self.rng.randint(node.get("minItems", 0), min(node.get("maxItems", 3), 4))
        return [self.value(node.get("items", {"type": "string"})) for _ in range(count)]

    def object(self, node):
        made = {}
        for name, of in node.get("properties", {}).items():
            keep = 1 - self.spoil if name in node.get("required", []) else 0.4
            if self.rng.random() < keep:
                made[name] = self.value(of)
        if isinstance(node.get("additionalProperties"), dict):
            for _ in range(self.rng.randint(0, 3)):
                made[self.string(node.get("propertyNames", {}))] = self.value(node["additionalProperties"])
        if self.rng.random() < self.spoil / 2:
            made[self.rng.choice(WORDS)] = self.junk()
        return {str(name): value for name, value in made.items()}


@pytest.fixture(scope="module")
def ids(evenpost):
    """Some of everything, of two customers; ids by the formats of the contract."""
    found = {}
    for customer in (evenpost.customer("Any"), evenpost.customer("Other")):
        customer.ip(), customer.mailboxes(2), customer.send_one("a@b.test")
        customer.api.post("/v1/suppressions", {"address": "s@b.test"})
        for kind, path in (("ip-id", "ips"), ("pool-id", "pools"), ("dom-id", "domains"), ("mbx-id", "mailboxes"), ("msg-id", "messages"),
                           ("sup-id", "suppressions"), ("evt-id", "events")):
            found.setdefault(kind, []).extend(row["id"] for row in customer.api.get(f"/v1/{path}")["data"])
        found.setdefault("cus-id", []).append(customer.id)
        found.setdefault("key-id", []).append(customer.api.post("/v1/keys", {"name": "spare"})["id"])
        found["api"] = customer.api
    return found


def queried(maker, operation):
    words = []
    for name, of in operation.query.items():
        if maker.rng.random() < 0.4:
            value = maker.value(of)
            for one in value if isinstance(value, list) else [value]:
                words.append(f"{name}=" + "".join(f"%{octet:02X}" for octet in str(one).encode("utf-8", "replace")))
    return "?" + "&".join(words) if words else ""


def pathed(maker, operation):
    path = operation.path
    for name, kind in operation.kinds.items():
        value = maker.string({"format": kind, "minLength": 1})
        path = path.replace("{%s}" % name, "".join(f"%{octet:02X}" if octet > 126 or octet < 48 else chr(octet) for octet in value.encode()))
    return path


SEEDS = [int(os.environ["EVENPOST_SEED"])] if "EVENPOST_SEED" in os.environ else [random.randrange(10 ** 9) for _ in range(4)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_request_is_beyond_the_contract(evenpost, ids, seed):
    """Catches a crash, a 500, a lost connection, an undeclared status, a shape that is not the promised one."""
    rng = random.Random(seed)
    calm = [operation for operation in CONTRACT.operations if operation.id not in ("customers_close", "keys_delete")]
    for _ in range(ROUNDS):
        operation = rng.choice(calm)
        maker = Maker(rng, ids, rng.choice([0, 0.02, 0.1, 0.4]))
        api = rng.choice([evenpost.api, evenpost.api.as_customer(rng.choice(ids["cus-id"])), ids["api"]])
        headers = {}
        if rng.random() < 0.3:
            headers["Idempotency_Key"] = rng.choice(["k1", "k2", "k3", '"k1"', "k" * 255])
        if rng.random() < 0.2:
            headers["If_Match"] = rng.choice(["*", '"x"', "W/\"x\""])
        body = maker.value(operation.body) if operation.body is not None else None
        octets = None if body is None and operation.body is None else json.dumps(body).encode()
        path = pathed(maker, operation) + queried(maker, operation)
        try:
            answer = api.call(operation.method, path, octets, **headers)
        except NoAnswer as nothing:
            raise AssertionError(f"seed {seed}: {operation.method} {path} {octets!r}: {nothing}; {evenpost.server.tail(5)}") from nothing
        assert answer.status < 500, f"seed {seed}: {operation.method} {path} {octets!r}: {answer!r}; {evenpost.server.tail(5)}"
    assert evenpost.server.alive and evenpost.api.with_key(None).get("/readyz").status == 200
