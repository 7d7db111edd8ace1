"""The strategy that docs/adding-a-variant.md prints loads and quotes as it says."""

import re
from pathlib import Path

import pytest
from freqtrade.configuration import Configuration
from freqtrade.resolvers import StrategyResolver

from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Withheld

ROOT = Path(__file__).resolve().parents[2]
MARKET = MarketView(2999.95, 1.0, 3000.05, 1.0, 0)
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.0),
    fill_decay=Directions(1.0, 1.0),
    fill_intensity=Directions(1.0, 1.0),
    adverse_selection=Directions(0.1, 0.1),
    adverse_selection_on_fill=Directions(0.1, 0.1),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.3,
    half_spread=0.05,
)


@pytest.fixture
def quoter(tmp_path, monkeypatch):
    """Of the printed strategy, loaded by Freqtrade from a user's own folder."""
    monkeypatch.syspath_prepend(str(ROOT / "user_data/strategies"))
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/adding-a-variant.md").read_text(), re.DOTALL)
    (tmp_path / "FixedSpread.py").write_text(code)
    config = Configuration.from_files([str(ROOT / "user_data/config.json")])
    config |= {"strategy": "FixedSpread", "strategy_path": str(tmp_path), "user_data_dir": ROOT / "user_data"}
    return StrategyResolver.load_strategy(config).quoter()


def test_it_quotes_at_its_distance_and_leans_against_what_is_held(quoter):
    """6 bps on each side, 1 bp for each lot."""
    flat, long = quoter(MARKET, 0.0, FLOW, 0), quoter(MARKET, 2.0, FLOW, 0)
    assert (flat.bid.price, flat.ask.price) == (pytest.approx(2998.2), pytest.approx(3001.8))
    assert (long.bid.price, long.ask.price) == (pytest.approx(2997.6), pytest.approx(3001.2))


def test_it_withholds_what_must_not_be_quoted(quoter):
    """At the bound, and where the book is empty."""
    assert isinstance(quoter(MARKET, 3.0, FLOW, 0).sides.bid, Withheld)
    assert quoter(MARKET._replace(bid_price=0.0), 0.0, FLOW, 0).ask is None
