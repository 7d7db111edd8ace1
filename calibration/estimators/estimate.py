"""A number with its uncertainty, and the set of numbers that describes the order flow of one direction."""

from dataclasses import dataclass
from enum import StrEnum


class EstimateSource(StrEnum):
    """How far an estimate rests on this window's own data."""

    OK = "ok"  # enough observations
    WEAK = "weak"  # few observations, shrunk towards the prior
    PRIOR = "prior"  # too few observations: the last good value or the prior
    STALE = "stale"  # carried over from an earlier window


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, the number of observations behind it and its source."""

    value: float
    low: float
    high: float
    n: int
    source: EstimateSource = EstimateSource.OK


@dataclass(frozen=True)
class FlowEstimates:
    """Estimates for the market orders of one direction; units as in `market_making.quoting.order_flow.OrderFlow`."""

    arrival_rate: Estimate
    fill_decay: Estimate
    fill_intensity: Estimate
    adverse_selection: Estimate
    adverse_selection_on_fill: Estimate
    adverse_selection_slope: Estimate
