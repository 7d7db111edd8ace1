"""What a running collector says of itself in its state file, for people and other programs."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.recording.collection.coin_recording import CoinRecording
from market_making.recording.collection.recorder import CoinCounts, Recorder
from market_making.safety.sidecar_report import SidecarReport, state_name
from market_making.safety.state_file import CoinState, SidecarState, read_state

KIND = "collector"
FRESH_MS = 60_000


class CollectorReport:
    """Turns the counts of a collector into its state file.

    Parameters
    ----------
    folder : Path or None
        Of the state files; None to write none.
    venue : str
        Whose market is recorded.
    recorder : Recorder
        Counts the rows.
    """

    def __init__(self, folder: Path | None, venue: str, recorder: Recorder) -> None:
        self._report = SidecarReport(folder, KIND, venue)
        self._recorder = recorder
        self.left_out: tuple[str, ...] = ()
        """What was asked for and is not listed."""
        self._counted: dict[str, int] = {}
        self._counted_s = monotonic()

    def write(
        self, recordings: Mapping[str, CoinRecording], malformed_messages: int, clock_offset_ms: float | None
    ) -> None:
        """Say how each coin is now; rates are those since the last time."""
        elapsed_s, self._counted_s = monotonic() - self._counted_s, monotonic()
        coins = tuple(self._coin(coin, recording, elapsed_s) for coin, recording in recordings.items())
        counts = self._recorder.counts
        figures = {
            "coins": len(coins),
            "rows_per_s": sum(coin.rows_per_s or 0.0 for coin in coins),
            "received": counts.received,
            "written": counts.written,
            "bytes_written": counts.bytes_written,
            "dropped": counts.dropped,
            "waiting_bytes": counts.waiting_bytes,
            "failed_writes": counts.failed_writes,
            "malformed_messages": malformed_messages,
            "clock_offset_ms": clock_offset_ms,
        }
        failures = (f"{name} is not recorded: the venue does not list it" for name in self.left_out)
        self._report.write(coins, figures, (*self._recorder.failures, *failures))

    def end(self) -> None:
        """Say that the collector has ended in order."""
        self._report.end()

    def _coin(self, coin: str, recording: CoinRecording, elapsed_s: float) -> CoinState:
        counts = self._recorder.coins.get(coin, CoinCounts())
        rows = counts.rows - self._counted.get(coin, 0)
        self._counted[coin] = counts.rows
        missing = recording.missing
        return CoinState(
            coin,
            age_ms=max(0, now_ms() - counts.last_ms) if counts.rows else None,
            status="interrupted" if missing else "recording",
            detail=missing,
            rows_per_s=rows / elapsed_s if elapsed_s > 0 else None,
            gaps=recording.gaps,
        )


def living_collector(folder: Path, venue: str, now_ms: int) -> SidecarState | None:
    """State of the collector of a venue, if it has written one within a minute and has not ended."""
    with suppress(OSError, MalformedMessage):
        state = read_state(folder / f"{state_name(KIND, venue)}.json")
        if isinstance(state, SidecarState) and not state.stopped and now_ms - state.written_ms < FRESH_MS:
            return state
    return None
