"""The disk of a whole site is filled only where that hurts nobody else."""

from collections import namedtuple

import pytest

from tests.faults import disk, plan

Usage = namedtuple("Usage", "total used free")


def test_a_large_disk_is_never_filled(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: Usage(0, 0, disk.LARGEST + 1))
    filler = disk.Filler(tmp_path / "filler")
    with pytest.raises(disk.NotSmall, match="tmpfs"):
        filler.fill()
    filler.top_up()
    assert not filler.file.exists()


def test_a_small_one_is_filled_to_its_end_and_emptied(tmp_path, monkeypatch):
    room = 3 * (1 << 20) + 5000
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: Usage(0, 0, room))
    filler = disk.Filler(tmp_path / "filler")
    write = disk.os.write

    def small(file, block):
        if filler.file.stat().st_size + len(block) > room:
            raise OSError(disk.errno.ENOSPC, "No space left on device")
        return write(file, block)

    monkeypatch.setattr(disk.os, "write", small)
    filler.fill()
    assert room - 4096 < filler.file.stat().st_size <= room
    filler.empty()
    assert not filler.file.exists()


def test_only_those_trials_fill_it_and_the_others_stay_what_they_were():
    with_it, without = plan.make(1, 5, 10, full_disk=True), plan.make(1, 5, 10)
    assert "disk_full" in with_it.kinds
    assert with_it.body == without.body
    assert [f for f in with_it.faults if f.kind != "disk_full"] == list(without.faults)
