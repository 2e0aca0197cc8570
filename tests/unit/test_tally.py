"""What `./evenpost test` says at its end: nothing that did not run counts as passed."""
import pathlib
import subprocess

import pytest

TALLY = pathlib.Path(__file__).resolve().parents[2] / "tools/tally.py"
ONE = '<testsuite><testcase classname="a" name="b"/></testsuite>'
NONE = "<testsuite/>"


def tally(folder, results, *arguments):
    (folder / "expected").write_text("".join(f"{name}\n" for name in results))
    for name, xml in results.items():
        if xml is not None:
            (folder / f"{name}.xml").write_text(xml)
    done = subprocess.run(["/usr/bin/python3", "-B", TALLY, folder, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()[-1]


def test_what_passed_is_counted(tmp_path):
    assert tally(tmp_path, {"unit.release": ONE, "unit.python": ONE}) == (0, "2 passed, 0 failed, 0 skipped")


@pytest.mark.parametrize("left", [None, NONE, "<testsuite>"], ids=["no file", "no test", "half a file"])
def test_a_run_that_ran_nothing_has_failed(tmp_path, left):
    """Catches a kind that passes because its files were not found."""
    assert tally(tmp_path, {"unit.release": ONE, "unit.python": left}) == (1, "1 passed, 1 failed, 0 skipped")


def test_tests_that_are_asked_for_by_name_need_not_be_everywhere(tmp_path):
    assert tally(tmp_path, {"unit.release": ONE, "unit.python": NONE}, "--chosen")[0] == 0
    assert tally(tmp_path, {"unit.release": NONE, "unit.python": NONE}, "--chosen")[0] == 1
