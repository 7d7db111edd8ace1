"""What a replay needs of a recording: its sessions as tapes, the rules of the coin, the calibrations of the time."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import orjson

from calibration.backfill import backfill
from calibration.publication.history import FOLDER, History, read_history
from market_making.market.clock import utc_text
from market_making.market.errors import NotEnoughData
from market_making.market.instrument import Instrument
from market_making.recording.store.market_file import read_market
from market_making.recording.store.tick_store import TickStore
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.footprint import NO_FOOTPRINT, Footprint
from market_making.replay.tape.sessions import spans_of
from market_making.settings.settings import Settings
from market_making.venue.markets.recording import RecordingSource

_TAPES, _CALIBRATIONS = "tapes", "calibrations"
_EVERY_S = 15.0  # a calibration of the past; closer ones take longer and hardly differ


@dataclass(frozen=True)
class Prepared:
    """What is ready to be replayed.

    Parameters
    ----------
    instrument : Instrument
        Trading rules of the coin.
    tapes : tuple[SessionTape, ...]
        Its sessions.
    """

    instrument: Instrument
    tapes: tuple[SessionTape, ...]

    @property
    def start_ms(self) -> int:
        """Start of the first session [ms]."""
        return self.tapes[0].span.start_ms

    @property
    def end_ms(self) -> int:
        """End of the last session [ms]."""
        return self.tapes[-1].span.end_ms


def prepare(
    settings: Settings,
    coin: str,
    cache: Path,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    own: Footprint = NO_FOOTPRINT,
) -> Prepared:
    """Find the sessions of a coin and make their tapes, or find those that were made before.

    Parameters
    ----------
    settings : Settings
        Where the recording is.
    coin : str
        The venue's name.
    cache : Path
        Folder of what is kept between runs.
    start_ms, end_ms : int, optional
        Bounds [ms]; by default everything that is recorded.
    own : Footprint
        Orders of the bot itself, which are taken out of the books.

    Raises
    ------
    DataError
        If nothing of it can be replayed.
    """
    store = TickStore(settings.market_data, settings.venue)
    spans = spans_of(store, coin, start_ms, end_ms)
    source = RecordingSource(settings.market_data, [coin], settings.venue, *spans[0])
    market = read_market(settings.market_data, settings.venue, coin)
    usual = Instrument.hyperliquid(coin, source.listings[0].size_decimals)
    instrument = usual if market is None else market.instrument
    tapes = TapeCache(store, cache / _TAPES)
    return Prepared(instrument, tuple(tapes.session(instrument, span, own) for span in spans))


def calibrations_for(
    settings: Settings, prepared: Prepared, cache: Path, on_progress: Callable[[float], None] = lambda _: None
) -> History:
    """Calibrations of the time of a recording, made from it as the sidecar would have; kept for the next run.

    Each knows only what came before it. Where too little had been recorded there is none, and nothing is quoted.

    Raises
    ------
    NotEnoughData
        If there would have been no calibration at all.
    """
    coin, said = prepared.instrument.coin, settings.model_dump(mode="json", include={"calibration", "model", "venue"})
    names = [file.path.name for tape in prepared.tapes for file in tape.files]
    digest = blake2b(orjson.dumps([said, names]), digest_size=20).hexdigest()
    folder = cache / _CALIBRATIONS / digest
    done = folder / "complete"
    if not done.exists():
        made = settings.model_copy(update={"parameters": folder})
        bounds = {"start_ms": prepared.start_ms, "end_ms": prepared.end_ms}
        backfill(coin, made, every_s=max(settings.calibration.period_s, _EVERY_S), on_progress=on_progress, **bounds)
        done.touch()
    return _history(folder, settings, prepared)


def published_calibrations(folder: Path, settings: Settings, prepared: Prepared) -> History:
    """Calibrations of the time of a recording that were published then.

    Raises
    ------
    NotEnoughData
        If there are none in that time.
    """
    history = _history(folder, settings, prepared)
    if len(history) == 0:
        coin, start, end = prepared.instrument.coin, utc_text(prepared.start_ms), utc_text(prepared.end_ms)
        raise NotEnoughData(
            f"{folder / FOLDER / coin} must hold calibrations from {start} to {end}, got none; "
            "leave --parameters out to have them made from the recording"
        )
    return history


def _history(folder: Path, settings: Settings, prepared: Prepared) -> History:
    earliest_ms = prepared.start_ms - round(settings.calibration.valid_for_s * 1e3)
    return read_history(folder, prepared.instrument.coin, earliest_ms, prepared.end_ms)
