#!/usr/bin/python3
# status — what runs, where it listens, which time it is.
#
#   ./evenpost status [--json]
#
# Ends 0 when everything runs, 3 when something does not.

import argparse
import datetime
import json
import os
import sys

import house


def lanes(clock):
    real = datetime.datetime.now(datetime.timezone.utc).isoformat()
    said = house.query("lanes_now", real_now=real, now=clock["now"] if clock else real)
    return json.loads(said) if said else []


def gather():
    clock, programs = house.clock(), house.programs()
    try:
        workers = [{"ip": lane["ip"], "pid": lane["pid"], "alive": lane["alive"]} for lane in lanes(clock)]
    except house.Trouble:
        workers = None
    api, inbox = (f"http://{os.environ[name]}" for name in ("EVENPOST_API_ADDRESS", "EVENPOST_INBOX_ADDRESS"))
    return {
        "api": api,
        "dashboard": None,
        "sandbox": {"smtp": os.environ["EVENPOST_SMTP_ADDRESS"], "inbox": inbox},
        "operator_key_file": os.environ["EVENPOST_OPERATOR_KEY_FILE"],
        "demo_key_file": os.environ["EVENPOST_DEMO_KEY_FILE"],
        "database_url": os.environ["EVENPOST_MIGRATE_URL"],
        "host": os.environ["EVENPOST_SENDER_HOST"],
        "home": str(house.HOME),
        "clock": clock,
        "programs": programs,
        "ready": house.answers(f"{api}/readyz"),
        "workers": workers or [],
        "database": workers is not None,
    }


def healthy(status):
    return bool(status["programs"]) and all(status["programs"].values()) and status["ready"] and status["database"]


def lines(status):
    yield f"API       {status['api']}    operator's key in {status['operator_key_file']}"
    yield f"Inbox     {status['sandbox']['inbox']}/    SMTP {status['sandbox']['smtp']}"
    yield f"Database  {status['database_url']}{'' if status['database'] else '    DOES NOT ANSWER'}"
    if status["clock"]:
        yield f"Clock     {status['clock']['now']}    rate {status['clock']['rate']:g}"
    for name, process in status["programs"].items():
        yield f"  {name:<11}" + (f"pid {process['pid']}, for {process['since_s']} s" if process else "IS NOT RUNNING")
    for worker in status["workers"]:
        yield f"  lane {worker['ip']:<15} " + (f"pid {worker['pid']}" if worker["alive"] else "NOT ALIVE")
    if not status["programs"]:
        yield "Nothing is up here. ./evenpost up"


def main():
    parser = argparse.ArgumentParser(prog="./evenpost status", add_help=False)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    status = gather()
    print(json.dumps(status, indent=2) if as_json else "\n".join(lines(status)))
    sys.exit(0 if healthy(status) else 3)


if __name__ == "__main__":
    main()
