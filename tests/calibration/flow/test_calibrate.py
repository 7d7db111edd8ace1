"""A calibration: true values found, symmetric, free of units, guarded, refused without data."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.estimators.estimate import EstimateSource, FlowEstimates
from calibration.flow.calibrate import Calibration, calibrate, calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.observations import observe
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction, Directions
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.settings.sections import CalibrationSettings
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe
from market_making.simulation.regimes import Bursts, Surge, Widening
from market_making.simulation.simulation import simulate_tape

SETTINGS = Settings(calibration=CalibrationSettings(maximum_data_age_s=3600))  # one window is looked at at many times
NAMES = tuple(field.name for field in fields(FlowEstimates))


@pytest.fixture(scope="module")
def calibration(half_hour, increments) -> Calibration:
    """The calibration of half an hour."""
    return calibrate(half_hour, increments, SETTINGS)


def cut(tape: Tape, end_ms: int, start_ms: int = 0) -> Tape:
    """The part of a tape in (start, end]."""
    start_ms = max(start_ms, tape.start_ms)

    def part(columns):
        inside = (columns.time_ms > start_ms) & (columns.time_ms <= end_ms)
        return type(columns)(*(column[inside] for column in columns))

    return Tape(part(tape.quotes), part(tape.trades), tape.gaps, start_ms, end_ms)


def test_the_market_is_described_as_it_was_made(calibration, truth):
    """Spread, volatility and every flow number are near their true values after half an hour."""
    assert calibration.half_spread == pytest.approx(truth.half_spread, rel=1e-6)
    assert calibration.volatility == pytest.approx(truth.volatility, rel=0.15)
    for direction in Direction:
        flow, true = calibration.flows.of(direction), truth.order_flow()
        for name in ("arrival_rate", "fill_decay", "fill_intensity", "adverse_selection_on_fill"):
            assert getattr(flow, name).value == pytest.approx(getattr(true, name).of(direction), rel=0.2), name
        assert flow.adverse_selection_slope.value == pytest.approx(0.0, abs=0.05)


def test_every_interval_holds_its_value_and_half_an_hour_is_enough(calibration):
    """low ≤ value ≤ high, all from the window's own data, status ok without flags."""
    for flow in calibration.flows:
        for name in NAMES:
            estimate = getattr(flow, name)
            assert estimate.low <= estimate.value <= estimate.high, name
            assert estimate.source is EstimateSource.OK
    assert calibration.quality == ("ok", ())


def test_swapping_the_sides_mirrors_the_calibration(half_hour, increments, calibration):
    """Where every price is reflected and buyers become sellers, buy and sell numbers change places."""
    quotes, trades = half_hour.quotes, half_hour.trades
    top = 2 * quotes.mid[0]
    mirrored = half_hour._replace(
        quotes=QuoteTape(
            quotes.time_ms,
            np.round(top - quotes.ask_price, 6),
            quotes.ask_size,
            np.round(top - quotes.bid_price, 6),
            quotes.bid_size,
        ),
        trades=TradeTape(trades.time_ms, -trades.sign, np.round(top - trades.price, 6), trades.size, trades.order),
    )
    other = calibrate(mirrored, increments, SETTINGS)
    for direction, opposite in ((Direction.BUY, Direction.SELL), (Direction.SELL, Direction.BUY)):
        for name in NAMES:
            one, two = getattr(calibration.flows.of(direction), name), getattr(other.flows.of(opposite), name)
            assert two.value == pytest.approx(one.value, rel=0.02, abs=1e-9), name


def test_the_unit_of_price_is_a_matter_of_taste(half_hour, increments, calibration):
    """Prices times 1024 give depths and impacts times 1024, decay over 1024, and the same rates."""
    c = 1024.0
    quotes, trades = half_hour.quotes, half_hour.trades
    scaled = half_hour._replace(
        quotes=quotes._replace(bid_price=c * quotes.bid_price, ask_price=c * quotes.ask_price),
        trades=trades._replace(price=c * trades.price),
    )
    other = calibrate(scaled, Increments(c * increments.tick, increments.lot), SETTINGS)
    power = {"fill_decay": -1, "adverse_selection": 1, "adverse_selection_on_fill": 1}
    for direction in Direction:
        for name in NAMES:
            one, two = getattr(calibration.flows.of(direction), name), getattr(other.flows.of(direction), name)
            assert two.value == pytest.approx(one.value * c ** power.get(name, 0), rel=1e-9), name
            assert two.high == pytest.approx(one.high * c ** power.get(name, 0), rel=1e-9), name


def test_too_little_observed_time_is_refused_with_the_counts(half_hour, increments):
    """Five minutes are not ten: the message says how many orders, how many seconds, and what is needed."""
    with pytest.raises(NotEnoughData, match=r"\d+ market orders in 300 s of observed time within 300 s, need 600 s"):
        calibrate(cut(half_hour, half_hour.start_ms + 300_000), increments, SETTINGS)


def test_a_hole_in_the_window_does_not_bias_the_rates(half_hour, increments, truth):
    """Ten minutes without a recorder leave the rates right and say that less was observed."""
    start = half_hour.start_ms
    gap = (start + 600_000, start + 1_200_000)

    def outside(columns):
        keep = (columns.time_ms <= gap[0]) | (columns.time_ms > gap[1])
        return type(columns)(*(column[keep] for column in columns))

    holed = half_hour._replace(
        quotes=outside(half_hour.quotes), trades=outside(half_hour.trades), gaps=np.array([gap], dtype=np.int64)
    )
    result = calibrate(holed, increments, SETTINGS)
    assert result.exposure_s == pytest.approx(1200, abs=1)
    for direction in Direction:
        estimate = result.flows.of(direction).arrival_rate
        assert estimate.low <= truth.arrival_rate.of(direction) <= estimate.high
    assert result.volatility == pytest.approx(truth.volatility, rel=0.2)


def test_numbers_change_by_a_fifth_in_fifteen_seconds_at_most(half_hour, increments, calibration):
    """A calibration that says something else is followed step by step, and at once after ten minutes."""
    odd = replace(
        calibration,
        flows=calibration.flows.map(
            lambda flow: replace(
                flow, fill_decay=replace(flow.fill_decay, value=flow.fill_decay.value / 10, low=0.0, high=100.0)
            )
        ),
    )
    true = calibration.flows.buy.fill_decay.value
    after = {
        s: calibrate(half_hour, increments, SETTINGS, odd, odd.created_ms + s * 1000).flows.buy.fill_decay
        for s in (15, 30, 150, 601)
    }
    assert after[15].value == pytest.approx(true / 10 * 1.2)
    assert after[30].value == pytest.approx(true / 10 * 1.44)
    assert after[150].value == pytest.approx(true / 10 * 1.2**10)
    assert after[601].value == pytest.approx(true)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in after.values())


def test_without_orders_through_the_touch_the_last_decay_is_carried_as_stale(half_hour, increments, calibration):
    """The old number stays for a while with a wider interval and its source, and the status says so."""
    quotes, trades = half_hour.quotes, half_hour.trades
    before_ms = np.searchsorted(quotes.time_ms, trades.time_ms) - 1
    near = np.abs(trades.price - quotes.mid[before_ms]) <= quotes.half_spread[before_ms] + 1e-9
    shallow = half_hour._replace(trades=TradeTape(*(column[near] for column in half_hour.trades)))
    later = calibration.created_ms + 900_000
    result = calibrate(shallow, increments, SETTINGS, calibration, later)
    decay, before = result.flows.buy.fill_decay, calibration.flows.buy.fill_decay
    alone = calibrate(shallow, increments, SETTINGS, None, later).flows.buy.fill_decay
    assert decay.source is EstimateSource.STALE
    assert alone.source is EstimateSource.PRIOR
    assert decay.high - decay.low > before.high - before.low
    assert min(alone.value, before.value) <= decay.value <= max(alone.value, before.value)
    assert result.quality.status == "weak"
    assert "weak_tail_buy" in result.quality.flags


def test_few_orders_make_a_bad_calibration(increments, half_hour):
    """Fewer than ten orders of a direction: flagged, status bad."""
    few = half_hour._replace(trades=TradeTape(*(column[:12] for column in half_hour.trades)))
    quality = calibrate(few, increments, SETTINGS).quality
    assert quality.status == "bad"
    assert any(flag.startswith("too_few_orders") for flag in quality.flags)


def test_a_direction_that_comes_and_goes_is_known_less_than_one_that_does_not(increments, half_hour):
    """Of every other minute only the sells are left."""
    trades = half_hour.trades
    kept = (trades.sign < 0) | (trades.time_ms // 60_000 % 2 == 0)
    flows = calibrate(
        half_hour._replace(trades=TradeTape(*(column[kept] for column in trades))), increments, SETTINGS
    ).flows
    buys, sells = (np.log(flow.arrival_rate.high / flow.arrival_rate.low) for flow in flows)
    assert buys > 3 * sells


@pytest.mark.parametrize("kind", ["sparse", "sides apart", "moving spread"])
def test_rate_and_decay_of_a_difficult_market_are_as_uncertain_as_they_say(kind, truth):
    """Few orders that walk four times the prior or 2.3 times apart, or a book that opens and closes: 40 half hours.

    No more either: the level of a market that was steady for half an hour is not taken to vary by half.
    """
    few = replace(truth, arrival_rate=Directions(90 / 1800, 45 / 1800))
    walks = truth.fill_decay
    market = {
        "sparse": replace(few, fill_decay=walks.map(lambda decay: decay / 4)),
        "sides apart": replace(few, fill_decay=Directions(walks.buy, walks.sell / 2.3)),
        "moving spread": replace(truth, widening=Widening(share=0.3, spell_s=7.0, extra_ticks=4)),
    }[kind]
    held, widths = [], []
    for seed in range(40):
        tape = simulate_tape(market, seed=seed, seconds=1800)
        flows = calibrate(tape, Increments(market.tick, float(market.instrument.lot)), SETTINGS).flows
        for name in ("arrival_rate", "fill_decay", "fill_intensity"):
            true = getattr(market.order_flow(), name)
            found = [getattr(flows.of(way), name) for way in Direction]
            held += [(name, each.low <= true.of(way) <= each.high) for each, way in zip(found, Direction, strict=True)]
        widths += [(flow.arrival_rate.high - flow.arrival_rate.low) / 2 / flow.arrival_rate.value for flow in flows]
    shares = {name: np.mean([holds for which, holds in held if which == name]) for name, _ in held}
    assert all(share >= 0.9 for share in shares.values()), shares
    assert np.median(widths) < 0.35


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["all kinds", "bursting", "lopsided"])
def test_intervals_hold_the_truth(kind, truth):
    """Over 60 half hours each interval holds the truth about 95 times of a hundred, whatever the market."""
    bursts = replace(truth, bursts=Bursts(share=0.15, spell_s=20.0, ratio=6.0))
    lopsided = replace(
        truth,
        arrival_rate=Directions(0.8, 0.35),
        fill_decay=Directions(0.7 * truth.fill_decay.buy, 1.6 * truth.fill_decay.sell),
    )
    truths = {"all kinds": coin_universe(60, seed=3), "bursting": [bursts] * 60, "lopsided": [lopsided] * 60}[kind]
    hits: dict[str, list[bool]] = {name: [] for name in NAMES}
    for seed, market in enumerate(truths):
        tape = simulate_tape(market, seed=seed, seconds=1800)
        result = calibrate(tape, Increments(market.tick, float(market.instrument.lot)), SETTINGS)
        for direction in Direction:
            for name in NAMES:
                estimate, true = (
                    getattr(result.flows.of(direction), name),
                    getattr(market.order_flow(), name).of(direction),
                )
                hits[name].append(estimate.low <= true <= estimate.high)
    shares = {name: float(np.mean(hit)) for name, hit in hits.items()}
    assert all(0.87 <= share <= 1.0 for share in shares.values()), shares


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 1_700_000),
    length=st.integers(1_000, 900_000),
    kept=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    tick=st.sampled_from([0.1, 1e-5, 1.0, 50.0]),
    seed=st.integers(0, 99),
)
def test_any_part_of_a_market_is_calibrated_or_refused(half_hour, start, length, kept, tick, seed):
    """With events lost at random and any tick: intervals that hold their values, or one of our own errors."""
    random = np.random.default_rng(seed)
    tape = cut(half_hour, half_hour.start_ms + start + length, half_hour.start_ms + start)
    quotes, trades = (
        type(columns)(*(column[chosen] for column in columns))
        for columns, share in zip((tape.quotes, tape.trades), kept, strict=True)
        for chosen in [random.random(len(columns.time_ms)) < share]
    )
    lenient = SETTINGS.model_copy(update={"calibration": CalibrationSettings(minimum_exposure_s=0.0)})
    try:
        result = calibrate(tape._replace(quotes=quotes, trades=trades), Increments(tick, 1e-4), lenient)
    except NotEnoughData:
        return
    for flow in result.flows:
        for name in NAMES:
            estimate = getattr(flow, name)
            assert np.isfinite([estimate.low, estimate.value, estimate.high]).all()
            assert estimate.low <= estimate.value <= estimate.high
        assert flow.fill_intensity.value <= 20 * flow.arrival_rate.value * (1 + 1e-9)


def test_a_surge_is_followed_and_forgotten(truth, increments):
    """Rates rise with a surge faster than the mean of the window, and are back when it has died down."""
    start_s, decay_s = 2400, 60
    surging = replace(truth, surge=Surge(start_s, decay_s, arrival=10.0))
    tape = simulate_tape(surging, seed=7, seconds=3300)
    known = observe(tape, increments.tick)
    previous = None
    found = {}
    for now_s in range(1815, 3300, 15):
        window = known.as_known_at(now_s * 1000 - 1_800_000, now_s * 1000)
        previous = calibrate_observed(window, increments, SETTINGS, previous)
        counted = len(window.orders.of(Direction.BUY)) / window.exposure_s
        rate = previous.flows.buy.arrival_rate.value
        found[now_s] = (rate / truth.arrival_rate.buy, rate / counted)
    before = [found[t][0] for t in found if 2100 <= t < 2400]
    assert max(found[t][1] for t in found if 2430 <= t < 2520) > 1.5
    assert np.mean(before) == pytest.approx(1.0, abs=0.1)
    assert all(found[t][0] < 1.35 for t in found if t >= 2900)


def test_what_happens_later_changes_nothing_now(half_hour, increments):
    """A calibration from a longer recording, cut at a time, is that from a recording that ended there."""
    start, middle = half_hour.start_ms + 60_000, half_hour.start_ms + 1_200_000
    whole, ended = (
        observe(tape, increments.tick).as_known_at(start, middle) for tape in (half_hour, cut(half_hour, middle))
    )
    one, other = (calibrate_observed(seen, increments, SETTINGS) for seen in (whole, ended))
    assert one == other


def test_on_a_coin_with_a_wide_tick_the_rate_beyond_the_touch_is_the_observed_one():
    """Where hardly an order goes further than a tick, κ is cut; as many orders reach the first tick as did."""
    tick, start = 1e-3, 1_700_000_000_000
    random = np.random.default_rng(7)
    count = 1800
    ticks = random.choice([0, 1, 2], p=[0.88, 0.118, 0.002], size=count)
    sign = np.where(np.arange(count) % 2, 1, -1)
    seconds = start + 1000 * np.arange(1, count + 1)
    bid, ask, ones = np.full(count, 1.0), np.full(count, 1.0 + tick), np.ones(count)
    price = np.where(sign > 0, ask + ticks * tick, bid - ticks * tick)
    quotes = QuoteTape(seconds, bid, ones, ask, ones)
    trades = TradeTape(seconds + 500, sign, price, ones, np.arange(count))
    tape = Tape(quotes, trades, np.zeros((0, 2), dtype=np.int64), start, int(seconds[-1]) + 1000)
    flows = calibrate(tape, Increments(tick, 1.0), SETTINGS).flows
    for direction in Direction:
        flow, depth = flows.of(direction), 1.5 * tick
        observed = np.count_nonzero(ticks[sign == direction.sign] >= 1) / 1800
        assert flow.fill_decay.value == pytest.approx(3 / tick)
        assert flow.fill_intensity.value * np.exp(-flow.fill_decay.value * depth) == pytest.approx(observed, rel=0.15)
