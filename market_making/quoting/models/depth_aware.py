"""Tiers of quotes around the microprice, near or far by volatility, book, own fills and position.

The nearest and the farthest tier follow from a zone of volatility, widened for every reason to be careful and narrowed
in a deep book; the tiers between them stand in geometric progression, with 70 % of the size in the nearest five. Where
only one order can rest a side, the tier that is expected to earn most stands for all of them (`ladders.collapse`).
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import prod
from typing import NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.models.ladders import collapse, merged_outward
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import SMALLEST_SIZE, DepthBounds, fault, place
from market_making.quoting.quote import MarketView, Quote, Quoter, Quotes, Withheld
from market_making.quoting.readings.book_depth import BookDepth, book_depth, funding_shift
from market_making.quoting.readings.markouts import factor_of
from market_making.quoting.readings.observations import Observations, RiskLevel
from market_making.quoting.readings.volatility import annualised

_ZONES = ((0.08, 1.0, 10.0), (0.15, 2.0, 20.0), (0.25, 5.0, 35.0))  # annual volatility below, nearest, farthest bps
_WILD_ZONE = (10.0, 50.0)
_USUAL_MULTIPLES = (0.5, 1.0, 1.5)
_FARTHEST_BPS, _MOST_WIDENING = 50.0, 6.0
_RISK_FACTORS = {RiskLevel.NORMAL: 1.0, RiskLevel.MEDIUM: 1.3, RiskLevel.HIGH: 1.8, RiskLevel.CRITICAL: 3.0}
_NEAR_TIERS, _FADE_AT = 5, 3


@dataclass(frozen=True)
class DepthAwareSettings:
    """What the user decides.

    Parameters
    ----------
    tiers : int
        On each side.
    near_share : float
        Of the size, in the nearest five tiers.
    side_size : float
        All tiers of a side together [lots].
    smallest_size : float
        A smaller tier is dropped [lots].
    maximum_inventory : int
        Bound on both sides [lots].
    skew_from, widen_from, one_sided_from : float
        Shares of the bound from which the fair value shifts, the growing side moves away, and is withheld.
    skew_strength : float
        Shift of the fair value at the bound, as a share of the distance of the farthest tier.
    least_notional : float
        Both sides of the book must hold more, or nothing is quoted [quote currency].
    funding_holding_s : float
        Time over which funding is priced in [s].
    maker_fee, minimum_edge_bps : float
        No tier is nearer to mid than one fee and the edge.
    bounds : DepthBounds
        Of the final distance from mid.
    """

    tiers: int = 12
    near_share: float = 0.7
    side_size: float = 3.0
    smallest_size: float = 0.1
    maximum_inventory: int = 3
    skew_from: float = 0.1
    widen_from: float = 0.3
    one_sided_from: float = 0.5
    skew_strength: float = 0.1
    least_notional: float = 20_000.0
    funding_holding_s: float = 600.0
    maker_fee: float = 0.00015
    minimum_edge_bps: float = 0.0
    bounds: DepthBounds = field(default_factory=DepthBounds)

    def __post_init__(self) -> None:
        if self.tiers < 2 or not 0 < self.near_share < 1:
            raise ConfigurationError(
                f"tiers is {self.tiers} and near_share {self.near_share}, needed are >= 2 and (0, 1)"
            )
        if not 0 <= self.skew_from <= self.widen_from <= self.one_sided_from <= 1:
            raise ConfigurationError(
                f"skew_from {self.skew_from}, widen_from {self.widen_from} and one_sided_from {self.one_sided_from} "
                "must ascend from 0 to 1"
            )

    @property
    def nearest_bps(self) -> float:
        """The least distance that does not lose by itself [bps]."""
        return max(1.0, 1e4 * self.maker_fee + self.minimum_edge_bps)


class SpreadBand(NamedTuple):
    """Distance of the nearest and of the farthest tier from the fair value [bps]."""

    nearest: float
    farthest: float


def volatility_zone(volatility: float, usual: float | None) -> SpreadBand:
    """Band of a zone of volatility; both relative per √s. With what is usual known, zones are multiples of it."""
    if usual is None:
        size = annualised(volatility)
        limits = [zone[0] for zone in _ZONES]
    else:
        size, limits = volatility, [multiple * usual for multiple in _USUAL_MULTIPLES]
    for limit, (_, nearest, farthest) in zip(limits, _ZONES, strict=True):
        if size < limit:
            return SpreadBand(nearest, farthest)
    return SpreadBand(*_WILD_ZONE)


def spread_band(zone: SpreadBand, book: BookDepth, seen: Observations, settings: DepthAwareSettings) -> SpreadBand:
    """The zone, widened for every reason to be careful (together at most six times), narrowed in a deep book."""
    wideners = list(_wideners(book, seen))
    near = min(prod(pair[0] for pair in wideners), _MOST_WIDENING)
    far = min(prod(pair[1] for pair in wideners), _MOST_WIDENING)
    if book.mean_notional > 2 * settings.least_notional:
        near, far = 0.8 * near, 0.9 * far
    nearest = max(zone.nearest * near, settings.nearest_bps)
    farthest = min(max(zone.farthest * far, 2 * nearest), _FARTHEST_BPS)
    return SpreadBand(min(nearest, farthest), farthest)


def _wideners(book: BookDepth, seen: Observations) -> tuple[tuple[float, float], ...]:
    """Factors on the nearest and the farthest distance."""
    capture = seen.recent_capture_bps
    margin = 1 + 5 * max(0.0, seen.margin_used - 0.8)
    risk = _RISK_FACTORS[seen.risk_level]
    return (
        (1.5, 1.3) if abs(book.imbalance) > 0.3 else (1.0, 1.0),
        (2.0, 1.5) if capture is not None and capture < -2 else (1.0, 1.0),
        (2.5, 2.0) if seen.losing_fills >= _FADE_AT else (1.0, 1.0),
        (risk, risk),
        (margin, margin),
    )


@lru_cache(maxsize=64)
def tier_ratio(tiers: int, near_share: float) -> float:
    """Ratio of neighbouring sizes that puts this share into the nearest five tiers; 1 where even sizes hold more."""
    low, high = 1e-9, 1.0
    for _ in range(100):
        ratio = (low + high) / 2
        near, total = (sum(ratio**tier for tier in range(count)) for count in (min(_NEAR_TIERS, tiers), tiers))
        low, high = (ratio, high) if near / total > near_share else (low, ratio)
    return high


def tiers(band: SpreadBand, size: float, settings: DepthAwareSettings) -> tuple[tuple[float, float], ...]:
    """Distance from the fair value [bps] and size [lots] of each tier, nearest first; too small ones go further out."""
    ratio = tier_ratio(settings.tiers, settings.near_share)
    weights = [ratio**tier for tier in range(settings.tiers)]
    growth = band.farthest / band.nearest
    distances = [band.nearest * growth ** (tier / (settings.tiers - 1)) for tier in range(settings.tiers)]
    sizes = [size * weight / sum(weights) for weight in weights]
    orders = merged_outward(sizes, settings.smallest_size)
    return tuple(pair for pair in zip(distances, orders, strict=True) if pair[1] > 0)


def merged(levels: tuple[Quote, ...]) -> tuple[Quote, ...]:
    """Levels of equal price become one with the sum of their sizes: what rounding to ticks does to near tiers."""
    sums: dict[float, Quote] = {}
    for level in levels:
        known = sums.get(level.price)
        sums[level.price] = level if known is None else known._replace(size=known.size + level.size)
    return tuple(sums.values())


def side_levels(
    side: Side, market: MarketView, inventory: float, flow: OrderFlow, settings: DepthAwareSettings
) -> tuple[Quote, ...] | Withheld:
    """All tiers of one side, or why there are none."""
    seen, book = market.observations, book_depth(market)
    if not book.is_liquid(settings.least_notional):
        detail = f"the book holds {min(book[:2]):.0f} on a side, needed is {settings.least_notional:.0f}"
        return Withheld(Reason.THIN_BOOK, detail)
    share = inventory / settings.maximum_inventory
    growing = share > 0 if side is Side.BID else share < 0
    room = settings.maximum_inventory - (inventory if side is Side.BID else -inventory)
    if growing and abs(share) > settings.one_sided_from:
        return Withheld(Reason.AT_BOUND, f"the inventory is {100 * abs(share):.0f} % of its bound")
    if room < SMALLEST_SIZE:
        return Withheld(Reason.AT_BOUND, "at maximum inventory")
    volatility = (flow.volatility if seen.volatility is None else seen.volatility) / market.mid
    usual = None if seen.usual_volatility is None else seen.usual_volatility / market.mid
    band = spread_band(volatility_zone(volatility, usual), book, seen, settings)
    factor = _distance_factor(abs(share), growing, settings) * factor_of(seen.markout_factors, side, inventory)
    if factor == float("inf"):
        return Withheld(Reason.TOXIC_FLOW, "fills on this side are followed by adverse moves")
    fair = fair_value(market, share, flow.funding_rate, band, settings)
    size = min(settings.side_size, room)
    return tuple(_quote(side, fair, market.mid, bps * factor, lots) for bps, lots in tiers(band, size, settings))


def fair_value(
    market: MarketView, share: float, funding_rate: float, band: SpreadBand, settings: DepthAwareSettings
) -> float:
    """Microprice, shifted against inventory (a share of its bound) and by funding, which a long pays [1/s] [price]."""
    strength = min(abs(share), 1.0) if abs(share) >= settings.skew_from else 0.0
    skew = strength * settings.skew_strength * band.farthest * market.mid / 1e4
    funding = funding_shift(market.mid, funding_rate, settings.funding_holding_s)
    return market.microprice + (-skew if share > 0 else skew) + funding


def _distance_factor(share: float, growing: bool, settings: DepthAwareSettings) -> float:
    return 1 + 2 * min(share, 1.0) if growing and share >= settings.widen_from else 1.0


def _quote(side: Side, fair: float, mid: float, bps: float, size: float) -> Quote:
    sign = -1 if side is Side.BID else 1
    price = fair + sign * bps * mid / 1e4
    return Quote(price, sign * (price - mid), size)


def quoter(settings: DepthAwareSettings) -> Quoter:
    """Quoter of the collapsed tiers."""

    def quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG001 - the model has no horizon
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        fee = settings.maker_fee * market.mid

        def one(side: Side) -> Quote | Withheld:
            levels = side_levels(side, market, inventory, flow, settings)
            if isinstance(levels, Withheld):
                return levels
            return collapse(levels, side, flow, fee, inventory=inventory)

        sides = Sides(bid=one(Side.BID), ask=one(Side.ASK))
        placed = place(market, sides, settings.bounds.at_least(settings.nearest_bps))
        return replace(placed, faded=market.observations.losing_fills >= _FADE_AT)

    return quotes
