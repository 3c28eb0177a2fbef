"""What is on the disk itself, and in which order: what a loss of power can take."""

import os

from small_notebook import write

from flows.record.files import replace
from flows.record.folder import claim, not_begun


def test_a_record_comes_to_the_disk_after_all_that_it_names_and_then_its_name(tmp_path, monkeypatch):
    settled, fsync, rename = [], os.fsync, os.replace

    def settle(number):
        settled.append(os.readlink(f"/proc/self/fd/{number}"))
        fsync(number)

    def put(part, path):
        settled.append(f"-> {path}")
        rename(part, path)

    folder = tmp_path / "run"
    claim(folder, write(tmp_path, "1"), {"market": "m"})
    (folder / "out").mkdir()
    (folder / "out" / "metrics.json").write_text("{}")
    os.mkfifo(folder / "out" / "pipe")
    monkeypatch.setattr(os, "fsync", settle)
    monkeypatch.setattr(os, "replace", put)
    record = not_begun(folder, ValueError("x"))
    record_json = settled.index(f"-> {folder / 'record.json'}")
    named = ["template/small.ipynb", "out/metrics.json", *record.pages]
    assert {str(folder / name) for name in [*named, ".record.json.part"]} <= set(settled[:record_json])
    assert settled[record_json + 1] == str(folder)


def test_how_far_a_run_came_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", None)
    replace(tmp_path / "progress.json", "{}", durable=False)
    assert (tmp_path / "progress.json").read_text() == "{}"
