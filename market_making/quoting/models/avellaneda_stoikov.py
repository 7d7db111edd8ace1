r"""The quotes of Avellaneda and Stoikov: a reservation price that leans against inventory, and a spread around it.

.. math::
    r = S - q\,\gamma\,\sigma^2 \tau, \qquad
    d^{\pm} = \frac1\gamma \ln\!\Big(1 + \frac{\gamma}{\kappa^{\pm}}\Big) + \tfrac12 \gamma \sigma^2 \tau,
    \qquad \text{ask} = r + d^+, \quad \text{bid} = r - d^-

with γ per price and lot. Source: Avellaneda and Stoikov (2008), equations (29)–(30); one κ there, one per side here.
"""

from dataclasses import dataclass
from math import log1p

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import fault, numbers_only, offers, sizes_within
from market_making.quoting.quote import MarketView, Quoter, Quotes
from market_making.quoting.terms import Terms

_DAY_MS = 86_400_000
_NEGLIGIBLE = 1e-8  # γ/κ below which the logarithm is its limit to rounding


@dataclass(frozen=True)
class AvellanedaStoikovSettings:
    """What the user decides.

    Parameters
    ----------
    risk_aversion : float
        γ of the exponential utility of money [1/quote currency]; per lot it is multiplied by the lot.
    order_notional : float
        Value of one lot [quote currency].
    horizon_s : float
        Time for which inventory is a risk [s].
    until_midnight : bool
        Count the time left to 00:00 UTC instead; the spread then collapses towards midnight.
    maximum_inventory : int
        Bound on both sides [lots].
    maker_fee : float
        Share of the value of a fill; each side keeps one fee of distance from mid.
    minimum_edge_bps : float
        Kept from mid on top of the fee.
    minimum_spread_bps : float
        Least distance of ask and bid, centred on the reservation price.
    tilt_bps : float
        Further shift of both quotes against inventory, for each `soft_inventory` lots and at least once.
    soft_inventory : float
        See `tilt_bps` [lots].
    """

    risk_aversion: float = 0.1
    order_notional: float = 100.0
    horizon_s: float = 60.0
    until_midnight: bool = False
    maximum_inventory: int = 3
    maker_fee: float = 0.00015
    minimum_edge_bps: float = 0.0
    minimum_spread_bps: float = 0.0
    tilt_bps: float = 0.0
    soft_inventory: float = 1.0

    def __post_init__(self) -> None:
        for key in ("risk_aversion", "order_notional", "horizon_s", "maximum_inventory", "soft_inventory"):
            if not getattr(self, key) > 0:
                raise ConfigurationError(f"{key} must be positive, got {getattr(self, key)}")

    def time_left_s(self, now_ms: int) -> float:
        """Time for which inventory is a risk from now on [s]."""
        return (_DAY_MS - now_ms % _DAY_MS) / 1e3 if self.until_midnight else self.horizon_s


def reservation_shift(inventory: float, risk_aversion: float, volatility: float, time_left_s: float) -> float:
    """How far the reservation price lies from mid, q γ σ² τ downwards [price]; γ per price and lot."""
    return -inventory * risk_aversion * volatility**2 * time_left_s


def half_spread(decay: float, risk_aversion: float, volatility: float, time_left_s: float) -> float:
    """Distance of a quote from the reservation price [price]; 1/κ in the limit of no risk aversion."""
    return room(decay, risk_aversion) + risk_aversion * volatility**2 * time_left_s / 2


def room(decay: float, risk_aversion: float) -> float:
    """What the half-spread holds without volatility [price]; 1/κ in the limit of no risk aversion."""
    ratio = risk_aversion / decay
    return log1p(ratio) / risk_aversion if ratio > _NEGLIGIBLE else 1 / decay


def quoter(settings: AvellanedaStoikovSettings) -> Quoter:
    """Quoter of Avellaneda and Stoikov with volatility and fill decay from the calibration."""

    def quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        terms = _terms(settings, market.mid, inventory, flow, settings.time_left_s(now_ms))
        sizes = sizes_within(inventory, settings.maximum_inventory)
        return Quotes(offers(market, terms, sizes).map(numbers_only))

    return quotes


def _terms(
    settings: AvellanedaStoikovSettings, mid: float, inventory: float, flow: OrderFlow, time_left_s: float
) -> Sides[Terms]:
    """The logarithm is the room, ½γσ²τ the volatility; a least spread, the fee and the edge lift as the floor."""
    aversion = settings.risk_aversion * settings.order_notional / mid
    rooms = flow.fill_decay.on_quotes().map(lambda decay: room(decay, aversion))
    volatility = aversion * flow.volatility**2 * time_left_s / 2
    missing = max(0.0, settings.minimum_spread_bps * mid / 1e4 - rooms.bid - rooms.ask - 2 * volatility)
    shift = reservation_shift(inventory, aversion, flow.volatility, time_left_s)
    shift += tilt(settings, inventory) * mid / 1e4
    nearest = max(0.0, settings.maker_fee * mid + settings.minimum_edge_bps * mid / 1e4)

    def terms(side_room: float, inventory_part: float) -> Terms:
        parts = Terms(room=side_room, volatility=volatility, inventory=inventory_part, floor=missing / 2)
        return parts.at_least(nearest)

    return Sides(bid=terms(rooms.bid, -shift), ask=terms(rooms.ask, shift))


def tilt(settings: AvellanedaStoikovSettings, inventory: float) -> float:
    """Further shift of both quotes against inventory [bps of mid]; none when flat."""
    if inventory == 0:
        return 0.0
    size = settings.tilt_bps * max(1.0, abs(inventory) / settings.soft_inventory)
    return -size if inventory > 0 else size
