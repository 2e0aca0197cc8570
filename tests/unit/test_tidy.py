"""./evenpost tidy finds what it says it finds, and the house is tidy."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("EVENPOST_BUILD", ROOT / "build"))
sys.path.insert(0, str(ROOT / "tools"))

import house_rooms  # noqa: E402
import includes     # noqa: E402
import purity       # noqa: E402
import words        # noqa: E402


def test_the_house_is_tidy():
    """Catches everything that a review should not have to say."""
    done = subprocess.run([ROOT / "evenpost", "tidy", "--build", BUILD], capture_output=True, text=True)
    assert done.stdout == "" and done.returncode == 0


def found(check, folder, name, text, *more):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return list(check(folder, pathlib.Path(name), *more))


@pytest.mark.parametrize("name, line", [
    ("io/x.c", "strcpy(to, from);"), ("io/x.c", "sprintf(to, form);"), ("io/x.c", 'system("rm");'),
    ("io/x.c", 'const char *q = "select a from slots";'), ("ledger/sql/x.sql", "update slots set at = now();"),
    ("ledger/sql/x.sql", "select * from slots;"), ("tools/x.py", "subprocess.run(words, shell=True)"),
    ("io/x.c", "/* " + "TO" + "DO: later */")])
def test_a_banned_word_is_found_with_its_line(name, line, tmp_path):
    """Catches a pattern that no longer matches what it forbids."""
    [finding] = found(words.check, tmp_path, name, f"\n{line}\n")
    assert finding.startswith(f"{name}:2: ") and "→" in finding


def test_a_word_in_a_comment_is_no_use_of_it(tmp_path):
    """Catches findings that people learn to ignore."""
    assert found(words.check, tmp_path, "io/x.c", "/* not strcpy(), and no\n system() */\n") == []
    assert found(words.check, tmp_path, "io/x.sql", "-- no now() here\nselect a from b;\n") == []


@pytest.mark.parametrize("name, header, says", [
    ("policy/plan.c", "../io/clock.h", "around a door"), ("policy/plan.c", "mail/address.h", "does not see"),
    ("sandbox/host.c", "io/connection.h", "code of its own")])
def test_an_include_around_a_door_is_found(name, header, says, tmp_path):
    """Catches the one way around a door that the compiler allows."""
    rooms = house_rooms.read(ROOT / "CMakeLists.txt")
    [finding] = found(includes.check, tmp_path, name, f'#include "{header}"\n', rooms)
    assert says in finding


def test_includes_out_of_order_are_put_in_order(tmp_path):
    """Catches a fix that loses an include."""
    rooms = house_rooms.read(ROOT / "CMakeLists.txt")
    lines = ['#include "worker/lane.h"', '#include "io/pg.h"', "#include <time.h>", '#include "base/text.h"', "int x;"]
    assert len(found(includes.check, tmp_path, "worker/lane.c", "\n".join(lines), rooms)) == 2
    includes.rewrite(tmp_path / "worker/lane.c", pathlib.Path("worker/lane.c"))
    assert (tmp_path / "worker/lane.c").read_text().split("\n") == [
        '#include "worker/lane.h"', "", "#include <time.h>", "", '#include "base/text.h"', "", '#include "io/pg.h"', "int x;"]
    assert list(includes.check(tmp_path, pathlib.Path("worker/lane.c"), rooms)) == []


@pytest.mark.parametrize("code, symbol", [
    ("#include <time.h>\nlong f(void); long f(void) { return time(0); }", "time"),
    ("#include <stdlib.h>\nint f(void); int f(void) { return rand(); }", "rand"),
    ("#include <stdio.h>\nvoid *f(void); void *f(void) { return fopen(\"x\", \"r\"); }", "fopen")])
def test_a_rule_that_asks_for_the_time_is_found(code, symbol, tmp_path):
    """Catches time(), chance or a file in a pure room: system headers have no doors, symbols do."""
    (tmp_path / "plan.c").write_text(code)
    subprocess.run(["gcc", "-c", "plan.c", "-o", "plan.c.o"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "r", "libpolicy.a", "plan.c.o"], cwd=tmp_path, check=True, capture_output=True)
    [finding] = purity.check(tmp_path)
    assert finding == f"policy/plan.c: policy is pure, and names {symbol} → let the caller give it"
