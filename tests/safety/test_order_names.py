"""Names of orders outlive the process that wrote them, and a file of them stays small."""

import pytest

from market_making.safety.order_names import OrderNames, names_path, noted_names


def test_a_noted_name_is_read_by_everybody_who_knows_the_bot(tmp_path):
    """Each name is new, 128 bits in hex; of another bot nothing is told."""
    names = OrderNames(tmp_path / "state", "maker")
    made = [names.new() for _ in range(3)]
    for name in made:
        assert len(name) == 34
        assert int(name, 16) >= 0
        names.note(name)
    assert noted_names(tmp_path / "state", "maker") == set(made)
    assert len(set(made)) == 3
    assert noted_names(tmp_path / "state", "other") == frozenset()


def test_the_latest_names_stay_when_the_file_grows(tmp_path):
    """It is cut at whole lines."""
    names = OrderNames(tmp_path, "maker")
    made = [names.new() for _ in range(4000)]
    for name in made:
        names.note(name)
    noted = noted_names(tmp_path, "maker")
    assert set(made[-900:]) <= noted <= set(made)
    assert names_path(tmp_path, "maker").stat().st_size <= 64 * 1024


def test_what_cannot_be_written_is_an_error(tmp_path):
    """The order is not sent then."""
    (tmp_path / "state").write_text("")
    with pytest.raises(OSError, match="state"):
        OrderNames(tmp_path / "state", "maker").note("0x0")
