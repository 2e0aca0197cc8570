#!/usr/bin/python3
# top — what each lane does now.
#
#   ./evenpost top [--once] [--json]
#
# Drawn anew each second until Ctrl-C; once when the output is no terminal.

import argparse
import json
import sys
import time

import house
import status

HEAD = f"{'IP':<16}{'CUSTOMER':<20}{'STATE':<18}{'BOOKED':>7}{'SENDING':>8}{'SENT 24H':>9}  {'NEXT':<21} RECEIVERS"


def state(lane):
    if lane["halted"]:
        return ",".join(lane["halted"])
    return "alive" if lane["alive"] else "no worker"


def receiver(row):
    held = f" held until {row['hold_until']}" if row["hold_until"] else ""
    return f"{row['receiver']} {row['connections']}/{row['limit']}{held}"


def table(lanes, clock):
    yield f"{clock['now']}    rate {clock['rate']:g}    {len(lanes)} lanes"
    yield HEAD
    for lane in lanes:
        yield (f"{lane['ip']:<16}{lane['customer'][:18]:<20}{state(lane)[:16]:<18}{lane['booked']:>7}{lane['sending']:>8}"
               f"{lane['sent']:>9}  {lane['next_at'] or '-':<21} {'; '.join(map(receiver, lane['receivers'])) or '-'}")


def draw(once):
    while True:
        clock = house.clock()
        page = "\n".join(table(status.lanes(clock), clock))
        print(page if once else f"\033[H\033[2J{page}", flush=True)
        if once:
            return
        time.sleep(1)


def main():
    parser = argparse.ArgumentParser(prog="./evenpost top", add_help=False)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        if given.json:
            print(json.dumps(status.lanes(house.clock()), indent=2))
        else:
            draw(given.once or not sys.stdout.isatty())
    except house.Trouble as trouble:
        sys.exit(f"evenpost: {trouble}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
