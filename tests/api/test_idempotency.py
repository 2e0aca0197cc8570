"""The same Idempotency-Key and the same request: one effect, and the same answer."""
import json
import threading

import pytest

from api.witness import Witness, operation_of
from harness.api import NoAnswer
from harness.wait import wait_until


@pytest.fixture(scope="module")
def another_server(evenpost):
    """The address of a second server over the same database."""
    address = evenpost.session.lot.address()
    server = evenpost._program("server", "evenpost_server", "--listen", f"{address}:8025")
    server.name, server.log = "server-2", evenpost.home / "server-2.log"
    evenpost.extra.append(server)
    server.start()
    api = Witness(address, 8025)

    def serves():
        try:
            return api.call("GET", "/readyz").status == 200
        except NoAnswer:
            return False
    wait_until(serves, 30, server.tail)
    return address


@pytest.fixture(scope="module")
def acme(evenpost):
    acme = evenpost.customer("Twice")
    acme.ip()
    acme.mailbox()
    return acme


def message(to):
    return {"to": {"address": to}, "subject": "Hello", "text": "Hi"}


def test_a_repeated_request_is_answered_as_the_first(acme):
    first = acme.api.post("/v1/messages", message("one@r.test"), Idempotency_Key="k-1")
    for key in ("k-1", '"k-1"'):
        again = acme.api.post("/v1/messages", message("one@r.test"), Idempotency_Key=key)
        assert again.status == 202 and again.octets == first.octets
        assert again.headers["Idempotent-Replayed"] == "true" and again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers


def test_white_space_and_order_mean_nothing(acme):
    first = acme.api.post("/v1/pools", {"name": "space"}, Idempotency_Key="k-2")
    again = acme.api.post("/v1/pools", b'  { "name"\n:"space" } ', Idempotency_Key="k-2")
    assert again["id"] == first["id"]


def test_another_request_is_refused(acme):
    acme.api.post("/v1/pools", {"name": "first"}, Idempotency_Key="k-3")
    answer = acme.api.post("/v1/pools", {"name": "second"}, expect=422, Idempotency_Key="k-3")
    assert answer.problem == "idempotency-key-reused"


def test_another_customer_has_keys_of_its_own(evenpost, acme):
    other = evenpost.customer("Other")
    first = acme.api.post("/v1/pools", {"name": "shared"}, Idempotency_Key="k-4")
    second = other.api.post("/v1/pools", {"name": "shared"}, Idempotency_Key="k-4")
    assert first["id"] != second["id"] and "Idempotent-Replayed" not in second.headers


def test_a_refusal_for_a_reason_is_kept_and_a_fault_is_not(acme):
    """Catches a kept validation failure, which a client could never correct under its key."""
    acme.api.post("/v1/pools", {"name": ""}, expect=422, Idempotency_Key="k-5")
    acme.api.post("/v1/pools", {"name": "corrected"}, expect=201, Idempotency_Key="k-5")
    acme.api.post("/v1/suppressions", {"address": "no@r.test"}, expect=201)
    first = acme.api.post("/v1/messages", message("no@r.test"), expect=409, Idempotency_Key="k-6")
    again = acme.api.post("/v1/messages", message("no@r.test"), expect=409, Idempotency_Key="k-6")
    assert again.headers["Idempotent-Replayed"] == "true" and again.octets == first.octets
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_key_that_is_none_is_malformed(acme):
    for key in ("", '""', "a b", "x" * 256, "ä"):
        headers = {"Idempotency-Key": key.encode("latin-1").decode("latin-1")}
        answer = acme.api.call("POST", "/v1/pools", {"name": "x"}, **headers)
        assert answer.status == 400 and answer.problem == "malformed", answer


def test_fifty_at_once_have_one_effect(acme):
    """Catches two of them between the look and the insert; and one answer that is not the other's."""
    answers, body = [], message("fifty@r.test")

    def send():
        answers.append(acme.api.call("POST", "/v1/messages", body, Idempotency_Key="k-50"))
    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = {answer["id"] for answer in answers if answer.status == 202}
    assert len(ids) == 1 and {answer.status for answer in answers} <= {202, 409}
    assert len(acme.api.every("/v1/messages?to=fifty@r.test")) == 1


def test_a_secret_is_shown_again_only_to_who_asks_with_the_key(evenpost, acme):
    """Catches a key's text in the table of answers: it must be as unreadable there as in its own."""
    first = acme.api.post("/v1/keys", {"name": "secret"}, Idempotency_Key="k-7")
    again = acme.api.post("/v1/keys", {"name": "secret"}, Idempotency_Key="k-7")
    assert again["key"] == first["key"]
    rows = evenpost.database.query("select answer from idempotency_keys where key = 'k-7'")
    assert rows and all(first["key"] not in str(row) for row in rows), rows
    json.dumps(first.body)


EQUAL = [("/v1/pools", {"name": "equal"}, 201), ("/v1/domains", {"name": "equal.test"}, 201), ("/v1/keys", {"name": "equal"}, 201),
         ("/v1/mailboxes", {"address": "m@equal.test"}, 201), ("/v1/suppressions", {"address": "no@equal.test"}, 201),
         ("/v1/messages", message("bo@equal.test"), 202)]


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("path, body, status", EQUAL, ids=[row[0] for row in EQUAL])
def test_of_fifty_equal_requests_one_is_done(evenpost, another_server, path, body, status, servers):
    """Catches a second effect between two processes, which share no memory but the database; the audit is the witness."""
    acme = evenpost.customer("Equal")
    acme.ip()
    acme.mailbox()
    doors = [acme.api, Witness(another_server, 8025, acme.api.key)][:servers]
    answers = []

    def ask(api):
        answers.append(api.call("POST", path, body, Idempotency_Key=f"equal-{servers}"))
    threads = [threading.Thread(target=ask, args=(doors[n % servers],)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {status, 409}
    assert {answer.problem for answer in answers if answer.status == 409} <= {"idempotency-in-flight"}
    done = [answer for answer in answers if answer.status == status]
    assert len({answer.octets for answer in done}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    operation = operation_of("POST", path).id
    made = [row for row in acme.api.every("/v1/audit") if row["api"]["operation"] == operation and row["actor"]["kind"] == "customer"
            and done[0]["id"] in [resource["id"] for resource in row["resources"]]]
    assert len(made) == 1
    assert acme.api.post(path, body, expect=status, Idempotency_Key=f"equal-{servers}").octets == done[0].octets


@pytest.mark.parametrize("path, body, status", EQUAL, ids=[row[0] for row in EQUAL])
def test_an_equal_request_under_another_customer_or_route_is_its_own(evenpost, path, body, status):
    """Catches a key that is looked up without its customer or its route."""
    acme = evenpost.customer("Scoped")
    acme.ip()
    acme.mailbox()
    first = acme.api.post(path, body, expect=status, Idempotency_Key="scope")
    for other, of_other, told in EQUAL:
        if other != path:
            assert "Idempotent-Replayed" not in acme.api.post(other, of_other, expect=told, Idempotency_Key="scope").headers
            break
    again = acme.api.post(path, body, expect=status, Idempotency_Key="scope")
    assert again.octets == first.octets and again.headers["Idempotent-Replayed"] == "true"
