"""evenpost: a whole platform as one object: its cluster, clock, server, jobs, workers and sandbox, and its customers.

    evenpost = Evenpost(session).start()
    acme = evenpost.customer("Acme")
    acme.ip(), acme.mailboxes(3)
    sent = acme.send(6, to=receiver)
    evenpost.play(sent, "delivered")

Each has a cluster of its own (a copy of a migrated one), so any part of it may be killed without hurting a neighbour.
Everything it tells comes over the API, as a client would be told; only the judge's look is at PostgreSQL itself.
"""
import datetime
import hashlib
import os
import pathlib
import secrets
import subprocess
import time
import uuid

from harness.api import Api
from harness.clock import UTC, Clock, instant, rfc3339
from harness.complaints import complaints_of
from harness.postgres import Postgres
from harness.process import Process
from harness.receiver import Receiver
from harness.relay import Relay
from harness.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
START = datetime.datetime(2026, 11, 23, tzinfo=UTC)                 # a Monday, 00:00 UTC
ALL_DAY = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}
HOST = "sender-1"
SANDBOX_DOMAIN = "people.test"      # what a worker does not know yet waits: so there is no route * to catch it
SETTLED = {"delivered", "bounced", "unconfirmed", "resent", "cancelled", "expired", "suppressed"}


class Session:
    """What one run of the tests shares: the build, a lot of loopback, a folder, and a migrated cluster to copy."""

    def __init__(self, build, folder, lot):
        self.build, self.folder, self.lot = pathlib.Path(build), pathlib.Path(folder), lot
        self.model, self.made, self.peers = None, 0, 0

    def program(self, name):
        path = self.build / f"evenpost-{name}"
        assert path.exists(), f"{path} is not built; EVENPOST_BUILD names the build folder"
        return path

    def cluster(self):
        """A fresh copy of the migrated cluster."""
        if self.model is None:
            model = Postgres.fresh(self.folder / "m").start()
            model_url = f"postgresql:///postgres?host={model.sockets}&user=postgres"
            subprocess.run(["psql", "-q", model_url, "-c", "create database evenpost"], check=True)
            subprocess.run([ROOT / "tools/migrate.sh", "--database-url", model.url(), "--now", rfc3339(START)], check=True,
                           stdout=subprocess.DEVNULL)
            model.stop()
            self.model = model
        self.made += 1
        return Postgres.copy_of(self.model, self.folder / f"p{self.made}")


class Evenpost:
    def __init__(self, session, start=START, rate=1, profile="lax", sandbox=(), environment=None, durable=False, group=None,
                 disk=None):
        self.session, self.group = session, group
        self.database = session.cluster()
        self.database.process.group = group
        self.disk = self.database.small_disk(*disk) if disk else None     # disk: (part, MiB)
        if durable:
            self.database.durable()
        self.home = self.database.home
        self.host = HOST
        self.clock_file = self.home / "clock"
        self.clock = Clock(session.program("clock"), self.clock_file, start, rate)
        self.api_address, self.sandbox_address = session.lot.address(), session.lot.address()
        self.environment = environment or {}
        self.sandbox_options = ["--profile", profile, *sandbox]
        self.key = "ep_op_" + secrets.token_hex(16)
        self.secret_file = self.home / "secret"
        self.secret_file.write_bytes(os.urandom(32))
        self.secret_file.chmod(0o600)
        self.server = self._program("server", "evenpost_server", "--listen", f"{self.api_address}:8025")
        self.jobs = self._program("jobs", "evenpost_jobs")
        self.worker = self._worker()
        self.sandbox = self._program("sandbox", None, "--smtp", f"{self.sandbox_address}:2525",
                                     "--http", f"{self.sandbox_address}:8026", *self.sandbox_options)
        self.api = Api(self.api_address, 8025, self.key)
        self.inbox = Api(self.sandbox_address, 8026)
        self.receivers, self.routed, self.relays, self.extra = [], set(), [], []
        self.may_give_up = False        # faults are made on purpose, and a program may end with "cannot happen"

    # Its life.

    def start(self, worker=True):
        self.database.start()
        self._operator_key()
        for program in (self.sandbox, self.server, self.jobs):
            program.start()
        self.ready()
        if worker:
            self.worker.start()
        self.route(SANDBOX_DOMAIN, self.sandbox_address)
        self.clock.run()
        return self

    def ready(self, seconds=30):
        """The server can serve."""
        def serves():
            assert self.server.alive, f"the server ended: {self.server.tail()}"
            return self._status("/readyz") == 200
        wait_until(serves, seconds, lambda: f"/readyz; {self.server.tail(5)}")

    def stop(self):
        for program in self._programs():
            program.kill()
        for receiver in self.receivers:
            receiver.close()
        for relay in self.relays:
            relay.close()
        self.database.end()
        if self.database.holder:
            self.database.holder.kill()
        complaints = [line for program in self._programs() for line in complaints_of(program, self.may_give_up)]
        assert not complaints, complaints

    def another_worker(self, *arguments):
        """A second worker process for the same host (or with the given arguments), not started."""
        worker = self._worker(*arguments, name=f"worker-{len(self.extra) + 2}")
        self.extra.append(worker)
        return worker

    def database_relay(self, program=None, kind=Relay):
        """From its next start on that program (the worker) talks to PostgreSQL through this relay."""
        program = program or self.worker
        folder = self.home / f"r{len(self.relays)}"
        folder.mkdir()
        relay = kind(f"{folder}/.s.PGSQL.5432", f"{self.database.sockets}/.s.PGSQL.5432")
        self.relays.append(relay)
        program.env["DATABASE_URL"] = self.database.url(f"evenpost_{program.name}", folder)
        return relay

    # Where mail goes.

    def receiver(self, domain=None, port=2525, through_relay=False, window=None):
        """A receiver of the harness, with a domain of its own and the route to it; or to receiver.relay before it."""
        domain = domain or f"r{len(self.receivers) + 1}.test"
        receiver = Receiver(self.session.lot.address(), port, domain, now=self.clock.now, window=window)
        self.receivers.append(receiver)
        if through_relay:
            receiver.relay = self.relay_to(receiver, domain)
        else:
            self.route(domain, receiver.address, receiver.port)
        return receiver

    def route(self, domain, host, port=2525):
        self.api.put(f"/v1/routes/{'%2A' if domain == '*' else domain}", {"host": host, "port": port, "tls": "none"})

    def unroute(self, domain):
        self.api.delete(f"/v1/routes/{'%2A' if domain == '*' else domain}")

    def relay_to(self, receiver, domain):
        """Mail for that domain goes to the receiver through this relay."""
        address = self.session.lot.address()
        relay = Relay((address, 2525), (receiver.address, receiver.port))
        self.relays.append(relay)
        self.route(domain, address, 2525)
        return relay

    # Who sends.

    def customer(self, name="Acme", mode="sandbox", **fields):
        body = {"name": name, "mode": mode, **fields}
        made = self.api.post("/v1/customers", body, expect=201).body
        key = self.api.as_customer(made["id"]).post("/v1/keys", {"name": "tests"}, expect=201)["key"]
        return Customer(self, made["id"], self.api.with_key(key))

    # Time.

    def play(self, messages, *states, seconds=60):
        """Lets the clock jump from moment to moment until each of the messages is in one of these states.

        The clock moves only when nobody has anything left to do at the present one: when every open message waits for a
        moment ahead, or when two real seconds changed nothing.
        """
        states, patience = set(states or SETTLED), Patience()

        def there():
            if not self.worker.alive:
                raise RuntimeError(f"the worker ended: {self.worker.tail()}")
            rows = messages.rows()
            left = [row for row in rows if row["state"] not in states]
            if not left:
                return rows
            self._move(left, patience)
            raise AssertionError([(row["id"], row["state"], row["explanation"]) for row in left][:3])
        return wait_until(there, seconds, lambda: f"{states}; worker: {self.worker.tail(6)}")

    def _move(self, rows, patience):
        now = self.clock.now()
        ahead = [at for at in (_moment(row, now) for row in rows) if at and at > now]
        stuck = patience.over([(row["id"], row["state"], row["explanation"], row["slot"]) for row in rows])
        if any(row["state"] == "sending" for row in rows) or not (stuck or len(ahead) == len(rows)):
            return
        self.clock.jump_to(min(ahead) if ahead else now + patience.step())
        patience.renew()

    # Inside.

    def _programs(self):
        return [*self.extra, self.worker, self.jobs, self.server, self.sandbox]

    def _status(self, path):
        try:
            return self.api.call("GET", path).status
        except Exception:
            return None

    def _program(self, name, role, *arguments):
        env = {"PATH": "/usr/bin:/bin", "EVENPOST_CLOCK": str(self.clock_file), "EVENPOST_LOG": "info",
               "EVENPOST_ALLOW_UNSAFE_DATABASE": "1", "EVENPOST_TEST": "1", "EVENPOST_REQUESTS_PER_MINUTE": "6000000",
               "EVENPOST_REQUESTS_AT_ONCE": "1000000", "EVENPOST_SECRET_FILE": str(self.secret_file),
               "EVENPOST_HOST_NAMES": "api.test,a",
               "EVENPOST_TRACE": os.environ.get("EVENPOST_TRACE", ""), "ASAN_OPTIONS": "detect_leaks=0",
               **self.environment}
        if role:
            env["DATABASE_URL"] = self.database.url(role)
        process = Process(name, [self.session.program(name), *arguments], self.home / f"{name}.log", env)
        process.group = self.group
        return process

    def _worker(self, *arguments, name="worker"):
        arguments = arguments or ("--host", self.host)
        worker = self._program("worker", "evenpost_worker", *arguments)
        worker.name, worker.log = name, self.home / f"{name}.log"
        return worker

    def _operator_key(self):
        self.database.query(
            "insert into operator_keys (key_id, name, prefix, hash, scopes, created_at) values (%s, %s, %s, %s, %s, %s)",
            uuid.uuid4(), "tests", self.key[:12], hashlib.sha256(self.key.encode()).digest(), ["*"], START)


class Patience:
    """Two seconds in which nothing changed; and how far the clock goes then, when nobody says until when."""

    def __init__(self):
        self.seen, self.since, self.minutes = None, time.monotonic(), 1

    def over(self, seen):
        if seen != self.seen:
            self.seen, self.since, self.minutes = seen, time.monotonic(), 1
        return time.monotonic() - self.since > 2

    def step(self):
        """A minute, then more each time: a slot that ends in hours is not waited for by the minute."""
        step, self.minutes = self.minutes, min(self.minutes * 2, 60)
        return datetime.timedelta(minutes=step)

    def renew(self):
        self.since = time.monotonic()


def _moment(row, now):
    """What a message waits for: its explanation's time, else its slot's. None: it is due, and only says by when."""
    slot = row.get("slot") or {}
    until = row["explanation"].get("until") or slot.get("at")
    if slot and instant(slot["at"]) <= now and until and instant(until) >= instant(slot["not_after"]):
        return None
    return instant(until) if until else None


class Customer:
    def __init__(self, evenpost, id, api):
        self.evenpost, self.id, self.api = evenpost, id, api
        self.operator = evenpost.api.as_customer(id)
        self.addresses = 0

    def ip(self, address=None, host=HOST):
        """A new IP of this host, assigned to this customer; its row."""
        address = address or self.evenpost.session.lot.address()
        made = self.evenpost.api.post("/v1/ips", {"address": address, "host": host, "ptr": "mail.acme.test"}, expect=201)
        return self.operator.post(f"/v1/ips/{made['id']}/assign", {"customer_id": self.id}, expect=200).body

    def mailbox(self, address=None, **fields):
        if address is None:
            self.addresses += 1
            address = f"m{self.addresses}@{self.id.removeprefix('cus_')[-8:]}.test"
        body = {"address": address, "window": ALL_DAY, **fields}
        return self.api.post("/v1/mailboxes", body, expect=201).body

    def mailboxes(self, count, **fields):
        return [self.mailbox(**fields) for _ in range(count)]

    def send_one(self, to, mailbox=None, **fields):
        """One message; its row as the 202 told it."""
        body = {"to": {"address": to}, "subject": "Hello", "text": "How are you?\n", **fields}
        if mailbox:
            body["mailbox_id"] = mailbox["id"] if isinstance(mailbox, dict) else mailbox
        return self.api.post("/v1/messages", body, expect=202).body

    def send(self, count, to, mailbox=None, **fields):
        """Messages to people p1, p2, … of a receiver, or to one address each time."""
        people = [to] * count if isinstance(to, str) else [f"p{n + 1}@{to.domain}" for n in range(count)]
        return Messages(self, [self.send_one(person, mailbox, **fields)["id"] for person in people])

    def message(self, id):
        return self.api.get(f"/v1/messages/{id}").body

    def attempts(self, id):
        return self.api.get(f"/v1/messages/{id}/attempts")["data"]


class Messages:
    """Some messages of a customer, by id."""

    def __init__(self, customer, ids):
        self.customer, self.ids = customer, list(ids)

    def __len__(self):
        return len(self.ids)

    def __add__(self, other):
        return Messages(self.customer, self.ids + other.ids)

    def rows(self):
        return [self.customer.message(id) for id in self.ids]

    def states(self):
        return [row["state"] for row in self.rows()]

    def wait_until(self, *states, seconds=30):
        """Each is in one of these states, without any help of the clock."""
        def there():
            rows = self.rows()
            seen = [(row["id"], row["state"], row["explanation"]["code"]) for row in rows]
            assert all(row["state"] in states for row in rows), seen
            return rows
        return wait_until(there, seconds, lambda: f"{states}; worker: {self.customer.evenpost.worker.tail(6)}")
