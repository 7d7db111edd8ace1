"""Claim: an undisturbed hour of moving orders sends at most 6 messages beside fills, and a day logs at most 5 MB.

Two stock `freqtrade trade` processes quote the same moving market from the same parameters, each on an account of its
own: one with the configuration as it is shipped, and as the baseline one that logs and sends what Freqtrade does by
itself. Mid moves so that nearly every loop moves the order. Messages are counted at Freqtrade's webhook,
which gets every kind, and by what Freqtrade's own Telegram makes of the configuration: off, silent or on.
`quiet_hour.py [MINUTES]`, five without it.
"""

import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from freqtrade.enums import RPCMessageType  # noqa: E402
from freqtrade.rpc.telegram import Telegram  # noqa: E402

from market_making.market.sides import Direction  # noqa: E402
from market_making.settings.files import load_all  # noqa: E402
from tests.live_bot import LiveBot, merged  # noqa: E402
from tests.message_sink import MessageSink  # noqa: E402
from tests.puppet_market import ADDRESS, KEY, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread  # noqa: E402

MINUTES = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
WARM_UP_S = 30.0
STEP_S = 0.5
MOVES = (0.3, 1.1)  # of mid per step, either way [price]: two of them hardly ever cancel out within a loop
TRADE_EVERY = 60  # steps
MOST_MESSAGES, MOST_MEGABYTES = 6.0, 5.0

QUICK = {  # move an order as often as a loop of one second can
    "market_making": {
        "quote": {"minimum_life_s": 0, "tolerance_bps": 0.01, "actions_per_minute": 600, "action_price": 0},
        "edge": {"address_budget": False, "socket": True},
    }
}
ALL_LOUD: dict[str, Any] = {
    "telegram": {"notification_settings": dict.fromkeys(("entry", "entry_cancel", "exit", "exit_cancel"), "on")},
    "log_config": {"loggers": {}},
}
for name in ("freqtrade.freqtradebot", "freqtrade.rpc.rpc_manager", "freqtrade.rpc.telegram", "freqtrade.wallets"):
    ALL_LOUD["log_config"]["loggers"][name] = {"level": "INFO"}


def bot(
    venue: VenueThread, sink: MessageSink, folder: Path, account: tuple[str, str], changes: dict[str, Any]
) -> LiveBot:
    folder.mkdir()
    exchange = dict(zip(("walletAddress", "privateKey"), account, strict=True))
    own = merged({"exchange": exchange, "webhook": sink.config, "bot_name": folder.name}, merged(QUICK, changes))
    return LiveBot(venue, folder, changes=own)


def loudness(folder: Path, kind: str) -> str:
    """What Freqtrade's Telegram would do with a message of this kind."""
    config = load_all([ROOT / "user_data" / "config.json", folder / "private.json"])
    message = {"type": RPCMessageType(kind), "exit_reason": ""}
    return Telegram._message_loudness(SimpleNamespace(_config=config), message)  # type: ignore[arg-type]


class Seen:
    """What one bot has said since the warm-up."""

    def __init__(self, bot: LiveBot, sink: MessageSink) -> None:
        self._bot, self._sink = bot, sink
        self._bytes, self._messages = len(bot.log.encode()), len(sink.messages)

    def counted(self) -> tuple[Counter[str], int]:
        """Return how many messages of each kind came, and how many bytes the log has grown."""
        kinds = Counter(kind for kind, _ in self._sink.messages[self._messages :])
        return kinds, len(self._bot.log.encode()) - self._bytes


def loggers(bot: LiveBot) -> list[tuple[str, int, int]]:
    """Who has filled the log of a bot since its start: name, lines and bytes, most first."""
    lines, sizes, name = Counter[str](), Counter[str](), ""
    for line in bot.log.splitlines():
        parts = line.split(" - ", 2)
        name = parts[1] if len(parts) > 2 else name  # what a long line goes on with
        lines[name] += 1
        sizes[name] += len(line.encode()) + 1
    return [(name, lines[name], size) for name, size in sizes.most_common(8)]


def move(market: PuppetMarket, bots: tuple[LiveBot, ...], seconds: float, random: Random) -> None:
    """Let mid walk and somebody trade through the touch now and then; keep the parameters fresh."""
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        if step % int(20 / STEP_S) == 0:
            for each in bots:
                each.publish()
        back = (
            -0.3 if market.mid > 3030 else 0.3 if market.mid < 2970 else 0.0
        )  # a day's walk within an hour is no quiet one
        market.mid = round(market.mid + random.choice((-1, 1)) * random.uniform(*MOVES) + back, 1)
        if step % TRADE_EVERY == TRADE_EVERY - 1:
            up = random.random() < 0.5
            price = market.mid + (5 if up else -5)
            market.print_trade(Direction.BUY if up else Direction.SELL, round(price, 1), 0.02)
        step += 1
        time.sleep(STEP_S)


def report(name: str, folder: Path, seen: Seen, requotes: float) -> tuple[float, float]:
    """Print one bot's figures; return messages an hour without fills, and megabytes a day."""
    kinds, grown = seen.counted()
    told = {kind: count for kind, count in kinds.items() if loudness(folder, kind) != "off"}
    fills = sum(told.get(kind, 0) for kind in ("entry_fill", "exit_fill"))
    messages, megabytes = (sum(told.values()) - fills) * 60 / MINUTES, grown / 1e6 * 1440 / MINUTES
    print(f"{name}: {requotes:.0f} orders placed a minute; of {dict(kinds)} Telegram would send {told}:")
    print(f"  {messages:.0f} messages an hour and {fills * 60 / MINUTES:.0f} fills; log {megabytes:.2f} MB a day")
    return messages, megabytes


def main() -> None:
    random = Random(1)
    with ExitStack() as open_now:
        root = open_now.enter_context(tempfile.TemporaryDirectory())
        venue = open_now.enter_context(VenueThread(PuppetMarket()))
        quiet_sink, loud_sink = (open_now.enter_context(MessageSink()) for _ in range(2))
        quiet = bot(venue, quiet_sink, Path(root) / "shipped", (ADDRESS, KEY), {})
        loud = bot(venue, loud_sink, Path(root) / "baseline", (OTHER_ADDRESS, OTHER_KEY), ALL_LOUD)
        for each in (quiet, loud):
            each.publish()
        with quiet, loud:
            for each, address in ((quiet, ADDRESS), (loud, OTHER_ADDRESS)):
                each.wait(lambda address=address: bool(venue.open_orders(address)), 90, "a first quote")
            move(venue.market, (quiet, loud), WARM_UP_S, random)
            placed = [venue.audit(address)["orders_by_tif"]["Alo"] for address in (ADDRESS, OTHER_ADDRESS)]
            seen = Seen(quiet, quiet_sink), Seen(loud, loud_sink)
            move(venue.market, (quiet, loud), MINUTES * 60, random)
            after = [venue.audit(address)["orders_by_tif"]["Alo"] for address in (ADDRESS, OTHER_ADDRESS)]
            rates = [(later - earlier) / MINUTES for later, earlier in zip(after, placed, strict=True)]
            baseline = report("baseline", loud.folder, seen[1], rates[1])
            shipped = report("shipped", quiet.folder, seen[0], rates[0])
            for text in quiet_sink.notices():
                print("  said:", text)
            for name, lines, size in loggers(quiet):
                print(f"  {size:6d} bytes in {lines:3d} lines of {name}")
    print(f"from {MINUTES:g} minutes, extrapolated:")
    print(f"messages {baseline[0]:.0f} -> {shipped[0]:.0f} an hour, at most {MOST_MESSAGES:.0f} wanted")
    print(
        f"log {baseline[1]:.1f} -> {shipped[1]:.2f} MB a day and pair, ratio {baseline[1] / max(shipped[1], 1e-9):.0f}"
    )
    sys.exit(shipped[0] > MOST_MESSAGES or shipped[1] > MOST_MEGABYTES)


if __name__ == "__main__":
    main()
