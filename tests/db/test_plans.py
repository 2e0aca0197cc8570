"""Hot statements, planned as the programs run them (prepared once, for any parameters), over a large customer.

What is held: no table is read through, and no more than a bound of buffers is touched. Row-level security is on.
"""
import json
import pathlib
import sys

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import statements  # noqa: E402

CUSTOMER = "0192a000-0000-7000-8000-000000000001"
IP = "0192a000-0000-7000-8000-000000000002"
POOL = "0192a000-0000-7000-8000-000000000003"
DOMAIN = "0192a000-0000-7000-8000-000000000004"
NOW = "2026-11-23T09:00:00Z"

# A hundred customers of a hundred mailboxes; and one of a thousand, with two messages a day booked over fifty days, and
# openings on twenty days after them.
LARGE = f"""
insert into customers (customer_id, name, mode, recipient_gap_days, created_at) values ('{CUSTOMER}', 'Large', 'sandbox', 30, '{NOW}');
insert into pools values ('{CUSTOMER}', '{POOL}', 'default', '{NOW}');
insert into ips (ip_id, address, host, state, created_at) values ('{IP}', '10.0.0.1', 'h', 'assigned', '{NOW}');
insert into lanes (customer_id, ip_id, pool_id, generation, assigned_at) values ('{CUSTOMER}', '{IP}', '{POOL}', 3, '{NOW}');
insert into ip_ordinals values ('{CUSTOMER}', '{IP}', 1000);
insert into domains values ('{CUSTOMER}', '{DOMAIN}', 'acme.example', 'ready', '{NOW}', '{NOW}');
create function n_id(kind integer, n integer) returns uuid language sql immutable
    as $$ select ('0192a000-00' || lpad(kind::text, 2, '0') || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
insert into mailboxes (customer_id, mailbox_id, address, address_key, domain_id, pool_id, ip_id, ordinal, time_zone, window_days,
                       window_start_min, window_end_min, daily_cap, created_at)
    select '{CUSTOMER}', n_id(1, m), 'm' || m, 'm' || m, '{DOMAIN}', '{POOL}', '{IP}', m, 'UTC', 127, 540, 1020, 2, '{NOW}'
    from generate_series(0, 999) m;
insert into customers (customer_id, name, mode, recipient_gap_days, created_at)
    select n_id(4, c), 'Small ' || c, 'sandbox', 0, '{NOW}' from generate_series(1, 100) c;
insert into pools select n_id(4, c), n_id(5, c), 'default', '{NOW}' from generate_series(1, 100) c;
insert into domains select n_id(4, c), n_id(6, c), c || '.example', 'ready', '{NOW}', '{NOW}' from generate_series(1, 100) c;
insert into mailboxes (customer_id, mailbox_id, address, address_key, domain_id, pool_id, time_zone, window_days,
                       window_start_min, window_end_min, daily_cap, created_at)
    select n_id(4, c), n_id(7, c * 100 + m), 'm' || m, 'm' || m, n_id(6, c), n_id(5, c), 'UTC', 127, 540, 1020, 2, '{NOW}'
    from generate_series(1, 100) c, generate_series(0, 99) m;
insert into messages (customer_id, message_id, mailbox_id, state, to_address, recipient_key, domain_key, subject, text_body,
                      header_message_id, thread_id, first_writing, created_at, explanation_code)
    select '{CUSTOMER}', n_id(2, m * 100 + d * 2 + k), n_id(1, m), 'booked', 'x', 'p' || (m * 100 + d * 2 + k) || '@example.com',
           'example.com', 's', 't', 'x@y', n_id(2, m * 100 + d * 2 + k), true, '{NOW}', 'waiting_for_slot'
    from generate_series(0, 999) m, generate_series(0, 49) d, generate_series(0, 1) k;
insert into slots (customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at, not_after,
                   recipient_key, domain_key, booked_at)
    select '{CUSTOMER}', mailbox_id, day, k, day, day + interval '1 d', message_id, '{IP}', at, at, day + interval '17 h',
           recipient_key, 'example.com', '{NOW}'
    from (select m.*, timestamptz '2026-11-23 00:00Z' + d * interval '1 d' as day,
                 timestamptz '2026-11-23 09:00Z' + d * interval '1 d' + (n * 28) * interval '1 s' as at
          from (select mailbox_id, message_id, recipient_key,
                       right(message_id::text, 12)::integer / 100 as n,
                       right(message_id::text, 12)::integer % 100 / 2 as d,
                       (right(message_id::text, 12)::integer % 2)::smallint as k from messages) m) s;
insert into openings
    select '{CUSTOMER}', n_id(1, m), day, k, day, day + interval '1 d', '{IP}', day + interval '9 h' + m * interval '28 s',
           day + interval '17 h'
    from generate_series(0, 999) m, generate_series(0, 1) k,
         generate_series(timestamptz '2027-01-12 00:00Z', '2027-01-31 00:00Z', '1 d') day;
insert into recipients select '{CUSTOMER}', recipient_key, '{NOW}', message_id, null from messages;
insert into audits (customer_id, audit_id, at, operation, activity, by_operator, key_id, request_id, resources, changes)
    select case when n % 10 = 0 then '{CUSTOMER}' else n_id(4, 1 + n % 100) end, n_id(8, n), '{NOW}', 'pools_create', 1, false,
           n_id(9, 1), 'r', '[]', '[]' from generate_series(1, 20000) n;
insert into suppressions select '{CUSTOMER}', n_id(3, n), 's' || n || '@example.com', 'address', 'api', '{NOW}'
    from generate_series(1, 20000) n;
analyze
"""

M, X = "0192a000-0001-7000-8000-000000000500", "0192a000-0002-7000-8000-000000050000"
EVENT = "0192a000-0009-7000-8000-000000000001"
FIRST, LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
HOT = [
    ("ledger/slot_authorize", "evenpost_worker", [CUSTOMER, IP, 3, X, "2026-11-23T13:00:00Z", NOW, "2026-11-23", 0], 140),
    ("ledger/opening_take", "evenpost_server", [CUSTOMER, M, NOW], 40),
    ("ledger/opening_take_any", "evenpost_server", [CUSTOMER, NOW, "2027-02-20", True], 70),
    ("ledger/accept_facts", "evenpost_server", [CUSTOMER, M, None], 30),
    ("ledger/recipient_mark", "evenpost_server", [CUSTOMER, "new@example.com", NOW, X, NOW], 40),
    ("ledger/recipient_hold", "evenpost_server", [CUSTOMER, "p5@example.com"], 15),
    ("ledger/mailboxes_plan", "evenpost_server", [CUSTOMER, [M]], 30),
    ("ledger/slots_taken", "evenpost_server", [CUSTOMER, M, "2026-11-21", "2027-02-21"], 130),
    ("ledger/message_hold", "evenpost_worker", [CUSTOMER, X], 15),
    ("ledger/slots_in_doubt", "evenpost_worker", [CUSTOMER, IP, 3, None], 15),
    ("ledger/messages_of_recipient", "evenpost_server", [CUSTOMER, "p5@example.com"], 20),
    ("server/audit_insert", "evenpost_server", [CUSTOMER, EVENT, NOW, "pools_create", 1, False, EVENT, "127.0.0.1", "curl", "r", None,
                                                "[]", "[]"], 200),
    ("server/audits_read", "evenpost_server", [CUSTOMER, LAST, 51], 100),
    ("server/audits_read", "evenpost_operator", [None, LAST, 51], 100),
    ("server/capacity_read", "evenpost_server", [CUSTOMER, FIRST, "2026-11-20", "2026-12-10", 100], 4500),
    ("ledger/event_insert", "evenpost_server", [CUSTOMER, EVENT, "message.booked", NOW, X, "{}"], 200),
]


@pytest.fixture(scope="module")
def large(session):
    database = session.cluster().start()
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute("alter table slots disable trigger all; alter table messages disable trigger all")
        for statement in LARGE.split(";\n"):
            connection.execute(statement)
        connection.execute("alter table slots enable trigger all; alter table messages enable trigger all")
    yield database
    database.end()


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def planned(large, path, role, values):
    statement = statements.statement_of(ROOT / path)
    with psycopg.connect(large.url(role)) as connection:
        connection.execute(f"set local app.customer_id = '{CUSTOMER}'")
        connection.execute("set local plan_cache_mode = force_generic_plan")
        types = ", ".join(field.sql_type for field in statement.takes)
        connection.execute(f"prepare hot ({types}) as {statement.sql}".encode())
        marks = ", ".join(["%s"] * len(values))
        explain = psycopg.ClientCursor(connection).mogrify(f"explain (analyze, buffers, format json) execute hot ({marks})", values)
        plan = connection.execute(explain.encode()).fetchone()[0][0]
        connection.rollback()
    return plan["Plan"]


@pytest.mark.parametrize("name, role, values, most", HOT, ids=[row[0] for row in HOT])
def test_a_hot_statement_keeps_its_plan(name, role, values, most, large):
    """Catches an index that a change of words lost: fast on ten rows, and a table's scan at a hundred thousand."""
    room, statement = name.split("/")
    plan = planned(large, f"{room}/sql/{statement}.sql", role, values)
    scans = [node.get("Relation Name") for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    small = {"customers", "lanes", "ip_ordinals", "domains", "ips", "pools"}
    assert set(scans) <= small, json.dumps(plan, indent=1)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= most, json.dumps(plan, indent=1)


def test_a_worker_reads_what_is_due_by_its_index(large):
    """Catches a read, once a second and for each lane, of everything that is booked."""
    path = next((ROOT / "worker/sql").glob("due_*.sql"))
    statement = statements.statement_of(path)
    with psycopg.connect(large.url("evenpost_due")) as connection:
        types = ", ".join(field.sql_type for field in statement.takes)
        connection.execute("set local plan_cache_mode = force_generic_plan")
        connection.execute(f"prepare hot ({types}) as {statement.sql}".encode())
        nulls = ", ".join(["null"] * len(statement.takes))
        plan = connection.execute(f"explain (format json) execute hot ({nulls})").fetchone()[0][0]["Plan"]
    scans = [node.get("Relation Name") for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    assert "slots" not in scans, json.dumps(plan, indent=1)


def test_openings_are_vacuumed_early(large):
    """Catches a queue that slows with every booking until a vacuum of the default kind comes."""
    options = large.one("select reloptions from pg_class where relname = 'openings'")
    assert "autovacuum_vacuum_scale_factor=0.02" in options
