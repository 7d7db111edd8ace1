"""Tiers of quotes around the microprice, near or far by volatility, book, own fills and position.

The nearest and the farthest tier follow from a zone of volatility, widened for every reason to be careful and narrowed
in a deep book; the tiers between them stand in geometric progression, with 70 % of the size in the nearest five. Where
only one order can rest per side, the tier that is expected to earn most stands for all of them (`ladders.collapse`).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.market.sums import in_sequence
from market_making.quoting.models.ladders import collapse, merged_outward
from market_making.quoting.models.levels import by_level
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import SMALLEST_SIZE, fault, numbers_only, picked_off
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.readings.book_depth import BookDepth, book_depth, funding_shift
from market_making.quoting.readings.markouts import factor_of
from market_making.quoting.readings.observations import Observations, RiskLevel
from market_making.quoting.readings.volatility import annualised
from market_making.quoting.terms import Terms

_ZONES = ((0.08, 1.0, 10.0), (0.15, 2.0, 20.0), (0.25, 5.0, 35.0))  # annual volatility below, nearest, farthest bps
_WILD_ZONE = (10.0, 50.0)
_USUAL_MULTIPLES = (0.5, 1.0, 1.5)
_FARTHEST_BPS, _MOST_WIDENING = 50.0, 6.0
# Factors on the nearest and the farthest distance, and from where they hold.
_LOPSIDED_FROM, _LOPSIDED = 0.3, (1.5, 1.3)
_PICKED_OFF_BELOW_BPS, _PICKED_OFF = -2.0, (2.0, 1.5)
_LOSING = 2.5, 2.0
_IN_DEEP_BOOK = 0.8, 0.9
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

    def __post_init__(self) -> None:
        if self.tiers < 2 or not 0 < self.near_share < 1:
            raise ConfigurationError(
                f"tiers must be at least 2 and near_share between 0 and 1, got {self.tiers} and {self.near_share}"
            )
        if not 0 <= self.skew_from <= self.widen_from <= self.one_sided_from <= 1:
            raise ConfigurationError(
                "skew_from, widen_from and one_sided_from must ascend from 0 to 1, "
                f"got {self.skew_from}, {self.widen_from} and {self.one_sided_from}"
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


def widened(zone: SpreadBand, book: BookDepth, seen: Observations, settings: DepthAwareSettings) -> SpreadBand:
    """The zone, widened for every reason to be careful (together at most six times), narrowed in a deep book."""
    nearest, farthest = zip(*_wideners(book, seen), strict=True)
    near, far = min(prod(nearest), _MOST_WIDENING), min(prod(farthest), _MOST_WIDENING)
    if book.mean_notional > 2 * settings.least_notional:
        near, far = _IN_DEEP_BOOK[0] * near, _IN_DEEP_BOOK[1] * far
    return SpreadBand(zone.nearest * near, zone.farthest * far)


def limited(band: SpreadBand, settings: DepthAwareSettings) -> SpreadBand:
    """The band from the least distance that does not lose by itself to the farthest there is, and not too narrow."""
    nearest = max(band.nearest, settings.nearest_bps)
    farthest = min(max(band.farthest, 2 * nearest), _FARTHEST_BPS)
    return SpreadBand(min(nearest, farthest), farthest)


def _wideners(book: BookDepth, seen: Observations) -> tuple[tuple[float, float], ...]:
    """Factors on the nearest and the farthest distance."""
    capture = seen.recent_capture_bps
    margin = 1 + 5 * max(0.0, seen.margin_used - 0.8)
    risk = _RISK_FACTORS[seen.risk_level]
    return (
        _LOPSIDED if abs(book.imbalance) > _LOPSIDED_FROM else (1.0, 1.0),
        _PICKED_OFF if capture is not None and capture < _PICKED_OFF_BELOW_BPS else (1.0, 1.0),
        _LOSING if seen.losing_fills >= _FADE_AT else (1.0, 1.0),
        (risk, risk),
        (margin, margin),
    )


@lru_cache(maxsize=64)
def tier_ratio(tiers: int, near_share: float) -> float:
    """Ratio of neighbouring sizes that puts this share into the nearest five tiers; 1 where even sizes hold more."""
    low, high = 1e-9, 1.0
    for _ in range(100):
        ratio = (low + high) / 2
        near, total = (in_sequence(ratio**tier for tier in range(count)) for count in (min(_NEAR_TIERS, tiers), tiers))
        low, high = (ratio, high) if near / total > near_share else (low, ratio)
    return high


@lru_cache(maxsize=64)
def tier_distances(band: SpreadBand, count: int) -> tuple[float, ...]:
    """Distance of each tier from the fair value [bps], nearest first, in geometric progression."""
    growth = band.farthest / band.nearest
    return tuple([band.nearest * growth ** (tier / (count - 1)) for tier in range(count)])


def tier_weights(settings: DepthAwareSettings) -> list[float]:
    """Size of each tier as a multiple of the nearest one's, nearest first."""
    ratio = tier_ratio(settings.tiers, settings.near_share)
    return [ratio**tier for tier in range(settings.tiers)]


@lru_cache(maxsize=64)
def tier_sizes(size: float, settings: DepthAwareSettings) -> tuple[float, ...]:
    """Size of each tier [lots], nearest first; what is too small goes further out and leaves a tier of 0."""
    weights = tier_weights(settings)
    total = in_sequence(weights)
    return tuple(merged_outward([size * weight / total for weight in weights], settings.smallest_size))


def side_levels(
    side: Side, market: MarketView, inventory: float, flow: OrderFlow, settings: DepthAwareSettings
) -> tuple[Quote, ...] | Withheld:
    """All tiers of one side, or why there are none."""
    return _side_levels(side, Scene.of(market, flow, settings), inventory, settings)


def _side_levels(
    side: Side, scene: "Scene", inventory: float, settings: DepthAwareSettings
) -> tuple[Quote, ...] | Withheld:
    market, share = scene.market, inventory / settings.maximum_inventory
    if refusal := _refusal(side, market, scene.book, inventory, settings):
        return refusal
    growing = share > 0 if side is Side.BID else share < 0
    mid, sign = market.mid, -1 if side is Side.BID else 1
    unit, leaning = mid / 1e4, sign * scene.leaning
    grown = _distance_factor(abs(share), growing, settings)
    markout = (factor_of(market.observations.markout_factors, side, inventory) - 1) * grown
    skew = sign * inventory_skew(mid, share, scene.bands.limited, settings)
    room = settings.maximum_inventory - (inventory if side is Side.BID else -inventory)
    sizes = tier_sizes(min(settings.side_size, room), settings)
    levels = []
    for (zone, wide, distance), lots in zip(scene.distances, sizes, strict=True):
        if lots > 0:
            terms = Terms(
                adverse_selection=markout * distance * unit,
                inventory=(grown - 1) * distance * unit + skew,
                level=zone * unit,
                fair_value=leaning,
                floor=(distance - wide) * unit,
                risk=(wide - zone) * unit,
            )
            levels.append(Quote.at(side, mid, terms, lots))
    return tuple(levels)


class Bands(NamedTuple):
    """The zone of volatility, the same widened for every reason to be careful, and that within its limits."""

    zone: SpreadBand
    wide: SpreadBand
    limited: SpreadBand

    @classmethod
    def of(cls, market: MarketView, book: BookDepth, flow: OrderFlow, settings: DepthAwareSettings) -> "Bands":
        """Bands of a market, from the volatility that is observed, else from the calibrated one."""
        seen = market.observations
        volatility = (flow.volatility if seen.volatility is None else seen.volatility) / market.mid
        zone = volatility_zone(
            volatility, None if seen.usual_volatility is None else seen.usual_volatility / market.mid
        )
        wide = widened(zone, book, seen, settings)
        return cls(zone, wide, limited(wide, settings))


class Scene(NamedTuple):
    """What both sides share.

    Attributes
    ----------
    market : MarketView
        Now.
    book : BookDepth
        What rests in it.
    bands : Bands
        Of the spread.
    distances : tuple of tuple of float
        Of each tier in each of the bands, nearest tier first [bps].
    leaning : float
        Fair value less mid [price].
    """

    market: MarketView
    book: BookDepth
    bands: Bands
    distances: tuple[tuple[float, ...], ...]
    leaning: float

    @classmethod
    def of(cls, market: MarketView, flow: OrderFlow, settings: DepthAwareSettings) -> "Scene":
        """Look at a market."""
        book = book_depth(market)
        bands = Bands.of(market, book, flow, settings)
        distances = zip(*[tier_distances(band, settings.tiers) for band in bands], strict=True)
        leaning = fair_value(market, flow.funding_rate, settings) - market.mid
        return cls(market, book, bands, tuple(distances), leaning)


def _refusal(
    side: Side, market: MarketView, book: BookDepth, inventory: float, settings: DepthAwareSettings
) -> Withheld | None:
    """Why there are no tiers on one side, or None."""
    if not book.is_liquid(settings.least_notional):
        detail = f"the book holds {min(book[:2]):.0f} on a side, at least {settings.least_notional:.0f} are needed"
        return Withheld(Reason.THIN_BOOK, detail)
    share = (inventory if side is Side.BID else -inventory) / settings.maximum_inventory
    if share > settings.one_sided_from:
        return Withheld(Reason.AT_BOUND, f"the inventory is {100 * share:.0f} % of its bound")
    if settings.maximum_inventory * (1 - share) < SMALLEST_SIZE:
        return Withheld(Reason.AT_BOUND, "at maximum inventory")
    return picked_off(market, side, inventory)


def fair_value(market: MarketView, funding_rate: float, settings: DepthAwareSettings) -> float:
    """Microprice, shifted by funding, which a long pays [1/s] [price]."""
    return market.microprice + funding_shift(market.mid, funding_rate, settings.funding_holding_s)


def inventory_skew(mid: float, share: float, band: SpreadBand, settings: DepthAwareSettings) -> float:
    """Shift of both quotes against inventory, a share of its bound [price]."""
    strength = min(abs(share), 1.0) if abs(share) >= settings.skew_from else 0.0
    skew = strength * settings.skew_strength * band.farthest * mid / 1e4
    return -skew if share > 0 else skew


def _distance_factor(share: float, growing: bool, settings: DepthAwareSettings) -> float:
    return 1 + 2 * min(share, 1.0) if growing and share >= settings.widen_from else 1.0


@dataclass(frozen=True)
class DepthAwareQuoter:
    """The tiers as a model: it quotes the tier that should earn most, or all of them (`levels`)."""

    settings: DepthAwareSettings

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG002 - the model has no horizon
        """Quotes of the collapsed tiers."""
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        fee, scene = self.settings.maker_fee * market.mid, Scene.of(market, flow, self.settings)

        def one(side: Side) -> Quote | Withheld:
            levels = _side_levels(side, scene, inventory, self.settings)
            if isinstance(levels, Withheld):
                return levels
            best = collapse(levels, side, flow, fee, inventory=inventory)
            return best if isinstance(best, Withheld) else self._lifted(best, side, market)

        return self._quotes(Sides(bid=one(Side.BID), ask=one(Side.ASK)), market)

    def levels(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> tuple[Quotes, ...]:  # noqa: ARG002 - the model has no horizon
        """Quotes of every tier, nearest first."""
        if because := fault(market, inventory, flow):
            return (Quotes.none(because),)

        scene = Scene.of(market, flow, self.settings)

        def all_of(side: Side) -> tuple[Quote | Withheld, ...]:
            levels = _side_levels(side, scene, inventory, self.settings)
            if isinstance(levels, Withheld):
                return (levels,)
            return tuple(self._lifted(level, side, market) for level in levels)

        return tuple(self._quotes(sides, market) for sides in by_level(all_of(Side.BID), all_of(Side.ASK)))

    def _lifted(self, quote: Quote, side: Side, market: MarketView) -> Quote:
        """A tier, no nearer to mid than the least distance that does not lose by itself."""
        terms = quote.terms.at_least(self.settings.nearest_bps * market.mid / 1e4)
        return Quote.at(side, market.mid, terms, quote.size)

    def _quotes(self, sides: Sides[Quote | Withheld], market: MarketView) -> Quotes:
        losing = market.observations.losing_fills >= _FADE_AT
        return Quotes(sides.map(numbers_only), answers_losses=losing, anchored=True)


def quoter(settings: DepthAwareSettings) -> DepthAwareQuoter:
    """Quoter of the collapsed tiers."""
    return DepthAwareQuoter(settings)
