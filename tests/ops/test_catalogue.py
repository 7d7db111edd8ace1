"""Commands are loaded when they are called, and `mm --help` says the same as they do."""

import subprocess
import sys

import pytest

from calibration.scanning.scan import MINIMUM_PER_HOUR
from market_making.ops.catalogue import ENTRIES
from market_making.ops.command_line import main
from market_making.ops.commands import import_, scan, venue
from market_making.recording.importers import IMPORTERS
from market_making.recording.other_venues.venues import THROUGH_CCXT
from market_making.venue.faults.presets import PRESETS

HEAVY = {"numpy", "pyarrow", "scipy", "pandas", "aiohttp", "requests", "ccxt", "freqtrade", "eth_account", "rich"}
RUN = """
import sys
from market_making.ops.command_line import main
try:
    main({words!r})
except SystemExit as end:
    print(end.code, sorted({heavy!r} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", ENTRIES)
def test_the_list_of_commands_holds_the_first_sentence_of_each(name):
    """What stands in the catalogue is what the command itself says."""
    command = main.commands[name]
    first = " ".join(command.help.split("\n\n")[0].split())
    assert command.name == name
    assert first.startswith(ENTRIES[name].summary), first
    assert ENTRIES[name].summary.endswith(".")


def loaded_by(words, folder):
    """Exit status and which of the heavy libraries were loaded."""
    code = RUN.format(words=words, heavy=HEAVY)
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    status, loaded = run.stdout.splitlines()[-1].split(" ", 1)
    return int(status), loaded


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["calibrat"], 2),
        (["venue", "--help"], 0),
        (["venue", "--coin", "ETH"], 2),
        (["demo", "--minutes", "-1"], 2),
        (["collect"], 2),
        (["collect", "-c", "absent.json"], 2),
        (["calibrate", "--once"], 2),
        (["calibrate", "--coin", "ETH", "--at", "2025-09-04"], 2),
        (["scan", "--fee", "200"], 2),
        (["scan"], 3),
        (["calibrate", "--once", "--coin", "ETH", "--data", "absent"], 3),
        (["candles", "--coin", "ETH", "--data", "absent"], 3),
        (["demo", "--recording", ".", "--coin", "ETH"], 3),
        (["import", "nothing", "."], 2),
        (["stop", "--flatten", "--resume"], 2),
    ],
)
def test_help_and_wrong_use_load_nothing_heavy(words, status, tmp_path):
    """Neither numbers nor network: they answer at once."""
    assert loaded_by(words, tmp_path) == (status, "[]")


def test_a_typing_error_is_answered_with_the_nearest_command(tmp_path):
    """Without loading any command."""
    code = RUN.format(words=["calibrat"], heavy=HEAVY)
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "calibrate" in run.stderr


def test_what_the_options_name_is_what_the_programs_accept():
    """Options are declared without loading the programs, so their lists are written twice."""
    assert tuple(sorted(IMPORTERS)) == import_.FORMATS
    assert scan.MINIMUM_PER_HOUR == MINIMUM_PER_HOUR
    assert tuple(PRESETS) == venue.SCHEDULES
    (name,) = (option for option in main.commands["collect"].params if option.name == "venue")
    assert all(known in name.help for known in THROUGH_CCXT)
