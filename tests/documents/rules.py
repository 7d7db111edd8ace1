"""How each printed command is run in a test: to its end, as a service, or not at all, and then why not."""

import re
from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True)
class Ends:
    """Runs to its end.

    Attributes
    ----------
    status : tuple of int
        What it may end with.
    seconds : float
        How long it may take.
    shortened : str
        What is added so that it takes minutes and not hours; empty if it runs as printed.
    answers : str
        What is typed.
    """

    status: tuple[int, ...] = (0,)
    seconds: float = 3 * MINUTE_S
    shortened: str = ""
    answers: str = ""


@dataclass(frozen=True)
class Serves:
    """Runs until it is stopped; `ready` is what it then has said."""

    ready: str
    seconds: float = 90.0


@dataclass(frozen=True)
class NotRun:
    """Is not run here."""

    reason: str


Rule = Ends | Serves | NotRun
_DOCKER = NotRun("needs Docker; tests/containers runs every service of compose with its own command")
_INSTALLS = NotRun("installs packages; tests/containers installs the project into an image")
_SUITE = NotRun("is the test suite itself, or a part of it")
_ELSEWHERE = NotRun("needs another exchange; tests/recording/other_venues plays one")
_DEMO = Ends(seconds=6 * MINUTE_S, shortened="--minutes 0.7")
# The first that matches holds.
RULES: tuple[tuple[str, Rule], ...] = (
    (r"make demo", NotRun("is `mm demo`, after installing; that is run")),
    (r"(\w+=\S+ )*(make|pytest) .*", _SUITE),
    (r"docker .*", _DOCKER),
    (r"pip install .*", _INSTALLS),
    (r"freqtrade install-ui", NotRun("fetches FreqUI")),
    (r"\. \.venv/bin/activate", NotRun("the tests' own environment is active")),
    (r"prometheus .*", Serves("Server is ready to receive web requests")),
    (r"curl .*", Ends()),
    (r"cp .*|python -m .*", Ends()),
    (r"mm demo --minutes .*", Ends(seconds=15 * MINUTE_S, shortened="--minutes 1")),
    (r"mm demo --recording .*", Ends(seconds=8 * MINUTE_S, shortened="--minutes 1")),
    (r"mm demo --compare", Ends(seconds=8 * MINUTE_S, shortened="--minutes 1")),
    # Whether an injected fault costs a short demo its fills is chance.
    (r"mm demo --faults .*", Ends((0, 1), 6 * MINUTE_S, "--minutes 1")),
    (r"mm demo.*", _DEMO),
    (r"mm venue .*", Serves("Hyperliquid, local")),
    (r"mm collect .*--venue.*", _ELSEWHERE),
    (r"mm collect.*", Serves("recording [0-9]+ coins")),
    (r"mm calibrate .*config-binance-spot.*", _ELSEWHERE),
    (r"mm calibrate --backfill --candles .*", Ends((0, 3))),  # 40 minutes are too few candles of five
    (r"mm calibrate .*--(once|backfill).*", Ends()),
    (r"mm calibrate.*", Serves("coins calibrated|already calibrated|another calibrator")),
    (r"mm dashboard.*", Serves("Uvicorn running")),
    # A machine whose bot needs more than 5 s for a loop fails the drill, and is told so.
    (r"mm guard --drill", Ends((0, 4), 5 * MINUTE_S)),
    (r"mm guard.*", Serves("watching ")),
    (r"mm status --watch.*", Serves("notices|collector|bots")),
    (r"mm status.*", Ends((0, 4))),
    (r"mm check.*", Ends((0, 4))),
    (r"mm init", Ends(answers="\n" * 20)),
    (r"mm init --userdir PATH", Ends(answers="\n" * 20)),
    (r"mm init .*--variant FixedSpread.*", Ends()),
    (r"(\w+=\S+ )?mm init.*", Ends()),
    (r"mm import .*", NotRun("needs a file of somebody's archive; tests/recording/importers has one of each format")),
    (r"mm candles --from .*", Ends()),
    (r"mm train-volatility .*", Ends((0, 3))),  # 40 minutes of candles are too few to learn from
    (r"mm scan.*|mm quotes.*|mm schema|mm stop.*|mm candles.*", Ends((0, 3))),
    (r"mm sweep .*--scheduler .*", NotRun("needs a Dask cluster; tests/replay/study starts one")),
    (r"mm sweep .*", Ends(seconds=10 * MINUTE_S)),
    (r"mm verify .*", Ends((0, 3, 4), 5 * MINUTE_S)),
    (r"mm replay.*", Ends((0, 3), 5 * MINUTE_S)),
    (r"mm reconcile .*", Ends((0, 3), 5 * MINUTE_S)),
    (r"freqtrade hyperopt .*", Ends(seconds=6 * MINUTE_S, shortened="--epochs 2 --job-workers 1")),
    (r"freqtrade backtesting .*", Ends()),
    (r"freqtrade show-trades .*", Ends()),
    (r"freqtrade trade .*config-binance-spot.*", _ELSEWHERE),
    (r"freqtrade trade .*", Serves("state='RUNNING'", 120.0)),
)
# What needs the extra `replay`: the image trades, and has it not.
RESEARCH = r"mm (replay .*hftbacktest.*|sweep .*|verify .*--study .*)"
_OTHERWISE = Ends((0, 3), 10 * MINUTE_S)


def rule_of(command: str) -> Rule:
    """The rule of a command; one that no rule names has to end well, or for want of data."""
    return next((rule for pattern, rule in RULES if re.fullmatch(pattern, command)), _OTHERWISE)
