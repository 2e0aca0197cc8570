"""The life of each resource, and what a list promises."""
import pytest


@pytest.fixture(scope="module")
def acme(evenpost):
    return evenpost.customer("Resources")


def test_a_customers_life(evenpost):
    made = evenpost.api.post("/v1/customers", {"name": "Life", "mode": "sandbox"}, expect=201)
    path = f"/v1/customers/{made['id']}"
    assert made.headers["Location"] == path and made["recipient_gap_days"] == 0
    read = evenpost.api.get(path)
    changed = evenpost.api.patch(path, {"name": "Lives"}, If_Match=read.headers["ETag"])
    assert changed["name"] == "Lives"
    stale = evenpost.api.patch(path, {"name": "Late"}, expect=412, If_Match=read.headers["ETag"])
    assert stale.problem == "precondition-failed"
    assert evenpost.api.post(path + "/suspend", expect=200)["state"] == "suspended"
    assert evenpost.api.post(path + "/resume", expect=200)["state"] == "active"
    assert evenpost.api.post(path + "/close", expect=200)["state"] == "closed"
    assert evenpost.api.post(path + "/resume", expect=409).problem == "customer-suspended"
    assert made["id"] in [row["id"] for row in evenpost.api.every("/v1/customers?state=closed")]


def test_a_live_customer_has_an_identity(evenpost):
    body = {"name": "Live", "mode": "live"}
    assert evenpost.api.post("/v1/customers", body, expect=422)["errors"][0]["pointer"] == "/identity"
    identity = {"legal_name": "L GmbH", "postal_address": "Weg 1", "contact": "l@l.example"}
    made = evenpost.api.post("/v1/customers", {**body, "identity": identity}, expect=201)
    assert made["identity"] == identity and made["recipient_gap_days"] == 30
    assert evenpost.api.patch(f"/v1/customers/{made['id']}", {"identity": None}, expect=422).problem == "validation"


def test_a_customer_patches_its_identity_and_nothing_else(evenpost, acme):
    path = f"/v1/customers/{acme.id}"
    identity = {"legal_name": "A", "postal_address": "B", "contact": "c@d.example"}
    assert acme.api.patch(path, {"identity": identity})["identity"] == identity
    assert acme.api.patch(path, {"name": "Mine"}, expect=403).problem == "forbidden-scope"
    other = evenpost.customer("Hidden")
    assert acme.api.get(f"/v1/customers/{other.id}", expect=404).problem == "not-found"


def test_a_keys_life(acme):
    made = acme.api.post("/v1/keys", {"name": "narrow", "scopes": ["messages:read", "keys:read"]}, expect=201)
    narrow = acme.api.with_key(made["key"])
    assert narrow.get("/v1/me")["scopes"] == ["keys:read", "messages:read"]
    assert narrow.post("/v1/keys", {"name": "wide"}, expect=403).problem == "forbidden-scope"
    listed = acme.api.get(f"/v1/keys/{made['id']}").body
    assert "key" not in listed and made["key"].startswith(listed["prefix"])
    acme.api.delete(f"/v1/keys/{made['id']}")
    assert narrow.get("/v1/me", expect=401).problem == "unauthorized"
    acme.api.get(f"/v1/keys/{made['id']}", expect=404)
    late = acme.api.post("/v1/keys", {"name": "late", "expires_at": "2020-01-01T00:00:00Z"}, expect=201)
    assert acme.api.with_key(late["key"]).get("/v1/me", expect=401).problem == "unauthorized"


def test_a_key_gives_no_scope_that_it_has_not(acme):
    giver = acme.api.post("/v1/keys", {"name": "giver", "scopes": ["keys:write", "keys:read"]}, expect=201)
    api = acme.api.with_key(giver["key"])
    assert api.post("/v1/keys", {"name": "more", "scopes": ["messages:write"]}, expect=403).problem == "forbidden-scope"
    assert api.post("/v1/keys", {"name": "same"}, expect=201)["scopes"] == ["keys:read", "keys:write"]


def test_an_ips_life(evenpost, acme):
    address = evenpost.session.lot.address()
    made = evenpost.api.post("/v1/ips", {"address": address, "host": "elsewhere"}, expect=201)
    path = f"/v1/ips/{made['id']}"
    assert made["state"] == "available" and made["worker"]["alive"] is False
    assert evenpost.api.post("/v1/ips", {"address": address, "host": "h"}, expect=409).problem == "address-taken"
    assert evenpost.api.post(path + "/release", expect=409).problem == "ip-unavailable"
    assigned = evenpost.api.post(path + "/assign", {"customer_id": acme.id}, expect=200)
    assert assigned["state"] == "assigned" and assigned["customer_id"] == acme.id
    assert evenpost.api.post(path + "/assign", {"customer_id": acme.id}, expect=409).problem == "ip-unavailable"
    assert evenpost.api.patch(path, {"state": "retired"}, expect=409).problem == "ip-unavailable"
    assert acme.api.get(path)["id"] == made["id"]
    assert evenpost.api.post(path + "/pause", expect=200)["paused"] is True
    assert evenpost.api.post(path + "/resume", expect=200)["paused"] is False
    assert evenpost.api.get(path + "/receivers")["data"] == []
    released = evenpost.api.post(path + "/release", expect=200)
    assert released["state"] == "quarantined" and released["available_at"] and released["customer_id"] is None
    acme.api.get(path, expect=404)
    assert evenpost.api.patch(path, {"state": "available"})["state"] == "available"
    assert evenpost.api.patch(path, {"state": "retired", "ptr": "x.test"})["ptr"] == "x.test"


def test_an_ip_is_paused_before_anybody_has_it(evenpost):
    made = evenpost.api.post("/v1/ips", {"address": evenpost.session.lot.address(), "host": "elsewhere"}, expect=201)
    assert evenpost.api.post(f"/v1/ips/{made['id']}/pause", expect=200)["paused"] is True


def test_a_pools_life(acme):
    made = acme.api.post("/v1/pools", {"name": "north"}, expect=201)
    path = f"/v1/pools/{made['id']}"
    assert acme.api.post("/v1/pools", {"name": "north"}, expect=422)["errors"][0]["pointer"] == "/name"
    assert acme.api.patch(path, {"name": "south"})["name"] == "south"
    acme.api.delete(path)
    acme.api.get(path, expect=404)
    default = [row for row in acme.api.every("/v1/pools") if row["name"] == "default"][0]
    assert acme.api.delete(f"/v1/pools/{default['id']}", expect=409).problem == "ip-unavailable"


def test_a_domains_life(evenpost, acme):
    made = acme.api.post("/v1/domains", {"name": "Bücher.Example"}, expect=201)
    assert made["name"] == "xn--bcher-kva.example" and made["state"] == "ready" and made["records"] == []
    assert acme.api.post("/v1/domains", {"name": "bücher.example"}, expect=409).problem == "address-taken"
    acme.mailbox("ann@xn--bcher-kva.example")
    assert acme.api.delete(f"/v1/domains/{made['id']}", expect=409).problem == "domain-not-ready"
    other = acme.api.post("/v1/domains", {"name": "gone.example"}, expect=201)
    acme.api.delete(f"/v1/domains/{other['id']}")
    acme.api.get(f"/v1/domains/{other['id']}", expect=404)
    live = evenpost.customer("Pending", "live", identity={"legal_name": "L", "postal_address": "W", "contact": "l@l.test"})
    assert live.api.post("/v1/domains", {"name": "bücher.example"}, expect=201)["state"] == "pending"
    assert live.api.post("/v1/mailboxes", {"address": "x@other.example"}, expect=422).problem == "validation"


def test_a_mailboxs_life(evenpost):
    acme = evenpost.customer("Mailboxes")
    lonely = acme.mailbox("lonely@a.test")
    assert lonely["ip_id"] is None and lonely["ordinal"] is None
    assert acme.api.post("/v1/messages", {"mailbox_id": lonely["id"], "to": {"address": "b@c.test"}, "subject": "s", "text": "t"},
                         expect=409).problem == "ip-unavailable"
    ip = acme.ip()
    path = f"/v1/mailboxes/{lonely['id']}"
    taken = acme.api.get(path)
    assert taken["ip_id"] == ip["id"] and taken["next_free_slot"] is not None
    assert acme.api.post("/v1/mailboxes", {"address": "Lonely@A.test"}, expect=409).problem == "address-taken"
    changed = acme.api.patch(path, {"time_zone": "Asia/Tokyo", "daily_cap": 1, "display_name": "L",
                                    "window": {"days": ["mon", "sun"], "start": "00:00", "end": "24:00"}})
    assert changed["time_zone"] == "Asia/Tokyo" and changed["daily_cap"] == 1 and changed["window"]["days"] == ["mon", "sun"]
    assert acme.api.patch(path, {"time_zone": "Mars/Olympus"}, expect=422)["errors"][0]["pointer"] == "/time_zone"
    short = {"days": ["mon"], "start": "09:00", "end": "09:14"}
    assert acme.api.patch(path, {"window": short}, expect=422)["errors"][0]["pointer"] == "/window"
    assert acme.api.patch(path, {"state": "paused"})["state"] == "paused"
    assert acme.api.patch(path, {"state": "active"})["state"] == "active"
    acme.api.delete(path)
    assert acme.api.get(path)["state"] == "closed"
    assert acme.api.patch(path, {"state": "active"}, expect=409).problem == "mailbox-paused"
    assert acme.mailbox("lonely@a.test")["id"] == lonely["id"]


def test_many_mailboxes_are_made_all_or_none(evenpost):
    acme = evenpost.customer("Many")
    acme.ip()
    rows = [{"address": f"m{n}@many.test"} for n in range(500)]
    data = acme.api.post("/v1/mailboxes", {"mailboxes": rows}, expect=201)["data"]
    assert [row["address"] for row in data] == [row["address"] for row in rows]
    assert sorted(row["ordinal"] for row in data) == list(range(500))
    twice = {"mailboxes": [{"address": "new@many.test"}, {"address": "m3@many.test"}]}
    assert acme.api.post("/v1/mailboxes", twice, expect=409)["errors"][0]["pointer"] == "/mailboxes/1/address"
    same = {"mailboxes": [{"address": "new@many.test"}, {"address": "NEW@many.test"}]}
    assert acme.api.post("/v1/mailboxes", same, expect=422)["errors"][0]["pointer"] == "/mailboxes/1/address"
    assert acme.api.get("/v1/mailboxes?address=new@many.test")["data"] == []
    assert acme.api.post("/v1/mailboxes", {"mailboxes": [{"address": f"x{n}@m.test"} for n in range(501)]},
                         expect=422).problem == "validation"
    assert len(acme.api.every("/v1/mailboxes")) == 500


def test_the_plan_is_what_is_booked(evenpost):
    """Catches a plan that the booking does not keep."""
    acme = evenpost.customer("Plan")
    acme.ip()
    mailbox = acme.mailbox()
    free = [entry for entry in acme.api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days=5")["data"] if entry["state"] == "free"]
    sent = [acme.send_one(f"p{n}@plan.test") for n in range(4)]
    assert [message["slot"]["at"] for message in sent] == [entry["at"] for entry in free[:4]]
    after = acme.api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days=5")["data"]
    assert [entry["message_id"] for entry in after if entry["state"] == "booked"] == [message["id"] for message in sent]
    acme.api.post(f"/v1/messages/{sent[0]['id']}/cancel", expect=200)
    freed = acme.api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days=5")["data"]
    assert [e["state"] for e in freed if e["at"] == free[0]["at"]] == ["free"]


def test_suppressions_stop_what_is_booked(evenpost):
    acme = evenpost.customer("Suppress")
    acme.ip()
    acme.mailbox()
    one, two = acme.send_one("bo@stop.test"), acme.send_one("cy@stop.test")
    made = acme.api.post("/v1/suppressions", {"address": "BO@stop.test"}, expect=201)
    assert made["address"] == "bo@stop.test" and made["domain"] is None
    assert acme.message(one["id"])["state"] == "suppressed" and acme.message(two["id"])["state"] == "booked"
    domain = acme.api.post("/v1/suppressions", {"domain": "stop.test"}, expect=201)
    assert domain["domain"] == "stop.test" and acme.message(two["id"])["state"] == "suppressed"
    assert acme.api.post("/v1/suppressions", {"domain": "stop.test"}, expect=201)["id"] == domain["id"]
    assert acme.api.post("/v1/suppressions", {"address": "a@b.test", "domain": "b.test"}, expect=422).problem == "validation"
    acme.api.delete(f"/v1/suppressions/{made['id']}")
    acme.api.delete(f"/v1/suppressions/{made['id']}", expect=404)
    assert [row["id"] for row in acme.api.every("/v1/suppressions")] == [domain["id"]]


def test_routes_are_kept_by_domain(evenpost):
    put = evenpost.api.put("/v1/routes/B%C3%BCcher.example", {"host": "127.0.0.1"})
    assert put.body == {"domain": "xn--bcher-kva.example", "host": "127.0.0.1", "port": 25, "tls": "opportunistic"}
    assert evenpost.api.put("/v1/routes/*", {"host": "127.0.0.1", "port": 2525, "tls": "none"})["domain"] == "*"
    assert evenpost.api.put("/v1/routes/%2A", {"host": "127.0.0.1", "port": 2526, "tls": "none"})["port"] == 2526
    names = [row["domain"] for row in evenpost.api.get("/v1/routes")["data"]]
    assert names == sorted(names) and "*" in names
    first = evenpost.api.get("/v1/routes?limit=1")
    rest = evenpost.api.get(f"/v1/routes?limit=200&cursor={first['next_cursor']}")
    assert [row["domain"] for row in first["data"] + rest["data"]] == names
    evenpost.api.delete("/v1/routes/xn--bcher-kva.example")
    evenpost.api.delete("/v1/routes/xn--bcher-kva.example", expect=404)
    assert evenpost.api.put("/v1/routes/x.test", {"host": "mail.x.test"}, expect=422).problem == "validation"


def test_a_walk_through_a_list_sees_every_row_once(evenpost):
    """Catches a page that moves when rows are added meanwhile."""
    acme = evenpost.customer("Walk")
    made = [acme.api.post("/v1/pools", {"name": f"p{n}"})["id"] for n in range(25)]
    seen, cursor = [], None
    while True:
        page = acme.api.get("/v1/pools?limit=4" + (f"&cursor={cursor}" if cursor else ""))
        seen += [row["id"] for row in page["data"]]
        acme.api.post("/v1/pools", {"name": f"later{len(seen)}"})
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [id for id in seen if id in made] == made[::-1] and len(seen) == len(set(seen))


def test_a_cursor_belongs_to_its_list_its_filters_and_its_reader(evenpost):
    acme, other = evenpost.customer("Cursor"), evenpost.customer("Other")
    for n in range(3):
        acme.api.post("/v1/pools", {"name": f"p{n}"})
        acme.api.post("/v1/domains", {"name": f"d{n}.test"})
    cursor = acme.api.get("/v1/pools?limit=1")["next_cursor"]
    assert acme.api.get(f"/v1/pools?limit=2&cursor={cursor}").status == 200
    assert acme.api.get(f"/v1/domains?cursor={cursor}", expect=400).problem == "bad-cursor"
    assert other.api.get(f"/v1/pools?cursor={cursor}", expect=400).problem == "bad-cursor"
    filtered = acme.api.get("/v1/domains?limit=1&state=ready")["next_cursor"]
    assert acme.api.get(f"/v1/domains?cursor={filtered}&state=pending", expect=400).problem == "bad-cursor"
    flipped = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    assert acme.api.get(f"/v1/pools?cursor={flipped}", expect=400).problem == "bad-cursor"


def test_an_operators_lists_run_across_customers(evenpost):
    one, two = evenpost.customer("One"), evenpost.customer("Two")
    ids = {customer.api.post("/v1/domains", {"name": "across.test"})["id"] for customer in (one, two)}
    assert ids <= {row["id"] for row in evenpost.api.every("/v1/domains")}
    assert ids & {row["id"] for row in one.operator.every("/v1/domains")} != ids
    for id in ids:
        assert evenpost.api.get(f"/v1/domains/{id}")["name"] == "across.test"


def test_a_messages_life(evenpost):
    acme = evenpost.customer("Messages")
    acme.ip()
    mailbox = acme.mailbox(display_name="Ann Łee")
    body = {"mailbox_id": mailbox["id"], "to": {"address": "Bo@example.com", "name": "Bo"}, "subject": "Grüße", "text": "Hi\n",
            "html": "<p>Hi</p>", "reply_to": "r@acme.test", "headers": {"X-Lead": "42"}, "tag": "spring",
            "metadata": {"lead": "42"},
            "attachments": [{"filename": "a.txt", "content_type": "text/plain", "content_base64": "aGVsbG8="}]}
    made = acme.api.post("/v1/messages", body, expect=202)
    assert made["state"] == "booked" and made["slot"]["ip_id"] and made["explanation"]["until"] == made["slot"]["at"]
    assert made["to"] == {"address": "Bo@example.com", "name": "Bo"} and made["metadata"] == {"lead": "42"}
    path = f"/v1/messages/{made['id']}"
    assert acme.api.get(path)["subject"] == "Grüße"
    source = acme.api.get(path + "/source")
    assert source.headers["Content-Type"] == "message/rfc822" and b"X-Lead: 42\r\n" in source.octets
    assert acme.api.get(path + "/source").octets == source.octets
    for query in ("tag=spring", "to=bo@EXAMPLE.com", f"mailbox_id={mailbox['id']}", "state=booked&state=accepted"):
        assert [row["id"] for row in acme.api.get(f"/v1/messages?{query}")["data"]] == [made["id"]], query
    assert acme.api.get("/v1/messages?state=delivered")["data"] == []
    assert acme.api.get(path + "/attempts")["data"] == []
    assert acme.api.post(path + "/resend", expect=409).problem == "not-unconfirmed"
    assert acme.api.post(path + "/cancel", expect=200)["state"] == "cancelled"
    assert acme.api.post(path + "/cancel", expect=409).problem == "too-late"
    types = [event["type"] for event in acme.api.every(f"/v1/events?message_id={made['id']}")]
    assert types == ["message.accepted", "message.booked", "message.cancelled"]


@pytest.mark.parametrize("change, pointer", [
    ({"text": None}, "/text"), ({"to": {"address": "nobody"}}, "/to/address"), ({"to": {}}, "/to/address"),
    ({"subject": "a\r\nBcc: x@y.test"}, "/subject"), ({"headers": {"Bcc": "x@y.test"}}, "/headers/Bcc"),
    ({"headers": {"X-A": "a\r\nBcc: x"}}, "/headers/X-A"), ({"headers": {"X A": "a"}}, "/headers/X A"),
    ({"to": {"address": "b@c.test", "name": "B\nX: y"}}, "/to/name"), ({"text": "a\x00b"}, None),
    ({"attachments": [{"filename": "a", "content_type": "text/plain", "content_base64": "???"}]}, "/attachments/0/content_base64"),
    ({"attachments": [{"filename": "a", "content_type": "multipart/mixed", "content_base64": ""}]}, "/attachments/0/content_type"),
    ({"scheduled_at": "2027-11-24T00:00:00Z"}, "/scheduled_at"), ({"scheduled_at": "tomorrow"}, "/scheduled_at"),
    ({"mailbox_id": "pool_01h455vb4pex5vsknk084sn02q"}, "/mailbox_id"), ({"reply_to": "x"}, "/reply_to"),
    ({"mailbox_id": "mbx_01h455vb4pex5vsknk084sn02q"}, "/mailbox_id"), ({"in_reply_to": "msg_01h455vb4pex5vsknk084sn02q"},
                                                                         "/in_reply_to"),
    ({"metadata": {"a": 1}}, "/metadata/a"), ({"tag": ""}, "/tag"),
])
def test_a_fault_in_a_message_is_pointed_at(acme, evenpost, change, pointer):
    if not acme.api.get("/v1/ips")["data"]:
        acme.ip()
        acme.mailbox()
    body = {"to": {"address": "b@c.test"}, "subject": "s", "text": "t", **change}
    answer = acme.api.post("/v1/messages", body, expect=(400, 422))
    if pointer is not None:
        assert [error["pointer"] for error in answer["errors"]] == [pointer], answer


def test_what_stands_against_a_message_is_named(evenpost):
    acme = evenpost.customer("Against", recipient_gap_days=30)
    acme.ip()
    mailbox = acme.mailbox()
    acme.send_one("once@c.test")
    body = {"to": {"address": "once@c.test"}, "subject": "s", "text": "t"}
    assert acme.api.post("/v1/messages", body, expect=409).problem == "recently-written"
    body["to"]["address"] = "other@c.test"
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"state": "paused"})
    assert acme.api.post("/v1/messages", {**body, "mailbox_id": mailbox["id"]}, expect=409).problem == "mailbox-paused"
    acme.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"state": "active"})
    evenpost.api.post(f"/v1/customers/{acme.id}/suspend", expect=200)
    assert acme.api.post("/v1/messages", body, expect=409).problem == "customer-suspended"
    evenpost.api.post(f"/v1/customers/{acme.id}/resume", expect=200)
    late = {**body, "scheduled_at": "2027-02-20T00:00:00Z"}
    assert acme.api.post("/v1/messages", late, expect=(202, 409)).status in (202, 409)
