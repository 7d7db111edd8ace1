"""The page of troubles is the table of notices, and nothing is missing."""

from pathlib import Path

from market_making.safety.notices import CONDITIONS
from market_making.safety.troubleshooting import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_the_one_that_the_table_makes():
    """python -m market_making.safety > docs/troubleshooting.md"""
    assert (ROOT / "docs/troubleshooting.md").read_text() == page()


def test_every_condition_has_its_entry():
    """With its severity and what to do."""
    text = page()
    for condition in CONDITIONS:
        assert f"### `{condition.name}` ({condition.severity.value}" in text
