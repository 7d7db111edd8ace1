"""What a scan says of one coin: its figures, whether it is refused, and in plain words why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, NamedTuple

from calibration.publication.parameters import finite_or_none
from calibration.scanning.candidates import ENOUGH_REACHED, Candidate
from calibration.scanning.requoting import ACTION_PRICE
from market_making.quoting.risk.toxicity import Regime


@dataclass(frozen=True)
class Figures:
    """What quoting one coin on both sides would bring.

    Money in quote currency, depths in bps of mid, inventory in lots.

    Parameters
    ----------
    state : Regime
        What the bot would do at this toxicity.
    maker_fee_bps : float
        What a fill costs there.
    net_per_hour, low, high : float
        Expected earnings net of adverse selection and fee, with their 95 % interval.
    net_per_100 : float
        The same per hour and 100 of the largest position.
    noise_per_hour : float
        Standard deviation of the earnings of one hour that comes from holding inventory while mid moves.
    break_even_fee_bps : float
        Highest maker fee at which it pays; NaN if not even a rebate of 100 bps helps.
    toxicity : float
        κ(ε + fee) of the worse side.
    bid_depth_bps, ask_depth_bps : float
        The quotes without inventory; NaN where there are none.
    bid_deepest_bps, ask_deepest_bps : float
        How far market orders of the window reached.
    bid_margin_bps, ask_margin_bps : float
        What a fill at that depth earns after adverse selection and fee.
    fills_per_hour, turnover_per_hour : float
        Both sides together; turnover in quote currency.
    inventory_sd, inventory_95 : float
        Standard deviation, and what |inventory| does not exceed for 95 % of the time.
    lot_value, capital : float
        Of one lot, and of the largest position and one more order at the leverage of the configuration.
    actions_per_hour, action_cost_per_hour : float
        What keeping the quotes in place asks of the exchange, and the price of the part that volume does not earn.
    """

    state: Regime
    maker_fee_bps: float
    net_per_hour: float
    net_per_100: float
    low: float
    high: float
    noise_per_hour: float
    break_even_fee_bps: float
    toxicity: float
    bid_depth_bps: float
    ask_depth_bps: float
    bid_deepest_bps: float
    ask_deepest_bps: float
    bid_margin_bps: float
    ask_margin_bps: float
    fills_per_hour: float
    turnover_per_hour: float
    inventory_sd: float
    inventory_95: float
    lot_value: float
    capital: float
    actions_per_hour: float
    action_cost_per_hour: float


class Terms(NamedTuple):
    """What a coin must stand up to."""

    minimum_per_hour: float
    pause_toxicity: float


@dataclass(frozen=True)
class Prospect:
    """One line of a scan; without figures where nothing can be said."""

    coin: str
    refused: bool
    reason: str
    figures: Figures | None = None
    end_ms: int | None = None
    status: str | None = None
    pays_from_volume: float | None = None

    @classmethod
    def unknown(cls, coin: str, reason: str) -> "Prospect":
        """A coin of which nothing can be said."""
        return cls(coin, refused=True, reason=reason)

    @classmethod
    def judged(cls, candidate: Candidate, figures: Figures, terms: Terms) -> "Prospect":
        """A coin that is refused for the first reason there is, or recommended."""
        refusal = candidate.objection or _refusal(figures, terms)
        reason = refusal or _recommendation(candidate, figures)
        pays_from = _pays_from(candidate.terms.tier_fees, figures.break_even_fee_bps)
        if candidate.objection:
            pays_from = None
        return cls(candidate.coin, bool(refusal), reason, figures, candidate.end_ms, candidate.status, pays_from)

    @property
    def rank(self) -> tuple[bool, bool, float, str]:
        """Ascending from the best."""
        net = self.figures.net_per_hour if self.figures else 0.0
        return self.refused, self.figures is None, -net, self.coin

    @property
    def state(self) -> Regime:
        """What the bot should do: a refused coin is not quoted."""
        return self.figures.state if self.figures and not self.refused else Regime.PAUSE

    def document(self) -> dict[str, Any]:
        """The same as JSON; null where nothing is known."""
        numbers: dict[str, Any] = dict.fromkeys(Figures.__dataclass_fields__)
        if self.figures:
            numbers |= {k: finite_or_none(v) if isinstance(v, float) else v for k, v in asdict(self.figures).items()}
        said = {"state": self.state.value, "reason": self.reason, "refused": self.refused}
        of_tiers = {"pays_from_volume": self.pays_from_volume}
        return {"coin": self.coin, **numbers, **said, **of_tiers, "status": self.status, "end_ms": self.end_ms}


def _pays_from(tier_fees: Sequence[tuple[float, float]], break_even_bps: float) -> float | None:
    """The least volume of 14 days with which the fee is low enough; None if none is, or nothing is known of tiers."""
    low_enough = (volume for volume, fee in tier_fees if 1e4 * fee < break_even_bps)
    return next(low_enough, None)


def _refusal(figures: Figures, terms: Terms) -> str:
    """Why a coin cannot pay; empty if it can."""
    if figures.state is Regime.PAUSE:
        return (
            f"toxic: with the fee a fill costs {figures.toxicity:.1f} times what an order walks on average, "
            f"limit {terms.pause_toxicity:g}"
        )
    return (
        _out_of_reach("bid", "sells", figures.bid_depth_bps, figures.bid_deepest_bps, figures.bid_margin_bps)
        or _out_of_reach("ask", "buys", figures.ask_depth_bps, figures.ask_deepest_bps, figures.ask_margin_bps)
        or _too_little(figures, terms.minimum_per_hour)
    )


def _out_of_reach(side: str, orders: str, depth: float, deepest: float, margin: float) -> str:
    if margin <= 0:
        return (
            f"no {side} pays: even {deepest:.1f} bps from mid, as far as {ENOUGH_REACHED} market {orders} reached, "
            f"a fill loses {-margin:.1f} bps"
        )
    if isnan(depth):
        return "no stationary quotes: market orders beyond the touch are needed on both sides"
    if depth > deepest:
        return (
            f"the earnings are extrapolated: the best {side} is {depth:.1f} bps from mid, and only {ENOUGH_REACHED} "
            f"market {orders} reached {deepest:.1f} bps or more"
        )
    return ""


def _too_little(figures: Figures, minimum: float) -> str:
    cost = figures.action_cost_per_hour
    needed = f"it must earn {minimum:.2f}" + (f" and {cost:.2f} for actions" if cost > 0 else "")
    if figures.high <= minimum + cost:
        return f"earns at most {figures.high:.2f} per hour even if all estimates err in its favour; {needed}"
    if figures.net_per_hour <= minimum + cost:
        return f"is expected to earn {figures.net_per_hour:.2f} per hour; {needed}"
    return ""


def _recommendation(candidate: Candidate, figures: Figures) -> str:
    depth = (figures.bid_depth_bps + figures.ask_depth_bps) / 2
    remarks = [f"a fill every {3600 / figures.fills_per_hour:.0f} s, {depth:.1f} bps from mid"]
    if figures.low <= 0:
        remarks.append("but it may lose")
    if figures.state is Regime.WIDEN:
        remarks.append("quotes widened")
    if candidate.status == "weak":
        remarks.append("estimates are weak")
    if figures.action_cost_per_hour > 0:
        missing = figures.action_cost_per_hour / ACTION_PRICE
        remarks.append(f"{missing:.0f} actions an hour more than its volume earns")
    return "; ".join(remarks)
