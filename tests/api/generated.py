"""generated: requests made from the contract, good ones and bad ones, as hypothesis strategies.

A request is aimed: the path's ids are mostly ones that exist, the body mostly what its schema says, with at times one
thing wrong with it. What a schema does not say (a zone that exists, a window long enough) is left to chance.
"""
import json
import string
import urllib.parse

from hypothesis import strategies as st

from api.witness import CONTRACT

KINDS = {"cus-id": "cus", "key-id": "key", "ip-id": "ip", "pool-id": "pool", "dom-id": "dom", "mbx-id": "mbx", "msg-id": "msg",
         "sup-id": "sup", "evt-id": "evt"}
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LINE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)
NASTY = st.sampled_from(["", " ", "\x00", "\r\nX: y", "'", '"; drop table messages; --', "%s%n", "../../etc/passwd", "\u202e", "𝕏" * 30,
                         "a" * 3000, "-1", "null", "\ufffe", "{{7*7}}", "<script>", "\\", "%00", "𐀀", "İ", "e\u0301" * 20])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2**70, 2**70), st.floats(allow_nan=False, allow_infinity=False), NASTY, LINE)
ANYTHING = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(LINE | NASTY, inner, max_size=4)),
                        max_leaves=8)
FORMATS = {
    "line": LINE, "text": st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=80),
    "email": st.builds("{}@{}.test".format, st.text("abcxyz.+-", min_size=1, max_size=8), st.sampled_from("abcdef")),
    "date-time": st.datetimes().map(lambda at: at.isoformat() + "Z"), "date": st.dates().map(str),
    "time-of-day": st.builds("{:02}:{:02}".format, st.integers(0, 24), st.integers(0, 59)),
    "time-zone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York", "Mars/Olympus", "US/Pacific"]),
    "domain-name": st.builds("{}.test".format, st.text("abcdefgh-", min_size=1, max_size=6)),
    "host-name": st.text("abcdefgh-", min_size=1, max_size=8),
    "ip-address": st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    "base64": st.text(string.ascii_letters + "+/", max_size=16).map(lambda text: text[:len(text) // 4 * 4]),
    "media-type": st.sampled_from(["text/plain", "image/png", "application/pdf", "multipart/mixed", "message/rfc822", "x"]),
    "extra-header": LINE, "route-domain": st.sampled_from(["*", "a.test", "b.test", "bücher.test", "x"]),
}


def ids(kind, known):
    never = st.text(ALPHABET, min_size=25, max_size=25).map(lambda rest: f"{kind}_0{rest}")
    there = st.sampled_from(known[kind]) if known.get(kind) else never
    return st.one_of(there, there, there, never, NASTY)


def texts(node, known):
    form = node.get("format")
    if form in KINDS:
        return ids(KINDS[form], known)
    if form in FORMATS:
        return FORMATS[form]
    return st.text(max_size=min(node.get("maxLength", 40), 60), min_size=node.get("minLength", 0))


def values(node, known):
    """What a schema says, more or less."""
    node = CONTRACT.resolve(node)
    if "oneOf" in node:
        return st.one_of(*(values(part, known) for part in node["oneOf"]))
    if "enum" in node:
        return st.sampled_from(node["enum"])
    types = node.get("type", "object")
    types = [types] if isinstance(types, str) else types
    return st.one_of(*(of_type(kind, node, known) for kind in types))


def of_type(kind, node, known):
    if kind == "object":
        return objects(node, known)
    if kind == "array":
        return st.lists(values(node["items"], known), min_size=node.get("minItems", 0), max_size=min(node.get("maxItems", 3), 3))
    if kind == "string":
        return texts(node, known)
    if kind == "integer":
        return st.integers(node.get("minimum", -5), node.get("maximum", 200))
    return {"boolean": st.booleans(), "null": st.none()}[kind]


def objects(node, known):
    fields = node.get("properties", {})
    required = {name: values(fields[name], known) for name in node.get("required", [])}
    optional = {name: values(field, known) for name, field in fields.items() if name not in required}
    if isinstance(node.get("additionalProperties"), dict):
        return st.dictionaries(LINE, values(node["additionalProperties"], known), max_size=3)
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def bodies(draw, schema, known):
    """What the schema says; at times the contract's example, one thing wrong with either, or no JSON at all."""
    choice = draw(st.integers(0, 9))
    if choice == 0:
        return draw(st.one_of(st.binary(max_size=60), ANYTHING.map(lambda value: json.dumps(value).encode())))
    body = CONTRACT.example(schema) if choice < 3 else draw(values(schema, known))
    if choice < 7 or not isinstance(body, dict):
        return body
    name = draw(st.sampled_from([*body, "unknown"]) if body else st.just("unknown"))
    if draw(st.booleans()):
        return {key: value for key, value in body.items() if key != name}
    return {**body, name: draw(ANYTHING)}


FIELDS = st.fixed_dictionaries({}, optional={
    "Idempotency-Key": st.one_of(st.sampled_from(["one", "two", '"three"', "", "a b", "x" * 256])),
    "If-Match": st.sampled_from(["*", '"x"', "W/\"x\"", "", ","]),
    "Request-Id": st.sampled_from(["good.id:1", "", "not sane", "x" * 200, "é"]),
    "traceparent": st.sampled_from(["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-x", "", "ff" * 40]),
    "User-Agent": st.sampled_from(["", "hypothesis", "é\xff" * 200, "'"]),
    "Content-Type": st.sampled_from(["application/json"] * 6 + ["application/merge-patch+json", "text/plain", "", "application/json; charset=utf-8"]),
})


@st.composite
def requests(draw, operation, known):
    """(method, target, body, fields)"""
    path = operation.path
    for name, form in operation.kinds.items():
        value = draw(ids(KINDS[form], known) if form in KINDS else st.one_of(FORMATS.get(form, LINE), NASTY))
        path = path.replace("{" + name + "}", urllib.parse.quote(value, safe="*"))
    query = draw(st.fixed_dictionaries({}, optional={
        name: st.one_of(values(schema, known), NASTY) for name, schema in operation.query.items()}))
    if draw(st.integers(0, 19)) == 0:
        query["unknown"] = "1"
    if query:
        path += "?" + urllib.parse.urlencode({name: "" if value is None else value for name, value in query.items()}, doseq=True)
    body = draw(bodies(operation.body, known)) if operation.body is not None else None
    return operation.method, path, body, draw(FIELDS)
