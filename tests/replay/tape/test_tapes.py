"""A tape is the recording: its book at every stamp, its prints, its gaps, and nothing of the bot itself."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.market.events import BookSnapshot, Level
from market_making.market.instrument import FixedTick, Instrument
from market_making.market.sides import Side
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.replay.tape.cache import TapeCache
from market_making.replay.tape.events import EVENT, KIND, NS_PER_MS, TRADE
from market_making.replay.tape.footprint import NO_FOOTPRINT, Footprint
from market_making.replay.tape.hours import hour_tape
from market_making.replay.tape.sessions import Span, spans_of
from market_making.simulation.presets import KNOWN_COINS
from market_making.venue.markets.recording import RecordingSource
from tests.replay.markets import START_MS, books_of, record, simulated_events

ETH = Instrument.hyperliquid("ETH", 4)


def rows_of(tape):
    return np.concatenate([file.read() for file in tape.files])


def require_same_books(store, coin, span, rows):
    """Hold every book of a tape against the local venue's, which fuses row by row."""
    source = RecordingSource(store.root, [coin], start_ms=span.start_ms, end_ms=span.end_ms)
    books = {e.time_ms: e for e in source.events(source.start_ms) if isinstance(e, BookSnapshot)}
    compared = 0
    for stamp, book in books_of(rows):
        if stamp in books:
            for side, levels in ((Side.BID, books[stamp].bids), (Side.ASK, books[stamp].asks)):
                assert book.levels(side)[: len(levels)] == [Level(*level[:2]) for level in levels]
            assert book.levels(Side.BID)[0].price < book.levels(Side.ASK)[0].price
            compared += 1
    return compared


def test_a_tape_has_the_book_of_every_stamp(simulated_store, tapes):
    (span,) = spans_of(simulated_store, "ETH")
    tape = TapeCache(simulated_store, tapes).session(ETH, span)
    assert len(tape.files) == 2, "the session crosses a full hour"
    assert require_same_books(simulated_store, "ETH", span, rows_of(tape)) > 300


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "WLFI"])
def test_a_tape_of_a_recording_has_the_book_of_every_stamp(recordings, tapes, coin):
    store, cache = TickStore(recordings), TapeCache(TickStore(recordings), tapes)
    span = max(spans_of(store, coin, 1_757_015_000_000), key=lambda span: span.end_ms - span.start_ms)
    span = span._replace(end_ms=span.start_ms + 240_000)
    instrument = Instrument.hyperliquid(coin, KNOWN_COINS[coin][0].size_decimals)
    rows = rows_of(cache.session(instrument, span))
    assert require_same_books(store, coin, span, rows) > 500
    best = store.read(
        coin, Stream.BBO, *span, columns=("exchange_ms", "bid_price", "bid_size", "ask_price", "ask_size")
    )
    touches = {row["exchange_ms"]: row for row in best.to_pylist()}
    for stamp, book in books_of(rows):
        if stamp in touches:
            bid, ask = book.levels(Side.BID)[0], book.levels(Side.ASK)[0]
            assert list(touches[stamp].values())[1:] == [*bid[:2], *ask[:2]]


def test_prints_come_before_the_book_of_their_stamp_and_none_is_lost(simulated_store, tapes):
    (span,) = spans_of(simulated_store, "ETH")
    rows = rows_of(TapeCache(simulated_store, tapes).session(ETH, span))
    is_print = rows["ev"] & KIND == TRADE
    for (time_a, print_a), (time_b, print_b) in pairwise(zip(rows["exch_ts"], is_print, strict=True)):
        assert time_a < time_b or (time_a == time_b and print_a >= print_b)
    trades = simulated_store.read("ETH", Stream.TRADES, *span, columns=("price", "size", "replayed"))
    live = [(row["price"], row["size"]) for row in trades.to_pylist() if not row["replayed"]]
    assert list(zip(rows["px"][is_print].tolist(), rows["qty"][is_print].tolist(), strict=True)) == live
    assert any(trades["replayed"].to_pylist()), "there is a back-log to leave out"


def test_prints_before_the_first_book_are_left_out(tmp_path, tapes):
    events = list(simulated_events("ETH", 70, seed=3))
    early = next(event for event in events if not isinstance(event, BookSnapshot))
    store = TickStore(record(tmp_path, "ETH", [early._replace(time_ms=START_MS - 500), *events]))
    (span,) = spans_of(store, "ETH")
    assert span.start_ms < START_MS
    rows = rows_of(TapeCache(store, tapes).session(ETH, span))
    assert rows["exch_ts"][0] == START_MS * NS_PER_MS


def test_a_tape_is_the_same_however_it_is_cut(simulated_store):
    (span,) = spans_of(simulated_store, "ETH")
    cut = span.start_ms + 77_777
    made = {"tick": 0.1, "own": NO_FOOTPRINT}
    whole = hour_tape(simulated_store, "ETH", span, before=None, **made)
    first = hour_tape(simulated_store, "ETH", Span(span.start_ms, cut), before=None, **made)
    second = hour_tape(simulated_store, "ETH", Span(cut, span.end_ms), before=first, **made)
    assert np.array_equal(np.concatenate((first.rows, second.rows)), whole.rows)
    for cut_side, whole_side in zip(second.known, whole.known, strict=True):
        assert np.array_equal(np.sort(cut_side.tick), np.sort(whole_side.tick))


def test_own_orders_leave_no_trace(tmp_path, tapes):
    """A recorded market with our order in it is the market without it, once the order is taken out."""
    events = list(simulated_events("ETH", 70, seed=5))
    from_ms, until_ms = START_MS + 20_000, START_MS + 50_000
    size = 0.03
    book = next(e for e in events if isinstance(e, BookSnapshot) and e.time_ms >= from_ms)
    price = round(book.bids[0].price + 0.1, 1)  # alone at a new best price
    quiet = [e for e in events if not isinstance(e, BookSnapshot) or e.asks[0].price > price]

    def with_own(event):
        if not isinstance(event, BookSnapshot) or not from_ms <= event.time_ms <= until_ms:
            return event
        levels = {level.price: level for level in event.bids}
        levels[price] = Level(price, levels[price].size + size if price in levels else size)
        bids = sorted(levels.values(), reverse=True)[: len(event.bids)]
        return event._replace(bids=tuple(bids))

    clean = TickStore(record(tmp_path / "clean", "ETH", quiet))
    marked = TickStore(record(tmp_path / "marked", "ETH", [with_own(event) for event in quiet]))
    own = Footprint(*(np.array([value]) for value in (from_ms, until_ms, 1, price, size)))
    (span,) = spans_of(clean, "ETH")

    def touches(store, footprint):
        rows = rows_of(TapeCache(store, tapes).session(ETH, span, footprint))
        return {stamp: (book.levels(Side.BID)[0], book.levels(Side.ASK)[0]) for stamp, book in books_of(rows)}

    wanted, seen, naive = touches(clean, NO_FOOTPRINT), touches(marked, own), touches(marked, NO_FOOTPRINT)
    at_price = [sum(bid.price == price for bid, _ in touch.values()) for touch in (naive, wanted)]
    assert at_price[0] > at_price[1] + 10, "without its footprint the bot would see itself"
    common = wanted.keys() & seen.keys() & naive.keys()
    for stamp in common:
        assert (seen[stamp][0].price == price) == (wanted[stamp][0].price == price)
        if naive[stamp][0].price != price:  # behind an order that is the best bid alone, only the last book is known
            assert seen[stamp] == wanted[stamp]
    assert len(common) > 200


def test_a_tape_is_made_once_and_anew_when_its_source_or_footprint_changes(tmp_path, tapes):
    events = list(simulated_events("ETH", 70, seed=5))
    store = TickStore(record(tmp_path, "ETH", events))
    (span,) = spans_of(store, "ETH")
    first = TapeCache(store, tapes).session(ETH, span)
    stamps = [file.path.stat().st_mtime_ns for file in first.files]
    assert TapeCache(store, tapes).session(ETH, span) == first
    assert [file.path.stat().st_mtime_ns for file in first.files] == stamps
    own = Footprint(*(np.array([value]) for value in (span.start_ms, span.end_ms, 1, 3000.0, 1.0)))
    assert TapeCache(store, tapes).session(ETH, span, own).files[0].path != first.files[0].path
    record(tmp_path / "other", "ETH", [events[0]._replace(time_ms=START_MS + 1), *events[1:]])
    other = TickStore(tmp_path / "other")
    assert TapeCache(other, tapes).session(ETH, span).files[0].path != first.files[0].path


def test_nothing_is_replayed_across_a_gap(tmp_path, tapes):
    events = [e for e in simulated_events("ETH", 200, seed=2) if not 80_000 < e.time_ms - START_MS < 95_000]
    store = TickStore(record(tmp_path, "ETH", events))
    first, second = spans_of(store, "ETH")
    assert first.end_ms <= START_MS + 80_000
    assert second.start_ms >= START_MS + 95_000
    rows = rows_of(TapeCache(store, tapes).session(ETH, second))
    _, book = next(iter(books_of(rows)))
    assert len(book.levels(Side.BID)) <= 20, "nothing is known from before the gap"


def test_too_short_a_recording_is_refused(tmp_path):
    store = TickStore(record(tmp_path, "ETH", simulated_events("ETH", 30, seed=2)))
    with pytest.raises(NotEnoughData, match="at least 60 s without a gap"):
        spans_of(store, "ETH")


def test_prices_off_the_grid_are_refused(simulated_store, tapes):
    (span,) = spans_of(simulated_store, "ETH")
    coarse = replace(ETH, grid=FixedTick(ETH.lot * 70_000))
    with pytest.raises(MalformedMessage, match="multiples of 7"):
        TapeCache(simulated_store, tapes).session(coarse, span)


def test_the_rows_are_laid_out_as_hftbacktest_reads_them():
    types = pytest.importorskip("hftbacktest.types")
    assert types.event_dtype == EVENT
    assert (types.TRADE_EVENT, types.DEPTH_EVENT) == (2, 1)
