"""process: one program of ours, or a peer, with its log; it never outlives the run."""
import ctypes
import os
import pathlib
import signal
import subprocess

from harness.wait import wait_until

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _join(group):
    def join():
        _die_with_parent()
        (group / "cgroup.procs").write_text(str(os.getpid()))
    return join


class Process:
    """One life: started, perhaps stopped and continued, ended by kill() or terminate(), perhaps started again."""

    def __init__(self, name, argv, log, env=None, cwd="/"):
        self.name, self.argv, self.log, self.env, self.cwd = name, [str(a) for a in argv], pathlib.Path(log), env, cwd
        self.child, self.group = None, None         # group: a control group to start in

    def start(self):
        assert not self.alive, f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                          cwd=self.cwd, preexec_fn=_join(self.group) if self.group else _die_with_parent)
        return self

    @property
    def pid(self):
        return self.child.pid

    @property
    def alive(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        """kill -9, and gone."""
        if self.alive:
            self.child.kill()
            self.child.wait()

    def ask_to_end(self):
        """SIGTERM, and our program has said that it ends."""
        before = self.text().count(" ends\n")
        self.child.terminate()
        wait_until(lambda: not self.alive or self.text().count(" ends\n") > before, 10)

    def terminate(self, seconds=90):
        """SIGTERM; returns the exit status."""
        if self.alive:
            self.child.terminate()
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM; log: {self.tail()}")
        return self.child.returncode

    def suspend(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: self._state() == "T", 5, f"{self.name} stopped")

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        """CPU seconds used so far, from the kernel."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=25):
        return "\n".join(self.text().splitlines()[-lines:])

    def _state(self):
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
