"""contract: api/openapi.yaml as a list of operations, for tests that must visit every one of them."""
import pathlib

import yaml

PATH = pathlib.Path(__file__).resolve().parents[2] / "api/openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


class Operation:
    def __init__(self, method, path, of, contract):
        self.method, self.path, self.id = method.upper(), path, of["operationId"]
        self.who = of["x-evenpost-who"]
        self.parameters = [contract.resolve(parameter) for parameter in of.get("parameters", [])]
        content = of.get("requestBody", {}).get("content", {})
        self.body = contract.resolve(content["application/json"]["schema"]) if "application/json" in content else None
        self.kinds = {parameter["name"]: parameter["schema"].get("format", "") for parameter in self.parameters
                      if parameter["in"] == "path"}
        self.query = {parameter["name"]: parameter["schema"] for parameter in self.parameters if parameter["in"] == "query"}

    def __repr__(self):
        return f"{self.method} {self.path}"


class Contract:
    def __init__(self):
        self.of = yaml.safe_load(PATH.read_text())
        self.operations = [Operation(method, path, item[method], self) for path, item in self.of["paths"].items()
                           for method in METHODS if method in item]

    def resolve(self, node):
        while "$ref" in node:
            found = self.of
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def example(self, schema):
        """A body that the contract itself gives as an example."""
        schema = self.resolve(schema)
        if schema.get("examples"):
            return schema["examples"][0]
        for key in ("oneOf", "anyOf", "allOf"):
            if key in schema:
                return self.example(schema[key][0])
        return {}
