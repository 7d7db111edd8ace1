"""Claim: a day without a fill stays within 10,000 actions, and an address without actions gets going by itself.

The real desk and governor quote a random walk once a second, on a clock that runs as fast as the machine lets it; what
they send is counted, and refused, by the local exchange's own budget of an address: 10,000 free actions, one for each
USDC traded, beyond them one in ten seconds. The limit is read back as often as a bot reads it.

* `day`: 24 hours at several volatilities without a fill. Baseline: the same desk with a bucket of 60 a minute only.
* `95 %`: 9,500 of 10,000 used, with a position: an hour in which only cancels and exits may be sent; flat: entries.
* `empty`: 10,100 used, flat; each order is filled with the chance a second that is named: when the reserve is full.

`address_budget_day.py [HOURS]`, 24 without it.
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.hyperliquid.accounts import rate_limit_fields  # noqa: E402
from market_making.hyperliquid.address_limit import FREE_ACTIONS, read_address_limit  # noqa: E402
from market_making.market.sides import Side  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.actions.budget import ActionBudget  # noqa: E402
from market_making.trading.actions.governor import ActionGovernor  # noqa: E402
from market_making.trading.desk import Desk  # noqa: E402
from market_making.trading.holding import Holding, RestingOrder  # noqa: E402
from market_making.trading.pair_inputs import PairInputs  # noqa: E402
from market_making.venue.accounts.budget import ActionBudget as VenueBudget  # noqa: E402
from tests.trading.conftest import eth_planner  # noqa: E402

HOURS = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
SIGMAS_BPS = (0.7, 1.2, 2.0, 3.0)  # in a second
READ_EVERY_S = 60
QUOTE = Settings().quote


@dataclass
class Address:
    """An address at the exchange and a bot that trades with it."""

    budget: ActionBudget
    used: int = 0
    coins: float = 0.0
    fill_chance: float = 0.0  # of a resting order, in a second

    def __post_init__(self) -> None:
        self.venue, self.sent, self.refused = VenueBudget(FREE_ACTIONS, used=self.used), Counter[str](), 0
        self.planner, self.desk, self.random = eth_planner(), Desk(self.budget, 10**9), Random(1)
        self.resting: RestingOrder | None = None
        self.mid, self.rested_s, self.fills, self.recovered_s = 3000.0, 0, 0, -1

    def run(self, seconds: int, sigma_bps: float, *, until_recovered: bool = False) -> None:
        """Quote for so long, or until more than the reserve is left."""
        for second in range(seconds):
            self._read(second)
            self.mid *= 1 + self.random.gauss(0, sigma_bps / 1e4)
            self._loop(second * 1000)
            if self.recovered_s < 0 and self.venue.limit - self.venue.used > QUOTE.reserved_actions:
                self.recovered_s = second
                if until_recovered:
                    return

    def _loop(self, now_ms: int) -> None:
        bid, pair = round(self.mid, 1), self.planner.instrument.pair
        market = self.planner.market._replace(bid_price=bid, ask_price=round(bid + 0.1, 1), time_ms=now_ms)
        holding = Holding(self.coins, self.resting)
        self.desk.clear()
        self.desk.open(pair, PairInputs(replace(self.planner, market=market, now_ms=now_ms), "c"), holding)
        is_refused = False
        if self.resting is not None and self.desk.must_cancel(pair, holding, self.resting, now_ms):
            is_refused = not self._send("cancel", now_ms)
            self.resting = self.resting if is_refused else None
        plan = self.desk.plan(pair, Holding(self.coins, self.resting))
        if self.resting is None and not is_refused and plan is not None and plan.order is not None:
            order = plan.order
            kind = "exit" if self.coins * (1 if order.side is Side.ASK else -1) > 0 else "entry"
            if kind == "entry" and isinstance(self.budget, ActionGovernor) and not self.budget.may_open(now_ms):
                return
            self.desk.placing(pair, order, now_ms)
            if self._send(kind, now_ms):
                number = str(sum(self.sent.values()))
                self.resting = RestingOrder(number, order.side, order.price, order.size, 0.0, now_ms)
        self.rested_s += self.resting is not None
        if self.resting is not None and self.random.random() < self.fill_chance:
            self._fill(self.resting, now_ms)

    def _fill(self, order: RestingOrder, now_ms: int) -> None:
        value = order.price * order.remaining
        self.coins += order.remaining if order.side is Side.BID else -order.remaining
        self.venue.volume += round(value)
        self.budget.earned(value, now_ms)
        self.resting, self.fills = None, self.fills + 1

    def _send(self, kind: str, now_ms: int) -> bool:
        words = self.venue.admit(1, now_ms, is_cancel=kind == "cancel")
        if isinstance(self.budget, ActionGovernor):
            self.budget.sent(1, now_ms)
            if words is not None:
                self.budget.refused(now_ms)
        self.refused += words is not None
        self.sent[kind] += words is None
        return words is None

    def _read(self, second: int) -> None:
        if second % READ_EVERY_S == 0 and isinstance(self.budget, ActionGovernor):
            venue = self.venue
            told = read_address_limit(rate_limit_fields(venue.volume, venue.used, venue.reserved, venue.cap))
            self.budget.read(told, second * 1000)


def governor() -> ActionGovernor:
    quote = QUOTE
    return ActionGovernor(
        quote.actions_per_minute, entry_actions=1, reserve=quote.reserved_actions, action_price=quote.action_price
    )


def day() -> bool:
    good, seconds = True, round(HOURS * 3600)
    for sigma_bps in SIGMAS_BPS:
        ours, plain = Address(governor()), Address(ActionBudget(QUOTE.actions_per_minute, entry_actions=1))
        for address in (ours, plain):
            address.run(seconds, sigma_bps)
        good = good and ours.venue.used <= FREE_ACTIONS - QUOTE.reserved_actions and ours.refused == 0
        print(
            f"{HOURS:g} h without a fill, {sigma_bps:g} bps a second: {ours.venue.used:5d} actions, "
            f"an order rested {100 * ours.rested_s / seconds:3.0f} %, {ours.refused} refused; "
            f"baseline {plain.venue.used} actions, {100 * plain.rested_s / seconds:.0f} %, {plain.refused} refused"
        )
    return good


def reserve() -> bool:
    held, flat = Address(governor(), used=9_500, coins=0.0333), Address(governor(), used=9_500)
    for address in (held, flat):
        address.run(3600, 1.2)
    print(f"an hour at 95 % used: with a position {dict(held.sent)}, flat {dict(flat.sent)}")
    return held.sent["entry"] == 0 and held.refused == 0 and flat.sent["entry"] <= 6 and flat.refused == 0


def empty() -> bool:
    good = True
    for chance in (0.05, 0.01):
        address = Address(governor(), used=FREE_ACTIONS + 100, fill_chance=chance)
        address.run(round(HOURS * 3600), 1.2, until_recovered=True)
        hours = address.recovered_s / 3600
        good = good and address.recovered_s >= 0
        print(
            f"100 beyond the limit, an order filled with chance {chance:g} a second: recovered after {hours:.2f} h and "
            f"{address.fills} fills, {dict(address.sent)}, {address.refused} refused"
        )
    return good


if __name__ == "__main__":
    passed = [day(), reserve(), empty()]
    print("within the claim" if all(passed) else "NOT within the claim")
    sys.exit(0 if all(passed) else 1)
