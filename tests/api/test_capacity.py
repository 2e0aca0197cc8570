"""GET /v1/capacity: what the mailboxes' plans have, summed by local day; the plans themselves are the judge."""
import collections
import datetime

import pytest

from harness.clock import instant, rfc3339

OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]


def plans(api, days):
    """The same by asking each mailbox: {local day: Counter of states}."""
    found = collections.defaultdict(collections.Counter)
    for mailbox in api.every("/v1/mailboxes"):
        for entry in api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days={days}")["data"]:
            found[entry["local_day"]][entry["state"]] += 1
    return found


def agrees(api, days):
    told, planned = api.get(f"/v1/capacity?days={days}"), plans(api, days)
    first = datetime.date.fromisoformat(told["data"][0]["local_day"])
    assert [row["local_day"] for row in told["data"]] == [str(first + datetime.timedelta(n)) for n in range(days)]
    for row in told["data"]:
        states = planned[row["local_day"]]
        taken = sum(states[state] for state in ("booked", "authorized", "spent"))
        assert (row["free"], row["booked"], row["slots"]) == (states["free"], taken, sum(states.values())), row
    return told


def test_an_empty_customer_has_nothing(evenpost):
    acme = evenpost.customer("Empty")
    told = acme.api.get("/v1/capacity")
    assert len(told["data"]) == 14 and told["next_free_at"] is None
    assert told["data"][0]["local_day"] == rfc3339(evenpost.clock.now())[:10]
    assert all((row["slots"], row["booked"], row["free"]) == (0, 0, 0) for row in told["data"])


def test_a_mailbox_without_an_ip_has_nothing(evenpost):
    acme = evenpost.customer("No address")
    acme.mailbox()
    assert all(row["slots"] == 0 for row in acme.api.get("/v1/capacity")["data"])


@pytest.mark.parametrize("days", [1, 3, 14, 30])
def test_it_is_the_sum_of_the_plans(evenpost, days):
    """Catches a day of another zone counted under UTC's, a cap that was not asked, and a slot counted twice."""
    acme = evenpost.customer(f"Sum {days}")
    acme.ip()
    for n, zone in enumerate(ZONES):
        acme.mailbox(time_zone=zone, daily_cap=1 + n % 2, window=OFFICE if n % 3 else {**OFFICE, "days": ["sat", "sun", "mon"]})
    agrees(acme.api, days)
    sent = [acme.send_one(f"p{n}@capacity.test") for n in range(7)]
    told = agrees(acme.api, days)
    if days >= 14:
        assert sum(row["booked"] for row in told["data"]) == len(sent)
    acme.api.post(f"/v1/messages/{sent[0]['id']}/cancel", expect=200)
    agrees(acme.api, days)


def test_the_next_free_moment_is_the_one_that_is_booked(evenpost):
    """Catches a promise that the next message does not get."""
    acme = evenpost.customer("Next")
    acme.ip()
    for zone in ZONES[:3]:
        acme.mailbox(time_zone=zone)
    for n in range(8):
        at = acme.api.get("/v1/capacity?days=14")["next_free_at"]
        assert acme.send_one(f"p{n}@next.test")["slot"]["at"] == at


def test_what_cannot_be_booked_is_not_free(evenpost):
    """Catches room that a paused mailbox, a suspended customer or an unproven domain does not have."""
    acme = evenpost.customer("Cannot")
    acme.ip()
    one, two = acme.mailboxes(2)
    sent = acme.send_one("bo@cannot.test", one)
    def free():
        return sum(row["free"] for row in acme.api.get("/v1/capacity")["data"])
    whole = free()
    acme.api.patch(f"/v1/mailboxes/{two['id']}", {"state": "paused"})
    assert 0 < free() < whole
    acme.api.patch(f"/v1/mailboxes/{two['id']}", {"state": "active"})
    assert free() == whole
    evenpost.api.post(f"/v1/customers/{acme.id}/suspend", expect=200)
    told = acme.api.get("/v1/capacity")
    assert sum(row["free"] for row in told["data"]) == 0 and told["next_free_at"] is None
    assert sum(row["booked"] for row in told["data"]) == (acme.message(sent["id"])["slot"] is not None)


def test_a_day_that_is_over_is_gone(platform):
    evenpost = platform(worker=False)
    acme = evenpost.customer("Passing")
    acme.ip()
    acme.mailboxes(5)
    before = agrees(acme.api, 5)
    evenpost.clock.jump_to(instant(before["next_free_at"]) + datetime.timedelta(hours=30))
    after = agrees(acme.api, 5)
    assert after["data"][0]["local_day"] > before["data"][0]["local_day"]
    assert instant(after["next_free_at"]) > evenpost.clock.now()


def test_more_mailboxes_than_a_page(evenpost):
    """Catches a page's end that is taken for the list's: 300 mailboxes are three pages of 14 days, and many of 90."""
    acme = evenpost.customer("Pages")
    acme.ip()
    rows = [{"address": f"m{n}@pages.test", "window": {**OFFICE, "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}}
            for n in range(300)]
    acme.api.post("/v1/mailboxes", {"mailboxes": rows}, expect=201)
    for days in (14, 90):
        told = acme.api.get(f"/v1/capacity?days={days}")
        assert {row["slots"] for row in told["data"][1:]} == {600}


def test_it_is_asked_by_or_for_a_customer(evenpost):
    acme = evenpost.customer("Asked")
    assert evenpost.api.get("/v1/capacity", expect=400).problem == "customer-required"
    assert acme.operator.get("/v1/capacity").status == 200
    for days in ("0", "91", "x", "-1"):
        assert acme.api.get(f"/v1/capacity?days={days}", expect=422).problem == "validation"
