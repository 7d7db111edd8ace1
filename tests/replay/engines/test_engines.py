"""Known answers: what happens to an order is the same in both engines, and is what the sentence says."""

from pathlib import Path
from random import Random

import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side
from market_making.recording.store.tick_store import TickStore
from market_making.replay.engines import hftbacktest
from market_making.replay.engines.engine import (
    EngineAccount,
    EngineFault,
    EngineFill,
    EngineSettings,
    NewOrder,
    OrderNow,
    require_same_money,
)
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.sessions import Span
from market_making.venue.accounts.account import REMEMBERED_ORDERS
from tests.replay.markets import START_MS, record

ETH = Instrument.hyperliquid("ETH", 4)
SETTINGS = EngineSettings(ETH)
ENGINES = "exchange", "exchange-whole", "hftbacktest"
QUIET = ((3000.0, 10.0), (2999.9, 5.0)), ((3000.2, 10.0), (3000.3, 5.0))


def book(after_ms, bids=QUIET[0], asks=QUIET[1]):
    return BookSnapshot("ETH", START_MS + after_ms, tuple(Level(*b) for b in bids), tuple(Level(*a) for a in asks))


def print_(after_ms, direction, price, size):
    return Trade("ETH", START_MS + after_ms, direction, price, size, str(after_ms))


def sold(after_ms, price, size):
    return print_(after_ms, Direction.SELL, price, size)


def bought(after_ms, price, size):
    return print_(after_ms, Direction.BUY, price, size)


def made(name: str):
    if name == "hftbacktest":
        pytest.importorskip("hftbacktest")
        return HftbacktestEngine
    return WholeFillExchange if name == "exchange-whole" else ExchangeEngine


@pytest.fixture(params=ENGINES)
def engine_of(request, tmp_path: Path, tapes):
    """An engine over a book that stands still, and the given events after it."""
    kind = made(request.param)

    def build(*events, settings=SETTINGS):
        store = TickStore(
            record(tmp_path / "ticks", "ETH", [book(0), *events, book(50_000), sold(59_000, 2990.0, 9.0)])
        )
        tape = TapeCache(store, tapes).session(ETH, Span(START_MS, START_MS + 60_000))
        engine = kind(tape, settings)
        engine.advance(START_MS + 100)
        return engine

    return build


def run(engine, until_ms=55_000):
    """Fills of the whole tape as (time, number, price, size)."""
    for after_ms in range(1_000, until_ms + 1, 1_000):
        engine.advance(START_MS + after_ms)
    return [(fill.time_ms - START_MS, fill.number, fill.price, round(fill.size, 8)) for fill in engine.fills]


def test_the_book_is_the_markets(engine_of):
    engine = engine_of(book(5_000, bids=((2999.8, 1.0), (2999.7, 2.0))))
    assert engine.levels(Side.BID, 5) == (Level(3000.0, 10.0), Level(2999.9, 5.0))
    assert engine.levels(Side.ASK, 1) == (Level(3000.2, 10.0),)
    engine.advance(START_MS + 4_999)
    assert engine.levels(Side.BID, 1)[0].price == 3000.0
    engine.advance(START_MS + 5_000)
    assert engine.levels(Side.BID, 5)[0] == Level(2999.8, 1.0)


def test_who_queues_is_filled_after_those_ahead(engine_of):
    engine = engine_of(sold(2_000, 3000.0, 9.5), sold(3_000, 3000.0, 0.5), sold(4_000, 3000.0, 1.0))
    assert engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    assert run(engine, 3_500) == []
    assert run(engine) == [(4_000, 1, 3000.0, 1.0)]


@pytest.mark.parametrize(
    ("side", "price", "through"),
    [(Side.BID, 3000.0, sold(2_000, 2999.9, 1.0)), (Side.ASK, 3000.2, bought(2_000, 3000.3, 1.0))],
)
def test_a_print_through_a_quote_fills_it_at_its_price(engine_of, side, price, through):
    engine = engine_of(through)
    engine.place(NewOrder(1, 0, side, price, 1.0))
    assert run(engine) == [(2_000, 1, price, 1.0)]
    assert engine.fills[0].is_maker
    assert engine.fills[0].fee == pytest.approx(price * SETTINGS.maker_fee, abs=1e-6)


def test_a_print_before_the_order_arrives_does_not_fill_it(engine_of):
    engine = engine_of(sold(2_000, 2999.0, 50.0))
    engine.advance(START_MS + 2_000)
    assert engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    assert run(engine) == []


def test_a_print_after_the_cancellation_does_not_fill_it(engine_of):
    engine = engine_of(sold(2_001, 2999.0, 50.0))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.advance(START_MS + 2_000)
    engine.cancel(1)
    assert engine.order(1) == OrderNow(0.0, is_open=False)
    assert run(engine) == []


def test_a_cancellation_that_comes_too_late_changes_nothing(engine_of):
    engine = engine_of(sold(2_000, 2999.0, 50.0))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.advance(START_MS + 2_000)
    engine.cancel(1)
    assert engine.order(1) == OrderNow(1.0, is_open=False)
    assert len(run(engine)) == 1


def test_an_offer_that_comes_down_to_a_bid_fills_it_as_maker(engine_of):
    engine = engine_of(book(2_000, bids=((2999.8, 9.0),), asks=((3000.0, 9.0),)))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    assert run(engine) == [(2_000, 1, 3000.0, 1.0)]
    assert engine.fills[0].is_maker


@pytest.mark.parametrize(("side", "price"), [(Side.BID, 3000.2), (Side.BID, 3001.0), (Side.ASK, 3000.0)])
def test_a_post_only_order_that_would_take_is_refused(engine_of, side, price):
    engine = engine_of(sold(2_000, 2990.0, 9.0), bought(3_000, 3010.0, 9.0))
    assert not engine.place(NewOrder(1, 0, side, price, 1.0))
    assert run(engine) == []
    assert engine.close() == EngineAccount(0.0, 0.0, 0.0)


def test_an_order_alone_between_the_touches_is_the_first_to_be_filled(engine_of):
    engine = engine_of(sold(2_000, 3000.1, 1.0))
    engine.place(NewOrder(1, 0, Side.BID, 3000.1, 1.0))
    assert run(engine) == [(2_000, 1, 3000.1, 1.0)]


def test_money_is_that_of_the_fills(engine_of):
    engine = engine_of(sold(2_000, 2999.0, 50.0), bought(4_000, 3001.0, 50.0))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.place(NewOrder(2, 0, Side.ASK, 3000.2, 0.5))
    run(engine)
    account = engine.close()
    assert account.position == pytest.approx(0.5)
    assert account.fees == pytest.approx((3000 + 1500.1) * 0.00015, abs=1e-6)
    assert account.cash == pytest.approx(-3000 + 1500.1 - account.fees, abs=1e-6)


def test_two_legs_do_not_meet(engine_of):
    engine = engine_of(sold(2_000, 2999.0, 50.0), settings=EngineSettings(ETH, legs=2))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.place(NewOrder(2, 1, Side.ASK, 3000.2, 1.0))
    assert run(engine) == [(2_000, 1, 3000.0, 1.0)]
    assert engine.order(2).is_open


def test_fills_are_read_at_the_end_of_the_tape(engine_of):
    """Its last event fills an order; who left at once would not see it."""
    engine = engine_of()
    engine.place(NewOrder(1, 0, Side.BID, 2999.9, 1.0))
    engine.advance(START_MS + 120_000)
    assert engine.order(1) == OrderNow(1.0, is_open=False)
    engine.cancel(1)
    assert engine.close().position == 1.0


def test_after_the_last_row_orders_rest_and_go(engine_of):
    engine = engine_of()
    engine.advance(START_MS + 120_000)
    assert engine.place(NewOrder(1, 0, Side.BID, 2999.9, 1.0))
    assert not engine.place(NewOrder(2, 0, Side.ASK, 3000.0, 1.0))
    assert engine.order(1) == OrderNow(0.0, is_open=True)
    engine.cancel(1)
    assert engine.order(1) == OrderNow(0.0, is_open=False)
    assert engine.close() == EngineAccount(0.0, 0.0, 0.0)


def test_it_stops_at_the_first_fill_if_asked_to(engine_of):
    engine = engine_of(sold(2_000, 2999.9, 9.0), sold(3_000, 2999.0, 9.0))
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.place(NewOrder(2, 0, Side.BID, 2999.5, 1.0))
    assert [engine.advance(START_MS + 9_000, until_fill=True) - START_MS for _ in range(3)] == [2_000, 3_000, 9_000]
    assert [fill.number for fill in engine.fills] == [1, 2]
    assert engine.advance(START_MS + 5_000) - START_MS == 9_000, "an earlier time changes nothing"


def exchange(tmp_path, tapes, *events, settings=SETTINGS, kind=ExchangeEngine):
    store = TickStore(record(tmp_path / "ticks", "ETH", [book(0), *events, book(110_000), sold(115_000, 2990.0, 0.1)]))
    return kind(TapeCache(store, tapes).session(ETH, Span(START_MS, START_MS + 120_000)), settings)


def test_the_exchange_fills_in_parts(tmp_path, tapes):
    engine = exchange(tmp_path, tapes, sold(2_000, 2999.9, 0.4), sold(3_000, 2999.9, 0.7))
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.advance(START_MS + 2_500)
    assert engine.order(1) == OrderNow(0.4, is_open=True)
    assert run(engine) == [(2_000, 1, 3000.0, 0.4), (3_000, 1, 3000.0, 0.6)]


@pytest.mark.parametrize("name", ["exchange-whole", "hftbacktest"])
@pytest.mark.parametrize("size", [0.4, 0.0001])
def test_others_fill_an_order_whole_with_its_first_part(name, size, tmp_path, tapes):
    store = TickStore(record(tmp_path / "ticks", "ETH", [book(0), sold(2_000, 2999.9, size), book(50_000)]))
    tape = TapeCache(store, tapes).session(ETH, Span(START_MS, START_MS + 60_000))
    engine = made(name)(tape, SETTINGS)
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    assert run(engine) == [(2_000, 1, 3000.0, 1.0)]
    assert engine.close().position == 1.0


@pytest.mark.parametrize("kind", [ExchangeEngine, WholeFillExchange])
@pytest.mark.parametrize("legs", [1, 2])
def test_what_the_exchange_is_not_shown_changes_nothing(simulated_tape, kind, legs):
    """Random orders at and around the touch, against an exchange that is shown every book."""
    start_ms, results = simulated_tape.span.start_ms, []
    for shows_all in (True, False):
        random, engine, alive = Random(5), kind(simulated_tape, EngineSettings(ETH, legs=legs)), []
        engine._show_all = shows_all
        for number in range(1, 400):
            engine.advance(start_ms + 440 * number)
            while len(alive) > random.randrange(5):
                engine.cancel(alive.pop(random.randrange(len(alive))))
            side = random.choice(list(Side))
            price = engine.levels(side, 30)[min(int(random.expovariate(0.5)), 25)].price
            if engine.place(NewOrder(number, random.randrange(legs), side, price, random.choice([0.02, 0.5, 8.0]))):
                alive.append(number)
        results.append((engine.fills, engine.close()))
    assert results[0] == results[1]
    assert len(results[0][0]) > 30


def test_an_order_of_long_ago_is_still_known(tmp_path, tapes):
    engine = exchange(tmp_path, tapes, sold(2_000, 2999.9, 0.4))
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    engine.advance(START_MS + 2_500)
    engine.cancel(1)
    for number in range(2, REMEMBERED_ORDERS + 10):
        engine.place(NewOrder(number, 0, Side.BID, 2990.0, 1.0))
        engine.cancel(number)
    assert engine.order(1) == OrderNow(0.4, is_open=False)
    engine.cancel(1)
    assert len(engine.fills) == 1


def test_the_exchange_lets_a_reduce_only_order_only_reduce(tmp_path, tapes):
    engine = exchange(tmp_path, tapes, sold(2_000, 2999.0, 50.0), bought(4_000, 3010.0, 50.0))
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 0.3))
    engine.advance(START_MS + 3_000)
    engine.place(NewOrder(2, 0, Side.ASK, 3000.2, 1.0, reduce_only=True))
    run(engine)
    assert engine.close().position == 0.0


@pytest.mark.parametrize("name", ENGINES)
def test_each_leg_pays_funding_at_the_full_hour_on_what_it_held_before(tmp_path, tapes, name):
    settings = EngineSettings(ETH, funding_rate=0.001, legs=2)
    events = sold(2_000, 2999.0, 50.0), bought(3_000, 3010.0, 50.0), sold(90_000, 2999.0, 50.0)
    engine = exchange(tmp_path, tapes, *events, settings=settings, kind=made(name))
    engine.advance(START_MS + 1_000)
    for number, leg, side, price, size in ((1, 0, Side.BID, 3000.0, 1.0), (2, 1, Side.ASK, 3000.2, 0.5)):
        engine.place(NewOrder(number, leg, side, price, size))
    engine.advance(START_MS + 50_000)
    engine.place(NewOrder(3, 0, Side.BID, 3000.0, 2.0))  # filled in the hour's own millisecond
    run(engine, 100_000)
    account = engine.close()
    assert account.position == pytest.approx(2.5)
    assert [(time_ms - START_MS, leg) for time_ms, leg, _ in engine.fundings] == [(90_000, 0), (90_000, 1)]
    paid, received = (amount for *_, amount in engine.fundings)
    assert (paid, received) == pytest.approx((-0.001 * 3000.1, 0.0005 * 3000.1), abs=1e-6)
    traded = -3 * 3000 + 0.5 * 3000.2 - 0.00015 * (3 * 3000 + 0.5 * 3000.2)
    assert account.cash == pytest.approx(traded + paid + received, abs=1e-5)


def test_a_run_whose_money_does_not_add_up_fails(tmp_path, tapes):
    engine = exchange(tmp_path, tapes, sold(2_000, 2999.0, 50.0))
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 3000.0, 1.0))
    run(engine)
    account, sides = engine.close(), {1: Side.BID}
    engine.fills.append(EngineFill(0, 1, 3000.0, 0.0001, 0.0))
    with pytest.raises(EngineFault, match=r"position of exchange must be 1\.0001 by its 2 fills, got 1\.0"):
        require_same_money(account, engine, sides)
    engine.fills.pop()
    assert require_same_money(account, engine, sides) == account


def test_a_fault_of_hftbacktest_ends_the_run(tmp_path, tapes):
    pytest.importorskip("hftbacktest")
    store = TickStore(record(tmp_path / "ticks", "ETH", [book(0), sold(59_000, 2990.0, 0.1), book(59_500)]))
    tape = TapeCache(store, tapes).session(ETH, Span(START_MS, START_MS + 60_000))
    engine = HftbacktestEngine(tape, SETTINGS)
    engine.advance(START_MS + 1_000)
    engine.place(NewOrder(1, 0, Side.BID, 2999.9, 1.0))
    with pytest.raises(EngineFault, match="must answer 0 or 1"):
        engine.place(NewOrder(1, 0, Side.BID, 2999.8, 1.0))


def test_an_order_is_laid_out_as_hftbacktest_has_it():
    dtype = pytest.importorskip("hftbacktest.types").order_dtype
    ours = {name: getattr(hftbacktest._Order, name).offset for name, _ in hftbacktest._Order._fields_}
    assert ours == {name: dtype.fields[name][1] for name in dtype.names}


def test_another_version_of_hftbacktest_is_refused(monkeypatch):
    library = pytest.importorskip("hftbacktest")
    monkeypatch.setattr(library, "__version__", "2.5.0")
    hftbacktest._library.cache_clear()
    with pytest.raises(ConfigurationError, match=r"must be version 2\.4\.4, got 2\.5\.0"):
        HftbacktestEngine(SessionTape("ETH", Span(0, 1), 0.1, ()), SETTINGS)
    monkeypatch.undo()
    hftbacktest._library.cache_clear()
