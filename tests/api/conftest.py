"""In this folder every answer is held to the contract: a platform's client is a witness."""
import pytest

from api.witness import Witness
from harness.evenpost import Evenpost


def witnessed(evenpost):
    evenpost.api = Witness(evenpost.api.host, evenpost.api.port, evenpost.key)
    return evenpost


@pytest.fixture(scope="module")
def evenpost(session):
    """One platform for all tests of a module that leave it well."""
    evenpost = witnessed(Evenpost(session)).start()
    evenpost.route("*", evenpost.sandbox_address)
    yield evenpost
    evenpost.stop()
