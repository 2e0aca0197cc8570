"""tally — what the test runs left as JUnit files, in one line: N passed, N failed, N skipped."""
import pathlib
import sys
import xml.etree.ElementTree


def counted(file):
    """(passed, failed, skipped) and the names of what failed."""
    passed, skipped, names = 0, 0, []
    for case in xml.etree.ElementTree.parse(file).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            names.append(f"{case.get('classname', '')} {case.get('name')}".strip())
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    return passed, len(names), skipped, names


def main(folder):
    total, failed = [0, 0, 0], []
    for name in (folder / "expected").read_text().split() if (folder / "expected").exists() else []:
        try:
            *numbers, names = counted(folder / f"{name}.xml")
        except (OSError, xml.etree.ElementTree.ParseError):
            numbers, names = [0, 1, 0], ["was broken off, or left no result"]
        total = [a + b for a, b in zip(total, numbers)]
        failed += [f"{name}: {one}" for one in names]
        print(f"  {name:<24}{numbers[0]:>6} passed{numbers[1]:>6} failed{numbers[2]:>6} skipped")
    for line in failed:
        print(f"  FAILED {line}")
    print("{} passed, {} failed, {} skipped".format(*total))
    return 0 if total[1] == 0 and total[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
