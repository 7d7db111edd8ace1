"""The markets that the local exchange knows by name pay for a maker who is charged what they charge."""

import pytest

from market_making.hyperliquid.fees import BASE_TIER
from market_making.quoting.risk.toxicity import Regime, regime, toxicity
from market_making.simulation.known_markets import KNOWN_MARKETS, market_called
from market_making.simulation.presets import KNOWN_COINS, default_truths


@pytest.mark.parametrize("name", [*KNOWN_COINS, *(market.wire for market, _ in KNOWN_MARKETS)])
def test_a_known_market_is_quoted_at_its_own_base_fee(name):
    """Spot at 4 bps and a dex's perpetual at 3 bps too: the flow goes deep enough for what a fill costs there."""
    (truth,) = default_truths([name])
    fee = BASE_TIER.on(market_called(name)).maker
    toxicities = toxicity(truth.order_flow(), truth.start_price, fee)
    assert regime(toxicities) is Regime.QUOTE
    assert max(toxicities) < 0.9


@pytest.mark.parametrize("name", ["BTC", "xyz:NVDA"])
def test_a_lower_fee_leaves_the_flow_as_it_is(name):
    """Growth mode takes a tenth of the fee; the orders there go no less deep for it."""
    (truth,) = default_truths([name])
    assert 2.9 < 1e4 / truth.start_price / truth.fill_decay.buy < 3.3
