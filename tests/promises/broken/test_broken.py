"""Each promise's test, run against a planted fault, must be red: a test that cannot fail proves nothing.

A fault is a patch in this folder. Its first line names the test that must see it:

    red: tests/promises/p4_few_connections.py::test_a_receiver_that_closes_two_seconds_after_quit_sees_one_connection

It is applied to a copy of the tree, built there, and taken back; the product itself has no switch for it.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PROGRAMS = ["evenpost-server", "evenpost-worker", "evenpost-jobs", "evenpost-sandbox", "evenpost-clock"]
FAULTS = sorted(HERE.glob("*.patch"))


def run(*argv, cwd, **options):
    done = subprocess.run([str(a) for a in argv], cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


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
    """The copy with one fault in it, and the test that must be red."""
    fault = request.param
    run("patch", "-p1", "-i", fault, cwd=copy)
    try:
        run("ninja", "-C", copy / "build", *PROGRAMS, cwd=copy)
        yield copy, fault.read_text().splitlines()[0].removeprefix("red:").strip()
    finally:
        run("patch", "-R", "-p1", "-i", fault, cwd=copy)


def test_each_promise_has_a_planted_fault():
    """Catches a promise whose test was never seen to fail."""
    assert {fault.name[:2] for fault in FAULTS} == {f"p{n}" for n in range(1, 9)}


@pytest.mark.long
def test_a_planted_fault_is_seen(broken):
    """Catches a promise's test that is green whatever the product does."""
    tree, red = broken
    done = subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-c", tree / "tests/pytest.ini", "--rootdir", tree / "tests", tree / red],
                          env={**os.environ, "EVENPOST_BUILD": str(tree / "build")}, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 1 and " failed" in done.stdout, f"{red} did not see it: {done.stdout[-3000:]}"
