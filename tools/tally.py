"""tally — what the test runs left as JUnit files, in one line: N passed, N failed, N skipped.

    tally.py FOLDER [--chosen]      --chosen: a run that was asked for some tests by name may be empty

A C program is one test to ctest; its own cases are what cmocka wrote into its words.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree


CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\w+)\s*$", re.M)


def counted(file):
    """Passed, failed, skipped, and the names of what failed."""
    passed, skipped, names = 0, 0, []
    for case in xml.etree.ElementTree.parse(file).getroot().iter("testcase"):
        cases = dict((name, word) for word, name in CMOCKA.findall(case.findtext("system-out") or ""))
        own = f"{case.get('classname', '')} {case.get('name')}".strip()
        failed = [f"{own} {name}" for name, word in cases.items() if word == "FAILED"]
        if not failed and (case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail"):
            failed = [own]
        names += failed
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        elif cases:
            passed += list(cases.values()).count("OK")
            skipped += list(cases.values()).count("SKIPPED")
        elif not failed:
            passed += 1
    return passed, len(names), skipped, names


def main(folder, chosen=False):
    total, failed = [0, 0, 0], []
    for name in (folder / "expected").read_text().split() if (folder / "expected").exists() else []:
        try:
            *numbers, names = counted(folder / f"{name}.xml")
        except (OSError, xml.etree.ElementTree.ParseError):
            numbers, names = [0, 1, 0], ["was broken off, or left no result"]
        if not chosen and not any(numbers):
            numbers, names = [0, 1, 0], ["had no test to run"]
        total = [a + b for a, b in zip(total, numbers)]
        failed += [f"{name}: {one}" for one in names]
        print(f"  {name:<24}{numbers[0]:>6} passed{numbers[1]:>6} failed{numbers[2]:>6} skipped")
    for line in failed:
        print(f"  FAILED {line}")
    print("{} passed, {} failed, {} skipped".format(*total))
    return 0 if total[1] == 0 and total[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), "--chosen" in sys.argv[2:]))
