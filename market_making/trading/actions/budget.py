"""How much the bot may ask of the exchange: a token bucket."""


class ActionBudget:
    """`per_minute` actions a minute, of which at most one minute's worth is saved up.

    An action that reduces risk is taken even from an empty budget and is owed, but no more than one minute's worth:
    quoting goes on a minute later, however long a position took to leave.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_ms = per_minute / 60_000
        self._most = per_minute
        self._left = per_minute
        self._time_ms: int | None = None

    def left(self, now_ms: int) -> float:
        """Actions left now; negative while some are owed."""
        if self._time_ms is not None:
            self._left = min(self._most, self._left + max(now_ms - self._time_ms, 0) * self._per_ms)
        self._time_ms = now_ms
        return self._left

    def spend(self, actions: int, now_ms: int) -> None:
        """Take note of actions sent."""
        self._left = max(self.left(now_ms) - actions, -self._most)
