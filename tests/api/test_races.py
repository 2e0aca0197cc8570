"""Requests that meet: one of them wins, the others are told so, and nothing is done twice or by halves."""
import threading

import pytest


@pytest.fixture(scope="module")
def acme(evenpost):
    acme = evenpost.customer("Races")
    acme.ip(), acme.mailboxes(3)
    return acme


def at_once(*calls):
    """The answers of all these calls, made at the same moment, in their order."""
    answers, gate = [None] * len(calls), threading.Barrier(len(calls))

    def run(place, call):
        gate.wait()
        answers[place] = call()
    threads = [threading.Thread(target=run, args=(place, call), daemon=True) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert None not in answers, "an answer did not come"
    return answers


def statuses(answers):
    return sorted(answer.status for answer in answers)


def message(to, **fields):
    return {"to": {"address": to}, "subject": "s", "text": "t", **fields}


def test_an_acceptance_and_a_suppression_of_one_person_cannot_both_win(acme):
    """Catches a letter to somebody who asked for none, accepted in the moment in which they asked."""
    for n in range(25):
        address = f"race{n}@r.test"
        sent, stopped = at_once(lambda: acme.api.call("POST", "/v1/messages", message(address)),
                                lambda: acme.api.call("POST", "/v1/suppressions", {"address": address} if n % 2 else {"domain": f"d{n}.test"}))
        assert stopped.status == 201 and sent.status in (202, 409), (sent, stopped)
        if n % 2 and sent.status == 202:
            assert acme.message(sent["id"])["state"] == "suppressed"


def test_two_first_writings_to_one_person_cannot_both_win(evenpost):
    acme = evenpost.customer("Court", recipient_gap_days=30)
    acme.ip(), acme.mailboxes(4)
    for n in range(8):
        answers = at_once(*[lambda: acme.api.call("POST", "/v1/messages", message(f"one{n}@r.test"))] * 6)
        assert statuses(answers) == [202] + [409] * 5
        assert {answer.problem for answer in answers if answer.status == 409} == {"recently-written"}


def test_a_second_is_given_to_one_message_only(acme):
    """Catches a slot that is booked twice, or a third message in a day."""
    answers = at_once(*[lambda n=n: acme.api.call("POST", "/v1/messages", message(f"slot{n}@r.test")) for n in range(24)])
    assert statuses(answers) == [202] * 24
    taken = [(answer["mailbox_id"], answer["slot"]["local_day"], answer["slot"]["number"]) for answer in answers]
    assert len(set(taken)) == 24 and {number for _, _, number in taken} <= {0, 1}


@pytest.mark.parametrize("path, body, lost", [("/v1/mailboxes", {"address": "same@r.test"}, 409), ("/v1/domains", {"name": "same.test"}, 409),
                                              ("/v1/pools", {"name": "same"}, 422)])
def test_one_of_ten_equal_things_is_made(acme, path, body, lost):
    assert statuses(at_once(*[lambda: acme.api.call("POST", path, body)] * 10)) == [201] + [lost] * 9


def test_an_ip_goes_to_one_customer(evenpost, acme):
    """P3: two assignments in one moment."""
    other = evenpost.customer("Rival")
    for _ in range(6):
        ip = evenpost.api.post("/v1/ips", {"address": evenpost.session.lot.address(), "host": "h"}, expect=201)["id"]
        calls = [lambda who=who: evenpost.api.call("POST", f"/v1/ips/{ip}/assign", {"customer_id": who.id}) for who in (acme, other) * 3]
        answers = at_once(*calls)
        assert statuses(answers) == [200] + [409] * 5
        winner, = [answer["customer_id"] for answer in answers if answer.status == 200]
        assert evenpost.api.get(f"/v1/ips/{ip}")["customer_id"] == winner


def test_of_changes_on_one_picture_one_is_made(acme):
    mailbox = acme.api.get("/v1/mailboxes")["data"][0]
    pool = acme.api.post("/v1/pools", {"name": "picture"}, expect=201)
    for path, change in ((f"/v1/mailboxes/{mailbox['id']}", "display_name"), (f"/v1/pools/{pool['id']}", "name")):
        tag = acme.api.get(path).headers["ETag"]
        answers = at_once(*[lambda n=n: acme.api.call("PATCH", path, {change: f"new {n}"}, If_Match=tag) for n in range(8)])
        assert statuses(answers) == [200] + [412] * 7
        made, = [answer for answer in answers if answer.status == 200]
        assert acme.api.get(path)[change] == made[change]


def test_a_message_is_cancelled_once_and_a_pause_meets_no_half_booking(acme):
    sent = acme.send_one("cancel@r.test")
    assert statuses(at_once(*[lambda: acme.api.call("POST", f"/v1/messages/{sent['id']}/cancel")] * 8)) == [200] + [409] * 7
    mailbox = acme.api.get("/v1/mailboxes")["data"][1]
    path = f"/v1/mailboxes/{mailbox['id']}"
    for n in range(8):
        sent, paused = at_once(lambda: acme.api.call("POST", "/v1/messages", message(f"pause{n}@r.test", mailbox_id=mailbox["id"])),
                               lambda: acme.api.call("PATCH", path, {"state": "paused"}))
        assert paused.status == 200 and sent.status in (202, 409), (sent, paused)
        assert sent.status == 202 or sent.problem == "mailbox-paused"
        acme.api.patch(path, {"state": "active"})


def test_none_of_them_was_a_deadlock(evenpost):
    """Catches two orders of taking locks: PostgreSQL ends one of them after a second, and everybody waited for that."""
    assert "deadlock detected" not in evenpost.database.process.text()
