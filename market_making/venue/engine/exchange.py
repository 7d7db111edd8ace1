"""The exchange itself, without sockets, signatures or a clock of its own: market events and orders in, notices out."""

from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter

from market_making.market.events import BookSnapshot, Trade
from market_making.market.identity import MAIN_DEX, Market, as_markets
from market_making.market.instrument import Listing
from market_making.market.names import USDC
from market_making.venue.accounts.account import AGENT_LIFE_MS, Account, Agent
from market_making.venue.accounts.budget import ActionBudget
from market_making.venue.accounts.purse import Purse
from market_making.venue.accounts.spot import SpotWallet
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.bookkeeping import Bookkeeper
from market_making.venue.engine.charges import Charges
from market_making.venue.engine.interruptions import Interruptions
from market_making.venue.engine.liquidation import Liquidator
from market_making.venue.engine.notices import BookNotice, Notice
from market_making.venue.engine.order_desk import OrderDesk
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Status

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Exchange:
    """Books, accounts and orders of the venue.

    Parameters
    ----------
    listings : Iterable[Listing]
        The markets; of listings that are no market yet the place is the number of a main perpetual.
    config : VenueConfig
        Fees, balances, limits.
    now_ms : int
        Time of the start; `advance` moves it.
    """

    def __init__(self, listings: Iterable[Listing | Market], config: VenueConfig, now_ms: int) -> None:
        markets = as_markets(listings)
        self.state = State(config, now_ms)
        self.state.dexes = (MAIN_DEX, *sorted({market.dex for market in markets} - {MAIN_DEX}, key=attrgetter("place")))
        self.charges = Charges(config, markets)
        self._books = Bookkeeper(self.charges, self.state.notices.append)
        self.desk = OrderDesk(self.state, self._books)
        self.liquidator = Liquidator(self.state, self.desk, self._books)
        self.interruptions = Interruptions(self.state, self.desk, self._books)
        for market in markets:
            coin = ListedCoin(market, self.desk.capacity, self.desk.end, config.trade_backlog)
            for side in coin.matching.sides:
                side.whole_fills = config.whole_fills
            self.state.add(coin)
        self._funding_rate = Decimal(str(config.funding_rate))
        self._next_funding_ms = (now_ms // HOUR_MS + 1) * HOUR_MS
        for account in config.accounts:
            self.open_account(account)

    def open_account(self, config: AccountConfig) -> Account:
        """Create an account with its deposit."""
        settings = self.state.config
        balance = settings.starting_balance if config.balance is None else config.balance
        master, leader = (None if owner is None else owner.lower() for owner in (config.master, config.leader))
        budget = ActionBudget(settings.free_actions, used=config.used_actions, volume=Decimal(str(config.volume)))
        account = Account(config.address.lower(), Purse(Decimal(str(balance))), budget, master, leader)
        for number, (agent, until_ms) in enumerate(config.agent_configs):
            until_ms = self.state.now_ms + AGENT_LIFE_MS if until_ms is None else until_ms  # noqa: PLW2901
            account.agents[agent.lower()] = Agent(f"start{number}", until_ms)
        if not settings.is_unified:
            for dex in self.state.dexes[1:]:
                account.purses[dex.name] = Purse(Decimal(str(balance)))
            if self.state.spot:
                account.spot = SpotWallet(Purse(Decimal(str(balance))))
        for coin in self.state.coins:
            if not coin.is_spot:
                purse = account.homes[coin.listing.coin] = account.on(coin.market.dex.name)
                is_cross = not coin.listing.isolated_only
                purse.position(coin.instrument, coin.listing.maximum_leverage, is_cross=is_cross)
        self.state.accounts[account.address] = account
        return account

    def drain(self) -> list[Notice]:
        """Hand out what has happened since the last call, in order."""
        notices = self.state.notices.copy()
        self.state.notices.clear()
        return notices

    def on_book(self, snapshot: BookSnapshot) -> None:
        """Take a book of the source."""
        self.advance(snapshot.time_ms)
        coin = self.state.by_name[snapshot.coin]
        if self.state.now_ms < coin.halted_until_ms:
            return
        trades = []
        for execution in coin.matching.on_snapshot(snapshot):
            if execution.maker is not None:
                cause = self._books.crossing(execution.maker, snapshot.time_ms)
                trade = self.desk.fill_maker(execution, cause)
                trades += [trade] if trade else []
        self._books.publish(coin, trades)
        self.state.notices.append(BookNotice(snapshot.coin, snapshot.time_ms))
        if coin.mark is None or snapshot.time_ms - coin.mark_ms >= self.state.config.mark_period_s * 1000:
            self._update_mark(coin)

    def on_trade(self, trade: Trade) -> None:
        """Take a print of the source: own orders take their share of it, the rest is published unchanged."""
        self.advance(trade.time_ms)
        coin = self.state.by_name[trade.coin]
        if self.state.now_ms < coin.halted_until_ms:
            return
        trades, lots = [], coin.matching.lots(trade.size)
        for execution in coin.matching.on_print(trade.direction, trade.price, trade.size):
            own = self.desk.fill_maker(execution, trade)
            lots -= execution.lots
            trades += [own] if own else []
        if lots > 0:
            trades.append(self._numbered(trade._replace(size=coin.matching.size(lots))))
        self._books.publish(coin, trades)
        if len(trades) > (lots > 0):
            self.state.notices.append(BookNotice(trade.coin, trade.time_ms))

    def advance(self, now_ms: int) -> None:
        """Move the clock: funding at full hours, and the dead man's switches that are due."""
        self.state.now_ms = max(self.state.now_ms, now_ms)
        while self._next_funding_ms <= self.state.now_ms:
            for account in self.state.accounts.values():
                for coin in self.state.coins:
                    if coin.is_spot:
                        continue
                    self._books.pay_funding(account, coin, self._funding_rate, self._next_funding_ms)
            self._next_funding_ms += HOUR_MS
        for account in self.state.accounts.values():
            if account.cancel_all_ms is not None and account.cancel_all_ms <= self.state.now_ms:
                account.cancel_all_ms = None
                day = self.state.now_ms // DAY_MS
                account.scheduled_cancels = {day: account.scheduled_cancels.get(day, 0) + 1}
                self.desk.end_all(account, Status.SCHEDULED)

    def _update_mark(self, coin: ListedCoin) -> None:
        if coin.update_mark(self.state.now_ms) and coin.mark is not None:
            self.state.prices[coin.listing.coin] = coin.mark
            if coin.market.tokens is not None and coin.market.tokens.quote == USDC:
                self.state.token_prices[coin.market.tokens.base] = coin.mark
            self.desk.fire_triggers(coin)
            self.liquidator.check()

    def _numbered(self, trade: Trade) -> Trade:
        """The wire needs a number as the identity of a trade; not every source has one."""
        if trade.trade_id.isdigit():
            return trade
        return trade._replace(trade_id=str(self._books.new_trade_id()))
