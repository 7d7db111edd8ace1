"""Peers quote by their published formulas, keep their orders by their own rules, and their money adds up."""

from itertools import pairwise
from math import log

import numpy as np
import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.bot.run import ReplaySetup
from market_making.replay.engines.exchange import ExchangeEngine
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.makers.maker import Resting
from market_making.replay.peers.catalogue import PEERS, peer_of
from market_making.replay.peers.keeping import Drifting, EveryLoop, Refreshing, TimingOut
from market_making.replay.peers.peer import Changes, PeerView, Wanted
from market_making.replay.peers.pricing import AtTouch, BasicAdding, FixedSpread, RollingAvellaneda
from market_making.replay.peers.prior_art import PriorArt, published_table
from market_making.replay.peers.run import peer_model, replay_peer
from market_making.replay.result import Outcome
from market_making.replay.tape.cache import TapeCache
from market_making.replay.tape.sessions import Span
from tests.replay.markets import START_MS

ETH = Instrument.hyperliquid("ETH", 4)
BOTH = (Side.BID, Side.ASK)


def flow(rate=(1.0, 1.0), decay=(2.0, 2.0), adverse=(0.1, 0.1)):
    ones = Directions(1.0, 1.0)
    return OrderFlow(Directions(*rate), ones, Directions(*decay), Directions(*adverse), ones, ones, 0.5, 0.1)


def view(time_ms=0, bid=2999.9, ask=3000.1, position=0.0, known=None):
    return PeerView(time_ms, bid, ask, 0.1, position, 0.01, 0.03, known)


def prices(sides):
    return [None if order is None else round(order.price, 6) for order in sides]


def test_a_fixed_spread_lies_around_mid_and_the_touch_at_the_best_prices():
    assert prices(FixedSpread(10.0).wanted(view())) == [2997.0, 3003.0]
    assert prices(AtTouch().wanted(view())) == [2999.9, 3000.1]


def test_no_order_goes_beyond_the_bound():
    full = AtTouch().wanted(view(position=0.03))
    assert (full.bid, full.ask.size) == (None, 0.01)
    short = BasicAdding().wanted(view(position=-0.01))
    assert short.bid.size == pytest.approx(0.04)
    assert short.ask.size == pytest.approx(0.02)
    assert prices(short) == [round(2999.9 * 0.997, 6), round(3000.1 * 1.003, 6)]


def test_rolling_avellaneda_waits_for_its_samples_and_then_follows_the_formula():
    pricing, known = RollingAvellaneda(risk_factor=0.5, samples=4), flow(decay=(0.0005, 0.0015))
    for step in range(3):
        moved = 0.4 * (step % 2)
        assert prices(pricing.wanted(view(bid=2990.0 + moved, ask=3010.0 + moved, known=known))) == [None, None]
    quotes = pricing.wanted(view(bid=2990.4, ask=3010.4, position=0.015, known=known))
    # σ = 0.4 a sample, κ = 0.001, q = 0.015 / 0.06.
    middle, half = 3000.4 - 0.25 * 0.5 * 0.4, (0.5 * 0.4 + 2 / 0.5 * log(1 + 0.5 / 0.001)) / 2
    assert prices(quotes) == [pytest.approx(middle - half, abs=1e-6), pytest.approx(middle + half, abs=1e-6)]


def test_rolling_avellaneda_goes_at_most_a_tick_ahead_of_the_best_prices():
    pricing, known = RollingAvellaneda(risk_factor=1e-6, samples=2), flow(decay=(1e3, 1e3))
    pricing.wanted(view(bid=2990.0, ask=3010.0, known=known))
    assert prices(pricing.wanted(view(bid=2990.0, ask=3010.0, known=known))) == [2990.1, 3009.9]


def test_the_published_table_is_flat_where_the_market_is_balanced():
    """The income at the bounds is the published mistake: a table without it falls towards them."""
    table = published_table(flow(), 3, 60.0)
    assert np.ptp(table) < 1e-6
    assert table[0] == pytest.approx(2 * 60.0 * 0.5 * np.exp(-1 - 2.0 * 0.1), rel=1e-6)


def test_the_prior_art_buys_a_lot_and_then_sells_it_with_two_fees_on_each_side():
    pricing, known = PriorArt(), flow()
    distance = 1 / 2.0 + 0.1 + 2 * 0.00015 * 3000.0
    flat, long = pricing.wanted(view(known=known)), pricing.wanted(view(position=0.01, known=known))
    assert prices(flat) == [pytest.approx(3000.0 - distance, abs=1e-4), None]
    assert prices(long) == [None, pytest.approx(3000.0 + distance, abs=1e-4)]
    assert prices(pricing.wanted(view())) == [None, None], "without a calibration there is no price"


def resting(bid=None, ask=None, placed_ms=0):
    made = [None if price is None else Resting(1, price, 0.01, 0.0, placed_ms) for price in (bid, ask)]
    return Sides(*made)


def wanted(bid=None, ask=None):
    return Sides(*(None if price is None else Wanted(price, 0.01) for price in (bid, ask)))


def test_an_order_of_every_loop_follows_its_price():
    keeping = EveryLoop()
    assert keeping.changes(view(), wanted(1.0, 2.0), resting(1.0), filled=False) == Changes((), (Side.ASK,))
    moved = keeping.changes(view(), wanted(1.1, None), resting(1.0, 2.0), filled=False)
    assert moved == Changes(BOTH, (Side.BID,))


def test_hummingbots_timers_renew_both_sides_and_rest_after_a_fill():
    keeping, orders = Refreshing(refresh_s=30.0, after_fill_s=60.0), wanted(1.0, 2.0)

    def at(time_s, held, *, filled=False):
        return keeping.changes(view(round(time_s * 1e3)), orders, held, filled=filled)

    assert at(0, resting()) == Changes(place=BOTH)
    assert at(29, resting(0.9, 2.1)) == Changes()
    assert at(30, resting(0.9, 2.1)) == Changes(BOTH, BOTH)
    assert at(40, resting(None, 2.0), filled=True) == Changes(), "the other side rests on"
    assert at(60, resting(None, 2.1)) == Changes((Side.ASK,)), "and is cancelled in its time"
    assert at(99, resting()) == Changes(), "a minute without a new order"
    assert at(100, resting()) == Changes(place=BOTH)


def test_hummingbots_tolerance_keeps_what_is_near():
    keeping = Refreshing(refresh_s=30.0, tolerance=0.01)
    keeping.changes(view(0), wanted(1.0, 2.0), resting(), filled=False)
    kept = keeping.changes(view(30_000), wanted(1.005, 2.0), resting(1.0, 2.0), filled=False)
    assert kept == Changes()
    gone = keeping.changes(view(60_000), wanted(1.02, 2.0), resting(1.0, 2.0), filled=False)
    assert gone == Changes(BOTH, BOTH)


def test_the_sdks_example_moves_what_has_drifted_and_polls_after_a_fill():
    keeping = Drifting()
    far = view(bid=1000.0, ask=1001.0)
    assert keeping.changes(far, wanted(997.0, None), resting(998.4), filled=False) == Changes()
    assert keeping.changes(far, wanted(997.0, None), resting(998.6), filled=False) == Changes((Side.BID,), (Side.BID,))
    late = far._replace(time_ms=3_000)
    assert keeping.changes(late, wanted(997.0, 1004.0), resting(), filled=True) == Changes()
    polled = far._replace(time_ms=10_000)
    assert keeping.changes(polled, wanted(997.0, 1004.0), resting(), filled=False) == Changes((), BOTH)


def test_an_order_that_times_out_is_left_alone_until_then():
    keeping = TimingOut(timeout_s=15.0)
    assert keeping.changes(view(14_999), wanted(1.5), resting(1.0), filled=False) == Changes()
    assert keeping.changes(view(15_000), wanted(1.5), resting(1.0), filled=False) == Changes((Side.BID,), (Side.BID,))


def test_a_peer_has_a_name():
    assert all(peer_of(name).name == name for name in PEERS)
    with pytest.raises(ConfigurationError, match="got tuch, did you mean touch"):
        peer_of("tuch")


@pytest.fixture(params=["exchange", "hftbacktest"])
def engine(request):
    if request.param == "hftbacktest":
        pytest.importorskip("hftbacktest")
        return HftbacktestEngine
    return ExchangeEngine


@pytest.fixture
def setup(simulated_settings, simulated_history, engine):
    return ReplaySetup(peer_model(simulated_settings), ETH, simulated_history, engine)


@pytest.mark.parametrize("name", PEERS)
def test_the_money_of_every_peer_adds_up_within_its_bound(setup, simulated_tape, name):
    result = replay_peer(PEERS[name], setup, [simulated_tape])
    (session,) = result.sessions
    fills, orders = session.fills, session.orders
    accounts = Accounts(result)  # refuses money that does not add up
    assert accounts.money(1.0).net == pytest.approx(session.net, abs=1e-9)
    lot = ETH.size(20.0 / session.touch.mid[0])
    held = np.cumsum(fills.sign * fills.size)
    assert np.all(np.abs(held) <= 3 * lot * (1 + 1e-9))
    for sign in (1, -1):  # never two orders of one side at once
        chosen = (orders.sign == sign) & (orders.outcome != Outcome.REFUSED)
        spans = sorted(zip(orders.placed_ms[chosen], orders.ended_ms[chosen], strict=True))
        assert all(ended <= placed for (_, ended), (placed, _) in pairwise(spans))
    if name == "avellaneda_market_making":
        assert len(orders.price) == 0, "its 200 samples are longer than the tape"
    else:
        assert len(orders.price) > 0
    if name == "touch":
        assert len(fills.price) > 20
        half = (session.touch.ask[0] - session.touch.bid[0]) / 2  # which does not change in this market
        assert orders.price == pytest.approx(orders.mid - orders.sign * half, abs=1e-9)


def test_nothing_after_a_moment_changes_what_a_peer_did_before(setup, simulated_tape, simulated_store, tapes):
    cut_ms = START_MS + 120_000
    whole = replay_peer(PEERS["touch"], setup, [simulated_tape]).sessions[0].orders
    shorter = TapeCache(simulated_store, tapes).session(ETH, Span(simulated_tape.span.start_ms, cut_ms))
    part = replay_peer(PEERS["touch"], setup, [shorter]).sessions[0].orders
    before = np.count_nonzero(whole.asked_ms < cut_ms - 100)
    assert before > 20
    for name in ("asked_ms", "placed_ms", "sign", "price", "size", "mid"):
        assert getattr(part, name)[:before].tolist() == getattr(whole, name)[:before].tolist()
