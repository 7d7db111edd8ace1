"""docs/faults.md names tests that exist, for every fault and for everything that holds."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:contract|tests)/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part.rsplit("/")[-1])
def test_a_named_test_exists(file, name):
    """In the file in which the page says it is."""
    path = ROOT / file.replace("contract/", "tests/freqtrade_contract/", 1)
    assert re.search(rf"^(?:async )?def {name}\(", path.read_text(), re.MULTILINE)


def test_every_fault_and_everything_that_holds_names_a_test():
    """Each row of both tables, and the rows of the first are counted without a hole."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| # ", "| what "))]
    assert [row for row in rows if "::test_" not in row] == []
    numbers = [int(row.split("|")[1]) for row in rows if row.split("|")[1].strip().isdigit()]
    assert numbers == list(range(1, 23))
