"""judge: what must hold of the dots that receivers saw, reckoned here and from DESIGN alone."""
import collections
import datetime
import zoneinfo

from harness.clock import UTC


def dots_by_day(dots, zone="UTC"):
    """How many final dots each mailbox showed in each local day; dots need their instant by the rules' clock."""
    local = zoneinfo.ZoneInfo(zone)
    return collections.Counter((dot.sender, dot.instant.astimezone(local).date()) for dot in dots)


def most_in_a_day(dots, zone="UTC"):
    return max(dots_by_day(dots, zone).values(), default=0)


def window_at(mailbox, at):
    """The mailbox's open window at that instant as (start, end), or None. Only for windows without a change of clock."""
    zone = zoneinfo.ZoneInfo(mailbox["time_zone"])
    day = at.astimezone(zone).date()
    if ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day.weekday()] not in mailbox["window"]["days"]:
        return None
    midnight = datetime.datetime.combine(day, datetime.time(), zone)
    hours = [int(part) for text in (mailbox["window"]["start"], mailbox["window"]["end"]) for part in text.split(":")]
    start = (midnight + datetime.timedelta(hours=hours[0], minutes=hours[1])).astimezone(UTC)
    end = (midnight + datetime.timedelta(hours=hours[2], minutes=hours[3])).astimezone(UTC)
    return (start, end) if start <= at < end else None


def least_gap_s(mailboxes, at):
    """DESIGN section 4: a quarter of 1 ÷ Σ (cap ÷ window length) over the active mailboxes whose window is open."""
    rate = 0.0
    for mailbox in mailboxes:
        window = window_at(mailbox, at)
        if window and mailbox["state"] == "active":
            rate += mailbox["daily_cap"] / (window[1] - window[0]).total_seconds()
    return 0.25 / rate if rate else 0.0


def gaps_s(instants):
    instants = sorted(instants)
    return [(later - earlier).total_seconds() for earlier, later in zip(instants, instants[1:])]


def gap_breaches(dots, mailboxes, slack_s):
    """Pairs that one IP began closer than the law at the later's moment; slack_s is what real latency may blur."""
    begun = sorted((dot.begun_instant, dot.sender) for dot in dots)
    found = []
    for (before, _), (after, sender) in zip(begun, begun[1:]):
        gap = (after - before).total_seconds()
        least = min(least_gap_s(mailboxes, before), least_gap_s(mailboxes, after))
        if gap < least - slack_s:
            found.append((sender, before, after, f"{gap:.0f} s, at least {least:.0f} s"))
    return found
