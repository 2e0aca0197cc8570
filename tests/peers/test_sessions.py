"""Many messages over one session, with a receiver that refuses at random: each outcome is the receiver's own (T34)."""
import os
import random
import threading

from harness.receiver import CLOSE
from harness.wait import wait_until

SEED = int(os.environ.get("EVENPOST_TEST_SEED", "2026"))
MESSAGES = 100
REFUSALS = {"mail": ["451 4.3.0 not now", "550 5.7.1 no"], "rcpt": ["450 4.2.1 not now", "550 5.7.1 no"],
            "data": ["451 4.3.0 not now", "554 5.5.1 no"], "dot": ["451 4.3.0 not now", "554 5.7.1 no"], "rset": ["502 5.5.1 no", CLOSE]}


class Dice:
    """Numbers each refusal and each delivery, and remembers to whom it was told."""

    def __init__(self, receiver, seed):
        self.random, self.lock, self.told, self.number = random.Random(seed), threading.Lock(), {}, 0
        self.fine = dict(receiver.answers)
        for step in REFUSALS:
            receiver.answer(step, lambda conversation, step=step: self.throw(step, conversation))

    def throw(self, step, conversation):
        with self.lock:
            if self.random.random() < (0.5 if step == "rset" else 0.85):
                return self.fine[step] if step != "dot" else self.numbered(self.fine[step], conversation)
            words = self.random.choice(REFUSALS[step])
            return words if step in ("mail", "rset") or words is CLOSE else self.numbered(words, conversation)

    def numbered(self, words, conversation):
        self.number += 1
        self.told.setdefault(conversation.recipient, []).append((words[:3], self.number))
        return f"{words} #{self.number}"


def numbers_of(attempts):
    """What the customer is told of replies that carry a number, oldest first; MAIL's do not know the recipient yet."""
    replies = [attempt["reply"] for attempt in sorted(attempts, key=lambda attempt: attempt["at"]) if attempt["reply"]]
    return [(str(reply["code"]), int(reply["text"].split("#")[1])) for reply in replies if "#" in reply["text"]]


def test_t034_each_of_a_hundred_messages_gets_its_own_reply(platform):
    """Catches message B that is told by A's reply, DATA after a refused RCPT, and a RSET that is taken for granted."""
    evenpost = platform(rate=1440)
    acme = evenpost.customer()
    acme.ip(), acme.mailboxes(MESSAGES)
    receiver = evenpost.receiver()
    dice = Dice(receiver, SEED)
    sent = acme.send(MESSAGES, to=receiver)
    sent.wait_until("delivered", "bounced", seconds=240)
    for id, row in zip(sent.ids, sent.rows()):
        to = row["to"]["address"]
        assert numbers_of(acme.attempts(id)) == dice.told.get(to, []), (SEED, to)
        final = [dot for dot in receiver.dots_to(to) if dot.answer.startswith("250")]
        assert len(final) == (row["state"] == "delivered"), (SEED, to, row["state"])
    assert receiver.rude == [] and receiver.most_open() == 1
    wait_until(lambda: receiver.open() == 0, 40)
    most = max(sum(words.startswith("MAIL") for _, mark, words in conversation.lines if mark == ">")
               for conversation in receiver.conversations)
    assert most >= 3, f"sessions were reused, {most} messages at most"
