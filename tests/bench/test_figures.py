"""The figures, each beside another that the same machine reached in the same run: ratios travel, absolutes do not.

    ./evenpost test bench
"""
import json
import os
import pathlib
import re
import smtplib
import subprocess

import pytest

from bench.measure import HERE, Group, Sink, compiled
from harness.evenpost import ALL_DAY, Evenpost
from harness.peer import Peers
from harness.postfix import Postfix
from harness.wait import wait_until

ACCEPTS, CONNECTIONS = 3000, 8
BOOKED = 1_000_000
SENDS = 1000
DUE, DEMAND = 4000, 800     # a day of one IP with 2,000 mailboxes, and how many a second its plan asks for: more than it can
SLOW_SENDS, SLOW_CLOSE_MS = 60, 2000


@pytest.fixture
def durable(session):
    """Makes platforms whose answered commits are on the disk: durable(group=…)."""
    made = []

    def make(**options):
        made.append(Evenpost(session, durable=True, **options))
        return made[-1]
    yield make
    for evenpost in made:
        evenpost.stop()


def furnish(customer, mailboxes):
    """An IP, and mailboxes in requests of 500."""
    ip = customer.ip()
    for first in range(0, mailboxes, 500):
        rows = [{"address": f"b{n}@{customer.id.removeprefix('cus_')[-8:]}.test", "window": ALL_DAY}
                for n in range(first, min(mailboxes, first + 500))]
        customer.api.post("/v1/mailboxes", {"mailboxes": rows}, expect=201)
    return ip


def accepts_per_s(session, evenpost, customer, requests=ACCEPTS):
    """By a client in C over kept connections."""
    program = compiled(session.folder, "load-program", "load.c")
    told = subprocess.run([program, evenpost.api_address, "8025", str(requests), str(CONNECTIONS), customer.api.key],
                          check=True, capture_output=True, text=True)
    return requests / json.loads(told.stdout)["seconds"]


def settle(evenpost):
    """PostgreSQL has its log's files to use again, and has written out what came before: both cost who comes first, whatever it writes."""
    evenpost.database.query("create table filling as select number, repeat('x', 200) from generate_series(1, 1000000) as number")
    evenpost.database.query("drop table filling")
    evenpost.database.query("vacuum analyze")
    evenpost.database.query("checkpoint")


def best_accepts_per_s(session, evenpost, customer):
    """Of five."""
    settle(evenpost)
    return max(accepts_per_s(session, evenpost, customer, ACCEPTS // 3) for _ in range(5))


def pgbench_per_s(evenpost, name):
    """The rows of an acceptance, written by pgbench in the same database."""
    (owner, ip), = evenpost.database.query("select customer_id, ip_id from lanes where customer_id = "
                                           "(select customer_id from customers where name = %s)", name)
    told = subprocess.run(["/usr/lib/postgresql/15/bin/pgbench", "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-T", "8",
                           "-f", HERE / "accept.sql", "-D", f"customer={owner}", "-D", f"ip={ip}",
                           "-h", evenpost.database.sockets, "-U", "postgres", "evenpost"],
                          check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([\d.]+)", told).group(1))


def test_durable_accepts_beside_pgbench_writing_the_same_rows(session, durable, table):
    """Catches an acceptance that costs far more than its rows."""
    evenpost = durable().start(worker=False)
    acme = evenpost.customer("Acme")
    furnish(acme, 500)
    accepts_per_s(session, evenpost, acme, 300)
    settle(evenpost)
    ours = accepts_per_s(session, evenpost, acme)
    table.add("durable accepts/s", ours, pgbench_per_s(evenpost, "Acme"), "pgbench, the same rows in one statement")


def test_booking_is_as_fast_with_a_million_booked(session, durable, table):
    """Catches a booking that looks at what is booked already."""
    evenpost = durable().start(worker=False)
    acme = evenpost.customer("Acme")
    furnish(acme, 500)
    accepts_per_s(session, evenpost, acme, 300)
    empty = best_accepts_per_s(session, evenpost, acme)
    evenpost.database.query((HERE / "booked.sql").read_text().replace(":booked", str(BOOKED)))
    full = best_accepts_per_s(session, evenpost, acme)
    table.add(f"bookings/s with {BOOKED:,} booked", full, empty, "the same with none", "≥ 0.77")
    assert full * 1.3 >= empty


def held_postfix(session, sink, group, **settings):
    """Postfix that takes mail and keeps it until told, with one connection to the sink."""
    home = pathlib.Path(os.environ.get("EVENPOST_HOME", HERE.parents[1] / "var"))
    relay = Postfix(Peers(home / "peers"), session.folder / f"relay-{sink.address}", session.lot.address(), "nowhere.test",
                    relayhost=f"[{sink.address}]:{sink.port}", smtpd_relay_restrictions="permit_mynetworks, reject",
                    smtpd_recipient_restrictions="check_recipient_access static:HOLD", in_flow_delay="0",
                    smtp_destination_concurrency_limit="1", initial_destination_concurrency="1",
                    smtp_host_lookup="native", smtp_tls_security_level="none", **settings)
    relay.process.group = group
    return relay.start()


def fill(relay, sends):
    with smtplib.SMTP(relay.address, relay.port) as client:
        for number in range(sends):
            client.sendmail("ann@a.test", [f"p{number}@sink.test"], "Subject: A question\r\n\r\nWould Tuesday suit you?\r\n")


def release(relay):
    relay.inside("postsuper", "-H", "ALL")
    relay.inside("postqueue", "-f")


def test_connections_at_a_slow_closer_beside_postfix(session, durable, table):
    """Catches a permit that returns before the receiver's close: the sink closes two seconds after its 221."""
    theirs = Sink(session.folder, session.lot.address(), SLOW_CLOSE_MS)
    relay = held_postfix(session, theirs, None, smtp_connection_cache_on_demand="no")
    fill(relay, SLOW_SENDS)
    release(relay)
    seen = theirs.wait(SLOW_SENDS, 60)
    relay.stop(), theirs.stop()
    ours = Sink(session.folder, session.lot.address(), SLOW_CLOSE_MS)
    evenpost = durable().start()
    evenpost.route(ours.domain, ours.address, ours.port)
    acme = evenpost.customer("Acme")
    furnish(acme, SLOW_SENDS // 2)
    sent = acme.send(SLOW_SENDS // 4, to=ours)
    evenpost.play(sent, "delivered", seconds=120)
    most = ours.report()
    ours.stop()
    assert most["connections"] >= 5, "fresh connections are the attack"
    table.add("most connections at a slow closer", most["max_per_source"], seen["max_per_source"], "Postfix limited to one", "1 connection")
    assert most["max_per_source"] == 1


def test_deliveries_over_one_connection_beside_postfix(session, durable, table):
    """Catches a lane that is slow, or dear, where one connection is all there is.

    Without our second between two connections: with it five letters a second leave, whatever the machine can."""
    theirs, group = Sink(session.folder, session.lot.address()), Group("postfix")
    relay = held_postfix(session, theirs, group.path, smtp_connection_cache_destinations=f"[{theirs.address}]:{theirs.port}",
                         smtp_connection_reuse_time_limit="600s")
    fill(relay, SENDS)
    cpu = group.cpu_s()
    release(relay)
    seen = theirs.wait(SENDS, 60)
    postfix_cpu = (group.cpu_s() - cpu) * 1000 / seen["messages"]
    postfix_rate = seen["messages"] / (seen["last_dot"] - seen["first_dot"])
    relay.stop(), theirs.stop(), group.end()

    ours, group = Sink(session.folder, session.lot.address()), Group("evenpost")
    evenpost = durable(group=group.path, environment={"EVENPOST_PERMIT_SETTLE": "0"}).start()
    evenpost.route("load.test", ours.address, ours.port)
    acme = evenpost.customer("Acme")
    furnish(acme, DUE // 2)
    evenpost.clock.jump_to(evenpost.clock.now().replace(hour=23, minute=59, second=45))
    accepts_per_s(session, evenpost, acme, DUE)
    cpu, worker_cpu = group.cpu_s(), evenpost.worker.cpu_s()
    evenpost.clock.set_rate(86400 * DEMAND / DUE)
    seen = ours.wait(DUE, 400)
    wait_until(lambda: evenpost.database.one("select count(*) from messages where state = 'delivered'") >= seen["messages"], 30)
    done = seen["messages"]
    rate = done / (seen["last_dot"] - seen["first_dot"])
    assert seen["max_per_source"] == 1 and done == DUE
    table.add("delivered/s over one connection, no settling", rate, postfix_rate, "Postfix limited to one, kept connection")
    table.add("CPU s per 1,000 delivered, with PostgreSQL", (group.cpu_s() - cpu) * 1000 / done, postfix_cpu, "Postfix, all processes")
    table.add("CPU s per 1,000 delivered, the worker alone", (evenpost.worker.cpu_s() - worker_cpu) * 1000 / done, postfix_cpu,
              "Postfix, all processes")
    ours.stop()
    evenpost.stop(), group.end()
