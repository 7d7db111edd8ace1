"""A simulated market obeys its stated truth, and is the same market however it is drawn."""

from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.publication.document import Market
from market_making.market.errors import ConfigurationError
from market_making.market.events import BookSnapshot, Trade
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Directions
from market_making.simulation.presets import Character, coin_universe, default_truths, toxic_truth
from market_making.simulation.regimes import Bursts, SelfExcitation, Surge, Widening
from market_making.simulation.simulation import SimulatedSource, simulate_tape
from market_making.simulation.truth import MarketTruth

HOURS_6 = 6 * 3600.0
MAKER_FEE = 0.00015

BASE = MarketTruth(
    coin="ETH",
    size_decimals=4,
    start_price=3337.0,
    spread_ticks=3,
    arrival_rate=Directions(1.1, 0.7),
    reach_probability=Directions(0.3, 0.5),
    fill_decay=Directions(2.7, 1.4),
    adverse_selection_at_touch=Directions(0.03, 0.0),
    adverse_selection_on_fill=Directions(0.37, 0.52),
    diffusion=0.21,
)
TRUTHS = {
    "asymmetric": BASE,
    "deeper orders move mid more": replace(BASE, adverse_selection_slope=Directions(0.5, 0.3)),
    "moving spread": replace(BASE, widening=Widening(share=0.3, spell_s=7.0, extra_ticks=4)),
    "drift": replace(BASE, drift=-0.05),
    "impact within the block": replace(BASE, impact_delay_ms=0),
    "default": default_truths(["ETH"])[0],
    "balanced bursts": replace(default_truths(["SOL"])[0], bursts=Bursts(share=0.2, spell_s=20.0, ratio=5.0)),
}


class Orders(NamedTuple):
    """Market orders as a tape shows them."""

    time_ms: np.ndarray
    sign: np.ndarray
    reach: np.ndarray  # beyond the touch before it [price]
    depth: np.ndarray  # from the mid before it [price]
    mid: np.ndarray


def orders_of(tape):
    """Aggregate prints to orders, against the last quote strictly before them."""
    trades, quotes = tape.trades, tape.quotes
    _, first = np.unique(trades.order, return_index=True)
    sign, time_ms = trades.sign[first], trades.time_ms[first]
    extreme = sign * np.maximum.reduceat(trades.sign * trades.price, first)
    before = np.searchsorted(quotes.time_ms, time_ms, "left") - 1
    known = before >= 0
    touch = np.where(sign > 0, quotes.ask_price[before], quotes.bid_price[before])
    mid = quotes.mid[before]
    columns = (time_ms, sign, sign * (extreme - touch), sign * (extreme - mid), mid)
    return Orders(*(column[known] for column in columns))


def mid_at(tape, time_ms):
    return tape.quotes.mid[np.searchsorted(tape.quotes.time_ms, time_ms, "right") - 1]


def moves_after(tape, orders, horizon_ms, drift):
    """Signed moves of mid from just before an order to `horizon_ms` after it, without the mean drift."""
    after = mid_at(tape, orders.time_ms + horizon_ms)
    return orders.sign * (after - orders.mid - drift * horizon_ms / 1e3)


@pytest.fixture(scope="module", params=TRUTHS.values(), ids=TRUTHS.keys())
def observed(request):
    truth = request.param
    tape = simulate_tape(truth, seed=20, seconds=HOURS_6)
    return truth, tape, orders_of(tape)


def assert_mean(sample, expected, *, what):
    error = np.std(sample, ddof=1) / np.sqrt(len(sample))
    assert abs(np.mean(sample) - expected) < 4 * error, f"{what}: {np.mean(sample)} ± {error}, true {expected}"


@pytest.mark.parametrize("direction", Direction)
def test_orders_arrive_at_their_rate(observed, direction):
    """The number of market orders is Poisson with the stated mean, wider by the Fano factor of the bursts."""
    truth, _, orders = observed
    expected = truth.arrival_rate.of(direction) * HOURS_6
    fano = truth.bursts.fano(truth.arrival_rate.of(direction), HOURS_6) if truth.bursts else 1.0
    assert abs((orders.sign == direction.sign).sum() - expected) < 4 * np.sqrt(fano * expected)


@pytest.mark.parametrize("direction", Direction)
def test_reach_is_geometric_on_the_grid(observed, direction):
    """An order goes k ticks beyond the touch with probability π exp(−κ tick (k − 1))."""
    truth, _, orders = observed
    ticks = np.rint(orders.reach[orders.sign == direction.sign] / truth.tick)
    for k in (1, 2, 5, 12):
        probability = truth.reach_probability.of(direction) * np.exp(
            -truth.fill_decay.of(direction) * truth.tick * (k - 1)
        )
        error = np.sqrt(probability * (1 - probability) / len(ticks))
        assert abs((ticks >= k).mean() - probability) < 4 * error


@pytest.mark.parametrize("direction", Direction)
def test_fill_intensity_decays_exponentially_from_mid(observed, direction):
    """Orders reach a depth d beyond the touch at the rate A exp(−κ d), also while the spread moves."""
    truth, _, orders = observed
    depth = orders.depth[orders.sign == direction.sign]
    widest = (truth.spread_ticks / 2 + (truth.widening.extra_ticks if truth.widening else 0)) * truth.tick
    for d in widest + truth.tick * np.array([1, 3, 8]):
        expected = HOURS_6 * truth.fill_intensity.of(direction) * np.exp(-truth.fill_decay.of(direction) * d)
        fano = truth.bursts.fano(expected / HOURS_6, HOURS_6) if truth.bursts else 1.0
        if truth.widening:
            fano = 1.5  # the rate itself varies with the width of the book
        assert abs((depth > d - truth.tick / 4).sum() - expected) < 4 * np.sqrt(fano * expected)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("horizon_ms", [1000, 5000])
def test_orders_move_mid_by_their_adverse_selection(observed, direction, horizon_ms):
    """The mean lasting move is ε over all orders and ε on fill over those beyond the touch, at any horizon."""
    truth, tape, orders = observed
    mine = (orders.sign == direction.sign) & (orders.time_ms < tape.end_ms - horizon_ms)
    moves = moves_after(tape, orders, horizon_ms, truth.mean_drift)
    assert_mean(moves[mine], truth.adverse_selection.of(direction), what="all orders")
    beyond = mine & (orders.reach > truth.tick / 2)
    assert_mean(moves[beyond], truth.adverse_selection_on_fill.of(direction), what="on fill")


@pytest.mark.parametrize("direction", Direction)
def test_adverse_selection_grows_with_depth_by_its_slope(observed, direction):
    """E[J | reach ≥ d] = e0 + θ d, with e0 from the mean over the orders beyond the touch."""
    truth, tape, orders = observed
    mine = (orders.sign == direction.sign) & (orders.time_ms < tape.end_ms - 1000)
    moves = moves_after(tape, orders, 1000, truth.mean_drift)
    for ticks in (3, 8):
        expected = truth.adverse_selection_on_fill.of(direction)
        expected += truth.adverse_selection_slope.of(direction) * (ticks - 1) * truth.tick
        assert_mean(moves[mine & (orders.reach > (ticks - 0.5) * truth.tick)], expected, what=f"{ticks} ticks")


@pytest.mark.parametrize("step_ms", [1000, 10_000])
def test_volatility_is_that_of_the_whole_process(observed, step_ms):
    """The variance of mid per second is σ² at every sampling interval: increments are independent."""
    truth, tape, _ = observed
    squares = np.diff(mid_at(tape, np.arange(0, tape.end_ms, step_ms))) - truth.mean_drift * step_ms / 1e3
    tolerance = 2.0 if truth.bursts else 1.0  # bursts cluster the squares, so their mean is known less well
    squares = squares**2 / (step_ms / 1e3)
    error = tolerance * squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - truth.volatility**2) < 4 * error


def test_mid_drifts_as_stated(observed):
    """Over the whole window mid moves by the drift plus what the orders leave behind."""
    truth, tape, _ = observed
    total = tape.quotes.mid[-1] - tape.quotes.mid[0]
    spread = truth.volatility * np.sqrt(HOURS_6) * (1.5 if truth.bursts else 1.0)
    assert abs(total - truth.mean_drift * HOURS_6) < 4 * spread


def test_half_spread_is_its_mean_over_time(observed):
    """The time-weighted mean half-spread is the published one, exactly where the spread does not move."""
    truth, tape, _ = observed
    lasting = np.diff(np.append(tape.quotes.time_ms, tape.end_ms))
    mean = np.average(tape.quotes.half_spread, weights=lasting)
    assert mean == pytest.approx(truth.half_spread, rel=0.1 if truth.widening else 1e-9)


def test_bursts_keep_the_rate_and_spread_the_counts():
    """Counts in buckets of 15 s have the variance of a two-state Markov-modulated Poisson process."""
    truth = TRUTHS["balanced bursts"]
    rate = truth.arrival_rate.buy
    tapes = [simulate_tape(truth, seed=seed, seconds=HOURS_6) for seed in range(4)]
    buys = [orders.time_ms[orders.sign > 0] for orders in map(orders_of, tapes)]
    counts = np.concatenate([np.bincount(times // 15_000, minlength=int(HOURS_6 / 15)) for times in buys])
    assert counts.mean() == pytest.approx(15 * rate, rel=0.05)
    assert counts.var() / counts.mean() == pytest.approx(truth.bursts.fano(rate, 15.0), rel=0.15)
    assert truth.bursts.fano(rate, 15.0) > 3


def test_orders_that_bring_others_keep_rate_and_add_to_what_is_measured():
    """Self-excited orders: mean rate, Fano factor and the measured move per order are those of the Hawkes process."""
    excitation = SelfExcitation(branching=0.4, decay_s=0.8)
    truth = replace(default_truths(["ETH"])[0], impact_delay_ms=0, excitation=excitation)
    rate, counts, moves = truth.arrival_rate.sell, [], []
    for seed in range(40):
        tape = simulate_tape(truth, seed=seed, seconds=1800)
        orders = orders_of(tape)
        sells = (orders.sign < 0) & (orders.time_ms < tape.end_ms - 1000)
        counts.append(np.bincount(orders.time_ms[orders.sign < 0] // 15_000, minlength=120))
        moves.append(moves_after(tape, orders, 1000, 0.0)[sells].mean())
    assert_mean(np.concatenate(counts).reshape(-1, 8).mean(axis=1), 15 * rate, what="orders in 15 s")
    assert np.var(counts) / np.mean(counts) == pytest.approx(excitation.fano(15.0), rel=0.1)
    assert_mean(moves, truth.adverse_selection.sell * (1 + excitation.excess_orders(1.0)), what="move after 1 s")
    assert excitation.excess_orders(1.0) > 0.4


def test_surge_dies_down():
    """A surge multiplies orders and their moves at its start; long after it the market is as before."""
    quiet = default_truths(["ETH"])[0]
    surge = Surge(start_s=600, decay_s=120, arrival=4.0, impact=3.0)
    tape = simulate_tape(replace(quiet, surge=surge), seed=3, seconds=3600)
    orders = orders_of(tape)
    seconds = orders.time_ms / 1e3
    moves = moves_after(tape, orders, 1000, 0.0)
    during, long_after = (seconds >= 600) & (seconds < 630), seconds > 1800
    assert during.sum() / 30 > 2.5 * sum(quiet.arrival_rate)
    assert moves[during].mean() > 2 * quiet.adverse_selection.buy
    assert_mean(moves[long_after & (seconds < 3599)], quiet.adverse_selection.buy, what="long after")
    assert long_after.sum() / 1800 == pytest.approx(sum(quiet.arrival_rate), rel=0.1)


def events_until(source, end_ms, start_ms=0):
    return list(takewhile(lambda event: event.time_ms < end_ms, source.events(start_ms)))


def test_tape_and_events_are_the_same_market():
    """Drawn as arrays or one by one, a seed gives the same quotes and prints."""
    truth = replace(BASE, widening=Widening(share=0.3, spell_s=7.0, extra_ticks=2))
    start_ms = 1_700_000_000_000
    tape = simulate_tape(truth, seed=7, seconds=150, start_ms=start_ms)
    events = events_until(SimulatedSource([truth], seed=7), start_ms + 150_000, start_ms)
    books = [event for event in events if isinstance(event, BookSnapshot)]
    trades = [event for event in events if isinstance(event, Trade)]
    top = [(b.time_ms, b.bids[0].price, b.bids[0].size, b.asks[0].price, b.asks[0].size) for b in books]
    assert top == list(zip(*(column.tolist() for column in tape.quotes), strict=True))
    prints = [(t.time_ms, t.direction.sign, t.price, t.size) for t in trades]
    assert prints == list(zip(*(column.tolist() for column in tape.trades[:4]), strict=True))
    hashes = np.unique([t.hash for t in trades], return_inverse=True)[1]
    assert len(set(hashes)) == len(set(tape.trades.order)) == len(set(zip(hashes, tape.trades.order, strict=True)))


def test_a_seed_is_a_market():
    """The same seed repeats the events, another seed does not, and the start time only shifts them."""
    truths = default_truths(["ETH", "BTC"])
    source = SimulatedSource(truths, seed=1)
    first = events_until(source, 20_000)
    assert first == events_until(source, 20_000)
    assert first != events_until(SimulatedSource(truths, seed=2), 20_000)
    shifted = [event._replace(time_ms=event.time_ms - 5000) for event in events_until(source, 25_000, 5000)]
    assert first == shifted


def test_coins_do_not_depend_on_each_other():
    """A coin's books are the same alone and among others."""
    truths = default_truths(["ETH", "BTC"])
    alone = events_until(SimulatedSource(truths[1:], seed=1), 20_000)
    together = [event for event in events_until(SimulatedSource(truths, seed=1), 20_000) if event.coin == "BTC"]
    assert [e for e in alone if isinstance(e, BookSnapshot)] == [e for e in together if isinstance(e, BookSnapshot)]


def test_a_shorter_tape_is_the_start_of_a_longer_one():
    """The length of a window does not change what happens in it."""
    short, long = (simulate_tape(BASE, seed=5, seconds=seconds) for seconds in (95.5, 200))
    for part, whole in zip(short.quotes + short.trades, long.quotes + long.trades, strict=True):
        np.testing.assert_array_equal(part, whole[: len(part)])


bps = st.floats(0.05, 5.0)
characters = st.builds(
    Character,
    half_spread=bps,
    arrival_rate=st.floats(0.05, 4.0),
    reach_probability=st.floats(0.01, 1.0),
    reach=st.floats(0.3, 10.0),
    at_touch=st.floats(-0.2, 0.5),
    on_fill=bps,
    slope=st.floats(0.0, 1.5),
    diffusion=st.floats(0.0, 5.0),
)


@given(character=characters, coin=st.sampled_from(["BTC", "ETH", "WLFI", "DOGE", "NEWCOIN"]), data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_book_and_print_could_exist(character, coin, data):
    """Whatever the truth: 20 levels a side, never crossed, on the grid, prints at or beyond the touch before them."""
    known = default_truths([coin])[0]
    truth = replace(
        character.truth(known.listing, known.start_price),
        widening=data.draw(st.none() | st.just(Widening(share=0.2, spell_s=3.0, extra_ticks=2))),
        bursts=data.draw(st.none() | st.just(Bursts(share=0.1, spell_s=5.0, ratio=8.0))),
    )
    instrument = Instrument.hyperliquid(coin, truth.size_decimals)
    book = None
    for event in islice(SimulatedSource([truth], seed=data.draw(st.integers(0, 2**32))).events(0), 150):
        if isinstance(event, Trade):
            buy = event.direction is Direction.BUY
            assert event.price >= book.asks[0].price if buy else event.price <= book.bids[0].price
            assert instrument.is_valid_price(event.price)
            assert 0 < event.size == instrument.size(event.size)
        else:
            assert_could_exist(event, instrument)
            book = event


def assert_could_exist(book, instrument):
    bids, asks = ([level.price for level in side] for side in (book.bids, book.asks))
    assert len(bids) == len(asks) == 20
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[0] < asks[0]
    assert all(map(instrument.is_valid_price, bids + asks))
    assert all(0 < level.size == instrument.size(level.size) for level in book.bids + book.asks)


def test_trades_come_before_the_book_of_their_stamp():
    """In the order of events, of a coin, nothing of a stamp follows its book, and time never runs back."""
    closed = {}
    for event in events_until(SimulatedSource(default_truths(["ETH", "SOL"]), seed=4), 120_000):
        assert event.time_ms > closed.get(event.coin, -1)
        if isinstance(event, BookSnapshot):
            closed[event.coin] = event.time_ms
    assert set(closed) == {"ETH", "SOL"}


def test_prints_of_an_order_share_hash_and_taker():
    """Trade ids are unique; one hash is one order of one taker, its prices run away from the touch."""
    events = events_until(SimulatedSource(default_truths(["ETH", "SOL"]), seed=4), 300_000)
    trades = [event for event in events if isinstance(event, Trade)]
    assert len({trade.trade_id for trade in trades}) == len(trades)
    orders = {}
    for trade in trades:
        orders.setdefault(trade.hash, []).append(trade)
    assert len(orders) > 500
    for prints in orders.values():
        takers = {t.buyer if t.direction is Direction.BUY else t.seller for t in prints}
        assert len(takers) == len({(t.coin, t.time_ms, t.direction) for t in prints}) == 1
        away = [t.direction.sign * t.price for t in prints]
        assert away == sorted(set(away))


def test_price_stops_before_the_grid_changes():
    """A market that runs off is held where its tick still holds, and stays valid there."""
    truth = replace(BASE, start_price=9800.0, drift=2.0, diffusion=2.0, move_rate=20.0)
    tape = simulate_tape(truth, seed=1, seconds=600)
    assert tape.quotes.bid_price.max() == truth.bid_bounds[1] * truth.tick
    assert (tape.trades.price < 10_000).all()
    assert (tape.quotes.bid_price < tape.quotes.ask_price).all()


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "HYPE", "WLFI", "SOMETHING"])
def test_making_the_default_market_pays(coin):
    """At the base fee toxicity is below 1, and the best quote is reached every few seconds on each side."""
    flow = default_truths([coin])[0].order_flow()
    price = default_truths([coin])[0].start_price
    cost = flow.adverse_selection_on_fill.buy + MAKER_FEE * price
    assert 0.5 < flow.fill_decay.buy * cost < 0.95
    best_depth = 1 / flow.fill_decay.buy + cost
    assert 3 < 1 / (flow.fill_intensity.buy * np.exp(-flow.fill_decay.buy * best_depth)) < 12
    assert 0.7e-4 < flow.volatility / price < 1.5e-4


def earnings_per_fill(truth, depth, *, seed):
    """What a quote held at `depth` from mid earns with each order that reaches it, marked out at 1 s [price]."""
    tape = simulate_tape(truth, seed=seed, seconds=HOURS_6)
    orders = orders_of(tape)
    filled = (orders.depth > depth - truth.tick / 4) & (orders.time_ms < tape.end_ms - 1000)
    return depth - moves_after(tape, orders, 1000, 0.0)[filled]


@pytest.mark.parametrize("coin", ["ETH", "WLFI"])
def test_the_best_quote_of_the_default_market_earns_what_the_model_says(coin):
    """A quote at 1/κ + ε + fee earns 1/κ a fill after the fee, A exp(−κ depth) times a second."""
    truth = default_truths([coin])[0]
    flow, fee = truth.order_flow(), MAKER_FEE * truth.start_price
    best = 1 / flow.fill_decay.buy + flow.adverse_selection_on_fill.buy + fee
    depth = (np.rint(best / truth.tick - truth.spread_ticks / 2) + truth.spread_ticks / 2) * truth.tick
    earned = earnings_per_fill(truth, depth, seed=6) - fee
    assert_mean(earned, depth - flow.adverse_selection_on_fill.buy - fee, what="earned")
    expected = 2 * flow.fill_intensity.buy * np.exp(-flow.fill_decay.buy * depth) * HOURS_6
    assert abs(len(earned) - expected) < 4 * np.sqrt(expected)


@pytest.mark.parametrize("ticks", [1, 5, 12])
def test_no_depth_pays_in_the_toxic_market(ticks):
    """Before any fee, a quote loses at every depth to the mean move of the orders that reach it."""
    truth = toxic_truth("ETH")
    earned = earnings_per_fill(truth, (truth.spread_ticks / 2 + ticks) * truth.tick, seed=6)
    assert len(earned) > 50
    assert earned.mean() < -3 * earned.std() / np.sqrt(len(earned))


def test_universe_holds_good_and_bad_coins():
    """Its coins differ in name and character; some pay at the base fee, some do not."""
    universe = coin_universe(30, seed=1)
    assert len({truth.coin for truth in universe}) == 30
    toxicity = [
        truth.fill_decay.buy * (truth.adverse_selection_on_fill.buy + MAKER_FEE * truth.start_price)
        for truth in universe
    ]
    assert min(toxicity) < 0.6
    assert max(toxicity) > 2
    assert coin_universe(30, seed=1) == universe


def test_published_truth_has_the_names_of_the_parameter_file():
    """What a simulated market publishes can be compared key by key with a calibration."""
    published = SimulatedSource(default_truths(["ETH"])).truth()["ETH"]
    names = {"arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill"}
    assert set(published["buy"]) == set(published["sell"]) == names | {"adverse_selection_slope"}
    assert set(published["market"]) == set(Market.model_fields) - {"mid", "activity"}


@pytest.mark.parametrize(
    "change",
    [
        {"spread_ticks": 0},
        {"arrival_rate": Directions(0.0, 1.0)},
        {"fill_decay": Directions(1.0, float("nan"))},
        {"reach_probability": Directions(1.0, 1.1)},
        {"impact_delay_ms": 1500},
        {"drift": 10.0},
        {"start_price": 9999.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_impossible_markets_are_refused(change):
    """A market that cannot be simulated names the value at fault."""
    with pytest.raises(ConfigurationError, match=next(iter(change))):
        replace(BASE, **change)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Bursts(share=1.0, spell_s=5.0, ratio=2.0), "share"),
        (lambda: Widening(share=0.5, spell_s=0.0, extra_ticks=2), "spell_s"),
        (lambda: SelfExcitation(branching=1.0, decay_s=1.0), "branching"),
        (lambda: SelfExcitation(branching=0.9, decay_s=5.0), "decay_s"),
    ],
)
def test_impossible_regimes_are_refused(make, name):
    """A spell or a chain of orders that never ends names the value at fault."""
    with pytest.raises(ConfigurationError, match=name):
        make()


def test_a_source_needs_different_coins():
    """No coin, or one twice, is refused."""
    for coins in ([], ["ETH", "ETH"]):
        with pytest.raises(ConfigurationError, match="different coins"):
            SimulatedSource(default_truths(coins))
