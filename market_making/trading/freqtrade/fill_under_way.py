"""For how long a difference between account and books may be a fill that the books do not know yet.

The exchange tells of a fill everywhere at once; the account and the order are read within a loop of each other. A
difference that is the same in three loops and after three seconds is not under way: somebody has traded by hand.
"""

_LOOPS = 3
_LASTS_MS = 3_000


class FillsUnderWay:
    """Differences by pair."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int, int]] = {}  # lots, loops, since when [ms]

    def is_one(self, pair: str, lots: int, now_ms: int) -> bool:
        """Whether a difference of so many lots may still be a fill under way; none always is."""
        before = self._seen.get(pair)
        if lots == 0:
            self._seen.pop(pair, None)
            return True
        if before is None or before[0] != lots:
            before = (lots, 0, now_ms)
        _, loops, since_ms = self._seen[pair] = (lots, before[1] + 1, before[2])
        return loops < _LOOPS or abs(now_ms - since_ms) < _LASTS_MS
