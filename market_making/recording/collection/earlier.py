"""Where a recording goes on: what the store holds of each coin already, and what a crash may have left out."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from market_making.market.clock import now_ms
from market_making.market.errors import DataError, NotEnoughData, UnknownCoin
from market_making.recording.collection.coin_recording import CONNECTIONS, CoinRecording
from market_making.recording.collection.recorder import SLOW_FLUSHES, SLOW_STREAMS, Recorder
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream

LONGEST_START_GAP_MS = 86_400_000
KNOWN_TRADES_MS = 600_000

log = logging.getLogger(__name__)


class EarlierRecording:
    """The store as it is when a collector starts.

    Parameters
    ----------
    store : TickStore
        The store.
    recorder : Recorder
        Takes the rows of this run, and what is to be noted of the one before.
    flush_seconds : float
        How often the run before wrote [s].
    """

    def __init__(self, store: TickStore, recorder: Recorder, flush_seconds: float) -> None:
        self._store = store
        self._recorder = recorder
        self._flush_seconds = flush_seconds

    def resume(
        self, coins: Iterable[str], connections: Sequence[tuple[Stream, ...]] = CONNECTIONS
    ) -> dict[str, CoinRecording]:
        """Make the recording of each coin; the streams of a connection share their gaps."""
        return {coin: self._resume_coin(coin, connections) for coin in coins}

    def _resume_coin(self, coin: str, connections: Sequence[tuple[Stream, ...]]) -> CoinRecording:
        try:
            last_ms = self._store.extent(coin)[1]
        except (DataError, OSError) as error:
            if not isinstance(error, (UnknownCoin, NotEnoughData)):
                log.error("what is recorded of %s cannot be read, so no gap is recorded since: %s", coin, error)
            return CoinRecording(coin, self._recorder, connections=connections)
        columns = ("exchange_ms", "trade_id")
        trades = self._readable(coin, Stream.TRADES, last_ms - KNOWN_TRADES_MS, last_ms, columns)
        known = [(row["exchange_ms"], row["trade_id"]) for row in trades]
        # An older end needs no gap row: nothing is recorded since, and a reader sees that without being told.
        oldest_ms = now_ms() - LONGEST_START_GAP_MS
        if last_ms > oldest_ms and not self._was_stopped(coin, last_ms):
            self._note_crash(coin, last_ms, connections)
        last_ms = max(last_ms, oldest_ms)
        return CoinRecording(coin, self._recorder, last_ms=last_ms, known_trades=known, connections=connections)

    def _was_stopped(self, coin: str, last_ms: int) -> bool:
        """Whether the recording that ends at `last_ms` was ended on purpose, with everything written."""
        gaps = self._readable(coin, Stream.GAPS, last_ms - 1, 1 << 62)
        return any(gap["reason"] == "stop" and gap["end_ms"] >= last_ms for gap in gaps)

    def _note_crash(self, coin: str, last_ms: int, connections: Sequence[tuple[Stream, ...]]) -> None:
        """Note what may be missing before the newest recorded event: a crash can come between the streams of a flush.

        What a stream received up to its flush before the last one is on disk, and so is all up to its newest row.
        """
        for stream in (stream for streams in connections for stream in streams):
            flushes = 2 * (SLOW_FLUSHES if stream in SLOW_STREAMS else 1)
            start_ms = last_ms - round(flushes * self._flush_seconds * 1e3)
            rows = self._readable(coin, stream, start_ms, last_ms, ("exchange_ms",))
            start_ms = max([start_ms, *(row["exchange_ms"] for row in rows[-1:])])
            if start_ms < last_ms:
                self._recorder.add_gap(coin, stream, start_ms, last_ms, "crash")

    def _readable(
        self, coin: str, stream: Stream, start_ms: int, end_ms: int, columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a window, or none where they cannot be read, which must keep no coin from being recorded.

        Without its last rows a recording counts as crashed, and trades of the back-log may be written once more: they
        are read once.
        """
        try:
            table = self._store.read(coin, stream, start_ms, end_ms, columns=columns)
        except (DataError, OSError) as error:
            log.error("the last rows of %s cannot be read: %s", coin, error)
            table = SCHEMAS[stream].empty_table()
        return list(table.to_pylist())
