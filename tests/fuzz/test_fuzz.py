"""Each fuzzer for a while, from its seeds, two at once; `--long` gives it more. A crash leaves its octets in the fuzzers' build."""
import concurrent.futures
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("EVENPOST_FUZZ_BUILD", HERE.parents[1] / "var/build-fuzz"))
SECONDS = 300 if os.environ.get("EVENPOST_TEST_LONG") == "1" else 20
AT_ONCE = 2
LEAST = 100             # a fuzzer that did less has tried nothing, however slow the machine


def run(name, corpus):
    seeds = HERE / "seeds" / name
    argv = [BUILD / f"fuzz_{name}", f"-max_total_time={SECONDS}", "-max_len=2000", "-timeout=60", "-print_final_stats=1",
            f"-artifact_prefix={BUILD}/{name}-", corpus, *([seeds] if seeds.is_dir() else [])]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 120)


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """What each fuzzer that is asked for said: begun together, so many at once."""
    names = [item.callspec.params["name"] for item in request.session.items if "runs" in item.fixturenames]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(run, name, tmp_path_factory.mktemp(name)) for name in names}


@pytest.mark.parametrize("name", sorted(file.stem for file in HERE.glob("*.c")))
def test_no_octets_break_it(name, runs, record_property):
    """Catches a read past the end, an assertion a stranger can reach, a loop without an end, a property that does not hold."""
    done = runs[name].result()
    assert done.returncode == 0, done.stderr[-4000:]
    executed = int(next(line for line in done.stderr.splitlines() if "number_of_executed_units" in line).split()[-1])
    record_property("executions", executed)
    assert executed >= LEAST
