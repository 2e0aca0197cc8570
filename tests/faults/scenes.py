"""scenes: one thing that a program does from its start to its end, again and again on one platform, with a fault in it each time.

    scene.play(injection)       starts the program behind the injection, lets it do its work, ends it; if it died, it is started
                                again as a supervisor would. The end is judged, and told as a Point.

What is judged is the same for every fault: what was accepted is there and ends with a reason (P1), no mailbox shows more dots
in a day than its cap (P2), the receiver never counts a second connection (P4), no message is offered a second dot (P6), and a
request that is asked again under its Idempotency-Key is one message.
"""
import dataclasses
import subprocess

from harness.api import NoAnswer
from harness.clock import instant
from harness.evenpost import SETTLED, Evenpost
from harness.judge import most_in_a_day
from harness.wait import wait_until

CLOSED_SOON = {"EVENPOST_TAKEOVER_WAIT": "0", "EVENPOST_CONNECTIONS": "1", "EVENPOST_CLOSE_WAIT": "2", "EVENPOST_PERMIT_GRACE": "1"}


@dataclasses.dataclass
class Point:
    """What came of one fault."""
    died: bool              # the program did not live to do it all
    status: int             # with which it ended, if it died
    state: str              # of the message at last
    dots: int               # that the receiver read of it
    attempts: list          # as the customer is told them, the first first
    words: str              # of the program while the fault was in it


class Scene:
    name = None
    busy = 0.5              # that share of its life, at the end, is not its start
    most = 1000             # points of one sweep
    heart = None            # what is said first and last while it is open whether the thing is done
    boxes = 30
    drawn = 12              # points of the CI tier, beside those at its heart

    def __init__(self, session):
        self.evenpost = Evenpost(session, environment=CLOSED_SOON)
        self.evenpost.may_give_up = True
        self.evenpost.start(worker=False)
        self.acme = self.evenpost.customer()
        self.source = self.acme.ip()["address"]
        self.acme.mailboxes(self.boxes)
        self.receiver = self.evenpost.receiver()
        self.program = getattr(self.evenpost, self.name)
        self.plain, self.environment = self.program.argv, dict(self.program.env)
        self.points = 0

    def close(self):
        self.evenpost.stop()

    def begin(self, injection=(), **environment):
        self.points += 1
        self.program.argv = [str(word) for word in [*injection, *self.plain]]
        self.program.env = {**self.environment, **environment}
        self.heard = len(self.program.text())
        self.program.start()

    def again(self):
        """As the supervisor does: nothing is in its way any more."""
        self.program.kill()
        self.program.argv, self.program.env = self.plain, self.environment
        self.program.start()

    def asked_to_end(self):
        """SIGTERM, and once more: what breaks the pipe by which libuv takes signals loses one."""
        self.program.child.terminate()
        try:
            return self.program.child.wait(20)
        except subprocess.TimeoutExpired:
            return self.program.terminate()

    def words(self):
        return self.program.text()[self.heard:]


class Delivery(Scene):
    """A worker takes its lane, delivers one message and is asked to end."""
    name = "worker"
    heart = '"DATA', '"QUIT'
    ends = {"delivered": {1}, "unconfirmed": {0, 1}}        # the states in which the message may rest, and its dots then
    message = {}

    def before(self):
        """What has happened when the program begins."""

    def play(self, injection=(), **environment):
        self.before()
        person = f"p{self.points + 1}@{self.receiver.domain}"
        sent = self.acme.send(1, to=person, **self.message)
        self.begin(injection, **environment)
        status = None
        try:
            self.evenpost.play(sent, *SETTLED, seconds=90)
            status = self.asked_to_end()
        except RuntimeError:                                # it is gone
            status = self.program.child.returncode
        words = self.words()
        if status != 0:
            self.again()
            self.evenpost.play(sent, *SETTLED, seconds=90)
            self.program.terminate()
        row, = sent.rows()
        point = Point(status != 0, status, row["state"], len(self.receiver.dots_to(person)),
                      sorted(self.acme.attempts(sent.ids[0]), key=lambda attempt: attempt["at"]), words)
        self.judge(row, point)
        return point

    def judge(self, row, point):
        told = [point, self.receiver.story()[-2:]]
        assert row["explanation"]["text"], told
        assert point.dots in self.ends.get(point.state, ()), told
        wait_until(lambda: self.receiver.open() == 0, 10, "the last connection is closed")
        assert self.receiver.most_open(self.source) == 1 and self.receiver.rude == [], told
        assert most_in_a_day(self.receiver.dots) <= 2, told


class Takeover(Delivery):
    """The owner before was killed between a dot and its reply: that message is unconfirmed, whatever happens to the next owner."""
    most = 60               # each has two owners and a wait

    def before(self):
        gate = self.receiver.gate("dot")
        self.left = self.acme.send(1, to=f"left{self.points}@{self.receiver.domain}")
        self.evenpost.clock.jump_to(instant(self.left.rows()[0]["slot"]["at"]))
        self.program.argv, self.program.env = self.plain, self.environment
        self.program.start()
        gate.wait()
        self.program.kill()
        self.receiver.gates.clear()
        gate.open()

    def judge(self, row, point):
        super().judge(row, point)
        assert self.left.states() == ["unconfirmed"], point
        assert len(self.receiver.dots_to(f"left{self.points - 1}@{self.receiver.domain}")) == 1, point


class Acceptance(Scene):
    """A server comes up, accepts one message and is asked to end. The client asks again until it was told something."""
    name = "server"
    heart = '"POST ', 'sendmsg('
    busy = 0.06             # OpenSSL and the pools are made before
    message = {}

    def __init__(self, session):
        super().__init__(session)
        assert self.evenpost.server.terminate() == 0

    def play(self, injection=(), **environment):
        self.begin(injection, **environment)
        key = f"k{self.points}"
        self.acme.api.timeout = 5           # of a client that asks again
        first = self.ask(key) if self.serves() else None
        self.acme.api.timeout = 60
        status = self.asked_to_end() if self.program.alive else self.program.child.returncode
        words = self.words()
        self.again()
        self.evenpost.ready()
        second = self.ask(key)
        self.judge(key, first, second, words)
        assert self.program.terminate() == 0
        return Point(status != 0, status, "told" if first and first.status == 202 else "untold" if first is None else str(first.status),
                     0, [first, second], words)

    def serves(self):
        """It came up; or it died before."""
        try:
            return wait_until(lambda: not self.program.alive or self.evenpost._status("/readyz") == 200, 15) and self.program.alive
        except AssertionError:
            return False

    def ask(self, key):
        body = {"to": {"address": f"{key}@{self.receiver.domain}"}, "subject": key, "text": "Hello\n", **self.message}
        return self.asked("POST", "/v1/messages", body, key)

    def asked(self, method, path, body, key):
        """None: there was no whole answer. One without its headers is none of ours."""
        try:
            answer = self.acme.api.call(method, path, body, **({"Idempotency_Key": key} if key else {}))
        except NoAnswer:
            return None
        whole = {"Content-Type", "Cache-Control", "X-Content-Type-Options", "Request-Id"} <= set(answer.headers.keys())
        assert whole or answer.status >= 500, (method, path, answer, dict(answer.headers))
        return answer

    def judge(self, key, first, second, words):
        told = [first, second, words[-800:]]
        assert first is None or first.status in (202, 503), told
        assert second is not None and second.status == 202, told
        assert first is None or first.status != 202 or first["id"] == second["id"], told
        rows = self.evenpost.database.query("select subject from messages where subject = %s", key)
        assert len(rows) == 1, (rows, told)
