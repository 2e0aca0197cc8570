"""complaints: what no log of a program of ours may hold, in whatever test: every end-to-end run watches for it.

The loop names what held it for more than 50 ms of CPU time (T179); the sanitizers name a race, a lifetime error, undefined
behaviour (T182), and a program that they end is one that a test may have wanted to end anyway.
"""
import re

KNOWN = re.compile(r"loop held by |ThreadSanitizer: |AddressSanitizer: |LeakSanitizer: |: runtime error: |: cannot happen: ")


GAVE_UP = ": cannot happen: "       # the last word of a program that cannot go on: where that is made to happen, it is right


def complaints_of(program, may_give_up=False):
    lines = [line for line in program.text().splitlines() if KNOWN.search(line)]
    return [f"{program.name}: {line}" for line in lines if not (may_give_up and GAVE_UP in line)]
