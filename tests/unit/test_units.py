"""The systemd units are whole, and may do no more than their programs need."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
EXPOSURE_MAX = 1.5

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_exposed_to_the_network_and_to_little_else(unit):
    """Catches a hardening line that somebody took out to make something work."""
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True).stdout
    assert float(re.search(r"Overall exposure level for .*: ([\d.]+)", said)[1]) <= EXPOSURE_MAX, said


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit, tmp_path):
    """Catches a misspelt setting: systemd ignores what it does not know, and says so once."""
    text = re.sub(r"/usr/bin/evenpost-\w+", "/usr/bin/true", unit.read_text())       # ours are not installed here
    (tmp_path / unit.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / unit.name], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if unit.name.split("@")[0] in line]
    assert ours == [] and done.returncode == 0


def test_a_worker_is_bound_to_the_address_in_its_name():
    """Catches an instance that would run every lane of the host."""
    assert "--ip %i" in (ROOT / "deploy/systemd/evenpost-worker@.service").read_text()
