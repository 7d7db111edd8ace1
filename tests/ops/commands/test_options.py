"""Values that users type on the command line."""

import datetime

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.ops.commands.options import Duration, Instant, ago


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("15s", 15), ("2h", 7200), ("1d", 86400), ("0.5m", 30), ("7", 7)]
)
def test_a_duration_is_a_number_with_its_unit(text, seconds):
    """Seconds, minutes, hours and days; a bare number means seconds."""
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "5 parsecs", "-3s", "1e3", "0", "0s", "0.0001s"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    """The message shows what was seen and what is accepted."""
    with pytest.raises(click.BadParameter, match="30m"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1.7, "0.0 s ago"), (3.21, "3.2 s ago"), (119, "119.0 s ago"), (7200, "2 h ago")]
)
def test_an_age_is_never_negative(seconds, text):
    """A row that came while others were read is of now, not of later."""
    assert ago(seconds) == text


@given(st.datetimes(datetime.datetime(2015, 1, 1), datetime.datetime(2035, 1, 1)))
def test_a_time_without_a_zone_is_utc(moment):
    """ISO 8601 and Unix milliseconds of the same moment are the same."""
    expected = int(moment.replace(tzinfo=datetime.UTC).timestamp() * 1000)
    assert Instant().convert(moment.isoformat(), None, None) == expected
    assert Instant().convert(str(expected), None, None) == expected


def test_a_zone_is_respected():
    """20:00+02:00 is 18:00 UTC."""
    assert Instant().convert("2025-09-04T20:00:00+02:00", None, None) == Instant().convert(
        "2025-09-04T18:00", None, None
    )


def test_what_is_no_time_is_refused_with_an_example():
    """The message shows what is accepted."""
    with pytest.raises(click.BadParameter, match="2025"):
        Instant().convert("yesterday", None, None)
