"""Fixtures of the faults: what they are drawn with, and the programs that they are made on.

A sweep has more points than a change can wait for: the CI tier plays some of them, drawn by a seed, `--long` all of them.
The seed is said at the end of the run; EVENPOST_SEED=N draws those points again.
"""
import collections
import os
import random

import pytest

SEED = int(os.environ.get("EVENPOST_SEED") or random.SystemRandom().randrange(10 ** 9))


SWEPT = collections.Counter()


def pytest_terminal_summary(terminalreporter):
    for what, count in sorted(SWEPT.items()):
        terminalreporter.write_line(f"{count:5} × {what}")
    terminalreporter.write_line(f"faults were drawn with EVENPOST_SEED={SEED}")


@pytest.fixture
def swept():
    """swept("a worker killed", 238): how many points a test has met; said at the end of the run."""
    def count(what, points):
        SWEPT[what] += points
    return count


@pytest.fixture
def dice(request):
    """Randomness of the seed and the test's own name: a test draws the same, whatever runs beside it."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def long():
    return os.environ.get("EVENPOST_TEST_LONG") == "1"


@pytest.fixture
def some(dice, long):
    """some(points, count): all of them with --long, else that many, in their order."""
    def choose(points, count):
        points = list(points)
        if long or count >= len(points):
            return points
        return [points[place] for place in sorted(dice.sample(range(len(points)), count))]
    return choose


@pytest.fixture(autouse=True)
def _release_build(session):
    """A tracer, a limit of memory and a failing allocation meet the programs as they are delivered, not a sanitizer's."""
    if b"__asan_init" in session.program("worker").read_bytes():
        pytest.skip("the faults are made on the release build")
