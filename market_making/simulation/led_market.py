r"""A market that follows another venue after a known time, and what a quote that looks there is worth exactly.

The leader's mid F is a Brownian motion; mid here is that of `lead_s` before. Those who trade here look there: an order
goes as far as F plus an exponential distance, if that reaches the touch. A quote at the depth d beyond the touch of an
anchor a is filled where the distance exceeds d − y, with y = s (F − a), s the direction of the order; mid comes to F
within the next second, so that a fill makes y less than its depth:

.. math:: E[net] = d - E[y\,w(y)] / E[w(y)], \quad w(y) = e^{-\kappa (d - y)^+}, \quad y \sim N(0, v),

.. math:: v / \sigma^2 = age + L (1 - \gamma)^2 + (1 - L) \gamma^2

for an anchor mid + γ·(the leader's last second), as it was `age` before, and a lead L of a second at most. It is least
for γ = L, and the gain over a quote around mid, γ = 0, is then near κ σ² L².

The sizes of the best quotes may tell of F as well: their imbalance is then I = ρ (F − mid) / (3 σ √L) + noise, of the
same variance for every ρ, and mid moves by 3 ρ σ √L a unit within the next second. For an anchor mid + that times I
the variance is age + L (1 − ρ²).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from market_making.market.tape import FloatArray, IntArray, QuoteTape, Tape, TradeTape
from market_making.simulation.regimes import require

STEP_MS = 50
_DEVIATIONS = 3.0  # of what mid is behind, that make the largest imbalance
_LARGEST = 0.99  # a side without size would be none


@dataclass(frozen=True, kw_only=True)
class LedMarket:
    """Truth of the pair.

    Parameters
    ----------
    lead_s : float
        How long mid here takes to follow, a multiple of `STEP_MS` from 0 to 1 s.
    price, tick, half_spread : float
        Price at the start, price step and half-spread of both [price].
    volatility : float
        σ [price/√s].
    order_rate : float
        How often somebody looks, both directions together [1/s]; not all trade.
    fill_decay : float
        κ of how far beyond F an order goes [1/price].
    telling : float
        ρ, how far the sizes of the best quotes tell where mid goes: 0 not at all, 1 exactly.

    Raises
    ------
    ConfigurationError
        If the lead is none that can be simulated, or the sizes tell more than all.
    """

    lead_s: float
    price: float = 3000.0
    tick: float = 0.01
    half_spread: float = 0.1
    volatility: float = 0.3
    order_rate: float = 3.0
    fill_decay: float = 2.0
    telling: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a lead that is none."""
        require(0 <= self.lead_s <= 1 and self._steps * STEP_MS == round(1e3 * self.lead_s), "lead_s", self.lead_s,
                "a multiple of 0.05 from 0 to 1")  # fmt: skip
        require(0 <= self.telling <= 1, "telling", self.telling, "from 0 to 1")

    @property
    def _steps(self) -> int:
        return round(1e3 * self.lead_s / STEP_MS)

    @property
    def response(self) -> float:
        """γ: how far mid moves in the next second for each unit that the leader moved in the last one [1]."""
        return self.lead_s

    @property
    def imbalance_response(self) -> float:
        """β: how far mid moves in the next second for each unit of the imbalance of the best sizes [price]."""
        return _DEVIATIONS * self.telling * self.volatility * float(np.sqrt(self.lead_s))

    def net_per_fill(self, depth: float, age_s: float, response: float) -> float:
        """What a fill makes within the next second, before the fee [price].

        Parameters
        ----------
        depth : float
            Of the quote, beyond the touch [price].
        age_s : float
            How old its anchor is [s].
        response : float
            γ of the anchor; 0 for mid.
        """
        lead = self.lead_s
        return self._net(depth, age_s + lead * (1 - response) ** 2 + (1 - lead) * response**2)

    def imbalance_gain(self, depth: float, age_s: float) -> float:
        """What a quote anchored at mid + β·imbalance makes more per fill than one around mid [price]."""
        told, untold = (self._net(depth, age_s + self.lead_s * (1 - part**2)) for part in (self.telling, 0.0))
        return told - untold

    def _net(self, depth: float, seconds: float) -> float:
        """What a fill makes if F may have moved for so long since the quote was made [price]."""
        variance = self.volatility**2 * seconds
        if variance <= 0:
            return self.half_spread + depth
        scale, tilt = float(np.sqrt(variance)), self.fill_decay * variance
        # Beyond the depth every order fills; before it the weight e^(κ y) moves the normal law to κ v. The two
        # truncated means have the same term at the edge with opposite signs, so that only the moved law is left.
        near = float(np.exp(self.fill_decay * (tilt / 2 - depth)) * ndtr((depth - tilt) / scale))
        far = float(ndtr(-depth / scale))
        return self.half_spread + depth - tilt * near / (near + far)

    def gain(self, depth: float, age_s: float, response: float) -> float:
        """What an anchored quote makes more per fill than one around mid [price]; parameters as for `net_per_fill`."""
        return self.net_per_fill(depth, age_s, response) - self.net_per_fill(depth, age_s, 0.0)

    def simulate(self, *, seed: int, seconds: float) -> tuple[Tape, QuoteTape]:
        """Tape of this market, and the leader's quotes with stamps of the same clock.

        Parameters
        ----------
        seed : int
            Same seed, same market.
        seconds : float
            Length of the tape.
        """
        random = np.random.default_rng(seed)
        count, end_ms = round(1e3 * seconds / STEP_MS), round(1e3 * seconds)
        step = self.volatility * np.sqrt(STEP_MS / 1e3)
        leading = self.price + np.cumsum(random.normal(0.0, step, count + self._steps))
        mid, ahead = leading[:count], leading[self._steps :]
        time_ms = np.arange(count, dtype=np.int64) * STEP_MS
        own, leader = (self._quotes(time_ms, column, random) for column in (mid, ahead))
        if self.imbalance_response > 0:
            own = self._telling(own, ahead - mid, random)
        trades = self._trades(own, leader, end_ms, random)
        return Tape(own, trades, np.empty((0, 2), np.int64), 0, end_ms), leader

    def _quotes(self, time_ms: IntArray, mid: FloatArray, random: np.random.Generator) -> QuoteTape:
        """Best quotes around a mid; their sizes tell nothing."""
        sizes = random.exponential(1.0, (2, len(mid)))
        return QuoteTape(time_ms, mid - self.half_spread, sizes[0], mid + self.half_spread, sizes[1])

    def _telling(self, quotes: QuoteTape, behind: FloatArray, random: np.random.Generator) -> QuoteTape:
        """The same quotes; their sizes tell how far mid is behind the leader."""
        told = self.telling * behind / (self.volatility * np.sqrt(self.lead_s))
        untold = np.sqrt(1 - self.telling**2) * random.normal(size=len(behind))
        imbalance = np.clip((told + untold) / _DEVIATIONS, -_LARGEST, _LARGEST)
        total = quotes.bid_size + quotes.ask_size
        return quotes._replace(bid_size=total * (1 + imbalance) / 2, ask_size=total * (1 - imbalance) / 2)

    def _trades(self, own: QuoteTape, leader: QuoteTape, end_ms: int, random: np.random.Generator) -> TradeTape:
        time_ms = np.sort(random.integers(1, end_ms, random.poisson(self.order_rate * end_ms / 1e3)))
        sign = random.choice(np.array([-1, 1]), len(time_ms))
        before = (time_ms - 1) // STEP_MS
        beyond = self.half_spread + random.exponential(1 / self.fill_decay, len(time_ms))
        far = leader.mid[before] + sign * beyond
        trades = sign * (far - own.mid[before]) >= self.half_spread
        number = np.arange(len(time_ms), dtype=np.int64)
        sizes = np.ones(len(time_ms))
        return TradeTape(time_ms[trades], sign[trades], far[trades], sizes[trades], number[trades])
