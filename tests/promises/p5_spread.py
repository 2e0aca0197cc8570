"""P5. Sends of one IP are even over the window; nothing bursts, not even after an outage.

The judge: the moments at which a receiver heard MAIL, by the rules' clock, against the least gap reckoned from DESIGN.
"""
import datetime

from harness import judge
from harness.clock import UTC, instant
from harness.evenpost import ALL_DAY, START
from harness.wait import stays, wait_until

RATE = 2880                     # a day in half a minute
SLOWER = 1440                   # where gaps are short
BLUR_S = 0.12                   # real: what a busy machine may put between our begin and the receiver's hearing of it


def jump_to(evenpost, hour, minute=0, days=0):
    day = evenpost.clock.now().date() + datetime.timedelta(days=days)
    evenpost.clock.jump_to(datetime.datetime.combine(day, datetime.time(hour, minute), UTC))


def assert_gaps(receiver, mailboxes, rate=RATE):
    assert judge.gap_breaches(receiver.dots, mailboxes, BLUR_S * rate) == []


def planned(customer, mailbox, number):
    """When the mailbox's slot of that number is, on the platform's first day."""
    days = customer.api.get(f"/v1/mailboxes/{mailbox['id']}/plan?days=2")["data"]
    return next(instant(slot["at"]) for slot in days if (slot["local_day"], slot["number"]) == (str(START.date()), number))


def beside(customer, mailbox, at):
    """The mailbox with its window moved by minutes, so that its first slot falls into the minute of that moment."""
    minutes = round((at - planned(customer, mailbox, 0)).total_seconds() / 60)

    def moved(time):
        hour, minute = divmod(int(time[:2]) * 60 + int(time[3:]) + minutes, 60)
        return f"{hour:02}:{minute:02}"
    window = {**mailbox["window"], "start": moved(mailbox["window"]["start"]), "end": moved(mailbox["window"]["end"])}
    return customer.api.patch(f"/v1/mailboxes/{mailbox['id']}", {"window": window}, expect=200).body


def send_two_each(customer, mailboxes, receiver):
    sent = [customer.send(2, to=f"{mailbox['address'].split('@')[0]}@{receiver.domain}", mailbox=mailbox) for mailbox in mailboxes]
    return sum(sent[1:], sent[0])


def test_twenty_messages_of_an_ip_are_spread_over_the_day(platform):
    """Catches bunching: a day of ten mailboxes has its share in each quarter, and no gap under a quarter of the mean."""
    evenpost = platform(rate=RATE)
    acme = evenpost.customer()
    acme.ip()
    mailboxes = acme.mailboxes(10)
    receiver = evenpost.receiver()
    sent = acme.send(20, to=receiver)
    sent.wait_until("delivered", seconds=100)
    assert_gaps(receiver, mailboxes)
    first = min(dot.begun_instant for dot in receiver.dots)
    quarters = [int((dot.begun_instant - first).total_seconds() // 21600) for dot in receiver.dots]
    assert all(2 <= quarters.count(quarter) <= 8 for quarter in range(4)), sorted(quarters)
    assert judge.most_in_a_day(receiver.dots) == 2


def test_two_zones_on_one_ip_keep_the_gap_where_their_windows_meet(platform):
    """Catches a gap that each window keeps for itself: slots of Berlin's afternoon and New York's morning fall together."""
    evenpost = platform(rate=SLOWER)
    acme = evenpost.customer()
    acme.ip()
    working_day = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}
    mailboxes = acme.mailboxes(5, time_zone="Europe/Berlin", window=working_day)
    new_york = acme.mailboxes(5, time_zone="America/New_York", window=working_day)
    mailboxes += [beside(acme, there, planned(acme, here, 1)) for here, there in zip(mailboxes, new_york)]
    receiver = evenpost.receiver()
    sent = send_two_each(acme, mailboxes, receiver)
    jump_to(evenpost, 7, 45)
    sent.wait_until("delivered", seconds=100)
    assert_gaps(receiver, mailboxes, SLOWER)
    assert all(judge.window_at(mailbox, dot.begun_instant) for dot in receiver.dots for mailbox in mailboxes
               if mailbox["address"] == dot.sender), "sent outside its window"


def test_sparse_senders_with_windows_of_their_own_keep_the_gap(platform):
    """Catches a plan that is taken for the law: short windows overlap so that two mailboxes have their slots in one minute."""
    evenpost = platform(rate=SLOWER / 4)
    acme = evenpost.customer()
    acme.ip()
    made = [acme.mailbox(window={"days": ALL_DAY["days"], "start": f"{hour:02}:{minute:02}", "end": f"{hour + 2:02}:{minute:02}"})
            for hour in (6, 7) for minute in (0, 10, 20)]
    mailboxes = made[:3] + [beside(acme, late, planned(acme, early, 0)) for early, late in zip(made, made[3:])]
    receiver = evenpost.receiver()
    send_two_each(acme, mailboxes, receiver)
    evenpost.clock.jump_to(min(planned(acme, mailbox, 0) for mailbox in mailboxes) - datetime.timedelta(minutes=2))
    wait_until(lambda: len(receiver.dots) == 12 or evenpost.clock.now().hour >= 10, 90, "all are sent, or the windows have closed")
    assert judge.gap_breaches(receiver.dots, mailboxes, BLUR_S * SLOWER / 4) == []
    assert len(receiver.dots) >= 9, "the gap must not cost the day"
    assert judge.most_in_a_day(receiver.dots) <= 2


def test_retries_keep_the_gap_too(platform):
    """Catches a deferred message that goes out beside a planned one."""
    evenpost = platform(rate=RATE)
    acme = evenpost.customer()
    acme.ip()
    mailboxes = acme.mailboxes(6)
    receiver = evenpost.receiver()
    turn = iter(["451 4.3.0 try later", None] * 60)
    fine = receiver.answers["rcpt"]
    receiver.answer("rcpt", lambda conversation: next(turn) or fine)
    begun = []
    receiver.when("mail", lambda conversation: begun.append(conversation.mail_instant))
    sent = acme.send(12, to=receiver)
    sent.wait_until("delivered", seconds=120)
    least = judge.least_gap_s(mailboxes, evenpost.clock.now())
    assert min(judge.gaps_s(begun)) >= least - BLUR_S * RATE, sorted(judge.gaps_s(begun))[:5]


def test_six_hours_of_outage_end_in_a_trickle_and_not_in_a_burst(platform):
    """Catches what every queue does after an outage: everything overdue at once (T172)."""
    evenpost = platform(rate=RATE)
    acme = evenpost.customer()
    acme.ip()
    mailboxes = acme.mailboxes(10)
    receiver = evenpost.receiver()
    sent = acme.send(20, to=receiver)
    receiver.wait_dots(4, 60)
    evenpost.worker.terminate()
    down = evenpost.clock.now()
    wait_until(lambda: evenpost.clock.now() - down > datetime.timedelta(hours=6), 60, "six hours pass")
    before = len(receiver.dots)
    evenpost.worker.start()
    sent.wait_until("delivered", seconds=150)
    assert_gaps(receiver, mailboxes)
    assert judge.most_in_a_day(receiver.dots) <= 2
    after = [dot.begun_instant for dot in receiver.dots[before:]]
    first_hour = [at for at in after if at < after[0] + datetime.timedelta(hours=1)]
    assert len(first_hour) <= 5, "more than the least gap allows in an hour"


def test_a_clock_that_leaps_makes_no_burst(evenpost):
    """Catches a leap of the clock over many slots that sends them all (T165, T172)."""
    acme = evenpost.customer()
    acme.ip()
    mailboxes = acme.mailboxes(8)
    receiver = evenpost.receiver()
    sent = acme.send(16, to=receiver)
    evenpost.clock.jump(20 * 3600)
    stays(lambda: len(receiver.dots) <= 1, 3, "at most one of the overdue, and no second before the gap")
    evenpost.play(sent, "delivered", seconds=90)
    assert judge.gap_breaches(receiver.dots, mailboxes, 2) == []
    assert judge.most_in_a_day(receiver.dots) <= 2


def test_the_next_owner_keeps_the_gap_to_what_the_last_one_was_just_authorized(platform):
    """Catches a last begin that is read before the generation is raised: the old owner is killed while its authorization commits,
    the next one has asked who owns the IP, and its raise waits for that commit."""
    evenpost = platform()
    acme = evenpost.customer()
    acme.ip()
    mailboxes = acme.mailboxes(8)
    receiver = evenpost.receiver()
    begun = []
    receiver.when("mail", lambda conversation: begun.append(conversation.mail_instant))
    brake = evenpost.database.brake("slots", "update", "old.state = 'booked' and new.state = 'authorized'")
    sent = acme.send(4, to=receiver)
    evenpost.clock.jump(20 * 3600)
    brake.reached()
    evenpost.worker.kill()
    evenpost.worker.start()
    wait_until(lambda: evenpost.database.one("select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                                             "and strpos(query, 'generation = lanes.generation + 1') > 0"), 30, "the raise waits")
    brake.release()
    wait_until(lambda: "unconfirmed" in sent.states(), 60, "the next owner has settled")
    stays(lambda: len(begun) == 1, 3, "three of them are overdue, and the gap is a quarter of an hour")
    rows = evenpost.play(sent, "delivered", "unconfirmed", seconds=90)
    assert sorted(row["state"] for row in rows) == ["delivered"] * 3 + ["unconfirmed"]
    assert min(judge.gaps_s(begun)) >= judge.least_gap_s(mailboxes, evenpost.clock.now()) - 2, judge.gaps_s(begun)
