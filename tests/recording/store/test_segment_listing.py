"""A listing that is kept tells what a fresh one would, and looks only when something has changed."""

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.recording.store.segment_listing import SegmentListing
from market_making.recording.store.storage import LocalStorage
from market_making.recording.streams import Stream

LONG_AGO_NS = 1_000_000_000 * 10**9
FILES = [
    f"{stream}-{first:013d}-{first + 4:013d}-a.parquet" for stream in ("bbo", "trades") for first in range(0, 40, 5)
]
OTHERS = ["bbo-old.parquet", "notes.txt", ".bbo-0000000000000-0000000000004-a.parquet.tmp"]


class CountedStorage(LocalStorage):
    """Counts how often a folder is listed."""

    listings = 0

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder."""
        self.listings += 1
        return super().files(folder)


def test_an_unchanged_folder_is_listed_once(tmp_path):
    """Only a change after which the folder bears another stamp makes for another listing."""
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / FILES[0]).touch()
    os.utime(tmp_path / "day", ns=(LONG_AGO_NS, LONG_AGO_NS))
    storage = CountedStorage(tmp_path)
    listing = SegmentListing(storage)
    for _ in range(5):
        assert [segment.name for segment in listing.segments("day", Stream.BBO)] == FILES[:1]
        assert listing.segments("day", Stream.TRADES) == []
    assert storage.listings == 1
    (tmp_path / "day" / FILES[1]).touch()
    assert [segment.name for segment in listing.segments("day", Stream.BBO)] == FILES[:2]


@settings(deadline=None, max_examples=50)
@given(changes=st.lists(st.tuples(st.sampled_from(FILES + OTHERS), st.booleans()), max_size=30))
def test_changes_in_quick_succession_are_all_seen(tmp_path_factory, changes):
    """After each file that appears or vanishes, within the file system's clock step too, both listings are the same."""
    root: Path = tmp_path_factory.mktemp("store")
    kept = SegmentListing(LocalStorage(root))
    assert kept.streams("day") == set()
    (root / "day").mkdir()
    for name, appears in changes:
        path = root / "day" / name
        if appears:
            path.touch()
        else:
            path.unlink(missing_ok=True)
        fresh = SegmentListing(LocalStorage(root))
        for stream in (Stream.BBO, Stream.TRADES):
            assert kept.segments("day", stream) == fresh.segments("day", stream)
        assert kept.folders("") == ["day"]


def test_folders_that_appear_are_seen(tmp_path):
    """A new day is there at once."""
    listing = SegmentListing(LocalStorage(tmp_path))
    for number in range(1, 20):
        (tmp_path / "coin" / f"2025-01-{number:02d}").mkdir(parents=True)
        assert len(listing.folders("coin")) == number
