"""picture — what the sandbox counted, for a terminal and as SVG."""
import collections
import dataclasses
import datetime
import html


def instant(words):
    return datetime.datetime.fromisoformat(words.replace("Z", "+00:00"))


@dataclasses.dataclass
class Side:
    """One sender as the receiver saw it; dots: a list of times for each source."""
    name: str
    sources: list
    dots: list
    most_open: int
    throttled: int
    most_of_a_mailbox: int
    wanted: int
    arrived: int

    @property
    def lost(self):
        return self.wanted - self.arrived

    def smallest_gap(self):
        gaps = [(b - a).total_seconds() for times in self.dots for a, b in zip(sorted(times), sorted(times)[1:])]
        return min(gaps) if gaps else None

    def in_hour(self, hour):
        return sum(1 for times in self.dots for at in times if at.hour == hour)


def most_of_a_mailbox(dots):
    """The most final dots of one sender's address in one day."""
    return max(collections.Counter((dot["from"], dot["at"][:10]) for dot in dots).values(), default=0)


def duration(seconds):
    if seconds is None:
        return "-"
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def text(paced, burst):
    """Messages an hour as bars, and the counts, side by side."""
    yield ""
    yield "What the receiver counted, hour by hour (one block: one message)"
    yield f"          {paced.name + ', ' + str(len(paced.sources)) + ' IP' + 's' * (len(paced.sources) > 1):<36}{burst.name}, ten connections"
    hours = [hour for hour in range(24) if paced.in_hour(hour) or burst.in_hour(hour)]
    for hour in range(hours[0], hours[-1] + 1) if hours else []:
        bars = [("█" * min(side.in_hour(hour), 30) + f" {side.in_hour(hour)}") if side.in_hour(hour) else "·"
                for side in (paced, burst)]
        yield f"  {hour:02d}:00   {bars[0]:<36}{bars[1]}"
    yield ""
    for label, one, other in [
            ("most connections at once", paced.most_open, burst.most_open),
            ("answers of 421 4.4.5", paced.throttled, burst.throttled),
            ("smallest gap between two messages", duration(paced.smallest_gap()), duration(burst.smallest_gap())),
            ("most messages of a mailbox in a day", paced.most_of_a_mailbox, burst.most_of_a_mailbox),
            ("arrived", f"{paced.arrived} of {paced.wanted}", f"{burst.arrived} of {burst.wanted}"),
            ("lost", paced.lost, burst.lost)]:
        yield f"  {label:<38}{one!s:>14}{other!s:>18}"
    yield f"  {'':<38}{paced.name:>14}{burst.name:>18}"
    yield ""


WIDTH, LEFT, RIGHT, LANE, TOP = 960, 24, 24, 118, 34
STACK = 16       # messages of one minute stand on each other, then beside each other
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #333 } .small { font-size: 11px; fill: #667 } .title { font-weight: 600 }
  .frame { fill: #fff } .lane { fill: #f3f5f8 } .hour { stroke: #dde2e9 } .good { fill: #1a7f5a } .bad { fill: #c2410c }
  @media (prefers-color-scheme: dark) {
    text { fill: #dde } .small { fill: #99a } .frame { fill: #14171c } .lane { fill: #1d222a } .hour { stroke: #323a46 }
    .good { fill: #4ac597 } .bad { fill: #fb8a4c } }
"""


def svg(paced, burst):
    """Twenty-four hours of the first IP, above the unpaced sender's."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + 2 * LANE - 12}" role="img">',
             f"<title>{html.escape(_sentence(paced, burst))}</title>", f"<style>{STYLE}</style>",
             f'<rect class="frame" width="{WIDTH}" height="{TOP + 2 * LANE - 12}" rx="8"/>']
    own = dataclasses.replace(paced, sources=paced.sources[:1], dots=paced.dots[:1])
    parts += _lane(own, TOP, "good", f"Evenpost: one IP, one day, {len(own.dots[0])} messages")
    parts += _lane(burst, TOP + LANE, "bad", f"Unpaced: the same {burst.wanted} messages in one minute")
    parts += [f'<text class="small" x="{_x(hour * 60):.1f}" y="{TOP + 2 * LANE - 26}" text-anchor="middle">{hour:02d}:00</text>'
              for hour in range(0, 25, 3)]
    return "\n".join([*parts, "</svg>", ""])


def _sentence(paced, burst):
    return (f"Evenpost: {len(paced.dots[0])} messages over the day, at most {paced.most_open} connection at once, "
            f"{paced.throttled} times 421 4.4.5. Unpaced: {burst.most_open} connections at once, {burst.throttled} times 421 4.4.5.")


def _x(minutes):
    return LEFT + minutes / 1440 * (WIDTH - LEFT - RIGHT)


def _lane(side, top, colour, title):
    height = LANE - 44
    yield f'<text class="title" x="{LEFT}" y="{top - 8}">{html.escape(title)}</text>'
    yield (f'<text class="small" x="{WIDTH - RIGHT}" y="{top - 8}" text-anchor="end">most connections at once: {side.most_open} · '
           f'421 4.4.5: {side.throttled} · smallest gap: {duration(side.smallest_gap())}</text>')
    yield f'<rect class="lane" x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{height}" rx="4"/>'
    for hour in range(3, 24, 3):
        yield f'<line class="hour" x1="{_x(hour * 60):.1f}" x2="{_x(hour * 60):.1f}" y1="{top}" y2="{top + height}"/>'
    for minute, count in sorted(collections.Counter(at.hour * 60 + at.minute for at in side.dots[0]).items()):
        for number in range(count):
            column, row = divmod(number, STACK)
            yield (f'<rect class="{colour}" x="{_x(minute) - 1.5 + 4 * column:.1f}" y="{top + height - 8 - 4 * row}" '
                   f'width="3" height="3"/>')
