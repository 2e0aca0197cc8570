"""receiver: an SMTP receiver whose manners a test sets, and which counts for itself.

A connection counts from accept() until *we* have closed it, or have seen the peer's reset: as Postfix's anvil counts.
What it heard is kept as conversations and dots. A step of a conversation has a name, in this order:

    greeting  ehlo  mail  rcpt  data  content  dot  replied  rset  quit

Before a step is answered its gate is passed: receiver.gate("rcpt") stops whoever comes there, so that a test may do
something at that very moment. "content" is when the first octets after our 354 arrive, "dot" when the end of data was
read and nothing answered yet, "replied" when our answer to the dot has been handed to the kernel.
"""
import ctypes
import select
import socket
import struct
import threading
import time

from harness.wait import wait_until

CLOSE = object()            # as an answer: close without a word
RESET = object()            # as an answer: reset
HALF_CLOSE = object()       # as an answer: no word more from us, but we still listen
SILENCE = object()          # as an answer: nothing, until the peer gives up
                            # octets as an answer: these alone, then close

ANSWERS = {"greeting": "220 receiver.test ESMTP", "ehlo": "250-receiver.test\r\n250-SIZE 20971520\r\n250 ENHANCEDSTATUSCODES",
           "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on", "dot": "250 2.0.0 taken",
           "rset": "250 2.0.0 ok", "quit": "221 2.0.0 bye"}
VERBS = {b"EHLO": "ehlo", b"HELO": "ehlo", b"MAIL": "mail", b"RCPT": "rcpt", b"DATA": "data", b"RSET": "rset", b"QUIT": "quit"}

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
NO_PAYLOAD = [(0x80, 0, 0, 0), (0x25, 1, 0, 60), (0x06, 0, 0, 0xFFFFFFFF), (0x06, 0, 0, 0)]   # BPF: no segment longer than a head


class Gate:
    """Holds whoever comes to a step. arrive() is the receiver's; the test uses wait() and open()."""

    def __init__(self, deaf=False):
        self.reached, self.opened, self.deaf = threading.Event(), threading.Event(), deaf
        self.conversation = None

    def arrive(self, conversation):
        self.conversation = conversation
        self.reached.set()
        while not self.opened.wait(0.05):
            if not self.deaf and conversation.peer_gone():
                return

    def wait(self, seconds=30):
        assert self.reached.wait(seconds), "nobody came to the gate"
        return self.conversation

    def open(self):
        self.opened.set()


class Dot:
    """One message whose end of data was read."""

    def __init__(self, conversation, sender, recipient, content):
        self.at, self.source, self.conversation = time.monotonic(), conversation.source, conversation
        self.instant = conversation.receiver.now() if conversation.receiver.now else None
        self.sender, self.recipient, self.content = sender, recipient, content
        self.begun, self.begun_instant = conversation.mail_at, conversation.mail_instant
        self.answer = None

    def header(self, name):
        head = self.content.split(b"\r\n\r\n", 1)[0].replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
        return [line.split(b":", 1)[1].strip().decode() for line in head.split(b"\r\n")
                if line.lower().startswith(name.lower().encode() + b":")]


class Receiver:
    """window: how many octets its kernel takes while nobody reads; None: as many as it likes."""

    def __init__(self, address, port=2525, domain="receiver.test", now=None, window=None):
        self.address, self.port, self.domain, self.now = address, port, domain, now
        self.lock = threading.Lock()
        self.answers, self.once, self.gates, self.at = dict(ANSWERS), {}, {}, {}
        self.close_late_s, self.never_close, self.count_late_s = 0.0, False, 0.0
        self.conversations, self.dots, self.unfinished, self.rude = [], [], [], []
        self.open_now, self.open_most = {}, {}
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if window:
            self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.server.bind((address, port))
        self.port = self.server.getsockname()[1]
        self.server.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    # What a test says.

    def answer(self, step, words, times=None):
        """What this step is answered from now on, or the next `times` times. words may be a function of the conversation."""
        with self.lock:
            if times is None:
                self.answers[step] = words
            else:
                self.once.setdefault(step, []).extend([words] * times)

    def gate(self, step, deaf=False):
        """Whoever comes to that step waits there until the gate is opened; a deaf one does not hear the peer go away."""
        gate = self.gates[step] = Gate(deaf)
        return gate

    def when(self, step, action):
        """Calls action(conversation) whenever that step is reached, before it is answered."""
        self.at[step] = action

    # What a test asks.

    def most_open(self, source=None):
        with self.lock:
            return self.open_most.get(source, 0) if source else max(self.open_most.values(), default=0)

    def open(self, source=None):
        with self.lock:
            return self.open_now.get(source, 0) if source else sum(self.open_now.values())

    def dots_to(self, recipient):
        with self.lock:
            return [dot for dot in self.dots if dot.recipient.lower() == recipient.lower()]

    def dots_of(self, sender):
        with self.lock:
            return [dot for dot in self.dots if dot.sender.lower() == sender.lower()]

    def story(self):
        """What each conversation was, for a failure's words."""
        return [(conversation.source, conversation.end, [f"{mark} {words}" for _, mark, words in conversation.lines][-6:])
                for conversation in self.conversations]

    def wait_dots(self, count, seconds=30):
        wait_until(lambda: len(self.dots) >= count, seconds, lambda: f"{count} dots, {len(self.dots)} came")
        return list(self.dots)

    def close(self):
        for gate in self.gates.values():
            gate.open()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for conversation in list(self.conversations):
            conversation.drop()

    # One thread accepts, one holds each conversation.

    def _accept(self):
        while True:
            try:
                connection, peer = self.server.accept()
            except OSError:
                return
            conversation = Conversation(self, connection, peer)
            with self.lock:
                count = self.open_now[peer[0]] = self.open_now.get(peer[0], 0) + 1
                self.open_most[peer[0]] = max(self.open_most.get(peer[0], 0), count)
                conversation.open_then = count
                self.conversations.append(conversation)
            threading.Thread(target=conversation.run, daemon=True).start()

    def _over(self, conversation):
        with self.lock:
            self.open_now[conversation.source] -= 1

    def words_for(self, step, conversation):
        with self.lock:
            queue = self.once.get(step)
            words = queue.pop(0) if queue else self.answers[step]
        return words(conversation) if callable(words) else words


class Ended(Exception):
    """This conversation is over."""


class Conversation:
    def __init__(self, receiver, connection, peer):
        self.receiver, self.connection, self.source, self.peer = receiver, connection, peer[0], peer
        self.opened, self.closed, self.end = time.monotonic(), None, None
        self.lines, self.buffer = [], b""
        self.sender = self.recipient = self.mail_at = self.mail_instant = None
        self.open_then = 0

    def run(self):
        try:
            self._pass("greeting")
            self._reply("greeting")
            while True:
                self._command(self._line())
        except Ended as end:
            self.end = str(end)
        except OSError as trouble:
            self.end = f"lost: {trouble}"
        if not self.receiver.count_late_s:
            self.receiver._over(self)           # first: the peer may be back before close() returns to us
        self.connection.close()
        self.closed = time.monotonic()
        if self.receiver.count_late_s:
            threading.Event().wait(self.receiver.count_late_s)
            self.receiver._over(self)

    def heard(self, verb):
        return any(mark == ">" and words.upper().startswith(verb) for _, mark, words in self.lines)

    def drop(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def lose(self, lost=True):
        """What the peer's segments carry is lost on its way from now on, or no longer: its kernel sends it again and again, with
        nothing new behind it. Its end, or reset, comes through."""
        if not lost:
            self.connection.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
            return
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in NO_PAYLOAD))
        program = struct.pack("HL", len(NO_PAYLOAD), ctypes.addressof(code))
        self.connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def sent_again(self):
        """How often the peer's kernel has sent again what it heard no word of."""
        port, ours = f":{self.peer[1]:04X}", f":{self.receiver.port:04X}"
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table]
        return max((int(row[6], 16) for row in rows if row[1].endswith(port) and row[2].endswith(ours)), default=0)

    def peer_gone(self):
        """The peer has reset, or closed with nothing left to read."""
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        return bool(poll.poll(0))

    def _command(self, line):
        verb = line[:4].upper()
        step = VERBS.get(verb)
        if step is None:
            self.send("502 5.5.2 what?")
            return
        if step == "mail":
            self.sender, self.mail_at = _path(line), time.monotonic()
            self.mail_instant = self.receiver.now() if self.receiver.now else None
        if step == "rcpt":
            self.recipient = _path(line)
        self._pass(step)
        words = self._reply(step)
        if step == "data" and words.startswith("354"):
            self._content()
        if step == "quit":
            self._quit()

    def _content(self):
        content = self.buffer
        self.buffer = b""
        passed = False
        while True:
            if content and not passed:
                passed = True
                self._pass("content")
            end = 0 if content.startswith(b".\r\n") else content.find(b"\r\n.\r\n")
            if end >= 0:
                break
            try:
                octets = self._receive()
            except (Ended, OSError):
                with self.receiver.lock:
                    self.receiver.unfinished.append((self.source, self.recipient, content))
                raise
            content += octets
        self.buffer = content[end + (3 if end == 0 else 5):]
        dot = Dot(self, self.sender, self.recipient, content[:end + 2])
        with self.receiver.lock:
            self.receiver.dots.append(dot)
        self._rudeness("after the dot")
        self._pass("dot")
        dot.answer = self._reply("dot")
        self._pass("replied")

    def _quit(self):
        """The 221 is out. Now the manners: at once, late, or never."""
        if self.receiver.never_close:
            self._until_reset()
            raise Ended("reset after QUIT")
        if self.receiver.close_late_s:
            until = time.monotonic() + self.receiver.close_late_s
            poll = select.poll()
            poll.register(self.connection, 0)                  # errors only: a reset ends it before its time
            poll.poll(max(0, (until - time.monotonic()) * 1000))
        raise Ended("quit")

    def _until_reset(self):
        poll = select.poll()
        poll.register(self.connection, 0)
        while not poll.poll(1000):
            pass

    def _pass(self, step):
        action, gate = self.receiver.at.get(step), self.receiver.gates.get(step)
        if action:
            action(self)
        if gate and not gate.opened.is_set():
            gate.arrive(self)

    def _reply(self, step):
        words = self.receiver.words_for(step, self)
        if words is CLOSE:
            raise Ended(f"closed at {step}")
        if words is RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Ended(f"reset at {step}")
        if words is HALF_CLOSE:
            self.connection.shutdown(socket.SHUT_WR)
        if words is SILENCE or words is HALF_CLOSE:
            while True:
                self._receive()
        self.send(words)
        if isinstance(words, bytes):
            raise Ended(f"raw octets at {step}")
        if words.startswith("421"):
            raise Ended(f"421 at {step}")
        return words

    def send(self, words, more=False):
        """more: in one segment with what follows, be it words or the end."""
        octets = words if isinstance(words, bytes) else words.encode() + b"\r\n"
        self.lines.append((time.monotonic(), "<", words))
        self.connection.sendall(octets, socket.MSG_MORE if more else 0)

    def _line(self):
        while b"\r\n" not in self.buffer:
            self.buffer += self._receive()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        self.lines.append((time.monotonic(), ">", line.decode(errors="replace")))
        self._rudeness(f"behind {line[:4]!r}")
        return line

    def _rudeness(self, where):
        """We offer no PIPELINING: octets behind a command that was not answered yet are a fault."""
        if self.buffer:
            self.receiver.rude.append((where, self.buffer[:80]))

    def _receive(self):
        octets = self.connection.recv(65536)
        if not octets:
            raise Ended("the peer closed")
        return octets


def _path(line):
    return line.split(b"<", 1)[1].split(b">", 1)[0].decode(errors="replace") if b"<" in line else ""
