"""What makes candle backtests fast changes nothing: the same calibration, the same quotes."""

import numpy as np
import pytest

from calibration.history import Calibrations, History, row_flow
from market.errors import NotEnoughData
from market.sides import Directions
from quoting.market_making import cartea_jaimungal_quoter
from quoting.quote import Preparing
from quoting.quote_table import CarteaJaimungalSettings
from tests.strategies.conftest import START, history
from tests.trading.conftest import FLOW, MARKET

SETTINGS = CarteaJaimungalSettings(widen_toxicity=10.0, pause_toxicity=10.0)


def test_a_look_up_is_that_of_the_history():
    """At, before and between rows: the newest that was published by then, or none."""
    table = History(history(5))
    calibrations, start_ms = Calibrations(table), int(START.timestamp() * 1e3)
    for time_ms in range(start_ms - 30_000, start_ms + 400_000, 30_000):
        position = calibrations.at(time_ms)
        if position < 0:
            with pytest.raises(NotEnoughData):
                table.as_of(time_ms)
            continue
        row = table.as_of(time_ms)
        assert calibrations.created_ms(position) == row["created_ms"]
        assert calibrations.flow(position) == row_flow(row)


def test_quotes_prepared_together_are_those_made_one_by_one():
    """Tables solved in one go give the depths of tables solved alone; a flow that has none does no harm."""
    random = np.random.default_rng(1)
    flows = [FLOW.__class__(**vars(FLOW) | {"fill_decay": Directions(*random.uniform(1, 2, 2))}) for _ in range(20)]
    broken = FLOW.__class__(**vars(FLOW) | {"fill_decay": Directions(-1.0, 1.0)})
    prepared, alone = cartea_jaimungal_quoter(SETTINGS), cartea_jaimungal_quoter(SETTINGS)
    assert isinstance(prepared, Preparing)
    prepared.prepare([*flows, broken], [MARKET.mid] * 21)
    for flow in flows:
        for inventory in (-3, 0.5, 2):
            together, single = (quoter(MARKET, inventory, flow, 0).sides for quoter in (prepared, alone))
            for side in ("bid", "ask"):
                depths = [getattr(getattr(sides, side), "depth", -1.0) for sides in (together, single)]
                assert depths[0] == pytest.approx(depths[1], rel=1e-6)
    assert prepared(MARKET, 0.0, broken, 0).bid is None
