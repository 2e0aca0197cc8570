"""The table of the figures, told at the end of the run."""
import pytest

from bench.measure import Table

TABLE = Table()


@pytest.fixture(scope="session")
def table():
    return TABLE


def pytest_terminal_summary(terminalreporter):
    if TABLE.rows:
        terminalreporter.section("figures, each beside another of the same run")
        terminalreporter.write_line(TABLE.text())
