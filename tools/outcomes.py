"""outcomes — the rows that tests/faults/test_*.py carry (tests/faults/outcome.py), read without running anything.

A file's docstring is its part's sentence. A test without a row, a row that is not written out, a file without a sentence:
OutcomeError.
"""
import ast
import pathlib

WORDS = ("fault", "before", "after", "receiver", "customer")
HEADS = ("what is done", "before", "after", "the receiver sees", "the customer sees")


class OutcomeError(Exception):
    pass


def read(folder):
    """The parts in the order of their names: (file, sentence, rows), a row being its words in the order of WORDS."""
    return [_part(file) for file in sorted(pathlib.Path(folder).glob("test_*.py"))]


def page(folder):
    parts = read(folder)
    lines = ["## A fault made on purpose", "",
             f"{sum(len(rows) for _, _, rows in parts)} kinds of fault in {len(parts)} places. Each row is a test that makes the fault and "
             "judges from outside: by what", "clients were told, and by what receivers saw.", ""]
    for file, sentence, rows in parts:
        title = file.stem.removeprefix("test_").replace("_", " ")
        lines += [f"### {title[0].upper()}{title[1:]}", "", f"{sentence} ([{file.name}](../tests/faults/{file.name}))", "",
                  "| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
        lines += ["| " + " | ".join(word.replace("|", "\\|") for word in row) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _part(file):
    tree = ast.parse(file.read_text(), file.name)
    sentence = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
    if not sentence:
        raise OutcomeError(f"{file}: a docstring says what its faults are")
    rows = []
    for test in tree.body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            rows += _rows(file, test)
    return file, sentence, rows


def _rows(file, test):
    calls = [call for call in test.decorator_list if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "outcome"]
    if not calls:
        raise OutcomeError(f"{file}:{test.lineno}: {test.name} says no @outcome")
    return [_row(file, call) for call in calls]


def _row(file, call):
    try:
        words = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    except ValueError:
        raise OutcomeError(f"{file}:{call.lineno}: the words of an @outcome are written out")
    if set(words) != set(WORDS) or not all(isinstance(word, str) and word.strip() for word in words.values()):
        raise OutcomeError(f"{file}:{call.lineno}: an @outcome says {', '.join(WORDS)}")
    return [" ".join(words[word].split()) for word in WORDS]
