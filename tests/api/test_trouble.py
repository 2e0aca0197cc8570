"""The same key, the same effect: when requests meet, when answers are lost, when the server or the database dies between.

Each trouble is made with a commit that waits at its very end (harness Brake): all is done, and nobody knows it yet.
"""
import threading
import time

import psycopg
import pytest

from harness.api import NoAnswer
from harness.wait import wait_until


@pytest.fixture
def acme(evenpost):
    acme = evenpost.customer("Trouble")
    acme.ip(), acme.mailboxes(2)
    return acme


@pytest.fixture
def brake(evenpost):
    """Commits of new messages wait; released at the end, whatever the test did."""
    brake = evenpost.database.brake("messages")
    yield brake
    if not brake.holder.closed:
        brake.release()


def message(to, **fields):
    return {"to": {"address": to}, "subject": "s", "text": "t", **fields}


class Call(threading.Thread):
    """A request in a thread of its own; its answer, or that there was none."""

    def __init__(self, api, path, body, method="POST", **headers):
        super().__init__(daemon=True)
        self.api, self.path, self.body, self.method, self.headers = api, path, body, method, headers
        self.answer, self.took = None, None
        self.start()

    def run(self):
        since = time.monotonic()
        try:
            self.answer = self.api.call(self.method, self.path, self.body, **self.headers)
        except NoAnswer as nothing:
            self.answer = nothing
        self.took = time.monotonic() - since

    def result(self, seconds=20):
        self.join(seconds)
        assert not self.is_alive(), "no answer"
        return self.answer


def messages_to(acme, address):
    return acme.api.every(f"/v1/messages?to={address}")


def test_an_equal_request_in_flight_is_waited_for_five_seconds(acme, brake):
    """Catches an equal request that is done twice, and one that hangs as long as the first does."""
    first = Call(acme.api, "/v1/messages", message("flight@r.test"), Idempotency_Key="flight")
    brake.reached()
    second = Call(acme.api, "/v1/messages", message("flight@r.test"), Idempotency_Key="flight")
    told = second.result()
    assert told.status == 409 and told.problem == "idempotency-in-flight", told
    assert 4 < second.took < 8
    third = Call(acme.api, "/v1/messages", message("flight@r.test"), Idempotency_Key="flight")
    brake.release()
    made, again = first.result(), third.result()
    assert made.status == again.status == 202 and made["id"] == again["id"]
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in made.headers
    assert len(messages_to(acme, "flight@r.test")) == 1


def test_another_request_under_the_same_key_in_flight_is_not_mistaken_for_it(acme, brake):
    first = Call(acme.api, "/v1/messages", message("one@r.test"), Idempotency_Key="mixed")
    brake.reached()
    other = Call(acme.api, "/v1/messages", message("two@r.test"), Idempotency_Key="mixed")
    brake.release()
    assert first.result().status == 202
    assert other.result().status == 422 and other.answer.problem == "idempotency-key-reused", other.answer
    assert messages_to(acme, "two@r.test") == []


def test_another_key_another_customer_and_another_route_wait_for_nobody(evenpost, acme, brake):
    """Catches a key that is the platform's: it belongs to a customer, a method and a route."""
    first = Call(acme.api, "/v1/messages", message("mine@r.test"), Idempotency_Key="shared")
    brake.reached()
    other = evenpost.customer("Neighbour")
    made = other.api.post("/v1/pools", {"name": "n"}, expect=201, Idempotency_Key="shared")
    mine = acme.api.post("/v1/pools", {"name": "n"}, expect=201, Idempotency_Key="shared")
    assert made["id"] != mine["id"]
    brake.release()
    assert first.result().status == 202


def test_a_server_that_dies_between_commit_and_answer_gives_the_same_id_later(evenpost, acme, brake):
    """Catches the double letter of every client that repeats what it had no answer to (P1)."""
    first = Call(acme.api, "/v1/messages", message("killed@r.test"), Idempotency_Key="killed")
    brake.reached()
    evenpost.server.kill()
    assert isinstance(first.result(), NoAnswer)
    brake.release()
    wait_until(lambda: evenpost.database.one("select count(*) from messages where to_address = 'killed@r.test'") == 1, 10)
    evenpost.server.start()
    evenpost.ready()
    again = acme.api.post("/v1/messages", message("killed@r.test"), expect=202, Idempotency_Key="killed")
    assert again.headers["Idempotent-Replayed"] == "true"
    row, = messages_to(acme, "killed@r.test")
    assert row["id"] == again["id"]
    assert len({event["id"] for event in acme.api.every(f"/v1/events?message_id={row['id']}")}) == 2


def test_a_server_that_dies_before_its_commit_leaves_nothing_and_the_key_is_free(evenpost, acme, brake):
    first = Call(acme.api, "/v1/messages", message("undone@r.test"), Idempotency_Key="undone")
    brake.reached()
    evenpost.server.kill()
    brake.fail()
    first.result()
    evenpost.server.start()
    evenpost.ready()
    assert messages_to(acme, "undone@r.test") == []
    again = acme.api.post("/v1/messages", message("undone@r.test"), expect=202, Idempotency_Key="undone")
    assert "Idempotent-Replayed" not in again.headers and len(messages_to(acme, "undone@r.test")) == 1


def test_a_commit_that_was_refused_is_503_and_done_once_when_asked_again(acme, brake):
    """Catches a 2xx before the commit's own word, and a 5xx that a client may not repeat."""
    first = Call(acme.api, "/v1/messages", message("refused@r.test"), Idempotency_Key="refused")
    brake.reached()
    brake.fail()
    told = first.result()
    assert told.status == 503 and told.problem == "unavailable" and int(told.headers["Retry-After"]) > 0, told
    assert messages_to(acme, "refused@r.test") == []
    made = acme.api.post("/v1/messages", message("refused@r.test"), expect=202, Idempotency_Key="refused")
    assert [row["id"] for row in messages_to(acme, "refused@r.test")] == [made["id"]]


def test_t155_a_month_that_is_attached_meanwhile_refuses_nobody(evenpost, acme):
    """Catches a 503 for a row that waited for the default partition while its month's own one was made of it."""
    database = evenpost.database
    parts = database.query("select inhrelid::regclass::text from pg_inherits join pg_class on pg_class.oid = inhrelid "
                           "where inhparent = 'events'::regclass and relname <> 'events_default'")
    for part, in parts:
        database.query(f"alter table events detach partition {part}")
        database.query(f"drop table {part}")
    with psycopg.connect(database.url()) as jobs:
        jobs.execute("lock table events_default in access exclusive mode")
        call = Call(acme.api, "/v1/messages", message("t155@people.test"))
        wait_until(lambda: database.one("select count(*) from pg_locks where relation = 'events_default'::regclass and not granted"))
        jobs.execute("select history_ahead(%s, 1)", [evenpost.clock.now()])
    answer = call.result()
    assert answer.status == 202, answer
    assert len(messages_to(acme, "t155@people.test")) == 1


def test_without_the_database_every_answer_is_a_503_that_says_so(evenpost, acme):
    """Catches a request that hangs, and a server that must be started again after an outage."""
    evenpost.database.crash()
    try:
        calls = [Call(acme.api, path, body, method, Idempotency_Key="out") for method, path, body in (
            ("GET", "/v1/me", None), ("GET", "/v1/messages", None), ("POST", "/v1/messages", message("out@r.test")))]
        for call in calls:
            assert call.result().status == 503 and call.answer.problem == "unavailable", call.answer
            assert call.took < 8 and call.answer.headers["Retry-After"].isdigit()
        ready = evenpost.api.with_key(None).call("GET", "/readyz")
        assert ready.status == 503 and evenpost.api.with_key(None).get("/healthz").status == 200
    finally:
        evenpost.database.start()
    evenpost.ready()
    assert acme.api.post("/v1/messages", message("out@r.test"), expect=202, Idempotency_Key="out").status == 202
    assert len(messages_to(acme, "out@r.test")) == 1


def test_a_key_is_kept_for_whatever_post_it_was_given_to(evenpost, acme):
    """Catches an action that is done twice: pause, cancel, resend and assign are POSTs like any other."""
    sent = acme.send_one("cancelled@r.test")
    path = f"/v1/messages/{sent['id']}/cancel"
    first = acme.api.post(path, expect=200, Idempotency_Key="cancel")
    again = acme.api.post(path, expect=200, Idempotency_Key="cancel")
    assert again.octets == first.octets and again.headers["Idempotent-Replayed"] == "true"
    other = acme.send_one("other@r.test")
    told = acme.api.post(f"/v1/messages/{other['id']}/cancel", expect=422, Idempotency_Key="cancel")
    assert told.problem == "idempotency-key-reused", "the same route, another message: another request"
    made = evenpost.api.post("/v1/customers", {"name": "Op", "mode": "sandbox"}, expect=201, Idempotency_Key="operator")
    again = evenpost.api.post("/v1/customers", {"mode": "sandbox", "name": "Op"}, expect=201, Idempotency_Key="operator")
    assert again["id"] == made["id"] and again.headers["Location"] == made.headers["Location"]
    assert [row["name"] for row in evenpost.api.every("/v1/customers")].count("Op") == 1


def test_what_could_not_be_judged_is_not_kept(evenpost, acme):
    """Catches a 401 or a 403 that stays for two days under a key which then cannot be used."""
    acme.api.with_key(None).post("/v1/pools", {"name": "later"}, expect=401, Idempotency_Key="later")
    narrow = acme.api.post("/v1/keys", {"name": "narrow", "scopes": ["messages:read"]}, expect=201)["key"]
    acme.api.with_key(narrow).post("/v1/pools", {"name": "later"}, expect=403, Idempotency_Key="later")
    acme.api.post("/v1/pools", b"{", expect=400, Idempotency_Key="later")
    acme.api.post("/v1/pools", {"name": "later", "colour": "red"}, expect=422, Idempotency_Key="later")
    made = acme.api.post("/v1/pools", {"name": "later"}, expect=201, Idempotency_Key="later")
    assert "Idempotent-Replayed" not in made.headers


@pytest.mark.parametrize("first, second", [("  spaced  ", "spaced"), ('"quoted"', "quoted"), ("a" * 255, '"' + "a" * 255 + '"')])
def test_one_key_in_two_spellings_is_one_key(acme, first, second):
    made = acme.api.post("/v1/pools", {"name": second[:20]}, expect=201, Idempotency_Key=first)
    assert acme.api.post("/v1/pools", {"name": second[:20]}, expect=201, Idempotency_Key=second)["id"] == made["id"]


def test_the_meaning_is_compared_and_nothing_less(acme):
    """Catches a comparison of octets, and one that takes two requests for equal."""
    body = {"to": {"address": "same@r.test", "name": "\u00fc"}, "subject": "s", "text": "t", "metadata": {"a": "1", "b": "2"}}
    made = acme.api.post("/v1/messages", body, expect=202, Idempotency_Key="meaning")
    spelled = b'{ "metadata":{"b":"2","a":"1"}, "text":"\\u0074","subject":"s" ,"to":{"name":"\\u00FC","address":"same@r.test"}}'
    assert acme.api.post("/v1/messages", spelled, expect=202, Idempotency_Key="meaning")["id"] == made["id"]
    for change in ({"text": "t "}, {"metadata": {"a": "1"}}, {"tag": "x"}, {"to": {"address": "Same@r.test", "name": "\u00fc"}}):
        told = acme.api.post("/v1/messages", {**body, **change}, expect=422, Idempotency_Key="meaning")
        assert told.problem == "idempotency-key-reused", change


def test_a_follower_of_events_hears_of_every_one(evenpost, acme):
    """Catches an event that commits behind one that was read already, with an earlier id: it was never heard of."""
    waiting = acme.send_one("waiting@r.test")
    brake = evenpost.database.brake("messages")
    slow = Call(acme.api, "/v1/messages", message("slow@r.test"))
    brake.reached()
    acme.api.post(f"/v1/messages/{waiting['id']}/cancel", expect=200)
    heard = acme.api.every("/v1/events")
    brake.release()
    assert slow.result().status == 202
    wait_until(lambda: len(acme.api.every("/v1/events")) == 8, 10, lambda: acme.api.every("/v1/events"))
    later = acme.api.get(f"/v1/events?after={heard[-1]['id']}")["data"]
    ids = [event["id"] for event in heard + later]
    assert sorted(ids) == sorted(event["id"] for event in acme.api.every("/v1/events")) and len(set(ids)) == len(ids)
    assert {event["type"] for event in later if event["data"].get("message_id") == slow.answer["id"]} == {
        "message.accepted", "message.booked"}
