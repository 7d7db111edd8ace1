"""A replay gives nothing away: where resting orders earn nothing, nobody does; what is planted is found."""

import numpy as np
import pytest

from market_making.quoting.models import ladders
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.replay.accounts.accounts import Accounts
from market_making.settings.settings import Settings
from market_making.trading.strategy_model import StrategyModel
from tests.replay.zero_edge import SECTION, edges_of, makers, setup, tape

SECONDS, PLANTED_BPS = 1200.0, 0.5


@pytest.fixture(scope="module")
def chosen():
    pytest.importorskip("hftbacktest")
    settings = Settings.from_section(SECTION)
    model = StrategyModel("MarketMaking", cartea_jaimungal_quoter(settings.model.cartea_jaimungal()), settings)
    free = {"quote": {"actions_per_minute": 600.0}, "edge": {"address_budget": False}}
    near = ladders.quoter(ladders.LadderSettings(step_bps=0.6, live_orders=8, smallest_size=0.12))
    ladder = StrategyModel("ladder", near, Settings.from_section(SECTION | free))
    return makers({"MarketMaking": model, "ladder": ladder})


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Twenty minutes in which nothing can be earned."""
    return tape(tmp_path_factory.mktemp("zero"), 3, SECONDS)


@pytest.mark.parametrize("name", ["MarketMaking", "touch", "fixed_spread", "ladder:all-levels"])
def test_nobody_earns_where_nothing_can_be_earned(chosen, plain, name):
    """The long form, for every variant and peer, is benchmarks/replay_zero_edge.py."""
    accounts = Accounts(chosen[name](setup(), plain))
    gross = accounts.blocks.net + accounts.blocks.fees
    assert accounts.fill_count > 50
    assert abs(np.sum(gross)) < 3 * np.std(gross, ddof=1) * np.sqrt(len(gross))
    assert np.sum(accounts.blocks.net) < 0
    edge = edges_of(accounts)
    assert abs(np.mean(edge)) < 3 * np.std(edge) / np.sqrt(len(edge))
    assert abs(np.sum(edge)) / accounts.fill_count < 0.3, "half a basis point of kindness would show"


def test_half_a_basis_point_that_is_planted_is_found(chosen, tmp_path):
    kind = tape(tmp_path, 3, SECONDS, PLANTED_BPS)
    edge = edges_of(Accounts(chosen["touch"](setup(), kind)))
    error = np.std(edge) / np.sqrt(len(edge))
    assert np.mean(edge) > 5 * error
    assert np.mean(edge) == pytest.approx(PLANTED_BPS, abs=4 * error)
