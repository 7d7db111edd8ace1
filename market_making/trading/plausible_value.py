"""Whether a reading of the account's cash can be believed: an answer that is absent or zero is no loss.

Cash changes by fees, funding and what is realised when a position shrinks. A reading that differs from the last one
that was believed by more than that is not known: nothing is opened and nothing is judged by it, until it has been read
`READINGS` times over `PERSISTS_MS`. A withdrawal is believed so; a loss of a position shows in its open result at once.
"""

from math import isfinite

READINGS = 3
PERSISTS_MS = 10_000
_OF_TURNOVER = 0.1  # the most that a fill realises of its value: with a stop-loss of 10 % it is hardly ever more
_OF_VALUE = 0.02  # fees and funding between two readings


class PlausibleCash:
    """The account's cash as far as it can be believed.

    Parameters
    ----------
    scale : float
        Value of the largest position the bot may hold [quote currency]: what fees and funding are measured by.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._believed: float | None = None
        self._position = 0.0
        self._doubted: float = 0.0
        self._doubted_ms: int | None = None
        self._readings = 0

    @property
    def believed(self) -> float | None:
        """The last value that was believed [quote currency]; None before the first."""
        return self._believed

    def read(self, cash: float, position_value: float, now_ms: int) -> bool:
        """Take a reading and say whether it is believed.

        Parameters
        ----------
        cash : float
            As the account tells it [quote currency].
        position_value : float
            Value of what is held according to own orders [quote currency].
        now_ms : int
            When it was read [ms].
        """
        traded = abs(position_value - self._position)
        allowed = _OF_VALUE * self._scale + _OF_TURNOVER * traded
        if not isfinite(cash) or cash < 0:
            self._doubt(cash, now_ms)
            return False
        if self._believed is None:
            if cash > 0:
                return self._believe(cash, position_value)
            return self._persists(cash, allowed, now_ms) and self._believe(cash, position_value)
        if abs(cash - self._believed) <= allowed or self._persists(cash, allowed, now_ms):
            return self._believe(cash, position_value)
        return False

    def _believe(self, cash: float, position_value: float) -> bool:
        self._believed, self._position = cash, position_value
        self._doubted_ms, self._readings = None, 0
        return True

    def _persists(self, cash: float, allowed: float, now_ms: int) -> bool:
        if self._doubted_ms is None or abs(cash - self._doubted) > allowed:
            self._doubt(cash, now_ms)
        self._readings += 1
        assert self._doubted_ms is not None  # noqa: S101 - it has just been set
        return self._readings >= READINGS and abs(now_ms - self._doubted_ms) >= PERSISTS_MS

    def _doubt(self, cash: float, now_ms: int) -> None:
        self._doubted, self._doubted_ms, self._readings = cash, now_ms, 0
