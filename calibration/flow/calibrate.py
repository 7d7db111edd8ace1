"""One calibration: from a window of one coin to everything the model needs to know of its market."""

from dataclasses import dataclass, replace

import numpy as np

from calibration.estimators.activity import Activity
from calibration.estimators.diagnostics import hill_index
from calibration.estimators.estimate import EstimateSource, FlowEstimates
from calibration.estimators.fill_decay import tail_range
from calibration.estimators.shadow_quote import QuoteRules, Timing
from calibration.estimators.volatility import volatility
from calibration.flow.fair_value import AnchorWorth, anchor_worth
from calibration.flow.flow import estimate_flow
from calibration.flow.guard import Judgement, LastGood, bounded, carried, judge, limited, limited_cost
from calibration.flow.shadow import ShadowMaker, rules_of, shadow_maker
from calibration.observation.increments import Increments
from calibration.observation.leading_quotes import HeardLeader
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction, Directions
from market_making.market.tape import Tape
from market_making.quoting.order_flow import OrderFlow
from market_making.settings.settings import Settings


@dataclass(frozen=True)
class Calibration:
    """What one window says about a market; prices in quote currency, volatility in price/√s.

    `funding_rate` is not estimated but announced: the share of its value a long position pays in a second.
    """

    created_ms: int
    start_ms: int
    end_ms: int
    exposure_s: float
    mid: float
    increments: Increments
    half_spread: float
    volatility: float
    flows: Directions[FlowEstimates]
    activity: Activity
    quality: Judgement
    events: int
    last_good: Directions[LastGood | None]
    shadow: ShadowMaker
    anchor: AnchorWorth
    funding_rate: float = 0.0

    def order_flow(self) -> OrderFlow:
        """What the quoting models need of it; what the age of a quote costs is part of its adverse selection."""

        def value(name: str) -> Directions[float]:
            return Directions(*(float(getattr(flow, name).value) for flow in self.flows))

        flows = {name: value(name) for name in FlowEstimates.__dataclass_fields__}
        on_fill, age = "adverse_selection_on_fill", self.shadow.age_cost.value
        flows[on_fill] = flows[on_fill].map(lambda impact: impact + age)
        return OrderFlow(
            **flows,
            volatility=self.volatility,
            half_spread=self.half_spread,
            funding_rate=self.funding_rate,
            imbalance_response=self.anchor.response,
        )


def calibrate(
    tape: Tape,
    increments: Increments,
    settings: Settings,
    previous: Calibration | None = None,
    now_ms: int | None = None,
) -> Calibration:
    """Calibrate from the events of a window.

    Parameters
    ----------
    tape : Tape
        Events and gaps of the window.
    increments : Increments
        Tick and lot of the coin.
    settings : Settings
        How much must be observed, and the maker's fee.
    previous : Calibration, optional
        The one published before: numbers change by ±20 % per 15 s at most (rates by 30 %), and what this window cannot
        tell is taken from it.
    now_ms : int, optional
        Time of the calibration; the end of the window if not given.

    Raises
    ------
    NotEnoughData
        With the counts seen and needed.

    Examples
    --------
    Half an hour of a market whose true parameters are known:

    >>> from market_making.simulation.presets import default_truths
    >>> from market_making.simulation.simulation import simulate_tape
    >>> (truth,) = default_truths(["ETH"])
    >>> tape = simulate_tape(truth, seed=1, seconds=1800)
    >>> found = calibrate(tape, Increments(truth.tick, float(truth.instrument.lot)), Settings())
    >>> decay = found.flows.buy.fill_decay
    >>> decay.low < truth.order_flow().fill_decay.buy < decay.high
    True
    """
    return calibrate_observed(observe(tape, increments.tick), increments, settings, previous, now_ms)


def calibrate_observed(
    observed: ObservedWindow,
    increments: Increments,
    settings: Settings,
    previous: Calibration | None = None,
    now_ms: int | None = None,
    timing: Timing | None = None,
) -> Calibration:
    """Calibrate from observations; see `calibrate`. `timing` is what the bot's own record says of it."""
    exposure, needed = observed.exposure_s, settings.calibration.minimum_exposure_s
    if exposure <= 0 or exposure < needed:
        raise NotEnoughData(
            f"{len(observed.orders)} market orders in {exposure:.0f} s of observed time within "
            f"{(observed.end_ms - observed.start_ms) / 1e3:.0f} s, need {needed:.0f} s"
        )
    now_ms = observed.end_ms if now_ms is None else now_ms
    _require_fresh(observed, now_ms, settings.calibration.maximum_data_age_s)
    mid, half_spread = observed.mid, observed.seconds.mean_half_spread
    sigma = volatility(observed.seconds, increments.tick).value
    flow = estimate_flow(observed, increments.tick, sigma, half_spread)
    tail_start = tail_range(mid, half_spread, increments.tick).start
    flows = _guarded(flow.estimates, previous, now_ms, mid, increments.tick, tail_start)
    good, rules = _remembered(flow.estimates, previous, now_ms), rules_of(settings, mid, timing)
    share = exposure * 1e3 / (observed.end_ms - observed.start_ms)
    return Calibration(
        created_ms=now_ms,
        start_ms=observed.start_ms,
        end_ms=observed.end_ms,
        exposure_s=exposure,
        mid=mid,
        increments=increments,
        half_spread=half_spread,
        volatility=sigma,
        flows=flows,
        activity=flow.activity,
        quality=judge(flows, flow.quality, share, settings.model.maker_fee * mid, _jump_index(observed)),
        events=len(observed.orders),
        last_good=good,
        shadow=_shadow(observed, increments.tick, sigma, rules, previous, now_ms),
        anchor=_anchor(observed, increments.tick, rules, previous),
    )


def replayed(
    calibration: Calibration,
    observed: ObservedWindow,
    settings: Settings,
    timing: Timing | None,
    leader: HeardLeader | None = None,
) -> Calibration:
    """Return the calibration with shadow maker and anchor of a newer window, so that the next one need not replay it.

    `leader` is another market that may move first.
    """
    tick, rules = calibration.increments.tick, rules_of(settings, observed.mid, timing)
    half_spread = observed.seconds.mean_half_spread
    found = shadow_maker(observed, half_spread, tick, calibration.volatility, rules)
    anchor = anchor_worth(observed, tick, round(rules.timing.aim_ms), leader)
    return replace(calibration, shadow=found._replace(age_cost=calibration.shadow.age_cost), anchor=anchor)


def _shadow(
    observed: ObservedWindow, tick: float, sigma: float, rules: QuoteRules, previous: Calibration | None, now_ms: int
) -> ShadowMaker:
    """Replay the window with the bot's rules, unless that was done a moment ago; the cost of age changes slowly."""
    if previous is not None and previous.shadow.is_recent(observed.end_ms):
        found = previous.shadow
    else:
        found = shadow_maker(observed, observed.seconds.mean_half_spread, tick, sigma, rules)
    if previous is None:
        return found
    before, elapsed_ms = previous.shadow.age_cost, now_ms - previous.created_ms
    return found._replace(age_cost=limited_cost(found.measured, before, elapsed_ms, tick))


def _anchor(observed: ObservedWindow, tick: float, rules: QuoteRules, previous: Calibration | None) -> AnchorWorth:
    """What a quote may be anchored at, unless that was judged a moment ago."""
    if previous is not None and previous.anchor.is_recent(observed.end_ms):
        return previous.anchor
    return anchor_worth(observed, tick, round(rules.timing.aim_ms))


def _require_fresh(observed: ObservedWindow, now_ms: int, limit_s: float) -> None:
    """Refuse a window whose end was not observed: the collector has stopped, or the venue has."""
    seconds = observed.seconds
    seen = seconds.observed.nonzero()[0]
    if len(seen) == 0:
        raise NotEnoughData(f"0 quotes in the window of {(observed.end_ms - observed.start_ms) / 1e3:.0f} s, need some")
    age_s = now_ms / 1e3 - (seconds.start_s + int(seen[-1]) + 1)
    if age_s > limit_s:
        raise NotEnoughData(f"the newest quote is {age_s:.0f} s old, limit {limit_s:.0f} s; was it being recorded?")


def _remembered(
    flows: Directions[FlowEstimates], previous: Calibration | None, now_ms: int
) -> Directions[LastGood | None]:
    """What a later window may fall back on."""

    def good(direction: Direction) -> LastGood | None:
        flow = flows.of(direction)
        if (
            flow.fill_decay.source is not EstimateSource.PRIOR
            and flow.adverse_selection.source is not EstimateSource.PRIOR
        ):
            return LastGood(now_ms, flow)
        return previous.last_good.of(direction) if previous else None

    return Directions(buy=good(Direction.BUY), sell=good(Direction.SELL))


def _guarded(
    flows: Directions[FlowEstimates],
    previous: Calibration | None,
    now_ms: int,
    mid: float,
    tick: float,
    tail_start: float,
) -> Directions[FlowEstimates]:
    def guarded(direction: Direction) -> FlowEstimates:
        flow = flows.of(direction)
        if previous is not None:
            flow = carried(flow, previous.last_good.of(direction), now_ms, tail_start)
            flow = limited(flow, previous.flows.of(direction), now_ms - previous.created_ms, tick, tail_start)
        return bounded(flow, mid, tick, tail_start)

    return Directions(buy=guarded(Direction.BUY), sell=guarded(Direction.SELL))


def _jump_index(observed: ObservedWindow) -> float:
    """Tail index of the moves of mid over a second; infinite where there are too few to tell."""
    try:
        return hill_index(np.abs(observed.seconds.moves(1)))
    except NotEnoughData:
        return float("inf")
