"""Coins with known truth: as a calibration of half an hour sees them, and as they are."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from calibration.estimators.estimate import Estimate, FlowEstimates
from calibration.estimators.shadow_quote import Timing
from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.observations import observe
from calibration.scanning.candidates import Candidate, candidate_of
from market_making.market.sides import Direction, Directions
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, toxic_truth
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

HALF_HOUR_S = 1_800.0


def calibrated(truth: MarketTruth, seed: int = 7, timing: Timing | None = None) -> Candidate:
    """The coin after half an hour of its market, for a bot on its own."""
    observed = observe(simulate_tape(truth, seed=seed, seconds=HALF_HOUR_S), truth.tick)
    increments = Increments(truth.tick, float(truth.instrument.lot))
    calibration = calibrate_observed(observed, increments, Settings(), timing=timing)
    return candidate_of(truth.coin, calibration, observed.orders)


def as_it_is(truth: MarketTruth, deepest: Directions[float] | None = None) -> Candidate:
    """The coin as nobody can know it: the true parameters, without uncertainty."""
    flow = truth.order_flow()

    def known(name: str, direction: Direction) -> Estimate:
        value = getattr(flow, name).of(direction)
        return Estimate(value, value, value, 10**6)

    flows = Directions(
        *(
            FlowEstimates(**{field.name: known(field.name, side) for field in fields(FlowEstimates)})
            for side in Direction
        )
    )
    far = Directions(truth.start_price, truth.start_price)
    market = (truth.start_price, truth.tick, truth.half_spread, truth.volatility)
    return Candidate(truth.coin, flows, *market, deepest or far, 0, "ok")


@pytest.fixture(scope="session")
def universe() -> tuple[MarketTruth, ...]:
    """Thirty-six coins from profitable to hopeless, and four in which every depth loses."""
    return (*coin_universe(36, seed=1), *(toxic_truth(coin) for coin in ("ETH", "BTC", "SOL", "HYPE")))


def at_once(candidate: Candidate) -> Candidate:
    """The candidate for a maker that needs no time for anything."""
    return replace(
        candidate, presence=Estimate(1.0, 1.0, 1.0, 0), pause_s=0.0, unseen=0.0, surplus=Estimate(0.0, 0.0, 0.0, 0)
    )


@pytest.fixture(scope="session")
def candidates(universe: tuple[MarketTruth, ...]) -> list[Candidate]:
    """The same after half an hour each, for a maker that follows mid at once."""
    return [at_once(calibrated(truth)) for truth in universe]


@pytest.fixture(scope="session")
def calibrate() -> Callable[..., Candidate]:
    """`calibrated`, for tests that bring their own market."""
    return calibrated


@pytest.fixture(scope="session")
def know() -> Callable[..., Candidate]:
    """`as_it_is`, for tests that bring their own market."""
    return as_it_is
