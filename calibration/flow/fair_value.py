"""Whether quotes of one recording would lose less if they were anchored at a fair value, and how far a leader is ahead.

Nothing is quoted by this: it is the measurement that anchoring would have to pass.
"""

from typing import NamedTuple

from calibration.estimators.estimate import Estimate
from calibration.estimators.fair_value import AGES_MS, Gain, Placement, Signs, fit, gains, microprice
from calibration.estimators.lead_time import LeadTime, lead_time
from calibration.observation.observations import observe, usable_quotes
from market_making.market.errors import NotEnoughData
from market_making.market.tape import QuoteTape, Tape

DEPTH_BPS = 1.0  # beyond the mean half-spread


class FairValue(NamedTuple):
    """What anchoring quotes would have gained.

    Attributes
    ----------
    mid : float
        The last one [price].
    orders : int
        Market orders.
    imbalance : Estimate
        β: the next second of mid for each unit of the imbalance of the best sizes, of the whole recording [price].
    response : Estimate or None
        γ: the same for each unit of the leader's last second, beside β [1]; None without a leader.
    lead : LeadTime or None
        How far the leader is ahead; None without one, or where the two do not move together.
    gains : dict of tuple of Gain
        By what the quote is anchored at (imbalance, leader, microprice), one entry an age; leader means both.
    """

    mid: float
    orders: int
    imbalance: Estimate
    response: Estimate | None
    lead: LeadTime | None
    gains: dict[str, tuple[Gain, ...]]


def fair_value(
    tape: Tape,
    tick: float,
    leader: QuoteTape | None,
    depth_bps: float = DEPTH_BPS,
    ages_ms: tuple[int, ...] = AGES_MS,
) -> FairValue:
    """Measure one recording.

    Parameters
    ----------
    tape : Tape
        Of the market.
    tick : float
        Price step [price].
    leader : QuoteTape or None
        Quotes of another market, stamped by the same clock.
    depth_bps : float
        Where quotes stand beyond the mean half-spread [bp].
    ages_ms : tuple of int
        Ages of the quotes.

    Raises
    ------
    NotEnoughData
        If nothing was recorded, or the leader for less than three minutes at the same time.
    """
    quotes = usable_quotes(tape.quotes)
    if len(quotes.time_ms) < 2:
        raise NotEnoughData(f"{len(quotes.time_ms)} quotes, at least 2 are needed")
    observed = observe(tape, tick)
    placement = Placement(observed.seconds.mean_half_spread + depth_bps * observed.mid / 1e4, tick)
    own, both = Signs(quotes), Signs(quotes, leader)
    lead = None if leader is None else lead_time(quotes, leader)
    alone = fit(own)
    found = {"imbalance": gains(own, observed.orders, placement, alone, ages_ms)}
    response = None
    if leader is not None:
        together = fit(both)
        response = together.overall[1]
        found["leader"] = gains(both, observed.orders, placement, together, ages_ms)
    found["microprice"] = gains(own, observed.orders, placement, microprice(quotes), ages_ms)
    return FairValue(observed.mid, len(observed.orders), alone.overall[0], response, lead, found)
