"""ETag and If-Match on every PATCH of the contract: what somebody else changed meanwhile is not overwritten unseen."""
import threading
import uuid

import psycopg
import pytest

from api.witness import CONTRACT
from harness.wait import wait_until

PATCHES = [operation for operation in CONTRACT.operations if operation.method == "PATCH"]
CHANGES = {                         # operationId: two changes that differ
    "customers_patch": ({"name": "One"}, {"name": "Two"}), "ips_patch": ({"ptr": "one.test"}, {"ptr": "two.test"}),
    "pools_patch": ({"name": "one"}, {"name": "two"}), "mailboxes_patch": ({"display_name": "One"}, {"display_name": "Two"}),
}
KEYS = {"customers": "customer_id", "ips": "ip_id", "pools": "pool_id", "mailboxes": "mailbox_id"}


def uuid_of(typeid):
    """The uuid in a TypeID: 26 digits of base32."""
    number = 0
    for digit in typeid.split("_")[1]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(digit)
    return uuid.UUID(int=number)


@pytest.fixture(scope="module")
def paths(evenpost):
    acme = evenpost.customer("Match")
    ip = acme.ip()
    return acme, {"customers_patch": f"/v1/customers/{acme.id}", "ips_patch": f"/v1/ips/{ip['id']}",
                  "pools_patch": f"/v1/pools/{acme.api.post('/v1/pools', {'name': 'match'})['id']}",
                  "mailboxes_patch": f"/v1/mailboxes/{acme.mailbox()['id']}"}


@pytest.fixture
def at(paths, evenpost, request):
    acme, of = paths
    operation = request.param
    return (acme.operator if operation.who == "customer" else evenpost.api), of[operation.id], CHANGES[operation.id]


EVERY = pytest.mark.parametrize("at", PATCHES, ids=lambda operation: operation.id, indirect=True)


def test_every_patch_takes_if_match():
    """Catches a PATCH that came later, without its manners."""
    for operation in PATCHES:
        assert "If-Match" in [parameter["name"] for parameter in operation.parameters], operation
    assert {operation.id for operation in PATCHES} == set(CHANGES)


@EVERY
def test_the_tag_that_was_read_lets_one_change_through(at):
    api, path, (one, two) = at
    read = api.get(path).headers["ETag"]
    changed = api.patch(path, one, If_Match=read)
    assert api.get(path).headers["ETag"] == changed.headers["ETag"] != read
    assert api.patch(path, two, expect=412, If_Match=read).problem == "precondition-failed"
    assert {name: api.get(path)[name] for name in one} == one, "a refused change was made"
    assert api.patch(path, two, If_Match=changed.headers["ETag"]).headers["ETag"] != changed.headers["ETag"]


@EVERY
def test_what_names_no_present_state_is_refused(at):
    """Catches a weak tag taken for a strong one (RFC 9110 §13.1.1), and a tag that is none taken for `any`."""
    api, path, (one, _) = at
    tag = api.patch(path, one).headers["ETag"]
    for stale in ('"x"', f"W/{tag}", tag.strip('"'), tag[:-1], f"{tag[:-2]}?\"", '""', ","):
        assert api.call("PATCH", path, one, If_Match=stale).status == 412, stale
    for good in (tag, f'"x", {tag}', f'{tag},"x"', "*", f"  {tag}  "):
        assert api.patch(path, one, If_Match=good).headers["ETag"] == tag, "it changed nothing"


@EVERY
def test_of_many_with_one_tag_one_wins(at, evenpost):
    """Catches a comparison that is made before the row is held: all of them meet at the row, which we hold at first."""
    api, path, (one, two) = at
    tag, answers = api.patch(path, one).headers["ETag"], []

    def change():
        answers.append(api.call("PATCH", path, two, If_Match=tag).status)
    threads = [threading.Thread(target=change) for _ in range(10)]
    kind = path.split("/")[2]
    with psycopg.connect(evenpost.database.url()) as holder:
        holder.execute(f"select from {kind} where {KEYS[kind]} = %s for update", [uuid_of(path.split("/")[3])])
        for thread in threads:
            thread.start()
        wait_until(lambda: evenpost.database.query("select pid from pg_stat_activity where wait_event_type = 'Lock'")[5:], 4)
        holder.rollback()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [412] * 9


@EVERY
def test_a_patch_without_if_match_goes_through(at):
    api, path, (one, _) = at
    assert api.patch(path, one).headers["ETag"]
