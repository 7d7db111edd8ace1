"""The commands of `mm` by name; each is loaded when it is asked for, so that help and a typing error cost nothing."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """Where a command is, as ``module:attribute``, and the first sentence of its help."""

    place: str
    summary: str


_COMMANDS = "market_making.ops.commands"
ENTRIES = {
    "demo": Entry(
        "market_making.ops.demo.command:demo",
        "Run the whole product on this machine, with no key and no network, and print a summary.",
    ),
    "init": Entry(
        f"{_COMMANDS}.init:init", "Write the configuration of a new bot, from questions on a terminal or from options."
    ),
    "venue": Entry(f"{_COMMANDS}.venue:venue", "Serve Hyperliquid's protocol on 127.0.0.1 until stopped."),
    "collect": Entry(
        f"{_COMMANDS}.collect:collect",
        "Record best quotes, trades, books and asset contexts until stopped (Ctrl-C or SIGTERM).",
    ),
    "import": Entry(f"{_COMMANDS}.import_:import_", "Read files of FORMAT, also those in folders, into a tick store."),
    "export": Entry(f"{_COMMANDS}.export:export", "Write a recording as FORMAT: hftbacktest, csv or parquet."),
    "status": Entry(
        f"{_COMMANDS}.status:status", "Show who runs, what is the matter, what to do, and what is recorded."
    ),
    "candles": Entry(
        f"{_COMMANDS}.import_:candles",
        "Give Freqtrade 1m, 5m and 1h candles and funding for its backtests, from ticks or from other files.",
    ),
    "calibrate": Entry(
        f"{_COMMANDS}.calibrate:calibrate",
        "Publish λ, κ, ε and the quote table of each coin every 10 s, from the last 30 minutes, until stopped.",
    ),
    "quotes": Entry(
        f"{_COMMANDS}.quotes:quotes",
        "Show bid, ask and their depths for every inventory, from the parameter file of COIN.",
    ),
    "scan": Entry(
        f"{_COMMANDS}.scan:scan_command",
        "Rank coins by what a maker is expected to earn there, and say why the others are refused.",
    ),
    "fair-value": Entry(
        f"{_COMMANDS}.fair_value:fair_value_command",
        "Measure what quotes would gain if they followed the book's imbalance or a leader, not mid.",
    ),
    "dashboard": Entry(
        f"{_COMMANDS}.dashboard:dashboard",
        "Serve the page that shows every bot, why its quotes are where they are, and what is the matter.",
    ),
    "replay": Entry(
        f"{_COMMANDS}.replay:replay_command",
        "Run a strategy over recorded ticks with the bot's own loop, and say what it earned and why.",
    ),
    "compare": Entry(
        f"{_COMMANDS}.compare:compare",
        "Hold strategies against each other and against other makers, on the same recording.",
    ),
    "sweep": Entry(
        f"{_COMMANDS}.sweep:sweep",
        "Search the parameters of a strategy over recorded days, and judge the winner on the days after them.",
    ),
    "verify": Entry(
        f"{_COMMANDS}.verify:verify", "Hold your targets against a replay of days on which nothing was tuned."
    ),
    "reconcile": Entry(
        f"{_COMMANDS}.reconcile:reconcile",
        "Hold a live run against a replay of its own recording: fills, plans, sums, and how long everything took.",
    ),
    "guard": Entry(
        f"{_COMMANDS}.guard:guard", "Watch every bot of this machine until stopped: cancel, tell, never place."
    ),
    "check": Entry(
        f"{_COMMANDS}.check:check",
        "Check account, fees, limits, clock and configuration; status 4 and the reasons if it is not safe to start.",
    ),
    "stop": Entry(
        f"{_COMMANDS}.stop:stop",
        "Cancel every order and open nothing, now and after any restart, until --resume.",
    ),
    "train-volatility": Entry(
        f"{_COMMANDS}.train:train_volatility",
        "Learn to forecast volatility from one-minute CANDLES (Freqtrade's data folder, or one file).",
    ),
    "schema": Entry(f"{_COMMANDS}.calibrate:schema", "Print the JSON schema of the parameter file."),
}


class Catalogue(MutableMapping[str, click.Command]):
    """Commands by name, loaded one by one as they are asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, click.Command] = {}
        self._names = dict.fromkeys(ENTRIES)

    def __getitem__(self, name: str) -> click.Command:
        if name in self._names and name not in self._loaded:
            module, _, attribute = ENTRIES[name].place.partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._names[name], self._loaded[name] = None, command

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
