"""Lists: each row once, newest first, whoever writes meanwhile; cursors that belong to their list; and who sees what."""
import threading

import pytest

from api import witness

CONTRACT = witness.CONTRACT
LISTS = [operation for operation in CONTRACT.operations if operation.method == "GET" and "limit" in operation.query]
CUSTOMERS = [operation for operation in LISTS if operation.who != "operator"]
PATHS = sorted(operation.path for operation in CUSTOMERS)


@pytest.fixture(scope="module")
def acme(evenpost):
    """A customer with a dozen of everything."""
    acme = evenpost.customer("Lists")
    for n in range(12):
        acme.ip()
        acme.api.post("/v1/keys", {"name": f"k{n}"}, expect=201)
        acme.api.post("/v1/pools", {"name": f"p{n}"}, expect=201)
        acme.api.post("/v1/domains", {"name": f"d{n}.test"}, expect=201)
        acme.mailbox(f"m{n}@lists.test")
        acme.api.post("/v1/suppressions", {"address": f"s{n}@lists.test"}, expect=201)
        acme.send_one(f"r{n}@people.test", tag="odd" if n % 2 else "even")
    return acme


def page_of(api, path, limit, cursor, **query):
    words = "".join(f"&{name}={value}" for name, value in query.items())
    return api.get(f"{path}?limit={limit}{words}" + (f"&cursor={cursor}" if cursor else ""))


def walk(api, path, limit, between=lambda: None, **query):
    rows, cursor = [], None
    while True:
        page = page_of(api, path, limit, cursor, **query)
        assert len(page["data"]) <= limit
        rows += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows
        assert len(page["data"]) == limit, "only the last page may be shorter"
        between()


@pytest.mark.parametrize("path", PATHS)
def test_a_list_is_the_same_in_pages_of_any_size(acme, path):
    """Catches a row that falls between two pages, and a next cursor on the last page."""
    whole = [row["id"] for row in walk(acme.api, path, 200)]
    assert len(whole) >= 12 and len(set(whole)) == len(whole)
    for limit in (1, 3, len(whole) - 1, len(whole)):
        assert [row["id"] for row in walk(acme.api, path, limit)] == whole, limit
    assert page_of(acme.api, path, len(whole), None)["next_cursor"] is None, "a page that holds all has no next"
    kinds = [id.split("_")[0] for id in whole]
    if path != "/v1/events":
        assert whole == sorted(whole, reverse=True) and len(set(kinds)) == 1, "newest first: the ids are by time"
    else:
        assert whole == sorted(whole), "events are oldest first"


@pytest.mark.parametrize("path", PATHS)
def test_the_default_page_has_fifty_and_no_page_more_than_two_hundred(acme, path):
    assert len(acme.api.get(path)["data"]) <= 50
    for limit in ("0", "201", "-1", "1.5", "1e2", "+5", "", "%31%20", "9" * 30):
        answer = acme.api.get(f"{path}?limit={limit}", expect=422)
        assert [error["pointer"] for error in answer["errors"]] == ["/limit"], limit
    assert acme.api.get(f"{path}?limit=201", expect=422)["errors"][0]["limit"] == 200


def test_a_walk_under_inserts_and_deletes_sees_each_lasting_row_once(evenpost):
    """Catches offsets: rows come and go in front of, behind and at the cursor, from another thread."""
    acme = evenpost.customer("Busy")
    lasting = {acme.api.post("/v1/suppressions", {"address": f"l{n}@x.test"}, expect=201)["id"] for n in range(40)}
    stop, writer = threading.Event(), evenpost.api.with_key(acme.api.key)

    def come_and_go():
        n = 0
        while not stop.is_set():
            made = writer.post("/v1/suppressions", {"address": f"t{n}@x.test"}, expect=201)
            if n % 2:
                writer.delete(f"/v1/suppressions/{made['id']}")
            n += 1
    thread = threading.Thread(target=come_and_go, daemon=True)
    thread.start()
    try:
        for _ in range(5):
            seen = [row["id"] for row in walk(acme.api, "/v1/suppressions", 3)]
            assert len(set(seen)) == len(seen) and lasting <= set(seen)
    finally:
        stop.set()
        thread.join(10)


def test_a_cursors_row_may_be_gone(evenpost):
    """Catches a cursor that is a row's id looked up again."""
    acme = evenpost.customer("Gone")
    ids = [acme.api.post("/v1/suppressions", {"address": f"g{n}@x.test"}, expect=201)["id"] for n in range(6)]
    cursor = page_of(acme.api, "/v1/suppressions", 2, None)["next_cursor"]
    for id in (ids[4], ids[3]):
        acme.api.delete(f"/v1/suppressions/{id}")
    assert [row["id"] for row in page_of(acme.api, "/v1/suppressions", 10, cursor)["data"]] == [ids[2], ids[1], ids[0]]


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/v1/events"])
def test_a_cursor_that_was_touched_is_refused(acme, path):
    """Catches a cursor that is believed: every single bit of it is sealed. (Of events it is the last one's id, as `after`.)"""
    cursor = page_of(acme.api, path, 2, None)["next_cursor"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(cursor)):
        for bit in (0, 3, 5):
            other = alphabet[alphabet.index(cursor[place]) ^ (1 << bit)]
            bent = cursor[:place] + other + cursor[place + 1:]
            answer = acme.api.call("GET", f"{path}?limit=2&cursor={bent}")
            assert answer.status == 400 and answer.problem == "bad-cursor", (place, bit, answer)
    for bad in (cursor[:-1], cursor + "A", cursor + "=", cursor[1:], cursor * 2, "null", cursor.lower(), "%00", "A" * 512):
        assert acme.api.call("GET", f"{path}?limit=2&cursor={bad}").problem in ("bad-cursor", "malformed"), bad


def test_a_cursor_belongs_to_its_filters_and_its_key_s_customer(evenpost, acme):
    page = page_of(acme.api, "/v1/messages", 2, None, tag="odd")
    assert {row["tag"] for row in page["data"]} == {"odd"}
    cursor = page["next_cursor"]
    assert page_of(acme.api, "/v1/messages", 3, cursor, tag="odd").status == 200, "the limit may change"
    for query in ("tag=even", "", "tag=odd&state=booked", "tag=odd&to=r1@people.test"):
        assert acme.api.get(f"/v1/messages?{query}&cursor={cursor}", expect=400).problem == "bad-cursor", query
    assert acme.operator.get(f"/v1/messages?tag=odd&cursor={cursor}", expect=(200, 400)).status in (200, 400)
    assert evenpost.api.get(f"/v1/messages?tag=odd&cursor={cursor}", expect=400).problem == "bad-cursor"
    other = evenpost.customer("Other")
    assert other.api.get(f"/v1/messages?tag=odd&cursor={cursor}", expect=400).problem == "bad-cursor"
    assert acme.api.get(f"/v1/messages?tag=odd&cursor={cursor}&cursor={cursor}", expect=422).problem == "validation"


def test_filters_find_what_they_say_and_only_that(acme):
    every = walk(acme.api, "/v1/messages", 200)
    for query, fits in (("tag=odd", lambda row: row["tag"] == "odd"), ("to=R3@PEOPLE.test", lambda row: row["to"]["address"] == "r3@people.test"),
                        ("state=booked", lambda row: row["state"] == "booked"), ("state=delivered&state=bounced", lambda row: False),
                        ("state=delivered&state=booked", lambda row: True), ("tag=nope", lambda row: False), ("to=nobody@x.test", lambda row: False),
                        (f"mailbox_id={every[0]['mailbox_id']}", lambda row: row["mailbox_id"] == every[0]["mailbox_id"]),
                        (f"mailbox_id={every[0]['mailbox_id']}&tag=even", lambda row: row["mailbox_id"] == every[0]["mailbox_id"] and row["tag"] == "even")):
        found = acme.api.get(f"/v1/messages?limit=200&{query}")["data"]
        assert [row["id"] for row in found] == [row["id"] for row in every if fits(row)], query
    assert acme.api.get("/v1/messages?mailbox_id=msg_01h455vb4pex5vsknk084sn02q", expect=422)["errors"][0]["pointer"] == "/mailbox_id"
    assert acme.api.get("/v1/messages?state=lost", expect=422)["errors"][0]["pointer"] == "/state"
    mailboxes = walk(acme.api, "/v1/mailboxes", 200)
    assert [row["address"] for row in acme.api.get("/v1/mailboxes?address=M3@Lists.TEST")["data"]] == ["m3@lists.test"]
    assert len(acme.api.get(f"/v1/mailboxes?limit=200&pool_id={mailboxes[0]['pool_id']}&state=active&state=paused")["data"]) == 12


def test_events_go_on_after_the_last_one_that_was_read(acme):
    """Catches a consumer that reads an event twice, or never: after is exclusive."""
    events = walk(acme.api, "/v1/events", 200)
    for place in (0, 5, len(events) - 1):
        rest = acme.api.get(f"/v1/events?after={events[place]['id']}&limit=200")["data"]
        assert [row["id"] for row in rest] == [row["id"] for row in events[place + 1:]]
    last = events[-1]["id"]
    assert acme.api.get(f"/v1/events?after={last}")["data"] == []
    sent = acme.send_one("fresh@people.test")
    fresh = acme.api.get(f"/v1/events?after={last}")["data"]
    assert [(row["type"], row["data"]["message_id"]) for row in fresh] == [
        ("message.accepted", sent["id"]), ("message.booked", sent["id"])]
    booked = acme.api.get("/v1/events?type=message.booked&limit=200")["data"]
    assert {row["type"] for row in booked} == {"message.booked"} and len(booked) == 13
    two = acme.api.get("/v1/events?type=message.booked&type=mailbox.created&limit=200")["data"]
    assert {row["type"] for row in two} == {"message.booked", "mailbox.created"}
    mine = acme.api.get(f"/v1/events?message_id={sent['id']}")["data"]
    assert [row["id"] for row in mine] == [row["id"] for row in fresh]


def test_an_operator_sees_all_customers_or_the_one_it_names(evenpost, acme):
    other = evenpost.customer("Beside")
    other.ip(), other.mailbox(), other.send_one("o@people.test")
    for path in ("/v1/mailboxes", "/v1/messages", "/v1/domains", "/v1/events", "/v1/suppressions", "/v1/pools"):
        mine, theirs = ({row["id"] for row in customer.api.every(path)} for customer in (acme, other))
        assert mine.isdisjoint(theirs)
        everybody = {row["id"] for row in evenpost.api.every(path)}
        assert mine | theirs <= everybody, path
        assert {row["id"] for row in acme.operator.every(path)} == mine, path
    for header in ("cus_01h455vb4pex5vsknk084sn02q",):
        assert evenpost.api.get("/v1/messages", expect=404, Evenpost_Customer=header).problem == "not-found"
    keys = {row["id"] for row in acme.operator.every("/v1/keys")}
    assert keys == {row["id"] for row in acme.api.every("/v1/keys")} and len(keys) == 13
    assert keys.isdisjoint({row["id"] for row in evenpost.api.every("/v1/keys") if row["customer_id"] is None})


def test_an_operators_write_names_its_customer_and_belongs_to_it(evenpost, acme):
    """Catches a write that lands with nobody, or with the wrong one."""
    other = evenpost.customer("Wrong")
    mailbox = acme.api.get("/v1/mailboxes?address=m1@lists.test")["data"][0]
    path = f"/v1/mailboxes/{mailbox['id']}"
    assert evenpost.api.patch(path, {"display_name": "x"}, expect=400).problem == "customer-required"
    assert evenpost.api.patch(path, {"display_name": "x"}, expect=404, Evenpost_Customer=other.id).problem == "not-found"
    assert evenpost.api.patch(path, {"display_name": "x"}, expect=400, Evenpost_Customer="acme").problem == "malformed"
    assert evenpost.api.delete(path, expect=400).problem == "customer-required"
    assert acme.operator.patch(path, {"display_name": "By the operator"})["display_name"] == "By the operator"
    assert acme.api.get(path)["display_name"] == "By the operator"
    assert evenpost.api.get(path)["id"] == mailbox["id"], "an operator reads one without naming the customer"
    assert acme.api.patch(path, {"display_name": "y"}, expect=404, Evenpost_Customer=other.id).problem == "not-found"
    assert acme.api.patch(path, {"display_name": "y"}, Evenpost_Customer=acme.id)["display_name"] == "y"
