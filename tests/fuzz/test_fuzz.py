"""Each fuzzer for a while, from its seeds; `--long` gives it more. A crash leaves its octets beside the log."""
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("EVENPOST_FUZZ_BUILD", HERE.parents[1] / "var/build-fuzz"))
SECONDS = 300 if os.environ.get("EVENPOST_TEST_LONG") == "1" else 8


@pytest.mark.parametrize("name", sorted(file.stem for file in HERE.glob("*.c")))
def test_no_octets_break_it(name, tmp_path):
    """Catches a read past the end, an assertion a stranger can reach, a loop without an end."""
    corpus, seeds = tmp_path / "corpus", HERE / "seeds" / name
    corpus.mkdir()
    argv = [BUILD / f"fuzz_{name}", f"-max_total_time={SECONDS}", "-max_len=2000", "-timeout=10", "-print_final_stats=1",
            f"-artifact_prefix={BUILD}/", corpus, *([seeds] if seeds.is_dir() else [])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 120)
    assert done.returncode == 0, done.stderr[-4000:]
    print(name, next(line for line in done.stderr.splitlines() if "number_of_executed_units" in line))
