"""A run cut into blocks of five minutes: money, volume, time quoted and inventory of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from market_making.market.tape import FloatArray, IntArray
from market_making.replay.accounts.ledger import Equity, FillMoney
from market_making.replay.accounts.resting import Spans, at_touch, resting
from market_making.replay.result import BoolArray, Session

BLOCK_S = 300.0


@dataclass(frozen=True)
class Blocks:
    """One entry a block, shape (b,); the last block of a session may be shorter.

    Attributes
    ----------
    seconds : FloatArray
        Length [s].
    net, spread, funding, fees, volume : FloatArray
        Money and value traded [quote currency].
    adverse : mapping
        Adverse selection by horizon [s], of the fills of the block [quote currency].
    fills : FloatArray
        Number of fills.
    quoted_s, touch_s : FloatArray
        Time in which an own order rested, and in which one was at the market's best price or better [s].
    held, held_value : FloatArray
        Integral of the absolute inventory [coins · s] and of its value [quote currency · s].
    """

    seconds: FloatArray
    net: FloatArray
    spread: FloatArray
    funding: FloatArray
    fees: FloatArray
    volume: FloatArray
    adverse: Mapping[float, FloatArray]
    fills: FloatArray
    quoted_s: FloatArray
    touch_s: FloatArray
    held: FloatArray
    held_value: FloatArray

    def inventory(self, horizon_s: float) -> FloatArray:
        """What is left of the net: the move of mid on what was held beyond the horizon [quote currency]."""
        return self.net - self.spread - self.adverse[horizon_s] - self.funding + self.fees

    @property
    def whole(self) -> BoolArray:
        """Which blocks have their full length."""
        return np.asarray(self.seconds > 0.999 * BLOCK_S)


def blocks_of(session: Session, money: FillMoney) -> Blocks:
    """Cut one session."""
    begins = np.arange(session.start_ms, session.end_ms, round(BLOCK_S * 1e3), dtype=np.int64)
    edges: IntArray = np.append(begins, session.end_ms)
    fills, equity = session.fills, Equity(session)
    of_fill = _block_of(fills.time_ms, edges)
    worth = equity.at(edges)
    worth[0] = 0.0  # what happens at the very start belongs to the first block

    def summed(values: FloatArray, blocks: IntArray = of_fill) -> FloatArray:
        return np.bincount(blocks, weights=values, minlength=len(edges) - 1).astype(np.float64)

    held, held_value = _held(session, equity, edges)
    return Blocks(
        seconds=np.diff(edges) / 1e3,
        net=np.diff(worth),
        spread=summed(money.spread),
        funding=summed(session.fundings.amount, _block_of(session.fundings.time_ms, edges)),
        fees=summed(money.fee),
        volume=summed(fills.price * fills.size),
        adverse={horizon_s: summed(values) for horizon_s, values in money.adverse.items()},
        fills=summed(np.ones(len(of_fill))),
        quoted_s=_time(resting(session), edges),
        touch_s=_time(at_touch(session), edges),
        held=held,
        held_value=held_value,
    )


def joined(parts: Sequence[Blocks]) -> Blocks:
    """Blocks of several sessions, one after the other."""
    if len(parts) == 1:
        return parts[0]
    names = [name for name in Blocks.__dataclass_fields__ if name != "adverse"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    horizons = parts[0].adverse if parts else {}
    adverse = {horizon_s: np.concatenate([part.adverse[horizon_s] for part in parts]) for horizon_s in horizons}
    return Blocks(adverse=adverse, **columns)


def _block_of(times_ms: IntArray, edges: IntArray) -> IntArray:
    """Number of the block of each time; an edge belongs to the block that it ends."""
    return np.clip(edges.searchsorted(times_ms, side="left") - 1, 0, len(edges) - 2)


def _time(spans: Spans, edges: IntArray) -> FloatArray:
    """How much of each block the spans cover [s]."""
    return np.diff(spans.covered_s(edges))


def _held(session: Session, equity: Equity, edges: IntArray) -> tuple[FloatArray, FloatArray]:
    """Integrals of absolute inventory and of its value over each block."""
    inside = (session.touch.time_ms > session.start_ms) & (session.touch.time_ms < session.end_ms)
    stamps = np.unique(np.concatenate([edges, session.fills.time_ms, session.touch.time_ms[inside]]))
    stamps = stamps[(stamps >= session.start_ms) & (stamps <= session.end_ms)]
    lasting_s = np.diff(stamps) / 1e3
    coins = np.abs(equity.position_at(stamps[:-1]))
    mids = session.touch.mid_at(stamps[:-1]) if len(session.touch.time_ms) else np.zeros(len(coins))
    of_stamp = np.clip(edges.searchsorted(stamps[:-1], side="right") - 1, 0, len(edges) - 2)
    held, value = (
        np.bincount(of_stamp, weights=weights * lasting_s, minlength=len(edges) - 1).astype(np.float64)
        for weights in (coins, coins * mids)
    )
    return held, value
