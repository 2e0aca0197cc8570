"""RateLimit, RateLimit-Policy and Retry-After: who obeys them never sees a 429, and who does not is told when to come again."""
import re
import threading
import time

import pytest

from api.witness import Witness
from harness.evenpost import Evenpost

PER_MINUTE, AT_ONCE = 40, 3       # a request is 1.5 s: a time that is rounded the wrong way is seen


@pytest.fixture(scope="module")
def limited(session):
    evenpost = Evenpost(session, environment={"EVENPOST_REQUESTS_PER_MINUTE": str(PER_MINUTE), "EVENPOST_REQUESTS_AT_ONCE": str(AT_ONCE)})
    evenpost.api = Witness(evenpost.api.host, evenpost.api.port, evenpost.key)
    yield evenpost.start(worker=False)
    evenpost.stop()


def key_of(limited, name):
    """A key of its own, whose bucket is full."""
    made = patient(lambda: limited.api.call("POST", "/v1/keys", {"name": name}))
    return limited.api.with_key(made["key"])


def patient(ask):
    while True:
        answer = ask()
        if answer.status != 429:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))


def left(answer):
    """What RateLimit says: requests left, seconds until there are more."""
    name, remaining, seconds = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer.headers["RateLimit"]).groups()
    assert answer.headers["RateLimit-Policy"] == f'"{name}";q={PER_MINUTE};w=60'
    return int(remaining), int(seconds)


def test_who_obeys_never_sees_a_429(limited):
    """Catches a field that promises what the bucket does not hold, and a `t` that is over too early."""
    api, seen, until = key_of(limited, "obedient"), [], time.monotonic() + 9
    while time.monotonic() < until:
        answer = api.call("GET", "/v1/me")
        seen.append(answer.status)
        remaining, seconds = left(answer)
        if remaining == 0:
            time.sleep(seconds)
    assert set(seen) == {200}
    assert len(seen) >= AT_ONCE + 4, "obeying costs more than the limit itself"


def test_who_does_not_obey_is_told_when(limited):
    """Catches a Retry-After after which the next call is refused again."""
    api = key_of(limited, "greedy")
    for _ in range(3):
        while (answer := api.call("GET", "/v1/me")).status == 200:
            pass
        assert answer.status == 429 and answer.problem == "rate-limited"
        assert left(answer)[0] == 0 and int(answer.headers["Retry-After"]) >= left(answer)[1] >= 1
        time.sleep(int(answer.headers["Retry-After"]))
        assert api.call("GET", "/v1/me").status == 200


def test_what_is_left_counts_down_by_one(limited):
    api = key_of(limited, "counting")
    counts = [left(api.call("GET", "/v1/me"))[0] for _ in range(AT_ONCE)]
    assert counts[0] == AT_ONCE - 1 and all(before - 1 <= after <= before for before, after in zip(counts, counts[1:]))


def test_one_key_does_not_cost_another(limited):
    greedy, other = key_of(limited, "greedy2"), key_of(limited, "other")
    while greedy.call("GET", "/v1/me").status == 200:
        pass
    assert other.call("GET", "/v1/me").status == 200


def test_what_a_429_refused_was_not_done_and_is_not_kept(limited):
    """Catches a 429 that is replayed under its Idempotency-Key for two days."""
    api = key_of(limited, "kept")
    body = {"name": "x", "scopes": ["keys:read"]}
    while api.call("GET", "/v1/me").status == 200:
        pass
    refused = api.call("POST", "/v1/keys", body, Idempotency_Key="rate-1")
    assert refused.status == 429
    made = patient(lambda: api.call("POST", "/v1/keys", body, Idempotency_Key="rate-1"))
    assert made.status == 201 and "Idempotent-Replayed" not in made.headers


def test_at_once_no_more_than_there_is_are_let_through(limited):
    """Catches a bucket that two requests read before either of them takes."""
    api, statuses = key_of(limited, "many"), []

    def ask():
        statuses.append(api.call("GET", "/v1/me").status)
    begun = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(5 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    filled = (time.monotonic() - begun) * PER_MINUTE / 60
    assert AT_ONCE <= statuses.count(200) <= AT_ONCE + filled + 1 and set(statuses) <= {200, 429}
