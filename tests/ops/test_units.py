"""What is shown to people has a unit, also in a table whose brackets could be read as colours."""

from io import StringIO

from rich.console import Console

from market_making.ops.demo.compared import Compared, Figure, table_of
from market_making.ops.units import UNITS
from market_making.simulation.presets import default_truths


def test_every_true_parameter_that_the_venue_prints_has_a_unit():
    """Under the names of the parameter file."""
    for truth in default_truths(["ETH"]):
        names = {name for group in truth.published().values() for name in group}
        assert names <= UNITS.keys()


def test_the_comparison_shows_the_unit_of_each_line():
    """Rich takes [bps] for the name of a colour unless it is told otherwise."""
    figure = Figure(1.0)
    row = Compared("edge", figure, figure, {"0": figure}, figure, figure, 3, 0, 450.0)
    shown = StringIO()
    Console(file=shown, width=120).print(table_of([row], "one market"))
    for unit in ("[bps]", "[USDC/h]", "[ms]"):
        assert unit in shown.getvalue()
