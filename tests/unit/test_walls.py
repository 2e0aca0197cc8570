"""The walls stand: an include that goes upward, sideways or through a neighbour's cupboard does not compile."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("EVENPOST_BUILD", ROOT / "build"))


def compiles_in(room, header, folder):
    """Would a file of that room compile if it named the header? With the room's own flags, by the compiler itself."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    command = next(c for c in commands if pathlib.Path(c["file"]).parent == ROOT / room)
    words = shlex.split(command["command"])
    probe = folder / "probe.c"
    probe.write_text(f'#include "{header}"\ntypedef int probed;\n')
    words = words[:words.index("-o")] + ["-fsyntax-only", str(probe)]
    done = subprocess.run(words, cwd=command["directory"], capture_output=True, text=True)
    assert done.returncode == 0 or "No such file or directory" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("room, header", [
    ("base", "base/text.h"), ("policy", "base/instant.h"), ("io", "base/text.h"), ("ledger", "io/pg.h"),
    ("ledger", "policy/plan.h"), ("worker", "mail/smtp_session.h"), ("sandbox", "io/loop.h")])
def test_a_room_sees_what_it_stands_on(room, header, tmp_path):
    """Catches a probe that would fail for any header, and so prove nothing below."""
    assert compiles_in(room, header, tmp_path)


@pytest.mark.parametrize("room, header", [
    ("base", "io/loop.h"), ("base", "policy/plan.h"), ("policy", "ledger/accept.h"), ("io", "ledger/accept.h"),
    ("ledger", "worker/permit.h"), ("ledger", "server/http.h")])
def test_an_upward_include_does_not_compile(room, header, tmp_path):
    """Catches the root on an include path: everybody would see everything."""
    assert not compiles_in(room, header, tmp_path)


@pytest.mark.parametrize("room, header", [
    ("policy", "mail/address.h"), ("policy", "io/clock.h"), ("mail", "policy/plan.h"), ("mail", "io/connection.h"),
    ("io", "policy/plan.h"), ("ledger", "mail/address.h"), ("server", "worker/permit.h"), ("worker", "sandbox/record.h"),
    ("sandbox", "mail/address.h"), ("sandbox", "ledger/accept.h")])
def test_a_sideways_include_does_not_compile(room, header, tmp_path):
    """Catches two neighbours that got to know each other."""
    assert not compiles_in(room, header, tmp_path)


def scratch_house(folder, leak):
    """Three rooms on each other, by the house's own CMake functions; the outer one asks for what the middle one keeps."""
    house = (ROOT / "CMakeLists.txt").read_text()
    functions = re.findall(r"^function\((?:statements|room) .*?^endfunction\(\)$", house, re.M | re.S)
    assert len(functions) == 2
    for room, code in {"inner": "int inner;", "middle": "int middle;", "outer": "int outer;"}.items():
        (folder / room).mkdir(parents=True)
        (folder / room / f"{room}.h").write_text(f"extern {code}\n")
        asks = {"outer": "inner" if leak else "middle", "middle": "inner"}.get(room, room)
        (folder / room / f"{room}.c").write_text(f'#include "{asks}/{asks}.h"\n{code}\n')
    (folder / "CMakeLists.txt").write_text("\n".join([
        "cmake_minimum_required(VERSION 3.25)", "project(scratch C)", *functions,
        "room(inner)", "room(middle KEEPS inner)", "room(outer SHOWS middle)"]))
    return folder


@pytest.mark.skipif(not shutil.which("cmake"), reason="cmake is not here")
@pytest.mark.parametrize("leak", [False, True])
def test_what_a_neighbour_keeps_does_not_leak(leak, tmp_path):
    """Catches PUBLIC where PRIVATE belongs: who links a room would see all that the room is made of."""
    folder = scratch_house(tmp_path / "house", leak)
    build = tmp_path / "build"
    subprocess.run(["cmake", "-S", folder, "-B", build, "-G", "Ninja"], check=True, capture_output=True)
    done = subprocess.run(["ninja", "-C", build], capture_output=True, text=True)
    assert (done.returncode != 0) == leak, done.stdout
    assert not leak or "inner/inner.h: No such file or directory" in done.stdout


def lines_of_the_house(pattern):
    """Every line of the house's own C that fits."""
    files = [path for room in ("base", "policy", "mail", "io", "ledger", "server", "worker", "jobs") for path in (ROOT / room).glob("*.[ch]")]
    assert len(files) > 100
    return [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for path in files
            for number, line in enumerate(path.read_text().splitlines(), 1) if re.search(pattern, line)]


def test_t107_no_value_is_put_into_the_words_of_a_statement():
    """Catches SQL that is made of words (CVE-2025-1094): values go as parameters, and what quotes is nowhere."""
    assert lines_of_the_house(r"PQescape|PQquote|quote_literal") == []
    assert lines_of_the_house(r'"\s*(select|insert into|update|delete from)\b[^"]*%') == []


def test_t120_no_secret_is_compared_byte_by_byte():
    """Catches a comparison whose time tells how much was right: io/secret has the one that takes its time."""
    assert lines_of_the_house(r"\b(memcmp|strn?cmp)\([^;]*(secret|digest|signature|password|token)") == []
    assert any("CRYPTO_memcmp" in line for line in lines_of_the_house(r"CRYPTO_memcmp"))
