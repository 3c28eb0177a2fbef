"""The types of the whole house hold: one of the tests, so that a second core is not kept waiting."""

import subprocess
import sys

from flows.settings import ROOT


def test_types_hold():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
