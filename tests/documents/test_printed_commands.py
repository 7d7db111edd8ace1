"""What the documents tell people to type exists; `test_every_command.py` also runs it."""

import importlib.util
import re
import shlex

import click
import pytest
import yaml
from click.testing import CliRunner
from freqtrade.commands import Arguments

from market_making.ops.command_line import main
from tests.documents.printed import ROOT, Block, blocks, commands, program_of
from tests.documents.rules import RULES, NotRun, rule_of


def words_of(command: str) -> list[str]:
    """The words after the program's name."""
    words = shlex.split(command)
    return words[words.index(program_of(command)) + 1 :]


@pytest.mark.parametrize("line", [line for line in commands() if program_of(line) == "mm"])
def test_every_mm_command_in_the_documents_is_understood(line, tmp_path):
    """Name, options and values of each printed command are accepted by the command line."""
    words = [str(tmp_path) if word in ("ROOT", "DIR", "PATH") else word for word in words_of(line)]
    context = click.Context(main)
    name, command, rest = main.resolve_command(context, words)
    assert name is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("line", [line for line in commands() if program_of(line) == "freqtrade"])
def test_every_freqtrade_command_in_the_documents_is_understood(line, monkeypatch):
    """By Freqtrade's own reader of arguments; strategies and files that it names are there."""
    monkeypatch.chdir(ROOT)
    words = words_of(line)
    parsed = Arguments(words).get_parsed_arg()
    for option, folder in (("strategy", "strategies"), ("hyperopt_loss", "hyperopts")):
        if name := parsed.get(option):
            assert (ROOT / "user_data" / folder / f"{name}.py").is_file()
    for file in parsed.get("config") or ():
        assert (ROOT / file).is_file() or "private" in file.lower() or "bot-" in file or "PATH" in file, file


@pytest.mark.parametrize("document", ["quickstart.md", "commands.md"])
def test_the_documents_print_what_mm_init_prints(document, tmp_path, monkeypatch):
    """Whoever follows either types the same lines, in the same order."""
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["init", "--venue", "--live", "--yes"]).output
    printed = [line.strip() for line in said.partition("in a shell of its own:")[2].splitlines() if line.strip()]
    typed = [list(block.commands) for block in blocks() if block.document.name == document]
    assert [lines for lines in typed if printed[0] in lines] in (
        [printed],
        [["mm init --venue --live --yes", *printed]],
    )


def test_a_block_that_has_a_command_has_nothing_else():
    """Else the line that starts no known program is a mistake; what is shown and not typed has a language."""
    shown = [block for block in blocks() if not block.language and not block.commands]
    assert [block.name for block in shown if any(map(program_of, block.lines))] == []


def test_every_command_is_run_by_a_test_or_it_is_said_why_not():
    """And no rule is left of a command that is printed no more."""
    rules = {id(rule_of(command)) for command in commands()}
    unused = [pattern for pattern, rule in RULES if id(rule) not in rules]
    assert unused == []
    assert all(len(rule.reason) > 10 for _, rule in RULES if isinstance(rule, NotRun))


def test_what_else_the_commands_name_is_there():
    """Services and profiles of compose, tests, modules, targets and files."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    profiles = {profile for service in compose.values() for profile in service.get("profiles", ())}
    makefile = (ROOT / "Makefile").read_text()
    for command in commands():
        program, words = program_of(command), words_of(command)
        if program == "docker":
            assert set(re.findall(r"--profile (\S+)", command)) <= profiles
            assert {word for word in re.findall(r"(?:up -d|run --rm)(?: (\S+))?$", command) if word} <= set(compose)
        elif program == "make":
            assert f"\n{words[0]}:" in makefile
        elif program == "pytest":
            assert all(list(ROOT.glob(word)) for word in words if word.startswith("tests/")), command
        elif program == "python":
            assert importlib.util.find_spec(words[1]) is not None


def test_a_block_is_typed_if_all_its_lines_are():
    """Variables before a program are part of the command; a comment is not."""
    block = Block(ROOT / "x.md", "", ("A=1 mm status  # why", "# heading", "mm stop"))
    assert block.commands == ("A=1 mm status", "mm stop")
    assert Block(ROOT / "x.md", "", ("mm status", "something")).commands == ()
