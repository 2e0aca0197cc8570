"""house — what a home tells about itself: its services, its clock, its database."""
import json
import os
import pathlib
import re
import subprocess
import urllib.request

HOME = pathlib.Path(os.environ["EVENPOST_HOME"])
ROOT = pathlib.Path(os.environ["EVENPOST_ROOT"])
PROGRAMS = ("server", "jobs", "worker", "sandbox", "postgresql")


class Trouble(Exception):
    """Said to the person as it is."""


def process(name):
    """{"pid", "since_s"} of a service that runs, else None."""
    said = subprocess.run(["sv", "status", HOME / "services" / name], capture_output=True, text=True).stdout
    found = re.match(r"run: .*?: \(pid (\d+)\) (\d+)s", said)
    return {"pid": int(found[1]), "since_s": int(found[2])} if found else None


def programs():
    return {name: process(name) for name in PROGRAMS if (HOME / "services" / name).is_dir()}


def clock():
    """{"start", "since", "rate", "now"}, or None where no clock was made."""
    if not pathlib.Path(os.environ["EVENPOST_CLOCK_FILE"]).exists():
        return None
    return json.loads(_said(["bash", ROOT / "tools/clock.sh", "show", "--json"]))


def query(name, **variables):
    """One statement of tools/sql, by whoever may read everything; its only value, as text."""
    argv = ["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", os.environ["EVENPOST_MIGRATE_URL"]]
    for variable, value in variables.items():
        argv += ["-v", f"{variable}={value}"]
    return _said([*argv, "-f", ROOT / "tools/sql" / f"{name}.sql"]).strip()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return answer.status == 200
    except OSError:
        return False


def _said(argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or [f"{argv[0]} failed"]
        if "connection to server" in said[0]:
            raise Trouble("the database does not answer. ./evenpost up")
        raise Trouble(next((line for line in said if "ERROR" in line), said[0]))
    return done.stdout
