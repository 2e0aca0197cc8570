"""peer: a receiver that nobody here wrote, unpacked and never installed.

Its packages are fetched once into a folder of peers and unpacked into an overlay that only it sees; it runs in mount and
process namespaces of its own, in the machine's network, on loopback. It keeps each letter that it takes as a file; its
own log and these files are the judges. Needs root (mounts, and the peer's own users).

postfix.py, exim.py and opensmtpd.py say what each is: packages, users, configuration and how it starts.
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
for group in $GROUPS_OF; do chroot $ROOT/merged groupadd --system $group 2>/dev/null || true; done
for user in $USERS_OF; do
    chroot $ROOT/merged useradd --system --user-group --no-create-home --home-dir /nonexistent $user 2>/dev/null || true
done
"""

RUN = r"""
cp -a $ROOT/upper/. $HOME_OF/upper/
mount -t overlay overlay -o lowerdir=/,upperdir=$HOME_OF/upper,workdir=$HOME_OF/work $HOME_OF/merged
mkdir -p $HOME_OF/merged/var/spool $HOME_OF/merged/var/log/peer
mount --bind $HOME_OF/spool $HOME_OF/merged/var/spool
mount --bind $HOME_OF/log $HOME_OF/merged/var/log/peer
cp -a $HOME_OF/files/. $HOME_OF/merged/
mount -t proc proc $HOME_OF/merged/proc
mount -t tmpfs tmpfs $HOME_OF/merged/dev
mount -t tmpfs tmpfs $HOME_OF/merged/run
mknod -m 666 $HOME_OF/merged/dev/null c 1 3
mknod -m 444 $HOME_OF/merged/dev/random c 1 8
mknod -m 444 $HOME_OF/merged/dev/urandom c 1 9
"""


class Peers:
    """The folder that keeps unpacked peers for the next run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def root(self, kind):
        """An overlay root with the packages of that kind of peer, and what they need beyond the machine's own."""
        root = self.folder / kind.NAME
        if (root / "ready").exists():
            return root
        shutil.rmtree(root, ignore_errors=True)
        for part in ("upper", "work", "merged", "debs"):
            (root / part).mkdir(parents=True)
        (root / "debs").chmod(0o1777)
        plan = subprocess.run(["apt-get", "-s", "install", "--no-install-recommends", *kind.PACKAGES], check=True, text=True,
                              capture_output=True).stdout
        wanted = re.findall(r"^Inst (\S+)", plan, re.M)
        subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", *wanted], check=True, cwd=root / "debs",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        env = {**os.environ, "ROOT": str(root), "USERS_OF": " ".join(kind.USERS), "GROUPS_OF": " ".join(kind.GROUPS)}
        subprocess.run(["unshare", "--mount", "bash", "-euc", UNPACK], check=True, env=env)
        (root / "ready").touch()
        return root


class Peer:
    """One instance: peer = Exim(peers, home, address, domain); a kind says NAME, PACKAGES, USERS, GROUPS and LAUNCH.

    LAUNCH is the end of a shell's work in the namespaces; that shell stays as long as the peer runs.
    """
    GROUPS = ()

    def __init__(self, peers, home, address, domain, port=2525, **settings):
        self.address, self.port, self.domain, self.settings = address, port, domain, settings
        self.root, self.home = peers.root(type(self)), pathlib.Path(home)
        for part in ("spool/letters", "log", "upper", "work", "merged", "files"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        for name, text in self.files().items():
            path = self.home / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        env = {"PATH": os.environ["PATH"], "ROOT": str(self.root), "HOME_OF": str(self.home)}
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-euc", RUN + self.LAUNCH]
        self.process = Process(self.NAME, argv, self.home / "run.log", env=env)

    def start(self):
        self.process.start()
        wait_until(self._listens, 60, lambda: f"{self.NAME} listens; {self.process.tail()} {self.log()[-5:]}")
        return self

    def stop(self):
        self.process.kill()                 # its process namespace ends with it

    def inside(self, *command):
        """A command of its own, in its namespaces; what that says."""
        shell = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        return subprocess.run(["nsenter", "-t", shell, "-m", "-p", "chroot", str(self.home / "merged"), *command], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    def log(self, words=""):
        """Lines of its logs with these words."""
        return [line for path in sorted((self.home / "log").iterdir())
                for line in path.read_text(errors="replace").splitlines() if words in line]

    def files_kept(self):
        return list((self.home / "spool/letters").rglob("new/*"))

    def letters(self):
        """The octets of every letter that it kept, in no order: with trace fields of its own on top, and LF line ends."""
        return [path.read_bytes() for path in self.files_kept()]

    def _listens(self):
        """Asked of the kernel: a connection of ours would be counted."""
        if not self.process.alive:
            raise RuntimeError(f"{self.NAME} ended: {self.process.tail()} {self.log()[-5:]}")
        listening = subprocess.run(["ss", "-Hltn", "src", f"{self.address}:{self.port}"], capture_output=True, text=True)
        return listening.stdout.strip()
