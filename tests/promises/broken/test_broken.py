"""Each promise's test, run against a planted fault, must be red: a test that cannot fail proves nothing.

A fault is a patch in this folder. Its head names the tests that must see it, a line each, up to the first empty line:

    red: tests/promises/p4_few_connections.py::test_a_receiver_that_closes_two_seconds_after_quit_sees_one_connection
    red: tests/promises/p4_few_connections.py::test_a_throttle_holds_the_receiver_for_all_mailboxes_of_the_ip[ehlo]

It is applied to a copy of the tree, built there, and taken back; the product itself has no switch for it. Red is a test
that failed, not one whose fixture or whose programs did not come up.
"""
import ast
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PROGRAMS = ["evenpost-server", "evenpost-worker", "evenpost-jobs", "evenpost-sandbox", "evenpost-clock"]
FAULTS = sorted(HERE.glob("*.patch"))
NOT_UP = (": in start\n", ": in ready\n")         # frames of the harness that a test passes before it attacks anything


def run(*argv, cwd, **options):
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def reds(fault):
    """The tests that a fault's head names."""
    head = fault.read_text().split("\n\n", 1)[0].splitlines()
    assert head and all(line.startswith("red: ") for line in head), f"{fault.name}: its head is lines of 'red: FILE::TEST'"
    return [line.removeprefix("red: ").strip() for line in head]


def promise_tests():
    """Every test function of the promises, as FILE::TEST."""
    return {f"{path.relative_to(ROOT)}::{node.name}" for path in sorted(HERE.parent.glob("p[1-9]_*.py"))
            for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tree as it stands, and a build of it."""
    tree = tmp_path_factory.mktemp("broken") / "tree"
    kept = shutil.ignore_patterns(".git", "var", "build", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=kept, symlinks=True)
    run("cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja", cwd=tree)
    run("ninja", "-C", tree / "build", *PROGRAMS, cwd=tree)
    yield tree
    shutil.rmtree(tree, ignore_errors=True)


@pytest.fixture(params=FAULTS, ids=[fault.stem for fault in FAULTS])
def broken(request, copy):
    """The copy with one fault in it, and the tests that must be red."""
    fault = request.param
    run("patch", "-p1", "--fuzz=0", "-i", fault, cwd=copy)
    try:
        run("ninja", "-C", copy / "build", *PROGRAMS, cwd=copy)
        yield copy, reds(fault)
    finally:
        run("patch", "-R", "-p1", "-i", fault, cwd=copy)


def test_each_promise_test_has_a_planted_fault():
    """Catches a promise's test that was never seen to fail, and a fault that names a test that is gone."""
    named = {red.split("[")[0] for fault in FAULTS for red in reds(fault)}
    assert sorted(promise_tests() - named) == [], "no planted fault reddens these"
    assert sorted(named - promise_tests()) == [], "a planted fault names these, and they are not there"


@pytest.mark.long
def test_a_planted_fault_is_seen(broken, tmp_path):
    """Catches a promise's test that is green whatever the product does."""
    tree, named = broken
    report = tmp_path / "report.xml"
    done = subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-c", tree / "tests/pytest.ini", "--rootdir", tree / "tests",
                           f"--junitxml={report}", *[tree / red for red in named]],
                          env={**os.environ, "EVENPOST_BUILD": str(tree / "build")}, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 1, f"{named} did not run to their end: {done.stdout[-3000:]}{done.stderr[-1000:]}"
    cases = xml.etree.ElementTree.parse(report).getroot().iter("testcase")
    failed = {case.get("name") for case in cases if (failure := case.find("failure")) is not None
              and not any(frame in failure.text for frame in NOT_UP)}
    failed |= {name.split("[")[0] for name in failed}
    unseen = [red for red in named if red.split("::")[1] not in failed]
    assert unseen == [], f"{unseen} did not see it: {done.stdout[-3000:]}"
