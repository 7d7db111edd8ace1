"""The legs' files: what one writes the other reads, and nothing old or torn is believed."""

import pytest

from market.errors import DataError, MalformedMessage
from market.leg_position import ANSWERS_WITHIN_MS, other_leg, publish_leg


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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time_ms": 1}', '{"time_ms": 1, "coins": null}'])
def test_a_torn_file_is_refused(tmp_path, text):
    """Whatever is not a position is an error, not a zero."""
    (tmp_path / "ETH-short.json").write_text(text)
    with pytest.raises(MalformedMessage):
        other_leg(tmp_path, "ETH", "long", now_ms=1)
