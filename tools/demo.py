#!/usr/bin/python3
# demo — the same mail twice: at once by an unpaced sender, and over a day at high clock speed; the sandbox counts.
#
#   ./evenpost demo [--mailboxes N] [--ips N] [--hours START-END] [--rate N] [--svg FILE] [--keep]
#
#   --mailboxes 10   each sends two messages in the day
#   --ips 2          that they are spread over
#   --hours 09-17    the window in which they send; the unpaced sender writes half an hour before it
#   --rate 480       how fast the clock runs
#   --svg FILE       also draws the twenty-four hours of the first IP, beside the unpaced sender's
#   --keep           leaves the scratch instance running, to look at
#
# It plays in an instance of its own (demo in the home, ports from base + 50), which is removed at the end.

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import picture
import unpaced
from client import Api, Refused, Unreachable

ROOT = pathlib.Path(os.environ["EVENPOST_ROOT"])
UTC = datetime.timezone.utc
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Trouble(Exception):
    """Said to the person as it is."""


class Scratch:
    """An instance beside the real one. One life: up(), play with `api`, clock() and record(), down()."""

    def __init__(self):
        self.base = int(os.environ["EVENPOST_PORT_BASE"]) + 50
        self.home = pathlib.Path(os.environ["EVENPOST_HOME"]) / "demo"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "EVENPOST_TRACE") if name in os.environ}
        self.environment = {**kept, "EVENPOST_HOME": str(self.home), "EVENPOST_PORT_BASE": str(self.base),
                            "EVENPOST_BUILD": os.environ["EVENPOST_BUILD"], "EVENPOST_BUILD_READY": "1",
                            "EVENPOST_SANDBOX_PROFILE": "gmail"}
        self.status = None

    def launcher(self, *words):
        done = subprocess.run([ROOT / "evenpost", *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise Trouble(f"./evenpost {' '.join(words)} (EVENPOST_HOME={self.home}):\n{done.stdout}{done.stderr}")
        return done.stdout

    def up(self, start):
        self.down()
        self.launcher("up", "--no-demo", "--clock", f"{start:%Y-%m-%dT%H:%M:%SZ},1")
        self.status = json.loads(self.launcher("status", "--json"))
        return Api(self.status["api"], pathlib.Path(self.status["operator_key_file"]).read_text().strip())

    def down(self):
        self.launcher("down", "--purge")

    def now(self):
        return picture.instant(json.loads(self.launcher("clock", "show", "--json"))["now"])

    def address(self, number):
        """Loopback addresses of this base; .1 is the customer Demo's."""
        return f"127.{self.base // 256}.{self.base % 256}.{number}"

    def sandbox(self, path):
        with urllib.request.urlopen(self.status["sandbox"]["inbox"] + path, timeout=10) as answer:
            return json.loads(answer.read())

    def dots(self, source):
        """Every final dot of one source, page by page."""
        found, after = [], 0
        while page := self.sandbox(f"/record/timeline?source={source}&after_dot={after}&limit=500")["dots"]:
            found += page
            after = page[-1]["n"]
        return found

    def record(self, source):
        rows = [row for row in self.sandbox("/record")["data"] if row["source"] == source]
        return rows[0] if rows else {"source": source, "most_open": 0, "connections": 0, "dots": 0, "throttled": 0}


class Progress:
    """A bar on a terminal; elsewhere a mark for every tenth, so that a log stays short."""

    def __init__(self, text, total):
        self.text, self.total, self.tenths = text, total, 0
        self.live = sys.stdout.isatty()
        if not self.live:
            print(f"{text} ", end="", flush=True)

    def show(self, done, note):
        tenths = 10 * done // self.total
        if self.live:
            bar = "█" * (30 * done // self.total)
            print(f"\r\033[K{self.text} {bar:·<30} {done}/{self.total}  {note}", end="", flush=True)
        elif tenths > self.tenths:
            print("." * (tenths - self.tenths), end="", flush=True)
        self.tenths = tenths

    def end(self, note):
        print(f"\r\033[K{self.text} {note}" if self.live else f" {note}", flush=True)


def next_monday(hour):
    today = datetime.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=7 - today.weekday(), hours=hour)


def settle(api, scratch, given):
    """One customer, its IPs and mailboxes; (Api of that customer, the IPs' addresses)."""
    acme = api.post("/v1/customers", {"name": "Acme", "mode": "sandbox"})
    acme_api = Api(api.base, api.key, acme["id"])
    sources = [scratch.address(2 + number) for number in range(given.ips)]
    for source in sources:
        ip = acme_api.post("/v1/ips", {"address": source, "host": scratch.status["host"], "ptr": "mail.acme.example"})
        acme_api.post(f"/v1/ips/{ip['id']}/assign", {"customer_id": acme["id"]})
    start, end = given.hours
    acme_api.post("/v1/mailboxes", {"mailboxes": [
        {"address": f"person{number + 1}@acme.example", "display_name": f"Person {number + 1}",
         "window": {"days": EVERY_DAY, "start": f"{start:02d}:00", "end": f"{end:02d}:00"}}
        for number in range(given.mailboxes)]})
    return acme_api, sources


def post_messages(api, count):
    return [api.post("/v1/messages", {
        "to": {"address": f"reader{number + 1}@example.com"}, "subject": f"Letter {number + 1}",
        "text": "A letter from one person to another."})["id"] for number in range(count)]


def play(scratch, sources, wanted, end, rate):
    """Lets the day pass; ends when all of it arrived, or an hour after the window."""
    scratch.launcher("clock", "rate", str(rate))
    progress = Progress("A day of the customer Acme", wanted)
    while True:
        arrived, now = sum(scratch.record(source)["dots"] for source in sources), scratch.now()
        progress.show(arrived, f"{now:%H:%M}")
        if arrived >= wanted or now > end + datetime.timedelta(hours=1):
            progress.end(f"until {now:%H:%M}, {rate:g} times as fast as a clock")
            return
        time.sleep(0.3)


def counted(scratch, name, sources, wanted):
    """What the sandbox saw of these sources; nothing here is our own count."""
    rows = [scratch.record(source) for source in sources]
    dots = [scratch.dots(source) for source in sources]
    every = [dot for of_source in dots for dot in of_source]
    accepted = {dot["to"][0] for dot in every if (dot["answer"] or "").startswith("2")}
    return picture.Side(
        name=name, sources=sources, dots=[[picture.instant(dot["at"]) for dot in of_source] for of_source in dots],
        most_open=max(row["most_open"] for row in rows), throttled=sum(row["throttled"] for row in rows),
        most_of_a_mailbox=picture.most_of_a_mailbox(every), wanted=wanted, arrived=len(accepted))


def run(given):
    scratch = Scratch()
    start, end = given.hours
    wanted = 2 * given.mailboxes              # of each of the two senders
    morning = next_monday(start)
    print(f"A scratch instance for the demo: {scratch.home}", flush=True)
    try:
        api = scratch.up(morning - datetime.timedelta(minutes=30))
        unpaced.send(scratch.status["sandbox"]["smtp"], scratch.address(99), wanted, connections=10)
        acme, sources = settle(api, scratch, given)
        messages = post_messages(acme, wanted)
        play(scratch, sources, wanted, morning + datetime.timedelta(hours=end - start), given.rate)
        paced = counted(scratch, "Evenpost", sources, wanted)
        burst = counted(scratch, "unpaced", [scratch.address(99)], wanted)
        print("\n".join(picture.text(paced, burst)), flush=True)
        if given.svg:
            given.svg.write_text(picture.svg(paced, burst))
            print(f"Drawn: {given.svg}")
        unsettled = [m for m in messages if acme.get(f"/v1/messages/{m}")["state"] != "delivered"]
        for message in unsettled[:3]:
            print(f"  {message}: {acme.get(f'/v1/messages/{message}')['explanation']['text']}")
    finally:
        if not given.keep:
            scratch.down()
    return 0 if paced.arrived == wanted and paced.throttled == 0 and paced.most_open == 1 else 1


def hours(words):
    start, end = (int(part) for part in words.split("-"))
    if not 0 <= start < end <= 24:
        raise ValueError(words)
    return start, end


def main():
    parser = argparse.ArgumentParser(prog="./evenpost demo", add_help=False)
    parser.add_argument("--mailboxes", type=int, default=10)
    parser.add_argument("--ips", type=int, default=2)
    parser.add_argument("--hours", type=hours, default=(9, 17))
    parser.add_argument("--rate", type=float, default=480)
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    if not (1 <= given.mailboxes <= 500 and 1 <= given.ips <= 50):
        parser.error("1 to 500 mailboxes, 1 to 50 IPs")
    try:
        sys.exit(run(given))
    except (Trouble, Refused, Unreachable) as trouble:
        sys.exit(f"evenpost: {trouble}")


if __name__ == "__main__":
    main()
