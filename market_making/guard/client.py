"""One account at the exchange: questions, and the few actions the guard sends, signed with a key and nonces of its own.

Whatever the exchange refuses is an error with its own words: an API wallet that does not exist or has expired, an
action that is refused, a limit that is reached.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import orjson
from eth_account import Account
from hyperliquid.utils.signing import sign_l1_action

from market_making.guard.exchange_clock import ExchangeClock
from market_making.hyperliquid.numbers import to_wire
from market_making.hyperliquid.orders import Cancel
from market_making.hyperliquid.shared_bucket import BURST, REFILL, SharedBucket
from market_making.hyperliquid.weights import action_weight, question_weight
from market_making.market.errors import MarketMakingError
from market_making.market.reasons import Reason
from market_making.market.sides import Side

TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
_NONCE_ATTEMPTS = 3


class ExchangeRefused(MarketMakingError):
    """The exchange did not do what it was asked, or did not answer; the message holds its words."""

    reason = Reason.EXCHANGE_ERROR


@dataclass(frozen=True)
class Identity:
    """Whose orders are cancelled, and who signs.

    Parameters
    ----------
    address : str
        The account.
    key : str
        Private key of an API wallet of it, or of the account itself.
    vault : str or None
        The account again where it is a sub-account or a vault, for which its master signs.
    """

    address: str
    key: str = field(repr=False)
    vault: str | None = None

    @property
    def signer(self) -> str:
        """Address of the key."""
        return str(Account.from_key(self.key).address)


class Reduction(NamedTuple):
    """An order that leaves what is held, filled at once or not at all; price [price], size [coins].

    It `reduces` only, except on spot, where there is no position and no such order.
    """

    asset: int
    side: Side
    price: float
    size: float
    name: str | None = None
    reduces: bool = True


class Meter:
    """What this program has asked of the exchange in the last minute, by the exchange's own weights.

    Parameters
    ----------
    bucket : SharedBucket
        From which the bots of this machine take their share. The guard waits for nobody, but they learn what it took.
    """

    def __init__(self, bucket: SharedBucket) -> None:
        self._bucket = bucket
        self._spent: deque[tuple[float, int]] = deque()

    def spend(self, weight: int) -> None:
        """Take note of a request."""
        self._spent.append((time.monotonic(), weight))
        self._bucket.charge(weight)

    def wait_s(self, weight: int, left: float = BURST / 2) -> float:
        """How long a request that nobody is in a hurry for should wait, so that so much is `left` for the bots [s]."""
        lacking = weight + left - self._bucket.tokens
        return max(lacking / REFILL, 0.0)

    def limited(self) -> None:
        """Take note that the exchange asks for less."""
        self._bucket.refused()

    @property
    def is_limited(self) -> bool:
        """Whether the exchange has asked this machine for less not long ago."""
        return self._bucket.is_slow

    @property
    def per_minute(self) -> int:
        """Weight of the last minute."""
        while self._spent and self._spent[0][0] < time.monotonic() - 60:
            self._spent.popleft()
        return sum(weight for _, weight in self._spent)


class ExchangeClient:
    """Asks and acts for one account.

    Parameters
    ----------
    session : aiohttp.ClientSession
        Keeps its connections open between requests.
    url : str
        Base address of the exchange.
    identity : Identity
        For whom.
    meter : Meter
        Shared by all accounts of this program, as the exchange counts weight by IP address.
    clock : ExchangeClock
        Gives the nonces.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, identity: Identity, meter: Meter, clock: ExchangeClock
    ) -> None:
        self.identity = identity
        self._clock = clock
        self.meter = meter
        self.actions = 0
        self._session = session
        self._url = url.rstrip("/")
        self._wallet = Account.from_key(identity.key)
        self._is_mainnet = "testnet" not in url
        self._nonce = 0

    async def ask(self, kind: str, **more: Any) -> Any:
        """Answer of ``/info`` about this account.

        Raises
        ------
        ExchangeRefused
            If there is none.
        """
        question = {"type": kind, "user": self.identity.address} | more
        return await self._post("info", question, question_weight(kind))

    async def cancel(self, cancels: Sequence[Cancel]) -> list[str | None]:
        """Cancel orders in one action; for each, None if it is cancelled, else the exchange's words.

        Raises
        ------
        ExchangeRefused
            If the action as a whole is refused or not answered: nothing is known then.
        """
        wires = [{"a": cancel.asset, "o": cancel.key} for cancel in cancels]
        return await self._statuses({"type": "cancel", "cancels": wires}, len(cancels))

    async def reduce(self, reductions: Sequence[Reduction]) -> list[str | None]:
        """Send orders that reduce positions; for each, None if something was filled, else the exchange's words.

        Raises
        ------
        ExchangeRefused
            If the action as a whole is refused or not answered.
        """
        orders = [
            {
                "a": reduction.asset,
                "b": reduction.side is Side.BID,
                "p": to_wire(reduction.price),
                "s": to_wire(reduction.size),
                "r": reduction.reduces,
                "t": {"limit": {"tif": "Ioc"}},
                **({} if reduction.name is None else {"c": reduction.name}),
            }
            for reduction in reductions
        ]
        return await self._statuses({"type": "order", "orders": orders, "grouping": "na"}, len(orders))

    async def schedule_cancel(self, time_ms: int | None) -> None:
        """Let the exchange cancel everything at a time unless it is told again; None takes it back.

        Raises
        ------
        ExchangeRefused
            If it is refused: the exchange offers it from a traded volume on.
        """
        action: dict[str, Any] = {"type": "scheduleCancel"}
        await self._act(action if time_ms is None else action | {"time": time_ms}, 1)

    async def _statuses(self, action: dict[str, Any], count: int) -> list[str | None]:
        response = await self._act(action, count)
        try:
            told = list(map(_words, response["data"]["statuses"]))
        except (KeyError, TypeError):
            raise ExchangeRefused(f"the answer to {action['type']} lacks statuses: {response!r:.200}") from None
        told = told * count if len(told) == 1 else told  # an error of the whole batch is told once
        if len(told) != count:
            raise ExchangeRefused(f"{count} answers were expected to {action['type']}, got {response!r:.200}")
        return told

    async def _act(self, action: dict[str, Any], count: int) -> Any:
        """Sign and send; a nonce that is refused is replaced.

        Nonces follow the clock that is behind: the exchange forgets all but the highest of a key, so one far ahead
        would have a bot's refused that signs with the same key. If that clock is too far behind, the other is right.
        """
        nonce_ms = self._clock.earliest_ms()
        for attempt in range(_NONCE_ATTEMPTS):
            self.actions += count
            answer = await self._post("exchange", self._signed(action, nonce_ms), action_weight(action))
            if isinstance(answer, dict) and answer.get("status") == "ok":
                return answer.get("response")
            words = str(answer.get("response")) if isinstance(answer, dict) else repr(answer)[:200]
            if "nonce" not in words.lower() or attempt == _NONCE_ATTEMPTS - 1:
                raise ExchangeRefused(words)
            # One that the bot has used in the same millisecond needs no other clock.
            nonce_ms = self._clock.earliest_ms() if "duplicate" in words else self._clock.latest_ms()
        raise AssertionError("unreachable")

    def _signed(self, action: dict[str, Any], nonce_ms: int) -> dict[str, Any]:
        self._nonce = max(nonce_ms, self._nonce + 1)
        vault = self.identity.vault
        signature = sign_l1_action(self._wallet, action, vault, self._nonce, None, self._is_mainnet)
        return {"action": action, "nonce": self._nonce, "signature": signature, "vaultAddress": vault}

    async def _post(self, path: str, body: Mapping[str, Any], weight: int) -> Any:
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                f"{self._url}/{path}", data=orjson.dumps(body), headers=headers, timeout=TIMEOUT
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ExchangeRefused(f"no answer: {type(error).__name__} {error}".rstrip()) from None
        finally:
            self.meter.spend(weight)  # afterwards: a cancel must not wait for a file
        if answer.status == 429:
            self.meter.limited()
        if answer.status != 200:
            raise ExchangeRefused(f"status {answer.status}: {content.decode(errors='replace')[:80]}")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            raise ExchangeRefused(f"the answer is not JSON: {content[:200]!r}") from None


def _words(status: Any) -> str | None:
    """What the exchange says of an item that it has not done; None where it has."""
    if status == "success" or (isinstance(status, dict) and "filled" in status):
        return None
    return str(status["error"]) if isinstance(status, dict) and "error" in status else f"the answer is {status!r:.60}"
