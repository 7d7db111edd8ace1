"""What the documents tell people to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from market_making.ops.command_line import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "commands.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[str]:
    """Every line of a code block that starts with `mm`, without its comment."""
    blocks = [block for path in DOCUMENTS for block in re.findall(r"```\n(.*?)```", path.read_text(), re.DOTALL)]
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("mm ")})


@pytest.mark.parametrize("line", commands())
def test_every_mm_command_in_the_documents_is_understood(line, tmp_path):
    """Name, options and values of each printed command are accepted by the command line."""
    words = [str(tmp_path) if word in ("ROOT", "DIR", "PATH") else word for word in shlex.split(line)[1:]]
    context = click.Context(main)
    name, command, rest = main.resolve_command(context, words)
    assert name is not None
    command.make_context(name, rest, parent=context)


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


def test_every_make_target_in_the_documents_exists():
    """`make demo` and its siblings are targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    targets = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
    assert targets
    assert [target for target in targets if f"\n{target}:" not in makefile] == []
