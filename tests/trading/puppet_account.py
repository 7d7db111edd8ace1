"""An account at an exchange whose orders fill at any moment, and the account's watch, desk and risk rules over it."""

from dataclasses import replace
from types import SimpleNamespace

from market_making.market.errors import SafetyError
from market_making.market.instrument import Instrument
from market_making.market.sides import Side
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.freqtrade.account import AccountWatch
from market_making.trading.holding import Holding, Position, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.risk_watch import RiskWatch
from tests.trading.conftest import MemoryLog

STAKE = "USDC"
ETH, BTC = Instrument.hyperliquid("ETH", 4), Instrument.hyperliquid("BTC", 4)
INSTRUMENTS = {ETH.pair: ETH, BTC.pair: BTC}
MID = 3000.05  # of the planner's market
LOT = 0.0333


class PuppetAccount:
    """An exchange's account whose orders fill at any moment; Freqtrade's books and wallets know it as of some time ago.

    Orders are filled without fee, at their own price.
    """

    def __init__(self, *, spot, foreign=0.0, cash=1000.0):
        self.spot, self.cash, self.foreign, self.reads = spot, cash, foreign, 0
        self.coins, self.rates = dict.fromkeys(INSTRUMENTS, 0.0), dict.fromkeys(INSTRUMENTS, 0.0)
        self.orders, self.number = {}, 0
        self.closed = {}
        self.books = {}
        self.update()
        self.look()

    # What the exchange does.

    def rest(self, pair, side, size=LOT, price=MID):
        """Place an order; Freqtrade knows of it at once."""
        self.number += 1
        self.orders[pair] = RestingOrder(str(self.number), side, price, size, 0.0, 0)
        self.closed[pair] = self.coins[pair], self.rates[pair]
        self.look(pair)

    def fill(self, pair, size=None):
        """Fill a part of the order that rests, or all of it."""
        order = self.orders[pair]
        size = order.remaining if size is None else size
        signed, held = size if order.side is Side.BID else -size, self.coins[pair]
        if self.spot:
            self.cash -= signed * order.price
        if held * signed >= 0:
            self.rates[pair] = (self.rates[pair] * held + order.price * signed) / (held + signed)
        elif not self.spot:
            self.cash += -signed * (order.price - self.rates[pair])
        self.coins[pair] = round(held + signed, 9)
        self.orders[pair] = order._replace(remaining=order.remaining - size, filled=order.filled + size)

    # What Freqtrade knows.

    def look(self, *pairs):
        """Ask for the orders, as manage_open_orders does; a finished one makes Freqtrade read the wallets too."""
        for pair in pairs or INSTRUMENTS:
            order = self.orders.get(pair)
            if order is not None and order.remaining <= 1e-9:
                del self.orders[pair]
                order = None
                self.update()
            closed = self.closed[pair] if order is not None else (self.coins[pair], self.rates[pair])
            self.books[pair] = Position(*closed, Holding(self.coins[pair], order, 1))

    def update(self):
        """Read the account, as Freqtrade's wallets do."""
        self.reads += 1
        self.known = self.cash, dict(self.coins)

    def get_total(self, currency):
        coins = {base_of(pair): held + self.foreign for pair, held in self.known[1].items()}
        return self.known[0] if currency == STAKE else coins[currency]

    def get_all_positions(self):
        return {
            pair: SimpleNamespace(position=abs(held), side="short" if held < 0 else "long")
            for pair, held in self.known[1].items()
            if held
        }


def base_of(pair):
    """What the wallet calls the coin of a pair: the puppet's anything but a part of the pair."""
    return {"ETH/USDC": "ETH"}.get(pair, f"W{pair}")


class RiskBot:
    """The account's watch, the desk and the risk rules, as the strategy puts them together."""

    def __init__(self, account, planner, folder, *, limits, dry_run=False, spot=None, age_ms=5000):
        self.account, self.planner, self.now_ms = account, planner, planner.now_ms
        self.told, self._said, self.log = [], {}, MemoryLog()
        spot = account.spot if spot is None else spot
        self.watch = AccountWatch(age_ms, bases=base_of if spot else None, dry_run=dry_run)
        risk = RiskWatch(limits, folder, "bot")
        self.desk = Desk(ActionBudget(10**6), 10**6, Journal(self.log), risk=risk)

    def loop(self, positions=None, *, mid=MID, pairs=(ETH.pair,)):
        """Do what bot_loop_start does; return whether the value of the account was judged."""
        self.now_ms += 1000
        positions = dict(self.account.books) if positions is None else positions
        self.desk.clear()
        self.watch.expect(positions)
        for pair in pairs:
            instrument, position = replace(INSTRUMENTS[ETH.pair], pair=pair), positions[pair]
            resting = position.holding.resting
            try:
                self.watch.check(self.account, instrument, position.closed, resting, self.now_ms)
            except SafetyError as error:
                self.desk.withhold(pair, error.because, self.now_ms)
                return False
            worth = self.watch.worth(self.account, STAKE, pair)
            market = self.planner.market._replace(bid_price=mid - 0.05, ask_price=mid + 0.05, time_ms=self.now_ms)
            planner = replace(self.planner, instrument=instrument, market=market, now_ms=self.now_ms)
            self.desk.open(pair, PairInputs(planner, "c", None, False, *worth), position.holding)
            self._tell(pair)
        return worth.settled

    def _tell(self, pair):
        """What the risk rules say of a pair, where it is new."""
        said = "; ".join(because.detail for because in self.desk.made(pair).rules_said)
        if said != self._said.get(pair, ""):
            self.told.append(f"{pair.split('/')[0]}: {said or 'nothing'}")
        self._said[pair] = said
