#!/usr/bin/python3
"""Typed C from the statements of a room: one .sql file each, whose head says what it takes and gives (io/statement.h).

    tools/statements.py ROOM SQL_DIR OUT_DIR    writes OUT_DIR/ROOM_statements.h and .c

Tests read the same heads through statement_of(path).
"""

import dataclasses
import pathlib
import re
import sys

# SQL type: the word of enum sql_type, the C type, the C type when it may be null, the list type
TYPES = {
    "uuid": ("SQL_UUID", "struct uuid", "struct uuid", "struct uuids"),
    "text": ("SQL_TEXT", "struct text", "struct text", "struct texts"),
    "jsonb": ("SQL_JSONB", "struct text", "struct text", "struct texts"),
    "bytea": ("SQL_BYTEA", "struct text", "struct text", "struct texts"),
    "bigint": ("SQL_BIGINT", "int64_t", "int64_t", "struct bigints"),
    "integer": ("SQL_INTEGER", "int32_t", "int32_t", "struct integers"),
    "smallint": ("SQL_SMALLINT", "int16_t", "int16_t", "struct smallints"),
    "boolean": ("SQL_BOOLEAN", "bool", "int8_t", "struct booleans"),
    "double precision": ("SQL_DOUBLE", "double", "double", "struct doubles"),
    "timestamptz": ("SQL_TIMESTAMPTZ", "struct instant", "struct instant", "struct instants"),
    "date": ("SQL_DATE", "struct day", "struct day", "struct days"),
}

C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false "
    "asm typeof".split()
)

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
FIELD = re.compile(r"([a-z][a-z0-9_]*) ([a-z]+(?: precision)?)(\[\])?(\?)?\Z")
TAKES_MAX = 128  # BOUND_STATEMENT_TAKES
NAME_BYTES_MAX = 63  # PostgreSQL's NAMEDATALEN - 1: longer names of prepared statements are cut


class HeadError(Exception):
    """A head that cannot be read; the words say where and what to write instead."""


@dataclasses.dataclass(frozen=True)
class Field:
    name: str
    type: str
    array: bool
    nullable: bool

    @property
    def c_type(self) -> str:
        _, plain, nullable, listed = TYPES[self.type]
        return listed if self.array else nullable if self.nullable else plain

    @property
    def sql_type(self) -> str:
        return self.type + ("[]" if self.array else "")


@dataclasses.dataclass(frozen=True)
class Statement:
    path: pathlib.Path
    name: str
    sentence: str
    takes: list
    gives: list
    costs: str
    sql: str  # without the head


def field_of(path, line, words):
    match = FIELD.match(words)
    if match is None or match[2] not in TYPES:
        raise HeadError(f"{path}: {line}: `{words}`: write `name type`, with one of {', '.join(TYPES)}, then [] and ? if so")
    if match[1] in C_WORDS:
        raise HeadError(f"{path}: {line}: `{match[1]}` is a word of C: choose another name")
    return Field(match[1], match[2], match[3] is not None, match[4] is not None)


def fields_of(path, line, words):
    if words == "nothing":
        return []
    fields = [field_of(path, line, part.strip()) for part in words.split(",")]
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        raise HeadError(f"{path}: {line}: a name stands twice")
    return fields


def head_and_sql(text):
    """The comment lines at the top, joined where one goes on, and what follows them."""
    lines = text.splitlines()
    head = {}
    key = None
    for number, line in enumerate(lines):
        if not line.startswith("--"):
            return head, "\n".join(lines[number:]).strip()
        words = line[2:].strip()
        match = re.match(r"([a-z][a-z0-9_]*): (.*)", words)
        if match and (not head or match[1] in ("takes", "gives", "costs")):
            key = match[1]
            head[key] = match[2].strip()
        elif key is not None:
            head[key] = f"{head[key]} {words}".strip()
    return head, ""


def check_sql(path, name, takes, sql):
    if not sql:
        raise HeadError(f"{path}: no statement under the head")
    if sql.endswith(";"):
        raise HeadError(f"{path}: no semicolon at the end: the statement is sent alone")
    used = {int(number) for number in re.findall(r"\$([0-9]+)", re.sub(r"--.*|'(?:[^']|'')*'", "", sql))}
    if used != set(range(1, len(takes) + 1)):
        raise HeadError(f"{path}: it takes $1 to ${len(takes)}, and uses {sorted(used)}: they must be the same")
    if len(takes) > TAKES_MAX:
        raise HeadError(f"{path}: it takes more than {TAKES_MAX}: use arrays")
    if len(name) > NAME_BYTES_MAX:
        raise HeadError(f"{path}: the name is longer than {NAME_BYTES_MAX} bytes")


def statement_of(path):
    path = pathlib.Path(path)
    name = path.stem
    head, sql = head_and_sql(path.read_text(encoding="utf-8"))
    if NAME.match(name) is None or next(iter(head), None) != name:
        raise HeadError(f"{path}: the first line must be `-- {name}: a sentence`")
    for key in ("takes", "gives", "costs"):
        if not head.get(key):
            raise HeadError(f"{path}: the head lacks `-- {key}: ...`")
    takes = fields_of(path, "takes", head["takes"])
    gives = fields_of(path, "gives", head["gives"])
    check_sql(path, name, takes, sql)
    return Statement(path, name, head[name], takes, gives, head["costs"], sql)


def struct_of(tag, fields):
    members = "".join(f"    {field.c_type} {field.name};\n" for field in fields)
    return f"struct {tag} {{\n{members}}};\n"


def declaration_of(statement):
    name = statement.name
    parts = [f"/* {statement.sentence.replace('*/', '* /')} Costs: {statement.costs.replace('*/', '* /')} */\n"]
    if statement.takes:
        parts.append(struct_of(name, statement.takes))
    if statement.gives:
        parts.append(struct_of(f"{name}_row", statement.gives))
    takes = f", const struct {name} *takes" if statement.takes else ""
    parts.append(f"size_t {name}_ask(struct transaction *transaction{takes});\n")
    parts.append(f"size_t {name}_count(struct transaction *transaction, size_t asked);\n")
    if statement.gives:
        parts.append(f"struct {name}_row {name}_get(struct transaction *transaction, size_t asked, size_t row);\n")
    return "".join(parts)


def rows_of(tag, array, fields):
    if not fields:
        return ""
    rows = "".join(
        f'    {{ "{field.name}", offsetof(struct {tag}, {field.name}), {TYPES[field.type][0]},'
        f" {str(field.array).lower()}, {str(field.nullable).lower()} }},\n"
        for field in fields
    )
    return f"static const struct statement_field {array}[] = {{\n{rows}}};\n"


def c_string(sql):
    lines = [line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") for line in sql.splitlines()]
    return "\n".join(f'           "{line}\\n"' for line in lines)


def definition_of(statement):
    name = statement.name
    takes = (f"{name}_takes", len(statement.takes)) if statement.takes else ("NULL", 0)
    gives = (f"{name}_gives", len(statement.gives)) if statement.gives else ("NULL", 0)
    asks = f", const struct {name} *takes" if statement.takes else ""
    parts = [
        rows_of(name, f"{name}_takes", statement.takes),
        rows_of(f"{name}_row", f"{name}_gives", statement.gives),
        f"static const struct statement {name}_statement = {{\n"
        f'    .name = "{name}",\n    .sql =\n{c_string(statement.sql)},\n'
        f"    .takes = {takes[0]},\n    .gives = {gives[0]},\n"
        f"    .takes_count = {takes[1]},\n    .gives_count = {gives[1]},\n}};\n\n"
        f"size_t {name}_ask(struct transaction *transaction{asks})\n{{\n"
        f"    return statement_ask(transaction, &{name}_statement, {'takes' if statement.takes else 'NULL'});\n}}\n\n"
        f"size_t {name}_count(struct transaction *transaction, size_t asked)\n{{\n"
        f"    return statement_count(transaction, &{name}_statement, asked);\n}}\n",
    ]
    if statement.gives:
        parts.append(
            f"\nstruct {name}_row {name}_get(struct transaction *transaction, size_t asked, size_t row)\n{{\n"
            f"    struct {name}_row gives;\n    statement_get(transaction, &{name}_statement, asked, row, &gives);\n"
            f"    return gives;\n}}\n"
        )
    return "".join(parts)


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(room, sources, folder):
    statements = [statement_of(path) for path in sorted(sources.glob("*.sql"))]
    made = f"/* Made by tools/statements.py from {room}/sql. */\n"
    header = made + '#pragma once\n\n#include "io/statement.h"\n\n' + "\n".join(map(declaration_of, statements))
    source = made + f'#include "{room}_statements.h"\n\n' + "\n".join(map(definition_of, statements))
    folder.mkdir(parents=True, exist_ok=True)
    write_if_changed(folder / f"{room}_statements.h", header)
    write_if_changed(folder / f"{room}_statements.c", source)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        generate(arguments[0], pathlib.Path(arguments[1]), pathlib.Path(arguments[2]))
    except HeadError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
