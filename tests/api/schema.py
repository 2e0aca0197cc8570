"""schema: JSON Schema 2020-12, as much of it as the contract speaks; what it does not know is an error, never a pass.

Stricter than the standard in one place: an answer's object may only hold fields that the contract names, so that nothing
is told by accident.
"""
import datetime
import re

TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool, "integer": int,
         "number": (int, float)}
WORDS = {"title", "description", "examples", "default", "$ref", "type", "format", "enum", "const", "required", "properties",
         "additionalProperties", "items", "oneOf", "anyOf", "allOf", "minimum", "maximum", "minLength", "maxLength",
         "minItems", "maxItems", "uniqueItems", "pattern", "propertyNames", "maxProperties"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


class Schema:
    """A schema of the contract. faults(value) are sentences, each with where in the value it is."""

    def __init__(self, contract, node):
        self.contract, self.node = contract, node

    def faults(self, value, at=""):
        return list(self._faults(self.node, value, at, True))

    def _faults(self, node, value, at, closed):
        node = self.contract.resolve(node)
        unknown = {word for word in node if word not in WORDS and not word.startswith("x-")}
        assert not unknown, f"the contract says {unknown}, which this validator does not know"
        yield from self._type(node, value, at)
        yield from self._combined(node, value, at, closed)
        if isinstance(value, dict):
            yield from self._object(node, value, at, closed)
        if isinstance(value, list):
            yield from self._array(node, value, at)
        if isinstance(value, str):
            yield from self._string(node, value, at)
        if isinstance(value, int) and not isinstance(value, bool):
            if not node.get("minimum", value) <= value <= node.get("maximum", value):
                yield f"{at}: {value} is out of bounds"

    def _type(self, node, value, at):
        names = node.get("type", [])
        names = [names] if isinstance(names, str) else names
        fits = [isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))
                for name in names]
        if names and not any(fits):
            yield f"{at}: {value!r} is not {names}"
        if "enum" in node and value not in node["enum"]:
            yield f"{at}: {value!r} is none of {node['enum']}"
        if "const" in node and value != node["const"]:
            yield f"{at}: {value!r} is not {node['const']!r}"

    def _combined(self, node, value, at, closed):
        for part in node.get("allOf", []):
            yield from self._faults(part, value, at, False)
        if "allOf" in node and closed and isinstance(value, dict):
            yield from (f"{at}/{name}: the contract does not name it" for name in set(value) - self._named(node))
        for word, right in (("oneOf", lambda count: count == 1), ("anyOf", lambda count: count >= 1)):
            if word in node:
                tries = [list(self._faults(part, value, at, closed)) for part in node[word]]
                if not right(sum(not faults for faults in tries)):
                    yield f"{at}: fits {sum(not faults for faults in tries)} of {word}: {tries}"

    def _named(self, node):
        node = self.contract.resolve(node)
        return set(node.get("properties", {})).union(*(self._named(part) for part in node.get("allOf", [])))

    def _object(self, node, value, at, closed):
        for name in node.get("required", []):
            if name not in value:
                yield f"{at}/{name}: is missing"
        rest = node.get("additionalProperties")
        for name, item in value.items():
            if name in node.get("properties", {}):
                yield from self._faults(node["properties"][name], item, f"{at}/{name}", True)
            elif isinstance(rest, dict):
                yield from self._faults(rest, item, f"{at}/{name}", True)
            elif rest is False or closed and "properties" in node:
                yield f"{at}/{name}: the contract does not name it"

    def _array(self, node, value, at):
        if not node.get("minItems", 0) <= len(value) <= node.get("maxItems", len(value)):
            yield f"{at}: holds {len(value)}"
        for place, item in enumerate(value):
            yield from self._faults(node.get("items", {}), item, f"{at}/{place}", True)

    def _string(self, node, value, at):
        if not node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)):
            yield f"{at}: has {len(value)} characters"
        if node.get("format") == "date-time" and not INSTANT.fullmatch(value):
            yield f"{at}: {value!r} is no instant in UTC with a Z"
        if node.get("format") == "date":
            datetime.date.fromisoformat(value)
        if "pattern" in node and not re.search(node["pattern"], value):
            yield f"{at}: {value!r} is not like {node['pattern']}"
