"""What a sidecar says about itself: it writes its state file, and goes on where that fails."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from market_making.market.clock import now_ms
from market_making.safety.state_file import CoinState, SidecarState, write_state

_NATIVE = "hyperliquid"

log = logging.getLogger(__name__)


class SidecarReport:
    """The state file of one run of a collector or a calibrator.

    Parameters
    ----------
    folder : Path or None
        Of the state files; None to write none.
    kind : str
        ``collector`` or ``calibrator``.
    venue : str
        Whose markets it works on. The file is ``<kind>.json`` for Hyperliquid, ``<kind>-<venue>.json`` for another.
    """

    def __init__(self, folder: Path | None, kind: str, venue: str) -> None:
        self._folder = folder
        self._kind = kind
        self._name = state_name(kind, venue)
        self._venue = venue
        self._started_ms = now_ms()
        self._last: SidecarState | None = None
        self._fails = False

    def write(
        self,
        coins: Sequence[CoinState],
        figures: Mapping[str, float | None],
        failures: Sequence[str] = (),
        loop_ms: float = 0.0,
    ) -> None:
        """Replace the state file; that it cannot be written is said once."""
        self._last = SidecarState(
            name=self._name,
            kind=self._kind,
            pid=os.getpid(),
            started_ms=self._started_ms,
            written_ms=now_ms(),
            loop_ms=loop_ms,
            venue=self._venue,
            coins=tuple(coins),
            figures=figures,
            failures=tuple(failures),
        )
        self._write(self._last)

    def end(self) -> None:
        """Write the last state once more, as that of a program that has ended in order."""
        if self._last is not None:
            self._write(replace(self._last, written_ms=now_ms(), stopped=True))

    def _write(self, state: SidecarState) -> None:
        if self._folder is None:
            return
        try:
            write_state(self._folder, self._name, state)
        except OSError as error:
            if not self._fails:
                log.warning("the state of the %s cannot be written to %s: %s", self._kind, self._folder, error)
            self._fails = True
        else:
            self._fails = False


def state_name(kind: str, venue: str) -> str:
    """Name of a sidecar's state file, without ``.json``."""
    return kind if venue == _NATIVE else f"{kind}-{venue}"
