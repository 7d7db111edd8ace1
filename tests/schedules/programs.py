"""The programs of a schedule: a bot that a supervisor starts again, whose model can be aimed, and a guard."""

import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.live_bot import ROOT
from tests.schedules.forge import FREQTRADE, OPS, Forge

RESTART_S = 1.0
STRATEGY = '''
from dataclasses import replace
from pathlib import Path

from MarketMaking import MarketMaking

from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.quoting.quote import Withheld


class Aimed(MarketMaking):
    """Its model quotes the side only that a file names; both while it is empty."""

    def quoter(self):
        model, aim = super().quoter(), Path(r"{aim}")
        other = Withheld(Reason.WRONG_SIDE, "the schedule aims at the other side")

        def quote(*arguments):
            quotes, wanted = model(*arguments), aim.read_text()
            bid, ask = quotes.sides
            return replace(quotes, sides=Sides(bid if wanted != "ask" else other, ask if wanted != "bid" else other))

        return quote
'''


class Programs:
    """A bot that is restarted when it ends, and a guard."""

    def __init__(self, forge: Forge, folder: Path) -> None:
        self._forge, self._folder = forge, folder
        self._files = [str(ROOT / "user_data" / "config.json"), str(folder / "private.json")]
        self.restarts = -1
        self.guard = forge.start(OPS, ["guard", *_configs(self._files)], folder / "guard.log")
        self._ended_s: float | None = None
        self._start()

    def tend(self) -> None:
        """Start the bot again some time after it has ended."""
        if self.bot.is_running():
            return
        if self._ended_s is None:
            self._ended_s = time.monotonic()
        elif time.monotonic() - self._ended_s > RESTART_S:
            self._start()

    def close(self) -> None:
        """End both at once."""
        for process in (self.bot, self.guard):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _start(self) -> None:
        arguments = ["trade", "--strategy", "Aimed", "--userdir", str(ROOT / "user_data")]
        arguments += ["--strategy-path", str(self._folder), *_configs(self._files)]
        self.bot = self._forge.start(FREQTRADE, arguments, self._folder / "freqtrade.log")
        self._ended_s = None
        self.restarts += 1


def _configs(files: list[str]) -> list[str]:
    return [f"--config={file}" for file in files]
