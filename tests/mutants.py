"""Plant each mutant of the table of faults in a copy of the code; its test must fail there.

python tests/mutants.py [NUMBER …]
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from faults import ROWS, Mutant

ROOT = Path(__file__).parents[1]
LEFT = shutil.ignore_patterns(".venv", ".footfall", ".git", "*.pyc", ".cloud", ".fuzz")


def is_caught(mutant: Mutant, copy: Path) -> bool:
    """Whether the mutant's test fails on it; pytest says 1 of a test that failed, and something else of all else."""
    file, test = copy / mutant.file, mutant.test.replace("::", ".py::")
    whole = file.read_text()
    assert whole.count(mutant.old) == 1, f"{mutant.file} has changed: {mutant.old}"
    file.write_text(whole.replace(mutant.old, mutant.new))
    try:
        words = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "", f"tests/{test}"]  # long ones too
        done = subprocess.run(words, cwd=copy, capture_output=True, text=True, env=environment(copy), check=False)
        return done.returncode == 1
    finally:
        file.write_text(whole)


def environment(copy: Path) -> dict[str, str]:
    """The copy's code is the one that is imported."""
    import os

    return os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def main(numbers: list[int]) -> int:
    """Say of each mutant whether it is caught; the number of those that are not."""
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(ROOT, Path(scratch) / "footfall", ignore=LEFT))
        for number, row in ROWS.items():
            if row.mutant and number in (numbers or ROWS):
                caught = is_caught(row.mutant, copy)
                missed += not caught
                print(f"{number:>2}  {'caught' if caught else 'MISSED'}  {row.mutant.test}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
