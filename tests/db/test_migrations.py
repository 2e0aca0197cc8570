"""Migrating: twice changes nothing, from any earlier number works, two at once wait, and a changed file is refused."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBERS = sorted(int(path.name[:4]) for path in (ROOT / "migrations").glob("[0-9]*.sql"))


@pytest.fixture(scope="module")
def server(session):
    from harness.postgres import Postgres
    server = Postgres.fresh(session.folder / "migrations").start()
    yield server
    server.crash()


@pytest.fixture
def empty(server):
    """An empty database of its own in that cluster; gives its URL."""
    import psycopg
    with psycopg.connect(f"host={server.sockets} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute("drop database if exists evenpost")
        connection.execute("create database evenpost")
    return server.url()


def migrate(url, *arguments, root=ROOT, check=True):
    done = subprocess.run([root / "tools/migrate.sh", "--database-url", url, "--now", "2026-11-23T06:00:00Z", *arguments],
                          capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr
    return done


def schema(url):
    dump = subprocess.run(["pg_dump", "--schema-only", "-d", url], check=True, capture_output=True, text=True).stdout
    return [line for line in dump.splitlines() if not re.match(r"\\(un)?restrict ", line)]      # its token is random


@pytest.fixture(scope="module")
def newest(server):
    """What the schema must be, whichever way it was reached."""
    import psycopg
    with psycopg.connect(f"host={server.sockets} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute("create database newest")
    url = server.url().replace("evenpost?", "newest?")
    migrate(url)
    return schema(url)


def test_every_number_is_there_once():
    """Catches two branches that took the same number."""
    assert NUMBERS == list(range(1, len(NUMBERS) + 1))


def test_twice_changes_nothing(empty, newest):
    """Catches a migration that is not recorded, or recorded and run again."""
    first, second = migrate(empty), migrate(empty)
    assert len(first.stdout.split()) == len(NUMBERS) and second.stdout == ""
    assert schema(empty) == newest


@pytest.mark.parametrize("number", NUMBERS[:-1])
def test_from_any_earlier_number(number, empty, newest):
    """Catches a migration that only works in one run with its neighbours."""
    migrate(empty, "--to", str(number))
    migrate(empty)
    assert schema(empty) == newest


def test_as_the_owner_alone(empty, newest, server):
    """Catches a migration after the first that needs a superuser."""
    migrate(empty, "--to", "1")
    migrate(server.url("evenpost_owner"))
    assert schema(empty) == newest


def test_two_at_once_wait_for_each_other(empty, newest):
    """Catches a lock that is taken after the look."""
    both = [subprocess.Popen([ROOT / "tools/migrate.sh", "--database-url", empty, "--now", "2026-11-23T06:00:00Z"],
                             stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(said[0] + said[1]) == sorted(path.stem for path in (ROOT / "migrations").glob("[0-9]*.sql"))
    assert schema(empty) == newest


def test_a_changed_file_is_refused(empty, tmp_path):
    """Catches history that is rewritten under a database that has it."""
    for folder in ("tools", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    migrate(empty, root=tmp_path)
    with open(tmp_path / "migrations/0003_ips.sql", "a") as file:
        file.write("-- changed\n")
    done = migrate(empty, root=tmp_path, check=False)
    assert done.returncode != 0 and "0003_ips was changed after it was applied" in done.stderr


def test_a_migration_that_fails_leaves_nothing_of_itself(empty, tmp_path, newest):
    """Catches half a migration, and a second run that cannot go on."""
    for folder in ("tools", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    broken = tmp_path / f"migrations/{NUMBERS[-1] + 1:04}_broken.sql"
    broken.write_text("create table half (n integer);\nselect 1 / 0;\n")
    assert migrate(empty, root=tmp_path, check=False).returncode != 0
    migrate(empty)
    assert schema(empty) == newest
    broken.write_text("create table whole (n integer);\n")
    assert migrate(empty, root=tmp_path).stdout.split() == [broken.stem]


def test_a_held_lock_is_waited_for(empty):
    """Catches a migration that hangs behind a report, or gives up at the first try."""
    import psycopg
    migrate(empty, "--to", "4")
    holder = psycopg.connect(empty)
    holder.execute("lock table customers in access exclusive mode")
    process = subprocess.Popen([ROOT / "tools/migrate.sh", "--database-url", empty, "--now", "2026-11-23T06:00:00Z"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    assert "somebody holds a lock" in line
    holder.rollback()
    holder.close()
    assert process.wait(60) == 0
