"""policy/zone beside Python's zoneinfo: two readers of the same files, sharing no code."""

import datetime
import os
import pathlib
import random
import subprocess
import zoneinfo

EPOCH = datetime.date(1970, 1, 1)
UTC = datetime.timezone.utc


def first_instant_that_shows(zone, wanted):
    """The first second at which the zone's clock shows `wanted` or later; zoneinfo itself only knows the two guesses."""
    guesses = sorted(int(wanted.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    low, high = guesses[0] - 1, guesses[1]

    def shows_it(second):
        return datetime.datetime.fromtimestamp(second, zone).replace(tzinfo=None) >= wanted

    if shows_it(guesses[0]):
        return guesses[0]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows_it(middle) else (middle, high)
    return high


def questions(seed):
    """For each zone: usual hours on any day, and the hours around midnight and night on the days of its changes."""
    chance = random.Random(seed)
    for name in sorted(zoneinfo.available_timezones()):
        if name.startswith(("posix/", "right/", "localtime", "Factory")):
            continue
        zone = zoneinfo.ZoneInfo(name)
        days = [chance.randrange(0, 29000) for _ in range(12)]
        last = None
        for day in range(20400, 20400 + 2 * 366):  # 2025-11 to 2027-11
            offset = datetime.datetime.combine(EPOCH + datetime.timedelta(day), datetime.time(12), zone).utcoffset()
            if last is not None and offset != last:
                days += [day - 1, day]
            last = offset
        for day in days:
            for second in (0, 900, 3600, 5400, 7200, 9000, 10800, 32400, 82800, 84600):
                yield name, zone, day, second


def test_each_local_time_of_each_zone_is_the_instant_that_python_finds():
    """Catches a footer's rule read wrongly (negative summer time, hours beyond 24, the last weekday of a month)."""
    seed = int(os.environ.get("EVENPOST_TEST_SEED", "1"))
    asked = list(questions(seed))
    lines = "".join(f"{name} {day} {second}\n" for name, _, day, second in asked)
    program = pathlib.Path(os.environ["EVENPOST_BUILD"]) / "zone_table"
    answers = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout.split()
    assert len(answers) == len(asked)
    wrong = []
    for (name, zone, day, second), answer in zip(asked, answers):
        wanted = datetime.datetime.combine(EPOCH + datetime.timedelta(day), datetime.time()) + datetime.timedelta(0, second)
        expected = first_instant_that_shows(zone, wanted)
        if answer != str(expected):
            wrong.append(f"{name} {wanted}: {answer} instead of {expected}")
    assert not wrong, f"seed {seed}, {len(wrong)} of {len(asked)}: " + "; ".join(wrong[:10])
