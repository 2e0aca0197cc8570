"""A local day is not what it was: 23 or 25 hours long, in another zone at every hour, or moved by new rules of the zone.

The judge reckons local days with Python's zoneinfo, which shares no code with ours.
"""
import collections
import datetime
import os
import subprocess
import zoneinfo

import pytest

from harness.clock import UTC, instant, rfc3339
from harness.evenpost import ALL_DAY, START, Messages
from outcome import outcome

DAY = datetime.timedelta(days=1)
ZONES = ["Europe/Berlin", "Europe/Dublin", "Asia/Beirut", "Africa/Cairo", "America/New_York", "America/Havana", "America/St_Johns",
         "America/Santiago", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "Asia/Jerusalem"]
FAR_ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/Havana", "Australia/Lord_Howe", "UTC",
             "Pacific/Chatham", "Antarctica/Troll", "America/Anchorage", "Asia/Tokyo", "Africa/Cairo", "Etc/GMT+12"]


def day_span(zone, day):
    """The local day as an interval of instants: midnight, or the first moment after one that the clock leaves out."""
    return tuple(datetime.datetime.combine(which, datetime.time(), zone).astimezone(UTC) for which in (day, day + DAY))


def odd_days(first, last):
    """Each zone's first day within these that has not 24 hours."""
    found = {}
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        days = [first + DAY * n for n in range((last - first).days)]
        odd = [day for day in days if day_span(zone, day)[1] - day_span(zone, day)[0] != DAY]
        if odd:
            found[name] = odd[0]
    return found


@outcome(fault="the clocks of the mailbox's zone go forward or back on a day that has mail booked",
         before="three messages for that day, of a mailbox with a cap of two and a window of the whole day",
         after="two are delivered on that local day, be it 23, 24½ or 25 hours long, one on the next",
         receiver="two dots on that day, one on the next", customer="slots that lie in their local day")
@pytest.mark.parametrize("first,last", [
    pytest.param(datetime.date(2027, 9, 1), datetime.date(2027, 11, 10), id="autumn 2027", marks=pytest.mark.long),
    pytest.param(datetime.date(2027, 3, 1), datetime.date(2027, 5, 10), id="spring 2027")])
def test_t167_a_day_of_23_or_25_hours_has_its_cap(platform, first, last):
    """Catches a midnight that is missing (Beirut, Cairo, Havana), an hour that comes twice, and a third dot in 25 hours."""
    days = odd_days(first, last)
    assert len(days) >= 10, days
    evenpost = platform(start=datetime.datetime.combine(first, datetime.time(), UTC) - DAY)
    acme = evenpost.customer()
    acme.ip()
    receiver = evenpost.receiver()
    boxes, ids = {}, []
    for name, day in days.items():
        box = acme.mailbox(time_zone=name, window=ALL_DAY)
        boxes[box["address"]] = (zoneinfo.ZoneInfo(name), day)
        begins = rfc3339(day_span(*boxes[box["address"]])[0])
        ids += [acme.send_one(f"p{len(ids) + n}@{receiver.domain}", box, scheduled_at=begins)["id"] for n in range(3)]
    rows = evenpost.play(Messages(acme, ids), "delivered", seconds=200)
    for row in rows:
        zone, day = boxes[row["from"]]
        assert instant(row["slot"]["at"]).astimezone(zone).date().isoformat() == row["slot"]["local_day"], row
    for address, (zone, day) in boxes.items():
        shown = collections.Counter(dot.instant.astimezone(zone).date() for dot in receiver.dots_of(address))
        assert shown == {day: 2, day + DAY: 1}, (address, zone, shown)


def extents(evenpost, address):
    """The local days that the mailbox's dots were counted in, as they were stored when they were booked: the day's dots each."""
    return {(since, until): count for since, until, count in evenpost.database.query(
        "select day_from, day_until, count(*) from slots join mailboxes using (customer_id, mailbox_id) "
        "where mailboxes.address = %s and slots.state = 'spent' group by day_from, day_until", address)}


def check_days(days, zones):
    """Each was a local day of one of these zones, none shares an hour with another, and none has more dots than the cap."""
    for since, until in days:
        assert any(day_span(zone, (since + (until - since) / 2).astimezone(zone).date()) == (since, until) for zone in zones), \
            (since, until)
    ordered = sorted(days)
    assert all(before[1] <= after[0] for before, after in zip(ordered, ordered[1:])), ordered
    assert max(days.values()) <= 2, days


@outcome(fault="the customer changes a mailbox's zone at every hour of a day, right round the world",
         before="messages booked, sent and waiting in days of the zones before", after="all are delivered, in days that share no hour",
         receiver="no more than the cap in any local day that holds a dot", customer="what is booked stays as booked")
def test_t169_a_zone_that_changes_at_every_hour_gives_no_third_message(platform, some, dice):
    """Catches a new zone's day that is laid over an old one's: two caps in the hours that they share."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip()
    receiver = evenpost.receiver()
    boxes, ids = acme.mailboxes(3), []
    for hour in some(range(24), 6):
        evenpost.clock.jump_to(START + datetime.timedelta(hours=hour, minutes=dice.randrange(60)))
        for box in boxes:
            acme.api.patch(f"/v1/mailboxes/{box['id']}", {"time_zone": dice.choice(FAR_ZONES)})
            ids.append(acme.send_one(f"p{len(ids)}@{receiver.domain}", box)["id"])
    evenpost.play(Messages(acme, ids), "delivered", seconds=300)
    assert len(receiver.dots) == len(ids)
    for box in boxes:
        spans = extents(evenpost, box["address"])
        check_days(spans, [zoneinfo.ZoneInfo(name) for name in FAR_ZONES])
        shown = collections.Counter(span for dot in receiver.dots_of(box["address"]) for span in spans
                                    if span[0] <= dot.instant < span[1])
        assert shown == spans, "a dot outside the day that it was counted in"


class Rules:
    """A folder of zone files of the test's own, as a package of tzdata would leave it; the town's rules can be replaced."""

    def __init__(self, folder):
        self.folder, self.source = folder / "zones", folder / "source"
        folder.chmod(0o755)
        self.write("0:00 T TO%sT")

    def write(self, town):
        self.source.write_text("Rule T 2000 max - Mar lastSun 2:00 1:00 S\nRule T 2000 max - Nov lastSun 2:00 0 -\n"
                               f"Zone Test/Town {town}\nZone UTC 0 - UTC\n")
        made = self.folder.with_name("made")
        subprocess.run(["/usr/sbin/zic", "-d", made, self.source], check=True)
        (self.folder / "Test").mkdir(parents=True, exist_ok=True)
        for name in ("UTC", "Test/Town"):
            os.replace(made / name, self.folder / name)

    def town(self):
        with open(self.folder / "Test/Town", "rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, "Test/Town")


@outcome(fault="tzdata is replaced under booked mail: the zone does not go back to winter time any more",
         before="slots booked, and openings laid, on days that begin an hour earlier now",
         after="booked slots keep their second; openings are laid anew, and new slots lie in the window of the new rules",
         receiver="no more than the cap in any day that holds a dot", customer="the new rules' times for what is booked from now on")
def test_t168_new_rules_of_a_zone_move_no_booked_slot_and_every_new_one(platform, tmp_path):
    """Catches openings of the old rules that are booked after the change: outside the window, or in a day that has its cap."""
    rules = Rules(tmp_path)
    evenpost = platform(environment={"TZDIR": str(rules.folder)})
    old = rules.town()
    acme = evenpost.customer()
    acme.ip()
    receiver = evenpost.receiver()
    hours = {"days": ALL_DAY["days"], "start": "09:00", "end": "10:00"}
    boxes = [acme.mailbox(time_zone="Test/Town", window=window) for window in (ALL_DAY, hours)]
    after = rfc3339(day_span(old, datetime.date(2026, 11, 29))[0])

    def send(count):
        return [acme.send_one(f"p{n}.{os.urandom(4).hex()}@{receiver.domain}", box, scheduled_at=after)["id"]
                for box in boxes for n in range(count)]
    booked = Messages(acme, send(3))
    slots = [row["slot"] for row in booked.rows()]
    rules.write("1:00 - TTT")
    new = rules.town()
    assert day_span(old, datetime.date(2026, 11, 30)) != day_span(new, datetime.date(2026, 11, 30))
    for program in (evenpost.server, evenpost.jobs, evenpost.worker):      # a program that goes on reads them within the hour
        program.terminate()
        program.start()
    evenpost.ready()
    fresh = Messages(acme, send(7))
    assert [row["slot"] for row in booked.rows()] == slots, "a booked slot moved"
    for row in fresh.rows():
        local = instant(row["slot"]["at"]).astimezone(new)
        assert local.date().isoformat() == row["slot"]["local_day"], row
        assert row["from"] == boxes[0]["address"] or local.hour == 9, f"outside the window: {local}"
    evenpost.play(booked + fresh, "delivered", seconds=120)
    for box in boxes:
        check_days(extents(evenpost, box["address"]), [old, new])
    narrow = [dot.instant for dot in receiver.dots_of(boxes[1]["address"])]
    assert all(at.astimezone(old).hour == 9 or at.astimezone(new).hour == 9 for at in narrow), narrow
