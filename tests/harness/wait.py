"""wait: for a condition, never for a time."""
import time

POLL_S = 0.02
WORDS = 1500                # of a failure: the rest is in the programs' logs


class NotYet(AssertionError):
    """The condition did not become true; says what was seen last."""


def wait_until(condition, seconds=30, why=None):
    """Calls condition() until it returns something true, and returns that. An AssertionError inside is a "not yet"."""
    until = time.monotonic() + seconds
    trouble = None
    while True:
        try:
            seen = condition()
            if seen:
                return seen
            trouble = None
        except AssertionError as not_yet:
            seen, trouble = None, not_yet
        if time.monotonic() > until:
            words = why() if callable(why) else why
            seen_last = repr(trouble or seen)
            raise NotYet(f"not within {seconds} s: {str(words or condition)[:WORDS]}; last seen: {seen_last[:WORDS]}")
        time.sleep(POLL_S)


def stays(condition, seconds, why=None):
    """The condition holds now and for that long; for what must *not* happen."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not condition():
            raise AssertionError(f"did not stay for {seconds} s: {why or condition}")
        time.sleep(POLL_S)
