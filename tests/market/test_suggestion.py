"""Suggestions for mistyped names."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.market.suggestion import did_you_mean, nearest

NAMES = ["tolerance_bps", "minimum_life_s", "maximum_book_age_s", "ETH", "kPEPE"]


@given(st.sampled_from(NAMES))
def test_a_name_in_the_wrong_case_is_found(name):
    """Coins are typed in lower case."""
    assert nearest(name.swapcase(), NAMES) == name


@given(st.sampled_from(NAMES[:3]), st.data())
def test_one_wrong_letter_is_forgiven(name, data):
    """Wherever it is."""
    place = data.draw(st.integers(0, len(name) - 1))
    assert nearest(f"{name[:place]}#{name[place + 1 :]}", NAMES) == name


def test_nothing_is_suggested_for_what_is_like_nothing():
    """A wrong hint is worse than none."""
    assert nearest("DOGE", NAMES) is None
    assert did_you_mean("DOGE", NAMES) == ""
    assert did_you_mean("", []) == ""


def test_of_two_names_that_differ_in_case_the_exact_one_is_not_lost():
    """Both are found by themselves, as Hyperliquid lists kPEPE beside PEPE elsewhere."""
    assert nearest("pepe", ["PEPE", "kPEPE"]) == "PEPE"
