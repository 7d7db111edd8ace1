"""The last quote of a demo, as a sum."""

import io

import pytest
from rich.console import Console

from market_making.ops.demo.explained import last_quote
from market_making.quoting.terms import NAMES, Terms
from market_making.trading.decision_log import DecisionLog, Event

TERMS = {"room": 1.0, "adverse_selection": 0.3, "fee": 0.5, "inventory": -0.2}


@pytest.fixture
def log(tmp_path):
    """The log of a bot."""
    return DecisionLog(tmp_path, "demo", "run")


def asked(log, side, price, **changes):
    """Ask for an order; return the number of the line."""
    values = {"coin": "ETH", "side": side, "price": price, "size": 0.03, "mid": 3000.0, "terms": TERMS}
    return log.write(Event.PLACE, 0, values | changes)


@pytest.mark.parametrize(("side", "price"), [("bid", 2998.4), ("ask", 3001.6)])
def test_the_terms_lead_from_mid_to_the_price(log, tmp_path, side, price):
    """Downwards for a bid, upwards for an ask; what is shown is that sum."""
    log.write(Event.PLACED, 0, {"place": asked(log, side, price)})
    quote = last_quote(tmp_path)
    assert quote.mid + sum(quote.steps.values()) == pytest.approx(price)
    assert quote.unexplained == pytest.approx(0)
    out = io.StringIO()
    Console(file=out, width=100).print(quote.table())
    for text in ("3000", f"{price:g}", "room", "adverse selection", "maker fee"):
        assert text in out.getvalue()


def test_prices_keep_all_their_digits(log, tmp_path):
    """Bitcoin costs six digits and half a dollar."""
    place = asked(log, "ask", 123456.5, mid=123454.9, coin="BTC")
    log.write(Event.PLACED, 0, {"place": place})
    out = io.StringIO()
    Console(file=out, width=100).print(last_quote(tmp_path).table())
    assert "123456.5" in out.getvalue()
    assert "123454.9" in out.getvalue()


def test_the_last_order_that_the_exchange_took_is_explained(log, tmp_path):
    """Not one that it has refused, nor one whose terms nobody knows."""
    log.write(Event.PLACED, 0, {"place": asked(log, "bid", 2998.4)})
    log.write(Event.REFUSED, 0, {"place": asked(log, "ask", 3001.6)})
    log.write(Event.PLACED, 0, {"place": asked(log, "ask", 3001.6, terms=None)})
    assert last_quote(tmp_path).side == "bid"


def test_without_an_order_nothing_is_explained(log, tmp_path):
    """A log without one, and a folder without a log."""
    assert last_quote(tmp_path) is None
    asked(log, "bid", 2998.4)
    assert last_quote(tmp_path) is None


def test_every_term_has_a_meaning():
    """A term that is new to the prices gets a sentence here."""
    assert set(NAMES) == set(Terms._fields)
