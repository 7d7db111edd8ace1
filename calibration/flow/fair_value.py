"""Whether quotes would lose less if they were anchored at a fair value, and how far a leader is ahead.

Of a window it says what a bot may anchor its quotes at: only what is sure to have gained at the age of its own quotes.
Of a recording it says what anchors would have gained at any age.
"""

from typing import NamedTuple

from calibration.estimators.best_quotes import BestQuotes
from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.fair_value import AGES_MS, Gain, Placement, Signs, fit, gains, microprice
from calibration.estimators.lead_time import LeadTime, lead_time
from calibration.observation.leading_quotes import HeardLeader
from calibration.observation.observations import ObservedWindow, observe, usable_quotes
from market_making.market.errors import NotEnoughData
from market_making.market.tape import QuoteTape, Tape

DEPTH_BPS = 1.0  # beyond the mean half-spread
SERVES_S = 120.0


class LeaderWorth(NamedTuple):
    """What the last second of another market is worth beside the imbalance.

    Attributes
    ----------
    name : str
        Venue and coin of the leader.
    response : Estimate
        γ, shrunk [1].
    lead_s : Estimate or None
        How far it is ahead [s]; None where the two do not move together.
    gain : Gain
        Of a quote that is anchored at both.
    """

    name: str
    response: Estimate
    lead_s: Estimate | None
    gain: Gain


class AnchorWorth(NamedTuple):
    """What a bot may anchor its quotes at, judged at the age of its own quotes.

    Attributes
    ----------
    imbalance : Estimate
        β, shrunk [price].
    gain : Gain
        What a quote at mid + β·imbalance would have gained per fill against one around mid.
    time_ms : int
        End of the window.
    leader : LeaderWorth or None
        None where no leader is recorded at the same time.
    """

    imbalance: Estimate
    gain: Gain
    time_ms: int
    leader: LeaderWorth | None = None

    @property
    def response(self) -> float:
        """β that quotes are anchored with: 0 unless it is sure to gain [price]."""
        return self.imbalance.value if self.gain.is_sure else 0.0

    def is_recent(self, now_ms: int) -> bool:
        """Whether this serves for a window that ends now."""
        return 0 <= now_ms - self.time_ms < SERVES_S * 1e3


def anchor_worth(observed: ObservedWindow, tick: float, age_ms: int, leader: HeardLeader | None = None) -> AnchorWorth:
    """Say what a bot may anchor its quotes at.

    Parameters
    ----------
    observed : ObservedWindow
        A window with observed time.
    tick : float
        Price step [price].
    age_ms : int
        How old the book of a quote's price is when the quote rests.
    leader : HeardLeader or None
        Another market.
    """
    quotes, orders = observed.best, observed.orders
    if len(quotes) < 2:
        return AnchorWorth(Estimate(0.0, 0.0, 0.0, 0, EstimateSource.PRIOR), Gain(age_ms, None, 0, 0), observed.end_ms)
    placement = Placement(observed.seconds.mean_half_spread + DEPTH_BPS * observed.mid / 1e4, tick)
    known = fit(Signs(quotes))
    (gain,) = gains(Signs(quotes), orders, placement, known, (age_ms,))
    worth = AnchorWorth(known.shrunk[0], gain, observed.end_ms)
    if leader is None or len(leader.quotes) < 2:
        return worth
    both = Signs(quotes, leader.quotes)
    together = fit(both)
    (gain,) = gains(both, orders, placement, together, (age_ms,))
    return worth._replace(leader=LeaderWorth(leader.name, together.shrunk[1], _lead_s(quotes, leader.quotes), gain))


def _lead_s(quotes: BestQuotes, leader: BestQuotes) -> Estimate | None:
    try:
        found = lead_time(quotes, leader)
    except NotEnoughData:
        return None
    return None if found is None else found.lead_s


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
    best = BestQuotes.of(quotes)
    own, both = Signs(best), Signs(best, None if leader is None else BestQuotes.of(leader))
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
