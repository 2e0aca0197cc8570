"""Statements that must do nothing when the world moved between a look and a write: each with the world moved.

Races hit these windows by luck; here the window is held open.
"""
import pathlib
import subprocess
import sys

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import statements  # noqa: E402

DAY = "2026-11-24"
SPAN = ["2026-11-24T00:00:00Z"], ["2026-11-25T00:00:00Z"]
AT, NOT_AFTER, NOW = "2026-11-24T10:00:00Z", "2026-11-24T17:00:00Z", "2026-11-23T09:00:00Z"
DUE = "2026-11-23T12:00:00Z"


@pytest.fixture(scope="module")
def server(session):
    database = session.cluster().start()
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url(), "-f",
                    pathlib.Path(__file__).with_name("sql") / "two_customers.sql"], check=True, stdout=subprocess.DEVNULL)
    yield database
    database.end()


class House:
    """One transaction, rolled back at the end; statements of ledger/ run in it as they stand."""

    def __init__(self, connection):
        self.connection = connection
        ids = connection.execute("select id('customer', 'a'), id('mailbox', 'a'), id('ip', 'a'), id('message', 'a')").fetchone()
        self.customer, self.mailbox, self.ip, self.message = ids
        self.version = self.one("select plan_version from mailboxes where mailbox_id = %s", self.mailbox)

    def one(self, sql, *values):
        return self.connection.execute(sql, values).fetchone()[0]

    def run(self, name, *values):
        """How many rows it gave, or wrote."""
        statement = statements.statement_of(ROOT / f"ledger/sql/{name}.sql")
        types = ", ".join(field.sql_type for field in statement.takes)
        self.connection.execute(f"prepare s ({types}) as {statement.sql}".encode())
        marks = ", ".join(["%s"] * len(values))
        cursor = psycopg.ClientCursor(self.connection)
        cursor.execute(f"execute s ({marks})".encode(), values)
        rows = cursor.rowcount
        self.connection.execute("deallocate s")
        return rows

    def lay(self, version):
        return self.run("openings_lay", self.customer, self.mailbox, version, [DAY], *SPAN, [0], [AT], [NOT_AFTER])

    def authorize(self, number=0):
        return self.run("slot_authorize", self.customer, self.ip, 0, self.message, DUE, NOW, "2026-11-23", number)


@pytest.fixture
def house(server):
    with psycopg.connect(server.url()) as connection:
        yield House(connection)
        connection.rollback()


def test_openings_of_a_plan_that_is_gone_are_not_laid(house):
    """Catches a laying that read the window before a change of it and wrote after."""
    assert house.lay(house.version - 1) == 0 and house.run("mailbox_laid", house.customer, house.mailbox, house.version - 1, DAY) == 0
    assert house.run("mailbox_stands", house.customer, house.mailbox, house.version - 1) == 0
    assert house.lay(house.version) == 1 and house.run("mailbox_laid", house.customer, house.mailbox, house.version, DAY) == 1
    assert house.lay(house.version) == 0                       # it is there


@pytest.mark.parametrize("moved", [
    "update mailboxes set state = 'paused', paused_at = created_at where mailbox_id = %s",
    "update mailboxes set ip_id = null, ordinal = null where mailbox_id = %s"])
def test_a_mailbox_that_may_not_be_booked_gets_no_openings(moved, house):
    """Catches an opening that outlives a pause."""
    house.connection.execute(moved, [house.mailbox])
    assert house.lay(house.version) == 0


def test_a_taken_slot_is_not_laid_again(house):
    """Catches stale openings made on purpose."""
    house.connection.execute("update slots set local_day = %s where mailbox_id = %s", [DAY, house.mailbox])
    assert house.lay(house.version) == 0


@pytest.mark.parametrize("moved", [
    None,
    "update lanes set halted = '{ip_paused}'",
    "update lanes set generation = 1",
    "update messages set state = 'accepted'",
    "update mailboxes set state = 'paused', paused_at = created_at",
    "update mailboxes set daily_cap = 1",
    "insert into suppressions select customer_id, id('x', 'a'), 'bo@example.com', 'address', 'api', created_at from customers",
    "insert into suppressions select customer_id, id('x', 'a'), 'example.com', 'domain', 'api', created_at from customers",
    "update slots set at = at + interval '3 h', due_at = due_at + interval '3 h'",
    "update slots set not_after = '2026-11-23T12:00:00Z'",
    "update slots set number = 0",
    "update slots set local_day = '2026-11-22'",
    "update slots set state = 'authorized', generation = 0, authorized_at = at, authorized_real_at = at"])
def test_each_gate_of_an_authorization_alone(moved, house):
    """Catches a gate that another one stands in for."""
    house.connection.execute("update slots set number = 1 where mailbox_id = %s", [house.mailbox])
    if moved:
        assert house.connection.execute(f"{moved} where customer_id = %s", [house.customer]).rowcount == 1
    assert house.authorize(number=1) == (0 if moved else 1)


def test_an_authorization_turns_both_rows_or_none(house):
    """Catches a slot that is spent for a message that stays booked."""
    assert house.authorize() == 1
    assert house.one("select s.state || ' ' || m.state from slots s join messages m using (customer_id, message_id) "
                     "where m.message_id = %s", house.message) == "authorized sending"


def test_an_ended_message_is_not_ended_again(house):
    """Catches a cancel that arrives after the delivery."""
    house.connection.execute("update messages set state = 'delivered', ended_at = created_at where message_id = %s", [house.message])
    ended = house.run("messages_end", house.customer, [house.message], "cancelled", "cancelled", None, NOW)
    assert (ended, house.run("message_booked", house.customer, house.message, AT, "waiting_for_slot", None)) == (0, 0)


@pytest.mark.parametrize("left, settled", [(-1, 1), (0, 0), (1, 1)])
def test_doubt_is_what_another_generation_left(left, settled, house):
    """Catches a sweep of the living owner's own authorizations."""
    house.connection.execute("update lanes set generation = 5")
    house.connection.execute("update slots set state = 'authorized', generation = 5 + %s, authorized_at = at, authorized_real_at = at "
                             "where mailbox_id = %s", [left, house.mailbox])
    assert house.run("slots_in_doubt", house.customer, house.ip, 5, None) == settled


def test_a_mark_goes_only_with_a_message_that_never_reached_a_dot(house):
    """Catches a person written to twice because the first message was cancelled between its tries."""
    house.connection.execute("update slots set state = 'spent', generation = 0, authorized_at = at, authorized_real_at = at, "
                             "spent_at = at where mailbox_id = %s", [house.mailbox])
    assert house.run("recipients_unmark", house.customer, [house.message]) == 0
    house.connection.execute("delete from slots where mailbox_id = %s", [house.mailbox])
    assert house.run("recipients_unmark", house.customer, [house.message]) == 1
