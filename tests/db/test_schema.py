"""The schema's own tests, written in SQL (pgTAP): each line of sql/*.sql that says "not ok" is a failure here."""
import pathlib
import subprocess

import pytest

SQL = pathlib.Path(__file__).with_name("sql")
FILES = sorted(path for path in SQL.glob("*.sql") if path.stem != "two_customers")


@pytest.fixture
def database(session):
    database = session.cluster().start()
    yield database
    database.end()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_holds(path, database):
    """Catches a wall with a hole, and a state that should be impossible."""
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database.url(), "-f", path],
                          capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert [line for line in lines if line.startswith("not ok")] == [], done.stdout + done.stderr
    assert sum(line.startswith("ok") for line in lines) > 5, done.stdout
