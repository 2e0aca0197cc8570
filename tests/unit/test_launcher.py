"""./evenpost up, from outside: what it makes, what it leaves alone, what it says when it cannot."""
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from harness.wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("EVENPOST_BUILD", str(ROOT / "build"))
HUNDREDS = range(18000, 24000, 300)     # away from a home of the person's own; Demo's address follows the base
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own need root")


def free(base):
    """Three hundreds that nobody else uses at this moment."""
    held = []
    try:
        for port in [hundred + n for hundred in (base, base + 100, base + 200) for n in (25, 26, 27)]:
            held.append(socket.create_server(("127.0.0.1", port)))
        return True
    except OSError:
        return False
    finally:
        for one in held:
            one.close()


BASE = next(base for base in HUNDREDS if free(base))


class Home:
    """A home of the test's own, on programs that are built already."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "EVENPOST_HOME": str(folder / "home"),
                            "EVENPOST_PORT_BASE": str(BASE), "EVENPOST_BUILD": BUILD, "EVENPOST_BUILD_READY": "1"}

    def call(self, *words, **more):
        return subprocess.run([ROOT / "evenpost", *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, **more)

    def up(self, *words):
        done = self.call("up", "--no-demo", *words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def status(self):
        return json.loads(self.call("status", "--json").stdout)

    def pid(self, program):
        process = self.status()["programs"][program]
        return process and process["pid"]

    def file(self, name):
        return self.folder / "home" / name


@pytest.fixture(scope="module")
def home():
    with tempfile.TemporaryDirectory(prefix="epl-", dir="/tmp") as folder:
        pathlib.Path(folder).chmod(0o755)
        home = Home(pathlib.Path(folder))
        home.up()
        yield home
        home.call("down", "--purge")
        assert not home.file("").exists()


def test_status_has_the_shape_that_programs_outside_rely_on(home):
    """Catches a field that was renamed."""
    status = home.status()
    assert status["api"] == f"http://127.0.0.1:{BASE + 25}" and status["sandbox"]["smtp"] == f"127.0.0.1:{BASE + 27}"
    assert {"operator_key_file", "demo_key_file", "database_url", "host", "clock", "workers"} <= status.keys()
    assert {"start", "since", "rate", "now"} <= status["clock"].keys()
    assert home.call("status").returncode == 0


def test_up_again_touches_nothing_that_runs(home):
    """Catches a second `up` that restarts programs under load, or makes new keys."""
    before, keys = home.status()["programs"], home.file("secrets/demo.key").read_text()
    home.up()
    after = home.status()["programs"]
    assert {name: p["pid"] for name, p in before.items()} == {name: p["pid"] for name, p in after.items()}
    assert home.file("secrets/demo.key").read_text() == keys


@pytest.mark.parametrize("program", ["server", "jobs", "worker", "sandbox", "postgresql"])
def test_a_crashed_program_comes_back(home, program):
    """Catches a program outside the supervisor's care."""
    before = home.pid(program)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: home.pid(program) not in (None, before), 20, f"{program} came back")
    wait_until(lambda: home.call("status").returncode == 0, 30, "everything runs")


def test_up_over_an_older_home_brings_everything_back(home):
    """Catches an `up` that only works in an empty folder."""
    key = home.file("secrets/operator.key").read_text()
    assert home.call("down").returncode == 0 and not any(home.status()["programs"].values())
    home.up()
    assert home.file("secrets/operator.key").read_text() == key and home.call("status").returncode == 0


def test_secrets_are_for_their_owner_alone(home):
    """Catches a key that another user of the machine can read."""
    for file in home.file("secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(home.file("secrets").stat().st_mode) == 0o700


def test_nothing_listens_beyond_loopback(home):
    """Catches a listener that the network can reach."""
    ours = {f"{port:04X}" for port in range(BASE, BASE + 100)}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listeners = [row[1].split(":") for row in rows if row[3] == "0A" and row[1].split(":")[1] in ours]
    assert len(listeners) >= 3 and all(address.endswith("7F") for address, _ in listeners)
    six = [line.split() for line in pathlib.Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    assert not [row for row in six if row[3] == "0A" and row[1].split(":")[1] in ours]


def test_what_runs_keeps_none_of_the_callers_descriptors(home):
    """Catches a reader of up's output that never sees its end."""
    home.call("down")
    reading, writing = os.pipe()
    home.call("up", "--no-demo", pass_fds=(writing,))
    os.close(writing)
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""                     # end-of-file; a held descriptor would be BlockingIOError
    os.close(reading)


def test_demo_is_a_customer_with_a_key_a_route_an_ip_and_a_mailbox(home):
    """Catches next steps that do not work when they are typed."""
    key = home.file("secrets/demo.key").read_text().strip()
    said = subprocess.run(
        ["curl", "-s", "-H", f"Authorization: Bearer {key}", f"{home.status()['api']}/v1/messages", "--json",
         '{"to": {"address": "bo@example.com"}, "subject": "Hello", "text": "A first message."}'],
        capture_output=True, text=True).stdout
    message = json.loads(said)
    assert message["state"] == "booked" and message["id"].startswith("msg_"), said
    assert message["slot"]["at"] == home.call("clock", "next").stdout.split(",")[0]
    wait_until(lambda: "delivered" in home.call("message", "why", message["id"]).stdout, 40, "delivered at its second")


@pytest.mark.parametrize("words", [("clock", "jump", "1x"), ("clock", "sideways"), ("up", "--clock", "noon"), ("nothing",),
                                   ("logs", "mail"), ("down", "--all"), ("test", "everything")])
def test_a_wrong_word_is_refused_with_the_right_one(home, words):
    """Catches a typing error that does something."""
    done = home.call(*words)
    assert done.returncode in (1, 2) and done.stdout.strip(), done


def test_the_clock_only_goes_forward(home):
    """Catches a message that is sent twice because a day came twice."""
    done = home.call("up", "--no-demo", "--clock", "2020-01-01T00:00:00Z,1")
    assert done.returncode == 1 and "does not go back" in done.stdout and "Try again:" in done.stdout


def test_a_port_in_use_is_said_at_once(tmp_path):
    """Catches minutes of building before the sentence."""
    other = Home(tmp_path)
    other.environment["EVENPOST_PORT_BASE"] = str(BASE + 200)
    with socket.create_server(("127.0.0.1", BASE + 225)):
        done = other.call("up", "--no-demo")
    assert done.returncode == 1 and f"port {BASE + 225} is in use" in done.stdout and not other.file("").exists()


@needs_root
def test_another_distribution_is_said_at_once(tmp_path):
    """Catches apt-get on a machine that has none."""
    (tmp_path / "os-release").write_text("ID=fedora\nVERSION_ID=41\n")
    other = Home(tmp_path)
    said = subprocess.run(["unshare", "--mount", "bash", "-c",
                           f"mount --bind {tmp_path}/os-release /etc/os-release && exec {ROOT}/evenpost up --no-demo"],
                          env=other.environment, capture_output=True, text=True)
    assert said.returncode == 1 and "fedora 41" in said.stderr and "Debian 12" in said.stderr


@needs_root
def test_too_little_disk_is_said_at_once(tmp_path):
    """Catches a disk that is full in the middle of initdb."""
    (tmp_path / "small").mkdir()
    other = Home(tmp_path / "small")
    other.environment["EVENPOST_PORT_BASE"] = str(BASE + 200)
    said = subprocess.run(["unshare", "--mount", "bash", "-c",
                           f"mount -t tmpfs -o size=20m tmpfs {tmp_path}/small && exec {ROOT}/evenpost up --no-demo"],
                          env=other.environment, capture_output=True, text=True)
    assert said.returncode == 1 and "MiB free" in said.stderr


@needs_root
def test_a_home_that_is_roots_alone_keeps_its_cluster_elsewhere():
    """Catches PostgreSQL, which is not root, before a closed folder."""
    with tempfile.TemporaryDirectory(prefix="epl-", dir="/tmp") as folder:        # 0700
        closed = Home(pathlib.Path(folder))
        closed.environment["EVENPOST_PORT_BASE"] = str(BASE + 100)
        try:
            closed.up()
            place = closed.file("postgresql").resolve()
            assert place.is_relative_to("/var/lib/evenpost") and closed.call("status").returncode == 0
        finally:
            closed.call("down", "--purge")
        assert not place.exists()


def test_every_command_has_its_help():
    """Catches a command without a word about itself."""
    listed = subprocess.run([ROOT / "evenpost", "--help"], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in listed.split("Commands:\n")[1].splitlines()]
    assert {"up", "down", "status", "logs", "clock", "top", "message", "demo", "migrate", "test"} <= set(names)
    for name in names:
        done = subprocess.run([ROOT / "evenpost", name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and f"./evenpost {name}" in done.stdout
