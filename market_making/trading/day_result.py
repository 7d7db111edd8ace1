"""The result of a day (UTC) on one pair, split by where it came from.

Of a fill with size z at price p on side s (+1 for a buy), with mid m⁻ before it, m_h ten seconds later and m now::

    net = Σ s z (m⁻ − p)    spread
        + Σ s z (m_h − m⁻)  adverse selection (until m_h is known, m stands for it)
        + the rest          inventory: what was held since the day began or ten seconds after each fill, times the move
        + funding − fees

The parts add up to what cash and position are worth more than when the day began, to the last cent.
"""

from dataclasses import astuple, dataclass, field, replace
from typing import NamedTuple

from market_making.safety.state_file import MoneyState, PairState
from market_making.trading.fills import Fill

DAY_MS = 86_400_000
_ADVERSE_MS = 10_000
_LEAST = 1e-9  # of a coin


class _Waiting(NamedTuple):
    """A fill whose later mid is not known yet: size [coins, signed], and the mid before it [price]."""

    time_ms: int
    coins: float
    mid: float


@dataclass
class _Sums:
    """What has added up since the day or the run began; `cash` begins with minus the value of what was held then."""

    coins: float = 0.0
    cash: float = 0.0
    mid: float | None = None
    spread: float = 0.0
    adverse: float = 0.0
    funding: float = 0.0
    fees: float = 0.0
    fills: int = 0
    volume: float = 0.0
    waiting: list[_Waiting] = field(default_factory=list)


class DayResult:
    """Adds up one pair.

    Parameters
    ----------
    day : int
        Days since 1970.
    before : PairState, optional
        What the run before has left of the same day.
    """

    def __init__(self, day: int, before: PairState | None = None) -> None:
        self._day = day
        self._base = MoneyState() if before is None else before.money
        self._sums = _Sums()
        if before is not None and before.mid is not None:
            self._sums = _Sums(before.coins, -before.coins * before.mid, before.mid)

    def filled(self, fill: Fill) -> None:
        """Add a fill."""
        sums, coins, before = self._sums, fill.coins, fill.mid if fill.mid is not None else fill.price
        sums.cash -= coins * fill.price
        sums.coins += coins
        sums.spread += coins * (before - fill.price)
        sums.fees += fill.fee
        sums.fills += 1
        sums.volume += fill.value
        sums.waiting.append(_Waiting(fill.time_ms, coins, before))

    def funded(self, amount: float) -> None:
        """Add funding that was received; negative, paid [quote currency]."""
        self._sums.funding += amount

    def seen(self, time_ms: int, mid: float, coins: float) -> None:
        """Take note of mid [price] and of what is held [coins]; what came or went without a fill did so at mid."""
        day = time_ms // DAY_MS
        if day != self._day:
            self._day, self._base, self._sums = day, MoneyState(), _Sums()
        sums = self._sums
        if abs(coins - sums.coins) > _LEAST:
            sums.cash -= (coins - sums.coins) * mid
        sums.coins, sums.mid = coins, mid
        due = [fill for fill in sums.waiting if time_ms - fill.time_ms >= _ADVERSE_MS]
        sums.adverse += sum(fill.coins * (mid - fill.mid) for fill in due)
        sums.waiting = [fill for fill in sums.waiting if time_ms - fill.time_ms < _ADVERSE_MS]

    def money(self) -> MoneyState:
        """The result so far; fills before the first mid was seen are worth what was paid for them."""
        sums, mid = self._sums, self._sums.mid
        own = MoneyState(funding=sums.funding, fees=sums.fees, fills=sums.fills, volume=sums.volume)
        if mid is not None:
            gross = sums.cash + sums.coins * mid
            adverse = sums.adverse + sum(fill.coins * (mid - fill.mid) for fill in sums.waiting)
            inventory = gross - sums.spread - adverse
            own = replace(own, net=gross, spread=sums.spread, adverse_selection=adverse, inventory=inventory)
        return total([self._base, replace(own, net=own.net + sums.funding - sums.fees)])


def total(results: list[MoneyState]) -> MoneyState:
    """The sum over pairs."""
    return (
        MoneyState(*(sum(values) for values in zip(*map(astuple, results), strict=True))) if results else MoneyState()
    )
