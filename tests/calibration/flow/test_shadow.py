"""What a bot's timing costs is published, enters the quotes everywhere alike, and is near its truth."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.shadow_maker import QuoteRules
from calibration.flow.calibrate import calibrate, calibrate_observed
from calibration.flow.shadow import shadow_maker
from calibration.observation.observations import observe
from calibration.publication.history import HistoryWriter, read_history, row_flow
from calibration.publication.publish import parameters, solve
from calibration.scanning.candidates import candidate_of_parameters
from market_making.settings.settings import Settings
from market_making.trading.past.calibrations import Calibrations

NOTHING = Estimate(0.0, 0.0, 0.0, 99)


@pytest.fixture(scope="module")
def document(half_hour, increments):
    """A published calibration."""
    (result,) = solve([calibrate(half_hour, increments, Settings())], [Settings()])
    return parameters("ETH", result, Settings())


def test_the_record_is_published_with_its_intervals(document):
    """Fills and net of each depth; the deeper quote is filled less often and makes more."""
    shadow = document.shadow
    assert len(shadow.depth) == len(shadow.fills_per_hour) == len(shadow.net_per_fill) == 2
    assert shadow.fills_per_hour[0].value > shadow.fills_per_hour[1].value > 0
    assert shadow.net_per_fill[0].value < shadow.net_per_fill[1].value
    assert shadow.age_cost.value >= 0


def test_every_reader_quotes_with_the_cost_of_age(tmp_path, document):
    """File, history, candle backtest and scan add the same to the adverse selection on a fill."""
    changed = document.shadow.model_copy(
        update={"age_cost": document.shadow.age_cost.model_copy(update={"value": 0.2, "high": 0.3})}
    )
    document = document.model_copy(update={"shadow": changed})
    bare = document.model_copy(update={"shadow": None}).order_flow().adverse_selection_on_fill
    writer = HistoryWriter(tmp_path, "ETH")
    writer.append(document)
    writer.flush()
    history = read_history(tmp_path, "ETH", 0, 2 * document.created_ms)
    flows = (
        document.order_flow(),
        row_flow(history.as_of(document.created_ms)),
        Calibrations(history).flow(0),
        candidate_of_parameters(document).order_flow(),
    )
    for flow in flows:
        assert flow.adverse_selection_on_fill == pytest.approx(tuple(cost + 0.2 for cost in bare))


def test_a_slower_bot_pays_more_and_one_that_sees_few_fills_knows_nothing(half_hour, increments):
    """On a coin with few orders, a quote that rests for a minute is met after mid has moved against it."""
    observed = observe(half_hour, increments.tick)
    half = observed.seconds.mean_half_spread
    thin = replace(observed, orders=observed.orders.where(slice(None, None, 10)))
    quick, slow = (
        shadow_maker(thin, half, increments.tick, 0.5, QuoteRules(0.02, life_s)).age_cost for life_s in (1.0, 60.0)
    )
    assert slow.low > quick.high
    begun = observed.between(observed.start_ms, observed.start_ms + 5_000)
    few = shadow_maker(begun, half, increments.tick, 0.5, QuoteRules(0.2))
    assert (few.age_cost.value, few.age_cost.source) == (0.0, EstimateSource.PRIOR)
    assert np.isfinite([few.age_cost.high, few.fills_per_hour[1].high]).all()


def test_a_replay_serves_for_about_a_minute_and_its_cost_moves_slowly(half_hour, increments):
    """The next cycle replays nothing; a later one does; from a cost of nought it is a fifth of a tick at first."""
    settings = Settings()
    whole = observe(half_hour, increments.tick)
    first = calibrate_observed(whole.as_known_at(whole.start_ms, whole.end_ms - 90_000), increments, settings)
    costly = replace(first, shadow=first.shadow._replace(measured=Estimate(5.0, 4.0, 6.0, 99), age_cost=NOTHING))
    soon, later = (
        calibrate_observed(whole.as_known_at(whole.start_ms, first.end_ms + age_ms), increments, settings, costly)
        for age_ms in (15_000, 90_000)
    )
    assert soon.shadow.time_ms == first.shadow.time_ms < later.shadow.time_ms
    assert soon.shadow.age_cost.value == pytest.approx(0.2 * increments.tick)
    assert later.shadow.measured.value < 1.0
