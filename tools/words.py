"""words — what is not written in this house, and what stands there instead."""
import re

C, SQL, PYTHON, ANY = (".c", ".h"), (".sql",), (".py",), (".c", ".h", ".sql", ".py", ".sh", ".ts", ".tsx", ".css", ".txt")

BANNED = [
    (C, r"\b(strcpy|strcat|stpcpy|strncpy|strncat)\s*\(", "base/text: text_copy, or a builder"),
    (C, r"\bv?sprintf\s*\(", "base/text: a builder, or snprintf with its length checked"),
    (C, r"\b(gets|strtok|alloca|atoi|atol|atoll)\s*\(", "base/text: what reads with a bound says so"),
    (C, r"\b(system|popen)\s*\(", "no shell: posix_spawn with arguments, or a library"),
    (C, r"\b(setjmp|longjmp)\s*\(", "errors are values"),
    (C, r'"\s*(?i:select\s+.*\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\b', "a statement is a file in the room's sql/"),
    (SQL, r"(?i)\bnow\(\)|\bcurrent_(timestamp|date|time)\b|\b(clock|statement|transaction)_timestamp\b|\blocaltime(stamp)?\b",
     "$now is a parameter"),
    (SQL, r"(?i)\bselect\s+(\w+\.)?\*", "name the columns"),
    (PYTHON, r"\bos\.system\(|shell=True", "subprocess.run with a list"),
    (ANY, r"\b(TODO|FIXME|XXX|HACK)\b", "do it, or leave it and say so in the commit"),
]
# They name the words to forbid them; the last holds the server's clock against the host's.
EXEMPT = {"tools/words.py", "tests/unit/test_tidy.py", "io/sql/server_facts.sql"}
# A test may look into the database, and read a number that it wrote itself.
PRODUCT_ONLY = {"a statement is a file in the room's sql/", "base/text: what reads with a bound says so"}
LINES_MAX = 600


def check(root, file):
    if str(file) in EXEMPT or not any(file.suffix in kinds for kinds, _, _ in BANNED):
        return
    text = (root / file).read_text(errors="replace")
    code = _bare(text, file.suffix).splitlines()
    for number, (line, bare) in enumerate(zip(text.splitlines(), code), 1):
        for kinds, pattern, instead in BANNED:
            if _elsewhere(file, kinds, instead):
                continue
            found = re.search(pattern, line if kinds is ANY else bare) if file.suffix in kinds else None
            if found:
                yield f"{file}:{number}: {found[0].strip()} → {instead}"
    if file.suffix in C and len(code) > LINES_MAX:
        yield f"{file}:{len(code)}: over {LINES_MAX} lines → is it one thought? Two files"


def _elsewhere(file, kinds, instead):
    """A rule that is not this file's: migrations move whole rows, tests ask as they like."""
    return (file.parts[0] == "tests" and instead in PRODUCT_ONLY) or (file.parts[0] == "migrations" and kinds is SQL)


def _bare(text, suffix):
    """The code without its comments, every line where it was."""
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])
    if suffix in C:
        return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)
    if suffix in SQL:
        return re.sub(r"/\*.*?\*/|--[^\n]*", blank, text, flags=re.S)
    return text
