"""Messages and the reference page are made from the fields of the settings."""

from pathlib import Path

import pytest

from market_making.market.errors import ConfigurationError
from market_making.settings.explanation import fields_of, reference_page
from market_making.settings.settings import SECTION, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
NAN = float("nan")


def refused(section) -> str:
    """What is said about a section."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_section(section)
    return str(caught.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"model": {"order_notional": -5}}, ".model.order_notional must be positive, got -5"),
        ({"model": {"order_notional": NAN}}, ".model.order_notional must be a number, positive, got NaN"),
        ({"leverage": "ten"}, '.leverage must be a number between 1 and 10, got "ten"'),
        ({"leverage": 11}, ".leverage must be between 1 and 10, got 11"),
        (
            {"model": {"maximum_inventory": 1.5}},
            ".model.maximum_inventory must be a whole number between 1 and 1000, got 1.5",
        ),
        ({"model": {"running_penalty": -1}}, ".model.running_penalty must be zero or positive, or null, got -1"),
        ({"model": {"horizon": {"mode": "x"}}}, '.model.horizon.mode must be one of rolling, session, got "x"'),
        ({"coins": [1]}, ".coins must be a list of texts, got 1"),
        ({"market_data": 5}, ".market_data must be a path or text, got 5"),
        ({"account": "0x1"}, '.account must be 0x and 40 hexadecimal digits, or null, got "0x1"'),
        ({"edge": {"pace": "maybe"}}, '.edge.pace must be true or false, got "maybe"'),
        ({"quote": None}, ".quote must be a JSON object, got null"),
        (5, " must be a JSON object, got 5"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_what_it_must_be_and_what_was_seen(section, said):
    """One sentence, in the words of a configuration file."""
    assert refused(section) == f"market_making{said}"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"quote": {"tolerence_bps": 1}}, "quote.tolerence_bps, did you mean tolerance_bps?"),
        ({"tolerance_bps": 1}, "tolerance_bps, did you mean market_making.quote.tolerance_bps?"),
        ({"Model": {}}, "Model, did you mean model?"),
        ({"risk": {"nonsense": 1}}, "risk.nonsense; known are daily_loss, drawdown, state"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_answered_with_the_one_that_was_meant(section, said):
    """Of the same section, or of the same name in another."""
    assert refused(section).startswith(f"unknown key market_making.{said}")


def test_every_mistake_is_named_once():
    """All of them, so that nobody starts five times."""
    assert refused({"leverage": 0, "market_data": 5, "legs": 1}).count(" must be ") == 3


def test_every_setting_says_what_it_is_and_what_it_accepts():
    """A description that starts a sentence, and a unit where there is a number."""
    for field in fields_of(Settings):
        assert field.description[:1].isupper() or field.description.startswith("rolling"), field
        assert not field.is_number or "[" in field.description, field
        assert field.accepted, field


def test_the_reference_page_is_the_one_of_these_settings():
    """python -m market_making.settings > docs/settings.md makes it again."""
    assert PAGE.read_text() == reference_page(Settings, SECTION)
