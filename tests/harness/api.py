"""api: the control API as a client sees it: over plain HTTP, or through a front that ends TLS."""
import copy
import http.client
import json
import socket


class Answer:
    """What came back. body is the parsed JSON, or None."""

    def __init__(self, status, headers, octets):
        self.status, self.headers, self.octets = status, headers, octets
        json_like = "json" in (headers.get("Content-Type") or "")
        self.body = json.loads(octets) if octets and json_like else None

    @property
    def problem(self):
        """The slug of a problem, or None."""
        return self.body["type"].rsplit("/", 1)[1] if isinstance(self.body, dict) and "type" in self.body else None

    def __getitem__(self, name):
        return self.body[name]

    def __repr__(self):
        return f"{self.status} {self.octets[:600]!r}"


class NoAnswer(Exception):
    """The connection ended without a whole answer: the client was told nothing."""


class Api:
    """One key at one server. customer: what an operator's key names in Evenpost-Customer.

    tls: whom a front's certificate is believed from, and `name` whose it must be; without, it is plain HTTP.
    source: the address to ask from; the kernel's choice, if none is given.
    """

    def __init__(self, host, port, key=None, customer=None, timeout=30, tls=None, name=None, source=None):
        self.host, self.port, self.key, self.customer, self.timeout = host, port, key, customer, timeout
        self.tls, self.name, self.source = tls, name, source

    def as_customer(self, customer_id):
        return self._with(self.key, customer_id)

    def with_key(self, key):
        return self._with(key, None)

    def from_address(self, source):
        other = copy.copy(self)
        other.source = source
        return other

    def _with(self, key, customer):
        other = copy.copy(self)
        other.key, other.customer = key, customer
        return other

    def connect(self, timeout=None, receive_buffer=None):
        """A raw connection, for octets of one's own."""
        peer = socket.socket()
        if receive_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if self.source:
            peer.bind((self.source, 0))
        peer.settimeout(timeout or self.timeout)
        peer.connect((self.host, self.port))
        return self.tls.wrap_socket(peer, server_hostname=self.name) if self.tls else peer

    def call(self, method, path, body=None, expect=None, **headers):
        """expect: the status, or several, that is no failure of the test. Header names with _ for -."""
        fields = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        if self.key:
            fields.setdefault("Authorization", f"Bearer {self.key}")
        if self.customer:
            fields.setdefault("Evenpost-Customer", self.customer)
        octets = None
        if body is not None:
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            fields.setdefault("Content-Type", kind)
        connection = http.client.HTTPConnection(self.name or self.host, self.port, timeout=self.timeout)
        try:
            connection.sock = self.connect()
            connection.request(method, path, octets, fields)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException, socket.timeout) as trouble:
            raise NoAnswer(f"{method} {path}: {trouble!r}") from trouble
        finally:
            connection.close()
        if expect is not None:
            allowed = expect if isinstance(expect, tuple) else (expect,)
            assert answer.status in allowed, f"{method} {path} {body!r}: expected {allowed}, was told {answer!r}"
        return answer

    def get(self, path, expect=200, **headers):
        return self.call("GET", path, expect=expect, **headers)

    def post(self, path, body=None, expect=(200, 201, 202), **headers):
        return self.call("POST", path, body, expect=expect, **headers)

    def put(self, path, body, expect=200, **headers):
        return self.call("PUT", path, body, expect=expect, **headers)

    def patch(self, path, body, expect=200, **headers):
        return self.call("PATCH", path, body, expect=expect, **headers)

    def delete(self, path, expect=204, **headers):
        return self.call("DELETE", path, expect=expect, **headers)

    def every(self, path):
        """All rows of a list, page by page."""
        rows, cursor, name = [], None, "after" if path.startswith("/v1/events") else "cursor"
        while True:
            page = self.get(path + ("&" if "?" in path else "?") + "limit=200" + (f"&{name}={cursor}" if cursor else ""))
            rows += page["data"]
            cursor = page.body.get("next_cursor")
            if not cursor:
                return rows
