"""postgres: private clusters. One is made and migrated a run; each platform gets a copy, its own to kill.

It listens on a Unix socket in a short path, and runs with fsync=off: a killed process loses nothing by that, only a
killed machine would. PostgreSQL refuses to run as root, so root runs it as the user postgres.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import psycopg

from harness.process import Process
from harness.wait import wait_until

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
PORT = 5432                 # only a name inside our own socket folder
SETTINGS = """
listen_addresses = ''
fsync = off
full_page_writes = off
max_connections = 200
shared_buffers = 32MB
autovacuum_naptime = 10s
log_min_messages = warning
max_wal_size = 128MB
"""


def _as_postgres(argv):
    """The command as the unprivileged user; setpriv execs, so the pid is the program's."""
    if os.geteuid() != 0:
        return [str(a) for a in argv]
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig", "KILL",
            "env", "-i", "PATH=/usr/bin:/bin", *[str(a) for a in argv]]


def _own(path):
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


class Postgres:
    """A cluster in `home`: data, and the socket folder that a database URL names as its host."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.data, self.sockets = self.home / "data", self.home / "s"
        self.home.mkdir(parents=True, exist_ok=True)
        self.kept_open = None
        self.sockets.mkdir(exist_ok=True)
        _own(self.home), _own(self.sockets)
        self.holder = None
        self.process = Process("postgres", _as_postgres([BIN / "postgres", "-D", self.data, "-k", self.sockets]),
                               self.home / "log")

    @classmethod
    def fresh(cls, home):
        """A new, empty cluster, not started."""
        self = cls(home)
        subprocess.run(_as_postgres([BIN / "initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust",
                                     "--username=postgres", "--wal-segsize=4", "-D", self.data]),
                       check=True, stdout=subprocess.DEVNULL, cwd="/")
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS)
        return self

    @classmethod
    def copy_of(cls, other, home):
        """A copy of a cluster that is not running."""
        assert not other.process.alive
        self = cls(home)
        subprocess.run(["cp", "-a", "--reflink=auto", other.data, self.data], check=True)
        return self

    def durable(self):
        """As in production from its next start on: an answered commit is on the disk."""
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.write("fsync = on\nfull_page_writes = on\nmax_wal_size = 1GB\nshared_buffers = 128MB\n")
        return self

    def small_disk(self, part, mib):
        """That part of the data lies on a disk of its own, so small; in a mount namespace of ours. Returns its folder."""
        place = self.data / part
        script = (f"mount -t tmpfs -o size={mib}m,mode=0700 tmpfs /mnt && chown postgres:postgres /mnt && "
                  f"cp -a {place}/. /mnt && mount --move /mnt {place} && exec sleep infinity")
        self.holder = Process("disk", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script], self.home / "disk.log")
        self.holder.start()
        inside = pathlib.Path(f"/proc/{self.holder.pid}/root{place}")
        wait_until(lambda: self.holder.alive and os.path.ismount(inside), 20, lambda: f"a small disk; {self.holder.tail()}")
        self.process.argv = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", *self.process.argv]
        return inside

    def url(self, user="postgres", sockets=None):
        return f"postgresql:///evenpost?host={sockets or self.sockets}&user={user}"

    def start(self):
        self.process.start()
        wait_until(self.answers, 60, lambda: f"PostgreSQL answers; log: {self.process.tail()}")
        return self

    def answers(self):
        if not self.process.alive:
            raise RuntimeError(f"PostgreSQL ended; log: {self.process.tail()}")
        try:
            psycopg.connect(f"host={self.sockets} user=postgres dbname=postgres connect_timeout=5").close()
            return True
        except psycopg.OperationalError:
            return False

    def stop(self):
        """A fast, clean stop."""
        if self.process.alive:
            os.kill(self.process.pid, signal.SIGINT)
            self.process.child.wait(60)

    def stop_now(self):
        """pg_ctl stop -m immediate: no goodbye, and recovery at the next start."""
        os.kill(self.process.pid, signal.SIGQUIT)
        self.process.child.wait(60)

    def kill_backend(self, pid):
        """kill -9 to one of its processes: the postmaster ends all the others, and recovers."""
        with psycopg.connect(self.url(), autocommit=True) as witness:
            os.kill(pid, signal.SIGKILL)

            def heard_of_it():
                try:
                    return witness.execute("select 1") and False
                except psycopg.OperationalError:
                    return True
            wait_until(heard_of_it, 30, "the postmaster has noticed")
        wait_until(self.answers, 60, "recovered")

    def behead(self):
        """kill -9 to the postmaster alone: its children see that, and go by themselves."""
        children = self._children()
        self.process.kill()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 30, "backends gone")

    def crash(self):
        """Every process of it dies at once, as in a power cut that spares the disk."""
        children = self._children()
        self.process.kill()
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 10, "backends gone")

    def end(self):
        """It is needed no more. What is killed leaves its shared memory, of which a machine has 4,096: it ends by itself if it can."""
        if self.process.alive:
            self.resume()
            os.kill(self.process.pid, signal.SIGQUIT)
            try:
                self.process.child.wait(20)
            except subprocess.TimeoutExpired:
                self.crash()
        remains = self.data / "postmaster.pid"
        if remains.exists() and len(lines := remains.read_text().splitlines()) > 6:
            subprocess.run(["ipcrm", "--shmem-id", lines[6].split()[1]], stderr=subprocess.DEVNULL)

    def suspend(self):
        """Nothing answers any more, and no connection is lost: every process of it is stopped."""
        for pid in [self.process.pid, *self._children()]:
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in [*self._children(), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):       # a backend whose client has gone is gone meanwhile
                os.kill(pid, signal.SIGCONT)

    def query(self, statement, *values):
        """The judge's own look: rows as tuples, by the superuser, in a connection of its own, or in the one that is kept."""
        with self.kept_open or psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def keeps_open(self):
        """Meanwhile the judge looks through one connection: on a full disk PostgreSQL may let no other in."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            self.kept_open = contextlib.nullcontext(connection)
            try:
                yield
            finally:
                self.kept_open = None

    def one(self, statement, *values):
        rows = self.query(statement, *values)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return rows[0][0]

    def brake(self, table, event="insert", when="true"):
        """Commits with such a row wait at the very end, after their last statement and before their answer."""
        return Brake(self, table, event, when)

    def _children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in pathlib.Path(path).read_text().split()]


class Brake:
    """Holds commits. on until release() or fail(); a transaction that came to it is `reached`.

    A deferred constraint trigger waits for an advisory lock that we hold: the client has sent its commit, and knows
    nothing. The one who waits goes on when the lock is let go, whether its client still lives or not.
    """

    NUMBER = 7306

    def __init__(self, database, table, event, when):
        self.database, self.table = database, table
        self.holder = psycopg.connect(database.url(), autocommit=True)
        self.holder.execute(f"select pg_advisory_lock({self.NUMBER})")
        self.holder.execute("create or replace function brake() returns trigger language plpgsql as "
                            f"$$ begin perform pg_advisory_xact_lock({self.NUMBER}); return null; end $$")
        self.holder.execute(f"create constraint trigger brake after {event} on {table} deferrable initially deferred "
                            f"for each row when ({when}) execute function brake()")

    def waiting(self):
        """The backends that wait here."""
        return [pid for pid, in self.database.query(
            "select pid from pg_locks where locktype = 'advisory' and objid = %s and not granted", self.NUMBER)]

    def reached(self, seconds=30):
        return wait_until(self.waiting, seconds, "a commit came to the brake")

    def release(self):
        """Those who wait commit; later ones pass."""
        self.holder.close()
        wait_until(lambda: not self.waiting(), 10, "the brake is off")
        self.database.query(f"drop trigger brake on {self.table}")

    def fail(self):
        """Those who wait are rolled back, as by a killed backend; later ones pass."""
        for pid in self.waiting():
            self.database.query("select pg_terminate_backend(%s)", pid)
        wait_until(lambda: not self.waiting(), 10, "the waiting ones are gone")
        self.release()
