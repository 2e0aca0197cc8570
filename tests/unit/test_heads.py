"""tools/statements.py reads a statement's head, and refuses one that it would have to guess."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import statements  # noqa: E402

GOOD = """-- slot_find: where is it? No row: nowhere.
-- takes: customer uuid, at timestamptz,
--        tags text[]?, price double precision?
-- gives: slot_id uuid, found boolean?
-- costs: one key look-up
select slot_id, at < $2 as found
from slots
where customer_id = $1 and tags = $3 and price = $4 and note <> 'costs: $5'
"""


def read(folder, text, name="slot_find"):
    path = folder / f"{name}.sql"
    path.write_text(text)
    return statements.statement_of(path)


def test_a_head_says_what_goes_in_and_out(tmp_path):
    """Catches a line that goes on and is cut, and a type whose second word is lost."""
    found = read(tmp_path, GOOD)
    assert [(field.name, field.sql_type, field.nullable) for field in found.takes] == [
        ("customer", "uuid", False), ("at", "timestamptz", False), ("tags", "text[]", True),
        ("price", "double precision", True)]
    assert [field.c_type for field in found.takes] == ["struct uuid", "struct instant", "struct texts", "double"]
    assert [field.c_type for field in found.gives] == ["struct uuid", "int8_t"]
    assert found.sentence == "where is it? No row: nowhere." and found.costs == "one key look-up"
    assert found.sql.startswith("select slot_id") and found.sql.endswith("'costs: $5'")


@pytest.mark.parametrize("was, becomes, says", [
    ("-- slot_find:", "-- slot_seek:", "the first line must be `-- slot_find: a sentence`"),
    ("-- costs: one key look-up\n", "", "lacks `-- costs"),
    ("customer uuid", "customer uid", "`customer uid`"),
    ("customer uuid", "customer inet", "`customer inet`"),
    ("customer uuid", "customer", "`customer`"),
    ("customer uuid", "at uuid", "stands twice"),
    ("customer uuid", "default uuid", "a word of C"),
    ("price = $4", "price > 0", "uses [1, 2, 3]"),
    ("price = $4", "price = $4 + $5", "uses [1, 2, 3, 4, 5]"),
    ("'costs: $5'\n", "'';\n", "no semicolon"),
])
def test_what_cannot_be_true_is_refused(was, becomes, says, tmp_path):
    """Catches a head that the generator takes and the server does not."""
    with pytest.raises(statements.HeadError) as error:
        read(tmp_path, GOOD.replace(was, becomes))
    assert says in str(error.value)


def test_what_is_made_compiles_and_is_made_once(tmp_path):
    """Catches C that does not compile, and a rebuild of everything when nothing changed."""
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql/slot_find.sql").write_text(GOOD)
    (tmp_path / "sql/slots_drop.sql").write_text("-- slots_drop: away\n-- takes: nothing\n-- gives: nothing\n-- costs: all\n"
                                                 "delete from slots where note ~ '\\w+\"?'\n")
    command = [sys.executable, ROOT / "tools/statements.py", "rows", tmp_path / "sql", tmp_path / "made"]
    subprocess.run(command, check=True)
    made = tmp_path / "made/rows_statements.c"
    before = made.stat().st_mtime_ns
    subprocess.run(command, check=True)
    assert made.stat().st_mtime_ns == before
    subprocess.run(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", ROOT, "-c", made, "-o", "/dev/null"], check=True)
    assert '"delete from slots where note ~ \'\\\\w+\\"\\?\'\\n"' in made.read_text()
