"""postfix: a receiver that nobody here wrote, unpacked and never installed.

Its packages are fetched once into a folder of peers and unpacked into an overlay that only it sees; it runs in mount and
process namespaces of its own, in the machine's network, on loopback. It discards what it accepts; its log and its anvil
are the judges. Needs root (mounts, and Postfix's own users).
"""
import os
import pathlib
import re
import shutil
import subprocess

from harness.process import Process
from harness.wait import wait_until

UNPACK = r"""
mount -t overlay overlay -o lowerdir=/,upperdir=$ROOT/upper,workdir=$ROOT/work $ROOT/merged
for deb in $ROOT/debs/*.deb; do
    dpkg-deb --fsys-tarfile $deb | tar -x --keep-directory-symlink -C $ROOT/merged
done
chroot $ROOT/merged ldconfig
for group in postfix postdrop; do chroot $ROOT/merged groupadd --system $group 2>/dev/null || true; done
chroot $ROOT/merged useradd --system --gid postfix --no-create-home --home-dir /nonexistent postfix 2>/dev/null || true
"""

RUN = r"""
cp -a $ROOT/upper/. $HOME_OF/upper/
mount -t overlay overlay -o lowerdir=/,upperdir=$HOME_OF/upper,workdir=$HOME_OF/work $HOME_OF/merged
mount --bind $HOME_OF/spool $HOME_OF/merged/var/spool
mkdir -p $HOME_OF/merged/var/log/peer $HOME_OF/merged/etc/postfix $HOME_OF/merged/var/lib/postfix
mount --bind $HOME_OF/log $HOME_OF/merged/var/log/peer
cp $HOME_OF/main.cf $HOME_OF/master.cf $HOME_OF/merged/etc/postfix/
: > $HOME_OF/merged/etc/postfix/dynamicmaps.cf
mount -t proc proc $HOME_OF/merged/proc
mount -t tmpfs tmpfs $HOME_OF/merged/dev
mount -t tmpfs tmpfs $HOME_OF/merged/run
mknod -m 666 $HOME_OF/merged/dev/null c 1 3
mknod -m 444 $HOME_OF/merged/dev/random c 1 8
mknod -m 444 $HOME_OF/merged/dev/urandom c 1 9
chroot $HOME_OF/merged chown postfix:postfix /var/lib/postfix
chroot $HOME_OF/merged postfix set-permissions || true      # it misses manuals that we did not unpack
setsid --wait chroot $HOME_OF/merged postfix start-fg || true
exit     # so that this shell stays until then: it dies with the run, and the namespace with it
"""

MAIN = """compatibility_level = 3.7
maillog_file = /var/log/peer/postfix.log
maillog_file_prefixes = /var/log
myhostname = postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination = {domain}
local_transport = discard:
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_auth_destination, reject
anvil_status_update_time = 1s
"""


class Peers:
    """The folder that keeps unpacked peers for the next run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def root(self, name, *packages):
        """An overlay root with these packages and what they need beyond the machine's own."""
        root = self.folder / name
        if (root / "ready").exists():
            return root
        shutil.rmtree(root, ignore_errors=True)
        for part in ("upper", "work", "merged", "debs"):
            (root / part).mkdir(parents=True)
        (root / "debs").chmod(0o1777)
        plan = subprocess.run(["apt-get", "-s", "install", "--no-install-recommends", *packages], check=True, text=True,
                              capture_output=True).stdout
        wanted = re.findall(r"^Inst (\S+)", plan, re.M)
        subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", *wanted], check=True, cwd=root / "debs",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["unshare", "--mount", "bash", "-euc", UNPACK], check=True, env={**os.environ, "ROOT": str(root)})
        (root / "ready").touch()
        return root


class Postfix:
    """One instance: postfix = Postfix(peers, home, address, smtpd_client_connection_count_limit=1, ...)."""

    def __init__(self, peers, home, address, domain="postfix.test", port=2525, **settings):
        self.address, self.port, self.domain = address, port, domain
        self.root, self.home = peers.root("postfix", "postfix"), pathlib.Path(home)
        for part in ("spool/postfix", "log", "upper", "work", "merged"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        main = MAIN.format(address=address, domain=domain)
        main += "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.home / "main.cf").write_text(main)
        (self.home / "master.cf").write_text(self._master())
        env = {"PATH": os.environ["PATH"], "ROOT": str(self.root), "HOME_OF": str(self.home)}
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-euc", RUN]
        self.process = Process("postfix", argv, self.home / "run.log", env=env)

    def start(self):
        self.process.start()
        wait_until(self._greets, 60, lambda: f"Postfix greets; {self.process.tail()} {self.log()[-5:]}")
        return self

    def stop(self):
        self.process.kill()                 # its process namespace ends with it

    def inside(self, *command):
        """A command of its own, in its namespaces."""
        shell = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        subprocess.run(["nsenter", "-t", shell, "-m", "-p", "chroot", str(self.home / "merged"), *command], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def log(self, words=""):
        """Lines of its log with these words."""
        path = self.home / "log/postfix.log"
        return [line for line in path.read_text(errors="replace").splitlines() if words in line] if path.exists() else []

    def taken(self):
        """Recipients of what it has taken for delivery, in order."""
        return re.findall(r"to=<([^>]*)>.*status=sent", "\n".join(self.log("status=sent")))

    def most_at_once(self, source):
        """The most connections at once from that address, by anvil's own count."""
        counts = [int(n) for line in self.log("max connection count")
                  for n in re.findall(rf"max connection count (\d+) for \([^)]*:{re.escape(source)}\)", line)]
        return max(counts, default=0)

    def _greets(self):
        """Listening, asked of the kernel: a connection of ours would be counted by its anvil."""
        if not self.process.alive:
            raise RuntimeError(f"Postfix ended: {self.process.tail()}")
        listening = subprocess.run(["ss", "-Hltn", "src", f"{self.address}:{self.port}"], capture_output=True, text=True)
        return listening.stdout.strip()

    def _master(self):
        """The packaged services, none of them chrooted, smtp on our address and port."""
        lines = []
        deb = next((self.root / "upper/usr/share/postfix").glob("master.cf.dist"))
        for line in deb.read_text().splitlines():
            fields = line.split()
            if line[:1] not in "# \t" and len(fields) >= 8:
                if fields[:2] == ["smtp", "inet"]:
                    fields[0] = f"{self.address}:{self.port}"
                fields[4] = "n"
                line = " ".join(fields)
            lines.append(line)
        return "\n".join(lines) + "\n"
