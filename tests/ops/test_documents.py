"""The documents name every command, and no link of theirs is dead; tests/documents types what they print."""

import re
from pathlib import Path

import pytest

from market_making.ops.command_line import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "commands.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_command_is_documented():
    """Somebody who reads commands.md misses nothing that `mm --help` lists."""
    text = (ROOT / "commands.md").read_text()
    assert [name for name in main.commands if f"mm {name}" not in text] == []


def test_every_command_speaks_json():
    """Each command offers `--json`."""
    without = {name for name, command in main.commands.items() if all(p.name != "as_json" for p in command.params)}
    assert without == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(path):
    """Relative links point at files of the repository."""
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
