"""What keeps a calibration within reason: bounds, limits of change from one to the next, quality flags, status."""

from dataclasses import replace
from math import exp
from typing import Literal, NamedTuple

from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from calibration.flow.flow import TOO_FEW, FlowQuality
from calibration.flow.impact import STEEPEST
from calibration.flow.rates import LARGEST_INTENSITY
from market_making.market.sides import Direction, Directions

Status = Literal["ok", "weak", "bad"]

CHANGE_LIMIT = 1.2
RATE_CHANGE_LIMIT = 1.3  # rates follow the activity; the depth of a quote hardly depends on them
CHANGE_PERIOD_MS = 15_000
LONGEST_MEMORY_MS = 600_000
LONGEST_CARRY_MS = 1_800_000
LARGEST_DEPTH_BPS = 50.0
LARGEST_IMPACT_BPS = 25.0
FEWEST_TICKS_DEEP = 1 / 3
TOXIC = 4.0
HEAVY_TAIL = 2.0
CLUSTERED = 5.0
LEAST_SHARE_OBSERVED = 0.5
_LARGEST_EXPONENT = 20.0


class Judgement(NamedTuple):
    """How far a calibration can be trusted, and why not further."""

    status: Status
    flags: tuple[str, ...]


def bounded(flow: FlowEstimates, mid: float, tick: float, tail_start: float) -> FlowEstimates:
    """Keep each number where a market can be: its walk, its impact and its extrapolation have limits.

    `tail_start` is the depth from which on the fill decay was fitted [price]: the rate there does not change.
    """
    bps = mid / 1e4
    arrival = flow.arrival_rate.value
    impact = (0.0, LARGEST_IMPACT_BPS * bps)
    decay = _within(flow.fill_decay, 1 / (LARGEST_DEPTH_BPS * bps), 1 / (FEWEST_TICKS_DEEP * tick))
    flow = _with_decay(flow, decay, tail_start)
    return replace(
        flow,
        fill_intensity=_within(flow.fill_intensity, 0.0, LARGEST_INTENSITY * arrival),
        adverse_selection=_within(flow.adverse_selection, *impact),
        adverse_selection_on_fill=_within(flow.adverse_selection_on_fill, *impact),
    )


def limited(
    flow: FlowEstimates, before: FlowEstimates, elapsed_ms: int, smallest_move: float, tail_start: float
) -> FlowEstimates:
    """Keep each number within a factor of what was published before: 1.2 per 15 s, rates 1.3.

    Parameters
    ----------
    flow, before : FlowEstimates
        New and published estimates.
    elapsed_ms : int
        Time between them; after `LONGEST_MEMORY_MS` the old ones say nothing.
    smallest_move : float
        A price below which adverse selection may move freely [price]: it can start from zero.
    tail_start : float
        Depth from which on the fill decay was fitted [price].
    """
    if not 0 < elapsed_ms <= LONGEST_MEMORY_MS:
        return flow
    periods = elapsed_ms / CHANGE_PERIOD_MS
    factor, rate_factor = CHANGE_LIMIT**periods, RATE_CHANGE_LIMIT**periods
    flow = _with_decay(flow, _near(flow.fill_decay, before.fill_decay, factor, 0.0), tail_start)

    def near(name: str, within: float, free: float = 0.0) -> Estimate:
        return _near(getattr(flow, name), getattr(before, name), within, free)

    return replace(
        flow,
        arrival_rate=near("arrival_rate", rate_factor),
        fill_intensity=near("fill_intensity", rate_factor),
        adverse_selection=near("adverse_selection", factor, smallest_move),
        adverse_selection_on_fill=near("adverse_selection_on_fill", factor, smallest_move),
        adverse_selection_slope=_near_slope(flow.adverse_selection_slope, before.adverse_selection_slope, factor),
    )


class LastGood(NamedTuple):
    """The last estimates of a direction that rested on enough orders of their own window."""

    time_ms: int
    flow: FlowEstimates


def carried(flow: FlowEstimates, good: LastGood | None, now_ms: int, tail_start: float) -> FlowEstimates:
    """Replace what this window cannot tell by what an earlier one told, marked as stale.

    `tail_start` is as in `bounded`. The interval is half as wide again. The old number fades into the prior; after
    `LONGEST_CARRY_MS` it is forgotten.
    """
    if good is None or not 0 < now_ms - good.time_ms <= LONGEST_CARRY_MS:
        return flow
    weight = 1 - (now_ms - good.time_ms) / LONGEST_CARRY_MS

    def older(now: Estimate, then: Estimate) -> Estimate:
        if now.source is not EstimateSource.PRIOR:
            return now
        value = weight * then.value + (1 - weight) * now.value
        below, above = 1.5 * (then.value - then.low), 1.5 * (then.high - then.value)
        return Estimate(value, min(value - below, now.low), max(value + above, now.high), now.n, EstimateSource.STALE)

    flow = _with_decay(flow, older(flow.fill_decay, good.flow.fill_decay), tail_start)
    names = ("adverse_selection", "adverse_selection_on_fill")
    return replace(flow, **{name: older(getattr(flow, name), getattr(good.flow, name)) for name in names})


def judge(
    flows: Directions[FlowEstimates], quality: Directions[FlowQuality], observed_share: float, fee: float, tail: float
) -> Judgement:
    """Flags and status of a calibration.

    Parameters
    ----------
    flows, quality : Directions
        Estimates as published and what they leave open.
    observed_share : float
        Observed part of the window.
    fee : float
        Maker fee of one fill [price].
    tail : float
        Tail index of the moves of mid.
    """
    flags = [flag for side in Direction for flag in _flags(side, flows.of(side), quality.of(side), fee)]
    if observed_share < LEAST_SHARE_OBSERVED:
        flags.append("short_exposure")
    if tail < HEAVY_TAIL:
        flags.append("heavy_jumps")
    if any(flag.startswith(("too_few_orders", "negative_impact")) for flag in flags):
        return Judgement("bad", tuple(flags))
    sources = {getattr(flow, name).source for flow in flows for name in vars(flow) if name != "adverse_selection_slope"}
    is_weak = bool(sources - {EstimateSource.OK}) or "short_exposure" in flags or "heavy_jumps" in flags
    return Judgement("weak" if is_weak else "ok", tuple(flags))


def _flags(direction: Direction, flow: FlowEstimates, quality: FlowQuality, fee: float) -> list[str]:
    toxicity = flow.fill_decay.value * (flow.adverse_selection_on_fill.value + fee)
    found = {
        "too_few_orders": flow.arrival_rate.n < TOO_FEW,
        "weak_tail": flow.fill_decay.source is not EstimateSource.OK,
        "tail_not_exponential": quality.fit is not None and quality.fit.is_rejected,
        "clustered": quality.fano > CLUSTERED,
        "negative_impact": flow.adverse_selection.high <= 0,
        "toxic": toxicity > TOXIC,
    }
    return [f"{name}_{direction}" for name, holds in found.items() if holds]


def _with_decay(flow: FlowEstimates, decay: Estimate, tail_start: float) -> FlowEstimates:
    """Take another κ, and the A that leaves the rate of orders that reach `tail_start` what it is."""
    if decay is flow.fill_decay:
        return flow
    exponent = (decay.value - flow.fill_decay.value) * tail_start
    scale = exp(min(max(exponent, -_LARGEST_EXPONENT), _LARGEST_EXPONENT))
    seen = flow.fill_intensity
    intensity = replace(seen, value=scale * seen.value, low=scale * seen.low, high=scale * seen.high)
    return replace(flow, fill_decay=decay, fill_intensity=intensity)


def limited_cost(cost: Estimate, before: Estimate, elapsed_ms: int, smallest_move: float) -> Estimate:
    """Age cost within ±20 % per 15 s of what was published before; below `smallest_move` [price] it moves freely."""
    if not 0 < elapsed_ms <= LONGEST_MEMORY_MS:
        return cost
    return _near(cost, before, CHANGE_LIMIT ** (elapsed_ms / CHANGE_PERIOD_MS), smallest_move)


def _within(estimate: Estimate, low: float, high: float) -> Estimate:
    if low <= estimate.value <= high and estimate.low <= estimate.value <= estimate.high:
        return estimate
    value = min(max(estimate.value, low), high)
    return replace(estimate, value=value, low=min(estimate.low, value), high=max(estimate.high, value))


def _near(estimate: Estimate, before: Estimate, factor: float, free: float) -> Estimate:
    """`estimate` within a factor of `before`, or within that factor of `free` around it if it is smaller."""
    reach = max(abs(before.value), free)
    return _within_limits(estimate, before.value - reach * (1 - 1 / factor), before.value + reach * (factor - 1))


def _near_slope(slope: Estimate, before: Estimate, factor: float) -> Estimate:
    """θ with 1 − θ, the part of its depth a quote keeps and by which its best depth is divided, within a factor."""
    kept = 1 - before.value
    return _within_limits(slope, max(0.0, 1 - kept * factor), min(STEEPEST, 1 - kept / factor))


def _within_limits(estimate: Estimate, low: float, high: float) -> Estimate:
    return _within(estimate, low, high) if not low <= estimate.value <= high else estimate
