"""What becomes of an order is told once, and says whether the bot had asked for it."""

import pytest

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.trading.decision_log import DecisionLog, Event, log_files, read_decisions
from market_making.trading.fills import CountedFills
from market_making.trading.holding import RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.order_track import OrderNews, OrderTrack


def order(number):
    """An order of one lot."""
    return RestingOrder(str(number), Side.ASK, 3000.0, 0.03, 0.0, 0, "open")


def cancelled(news):
    """Who of the cancelled was cancelled by the bot."""
    return {each.order.order_id: each.wanted for each in news if each.event is Event.CANCELLED}


def test_a_cancel_before_the_order_was_seen_is_still_the_bots():
    """The edge cancels between two loops what no loop has seen yet, while the order before it is still known."""
    track = OrderTrack(CountedFills())
    list(track.look(order(1)))
    track.cancel(order(1), Reason.TOO_FAR)
    track.cancel(order(2), Reason.TOO_CLOSE)
    list(track.look(order(2)))
    assert cancelled(track.look(None)) == {"2": True}


def test_both_cancels_of_the_two_orders_are_the_bots():
    """Neither takes the other's place."""
    track = OrderTrack(CountedFills())
    list(track.look(order(1)))
    track.cancel(order(1), Reason.TOO_FAR)
    track.cancel(order(2), Reason.TOO_CLOSE)
    assert cancelled(track.look(order(2))) == {"1": True}
    assert cancelled(track.look(None)) == {"2": True}


def test_what_somebody_else_cancels_is_not_the_bots():
    """An older request for another order says nothing of this one."""
    track = OrderTrack(CountedFills())
    list(track.look(order(1)))
    track.cancel(order(1), Reason.TOO_FAR)
    list(track.look(order(2)))
    assert cancelled(track.look(None)) == {"2": False}


def test_a_cancel_is_new_once_per_order_and_reason():
    """A request that is repeated every loop is one line of the log."""
    track = OrderTrack(CountedFills())
    assert track.cancel(order(1), Reason.TOO_FAR)
    assert track.cancel(order(2), Reason.TOO_CLOSE)
    assert not track.cancel(order(1), Reason.TOO_FAR)
    assert track.cancel(order(1), Reason.TOO_CLOSE)


@pytest.mark.parametrize("wanted", [True, False])
def test_what_the_guard_has_cancelled_is_the_guards_whoever_asked_too(tmp_path, wanted):
    """A bot that was asleep asks for what the guard has done already."""
    because = Because(Reason.GUARD, "mid is too close")
    journal = Journal(
        DecisionLog(tmp_path, "bot", "run"), canceller=lambda order_id, _: because if order_id == "1" else None
    )
    for number in (1, 2):
        journal.news("ETH/USDC:USDC", OrderNews(Event.CANCELLED, order(number), wanted=wanted), 1_000)
    first, second = [line for line in read_decisions(*log_files(tmp_path, "bot")) if line["event"] is Event.CANCELLED]
    assert (first["reason"], first["detail"]) == (Reason.GUARD, "mid is too close")
    assert (second["reason"], second["detail"]) == (None, "" if wanted else "the bot has not asked for it")
