"""A disk that is full: what was there stays whole, and it is said in a sentence."""

import os
import subprocess

import pytest
import typer

from flows.cli import terminal
from flows.record.files import replace


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_what_was_there_and_is_said(small_disk, capsys):
    replace(small_disk / "record.json", "before" * 1000)
    with pytest.raises(OSError, match="No space left"):
        replace(small_disk / "record.json", "after" * 20_000)
    assert (small_disk / "record.json").read_text() == "before" * 1000
    (small_disk / ".record.json.part").unlink()
    replace(small_disk / "record.json", "after")
    with pytest.raises(OSError, match="No space left"), (small_disk / "rest").open("wb", buffering=0) as rest:
        while rest.write(b"x" * 1024):
            pass
    with pytest.raises(typer.Exit) as stopped, terminal.plain_words(None):
        replace(small_disk / "record.json", "after" * 20_000)
    assert stopped.value.exit_code == 4 and "No space left on device" in capsys.readouterr().out
    (small_disk / "rest").unlink()
    replace(small_disk / "record.json", "recovered")
