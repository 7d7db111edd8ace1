"""The coins of a scan: what is known of each market, from its recorded events or from its published parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress
from typing import NamedTuple

import numpy as np

from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from calibration.estimators.fill_decay import tail_range
from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.shadow_quote import Timing
from calibration.flow.calibrate import Calibration, calibrate_observed
from calibration.flow.shadow import ShadowMaker
from calibration.observation.increments import infer_increments
from calibration.observation.rolling import observe_window
from calibration.publication.document import PublishedFlow
from calibration.publication.parameters import Parameters, read_parameters
from calibration.scanning.resting import orders_of, presence, surplus, unseen
from market_making.market.errors import DataError, ModelError, ParameterError, StaleParameters
from market_making.market.selection import Selection
from market_making.market.sides import Direction, Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.recording.other_venues.recorded import names_among
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings

# A depth is supported if this many orders of the window reached it: the rate there is then known to within a factor 2.
ENOUGH_REACHED = 5


_NONE, _ALWAYS = Estimate(0.0, 0.0, 0.0, 0), Estimate(1.0, 1.0, 1.0, 0)


class MarketTerms(NamedTuple):
    """What it costs to trade on a market.

    Attributes
    ----------
    maker_fee : float or None
        Fraction of the value of a fill; None for that of the settings.
    actions_earned : float
        Actions that a unit of turnover earns.
    tier_fees : tuple of (float, float)
        Volumes of 14 days, ascending, and the maker fee here from each on; empty where they are not known.
    """

    maker_fee: float | None = None
    actions_earned: float = 1.0
    tier_fees: tuple[tuple[float, float], ...] = ()


class _Shadow(NamedTuple):
    """What the shadow maker tells of a market: depths [price], fills an hour, net per fill [price], two times [ms]."""

    depths: Sequence[float]
    fills_per_hour: Sequence[Estimate]
    net_per_fill: Sequence[Estimate]
    pause_ms: float
    aim_ms: float


TermsOf = Callable[[str], MarketTerms]


def usual_terms(_: str) -> MarketTerms:
    """The fee of the settings, and an action for each unit of turnover."""
    return MarketTerms()


@dataclass(frozen=True)
class Candidate:
    """What a scan knows of one market.

    Parameters
    ----------
    flows : Directions[FlowEstimates]
        Market buys and sells.
    mid, tick, half_spread : float
        [price].
    volatility : float
        [price/√s].
    deepest : Directions[float]
        The depth that `ENOUGH_REACHED` orders of the window reached; deeper fills are extrapolation [price].
    end_ms : int
        End of the window.
    status : str
        Quality of the calibration: ok, weak or bad.
    objection : str
        Why it must not be quoted from whatever the numbers say; empty if it may.
    terms : MarketTerms
        What it costs to trade there.
    age_cost : float
        What a fill makes less because of the bot's timing [price].
    presence : Estimate
        Fills of an order of the bot as a share of those of one that follows mid at once.
    pause_s : float
        How long the bot has no order after each fill [s].
    unseen : float
        Share of the move with a fill that comes after the book from which the next order is priced.
    surplus : Estimate
        What a fill of the bot makes more than the model says, its age included [price].
    """

    coin: str
    flows: Directions[FlowEstimates]
    mid: float
    tick: float
    half_spread: float
    volatility: float
    deepest: Directions[float]
    end_ms: int
    status: str
    objection: str = ""
    terms: MarketTerms = MarketTerms()  # noqa: RUF009 - immutable
    age_cost: float = 0.0
    presence: Estimate = _ALWAYS
    pause_s: float = 0.0
    unseen: float = 0.0
    surplus: Estimate = _NONE

    @property
    def tail_start(self) -> float:
        """Depth at which the tail of the depths begins [price]."""
        return tail_range(self.mid, self.half_spread, self.tick).start

    def order_flow(self) -> OrderFlow:
        """What the quoting models need of it."""
        flows = self.flows
        return OrderFlow(
            arrival_rate=flows.map(lambda flow: flow.arrival_rate.value),
            fill_intensity=flows.map(lambda flow: flow.fill_intensity.value),
            fill_decay=flows.map(lambda flow: flow.fill_decay.value),
            adverse_selection=flows.map(lambda flow: flow.adverse_selection.value),
            adverse_selection_on_fill=flows.map(lambda flow: flow.adverse_selection_on_fill.value + self.age_cost),
            adverse_selection_slope=flows.map(lambda flow: flow.adverse_selection_slope.value),
            volatility=self.volatility,
            half_spread=self.half_spread,
        )


@dataclass(frozen=True)
class Unknown:
    """A coin of which nothing can be said, and why."""

    coin: str
    reason: str


def candidates_from_store(
    coins: Sequence[str],
    settings: Settings,
    on_progress: Callable[[float], None] = lambda _: None,
    terms_of: TermsOf = usual_terms,
    timing: Timing | None = None,
) -> list[Candidate | Unknown]:
    """Calibrate each coin from its own last window in the tick store; nothing is written.

    Parameters
    ----------
    coins : sequence of str
        Without any, all that are recorded.
    settings : Settings
        Store and window.
    on_progress : callable
        Told the share that is done.
    terms_of : callable
        Tells what trading on the market of a folder costs.
    timing : Timing or None
        How long the bot takes by its own record; None for the usual.
    """
    store = TickStore(settings.market_data, settings.venue)
    found: list[Candidate | Unknown] = []
    chosen = _among(store.coins(), coins, settings)
    for number, coin in enumerate(chosen, start=1):
        try:
            found.append(replace(_from_store(store, coin, settings, timing), terms=terms_of(coin)))
        except (DataError, ModelError) as error:
            found.append(Unknown(coin, str(error)))
        on_progress(number / len(chosen))
    return found


def candidates_from_files(
    coins: Sequence[str], settings: Settings, now_ms: int, terms_of: TermsOf | None = None
) -> list[Candidate | Unknown]:
    """Read the published parameters of each coin; without `coins`, of all that are published.

    Without `terms_of` a fill costs what the parameters were made with.
    """
    found: list[Candidate | Unknown] = []
    for coin in _among(sorted(path.stem for path in settings.parameters.glob("*.json")), coins, settings):
        try:
            candidate = _from_file(settings, coin, now_ms)
            found.append(candidate if terms_of is None else replace(candidate, terms=terms_of(coin)))
        except (ParameterError, DataError) as error:
            found.append(Unknown(coin, str(error)))
    return found


def _among(known: Sequence[str], coins: Sequence[str], settings: Settings) -> Sequence[str]:
    """Those meant by any name of their market, and names that mean none, which are told; all if none is named."""
    wanted = Selection(tuple(coins))
    chosen, missing = wanted.choose(names_among(settings.market_data, settings.venue, known, wanted))
    return [*(names.key for names in chosen), *missing] if coins else known


def candidate_of(coin: str, calibration: Calibration, orders: MarketOrders, at_once: int = 1) -> Candidate:
    """A calibration, and the market orders it was made from, as a candidate.

    Parameters
    ----------
    at_once : int
        How many orders of the bot rest at a time.
    """
    calibrated = calibration.flows
    deepest = Directions(*(_reached(orders.of(side), calibration.half_spread) for side in Direction))
    status, flags = calibration.quality
    candidate = Candidate(
        coin,
        calibrated,
        calibration.mid,
        calibration.increments.tick,
        calibration.half_spread,
        calibration.volatility,
        deepest,
        calibration.end_ms,
        status,
        _bad(status, flags),
        age_cost=calibration.shadow.age_cost.value,
    )
    return with_shadow(candidate, calibration.shadow, at_once)


def with_shadow(candidate: Candidate, shadow: ShadowMaker, at_once: int) -> Candidate:
    """The candidate for a bot that is filled as the shadow maker was."""
    seen = _Shadow(
        shadow.depth, shadow.fills_per_hour, shadow.net_per_fill, shadow.timing.pause_ms, shadow.timing.aim_ms
    )
    return _resting(candidate, seen, at_once)


def candidate_of_parameters(parameters: Parameters, objection: str = "", at_once: int = 1) -> Candidate:
    """Published parameters as a candidate.

    The file does not tell how deep single orders went; its fit and the number of orders behind it tell how many must
    have reached a depth.
    """
    shadow = parameters.shadow
    flows = Directions(_estimates(parameters.buy), _estimates(parameters.sell))
    market = parameters.market
    start = tail_range(market.mid, market.half_spread, market.tick).start
    candidate = Candidate(
        parameters.coin,
        flows,
        market.mid,
        market.tick,
        market.half_spread,
        market.volatility,
        flows.map(lambda flow: _expected_reach(flow.fill_decay, start)),
        parameters.window.end_ms,
        parameters.quality.status,
        _bad(parameters.quality.status, parameters.quality.flags) or objection,
        MarketTerms(parameters.model.maker_fee),
        shadow.age_cost.value if shadow else 0.0,
    )
    if shadow is None:
        return candidate
    fills, nets = (
        [Estimate(**dict(told)) for told in column] for column in (shadow.fills_per_hour, shadow.net_per_fill)
    )
    pause_ms, aim_ms = (shadow.timing.pause_ms, shadow.timing.aim_ms) if shadow.timing else (0.0, 0.0)
    return _resting(candidate, _Shadow(shadow.depth, fills, nets, pause_ms, aim_ms), at_once)


def _resting(candidate: Candidate, shadow: _Shadow, at_once: int) -> Candidate:
    """The candidate with what the shadow maker has seen of how orders of the bot are filled."""
    depths, fills, nets, pause_ms, aim_ms = shadow
    known = [rate.source is EstimateSource.OK for rate in fills]
    candidate = replace(candidate, pause_s=pause_ms / 1e3, unseen=unseen(pause_ms, aim_ms))
    if not any(known):
        return candidate
    depths, nets = list(compress(depths, known)), list(compress(nets, known))
    flow, rates = candidate.order_flow(), [rate.value / at_once for rate in compress(fills, known)]
    share, more = presence(flow, depths, rates, candidate.pause_s), surplus(flow, depths, nets)
    return replace(candidate, presence=share, surplus=more)


def _from_store(store: TickStore, coin: str, settings: Settings, timing: Timing | None) -> Candidate:
    end_ms = store.extent(coin)[1]
    start_ms = end_ms - round(settings.calibration.window_s * 1e3)
    increments = infer_increments(store.tape(coin, start_ms, end_ms).quotes)
    observed = observe_window(partial(store.tape, coin), increments.tick, start_ms, end_ms)
    calibration = calibrate_observed(observed, increments, settings, timing=timing)
    return candidate_of(coin, calibration, observed.orders, orders_of(settings.role))


def _from_file(settings: Settings, coin: str, now_ms: int) -> Candidate:
    at_once = orders_of(settings.role)
    try:
        fresh = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=now_ms)
        return candidate_of_parameters(fresh, at_once=at_once)
    except StaleParameters as error:
        old = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=None)
        return candidate_of_parameters(old, str(error), at_once)


def _estimates(flow: PublishedFlow) -> FlowEstimates:
    return FlowEstimates(**{name: Estimate(**dict(published)) for name, published in flow})


def _reached(orders: MarketOrders, half_spread: float) -> float:
    """Depth that `ENOUGH_REACHED` of these orders reached [price]; the touch if there are fewer."""
    if len(orders) < ENOUGH_REACHED:
        return half_spread
    return float(np.partition(orders.reach, -ENOUGH_REACHED)[-ENOUGH_REACHED])


def _expected_reach(decay: Estimate, start: float) -> float:
    """Depth that `ENOUGH_REACHED` of the orders in the tail reached if the fit holds [price]."""
    return start + float(np.log(max(decay.n, 1) / ENOUGH_REACHED)) / decay.value


def _bad(status: str, flags: Sequence[str]) -> str:
    return f"the calibration is bad: {', '.join(flags)}" if status == "bad" else ""
