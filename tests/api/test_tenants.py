"""Two tenants at once and at random on one connection to the database: the wall stands behind errors, aborts and lost connections."""
import os
import random
import threading
import uuid


class Crowd:
    """Clients of two tenants who ask at random, all through one connection of the server to its database."""

    def __init__(self, evenpost, seed, clients, each):
        self.evenpost, self.seed, self.each, self.mixed, self.told = evenpost, seed, each, [], {}
        self.tenants = [self._tenant(name) for name in ("amber7d1f", "basalt9c2e")]
        self.threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]

    def _tenant(self, mark):
        customer = self.evenpost.customer(mark)
        customer.mark = mark
        customer.ip()
        customer.box = customer.mailbox(f"ann@{mark}.test")
        customer.first = customer.send_one(f"first@{mark}.example", customer.box, subject=mark)["id"]
        return customer

    def run(self):
        for thread in self.threads:
            thread.start()
        dice = random.Random(f"{self.seed} killer")
        while any(thread.is_alive() for thread in self.threads):
            self.threads[0].join(dice.uniform(0.2, 0.6))
            self.evenpost.database.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'evenpost_server'")

    def _client(self, number):
        dice = random.Random(f"{self.seed} {number}")
        for turn in range(self.each):
            ours, theirs = dice.sample(self.tenants, 2)
            method, path, body, headers = self._request(dice, ours, theirs, f"{number}-{turn}")
            answer = ours.api.call(method, path, body, **headers)
            self.told[answer.status] = self.told.get(answer.status, 0) + 1
            if theirs.mark.encode() in answer.octets or theirs.id.encode() in answer.octets:
                self.mixed.append((number, turn, method, path, answer))

    @staticmethod
    def _request(dice, ours, theirs, name):
        message = {"to": {"address": f"p{name}@{ours.mark}.example"}, "subject": ours.mark, "text": "x", "mailbox_id": ours.box["id"]}
        return dice.choice([
            ("GET", "/v1/messages?limit=5", None, {}), ("GET", "/v1/events?limit=5", None, {}), ("GET", "/v1/me", None, {}),
            ("GET", f"/v1/messages/{ours.first}", None, {}), ("GET", f"/v1/messages/{theirs.first}", None, {}),
            ("POST", "/v1/messages", message, {"Idempotency_Key": f"same-{dice.randrange(20)}"}),
            ("POST", "/v1/messages", message, {}), ("POST", "/v1/messages", {**message, "mailbox_id": theirs.box["id"]}, {}),
            ("POST", f"/v1/messages/{theirs.first}/cancel", None, {}),
            ("POST", "/v1/suppressions", {"address": f"no{name}@{ours.mark}.example"}, {}),
            ("PATCH", f"/v1/mailboxes/{ours.box['id']}", {"display_name": ours.mark}, {"If_Match": dice.choice(['"x"', "*"])}),
            ("PATCH", f"/v1/mailboxes/{theirs.box['id']}", {"display_name": ours.mark}, {})])


def test_t113_two_tenants_at_random_on_one_connection_are_never_mixed(platform):
    """Catches the tenant of a request that stays set for the next, behind an error, an abort or a lost connection (T112, T113)."""
    seed = os.environ.get("EVENPOST_SEED") or uuid.uuid4().hex
    evenpost = platform(worker=False, environment={"EVENPOST_CONNECTIONS": "1"})
    crowd = Crowd(evenpost, seed, clients=6, each=4000 if os.environ.get("EVENPOST_TEST_LONG") == "1" else 200)
    crowd.run()
    assert crowd.mixed == [], (seed, crowd.mixed[:3])
    assert {200, 202, 404, 412} <= set(crowd.told), (seed, crowd.told)
    for ours in crowd.tenants:
        for table, column in (("messages", "subject"), ("suppressions", "address_key"), ("mailboxes", "display_name"),
                              ("events", "data::text"), ("recipients", "address_key")):
            assert evenpost.database.one(f"select count(*) from {table} where {column} like %s and customer_id <> "
                                         "(select customer_id from customers where name = %s)", f"%{ours.mark}%", ours.mark) == 0, \
                (seed, table)
