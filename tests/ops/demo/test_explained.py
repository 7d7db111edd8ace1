"""The last quote of a demo, as a sum."""

import io

import pytest
from rich.console import Console

from market_making.ops.demo.explained import _MEANING, last_quote
from market_making.quoting.terms import Terms
from market_making.safety.state_file import BotState, PairState, RestingState, write_state

TERMS = {"room": 1.0, "adverse_selection": 0.3, "fee": 0.5, "inventory": -0.2}


def bot(folder, resting):
    """Write the state of a bot with one pair."""
    pair = PairState("ETH/USDC:USDC", "ETH", quoting=True, resting=resting)
    state = BotState("b", "r", 1, "live", "MarketMaking", 0, 0, 1, 1.0, pairs=(pair,))
    write_state(folder, "b", state)


@pytest.mark.parametrize(("side", "price"), [("bid", 2998.4), ("ask", 3001.6)])
def test_the_terms_lead_from_mid_to_the_price(tmp_path, side, price):
    """Downwards for a bid, upwards for an ask; what is shown is that sum."""
    bot(tmp_path, RestingState(side, price, 0.03, 0.0, "1", 0, planned_mid=3000.0, terms=TERMS))
    quote = last_quote(tmp_path)
    assert quote.mid + sum(quote.steps.values()) == pytest.approx(price)
    assert quote.unexplained == pytest.approx(0)
    out = io.StringIO()
    Console(file=out, width=100).print(quote.table())
    for text in ("3000", f"{price:g}", "room", "adverse selection", "maker fee"):
        assert text in out.getvalue()


def test_without_a_resting_order_or_its_terms_nothing_is_explained(tmp_path):
    """Neither is a folder without a bot, nor a file that is torn."""
    assert last_quote(tmp_path) is None
    (tmp_path / "torn.json").write_text("{")
    bot(tmp_path, None)
    assert last_quote(tmp_path) is None
    bot(tmp_path, RestingState("bid", 2999.0, 0.03, 0.0, "1", 0))
    assert last_quote(tmp_path) is None


def test_every_term_has_a_meaning():
    """A term that is new to the prices gets a sentence here."""
    assert set(_MEANING) == set(Terms._fields)
