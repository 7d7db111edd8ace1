"""The examples at the front doors run as they stand."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "calibration.flow.calibrate",
    "market_making.market.clock",
    "market_making.market.suggestion",
    "market_making.quoting.models.cartea_jaimungal",
    "market_making.recording.store.tick_store",
    "market_making.simulation.simulation",
    "market_making.trading.plan",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_front_door_give_what_they_say(name):
    """There is at least one, and none fails."""
    result = doctest.testmod(import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
