"""pgwire: a relay between a program and PostgreSQL that knows the protocol's messages, and does something at one of them.

It takes a connection apart into transactions: from the group that says `begin` to the ReadyForQuery that says idle. Each
message of one has a name, made of the statement (or the word, as "commit") and of what the message does:

    requests    "slot_authorize Parse"  "slot_authorize Bind"  "slot_authorize Describe"  "slot_authorize Execute"  "Sync"
    answers     "slot_authorize Parsed" "slot_authorize Bound" "slot_authorize Described" "slot_authorize Row"
                "slot_authorize Done"   "Ready"

(a second one of a name is "… 2"). A Point says in which transaction, at which message, on which edge of it something
happens: the connection is cut there, or an action is called.
"""
import collections
import struct
import threading

from harness.relay import Relay

REQUESTS = {b"P": "Parse", b"B": "Bind", b"D": "Describe", b"E": "Execute", b"S": "Sync"}
ANSWERS = {b"1": "Parsed", b"2": "Bound", b"T": "Described", b"n": "Described", b"D": "Row", b"C": "Done", b"I": "Done",
           b"Z": "Ready"}
ASKED_BY = {"Parsed": "Parse", "Bound": "Bind", "Described": "Describe", "Row": "Execute", "Done": "Execute", "Ready": "Sync"}
CONNECTIONS = 4             # of a program that is relayed


class Point:
    """kind: a statement in the transaction's first group. marker: octets that a parameter there is; None: any will do."""

    def __init__(self, kind, direction, message, edge, marker=None, action=None):
        self.kind, self.direction, self.message, self.edge, self.marker = kind, direction, message, edge, marker
        self.action = action                # called with the connection's server process id; None: cut
        self.met, self.over = False, threading.Event()

    def __repr__(self):
        return f"{self.kind}: {self.edge} {self.message} ({self.direction})"


def points_of(shape):
    """Every place to cut: before and inside each message, and behind the last of each direction."""
    for direction in ("requests", "answers"):
        names = [name for way, name in shape if way == direction]
        for name in names:
            yield direction, name, "before"
            yield direction, name, "within"
        if names:
            yield direction, names[-1], "after"


class Transaction:
    def __init__(self, group):
        self.statements = {message.name for message in group}
        self.parameters = {octets for message in group for octets in message.parameters}
        self.point, self.count, self.shape, self.rows = None, collections.Counter(), [], set()

    def name(self, direction, name):
        self.count[direction, name] += 1
        times = self.count[direction, name]
        name = name if times == 1 else f"{name} {times}"
        self.shape.append((direction, name))
        return name


class Message:
    """One of the client's: what it is, of which statement."""

    def __init__(self, octets, word):
        self.octets, self.kind, self.parameters = octets, octets[:1], []
        body = octets[5:]
        if self.kind == b"P":
            statement, query, _ = body.split(b"\0", 2)
            word = statement or query.split(b" = ")[0]      # "set local app.customer_id", whoever it is
        elif self.kind == b"B":
            portal, statement, rest = body.split(b"\0", 2)
            word = statement or word
            self.parameters = _parameters(rest)
        self.word = b"" if self.kind == b"S" else word
        self.name = self.word.decode(errors="replace")
        self.label = f"{self.name} {REQUESTS[self.kind]}".strip() if self.kind in REQUESTS else None


def _parameters(rest):
    formats, = struct.unpack_from(">h", rest)
    place = 2 + 2 * formats
    count, = struct.unpack_from(">h", rest, place)
    place, found = place + 2, []
    for _ in range(count):
        length, = struct.unpack_from(">i", rest, place)
        place += 4
        if length >= 0:
            found.append(rest[place:place + length])
            place += length
    return found


class Wire:
    """One connection through the relay."""

    def __init__(self, relay):
        self.relay, self.lock = relay, threading.RLock()
        self.started, self.pid, self.dead, self.word = False, None, False, b""
        self.left = {"requests": b"", "answers": b""}
        self.group, self.expected, self.transaction = [], collections.deque(), None

    # Each returns what may pass: the octets of each message, the point that it is, and its transaction.

    def requests(self, octets):
        passing = []
        self.left["requests"] += octets
        if not self.started and self._cut_start(passing):
            self.started = True
        while self.started and (message := self._take("requests")) is not None:
            if message[:1] not in REQUESTS:
                passing.append((message, None, None))
                continue
            self.group.append(Message(message, self.word))
            self.word = self.group[-1].word or self.word
            if message[:1] == b"S":
                passing += self._group()
        return passing

    def _cut_start(self, passing):
        left = self.left["requests"]
        if len(left) < 4 or len(left) < struct.unpack(">i", left[:4])[0]:
            return False
        length, = struct.unpack(">i", left[:4])
        passing.append((left[:length], None, None))
        self.left["requests"] = left[length:]
        return True

    def _take(self, direction):
        left = self.left[direction]
        if len(left) < 5 or len(left) < 1 + struct.unpack(">i", left[1:5])[0]:
            return None
        length = 1 + struct.unpack(">i", left[1:5])[0]
        self.left[direction] = left[length:]
        return left[:length]

    def _group(self):
        """A whole group is here: now it is known whose it is."""
        group, self.group = self.group, []
        if self.transaction is None:
            self.transaction = Transaction(group)
            self.relay._begun(self.transaction)
        passing = []
        for message in group:
            name = self.transaction.name("requests", message.label)
            self.expected.append((REQUESTS[message.kind], message.name))
            passing.append((message.octets, self._due("requests", name), self.transaction))
        return passing

    def answers(self, octets):
        passing = []
        self.left["answers"] += octets
        while (message := self._take("answers")) is not None:
            transaction = self.transaction
            passing.append((message, self._heard(message), transaction))
        return passing

    def _heard(self, message):
        kind = message[:1]
        if kind == b"K":
            self.pid, = struct.unpack(">i", message[5:9])
        if kind == b"E":
            while self.expected and self.expected[0][0] != "Sync":
                self.expected.popleft()
        if self.transaction is None or kind not in ANSWERS:
            return None
        does = ANSWERS[kind]
        while self.expected and self.expected[0][0] != ASKED_BY[does]:
            self.expected.popleft()
        statement = self.expected[0][1] if self.expected else ""
        if does == "Row":
            self.transaction.rows.add(statement)
        elif self.expected:
            self.expected.popleft()
        due = self._due("answers", self.transaction.name("answers", f"{statement} {does}".strip()))
        if kind == b"Z" and message[5:6] == b"I":
            self.relay._over(self.transaction)
            self.transaction = None
        return due

    def _due(self, direction, name):
        point = self.transaction.point
        if point is None or point.met or (point.direction, point.message) != (direction, name):
            return None
        point.met = True
        return point


class PgRelay(Relay):
    """A relay whose connections are taken apart."""

    def __init__(self, listen, target):
        self.points, self.shapes, self.committed, self.wires = [], {}, collections.Counter(), {}
        super().__init__(listen, target)

    def plan(self, *points):
        with self.lock:
            self.points += points

    def forget(self):
        """What was planned and not met is not to be met any more."""
        with self.lock:
            self.points = []

    def shape(self, kind):
        """The messages of the last transaction of that kind that went through whole."""
        with self.lock:
            return list(self.shapes.get(kind, []))

    def told(self, kind, marker):
        """How often the client heard COMMIT of such a transaction that gave a row."""
        with self.lock:
            return self.committed[kind, marker]

    def _begun(self, transaction):
        with self.lock:
            for point in self.points:
                if point.kind in transaction.statements and (point.marker is None or point.marker in transaction.parameters):
                    transaction.point = point
                    self.points.remove(point)
                    return

    def _over(self, transaction):
        with self.lock:
            for kind in transaction.statements:
                self.shapes[kind] = transaction.shape

    def _committed(self, transaction):
        with self.lock:
            for kind in transaction.rows:
                for marker in transaction.parameters:
                    self.committed[kind, marker] += 1

    def _wire(self, pair):
        with self.lock:
            return self.wires.setdefault(pair, Wire(self))

    def _pump(self, pair, source, sink, direction):
        wire = self._wire(pair)
        client, server = pair
        while octets := self._receive(source):
            with wire.lock:
                passing = wire.requests(octets) if direction == "requests" else wire.answers(octets)
            for message, point, transaction in passing:
                is_cut = point and not point.action and point.edge != "after"
                if direction == "answers" and message[5:] == b"COMMIT\0" and transaction and not is_cut:
                    self._committed(transaction)        # before it is sent: who hears it may act before we are back
                if wire.dead or not self._pass_one(wire, pair, sink, message, point):
                    break
        if direction == "requests":                 # the client is gone: the server may still answer what it was asked
            self._half_close(server)
            return
        self._end(client)
        self._end(server)
        with self.lock:
            self.pairs.discard(pair)
            self.wires.pop(pair, None)

    def _pass_one(self, wire, pair, sink, message, point):
        if point is None:
            return self._send(sink, message)
        edge = {"before": 0, "within": max(1, len(message) // 2), "after": len(message)}[point.edge]
        if edge and not self._send(sink, message[:edge]):
            return False
        if point.action is None:
            wire.dead = True
            self._end(pair[0])
            self._half_close(pair[1])
            point.over.set()
            return False
        try:
            point.action(wire.pid)
        finally:
            point.over.set()
        return edge == len(message) or self._send(sink, message[edge:])

    @staticmethod
    def _send(sink, octets):
        try:
            sink.sendall(octets)
            return True
        except OSError:
            return False

    @staticmethod
    def _receive(source):
        try:
            return source.recv(65536)
        except OSError:
            return b""

    @staticmethod
    def _half_close(end):
        try:
            end.shutdown(1)
        except OSError:
            pass


def relayed(evenpost, program):
    """That program of a platform, started anew behind such a relay, with few connections."""
    program.kill()
    relay = evenpost.database_relay(program, PgRelay)
    program.env["EVENPOST_CONNECTIONS"] = str(CONNECTIONS)
    program.start()
    if program is evenpost.server:
        evenpost.ready()
    return relay


def uuid_octets(type_id):
    """The sixteen octets of a TypeID, as a parameter carries them."""
    value = 0
    for letter in type_id.rsplit("_", 1)[1]:
        value = value * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    return value.to_bytes(17, "big")[-16:]
