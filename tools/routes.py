#!/usr/bin/python3
"""The server's tables from the contract: what api/openapi.yaml does not say does not exist.

    tools/routes.py api/openapi.yaml OUT_DIR    writes OUT_DIR/routes.h, routes.c and openapi_text.c

routes.c holds one `struct route` (server/route.h) an operation, whose handler is the function named by its operationId,
and one `struct schema` (server/schema.h) for each body and parameter. A word of JSON Schema that server/schema.c does not
know is refused here, so that no limit stands in the contract alone.
"""

import pathlib
import sys

import yaml

TYPES = ("object", "array", "string", "integer", "boolean", "null")
WORDS = {
    "type", "format", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "items",
    "properties", "required", "additionalProperties", "propertyNames", "maxProperties",
    "default", "description", "examples", "oneOf", "x-evenpost-many", "x-evenpost-one-of",
}
FORMATS = {
    "line": "FORMAT_LINE", "text": "FORMAT_TEXT", "email": "FORMAT_EMAIL", "date-time": "FORMAT_DATE_TIME",
    "time-of-day": "FORMAT_TIME_OF_DAY", "time-zone": "FORMAT_TIME_ZONE", "domain-name": "FORMAT_DOMAIN_NAME",
    "host-name": "FORMAT_HOST_NAME", "ip-address": "FORMAT_IP_ADDRESS", "base64": "FORMAT_BASE64",
    "media-type": "FORMAT_MEDIA_TYPE", "extra-header": "FORMAT_EXTRA_HEADER", "route-domain": "FORMAT_ROUTE_DOMAIN",
}
IDS = {
    "cus-id": "ID_CUSTOMER", "mbx-id": "ID_MAILBOX", "msg-id": "ID_MESSAGE", "ip-id": "ID_IP", "pool-id": "ID_POOL",
    "dom-id": "ID_DOMAIN", "key-id": "ID_KEY", "evt-id": "ID_EVENT", "sup-id": "ID_SUPPRESSION",
}
METHODS = ("get", "put", "post", "patch", "delete")
WHO = {"operator": "WHO_OPERATOR", "customer": "WHO_CUSTOMER", "both": "WHO_BOTH", "anyone": "WHO_ANYONE"}
BODY_MAX = 1024 * 1024
BODY_MAX_OF_ALL = 16 * 1024 * 1024  # base/bounds.h: BOUND_HTTP_BODY; routes.c asserts that they agree


class ContractError(Exception):
    """What the contract says and the server could not keep."""


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("?", "\\?") + '"'


class Contract:
    def __init__(self, document):
        self.document = document
        self.lines = []  # of routes.c, schemas before their users
        self.made = {}  # the C name of each schema that was written, by its place in the document
        self.handlers = []

    def resolve(self, node):
        """The node that a $ref means, and its name in `components`, or None."""
        name = None
        while "$ref" in node:
            path = node["$ref"].removeprefix("#/").split("/")
            name = path[-1]
            node = self.document
            for part in path:
                node = node[part]
        return node, name

    def words(self, where, values):
        self.lines.append(f"static const char *const {where}_words[] = {{ {', '.join(map(c_string, values))}, NULL }};")
        return f"{where}_words"

    def fields(self, where, node):
        required = set(node.get("required", ()))
        rows = []
        for name, child in node["properties"].items():
            schema = self.schema(f"{where}_{name}", child)
            rows.append(f"    {{ {c_string(name)}, &{schema}, {str(name in required).lower()} }},")
        if unknown := required - set(node["properties"]):
            raise ContractError(f"{where}: requires {sorted(unknown)}, which it does not have")
        self.lines.append(f"static const struct schema_field {where}_fields[] = {{\n" + "\n".join(rows) + "\n};")
        return f"{where}_fields, COUNT({where}_fields)"

    def schema(self, where, node, nullable=False):
        node, name = self.resolve(node)
        if name is not None:
            where = f"schema_{name}{'_or_null' if nullable else ''}"
        where = where.replace("-", "_")
        if (where, id(node)) in self.made:
            return self.made[where, id(node)]
        if unknown := set(node) - WORDS:
            raise ContractError(f"{where}: the server does not know {sorted(unknown)}")
        if "oneOf" in node:
            return self.schema_either(where, node)
        members = self.members(where, node, nullable)
        self.lines.append(
            f"static const struct schema {where} = {{\n" + "".join(f"    .{key} = {value},\n" for key, value in members) + "};"
        )
        self.made[where, id(node)] = where
        return where

    def schema_either(self, where, node):
        first, second = node["oneOf"]
        if second.get("type") == "null":
            return self.schema(where, first, nullable=True)
        field = node.get("x-evenpost-many")
        if field is None:
            raise ContractError(f"{where}: oneOf is for `or null`, or for one and many with x-evenpost-many")
        one, many = self.schema(f"{where}_one", first), self.schema(f"{where}_many", second)
        self.lines.append(
            f"static const struct schema {where} = {{\n    .types = SCHEMA_OBJECT,\n    .many_field = {c_string(field)},\n"
            f"    .one = &{one},\n    .many = &{many},\n}};"
        )
        return where

    def members(self, where, node, nullable):
        types = node.get("type", [])
        types = set([types] if isinstance(types, str) else types) | ({"null"} if nullable else set())
        if not types or not types <= set(TYPES):
            raise ContractError(f"{where}: a type of {TYPES} is wanted")
        yield "types", " | ".join(f"SCHEMA_{word.upper()}" for word in TYPES if word in types)
        if "string" in types:
            yield from self.members_of_string(where, node)
        if "integer" in types:
            yield "minimum", node.get("minimum", "INT64_MIN")
            yield "maximum", node.get("maximum", "INT64_MAX")
        if "array" in types:
            if "maxItems" not in node:
                raise ContractError(f"{where}: an array needs maxItems")
            yield "items", "&" + self.schema(f"{where}_item", node["items"])
            yield "count_min", node.get("minItems", 0)
            yield "count_max", node["maxItems"]
            yield "unique", str(node.get("uniqueItems", False)).lower()
        if "object" in types:
            yield from self.members_of_object(where, node)

    def members_of_string(self, where, node):
        if "enum" in node:
            yield "words", self.words(where, node["enum"])
            return
        form = node.get("format")
        if form in IDS:
            yield "format", "FORMAT_ID"
            yield "id_kind", IDS[form]
        elif form is not None:
            if form not in FORMATS:
                raise ContractError(f"{where}: the server does not know the format {form}")
            yield "format", FORMATS[form]
        if form not in IDS and form not in ("date-time", "route-domain") and "maxLength" not in node:
            raise ContractError(f"{where}: a string needs maxLength")
        yield "length_min", node.get("minLength", 0)
        yield "length_max", node.get("maxLength", 255)

    def members_of_object(self, where, node):
        if node.get("properties"):
            fields, count = self.fields(where, node).split(", ")
            yield "fields", fields
            yield "field_count", count
        others = node.get("additionalProperties")
        if others is None:
            raise ContractError(f"{where}: an object says additionalProperties: false, or what they are")
        if isinstance(others, dict):
            yield "others", "&" + self.schema(f"{where}_value", others)
            yield "names", "&" + self.schema(f"{where}_name", {"type": "string", **node["propertyNames"]})
            yield "count_max", node["maxProperties"]
        if "x-evenpost-one-of" in node:
            yield "one_of", self.words(f"{where}_one_of", node["x-evenpost-one-of"])

    def parameters(self, name, operation, place):
        rows = []
        for node in operation.get("parameters", ()):
            parameter, component = self.resolve(node)
            if parameter["in"] != place:
                continue
            schema = self.schema(f"parameter_{component or parameter['name']}", parameter["schema"])
            default = self.resolve(parameter["schema"])[0].get("default", 0)
            rows.append(f"    {{ {c_string(parameter['name'])}, &{schema}, {default} }},")
        if not rows:
            return "NULL", "0"
        self.lines.append(f"static const struct parameter {name}_{place}[] = {{\n" + "\n".join(rows) + "\n};")
        return f"{name}_{place}", f"COUNT({name}_{place})"

    def route(self, path, method, operation):
        name = operation["operationId"]
        if name in self.handlers:
            raise ContractError(f"{name}: stands twice")
        self.handlers.append(name)
        scopes = [scope for entry in operation["security"] for scope in entry.get("key", ())]
        who = operation["x-evenpost-who"]
        if len(scopes) > 1 or (who == "anyone") != (operation["security"] == []):
            raise ContractError(f"{name}: one scope at most, and none where anyone may call")
        body, merge, body_max = "NULL", "false", operation.get("x-evenpost-body-max", BODY_MAX)
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            body = "&" + self.schema(f"body_{name}", content["application/json"]["schema"])
            merge = str("application/merge-patch+json" in content).lower()
        if body_max > BODY_MAX_OF_ALL:
            raise ContractError(f"{name}: a body of {body_max} is more than the server takes")
        query, query_count = self.parameters(name, operation, "query")
        in_path, in_path_count = self.parameters(name, operation, "path")
        return (
            f"    {{\n        .method = {c_string(method.upper())},\n        .path = {c_string(path)},\n"
            f"        .name = {c_string(name)},\n        .who = {WHO[who]},\n"
            f"        .scope = {c_string(scopes[0]) if scopes else 'NULL'},\n        .handle = {name},\n"
            f"        .body = {body},\n        .body_max = {body_max if body != 'NULL' else 0},\n        .merge_patch = {merge},\n"
            f"        .secret = {str(operation.get('x-evenpost-secret', False)).lower()},\n"
            f"        .query = {query},\n        .query_count = {query_count},\n"
            f"        .in_path = {in_path},\n        .in_path_count = {in_path_count},\n    }},"
        )

    def routes(self):
        return [
            self.route(path, method, item[method]) for path, item in self.document["paths"].items() for method in METHODS if method in item
        ]


MADE = "/* Made by tools/routes.py from api/openapi.yaml. */\n"


def routes_c(contract, rows):
    scopes = contract.document["components"]["schemas"]["Scope"]["enum"]
    return (
        MADE + '#include "routes.h"\n\n#include "base/bounds.h"\n\n'
        f'static_assert(BOUND_HTTP_BODY == {BODY_MAX_OF_ALL}, "tools/routes.py and base/bounds.h agree");\n'
        f'static_assert(BOUND_HTTP_BODY_SMALL == {BODY_MAX}, "tools/routes.py and base/bounds.h agree");\n\n'
        + "\n\n".join(contract.lines)
        + "\n\nconst struct route routes[] = {\n"
        + "\n".join(rows)
        + "\n};\n\nconst size_t routes_count = COUNT(routes);\n\n"
        + f"const char contract_version[] = {c_string(contract.document['info']['version'])};\n"
        + f"const char *const scopes_all[] = {{ {', '.join(map(c_string, scopes))}, NULL }};\n"
    )


def routes_h(contract):
    handlers = "\n".join(f"void {name}(struct request *request);" for name in contract.handlers)
    return (
        MADE + '#pragma once\n\n#include "server/route.h"\n\nextern const struct route routes[];\n'
        "extern const size_t routes_count;\nextern const char *const scopes_all[]; /* NULL at the end */\n"
        "extern const char contract_version[];\nextern const char openapi_text[];\nextern const size_t openapi_text_length;\n\n" + handlers + "\n"
    )


def openapi_c(text):
    lines = "\n".join(f"    {c_string(line)}" for line in text.splitlines(keepends=True))
    return f'{MADE}#include "routes.h"\n\nconst char openapi_text[] =\n{lines};\n\nconst size_t openapi_text_length = sizeof openapi_text - 1;\n'


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    text = pathlib.Path(arguments[0]).read_text(encoding="utf-8")
    folder = pathlib.Path(arguments[1])
    contract = Contract(yaml.safe_load(text))
    try:
        rows = contract.routes()
    except ContractError as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    made = {"routes.h": routes_h(contract), "routes.c": routes_c(contract, rows), "openapi_text.c": openapi_c(text)}
    for name, content in made.items():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
