#!/usr/bin/python3
# faults — the page docs/how-it-can-go-wrong.md, from what the tests play.
#
#   python3 tools/faults.py            writes anew what is between the page's marks; a part that is not there comes behind the rest.
#   python3 tools/faults.py --check    ends 1 when the page is not what the tests say.
#
# One part is tests/conversations/faults.table, the other the rows of tests/faults (tools/outcomes.py). The table must have
# every fault at every stage, once: what is not written down cannot be checked.

import dataclasses
import pathlib
import sys

import outcomes

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/how-it-can-go-wrong.md"
TABLE, FOLDER = "tests/conversations/faults.table", "tests/faults"
END = "<!-- to here -->\n"
HEAD = """# How it can go wrong

What receivers, networks and machines do to a message on its way, and what becomes of it. Every row is played by a test.

"""

FAULTS = {
    "fin": "closes", "rst": "resets", "half_close": "closes its side only", "silence": "says nothing until its time is over",
    "421": "says 421", "4yz": "says 450", "5yz": "says 550", "wrong": "says a code of a class that does not belong here",
    "garbage": "says what is no reply", "nul": "says a reply with a NUL in it",
}
MESSAGE = {
    "refused_here": "booked again, in this slot while it is good: it was never offered",
    "deferred": "booked again, in this slot while it is good",
    "deferred dot": "booked again, in another slot",
    "bounced": "bounced",
    "unconfirmed": "unconfirmed, and not sent again unless the customer asks",
    "not_sent": "booked again, in another slot: nothing was sent",
    "stale": "at once on a new connection: it was no attempt",
    "no_result": "as it was",
}
SLOT = {"refused_here": "kept", "deferred": "kept", "deferred dot": "spent: the receiver saw a dot", "bounced": "kept",
        "bounced dot": "spent", "unconfirmed": "spent", "not_sent": "spent, if it was authorized", "stale": "kept", "no_result": "as it was"}
CONNECTION = {"close": "closed", "peer": "goes on to its next reply", "message": "kept for the next message"}


class TableError(Exception):
    pass


@dataclasses.dataclass
class Row:
    """What comes of one fault at one stage. outcome: impossible, no_result, or the message's end."""
    stage: str
    fault: str
    outcome: str
    at: str = "-"
    code: str = "-"
    enhanced: str = "-"
    trouble: str = "-"
    needs: str = "-"

    def word(self, words):
        return words.get(f"{self.outcome} {self.at}", words[self.outcome])

    @property
    def seen(self):
        """What the attempt tells the customer."""
        if self.outcome in ("no_result", "stale"):
            return "no attempt"
        return f"`{self.at}`, " + (self.code if self.code != "-" else "no reply") + \
            ("" if self.enhanced == "-" else f" {self.enhanced}") + ("" if self.trouble == "none" else f", `{self.trouble}`")


def read(path):
    """Its faults, its stages with their sentences, and its rows by (stage, fault)."""
    faults, stages, rows, stage = [], {}, {}, None
    for line in pathlib.Path(path).read_text().splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#") or word == "play" or (word == "wrong" and rest.startswith("S ")):
            continue            # `wrong` is also a fault; with a reply behind it, it is the words of that
        if word == "fault":
            faults.append(rest.split()[0])
        elif word == "stage":
            stage = rest
        elif word == "says":
            stages[stage] = rest
        else:
            if word not in faults or (stage, word) in rows:
                raise TableError(f"{path}: {stage}: no such fault, or twice: {line.strip()}")
            rows[stage, word] = _row(stage, word, rest.split())
    missing = [f"{stage} {fault}" for stage in stages for fault in faults if (stage, fault) not in rows]
    if missing:
        raise TableError(f"{path}: nothing is written down for {', '.join(missing)}")
    return faults, stages, rows


def _row(stage, fault, words):
    if words == ["impossible"]:
        return Row(stage, fault, "impossible")
    if words[0] == "no_result":
        return Row(stage, fault, "no_result", needs=words[1])
    return Row(stage, fault, *words)


def page(path):
    faults, stages, rows = read(path)
    played = sum(row.outcome != "impossible" for row in rows.values())
    lines = ["## A receiver at each stage of a conversation (T28)", "",
             f"{len(faults)} faults at {len(stages)} stages; {played} of them can happen, and each is played. Before authorization a fault "
             "costs the slot nothing; from", "the dot to its reply everything but a whole reply is doubt; after the reply nothing changes "
             "it any more.", ""]
    for stage, sentence in stages.items():
        lines += [f"### {stage}", "", sentence, "", "| the peer | the attempt says | the message is | its slot is | the connection is | the receiver is |",
                  "|---|---|---|---|---|---|"]
        lines += [_line(rows[stage, fault]) for fault in faults if rows[stage, fault].outcome != "impossible"]
        lines.append("")
    return "\n".join(lines)


def _rests(row):
    """421 speaks of the receiver wherever it comes; before the message was offered every refusal does."""
    if row.outcome in ("stale", "no_result") or row.code[0] not in "45":
        return "asked as before"
    if row.code == "421" or (row.outcome == "refused_here" and row.code[0] == "4"):
        return "left alone, 30 s at least"
    return "left alone, an hour at least" if row.outcome == "refused_here" else "asked as before"


def _line(row):
    cells = [FAULTS[row.fault], row.seen, row.word(MESSAGE), row.word(SLOT), CONNECTION[row.needs], _rests(row)]
    return "| " + " | ".join(cells) + " |"


def begin(source):
    return f"<!-- made by tools/faults.py from {source}: change that, not this -->\n"


def woven(text, source, made):
    """The page with the part of this source made anew, the rest as it stands."""
    part = f"{begin(source)}\n{made}\n{END}"
    if begin(source) not in text:
        return (text.rstrip("\n") + "\n\n" if text else HEAD) + part
    before, rest = text.split(begin(source), 1)
    return before + part + rest.split(END, 1)[1]


def main(arguments):
    text = PAGE.read_text() if PAGE.exists() else ""
    made = woven(text, TABLE, page(ROOT / TABLE))
    made = woven(made, FOLDER, outcomes.page(ROOT / FOLDER))
    if arguments == ["--check"] and made != text:
        print(f"{PAGE} is not what the tests say → python3 tools/faults.py", file=sys.stderr)
        return 1
    if arguments != ["--check"]:
        PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
