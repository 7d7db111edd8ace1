"""Claim: writing the state of a bot in every loop makes the loop at most half a millisecond longer."""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.events import Level  # noqa: E402
from market_making.quoting.readings.observations import Observations  # noqa: E402
from market_making.trading.actions.budget import ActionBudget  # noqa: E402
from market_making.trading.desk import Desk, PairInputs  # noqa: E402
from market_making.trading.holding import Holding, RestingOrder  # noqa: E402
from market_making.trading.loop_meter import LoopMeter  # noqa: E402
from market_making.trading.state import BotIdentity, Circumstances, StateWriter  # noqa: E402
from market_making.trading.voice import Voice  # noqa: E402
from tests.trading.conftest import eth_planner  # noqa: E402

PAIR = "ETH/USDC:USDC"
LOOPS = 2_000


def main() -> None:
    """Print the time of a loop with and without the state file, by turns, and how large the file is."""
    with tempfile.TemporaryDirectory() as folder:
        bot = Bot(Path(folder))
        without, written = [], []
        for number in range(LOOPS):
            without.append(bot.loop(number, writes=False))
            written.append(bot.loop(number, writes=True))
        size = (Path(folder) / "maker.json").stat().st_size
    more = median(written) - median(without)
    print(
        f"a loop of one pair: {median(without):.3f} ms without the state file, {median(written):.3f} ms with it "
        f"(ratio {median(written) / median(without):.2f}, {more:.3f} ms more); {size} bytes"
    )
    raise SystemExit(more > 0.5 or size > 8_000)


class Bot:
    """A bot with an order resting in a moving market."""

    def __init__(self, folder: Path) -> None:
        self._planner, self._loops = eth_planner(), LoopMeter(0)
        self._desk = Desk(ActionBudget(600), 400)
        identity = BotIdentity("maker", "run", "live", "MarketMaking", 0)
        self._writer = StateWriter(folder, identity, Voice(lambda _: None).speak)

    def loop(self, number: int, *, writes: bool) -> float:
        """Run a loop; return how long it took [ms]."""
        bid = 3000.0 + number % 50 / 10
        levels = [tuple(Level(bid + sign * 0.1 * level, 5.0) for level in range(10)) for sign in (-1, 1)]
        market = self._planner.market._replace(
            bid_price=bid,
            ask_price=bid + 0.1,
            time_ms=number * 1000,
            observations=Observations(*levels, volatility=0.2),
        )
        planner = replace(self._planner, market=market, now_ms=number * 1000)
        order = self._desk.order(PAIR, grows=True)
        resting = None if order is None else RestingOrder("1", order.side, order.price, order.size, 0.0, 0, "open")
        holding, began = Holding(0.0, resting), time.perf_counter()
        self._desk.look(PAIR, holding, number * 1000)
        self._desk.clear()
        self._desk.open(PAIR, PairInputs(planner, "c"), holding)
        self._loops.begin(number * 1000)
        if writes:
            self._writer.write([self._desk.now(PAIR, holding)], self._loops, Circumstances())
        return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    main()
