"""tools/faults.py makes the page of what can go wrong; it is current, and no fault is left out."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import faults  # noqa: E402

TABLE, PAGE = ROOT / "tests/conversations/faults.table", ROOT / "docs/how-it-can-go-wrong.md"


def test_t028_the_page_says_what_the_table_says():
    """Catches an outcome that changed in the tests and not on the page."""
    assert faults.main(["--check", str(TABLE), str(PAGE)]) == 0


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
    text = faults.woven("# Before\n", "x")
    assert text == "# Before\n\nx"
    made = f"{faults.BEGIN}\nnew\n{faults.END}\n"
    assert faults.woven(f"before\n{faults.BEGIN}\nold\n{faults.END}\nbehind\n", made) == f"before\n{made}behind\n"
