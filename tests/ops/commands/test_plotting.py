"""Whether a picture can be drawn is known before anything else is done."""

import sys

import pytest

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.plotting import check_picture


def test_no_picture_needs_no_library(monkeypatch):
    """Where none is asked for nothing is looked for."""
    monkeypatch.setitem(sys.modules, "calibration.plots", None)
    check_picture(None)


def test_a_picture_is_refused_by_its_ending_or_its_place(tmp_path):
    """And accepted otherwise, without a trace."""
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    (tmp_path / "file").touch()
    for name in ("a.xyz", "file/a.png"):
        with pytest.raises(ConfigurationError, match="cannot draw into"):
            check_picture(tmp_path / name)
    check_picture(tmp_path / "new" / "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
