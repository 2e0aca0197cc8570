"""pair: a PostgreSQL with a synchronous standby, streaming between their sockets."""
import subprocess

from harness.postgres import BIN, Postgres, _as_postgres
from harness.wait import wait_until

STANDBY = "second"


class Pair:
    """One life: made of a cluster that runs; failed over with promote(); the old one may come back with start()."""

    def __init__(self, primary, home):
        self.primary, self.standby = primary, Postgres(home)
        source = f"host={primary.sockets} user=postgres application_name={STANDBY}"
        subprocess.run(_as_postgres([BIN / "pg_basebackup", "-d", source, "-D", self.standby.data, "--write-recovery-conf",
                                     "--checkpoint=fast", "--wal-method=stream", "--no-sync"]), check=True, cwd="/")
        self.standby.start()
        self.wait_for(STANDBY)

    def wait_for(self, names):
        """From now on the primary answers a commit when a standby of that name has it; "": at once."""
        self.primary.query(f"alter system set synchronous_standby_names = '{names}'")
        self.primary.query("select pg_reload_conf()")
        if names == STANDBY:
            wait_until(lambda: self.primary.query("select 1 from pg_stat_replication where sync_state = 'sync'"), 30, "a synchronous pair")

    def url(self, user, *options):
        """The old one first: who takes the first that answers goes to it when it comes back."""
        hosts = f"{self.primary.sockets},{self.standby.sockets}"
        return "&".join([f"postgresql:///evenpost?host={hosts}", f"user={user}", *options])

    def promote(self):
        """The standby is the primary, and waits for nobody."""
        self.standby.query("select pg_promote()")
        wait_until(lambda: self.standby.one("select not pg_is_in_recovery()"), 30, "promoted")

    def stop(self):
        for one in (self.standby, self.primary):
            if one.process.alive:
                one.crash()
