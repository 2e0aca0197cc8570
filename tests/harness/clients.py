"""clients: who sends by the API while something goes wrong, and remembers what it was told."""
import threading

from harness.api import NoAnswer


class Clients:
    """Threads that send messages one after another, each with an idempotency key, and remember what they were told."""

    def __init__(self, customer, count=4, domain="people.test", every_s=0):
        self.customer, self.told, self.untold, self.refused = customer, {}, {}, []
        self.domain, self.every_s, self.ended = domain, every_s, threading.Event()
        self.going, self.number, self.lock = True, 0, threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while self.going:
            with self.lock:
                self.number += 1
                key = f"k{self.number}"
            self.ask(key)
            self.ended.wait(self.every_s)

    def ask(self, key):
        body = {"to": {"address": f"{key}@{self.domain}"}, "subject": key, "text": "Hello\n"}
        try:
            answer = self.customer.api.call("POST", "/v1/messages", body, Idempotency_Key=key)
        except NoAnswer:
            self.untold[key] = body
            return None
        if answer.status == 202:
            self.told[key] = answer["id"]
        else:
            self.refused.append(answer)
        return answer

    def stop(self):
        self.going = False
        self.ended.set()
        for thread in self.threads:
            thread.join()


def assert_each_is_there_once(clients, customer):
    """Every 2xx is a message; asking the unanswered again gives one message a key."""
    assert [a for a in clients.refused if a.status != 503] == []
    for key in list(clients.untold):
        assert clients.ask(key).status == 202
    rows = {row["id"]: row for row in customer.api.every("/v1/messages")}
    assert {id for id in clients.told.values()} <= set(rows), "answered with 202, and gone"
    subjects = [row["subject"] for row in rows.values()]
    assert sorted(subjects) == sorted(set(subjects)), "one Idempotency-Key made two messages"
    assert len(set(clients.told.values())) == len(clients.told)
    return rows
