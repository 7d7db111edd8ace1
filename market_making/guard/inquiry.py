"""What the guard asks about one account, as seldom as it can: bots share the limit of its IP address."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from market_making.guard.account_view import Budget, OpenOrders, Positions
from market_making.guard.client import ExchangeClient, ExchangeRefused
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.watch import AccountView, Alarm
from market_making.hyperliquid.address_limit import read_address_limit
from market_making.hyperliquid.balances import parse_balances
from market_making.hyperliquid.open_orders import (
    AccountFill,
    parse_account_fills,
    parse_open_orders,
    parse_positions,
)
from market_making.hyperliquid.shared_bucket import LEFT_TO_BOTS
from market_making.market.errors import MalformedMessage

STEP_S = 0.1
# While the websocket tells of changes, while it does not, and where something must be known now.
ORDERS_S, ORDERS_BLIND_S, ORDERS_URGENT_S = 20.0, 3.0, 1.0
POSITIONS_S, POSITIONS_URGENT_S = 5.0, 1.0
FILLS_S = 5.0  # while an account holds more than its books, for which the bots have less weight
AGAIN_S = 1.5  # after a question about them that was not answered
FILLS_OF_MS = 900_000
LEFT_S = 2.0  # from the decision to leave to the fill
ALLOWANCE_S = 60.0
SIGNER_S = 3600.0
UNSEEN_S = 10.0
LIMITED_FACTOR = 3.0
# What nobody is in a hurry for, with its weight: it waits so long until `LEFT_TO_BOTS` is left.
UNHURRIED = {"elsewhere": 22, "allowance": 20, "signer": 60}
UNHURRIED_S = 20.0
SCHEDULE_VOLUME = 1_000_000.0
SCHEDULE_AHEAD_S, SCHEDULE_EVERY_S = 45.0, 15.0

ELSEWHERE_S = 30.0
"""From one dex on which the bot does not trade to the next: orders there are somebody else's, and may be there."""

log = logging.getLogger(__name__)


class Places(NamedTuple):
    """Where an account may have something: each tells it anew, as markets are listed and orders appear.

    Parameters
    ----------
    dexes : Callable[[], Sequence[str]]
        Those that are asked about every time; the main one has an empty name.
    elsewhere : Callable[[], Sequence[str]]
        All others, which are asked about in turn.
    has_tokens : Callable[[], bool]
        Whether tokens matter.
    """

    dexes: Callable[[], Sequence[str]] = lambda: ("",)
    elsewhere: Callable[[], Sequence[str]] = tuple
    has_tokens: Callable[[], bool] = lambda: False


class Inquiry:
    """Keeps orders, positions and actions of an account known.

    Parameters
    ----------
    client : ExchangeClient
        Asks.
    orders, budget
        Told the answers.
    clock : ExchangeClock
        By which the dead man's switch is set.
    places : Places, optional
        Where the account is asked about; only on the main dex unless it is given.
    """

    def __init__(
        self,
        client: ExchangeClient,
        orders: OpenOrders,
        budget: Budget,
        clock: ExchangeClock,
        places: Places | None = None,
    ) -> None:
        self._clock = clock
        self._places = places or Places()
        self.positions: Positions | None = None
        self.tokens: Mapping[str, float] | None = None
        """How much of each token there is [coins]; asked for together with positions, where tokens matter."""
        self.orders_s = self.positions_s = time.monotonic()
        """When the last question was asked that was answered [s, monotonic]."""
        self._client, self._orders, self._budget = client, orders, budget
        self._asked_s: dict[str, float] = {}
        self._due_s: dict[str, float] = {}
        self._answered_s = time.monotonic()
        self.fills: tuple[AccountFill, ...] = ()
        """Fills of the last quarter of an hour, asked for while positions and books differ; none while something is
        being left."""
        self.fills_s = float("-inf")
        """When they were last asked for and told [s, monotonic]; never while something is being left."""
        self._fills_from_s = float("-inf")
        self._kill_ms: int | None = None
        self._elsewhere = 0
        self._is_urgent = self._is_leaving = self._differs = self._has_filled = self._is_blind = False
        self._words = ""
        self._signer: Alarm | None = None
        self._is_scheduled = False
        self._schedule_refused = False

    def hurry(self) -> None:
        """Ask for all orders as soon as the limit allows."""
        self._asked_s["orders"] = min(self._asked_s.get("orders", 0.0), time.monotonic() - ORDERS_BLIND_S)

    def relisted(self) -> None:
        """Ask everywhere as soon as the limit allows: there are dexes that were not known before."""
        for what in ("orders", "positions", "elsewhere"):
            self._asked_s.pop(what, None)

    def hurry_positions(self) -> None:
        """Ask for positions until there is an answer: something was filled that the books do not know."""
        self._has_filled = True

    def notes(self, view: AccountView, *, is_leaving: bool, differs: bool) -> None:
        """Take what the last look has shown: an order that only the account knows must be known better."""
        books = view.bot.books
        known = frozenset() if books is None else books.known
        self._is_urgent = any(order.is_trigger is None and order.oid not in known for order in view.orders)
        self._is_blind = view.orders_blind_s >= ORDERS_BLIND_S
        self._is_leaving = is_leaving
        self._differs = differs
        self._kill_ms = None if view.kill is None else view.kill.since_ms
        if is_leaving:  # what is filled now takes off from what earlier fills have left
            self.fills, self._fills_from_s = (), time.monotonic() + LEFT_S
            self.fills_s = float("-inf")

    def alarms(self) -> Iterator[Alarm]:
        """What is wrong with the answers."""
        unseen_s = time.monotonic() - self._answered_s
        if unseen_s > UNSEEN_S:
            yield Alarm("account_unseen", f"the account was last seen {unseen_s:.0f} s ago: {self._words}")
        if self._client.meter.is_limited:
            yield Alarm("rate_limited", "the exchange asks for fewer requests from this IP address")
        if self._signer is not None:
            yield self._signer

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            for what, ask in (
                ("orders", self._ask_orders),
                ("positions", self._ask_positions),
                ("fills", self._ask_fills),
                ("elsewhere", self._ask_elsewhere),
                ("allowance", self._ask_allowance),
                ("signer", self._ask_signer),
                ("schedule", self._schedule),
            ):
                if time.monotonic() - self._asked_s.get(what, float("-inf")) < self._period_s(what):
                    continue
                if self._lets_bots_go_first(what):
                    continue
                self._asked_s[what] = time.monotonic()
                try:
                    await ask()
                except (ExchangeRefused, MalformedMessage) as error:
                    self._words = str(error)
                    if what == "fills":
                        self._asked_s[what] += AGAIN_S - FILLS_S
                    log.debug("%s were not answered: %s", what, error)
            await asyncio.sleep(STEP_S)

    async def close(self) -> None:
        """Take the dead man's switch back: the bots go on without this program."""
        if self._is_scheduled:
            try:
                await self._client.schedule_cancel(None)
            except ExchangeRefused as error:
                log.warning("the scheduled cancel could not be taken back: %s", error)

    def _period_s(self, what: str) -> float:
        if what == "orders":
            is_heard = self._orders.is_complete and not self._is_blind
            period_s = ORDERS_S if is_heard else ORDERS_BLIND_S
            period_s = min(period_s, ORDERS_URGENT_S) if self._is_urgent else period_s
        elif what == "positions" and (self._is_leaving or self._differs or self._has_filled or self._lacks_tokens()):
            return POSITIONS_URGENT_S  # light, and what is left depends on it
        elif what == "positions":
            period_s = POSITIONS_S
        elif what == "fills":
            return FILLS_S if self._differs else float("inf")
        elif what == "schedule":
            return SCHEDULE_EVERY_S  # an action: what is armed goes off unless it is renewed, limit or not
        else:
            usual_s = {"allowance": ALLOWANCE_S, "signer": SIGNER_S, "elsewhere": ELSEWHERE_S}
            period_s = usual_s[what]
        return period_s * (LIMITED_FACTOR if self._client.meter.is_limited else 1.0)

    def _lets_bots_go_first(self, what: str) -> bool:
        """Whether a question that is due still waits until the bots have what they need."""
        if what not in UNHURRIED:
            return False
        due_s = self._due_s.setdefault(what, time.monotonic())
        if self._client.meter.wait_s(UNHURRIED[what], LEFT_TO_BOTS) and time.monotonic() - due_s < UNHURRIED_S:
            return True
        del self._due_s[what]
        return False

    def _lacks_tokens(self) -> bool:
        """Whether tokens matter, which was not known when positions were last asked for."""
        return self.tokens is None and self._places.has_tokens()

    async def _ask_orders(self) -> None:
        asked_s = time.monotonic()
        answers = await self._on_each_dex("frontendOpenOrders")
        self._orders.replace([order for answer in answers for order in parse_open_orders(answer)], asked_s)
        self.orders_s, self._answered_s = asked_s, time.monotonic()

    async def _ask_positions(self) -> None:
        self._has_filled = False  # whatever is filled from here on is asked about again
        asked_s = time.monotonic()
        try:
            answers = await self._on_each_dex("clearinghouseState")
            if self._places.has_tokens():
                self.tokens = parse_balances(await self._client.ask("spotClearinghouseState"))
            self.positions = {coin: held for answer in answers for coin, held in parse_positions(answer).items()}
        except (ExchangeRefused, MalformedMessage):
            self._has_filled = True
            raise
        self.positions_s, self._answered_s = asked_s, time.monotonic()

    async def _on_each_dex(self, kind: str) -> list[Any]:
        """The answers of every dex; none where one is missing, for half of an account is none."""
        return [await self._client.ask(kind, **({"dex": dex} if dex else {})) for dex in self._places.dexes()]

    async def _ask_elsewhere(self) -> None:
        """Look at the next dex on which the bot does not trade; one with something on it is asked about from now on."""
        dexes = self._places.elsewhere()
        if not dexes:
            return
        dex, asked_s = dexes[self._elsewhere % len(dexes)], time.monotonic()
        self._elsewhere += 1
        self._orders.add(parse_open_orders(await self._client.ask("frontendOpenOrders", dex=dex)), asked_s)
        found = parse_positions(await self._client.ask("clearinghouseState", dex=dex))
        if self.positions is not None:
            self.positions = dict(self.positions) | found

    async def _ask_fills(self) -> None:
        """Fills of late, and since the kill switch all: what was sold because of it is not sold again."""
        asked_s, since_ms = time.monotonic(), self._clock.earliest_ms() - FILLS_OF_MS
        since_ms = since_ms if self._kill_ms is None else max(min(since_ms, self._kill_ms - FILLS_OF_MS), 0)
        fills = parse_account_fills(await self._client.ask("userFillsByTime", startTime=since_ms))
        if asked_s >= self._fills_from_s:
            self.fills, self.fills_s = fills, asked_s

    async def _ask_allowance(self) -> None:
        self._budget.told(read_address_limit(await self._client.ask("userRateLimit")), time.monotonic())

    async def _ask_signer(self) -> None:
        """Whether the key may sign for the account: a key that may not is told before it is needed."""
        identity = self._client.identity
        signer, account = identity.signer.lower(), identity.address.lower()
        if signer == account:
            return
        role = await self._client.ask("userRole", user=signer)
        kind = role.get("role") if isinstance(role, dict) else None
        data = role.get("data") if isinstance(role, dict) else None
        principal = str(data.get("user", "")).lower() if kind == "agent" and isinstance(data, dict) else signer
        if kind in ("agent", "user") and (principal == account or identity.vault is not None):
            self._signer = None
            return
        self._signer = Alarm("signer_refused", f"the key {signer[:6]}… is {kind or role!r}, not an API wallet of it")

    async def _schedule(self) -> None:
        """Renew the dead man's switch where the account has traded enough for it and something rests."""
        allowance = self._budget.allowance
        if self._schedule_refused or allowance is None or allowance.volume < SCHEDULE_VOLUME:
            return
        now_ms = self._clock.exchange_ms()
        if now_ms is None or (not len(self._orders) and not self._is_scheduled):
            return  # by a clock that is behind the exchange's the cancel would come at once
        try:
            ahead_ms = now_ms + round(SCHEDULE_AHEAD_S * 1e3)
            await self._client.schedule_cancel(ahead_ms if len(self._orders) else None)
            self._is_scheduled = bool(len(self._orders))
        except ExchangeRefused as error:
            if not self._is_scheduled:
                self._schedule_refused = True
                log.warning("the exchange offers this account no scheduled cancel: %s", error)
                return
            # What is armed goes off, and cancels everything, unless it is renewed.
            self._asked_s["schedule"] = time.monotonic() + AGAIN_S - SCHEDULE_EVERY_S
            log.warning("the scheduled cancel is not renewed, trying again: %s", error)
