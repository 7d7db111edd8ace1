"""The guard's record: what could not be written is written later, whole and in its order."""

import json

import pytest

from market_making.guard.record import GuardRecord


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "decisions"


def lines(folder):
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


def test_what_could_not_be_written_is_written_when_the_folder_is_back(folder, tmp_path):
    """A file stands where the folder was; nothing new has to happen for the record to be well again."""
    record = GuardRecord(folder)
    record.write("first")
    assert record.failure is None
    folder.rename(tmp_path / "aside")
    folder.touch()
    record.write("second")
    record.write("third")
    assert "cannot be written" in record.failure
    record.flush()
    assert record.failure is not None
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    record.flush()
    assert record.failure is None
    assert [line["event"] for line in lines(folder)] == ["first", "second", "third"]
    assert [line["sequence"] for line in lines(folder)] == [0, 1, 2]


def test_a_disk_that_is_full_within_a_line_leaves_no_half_of_it(folder, monkeypatch):
    """The line is written again, once and whole."""
    record = GuardRecord(folder)
    record.write("first")
    path = next(folder.glob("*.jsonl"))
    kind, real, room = type(path), type(path).open, [5]

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, line):
            self.file.write(line[: room[0]])
            self.file.flush()
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(kind, "open", lambda self, mode: Full(real(self, mode)))
    record.write("second")
    assert "No space left" in record.failure
    monkeypatch.setattr(kind, "open", real)
    record.flush()
    assert [line["event"] for line in lines(folder)] == ["first", "second"]


def test_a_day_that_is_full_is_told(folder):
    """Nothing more is written, and nothing waits for it."""
    record = GuardRecord(folder, maximum_bytes=150)
    for _ in range(3):
        record.write("cancel")
    assert record.failure == "the record of today has reached 150 bytes"
    assert len(lines(folder)) == 1
