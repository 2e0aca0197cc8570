"""What a stranger writes into a field stays in that field: T05 to T08, T15, through the API up to what the receiver got."""
import email
import email.header
import email.policy
import itertools

import pytest

from api.witness import CONTRACT
from harness.clock import instant
from harness.wait import wait_until

# T05: line ends as such, and what some parser takes for one.
LINE_ENDS = ["\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029", "\x0b", "\x0c"]
# What only looks like one, in somebody else's code: it must arrive as the text that it is.
NOT_LINE_ENDS = ["%0d%0a", "&#13;&#10;", "=?utf-8?q?=0D=0A?=", "\\r\\n", "=0D=0A", "&#x0d;", "\u560d\u560a"]
# T06: every C0 but the three that text may hold, DEL, C1.
CONTROLS = [chr(code) for code in (*range(1, 9), *range(14, 32), 0x7F, 0x80, 0x84, 0x86, 0x9B, 0x9F)]
GOOD = {"to": {"address": "bo@people.test", "name": "Bo"}, "subject": "s", "text": "t"}
LINES = {                           # fields that become one line of a letter or of a page
    "/subject": lambda value: {"subject": value},
    "/to/name": lambda value: {"to": {"address": "bo@people.test", "name": value}},
    "/to/address": lambda value: {"to": {"address": f"bo{value}@people.test"}},
    "/reply_to": lambda value: {"reply_to": f"r{value}@people.test"},
    "/headers/X-Own": lambda value: {"headers": {"X-Own": value}},
    "/tag": lambda value: {"tag": value},
    "/attachments/0/filename": lambda value: {"attachments": [{"filename": value, "content_type": "text/plain",
                                                               "content_base64": ""}]},
    "/attachments/0/content_type": lambda value: {"attachments": [{"filename": "a", "content_type": "text/plain" + value,
                                                                   "content_base64": ""}]},
}


@pytest.fixture(scope="module")
def acme(evenpost):
    acme = evenpost.customer("Inject")
    acme.ip()
    acme.mailboxes(2, display_name="Ann")
    return acme


def is_refused(acme, path, body, pointer, method="POST"):
    answer = acme.api.call(method, path, body)
    assert answer.status == 422 and answer.problem == "validation", (body, answer)
    pointers = [error["pointer"] for error in answer["errors"]]
    assert pointers == [pointer], (body, answer)
    return answer


@pytest.mark.parametrize("pointer", LINES)
def test_no_field_of_a_message_takes_a_line_end_or_a_control(acme, pointer):
    """Catches one more header, one more recipient, one more command; nothing of it may be stored either."""
    before = len(acme.api.every("/v1/messages"))
    for bad in itertools.chain(LINE_ENDS, CONTROLS):
        for value in (f"a{bad}Bcc: x@y.test", f"{bad}a", f"a{bad}"):
            is_refused(acme, "/v1/messages", {**GOOD, **LINES[pointer](value)}, pointer)
    assert len(acme.api.every("/v1/messages")) == before


@pytest.mark.parametrize("place", ["to", "subject", "text", "html", "tag", "name"])
def test_a_nul_is_refused_wherever_it_stands(acme, place):
    """Catches a text that C cuts, SQL refuses, and a receiver reads to the end."""
    body = {**GOOD, place: "a\0b"} if place not in ("to", "name") else {
        **GOOD, "to": {"address": "a\0@people.test"} if place == "to" else {"address": "bo@people.test", "name": "a\0"}}
    answer = acme.api.call("POST", "/v1/messages", body)
    assert answer.status in (400, 422), answer


STRINGS = [                         # one line texts outside of messages
    ("POST", "/v1/mailboxes", lambda value: {"address": "new@people.test", "display_name": value}, "/display_name"),
    ("POST", "/v1/mailboxes", lambda value: {"address": f"new{value}@people.test"}, "/address"),
    ("POST", "/v1/pools", lambda value: {"name": value}, "/name"),
    ("POST", "/v1/keys", lambda value: {"name": value}, "/name"),
    ("POST", "/v1/domains", lambda value: {"name": f"a{value}.test"}, "/name"),
    ("POST", "/v1/suppressions", lambda value: {"address": f"a{value}@b.test"}, "/address"),
    ("POST", "/v1/suppressions", lambda value: {"domain": f"a{value}.test"}, "/domain"),
]


@pytest.mark.parametrize("method, path, make, pointer", STRINGS, ids=lambda value: value if isinstance(value, str) else "-")
def test_no_other_text_takes_one_either(acme, method, path, make, pointer):
    for bad in (*LINE_ENDS, "\x1b[2J", "\x7f", "\x9b"):
        is_refused(acme, path, make(f"x{bad}y"), pointer, method)


def test_operators_texts_are_held_to_the_same(evenpost):
    """Catches a PTR that is said as EHLO to every receiver, with a command behind it."""
    made = evenpost.api.post("/v1/ips", {"address": evenpost.session.lot.address(), "host": "h"}, expect=201)
    for value in ("mail.test\r\nMAIL FROM:<x@y>", "mail test", "mail.test\n", "a\u2028b", "-", "[127.0.0.1]", "mail..test", "a" * 254):
        for method, path, body, pointer in (
                ("PATCH", f"/v1/ips/{made['id']}", {"ptr": value}, "/ptr"), ("PATCH", f"/v1/ips/{made['id']}", {"host": value}, "/host"),
                ("POST", "/v1/customers", {"name": "x\r\ny", "mode": "sandbox"}, "/name"),
                ("PUT", "/v1/routes/x.test", {"host": value}, "/host")):
            answer = evenpost.api.call(method, path, body)
            assert answer.status == 422 and [error["pointer"] for error in answer["errors"]] == [pointer], (value, path, answer)
    for name in ("a%0d%0ab.test", "a%00.test", "a%20b.test", "%2A.test", "-", "a..b"):
        assert evenpost.api.call("PUT", f"/v1/routes/{name}", {"host": "127.0.0.1"}).status in (400, 404, 422), name


@pytest.mark.parametrize("address", ["0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:203.0.113.7", "::ffff:cb00:7107",
                                     "127.0.0.1/8", "1.2.3", "01.2.3.4", "1.2.3.4 ", "fe80::1%eth0", "[::1]", "0x7f.1", "2130706433", "host.test"])
def test_an_ip_is_one_hosts_in_one_spelling(evenpost, address):
    """Catches a source address that means any, and one IP given to two customers in two spellings (P3)."""
    for method, path, body, pointer in (("POST", "/v1/ips", {"address": address, "host": "h"}, "/address"),
                                        ("PUT", "/v1/routes/spelled.test", {"host": address}, "/host")):
        answer = evenpost.api.call(method, path, body)
        assert answer.status == 422 and [error["pointer"] for error in answer["errors"]] == [pointer], (path, answer)
    evenpost.api.post("/v1/ips", {"address": "2001:db8::7", "host": "h"}, expect=(201, 409))
    assert evenpost.api.post("/v1/ips", {"address": "2001:0DB8:0::7", "host": "h"}, expect=409).problem == "address-taken"


# ---- T15: fields that are ours ----

FORBIDDEN = ["From", "from", "FROM", "To", "Cc", "Bcc", "Sender", "Reply-To", "Date", "Message-ID", "In-Reply-To", "References",
             "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Received",
             "Return-Path", "DKIM-Signature", "ARC-Seal", "Authentication-Results", "List-Unsubscribe", "List-Unsubscribe-Post",
             "Resent-From", "Delivered-To", "Errors-To", "Disposition-Notification-To"]
NO_NAME = ["From ", " From", "From:", "X Own", "X-Own:", "X-Own ", " X-Own", "X-Öwn", "X\tOwn", "X-Own\r\n", "X-\r\n Own", "", "X-",
           "X-Own\u0000"[:-1] + "\u0001", "Subject\u200b"]


@pytest.mark.parametrize("name", FORBIDDEN + NO_NAME, ids=ascii)
def test_a_header_that_is_ours_or_no_name_is_refused(acme, name):
    """Catches a second From that a receiver shows, and a signature or trace that we never made."""
    pointer = "/headers/" + name.replace("~", "~0").replace("/", "~1")
    answer = acme.api.call("POST", "/v1/messages", {**GOOD, "headers": {name: "v"}})
    assert answer.status == 422, (name, answer)
    (error,) = answer["errors"]
    assert error["pointer"].startswith("/headers"), answer
    assert name in ("X-Own\r\n", "X-\r\n Own", "X-Own\u0001") or error["pointer"] == pointer, answer


def test_a_header_in_two_cases_is_one_header(acme):
    """Catches two fields of one name: JSON's names differ, a letter's do not."""
    answer = acme.api.call("POST", "/v1/messages", {**GOOD, "headers": {"X-Own": "a", "x-own": "b"}})
    assert answer.status == 422, answer


# ---- T07, T08: addresses ----

BROKEN_ADDRESSES = [
    "", "a", "a@", "@b.test", "a@b@c.test", "a b@c.test", "a@b c.test", "<a@b.test>", "<>", "a@b.test> SIZE=1", "a@b.test SIZE=1",
    "a@b.test>\tBODY=8BITMIME", "<@x.test,@y.test:z@w.test>", "@x.test:z@w.test", "a@[10.0.0.1]", "a@[IPv6:::1]", "a@10.0.0.1",
    "a..b@c.test", ".a@c.test", "a.@c.test", "a@c..test", "a@.test", "a@test.", "a@-c.test", "a@c-.test", "a@c_d.test",
    "Ann <a@b.test>", "a@b.test,c@d.test", "a@b.test;c@d.test", "a@b.test (x)", "a(x)@b.test", "a\u200b@b.test",
    "a@b.test ", " a@b.test", "mailto:a@b.test", "a@" + "d" * 64 + ".test", "l" * 65 + "@b.test", "a@" + ".".join(["d" * 60] * 5) + ".test",
    "a@xn--a.test", "\"a\\\r\nb\"@c.test", "a@b.test\u0000"[:-1] + "\u0001", "a@b", "\u202ea@b.test", "a@\uff42.test\uff0e",
]


@pytest.mark.parametrize("address", BROKEN_ADDRESSES, ids=ascii)
def test_an_address_that_could_be_read_in_two_ways_is_refused(acme, address):
    """Catches an envelope that breaks out: parameters, routes, lists, literals, blanks."""
    for path, body, pointer in (("/v1/messages", {**GOOD, "to": {"address": address}}, "/to/address"),
                                ("/v1/messages", {**GOOD, "reply_to": address}, "/reply_to"),
                                ("/v1/mailboxes", {"address": address}, "/address"),
                                ("/v1/suppressions", {"address": address}, "/address")):
        answer = acme.api.call("POST", path, body)
        if address == "a@b" and answer.status == 201:
            continue                # a bare host is an address by RFC 5321; no customer has one
        assert answer.status == 422 and [error["pointer"] for error in answer["errors"]] == [pointer], (path, answer)


SPELLINGS = {                       # as given: the envelope that the receiver must log
    "Bo@People.TEST": "Bo@people.test", "bo+tag@people.test": "bo+tag@people.test", "o'neil@people.test": "o'neil@people.test",
    "a!b%c@people.test": "a!b%c@people.test", "\"a b\"@people.test": "\"a b\"@people.test", "\"@evil\"@people.test": "\"@evil\"@people.test",
    "\"a\\\"b\"@people.test": "\"a\\\"b\"@people.test", "\"plain\"@people.test": "plain@people.test",
    "a@b\u00fccher.test": "a@xn--bcher-kva.test", "{a}|b~c@people.test": "{a}|b~c@people.test",
    "\"a>b\"@people.test": "\"a>b\"@people.test", "\"a, b\"@people.test": "\"a, b\"@people.test",
}


def test_what_is_taken_arrives_as_the_same_address_or_was_refused_with_one_word(evenpost, acme):
    """Catches an address that the API, the ledger and the wire spell differently."""
    taken = {}
    for given, wanted in SPELLINGS.items():
        answer = acme.api.call("POST", "/v1/messages", {**GOOD, "to": {"address": given}})
        assert answer.status in (202, 422), (given, answer)
        if answer.status == 202:
            taken[given] = (answer.body, wanted)
        else:
            assert given.startswith('"'), f"{given} is an ordinary address"
            assert [error["code"] for error in answer["errors"]] == ["format"], answer
    deliver_all(evenpost, acme, [row for row, _ in taken.values()])
    for given, (row, wanted) in taken.items():
        raw, seen = letter(evenpost, row)
        assert seen["to"] == wanted, (given, seen["to"])


def test_one_person_in_every_spelling_is_suppressed_at_once(acme):
    """Catches a stop that holds for one spelling only (T08)."""
    acme.api.post("/v1/suppressions", {"address": "Stop.Me@People.Test"}, expect=201)
    acme.api.post("/v1/suppressions", {"domain": "B\u00fccher-stop.test"}, expect=201)
    for address in ("stop.me@people.test", "STOP.ME@PEOPLE.TEST", "a@b\u00fccher-stop.test", "a@xn--bcher-stop-9db.test",
                    "\"stop.me\"@people.test", "a@B\u00dcCHER-stop.test"):
        answer = acme.api.call("POST", "/v1/messages", {**GOOD, "to": {"address": address}})
        assert answer.status in (409, 422) and answer.problem in ("suppressed", "validation"), (address, answer)
        assert answer.problem == "suppressed" or address.startswith('"'), (address, answer)


# ---- up to what the receiver got ----

def deliver_all(evenpost, acme, rows):
    for row in sorted(rows, key=lambda row: row["slot"]["at"]):
        evenpost.clock.jump_to(instant(row["slot"]["at"]))
        wait_until(lambda: acme.message(row["id"])["state"] == "delivered", 15, lambda: (acme.message(row["id"]), evenpost.worker.tail(3)))


def letter(evenpost, row):
    """The raw octets that the receiver took of this message, and its row of the inbox."""
    for seen in evenpost.inbox.get("/inbox?limit=200")["data"]:
        raw = evenpost.inbox.get(seen["raw_url"].split("8026", 1)[1]).octets
        if row["id"].encode() in raw:
            return raw, seen
    raise AssertionError(f"{row['id']} never came")


def test_the_receiver_gets_every_character_and_no_line_more(evenpost, acme):
    """Catches an encoding that a reader undoes into a header; and a dot or a lone LF that ends the letter early."""
    nasty = " | ".join(NOT_LINE_ENDS)
    text = "one\n.\n..two\n.\r\nfrom here\rFrom there\n\n.\n" + "x" * 5000 + "\nend \u00fc \U0001f600"
    html = "<p>\r\n.\r\n" + nasty + "</p>"
    body = {"to": {"address": "nasty@people.test", "name": f"B\u00f6 \"q\" <x@y.test>, {nasty}"}, "subject": f"\u00dc {nasty} " + "w" * 300,
            "text": text, "html": html, "reply_to": "r@people.test", "headers": {"X-Own": nasty, "X-Long": "v " * 400},
            "attachments": [{"filename": f"a \"b\" {nasty[:22]}; c.txt", "content_type": "text/plain", "content_base64": "LgouCg=="}]}
    sent = acme.api.post("/v1/messages", body, expect=202).body
    deliver_all(evenpost, acme, [sent])
    raw, seen = letter(evenpost, sent)
    head = raw.split(b"\r\n\r\n", 1)[0]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")) and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(head) < 0x80, "a header is ASCII"
    parsed = email.message_from_bytes(raw, policy=email.policy.SMTP)
    names = [name.lower() for name in parsed.keys()]
    once = {"from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type", "x-own", "x-long"}
    assert sorted(names) == sorted(once), names
    assert parsed["Subject"] == body["subject"]
    # Python 3.11's address parser keeps the blank between two encoded words, which RFC 2047 §6.2 drops; its decoder does not.
    shown = str(email.header.make_header(email.header.decode_header(email.message_from_bytes(raw)["To"])))
    assert shown.replace('"', "").replace(" ", "").endswith("<nasty@people.test>")
    assert [person.addr_spec for person in parsed["To"].addresses] == ["nasty@people.test"]
    assert shown.removesuffix(" <nasty@people.test>") == body["to"]["name"]
    assert parsed["X-Own"] == nasty
    plain = parsed.get_body(("plain",)).get_content()
    lines = lambda words: words.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    assert lines(plain) == lines(text)
    assert lines(parsed.get_body(("html",)).get_content()) == lines(html)
    (attached,) = parsed.iter_attachments()
    assert attached.get_filename() == body["attachments"][0]["filename"] and attached.get_payload(decode=True) == b".\n.\n"
    assert seen["from"] == sent["from"] and seen["to"] == "nasty@people.test"
    assert acme.api.get(f"/v1/messages/{sent['id']}/source").octets == raw


def test_no_operation_was_left_out():
    """Catches a new operation with a text of its own that nobody attacks here."""
    attacked = {"messages_create", "mailboxes_create", "pools_create", "keys_create", "domains_create", "suppressions_create",
                "customers_create", "ips_create", "ips_patch", "routes_put"}
    same_texts = {"customers_patch", "pools_patch", "mailboxes_patch", "ips_assign"}
    with_body = {operation.id for operation in CONTRACT.operations if operation.body is not None}
    assert with_body == attacked | same_texts
