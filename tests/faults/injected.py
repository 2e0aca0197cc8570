"""injected: a program of ours under strace, which makes one of its system calls go wrong.

    points = calls_of(trace, since)                 every call of a life, in its order
    with_kill("sendto", 7), with_error(trace, "connect", "ETIMEDOUT", 2)
    hit_of(trace)                                   what the error has met in that life: the database, or the receiver at a stage

An injection is the part of a command line that goes before a program's own. strace counts each call by itself: the seventh
sendto, whatever stands between. It runs beside the program, not above it (-D): the harness sees the program's own pid and end.
"""
import dataclasses
import pathlib
import re
import shutil

CALLS = "%network,read,write,close,openat,newfstatat,fcntl,ioctl,epoll_ctl,epoll_wait,pipe2,eventfd2,getrandom,fsync,fdatasync"
LINE = re.compile(r"^\d+\s+(\w+)\((.*)$")


def strace(*arguments):
    path = shutil.which("strace")
    assert path, "strace is not here: tools/packages.sh names what the tests need"
    return [path, "-D", "-f", "-qqq", *arguments]


def traced(trace):
    """Nothing goes wrong; what is called stands in that file afterwards."""
    return strace("-o", trace, "-e", f"trace={CALLS}")


def with_kill(call, which):
    """kill -9 as the call begins; it is not made."""
    return strace("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={which}")


def with_error(trace, call, error, which):
    """The call is not made and answers that error, once."""
    return [*traced(trace), "-e", f"inject={call}:error={error}:when={which}"]


@dataclasses.dataclass
class Call:
    """One call of a traced life. peer: "database", "receiver", "client", "itself" (a pipe) or None; stage: of the conversation
    with a receiver."""
    name: str
    which: int
    line: str
    peer: str
    stage: str

    def __str__(self):
        return f"{self.name} number {self.which} ({self.peer}, {self.stage}): {self.line}"


class Life:
    """Reads a trace line by line, and knows whom each descriptor is connected to."""

    def __init__(self):
        self.counts, self.peers, self.stages = {}, {}, {}

    def read(self, line):
        """The call that begins in this line, or None."""
        match = LINE.match(line)
        if not match:
            return None
        name, rest = match[1], match[2]
        self.counts[name] = self.counts.get(name, 0) + 1
        descriptor = rest.split(",")[0].split(")")[0]
        self._connected(name, descriptor, rest)
        if self.peers.get(descriptor) == "receiver" and name == "sendto":
            self.stages[descriptor] = _stage_of(rest)
        return Call(name, self.counts[name], line, self.peers.get(descriptor), self.stages.get(descriptor))

    def _connected(self, name, descriptor, rest):
        if name in ("pipe2", "eventfd2") and "= -1" not in rest:
            for made in re.findall(r"\[(\d+), (\d+)\]|= (\d+)", rest)[0]:
                self.peers[made] = "itself"
        elif name == "connect" and "AF_INET" in rest:
            self.peers[descriptor], self.stages[descriptor] = "receiver", "connect"
        elif name == "connect" and "PGSQL" in rest:
            self.peers[descriptor] = "database"
        elif name == "getsockname" and self.stages.get(descriptor) == "connect":
            self.stages[descriptor] = "greeting"
        elif name in ("socket", "accept4", "openat") and "= -1" not in rest:
            made = rest.rsplit("= ", 1)[1].split()[0]
            self.peers[made], self.stages[made] = ("client" if name == "accept4" else None), None


def _stage_of(words):
    verb = words.split('"')[1][:4]
    if words.split('"')[1].startswith("\\r\\n."):
        return "dot"
    return {"EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "QUIT": "quit"}.get(verb, "content")


def calls_of(trace, since):
    """The calls of a traced life, from the first with `since` in it: before that the loader works."""
    life, found = Life(), []
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        call = life.read(line)
        if call and (found or since in line):
            found.append(call)
    assert found, f"{since} does not stand in {trace}"
    return found


def between(calls, first, last):
    """Those from the first line with `first` in it to the next with `last` in it, and one behind."""
    start = next(place for place, call in enumerate(calls) if first in call.line)
    end = next(place for place in range(start, len(calls)) if last in calls[place].line)
    return calls[start:end + 2]


def hit_of(trace):
    """The call that was made to go wrong, or None: this life did not come to it."""
    life = Life()
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        call = life.read(line)
        if call and line.endswith("(INJECTED)"):
            return call
    return None
