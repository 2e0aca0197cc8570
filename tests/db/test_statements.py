"""A statement's head cannot lie: each is described by a migrated server, and planned for a role that runs it."""
import pathlib
import sys

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import statements  # noqa: E402

# Who runs what. One of them must be allowed to: a missing grant shows here, not in the night.
ROLES = {
    "io": ["evenpost_server", "evenpost_worker", "evenpost_jobs"],
    "jobs": ["evenpost_jobs"],
    "ledger": ["evenpost_server", "evenpost_operator", "evenpost_worker", "evenpost_jobs"],
    "server": ["evenpost_server", "evenpost_operator"],
    "worker": ["evenpost_worker", "evenpost_due"],
}
FILES = [path for room in ROLES for path in sorted((ROOT / room / "sql").glob("*.sql"))]


@pytest.fixture(scope="module")
def server(session):
    database = session.cluster().start()
    yield psycopg.connect(database.url(), autocommit=True, prepare_threshold=None)
    database.end()


@pytest.fixture(scope="module")
def oids(server):
    words = {name: server.execute("select %s::regtype::oid, (%s || '[]')::regtype::oid", (name, name)).fetchone()
             for name in statements.TYPES}
    return lambda field: words[field.type][field.array]


def described(server, statement, oids):
    prepared = server.pgconn.prepare(b"", statement.sql.encode(), [oids(field) for field in statement.takes])
    assert prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, prepared.error_message.decode()
    return server.pgconn.describe_prepared(b"")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_head_is_what_the_server_says(path, server, oids):
    """Catches a bigint that is an integer, two columns that changed places, and a table that was changed under it."""
    statement = statements.statement_of(path)
    answer = described(server, statement, oids)
    assert [answer.ftype(i) for i in range(answer.nfields)] == [oids(field) for field in statement.gives]
    heads = [field.name for field in statement.gives]
    for given, head in zip((answer.fname(i).decode() for i in range(answer.nfields)), heads):
        assert given == head or given not in heads, f"{given} stands where the head says {head}"
    assert [answer.param_type(i) for i in range(answer.nparams)] == [oids(field) for field in statement.takes]


def refusal(server, role, statement):
    """The server's words when that role may not run it; planning checks the grants and changes nothing."""
    nulls = ", ".join(["null"] * len(statement.takes))
    types = ", ".join(field.sql_type for field in statement.takes)
    server.execute(f"prepare planned{f' ({types})' if types else ''} as {statement.sql}".encode())
    try:
        with server.transaction(force_rollback=True):
            server.execute(f"set local role {role}")
            server.execute(f"explain execute planned{f' ({nulls})' if nulls else ''}")
    except psycopg.errors.InsufficientPrivilege as error:
        return f"{role}: {error}"
    finally:
        server.execute("deallocate planned")
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_role_may_run_it(path, server):
    """Catches a grant that was forgotten with a new table or column."""
    statement = statements.statement_of(path)
    refusals = [refusal(server, role, statement) for role in ROLES[path.parts[-3]]]
    assert None in refusals, refusals


def test_every_name_is_one_statement():
    """Catches two rooms that use one name: they meet in one program, and on one connection."""
    names = [path.stem for path in FILES]
    assert sorted(names) == sorted(set(names))
