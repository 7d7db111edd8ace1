"""Reads parameter files again only when they have changed."""

from pathlib import Path

from calibration.publication.parameters import Parameters, read_parameters
from market_making.market.errors import ParameterError


class ParameterCache:
    """The published parameters of the coins of one venue, for a program that asks every second."""

    def __init__(self, folder: Path, venue: str) -> None:
        self._folder = folder
        self._venue = venue
        self._known: dict[str, tuple[tuple[int, int, int], Parameters]] = {}

    def read(self, coin: str, now_ms: int) -> Parameters:
        """Return the parameters of one coin, if they may be quoted from now.

        Raises
        ------
        ParameterError
            As `calibration.publication.parameters.read_parameters`; nothing is remembered of a file that was refused.
        """
        stamp = self._stamp(coin)
        known = self._known.get(coin)
        if known is not None and known[0] == stamp and now_ms <= known[1].valid_until_ms:
            return known[1]
        try:
            parameters = read_parameters(self._folder, coin, venue=self._venue, now_ms=now_ms)
        except ParameterError:
            self._known.pop(coin, None)
            raise
        if stamp is not None:
            self._known[coin] = (stamp, parameters)
        return parameters

    def _stamp(self, coin: str) -> tuple[int, int, int] | None:
        """What changes when the file is replaced or written over; None if it cannot be seen."""
        try:
            status = (self._folder / f"{coin}.json").stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
