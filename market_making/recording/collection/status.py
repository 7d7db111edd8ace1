"""How a tick store is: per coin and stream how much of the last day is there, how old it is, and what is missing."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from market_making.recording.store.segment_reader import SegmentReader, Window
from market_making.recording.store.segments import DAY_MS, SegmentName, coin_folder, day_of, is_day
from market_making.recording.store.storage import Storage, open_storage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.safety.state_file import SidecarState


@dataclass(frozen=True)
class StreamStatus:
    """One stream of one coin: rows and bytes of its segments of the last day, age of the newest, gaps."""

    rows: int
    age_ms: int
    gaps: int
    bytes: int


@dataclass(frozen=True)
class StoreStatus:
    """All coins of a venue; the clock offset is None where no collector measures it."""

    coins: dict[str, dict[Stream, StreamStatus]]
    clock_offset_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """The form in which ``mm status --json`` prints it."""
        coins = [
            {"coin": coin, **{stream.value: asdict(status) for stream, status in streams.items()}}
            for coin, streams in self.coins.items()
        ]
        return {"coins": coins, "clock_offset_ms": self.clock_offset_ms}


def store_status(
    root: Path | str, venue: str, *, now_ms: int, window_ms: int = DAY_MS, collector: SidecarState | None = None
) -> StoreStatus:
    """Status of what was recorded of each coin in its last `window_ms`; segments that began before count as a whole.

    Parameters
    ----------
    root : Path or str
        Root of the store.
    venue : str
        Folder of the venue.
    now_ms : int
        Time of now, by the exchange's clock.
    window_ms : int
        How far to look back from the newest event of a coin, so that an old recording is shown as well.
    collector : SidecarState, optional
        State of the collector that runs now; it measures the clock.
    """
    storage = open_storage(root)
    store = TickStore(root, venue)
    coins = {}
    for coin in store.coins():
        window = Window(min(now_ms, store.extent(coin)[1]) - window_ms, 1 << 62)
        coins[coin] = store.retried(partial(_coin_status, storage, store, coin, window, now_ms))
    return StoreStatus(coins, collector.figures.get("clock_offset_ms") if collector is not None else None)


def _coin_status(
    storage: Storage, store: TickStore, coin: str, window: Window, now_ms: int
) -> dict[Stream, StreamStatus]:
    reader = SegmentReader(storage)
    rows = store.read(coin, Stream.GAPS, window.start_ms, now_ms).to_pylist()
    # The marks of a planned start or stop have no length.
    gaps = [row["stream"] for row in rows if row["end_ms"] > row["start_ms"]]
    folder = coin_folder(store.venue, coin)
    folders = [f"{folder}/{day}" for day in storage.folders(folder) if is_day(day) and day >= day_of(window.start_ms)]
    status: dict[Stream, StreamStatus] = {}
    for stream in (stream for stream in Stream if stream is not Stream.GAPS):
        segments = [(folder, name) for folder in folders for name in reader.choose(folder, stream, window)]
        if segments:
            status[stream] = _stream_status(storage, reader, segments, gaps.count(stream.value), now_ms)
    return status


def _stream_status(
    storage: Storage, reader: SegmentReader, segments: list[tuple[str, SegmentName]], gaps: int, now_ms: int
) -> StreamStatus:
    return StreamStatus(
        rows=sum(reader.rows(folder, name) for folder, name in segments),
        age_ms=now_ms - max(reader.extent(folder, name)[1] for folder, name in segments),
        gaps=gaps,
        bytes=sum(storage.version(f"{folder}/{name.name}")[0] for folder, name in segments),
    )
