"""includes — the include block is the architecture: own header, base, policy and mail, io, ledger, own room."""
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
RANK = {"base": 1, "policy": 2, "mail": 2, "io": 3, "ledger": 4}
OWN_ROOM = 5
AFTER_OWN, LAST = 0.5, 6     # where a file has its system headers
# The judge shares no code with the judged: of io the sandbox sees what keeps a program alive, nothing that speaks.
SANDBOX_SEES = {"loop", "log", "clock", "settings", "process", "trace"}


def rank(header, file):
    """Where the header stands in the block: 0 for the file's own."""
    if header == str(file.with_suffix(".h")):
        return 0
    return RANK.get(header.split("/")[0], OWN_ROOM) if "/" in header else OWN_ROOM


def check(root, file, rooms):
    lines = (root / file).read_text(errors="replace").splitlines()
    room = file.parts[0]
    allowed = rooms.get(room, {}).get("headers" if file.suffix == ".h" else "sources")
    before = None
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            before = (before[0], True) if before and not line.strip() else before
            continue
        header = found[1]
        if header is None:
            continue
        yield from _names(file, number, header, allowed, room)
        here = rank(header, file)
        if room in rooms and before:
            yield from _order(file, number, header, here, *before)
        before = (here, False)


def _names(file, number, header, allowed, room):
    place = f"{file}:{number}"
    if ".." in header.split("/"):
        yield f'{place}: "{header}" goes around a door → write it from the root: "{header.replace("../", "")}"'
    elif "/" in header and allowed is not None and header.split("/")[0] not in allowed:
        yield f"{place}: {room} does not see {header.split('/')[0]} → hand in the value, or name the room in CMakeLists.txt"
    elif room == "sandbox" and header.startswith("io/") and header[3:-2] not in SANDBOX_SEES:
        yield f"{place}: the sandbox judges with code of its own → no {header}; only {', '.join(sorted(SANDBOX_SEES))} of io"


def _order(file, number, header, here, rank_before, gap):
    if here < rank_before:
        yield f'{file}:{number}: "{header}" stands below a higher room → own header, base, policy and mail, io, ledger, own room'
    elif here != rank_before and not gap:
        yield f'{file}:{number}: a blank line between rooms → one before "{header}"'


def rewrite(path, file):
    """Puts the first block of includes in order; a block with anything else in it is left to its author."""
    lines = path.read_text().split("\n")
    first = next((i for i, line in enumerate(lines) if INCLUDE.match(line)), None)
    if first is None:
        return
    last = first
    for i in range(first, len(lines)):
        if INCLUDE.match(lines[i]):
            last = i
        elif lines[i].strip():
            break
    block = [line for line in lines[first:last + 1] if line.strip()]
    groups, system = {}, LAST if INCLUDE.match(block[-1])[1] is None and len(block) > 1 else AFTER_OWN
    for line in block:
        found = INCLUDE.match(line)
        groups.setdefault(system if found[1] is None else rank(found[1], file), []).append(line)
    fresh = []
    for key in sorted(groups):                # system headers keep their order: cmocka's wants others before it
        fresh += ([""] if fresh else []) + (groups[key] if key == system else sorted(groups[key]))
    if fresh != lines[first:last + 1]:
        lines[first:last + 1] = fresh
        path.write_text("\n".join(lines))
