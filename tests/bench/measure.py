"""measure: the instruments of the figures: a sink that counts, control groups for CPU, and the table."""
import json
import os
import pathlib
import signal
import subprocess

from harness.process import Process
from harness.wait import wait_until

HERE = pathlib.Path(__file__).resolve().parent


def compiled(folder, name, *sources):
    """A C program of this folder, built for this run."""
    program = folder / name
    if not program.exists():
        subprocess.run(["cc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-o", program, *[HERE / source for source in sources]], check=True)
    return program


class Sink:
    """The receiver of the figures (sink/sink.c): takes whatever it is sent, keeps nothing, counts for itself."""

    def __init__(self, folder, address, close_late_ms=0, port=2525):
        self.address, self.port, self.domain = address, port, "sink.test"
        program = compiled(folder, "sink-program", "sink/sink.c", "sink/ledger.c")
        self.log = folder / f"sink-{address}.log"
        self.log.write_text("")
        self.process = Process("sink", [program, "-a", address, "-p", port, "-t", 3600, "-d", close_late_ms], self.log).start()
        wait_until(lambda: subprocess.run(["ss", "-Hltn", "src", f"{address}:{port}"], capture_output=True).stdout, 10, "the sink listens")

    def report(self):
        """What it has seen since it started."""
        before = len(self.log.read_text().splitlines())
        os.kill(self.process.pid, signal.SIGUSR1)
        wait_until(lambda: len(self.log.read_text().splitlines()) > before, 5, "the sink tells")
        return json.loads(self.log.read_text().splitlines()[-1])

    def wait(self, messages, seconds):
        """What it has seen when that many messages had come, or when the time was over."""
        try:
            wait_until(lambda: self.report()["messages"] >= messages, seconds)
        except AssertionError:
            pass
        return self.report()

    def stop(self):
        self.process.kill()


class Group:
    """A control group: the CPU of some processes, also of those that ended."""

    def __init__(self, name):
        self.v1 = pathlib.Path("/sys/fs/cgroup/cpuacct").exists()
        root = pathlib.Path("/sys/fs/cgroup/cpuacct" if self.v1 else "/sys/fs/cgroup")
        self.path = root / f"evenpost-figures-{name}-{os.urandom(4).hex()}"
        self.path.mkdir()

    def cpu_s(self):
        if self.v1:
            return int((self.path / "cpuacct.usage").read_text()) / 1e9
        return int((self.path / "cpu.stat").read_text().split()[1]) / 1e6

    def end(self):
        def empty():
            for pid in (self.path / "cgroup.procs").read_text().split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                self.path.rmdir()
            except OSError:
                return False
            return True
        wait_until(empty, 10, "the group is empty")


class Table:
    """Rows of: what, ours, theirs, the ratio between, and what it must be."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, theirs, who, wanted=""):
        ratio = f"{ours / theirs:.2f}" if theirs else "-"
        self.rows.append((what, f"{ours:,.1f}", f"{theirs:,.1f}", who, ratio, wanted))

    def text(self):
        head = ("figure", "evenpost", "beside", "which is", "ratio", "wanted")
        rows = [head, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
