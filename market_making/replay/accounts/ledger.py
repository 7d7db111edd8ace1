"""Where the money of a session comes from, fill by fill, so that it adds up.

Of a fill on side s (+1 bought, −1 sold) at price p and size z, with mid m⁻ before its block, m_h after h seconds (or at
the end of the session) and m_T at the end::

    spread captured    s z (m⁻ − p)
    adverse selection  s z (m_h − m⁻)
    inventory          s z (m_T − m_h)

The three telescope to s z (m_T − p) for every h, so h only moves money between adverse selection and inventory. Less
the fee, and with funding, the sum of a session is what the engine's own cash and position are worth, or the run is
refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np

from market_making.market.errors import DataError
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.result import Session

HORIZONS_S = (0.1, 1.0, 5.0, 30.0)
EXACT = 1e-9
_PER_VOLUME = 1e-13  # rounding of an engine that has added up millions


class Unaccounted(DataError):
    """The money of the fills is not what the engine's own account says."""


@dataclass(frozen=True)
class FillMoney:
    """Money of each fill of a session, arrays of shape (n,) [quote currency].

    `adverse` holds adverse selection by horizon [s]; `held` is what a fill is worth at the end over the mid before it,
    that is adverse selection and inventory together.
    """

    spread: FloatArray
    held: FloatArray
    fee: FloatArray
    adverse: Mapping[float, FloatArray]

    def inventory(self, horizon_s: float) -> FloatArray:
        """What the position earned after the horizon [quote currency]."""
        return self.held - self.adverse[horizon_s]

    @property
    def net(self) -> FloatArray:
        """What each fill earned until the end of the session, after its fee [quote currency]."""
        return self.spread + self.held - self.fee


def fill_money(session: Session, horizons_s: tuple[float, ...] = HORIZONS_S) -> FillMoney:
    """Split the money of each fill.

    Parameters
    ----------
    session : Session
        One session of a replay.
    horizons_s : tuple of float
        Horizons of adverse selection [s].

    Raises
    ------
    Unaccounted
        If the sums are not the engine's own account to 1e-9, or 1e-13 of the volume where that is more.
    """
    fills, touch = session.fills, session.touch
    if not len(fills.time_ms):
        nothing = np.zeros(0)
        money = FillMoney(nothing, nothing, nothing, dict.fromkeys(horizons_s, nothing))
    else:
        signed, last_mid = fills.sign * fills.size, session.last_mid
        moved = {}
        for horizon_s in horizons_s:
            later_ms = np.minimum(fills.time_ms + round(horizon_s * 1e3), session.end_ms)
            moved[horizon_s] = signed * (touch.mid_at(later_ms) - fills.mid)
        money = FillMoney(signed * (fills.mid - fills.price), signed * (last_mid - fills.mid), fills.fee, moved)
    _require_exact(session, money)
    return money


def volume(session: Session) -> float:
    """Value of all fills of a session [quote currency]."""
    return fsum(session.fills.price * session.fills.size)


def _require_exact(session: Session, money: FillMoney) -> None:
    ours, theirs = fsum(money.net) + fsum(session.fundings.amount), session.net
    allowed = max(EXACT, _PER_VOLUME * volume(session))
    if not abs(ours - theirs) <= allowed:
        raise Unaccounted(
            f"the fills of the session from {session.start_ms} must add up to the engine's {theirs:.9f}, "
            f"got {ours:.9f}: a fill, a fee or a funding payment is missing or counted twice"
        )


class Equity:
    """What a session has earned by any moment, marked at mid.

    Parameters
    ----------
    session : Session
        Flat at its start.
    """

    def __init__(self, session: Session) -> None:
        fills = session.fills
        signed = fills.sign * fills.size
        self._session = session
        self._position = np.concatenate([[0.0], np.cumsum(signed)])
        self._cash = np.concatenate([[0.0], np.cumsum(-signed * fills.price - fills.fee)])
        self._funding = np.concatenate([[0.0], np.cumsum(session.fundings.amount)])

    def position_at(self, times_ms: IntArray) -> FloatArray:
        """What is held with the fills of each time [coins, signed]."""
        return np.asarray(self._position[self._session.fills.time_ms.searchsorted(times_ms, side="right")])

    def at(self, times_ms: IntArray) -> FloatArray:
        """Money earned with everything of each time [quote currency]."""
        filled = self._session.fills.time_ms.searchsorted(times_ms, side="right")
        funded = self._session.fundings.time_ms.searchsorted(times_ms, side="right")
        held = self._position[filled]
        mids = self._session.touch.mid_at(times_ms) if len(self._session.touch.time_ms) else np.zeros(len(held))
        return np.asarray(self._cash[filled] + self._funding[funded] + np.where(held == 0, 0.0, held * mids))
