"""The legs' files: what one writes the other reads, and nothing old or torn is believed."""

import pytest

from market_making.market.errors import DataError, MalformedMessage
from market_making.trading.legs.position import ANSWERS_WITHIN_MS, Legs, other_leg, publish_leg


def test_each_leg_reads_the_other(tmp_path):
    """Long reads short's position and the other way round."""
    publish_leg(tmp_path, "ETH", "long", coins=0.1, now_ms=1000)
    publish_leg(tmp_path, "ETH", "short", coins=-0.2, now_ms=1000)
    assert other_leg(tmp_path, "ETH", "long", now_ms=2000) == -0.2
    assert other_leg(tmp_path, "ETH", "short", now_ms=2000) == 0.1


def test_a_leg_that_stopped_is_not_believed(tmp_path):
    """A position of some time ago says nothing about now."""
    with pytest.raises(DataError):
        other_leg(tmp_path, "ETH", "long", now_ms=0)
    publish_leg(tmp_path, "ETH", "short", coins=0.0, now_ms=0)
    with pytest.raises(DataError, match="limit 10 s"):
        other_leg(tmp_path, "ETH", "long", now_ms=ANSWERS_WITHIN_MS + 1)


def test_a_position_of_the_future_is_not_believed(tmp_path):
    """After the clock was put back, a leg that has stopped must not look alive until the clock has caught up."""
    publish_leg(tmp_path, "ETH", "short", coins=0.0, now_ms=3_600_000)
    assert other_leg(tmp_path, "ETH", "long", now_ms=3_600_000 - ANSWERS_WITHIN_MS) == 0.0
    with pytest.raises(DataError, match="3600 s ahead of the clock"):
        other_leg(tmp_path, "ETH", "long", now_ms=0)
    assert Legs(tmp_path, "long").exchange("ETH", 0.0, 0) is None


def test_a_leg_that_cannot_write_only_reduces_and_says_so_once(tmp_path, caplog, disk):
    """A full disk is no error of the loop, in which the other pairs have to be planned too."""
    publish_leg(tmp_path, "ETH", "short", coins=-0.2, now_ms=1000)
    disk.fill()
    legs = Legs(tmp_path, "long")
    assert [legs.exchange("ETH", 0.1, 1000) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert "ETH only reduces" in caplog.text
    disk.free()
    assert legs.exchange("ETH", 0.1, 1000) == -0.2


def test_a_bot_on_its_own_tells_nobody(tmp_path):
    """The other leg's position is then none."""
    assert Legs(tmp_path, None).exchange("ETH", 0.1, 1000) == 0.0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time_ms": 1}', '{"time_ms": 1, "coins": null}'])
def test_a_torn_file_is_refused(tmp_path, text):
    """Whatever is not a position is an error, not a zero."""
    (tmp_path / "ETH-short.json").write_text(text)
    with pytest.raises(MalformedMessage):
        other_leg(tmp_path, "ETH", "long", now_ms=1)
