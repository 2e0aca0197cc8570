"""scene_of_jobs: the jobs come up, find all their kinds of work waiting, do them and are asked to end.

A week has passed each time. A message lost its slot and is booked anew; one whose customer is suspended loses its slot and waits;
one that waited so the time before finds its customer resumed, and is booked; days are laid, openings that nobody took and the answers of
old requests are forgotten, and months of history are made.
"""
from scenes import Point, Scene

from harness.wait import wait_until

WEEK = 8 * 86400


class Jobs(Scene):
    name = "jobs"
    most = 400
    boxes = 0
    drawn = 24
    clean = None            # what the customer is told of each of the three, when nothing goes wrong

    def __init__(self, session):
        super().__init__(session)
        self.turns = [self.evenpost.customer(f"turn {n}") for n in range(2)]
        for customer in self.turns:
            customer.ip()
        self.box, *_ = [customer.mailbox() for customer in (self.acme, *self.turns)]
        assert self.program.terminate() == 0
        self.waits = self.leaves_waiting()
        self.play()                                         # the first has nothing that waits from before

    def leaves_waiting(self):
        """A message whose customer is suspended behind it, each of the two in its turn."""
        customer = self.turns[self.points % 2]
        sent = customer.send_one(f"w{self.points}@people.test")
        self.evenpost.api.post(f"/v1/customers/{customer.id}/suspend", expect=200)
        return sent

    def before(self):
        """A week passes. The one that waits from the time before may go; the next one will wait."""
        if self.points:
            self.evenpost.api.post(f"/v1/customers/{self.turns[(self.points + 1) % 2].id}/resume", expect=200)
            self.goes, self.waits = self.waits, self.leaves_waiting()
        else:
            self.goes = None
        self.lost = self.acme.api.call("POST", "/v1/messages", {"to": {"address": f"l{self.points}@people.test"}, "text": "Hello\n",
                                       "subject": "Hello", "mailbox_id": self.box["id"]}, Idempotency_Key=f"k{self.points}").body
        self.evenpost.clock.jump(WEEK)
        self.database = self.evenpost.database
        self.database.query("update idempotency_keys set created_at = created_at - interval '3 days', expires_at = created_at - interval '1 day'")
        self.database.query("delete from works")            # a dead one's claims are over within seconds: they have passed

    def play(self, injection=(), **environment):
        self.before()
        self.begin(injection, **environment)
        try:
            self.done()
            status = self.asked_to_end()
        except RuntimeError:
            status = self.program.child.returncode
        words = self.words()
        if status != 0:
            self.database.query("delete from works")
            self.again()
            self.done()
            assert self.program.terminate() == 0
        point = Point(status != 0, status, "done", 0, [], words)
        self.judge(point)
        return point

    def done(self):
        def is_done():
            if not self.program.alive:
                raise RuntimeError("the jobs ended")
            now = self.evenpost.clock.now()
            assert self.told(self.waits)["state"] == "accepted"
            for row in self.booked():
                assert row["state"] == "booked" and row["slot"], row
            assert self.database.one("select count(*) from slots where not_after <= %s", now) == 0
            assert self.database.one("select count(*) from openings where at <= %s - interval '1 day'", now) == 0
            assert self.database.one("select count(*) from mailboxes where state = 'active' and laid_until < %s", now.date()) == 0
            assert self.database.one("select count(*) from idempotency_keys where expires_at < now()") == 0
            return True
        wait_until(is_done, 60, lambda: self.program.tail(5))

    def of(self, row):
        """The API as the operator asks it about that message's customer."""
        return self.evenpost.api.as_customer(row["customer_id"])

    def told(self, row):
        return self.of(row).get(f"/v1/messages/{row['id']}").body

    def booked(self):
        return [self.told(row) for row in (self.lost, self.goes) if row]

    def judge(self, point):
        """Nothing was done twice: the customer is told the same events; no slot is an opening too; each day that is laid is whole."""
        events = [[event["type"] for event in self.of(row).every(f"/v1/events?message_id={row['id']}")]
                  for row in (self.lost, self.goes, self.waits) if row]
        if self.goes:
            self.clean = self.clean or events
            assert events == self.clean, (events, self.clean, point)
        assert self.database.one("select count(*) from openings join slots using (customer_id, mailbox_id, local_day, number)") == 0
        days = self.database.query(
            "select mailboxes.address, day, (select count(*) from openings where openings.mailbox_id = mailboxes.mailbox_id "
            "  and local_day = day) + (select count(*) from slots where slots.mailbox_id = mailboxes.mailbox_id and local_day = day) "
            "from mailboxes, generate_series(%s + 1, laid_until - 1, interval '1 day') as day where mailboxes.state = 'active'",
            self.evenpost.clock.now().date())
        assert days and all(count == 2 for _, _, count in days), (days, point)
        for row in self.booked():
            self.of(row).post(f"/v1/messages/{row['id']}/cancel", expect=200)
