"""Programs that are killed at any of their system calls in a whole life: from the start over one delivery, one acceptance or one
takeover to the end.

A first life is traced; each of its calls is a point. The calls of the loader, before a program has opened its clock, are none.
"""
import pytest
from injected import between, calls_of, traced, with_kill
from outcome import outcome
from scene_of_jobs import Jobs
from scenes import Acceptance, Delivery, Takeover


@pytest.fixture(params=[Delivery, Acceptance, pytest.param(Takeover, marks=pytest.mark.long), Jobs],
                ids=["delivery", "acceptance", "takeover", "jobs"])
def scene(request, session):
    scene = request.param(session)
    yield scene
    scene.close()


def points_of(scene, trace, some):
    """In the CI tier those at its heart and some of the others."""
    scene.play(traced(trace))
    calls = calls_of(trace, since="/clock")
    heart = between(calls, *scene.heart) if scene.heart else []
    return heart + some([call for call in calls if call not in heart], scene.drawn)


@outcome(fault="a worker is killed (kill -9) at any system call between its start and its end, and started again",
         before="a message is due, another may be left in doubt by the owner before", after="delivered; or unconfirmed, if its authorization was asked for; the other unconfirmed",
         receiver="one dot if delivered, at most one else; one connection at once", customer="the state, and why")
@outcome(fault="a server is killed (kill -9) at any system call between its start and its end, and started again",
         before="a request to send, under an Idempotency-Key", after="not there, or accepted once",
         receiver="nothing", customer="202, 503 or a lost connection; asked again, 202 and the same message")
@outcome(fault="the jobs are killed (kill -9) at any system call between their start and their end, and started again",
         before="messages whose slot passed, or that wait without one; days to lay, openings and answers to forget, months to make",
         after="all of it is done, and nothing twice: within six seconds, when a dead one's claims are over",
         receiver="nothing", customer="each message booked anew once, in a day that has its cap of openings and slots")
def test_t161_a_program_killed_at_any_system_call_loses_nothing_and_doubles_nothing(scene, some, dice, swept, tmp_path):
    """Catches any two steps that hold only together: at each call the program may be gone (T98, T116, T161)."""
    points = points_of(scene, tmp_path / "trace", some)
    points = dice.sample(points, min(len(points), scene.most))
    killed = 0
    for call in points:
        try:
            killed += scene.play(with_kill(call.name, call.which)).status == -9
        except AssertionError as fault:
            raise AssertionError(f"killed at {call}: {fault}") from fault
    swept(f"{scene.name} killed over one {type(scene).__name__.lower()}", killed)
    assert killed > len(points) / 2, "the points are met: the lives are alike"
