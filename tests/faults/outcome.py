"""outcome: what comes of a fault, as a row of docs/how-it-can-go-wrong.md.

    @outcome(fault="the worker is killed (kill -9) at any of its system calls",
             before="a message on its way", after="delivered, or unconfirmed if its authorization was asked for",
             receiver="one dot at most", customer="the state and why")
    def test_t161_a_worker_killed_at_any_system_call_loses_nothing(...):

The page is made from the decorators as they are written (tools/outcomes.py reads them without running anything): each word
is a string that stands there, not one that is computed. A test may have several rows; every test of this folder has one.
"""


def outcome(*, fault, before, after, receiver, customer):
    """before, after: the state that the fault meets and what becomes of it; receiver, customer: what each of them sees."""
    assert all((fault, before, after, receiver, customer))
    return lambda test: test
