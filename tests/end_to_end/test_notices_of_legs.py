"""What only two legs can have: a side that one leaves to the other, and capital that has drifted apart."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_making.market.sides import Direction
from market_making.ops.demo.processes import free_port
from market_making.safety.notice_tracker import SETTLED_MS
from market_making.venue.config import AccountConfig
from tests.live_bot import LiveBot
from tests.message_sink import MessageSink
from tests.puppet_market import ADDRESS, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread
from tests.schedules.programs import STRATEGY
from tests.watched_bot import LOOPS_S, Watched, api_section

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.environ.get("EVERY_NOTICE"), reason="takes minutes: EVERY_NOTICE=1"),
]

LATER_S, OVER_S = 30.0 + LOOPS_S, SETTLED_MS / 1e3 + 60.0 + LOOPS_S
NOTICES = {"legs_uneven": "warning", "one_sided": "info"}


class Legs:
    """Both bots; the model of both quotes the side only that `aim` names, and the short one is watched."""

    def __init__(self, venue: VenueThread, folder: Path, sink: MessageSink) -> None:
        self.venue, self.folder, self.aim, port = venue, folder, folder / "aim", free_port()
        self.aim.write_text("")
        keys = {"exchange": {"walletAddress": OTHER_ADDRESS, "privateKey": OTHER_KEY}}
        heard = {"webhook": sink.config, "api_server": api_section(port)}
        self.long, self.short = self._bot("long", {}), self._bot("short", keys | heard)
        self.watched = Watched(self.short, sink, port, "market-making-short")

    def _bot(self, leg: str, more: dict[str, object]) -> LiveBot:
        folder = self.folder / leg
        folder.mkdir()
        (folder / "Aimed.py").write_text(STRATEGY.format(aim=self.aim))
        shared = {name: str(self.folder / name) for name in ("parameters", "legs")}
        changes = {"market_making": shared | {"sides": f"{leg}_leg"}} | more
        return LiveBot(
            self.venue, folder, strategy="Aimed", changes=changes, base=("config.json", f"config-{leg}.json")
        )

    def fill_long(self) -> None:
        """Let somebody sell to the bid of the long leg."""
        (order,) = self.venue.open_orders(ADDRESS)
        self.venue.market.print_trade(Direction.SELL, float(order["limitPx"]) - 1, 10.0)
        self.long.wait(lambda: self.venue.audit(ADDRESS)["positions"].get("ETH", 0.0) != 0, 10, "a fill")

    def said(self, name: str) -> tuple[int, int, int, int]:
        """How often log and messages say that it holds, and that it is over."""
        seen = self.watched
        began = seen.logged(name, NOTICES[name]), seen.sent(name, over=False)
        return *began, seen.logged(name, "over"), seen.sent(name, over=True)


@pytest.fixture
def legs(tmp_path: Path) -> Iterator[Legs]:
    """Both quote; the account of the short leg is worth half that of the other."""
    accounts = (AccountConfig(ADDRESS, balance=1_200.0), AccountConfig(OTHER_ADDRESS, balance=600.0))
    with VenueThread(PuppetMarket(), accounts=accounts) as venue, MessageSink() as sink:
        both = Legs(venue, tmp_path, sink)
        both.long.publish(tmp_path / "parameters", valid_until_ms=2**53)
        with both.long, both.short, both.watched.alerting():
            for bot, address in ((both.long, ADDRESS), (both.short, OTHER_ADDRESS)):
                bot.wait(lambda address=address: bool(venue.open_orders(address)), 90, "a first quote")
            yield both


def test_what_two_legs_can_have_is_said_once_everywhere_and_ends(legs: Legs) -> None:
    """In log, messages, state file and `mm status` of the leg whose matter it is."""
    seen, short = legs.watched, legs.short
    legs.fill_long()
    legs.aim.write_text("ask")  # the long leg leaves with it, and the short one has nothing else to quote
    short.wait(lambda: NOTICES.items() <= seen.in_force().items(), 2 * LATER_S, "both notices")
    _, shown = seen.shown()
    assert NOTICES.items() <= shown.items()
    seen.alerts(*NOTICES)
    legs.aim.write_text("")
    legs.venue.transfer(ADDRESS, OTHER_ADDRESS, "300")
    short.wait(lambda: not NOTICES.keys() & seen.in_force().keys(), OVER_S, "the end of both")
    short.wait(lambda: all(seen.sent(name, over=True) for name in NOTICES), LATER_S, "messages of the ends")
    assert {name: legs.said(name) for name in NOTICES} == dict.fromkeys(NOTICES, (1, 1, 1, 1))
    seen.alerts_end(*NOTICES)
