"""injected: a program of ours under strace, which makes one of its system calls go wrong.

    points = calls_of(trace)                        every call of a life as (call, which), in its order
    with_kill("sendto", 7), with_error("connect", "ETIMEDOUT", 2), with_error("openat", "EMFILE", 3, then_on=True)

An injection is the part of a command line that goes before a program's own. strace counts each call by itself: the seventh
sendto, whatever stands between. It runs beside the program, not above it (-D): the harness sees the program's own pid and end.
"""
import pathlib
import re
import shutil

CALLS = "%network,read,write,close,openat,newfstatat,fcntl,ioctl,epoll_ctl,epoll_wait,pipe2,eventfd2,getrandom,fsync,fdatasync"
LINE = re.compile(r"^\d+\s+(\w+)\(")
RESUMED = re.compile(r"^\d+\s+<\.\.\. ")


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


def with_error(call, error, which, then_on=False):
    """The call is not made and answers that error: once, or each time from then on."""
    when = f"{which}+" if then_on else which
    return strace("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}")


def calls_of(trace, since):
    """The calls of a traced life as (call, which, line), from the first line with `since` in it: before that the loader works."""
    counts, found, begun = {}, [], False
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        call = LINE.match(line)
        if not call or RESUMED.match(line):
            continue
        counts[call[1]] = counts.get(call[1], 0) + 1
        begun = begun or since in line
        if begun:
            found.append((call[1], counts[call[1]], line))
    assert found, f"{since} does not stand in {trace}"
    return found
