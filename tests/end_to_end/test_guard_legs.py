"""`mm guard` beside the two legs of one market: kill switch and silence act on each of them."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from market_making.ops.commands.guarding import guard_options
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.state_file import read_state
from market_making.venue.config import AccountConfig
from market_making.venue.faults.document import Faults
from tests.guard.scripted_bot import GuardThread, seconds_until
from tests.live_bot import ROOT, LiveBot, merged
from tests.puppet_market import ADDRESS, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not os.environ.get("MM_LONG_TESTS"), reason="takes two minutes: set MM_LONG_TESTS=1"),
]

LEGS = {"long": ADDRESS, "short": OTHER_ADDRESS}


class GuardedLegs:
    """Two bots, each on an account of its own, and one guard for both."""

    def __init__(self, venue: VenueThread, folder: Path) -> None:
        self.venue, self.folder = venue, folder
        self.bots = {leg: self.bot(leg) for leg in LEGS}

    def bot(self, leg: str) -> LiveBot:
        """The bot of a leg; one more of the same leg goes on where the first has ended."""
        (self.folder / leg).mkdir(exist_ok=True)
        shared = {name: str(self.folder / name) for name in ("parameters", "legs", "state", "decisions")}
        mine = {"exchange": {"walletAddress": OTHER_ADDRESS, "privateKey": OTHER_KEY}} if leg == "short" else {}
        # Freqtrade's own pause after an error: half a minute in which only the guard acts.
        own = {"sides": f"{leg}_leg", "edge": {"patience": False}}
        changes = merged({"market_making": shared | own}, mine)
        return LiveBot(self.venue, self.folder / leg, changes=changes, base=("config.json", f"config-{leg}.json"))

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """The guard, told of both bots as a user tells it."""
        base = ROOT / "user_data"
        files = [
            [base / "config.json", base / f"config-{leg}.json", self.folder / leg / "private.json"] for leg in LEGS
        ]
        with GuardThread(guard_options(files)) as guard:
            guard.ready()
            yield

    def rests(self, leg: str) -> bool:
        return bool(self.venue.open_orders(LEGS[leg]))

    def pid(self, leg: str) -> int:
        return read_state(self.folder / "state" / f"market-making-{leg}.json").pid

    def quoting(self, seconds: float) -> None:
        """Wait until both legs quote."""
        self.bots["long"].publish(self.folder / "parameters", valid_until_ms=int(time.time() * 1e3) + 600_000)
        seconds_until(lambda: all(map(self.rests, LEGS)), seconds, "the legs do not quote")

    def gone(self, seconds: float) -> None:
        """Nothing of either leg rests any more."""
        seconds_until(lambda: not any(map(self.rests, LEGS)), seconds, "it still rests")


@pytest.fixture
def legs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardedLegs]:
    """Both legs quote."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    accounts = (AccountConfig(ADDRESS), AccountConfig(OTHER_ADDRESS))
    with VenueThread(PuppetMarket(), accounts=accounts, faults=Faults()) as venue:
        running = GuardedLegs(venue, tmp_path)
        with running.bots["long"], running.bots["short"]:
            running.quoting(90)
            yield running


def test_kill_switch_and_silence_act_on_every_leg(legs: GuardedLegs) -> None:
    """Within 3 s of the file, also where one leg is asleep after an error; within 5 s after both are frozen.

    Then one leg is killed, started again, and frozen as soon as it quotes.
    """
    with legs.guarded():
        write_kill(legs.folder / "state", Kill(1))
        legs.gone(3.0)
        remove_kill(legs.folder / "state")
        legs.quoting(30)
        legs.venue.inject({"fault": "status", "action": "cancel", "code": 502, "user": OTHER_ADDRESS, "times": 8})
        legs.venue.market.mid -= 1.2  # away from the ask, and not so far that the bid is filled
        seconds_until(lambda: "retrying in 30 seconds" in legs.bots["short"].log, 30, "the leg does not sleep")
        legs.venue.heal()
        write_kill(legs.folder / "state", Kill(1))
        legs.gone(3.0)
        remove_kill(legs.folder / "state")
        legs.quoting(60)
        for leg in LEGS:
            os.kill(legs.pid(leg), signal.SIGSTOP)
        legs.gone(5.0)
        os.kill(legs.pid("long"), signal.SIGKILL)
        os.kill(legs.pid("short"), signal.SIGCONT)
        with legs.bot("long"):
            legs.quoting(60)
            os.kill(legs.pid("long"), signal.SIGSTOP)
            seconds_until(lambda: not legs.rests("long"), 5.0, "it still rests")
            os.kill(legs.pid("long"), signal.SIGCONT)
            legs.quoting(60)
