"""stages: a delivery held at each stage of its conversation, one lane a stage, so that one signal meets them all."""
from harness.clock import instant

STAGES = ["greeting", "ehlo", "mail", "rcpt", "data", "content", "dot", "replied", "quit"]


class Lane:
    def __init__(self, evenpost, stage):
        self.stage, self.evenpost = stage, evenpost
        self.customer = evenpost.customer(stage)
        self.source = self.customer.ip()["address"]
        self.customer.mailbox()
        self.receiver = evenpost.receiver()
        self.gate = self.receiver.gate(stage)
        self.sent = self.customer.send(1, to=self.receiver)

    def let_go(self):
        """Whoever waits at the gate goes on; nobody comes to it any more."""
        self.receiver.gates.clear()
        self.gate.open()

    def told(self):
        return self.stage, self.sent.rows()[0]["state"], self.receiver.story(), self.customer.attempts(self.sent.ids[0])


def lanes_held(evenpost):
    """The clock is at the last of their slots, and each has come to its gate."""
    lanes = [Lane(evenpost, stage) for stage in STAGES]
    evenpost.clock.jump_to(max(instant(row["slot"]["at"]) for lane in lanes for row in lane.sent.rows()))
    for lane in lanes:
        lane.gate.wait()
    return lanes
