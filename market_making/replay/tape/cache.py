"""Tapes on disk: a file an hour, named by everything it was made from, so that a stale one is never found.

The name is a digest of the bytes of the recorded files of its days, of the span, the tick, the footprint, the version
of this converter, and of the name of the hour before. Nothing is ever overwritten; a folder of tapes may be removed at
any time.
"""

from collections.abc import Iterator
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import orjson

from market_making.market.clock import utc_text
from market_making.market.durable_file import replace_file
from market_making.market.errors import NotEnoughData
from market_making.market.instrument import Instrument
from market_making.market.sides import Sides
from market_making.recording.store.segments import coin_folder, day_of
from market_making.recording.store.storage import open_storage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.replay.result import Touch
from market_making.replay.tape.events import EventArray
from market_making.replay.tape.footprint import NO_FOOTPRINT, Footprint
from market_making.replay.tape.hours import LOOK_BACK_MS, HourTape, hour_tape
from market_making.replay.tape.levels import Levels
from market_making.replay.tape.sessions import Span

VERSION = 2
_CHUNK_BYTES = 1 << 20

Part = TypeVar("Part", Levels, Touch)


class TapeFile(NamedTuple):
    """An hour of a session: its file, the number of its rows, and its lowest and highest price [price]."""

    path: Path
    span: Span
    rows: int
    lowest: float
    highest: float

    def read(self) -> EventArray:
        """All rows."""
        with np.load(self.path) as held:
            rows: EventArray = held["data"]
        return rows

    def touch(self) -> Touch:
        """Best prices of the hour."""
        with np.load(self.path) as held:
            return _held(Touch, held, "touch")


class SessionTape(NamedTuple):
    """An uninterrupted part of a recording, ready to be replayed."""

    coin: str
    span: Span
    tick: float
    files: tuple[TapeFile, ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(file.rows for file in self.files)

    def touch(self) -> Touch:
        """Best prices of the whole session."""
        parts = [file.touch() for file in self.files]
        time_ms = np.concatenate([part.time_ms for part in parts])
        return Touch(time_ms, *(np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]))

    @property
    def lowest(self) -> float:
        """Lowest price of any row [price]."""
        return min(file.lowest for file in self.files if file.rows)

    @property
    def highest(self) -> float:
        """Highest price of any row [price]."""
        return max(file.highest for file in self.files if file.rows)


class TapeCache:
    """Makes the tapes of a recording, or finds those it has made.

    Parameters
    ----------
    store : TickStore
        The recording.
    folder : Path
        Where the tapes are kept.
    """

    def __init__(self, store: TickStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._storage = open_storage(store.root)
        self._digests: dict[tuple[str, tuple[int, int]], str] = {}

    def session(self, instrument: Instrument, span: Span, own: Footprint = NO_FOOTPRINT) -> SessionTape:
        """The tape of one span, hour by hour; never more than an hour is in memory.

        Raises
        ------
        MalformedMessage
            If prices are not on the grid of the instrument.
        NotEnoughData
            If there is no book in the span.
        """
        tick = self._tick(instrument, span)
        files: list[TapeFile] = []
        before, name = None, ""
        for hour in span.hours():
            name = self._name(instrument.coin, hour, tick, own, name)
            path = self._folder / instrument.coin / f"{name}.npz"
            if not path.exists():
                if before is None and files:
                    before = _known(files[-1].path)
                made = hour_tape(self._store, instrument.coin, hour, tick=tick, own=own, before=before)
                _write(path, made)
                before = made._replace(rows=made.rows[:0])
            else:
                before = None
            files.append(_found(path, hour))
        if not any(file.rows for file in files):
            raise NotEnoughData(f"no book of {instrument.coin} from {utc_text(span.start_ms)}")
        return SessionTape(instrument.coin, span, tick, tuple(files))

    def _tick(self, instrument: Instrument, span: Span) -> float:
        """The finest step within the span: below a power of ten prices are finer than above."""
        lowest = np.inf
        for hour in span.hours():
            for stream, column in ((Stream.BBO, "bid_price"), (Stream.BOOK, "bid_price_19"), (Stream.TRADES, "price")):
                table = self._store.read(instrument.coin, stream, hour.start_ms - 1, hour.end_ms, columns=(column,))
                values = np.asarray(table[column].to_numpy(), dtype=np.float64)
                lowest = min(lowest, np.min(values, initial=np.inf, where=values > 0))
        if not np.isfinite(lowest):
            raise NotEnoughData(
                f"no price of {instrument.coin} from {utc_text(span.start_ms)} to {utc_text(span.end_ms)}"
            )
        return instrument.tick(float(lowest))

    def _name(self, coin: str, hour: Span, tick: float, own: Footprint, before: str) -> str:
        touched = own.within(hour.start_ms - LOOK_BACK_MS, hour.end_ms)
        said: dict[str, Any] = {"version": VERSION, "coin": coin, "span": list(hour), "tick": tick, "before": before}
        said["own"] = [column.tolist() for column in touched]
        said["source"] = list(self._sources(coin, hour))
        return blake2b(orjson.dumps(said), digest_size=20).hexdigest()

    def _sources(self, coin: str, hour: Span) -> Iterator[str]:
        """Digests of the recorded files of the days of an hour."""
        for day in sorted({day_of(hour.start_ms - LOOK_BACK_MS), day_of(hour.end_ms)}):
            folder = f"{coin_folder(self._store.venue, coin)}/{day}"
            for file in self._storage.files(folder):
                path = f"{folder}/{file}"
                key = path, self._storage.version(path)
                if key not in self._digests:
                    self._digests[key] = self._digest(path)
                yield f"{file}:{self._digests[key]}"

    def _digest(self, path: str) -> str:
        digest = blake2b(digest_size=20)
        with self._storage.open(path) as content:
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()


def _write(path: Path, made: HourTape) -> None:
    price = made.rows["px"]
    about = np.array([len(price), np.min(price, initial=np.inf), np.max(price, initial=-np.inf), made.since_ms])
    parts = {"touch": made.touch, **made.known._asdict()}
    held = {f"{name}_{field}": column for name, part in parts.items() for field, column in part._asdict().items()}
    buffer = BytesIO()
    np.savez_compressed(buffer, data=made.rows, about=about, **held)
    replace_file(path, buffer.getbuffer())


def _found(path: Path, hour: Span) -> TapeFile:
    with np.load(path) as held:
        rows, lowest, highest, _ = held["about"].tolist()
    return TapeFile(path, hour, int(rows), lowest, highest)


def _known(path: Path) -> HourTape:
    """What is known after the hour of a file."""
    with np.load(path) as held:
        sides = Sides(*(_held(Levels, held, side) for side in Sides._fields))
        return HourTape(held["data"][:0], _held(Touch, held, "touch"), sides, int(held["about"][3]))


def _held(kind: type[Part], held: Any, name: str) -> Part:
    """A part of a file, from its columns."""
    return kind(*(held[f"{name}_{field}"] for field in kind._fields))
