"""tools/faults.py makes the page of what can go wrong; it is current, and no fault is left out."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import faults  # noqa: E402
import outcomes  # noqa: E402

TABLE = ROOT / "tests/conversations/faults.table"


def test_t028_the_page_says_what_the_tests_say():
    """Catches an outcome that changed in the table, or in a test of tests/faults, and not on the page."""
    assert faults.main(["--check"]) == 0


def test_t028_every_fault_is_written_down_at_every_stage():
    """Catches a table with a hole; 13 × 10 is the least that must be there."""
    names, stages, rows = faults.read(TABLE)
    assert len(names) == 10 and len(stages) >= 13 and len(rows) == len(names) * len(stages)
    assert sum(row.outcome != "impossible" for row in rows.values()) >= 130


def test_t028_the_law_holds_in_every_row():
    """Catches an outcome written down against DESIGN section 5: doubt only at the dot, a bounce only by a whole 5yz."""
    for row in faults.read(TABLE)[2].values():
        assert row.outcome != "unconfirmed" or (row.stage == "DOT" and row.at == "dot")
        assert row.outcome != "bounced" or row.fault == "5yz"
        assert row.stage != "DOT" or row.outcome in ("unconfirmed", "deferred", "bounced")
        assert row.stage != "DOT" or row.fault in ("421", "4yz", "5yz") or row.outcome == "unconfirmed"
        assert row.outcome != "delivered", "a fault delivers nothing"


def test_t028_a_hole_in_the_table_is_refused(tmp_path):
    """Catches a generator that is content with what it finds."""
    text = TABLE.read_text()
    for was, becomes in (("  nul         unconfirmed dot", "# "), ("  nul         unconfirmed dot", "  nil         unconfirmed dot")):
        assert text.count(was) == 1
        (tmp_path / "t").write_text(text.replace(was, becomes))
        with pytest.raises(faults.TableError):
            faults.read(tmp_path / "t")


def test_t028_what_others_wrote_on_the_page_stays():
    """Catches a generator that eats its neighbours' part of the page."""
    part = f"{faults.begin('here')}\nnew\n{faults.END}"
    assert faults.woven("# Before\n", "here", "new") == f"# Before\n\n{part}"
    other = f"{faults.begin('there')}\nold\n{faults.END}"
    old = f"before\n{other}between\n{faults.begin('here')}\nold\n{faults.END}behind\n"
    assert faults.woven(old, "here", "new") == f"before\n{other}between\n{part}behind\n"


ROW = 'fault="it breaks",\n before="whole", after="mended | as new", receiver="nothing", customer="a state"'


def part_of(tmp_path, text):
    (tmp_path / "test_one_thing.py").write_text(text)
    return outcomes.page(tmp_path)


def test_the_rows_of_the_tests_stand_on_the_page(tmp_path):
    """Catches a row that is lost on its way to the page, and a cell that ends early."""
    made = part_of(tmp_path, f'"""One thing breaks.\n\nMore."""\n@outcome({ROW})\ndef test_it(x):\n    pass\n')
    assert "### One thing\n\nOne thing breaks. ([test_one_thing.py](../tests/faults/test_one_thing.py))" in made
    assert "| it breaks | whole | mended \\| as new | nothing | a state |" in made


@pytest.mark.parametrize("text", [
    f'@outcome({ROW})\ndef test_it():\n    pass\n',
    '"""Said."""\ndef test_it():\n    pass\n',
    f'"""Said."""\n@outcome({ROW.replace("whole", "")})\ndef test_it():\n    pass\n',
    f'"""Said."""\n@outcome({ROW}, more="words")\ndef test_it():\n    pass\n',
    '"""Said."""\n@outcome(**words)\ndef test_it():\n    pass\n',
    f'"""Said."""\n@outcome({ROW.replace(chr(34) + "nothing" + chr(34), "nothing()")})\ndef test_it():\n    pass\n',
], ids=["no sentence", "no row", "an empty word", "a word too many", "not written out", "computed"])
def test_a_fault_without_its_row_is_refused(tmp_path, text):
    """Catches a fault that is played and not written down."""
    with pytest.raises(outcomes.OutcomeError):
        part_of(tmp_path, text)
