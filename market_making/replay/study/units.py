"""The units of a study, a coin on a day, and how days follow each other: tuned on some, judged on the next."""

from collections.abc import Sequence
from typing import NamedTuple

from market_making.market.errors import NotEnoughData
from market_making.recording.store.segments import DAY_MS, day_number, day_of
from market_making.recording.store.tick_store import TickStore
from market_making.replay.tape.sessions import SHORTEST_MS, spans_of


class Unit(NamedTuple):
    """A coin on one day in UTC, and how much of it can be replayed [s]."""

    coin: str
    day: str
    seconds: float

    @property
    def start_ms(self) -> int:
        """Where the day begins [ms]."""
        return day_number(self.day) * DAY_MS

    @property
    def end_ms(self) -> int:
        """Its last millisecond [ms]."""
        return self.start_ms + DAY_MS - 1


class Fold(NamedTuple):
    """Days on which settings are searched, and later days on which the winner is judged."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]


def units_of(
    store: TickStore, coins: Sequence[str], start_ms: int | None = None, end_ms: int | None = None
) -> tuple[Unit, ...]:
    """Every coin on every day of which at least a minute can be replayed, by day.

    Parameters
    ----------
    store : TickStore
        The recording.
    coins : Sequence[str]
        The venue's names.
    start_ms, end_ms : int, optional
        Bounds [ms]; days that lie partly outside are left out.

    Raises
    ------
    DataError
        If nothing of a coin can be replayed.
    """
    lengths: dict[tuple[str, str], int] = {}
    for coin in coins:
        for span in spans_of(store, coin, start_ms, end_ms):
            begin_ms = span.start_ms
            while begin_ms < span.end_ms:
                day = day_of(begin_ms)
                part_ms = min(span.end_ms, (day_number(day) + 1) * DAY_MS) - begin_ms
                if part_ms >= SHORTEST_MS:
                    lengths[day, coin] = lengths.get((day, coin), 0) + part_ms
                begin_ms += part_ms
    units = (Unit(coin, day, length_ms / 1e3) for (day, coin), length_ms in sorted(lengths.items()))
    return tuple(unit for unit in units if _inside(unit, start_ms, end_ms))


def _inside(unit: Unit, start_ms: int | None, end_ms: int | None) -> bool:
    """Whether a day lies within the bounds: of a part of a day nothing is said."""
    return (start_ms is None or unit.start_ms >= start_ms) and (end_ms is None or unit.end_ms < end_ms)


def folds_of(days: Sequence[str], train_days: int, test_days: int) -> tuple[Fold, ...]:
    """Walk forward: search on some days, judge on those that follow, and begin again as many days later.

    Parameters
    ----------
    days : Sequence[str]
        Days of which something can be replayed, ascending.
    train_days, test_days : int
        How many of them each fold takes.

    Raises
    ------
    NotEnoughData
        If there are too few days for one fold.
    """
    length = train_days + test_days
    if len(days) < length:
        raise NotEnoughData(
            f"a study of {train_days} train_days and {test_days} test_days must have {length} recorded days, "
            f"got {len(days)}: {', '.join(days) or 'none'}"
        )
    starts = range(0, len(days) - length + 1, test_days)
    return tuple(Fold(tuple(days[s : s + train_days]), tuple(days[s + train_days : s + length])) for s in starts)
