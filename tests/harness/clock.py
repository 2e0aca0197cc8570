"""clock: the clock file that all programs of one home map.

It is changed through evenpost-clock, as a person would, and read by the judge itself: a start, the real moment it stands
for, and a rate. It is made standing still at its start; run() lets it go. Times are datetimes in UTC.
"""
import datetime
import struct
import subprocess
import time

UTC = datetime.timezone.utc
PAGE = struct.Struct("<IIqqqq")         # magic, sequence (odd while it is written), start, since, millionths, running


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def rfc3339(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _of_us(us):
    return datetime.datetime.fromtimestamp(us // 1000000, UTC) + datetime.timedelta(microseconds=us % 1000000)


class Clock:
    def __init__(self, program, path, start, rate=1):
        self.program, self.path = program, path
        self._call("create", rfc3339(start), str(rate))

    def now(self):
        return self.at(time.time())

    def at(self, real_s):
        """What it showed at that real moment, if nobody has moved it since."""
        start, since, millionths, running = self._page()
        passed = max(0, int(real_s * 1000000) - since) * millionths // 1000000 if running else 0
        return _of_us(start + passed)

    @property
    def rate(self):
        return self._page()[2] / 1e6

    def run(self):
        self._call("run")

    def set_rate(self, rate):
        """From now on this many seconds of the rules' time pass in a real one."""
        self._call("rate", str(rate))

    def jump(self, seconds):
        self.jump_to(self.now() + datetime.timedelta(seconds=seconds))

    def jump_to(self, at):
        """Forward to that instant, if it is ahead."""
        while at > self.now():
            try:
                self._call("to", rfc3339(at))
            except AssertionError:
                assert at <= self.now()         # it came by itself meanwhile

    def _page(self):
        while True:
            octets = self.path.read_bytes()[:PAGE.size]
            _, sequence, *values = PAGE.unpack(octets)
            if sequence % 2 == 0:
                return values

    def _call(self, command, *arguments):
        argv = [str(self.program), str(self.path), command, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr or done.stdout}"
        return done.stdout
