#!/usr/bin/python3
# trace — the SMTP conversations of one IP, as they were held.
#
#   ./evenpost trace IP [-f]
#
#   -f   goes on as they happen, until Ctrl-C.

import argparse
import ipaddress
import json
import sys
import time

import house


def conversation(attempt):
    remote = attempt["remote"] or "nobody reached"
    place = remote if remote == attempt["receiver"] else f"{attempt['receiver']}  {remote}"
    yield (f"{attempt['at']}  {place}  "
           f"{attempt['stage']}: {attempt['outcome']} in {attempt['duration_ms']} ms")
    for line in attempt["transcript"]:
        yield f"    {line}"


def follow(ip, on_and_on):
    after = ""
    while True:
        for attempt in json.loads(house.query("attempts_of_ip", ip=ip, after=after)):
            print("\n".join(conversation(attempt)), flush=True)
            after = attempt["attempt_id"]
        if not on_and_on:
            if not after:
                print(f"No conversation was held from {ip} yet.")
            return
        time.sleep(1)


def main():
    parser = argparse.ArgumentParser(prog="./evenpost trace", add_help=False)
    parser.add_argument("ip", type=ipaddress.ip_address)
    parser.add_argument("-f", action="store_true")
    given = parser.parse_args()
    try:
        follow(given.ip, given.f)
    except house.Trouble as trouble:
        sys.exit(f"evenpost: {trouble}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
