"""Fixtures: one session of programs, loopback and a migrated cluster a run; a platform a module, or one of its own."""
import contextlib
import os
import pathlib
import shutil
import tempfile

import pytest

from harness.evenpost import Evenpost, Session
from harness.lot import Lot
from harness.peer import Peers
from harness.postfix import Postfix

ROOT = pathlib.Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items):
    if os.environ.get("EVENPOST_TEST_LONG") == "1":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="slow: only with ./evenpost test --long"))


@pytest.fixture(scope="session")
def session():
    build = os.environ.get("EVENPOST_BUILD", ROOT / "build")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ep-", dir="/tmp"))       # short: it holds Unix sockets
    folder.chmod(0o755)
    lot = Lot()
    yield Session(build, folder, lot)
    lot.close()
    if os.environ.get("EVENPOST_TEST_KEEP") != "1":
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def platform(session):
    """Makes platforms that end with the test: platform(), platform(rate=60)."""
    with contextlib.ExitStack() as ends:
        def make(worker=True, **options):
            evenpost = Evenpost(session, **options)
            ends.callback(evenpost.stop)
            return evenpost.start(worker=worker)
        yield make


@pytest.fixture(scope="module")
def evenpost(session):
    """One platform for all tests of a module that leave it well."""
    evenpost = Evenpost(session).start()
    yield evenpost
    evenpost.stop()


@pytest.fixture(scope="module")
def peer(session):
    """Makes real receivers: peer(Exim, "exim.test", smtp_accept_max_per_host=1)."""
    if os.geteuid() != 0:
        pytest.skip("an unpacked peer needs root (mounts, and users of its own)")
    home = pathlib.Path(os.environ.get("EVENPOST_HOME", ROOT / "var"))
    made = []

    def make(kind, domain, **settings):
        place = session.folder / f"peer{session.peers}"
        session.peers += 1
        made.append(kind(Peers(home / "peers"), place, session.lot.address(), domain, **settings))
        return made[-1].start()
    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def postfix(peer):
    """Makes real Postfixes: postfix(smtpd_client_connection_count_limit=1)."""
    return lambda domain="postfix.test", **settings: peer(Postfix, domain, **settings)
