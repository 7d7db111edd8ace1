"""The whole guard: one process for all bots of a machine, until somebody ends it."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from statistics import median

import aiohttp

from market_making.guard.account_guard import AccountGuard, Shared
from market_making.guard.alarms import Alarms, Telegram
from market_making.guard.client import Meter
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.leader import Leader, LeaderFeed
from market_making.guard.options import GuardOptions, Markets
from market_making.guard.record import GuardRecord
from market_making.guard.watch import Alarm
from market_making.hyperliquid.information import markets_by_parts
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.hyperliquid.shared_bucket import SharedBucket, bucket_path
from market_making.hyperliquid.weights import question_weight
from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.market.events import BestQuote
from market_making.safety.account_lock import release_account, take_account
from market_making.safety.guard_record import NAME
from market_making.safety.kill_switch import read_kill
from market_making.safety.state_file import SidecarState, write_state

LISTINGS_S = 600.0
LISTINGS_AGAIN_S = 2.0
LISTINGS_PATIENCE_S = 60.0
STATE_S = 1.0
LAST_WORDS_S = 5.0

log = logging.getLogger(__name__)


class Guard:
    """Watches every bot it is told of.

    Parameters
    ----------
    options : GuardOptions
        Bots, folders, rules.
    """

    def __init__(self, options: GuardOptions) -> None:
        self.options = options
        self.accounts: list[AccountGuard] = []
        self.alarms = Alarms()
        self.longest_tick_ms = 0.0
        self._record = GuardRecord(options.record)
        self._meter = Meter(SharedBucket(bucket_path(options.state, options.url)))
        self._clock = ExchangeClock(self._meter.spend)
        self._leader = None if options.leader is None else Leader(options.leader.name)
        self._leader_failure: str | None = None
        self._markets = Markets()
        self._started_ms = now_ms()
        self._written_s = float("-inf")

    async def run(self, stopped: asyncio.Event, on_ready: Callable[[], None] | None = None) -> bool:
        """Watch until `stopped`; tell whether no alarm is in force at the end.

        Raises
        ------
        SafetyError
            If another guard watches one of the accounts.
        """
        locks = [take_account(self.options.state, bot.identity.address, NAME) for bot in self.options.bots]
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=75)) as session:
                await self._run(session, stopped, on_ready)
        finally:
            for lock in locks:
                release_account(lock)
        return not self.alarms.is_alarmed

    async def _run(
        self, session: aiohttp.ClientSession, stopped: asyncio.Event, on_ready: Callable[[], None] | None
    ) -> None:
        telegram = None if self.options.telegram is None else Telegram(self.options.telegram)
        self.alarms = Alarms(None if telegram is None else telegram.send)
        await self._clock.measure_first(session, self.options.url)
        shared = Shared(
            session, lambda: self._markets, self._meter, self._record, self._clock, self._own_orders, self._leader
        )
        self.accounts = [AccountGuard(bot, self.options, shared) for bot in self.options.bots]
        works = [self._keep_markets(session), self._tick_until(stopped, on_ready)]
        works += [self._clock.run(session, self.options.url), *(account.run() for account in self.accounts)]
        works += [] if self.options.leader is None else [self._follow(self.options.leader)]
        works += [] if telegram is None else [telegram.run()]
        tasks = [asyncio.create_task(work) for work in works]
        ended = asyncio.create_task(stopped.wait())
        try:
            done, _ = await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ended}:
                task.result()  # a part that has failed ends the guard: half of one is worse than none
        finally:
            for task in (*tasks, ended):
                task.cancel()
            await asyncio.gather(*tasks, ended, return_exceptions=True)
            for account in self.accounts:
                await account.close()
            self._write(stopped=True)
            if telegram is not None:
                await self._last_words(telegram)

    def _own_orders(self, coin: str) -> Iterator[OpenOrder]:
        """Orders of a coin, of every account: what one leg quotes is no news to the other."""
        return (order for account in self.accounts for order in account.orders if order.coin == coin)

    def _coins(self) -> Set[str]:
        """Coins of all accounts."""
        return frozenset(coin for account in self.accounts for coin in account.coins())

    async def _follow(self, feed: LeaderFeed) -> None:
        """Listen to the leader; what becomes of it never ends the guard, which works without it."""
        try:
            await feed.run(self._coins, self._led)
        except Exception as error:  # whatever a foreign client does, the guard goes on
            self._leader_failure = f"{feed.name} is not followed any more: {type(error).__name__} {error}"
            log.exception("the leader failed")
        await asyncio.Event().wait()

    def _led(self, quote: BestQuote) -> None:
        if self._leader is None:
            return
        self._leader.led(quote, time.monotonic())
        for account in self.accounts:
            account.cancel_close(quote.coin)

    async def _last_words(self, telegram: Telegram) -> None:
        sender = asyncio.create_task(telegram.run())
        await telegram.flush(LAST_WORDS_S)
        sender.cancel()
        with suppress(asyncio.CancelledError):
            await sender

    async def _tick_until(self, stopped: asyncio.Event, on_ready: Callable[[], None] | None) -> None:
        while not stopped.is_set():
            began_s = time.monotonic()
            kill = read_kill(self.options.state)
            found: list[tuple[str, Alarm]] = []
            for account in self.accounts:
                alarms = await account.tick(kill, self.alarms.tell)
                found += [(account.bot.name, alarm) for alarm in alarms]
            if self._record.failure is not None:
                found.append((NAME, Alarm("record_unwritten", self._record.failure)))
            if self._leader_failure is not None:
                found.append((NAME, Alarm("leader_lost", self._leader_failure)))
            found += [(NAME, alarm) for alarm in self._clock.alarms()]
            self.alarms.hold(found, now_ms())
            tick_s = time.monotonic() - began_s
            self.longest_tick_ms = max(self.longest_tick_ms, tick_s * 1e3)
            if time.monotonic() - self._written_s > STATE_S:
                self._write()
            if on_ready is not None and all(account.orders.is_complete for account in self.accounts):
                on_ready()
                on_ready = None
            await asyncio.sleep(max(self.options.tick_s - tick_s, 0.01))

    async def _keep_markets(self, session: aiohttp.ClientSession) -> None:
        """Know what is listed; without it nothing can be cancelled, so it is asked for until there is an answer."""
        while True:
            try:
                async for found, is_whole in markets_by_parts(session, self.options.url, self._room):
                    if is_whole or not self._markets.assets:
                        self._take(Markets.of(found))
            except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
                log.warning("what is listed is not known: %s", error)
                await asyncio.sleep(LISTINGS_AGAIN_S)
                continue
            await asyncio.sleep(LISTINGS_S)

    def _take(self, markets: Markets) -> None:
        before, self._markets = self._markets, markets
        if before.assets and markets.dexes != before.dexes:
            for account in self.accounts:
                account.relisted()

    async def _room(self, kind: str) -> None:
        """Let bots go first with the weight there is, unless a market of theirs is not known."""
        weight, until_s = question_weight(kind), time.monotonic() + LISTINGS_PATIENCE_S
        while not self._lacks_market() and time.monotonic() < until_s and (wait_s := self._meter.wait_s(weight)):
            await asyncio.sleep(min(wait_s, 1.0))
        self._meter.spend(weight)

    def _lacks_market(self) -> bool:
        known = self._markets
        return any(bot.coins.choose(known.names).missing for bot in self.options.bots) or any(
            not account.booked_coins() <= known.assets.keys() for account in self.accounts
        )

    def _write(self, *, stopped: bool = False) -> None:
        self._written_s = time.monotonic()
        self._record.flush()
        took_ms = [took for account in self.accounts for took in account.canceller.took_ms]
        state = SidecarState(
            name=NAME,
            kind=NAME,
            pid=os.getpid(),
            started_ms=self._started_ms,
            written_ms=now_ms(),
            loop_ms=self.longest_tick_ms,
            figures={
                "bots": len(self.accounts),
                "orders": sum(len(account.orders) for account in self.accounts),
                "cancelled": sum(account.canceller.cancelled for account in self.accounts),
                "cancel_ms_median": median(took_ms) if took_ms else None,
                "cancel_ms_longest": max(took_ms, default=None),
                "weight_per_minute": self._meter.per_minute,
                "sockets": sum(account.socket.is_up for account in self.accounts),
                "quote_guards": sum(account.quote_watch.is_on for account in self.accounts),
            },
            failures=tuple(filter(None, (self._record.failure,))),
            notices=self.alarms.notices,
            stopped=stopped,
        )
        try:
            write_state(self.options.state, NAME, state)
        except OSError as error:
            log.warning("the state file cannot be written: %s", error)
