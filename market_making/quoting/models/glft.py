r"""The closed form of Guéant, Lehalle and Fernandez-Tapia: constant half-spread, skew linear in inventory.

.. math::
    c_1 = \frac{\ln(1 + \xi/\kappa)}{\xi} + \varepsilon + fS, \qquad
    \text{skew} = \sigma \sqrt{\frac{\gamma}{a^+ + a^-}}, \qquad
    a = A\,\kappa\,e^{-\kappa(\varepsilon + fS)} \Big(1 + \frac{\xi}{\kappa}\Big)^{-\kappa/\xi - 1}

    d^{\pm} = c_1^{\pm} + \text{skew}/2 \mp q\,\text{skew}

with ξ = γ for exponential utility and ξ → 0 for a penalised mean, per price and lot. With equal sides and no adverse
selection these are the published c₁ and c₂ = skew/σ for a fill of one lot; unequal sides share the skew by the
quadratic approximation of the value function (docs/model.md).

Source: Guéant, Lehalle, Fernandez-Tapia (2013), section 4; adverse selection and fee as in Cartea–Jaimungal.
"""

from dataclasses import dataclass
from math import exp, log1p, sqrt
from typing import Literal

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import fault, numbers_only, offers, sizes_within
from market_making.quoting.quote import MarketView, Quoter, Quotes
from market_making.quoting.terms import Terms

_NEGLIGIBLE = 1e-8  # ξ/κ below which the logarithms are their limits to rounding
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True)
class GlftSettings:
    """What the user decides; as in `avellaneda_stoikov.AvellanedaStoikovSettings`.

    `objective` is ``exponential`` for exponential utility (ξ = γ) or ``penalised`` for a mean less a penalty on
    inventory (ξ → 0), which is the objective of the Cartea–Jaimungal model.
    """

    risk_aversion: float = 0.1
    order_notional: float = 100.0
    objective: Literal["exponential", "penalised"] = "penalised"
    maximum_inventory: int = 3
    maker_fee: float = 0.00015

    def __post_init__(self) -> None:
        for key in ("risk_aversion", "order_notional", "maximum_inventory"):
            if not getattr(self, key) > 0:
                raise ConfigurationError(f"{key} must be positive, got {getattr(self, key)}")


def base_depth(decay: float, utility: float) -> float:
    """c₁ without costs: the depth without any inventory risk [price]; `utility` is ξ."""
    ratio = utility / decay
    return log1p(ratio) / utility if ratio > _NEGLIGIBLE else 1 / decay


def elasticity(intensity: float, decay: float, utility: float, cost: float = 0.0) -> float:
    """a: how fast the fill rate of a side answers to its depth at the optimum [1/(s·price)]; `utility` is ξ."""
    ratio = utility / decay
    exponent = (1 / ratio + 1) * log1p(ratio) if ratio > _NEGLIGIBLE else 1.0
    return intensity * decay * exp(min(-decay * cost - exponent, _LARGEST_EXPONENT))


def skew(volatility: float, risk_aversion: float, elasticities: Sides[float]) -> float:
    """Shift of both quotes for each lot of inventory [price]; σ c₂."""
    return volatility * sqrt(risk_aversion / (elasticities.bid + elasticities.ask))


def quoter(settings: GlftSettings) -> Quoter:
    """Quoter of the closed form with everything but risk aversion from the calibration."""

    def quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG001 - time does not enter a stationary model
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        if min(flow.fill_intensity) <= 0:
            detail = f"the fill intensities must be positive, got {tuple(flow.fill_intensity)}"
            return Quotes.none(Because(Reason.NO_SOLUTION, detail))
        terms = _terms(settings, market.mid, inventory, flow)
        if terms is None:
            return Quotes.none(Because(Reason.NO_SOLUTION, "fills cost so much that none are expected"))
        sizes = sizes_within(inventory, settings.maximum_inventory)
        return Quotes(offers(market, terms, sizes).map(numbers_only))

    return quotes


def _terms(settings: GlftSettings, mid: float, inventory: float, flow: OrderFlow) -> Sides[Terms] | None:
    """The terms of c₁, half the skew as the volatility, q skews as the inventory; None without a skew."""
    aversion = settings.risk_aversion * settings.order_notional / mid
    utility = aversion if settings.objective == "exponential" else 0.0
    adverse, fee = flow.adverse_selection_on_fill.on_quotes(), settings.maker_fee * mid
    costs = adverse.map(lambda move: move + fee)
    decays, intensities = flow.fill_decay.on_quotes(), flow.fill_intensity.on_quotes()
    answers = Sides(*(elasticity(a, k, utility, c) for a, k, c in zip(intensities, decays, costs, strict=True)))
    if min(answers) <= 0:
        return None
    step = skew(flow.volatility, aversion, answers)

    def terms(decay: float, move: float, held: float) -> Terms:
        parts = Terms(base_depth(decay, utility), move, fee, inventory=step * held, volatility=step / 2)
        # Where a fill costs many times what an order walks, the skew of the approximation knows no bound.
        return parts.at_least(max(0.0, fee))

    return Sides(bid=terms(decays.bid, adverse.bid, inventory), ask=terms(decays.ask, adverse.ask, -inventory))
