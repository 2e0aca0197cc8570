#!/usr/bin/python3
# tidy — what a machine can check of how the house reads; each finding is a line and its replacement.
#
#   ./evenpost tidy [--fix] [--build FOLDER] [FILE...]
#
#   --fix            lays files out anew (clang-format, include blocks), where nothing but layout changes.
#   --build FOLDER   also checks purity by symbol in that build; the home's own when there is one.
#   FILE...          only these.
#
# Ends 1 when it found something.

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

import house_rooms
import includes
import purity
import words

ROOT = pathlib.Path(os.environ["EVENPOST_ROOT"])


def tracked(chosen):
    """The project's files, or those chosen; what is not in git yet counts too."""
    said = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True, text=True, check=True).stdout
    files = sorted(pathlib.Path(name) for name in said.split("\0") if name and (ROOT / name).is_file())
    if not chosen:
        return files
    wanted = {pathlib.Path(os.path.relpath(pathlib.Path(name).resolve(), ROOT)) for name in chosen}
    return [file for file in files if file in wanted]


def of_kind(files, *suffixes):
    return [file for file in files if file.suffix in suffixes]


def layout(files):
    """clang-format's own view, a finding a file."""
    sources = of_kind(files, ".c", ".h")
    if not sources or not shutil.which("clang-format"):
        return
    said = subprocess.run(["clang-format", "--dry-run", "--ferror-limit=0", *sources], cwd=ROOT, capture_output=True,
                          text=True).stderr
    seen = set()
    for file, line in re.findall(r"^(.+?):(\d+):\d+: warning: code should be clang-formatted", said, re.M):
        if file not in seen:
            seen.add(file)
            yield f"{file}:{line}: is not laid out as .clang-format says → clang-format -i {file}"


def shell(files):
    """shellcheck's own view, its sentence as it is."""
    scripts = [file for file in of_kind(files, ".sh") if file.parts[0] == "tools"]
    scripts += [file for file in files if file.name in ("evenpost", "run") and file.suffix == ""]
    if not scripts or not shutil.which("shellcheck"):
        return
    said = subprocess.run(["shellcheck", "-x", "-f", "gcc", *scripts], cwd=ROOT, capture_output=True, text=True).stdout
    for file, line, text in re.findall(r"^(.+?):(\d+):\d+: \w+: (.*)$", said, re.M):
        yield f"{file}:{line}: {text}"


def fix(files):
    sources = of_kind(files, ".c", ".h")
    for file in sources:
        includes.rewrite(ROOT / file, file)
    if sources:
        subprocess.run(["clang-format", "-i", *sources], cwd=ROOT, check=True)


def findings(files, build):
    rooms = house_rooms.read(ROOT / "CMakeLists.txt")
    yield from layout(files)
    for file in of_kind(files, ".c", ".h"):
        yield from includes.check(ROOT, file, rooms)
    for file in files:
        yield from words.check(ROOT, file)
    yield from shell(files)
    if build:
        yield from purity.check(build)


def main():
    parser = argparse.ArgumentParser(prog="./evenpost tidy", add_help=False)
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("files", nargs="*")
    given = parser.parse_args()
    own = pathlib.Path(os.environ["EVENPOST_BUILD"])
    build = given.build or (own if (own / "libbase.a").exists() else None)
    files = tracked(given.files)
    if given.fix:
        fix(files)
    found = 0
    for finding in findings(files, build):
        found += 1
        print(finding)
    print(f"{len(files)} files, {found} findings{'' if build else '; purity by symbol wants a build: --build FOLDER'}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
