"""How much weight each IP address has asked for, in the last minute and in all; and whether it may ask for more."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

MINUTE_S = 60.0


@dataclass(slots=True)
class _Usage:
    """What one address has asked for; `recent` holds time [s], type and weight of the last minute."""

    recent: deque[tuple[float, str, int]] = field(default_factory=deque)
    in_minute: int = 0
    worst_minute: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    weight: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def forget_before(self, time_s: float) -> None:
        """Let go what is older than a minute."""
        while self.recent and self.recent[0][0] <= time_s:
            self.in_minute -= self.recent.popleft()[2]

    def add(self, now_s: float, kind: str, weight: int) -> None:
        """Count a weight."""
        self.recent.append((now_s, kind, weight))
        self.in_minute += weight
        self.worst_minute = max(self.worst_minute, self.in_minute)
        self.weight[kind] += weight


class WeightMeter:
    """Counts the weight of requests by IP address.

    Parameters
    ----------
    limit : int or None
        Weight an address may ask for within a minute; None for any.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._usages: dict[str, _Usage] = {}

    def admit(self, address: str, kind: str, weight: int, now_s: float) -> bool:
        """Count a request, unless it would go beyond the limit; one that is refused weighs nothing."""
        usage = self._usage(address, now_s)
        if self._limit is not None and usage.in_minute + weight > self._limit:
            usage.refused[kind] += 1
            return False
        usage.requests[kind] += 1
        usage.add(now_s, kind, weight)
        return True

    def add(self, address: str, kind: str, weight: int, now_s: float) -> None:
        """Count what an answer weighs beyond its question."""
        if weight:
            self._usage(address, now_s).add(now_s, kind, weight)

    def report(self, now_s: float) -> dict[str, Any]:
        """Limit and use of each address, ready for JSON."""
        return {
            "limit": self._limit,
            "addresses": {address: self._report(address, now_s) for address in sorted(self._usages)},
        }

    def _report(self, address: str, now_s: float) -> dict[str, Any]:
        usage = self._usage(address, now_s)
        minute: Counter[str] = Counter()
        for _, kind, weight in usage.recent:
            minute[kind] += weight
        return {
            "weight_in_last_minute": usage.in_minute,
            "weight_in_last_minute_by_type": dict(minute.most_common()),
            "weight_in_worst_minute": usage.worst_minute,
            "requests": dict(usage.requests.most_common()),
            "weight": dict(usage.weight.most_common()),
            "refused": dict(usage.refused.most_common()),
        }

    def _usage(self, address: str, now_s: float) -> _Usage:
        usage = self._usages.setdefault(address, _Usage())
        usage.forget_before(now_s - MINUTE_S)
        return usage
