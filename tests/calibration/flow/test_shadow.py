"""What a bot's timing costs is published, enters the quotes everywhere alike, and is near its truth."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.shadow_quote import QuoteRules, Timing
from calibration.flow.calibrate import calibrate, calibrate_observed
from calibration.flow.shadow import rules_of, shadow_maker
from calibration.observation.observations import observe
from calibration.publication.document import PublishedTiming
from calibration.publication.history import HistoryWriter, read_history, row_flow
from calibration.publication.publish import parameters, solve
from calibration.scanning.candidates import candidate_of_parameters
from market_making.settings.edge import EdgeSettings
from market_making.settings.settings import Settings
from market_making.trading.past.calibrations import Calibrations

NOTHING = Estimate(0.0, 0.0, 0.0, 99)
TIMING = Timing(0.0, 450.0, 1200.0, 800.0, 500.0, 110.0)


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
    """A quote of a bot that looks once a minute is met after mid has moved against it."""
    observed = observe(half_hour, increments.tick)
    half = observed.seconds.mean_half_spread
    thin = replace(observed, orders=observed.orders.where(slice(None, None, 10)))
    quick, slow = (
        shadow_maker(thin, half, increments.tick, 0.5, QuoteRules(0.02, 1.0, TIMING._replace(loop_ms=loop_ms))).age_cost
        for loop_ms in (0.0, 60_000.0)
    )
    assert slow.low > quick.high
    begun = observed.between(observed.start_ms, observed.start_ms + 5_000)
    few = shadow_maker(begun, half, increments.tick, 0.5, QuoteRules(0.2, 2.0, TIMING))
    assert (few.age_cost.value, few.age_cost.source) == (0.0, EstimateSource.PRIOR)
    assert np.isfinite([few.age_cost.high, few.fills_per_hour[1].high]).all()


def test_a_replay_serves_for_two_minutes_and_its_cost_moves_slowly(half_hour, increments):
    """The next cycle replays nothing; a later one does; from a cost of nought it is a fifth of a tick at first."""
    settings = Settings()
    whole = observe(half_hour, increments.tick)
    first = calibrate_observed(whole.as_known_at(whole.start_ms, whole.end_ms - 150_000), increments, settings)
    costly = replace(first, shadow=first.shadow._replace(measured=Estimate(5.0, 4.0, 6.0, 99), age_cost=NOTHING))
    soon, later = (
        calibrate_observed(whole.as_known_at(whole.start_ms, first.end_ms + age_ms), increments, settings, costly)
        for age_ms in (15_000, 150_000)
    )
    assert soon.shadow.time_ms == first.shadow.time_ms < later.shadow.time_ms
    assert soon.shadow.age_cost.value == pytest.approx(0.2 * increments.tick)
    assert later.shadow.measured.value < 1.0


def test_what_rests_on_one_side_at_a_time_is_filled_half_as_often(half_hour, increments):
    """Two legs have the fills of both sides; a bot that alternates waits for one after the other."""
    observed = observe(half_hour, increments.tick)
    alone, legs = (
        shadow_maker(observed, 0.4, increments.tick, 0.5, QuoteRules(0.1, 2.0, TIMING, both_sides=both))
        for both in (False, True)
    )
    ratio = alone.fills_per_hour[0].value / legs.fills_per_hour[0].value
    assert ratio == pytest.approx(0.5, abs=0.02)
    assert alone.net_per_fill == legs.net_per_fill


def test_the_timing_is_that_of_the_record_or_of_how_the_bot_is_set_up():
    """A bot without the edge is slower; the record of a bot says more than both, and the file says which it was."""
    plain = Settings(edge=EdgeSettings(wake=False))
    woken, looping = (rules_of(settings, 3000.0, None).timing for settings in (Settings(), plain))
    assert woken.loop_ms == 0 < looping.loop_ms
    assert woken.cancel_ms < looping.cancel_ms
    assert rules_of(Settings(), 3000.0, TIMING).timing == TIMING
    assert rules_of(Settings(sides="long_leg"), 3000.0, None).both_sides
    assert rules_of(Settings(), 3000.0, None).tolerance == pytest.approx(0.15)


@pytest.mark.parametrize(("timing", "source"), [(None, "usual"), (TIMING, "record")])
def test_the_file_says_whose_timing_it_is(half_hour, increments, timing, source):
    """Published beside what it makes."""
    found = calibrate_observed(observe(half_hour, increments.tick), increments, Settings(), timing=timing)
    (result,) = solve([found], [Settings()])
    published = parameters("ETH", result, Settings()).shadow.timing
    assert published.source == source
    assert timing is None or published.place_ms == timing.place_ms
    assert timing is None or published.known_ms == timing.known_ms


def test_a_timing_of_an_older_file_is_read():
    """How soon the bot knew its orders it does not say: half a second is more than nearly all of them took."""
    older = {name: value for name, value in TIMING._asdict().items() if name != "known_ms"}
    assert PublishedTiming(**older, source="record").known_ms == 500.0
