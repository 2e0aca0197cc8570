"""client — the control API from the launcher's commands: the operator's key, JSON in and out, refusals as sentences."""
import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """An answer that is no 2xx; `slug` is the problem's type."""

    def __init__(self, method, path, status, problem):
        self.status = status
        self.slug = str(problem.get("type", "")).rsplit("/", 1)[-1]
        errors = "; ".join(f"{e.get('pointer')}: {e.get('detail')}" for e in problem.get("errors") or [])
        self.sentence = f"{problem.get('detail') or problem.get('title') or 'no reason given'}{errors and ' ' + errors}"
        super().__init__(f"{method} {path}: {status} {self.slug}: {self.sentence}")


class Unreachable(Exception):
    """Nothing answers there."""


class Api:
    """`customer` names whom a write is for, when the key is the operator's."""

    def __init__(self, base, key, customer=None):
        self.base, self.key, self.customer = base, key, customer

    @classmethod
    def of_home(cls, customer=None):
        key = pathlib.Path(os.environ["EVENPOST_OPERATOR_KEY_FILE"])
        if not key.exists():
            raise Unreachable("Nothing is up here. ./evenpost up")
        return cls(f"http://{os.environ['EVENPOST_API_ADDRESS']}", key.read_text().strip(), customer)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        if self.customer and method != "GET":
            request.add_header("Evenpost-Customer", self.customer)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _json(answer.read())
        except urllib.error.HTTPError as refused:
            raise Refused(method, path, refused.code, _json(refused.read())) from None
        except OSError as error:
            raise Unreachable(f"{self.base} does not answer ({error}). ./evenpost status") from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def all(self, path):
        """Every row of a list, page by page."""
        cursor, mark = None, "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{mark}limit=200" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
            yield from page["data"]
            cursor = page.get("next_cursor")
            if not cursor:
                return


def _json(octets):
    try:
        return json.loads(octets) if octets else {}
    except ValueError:
        return {"detail": octets.decode(errors="replace")[:200]}
