"""Who is told what, and how often: the table of the guard's conditions, the log, and Freqtrade's Telegram chat."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import aiohttp

from market_making.guard.watch import Alarm
from market_making.market.clock import now_ms
from market_making.safety.state_file import ActiveNotice

ALARM, WARNING, INFO = "alarm", "warning", "info"
_LEVELS = {ALARM: logging.ERROR, WARNING: logging.WARNING, INFO: logging.INFO}
_FIRST_AGAIN_MS = 300_000
_LONGEST_AGAIN_MS = 3_600_000
_BETWEEN_S = 1.1  # Telegram takes one message a second from one sender to one chat
_MOST_WAITING = 50

log = logging.getLogger(__name__)


class _Row(NamedTuple):
    """A condition: how severe it is, and what to do."""

    severity: str
    remedy: str


TABLE: dict[str, _Row] = {
    "kill_switch": _Row(WARNING, "mm stop --resume lets the bots quote again"),
    "bot_silent": _Row(ALARM, "look at the bot's log; restart it; its orders are cancelled meanwhile"),
    "position_unwatched": _Row(ALARM, "start the bot, or leave the position with mm stop --flatten"),
    "position_unknown": _Row(ALARM, "close it by hand, or with mm stop --flatten; who else trades on this account?"),
    "order_unknown": _Row(ALARM, "it is cancelled; who else trades on this account?"),
    "books_unreadable": _Row(ALARM, "check db_url and the permissions of the file"),
    "state_missing": _Row(WARNING, "check that bot and guard use the same state folder and bot_name"),
    "account_unseen": _Row(ALARM, "check the network and the address of the exchange"),
    "actions_refused": _Row(ALARM, "renew the API wallet at the exchange, or check walletAddress"),
    "signer_refused": _Row(ALARM, "give a key of an API wallet of this account"),
    "budget_reserved": _Row(WARNING, "trade, or buy actions; the quote guard is off until then"),
    "socket_lost": _Row(WARNING, "nothing: it connects again by itself; the quote guard is off until then"),
    "rate_limited": _Row(WARNING, "run fewer bots on this IP address"),
    "record_unwritten": _Row(WARNING, "make room on the disk"),
}


@dataclass
class _Told:
    """A condition in force: what was said of it, and when it is said again."""

    notice: ActiveNotice
    again_ms: int
    wait_ms: int = field(default=_FIRST_AGAIN_MS)


class Alarms:
    """Says a condition once when it begins, again with growing pauses, and once when it ends.

    Parameters
    ----------
    send : Callable[[str], None] or None
        Takes the messages for people beside the log.
    """

    def __init__(self, send: Callable[[str], None] | None = None) -> None:
        self._send = send
        self._told: dict[tuple[str, str, str | None], _Told] = {}

    @property
    def notices(self) -> tuple[ActiveNotice, ...]:
        """What is in force."""
        return tuple(told.notice for told in self._told.values())

    @property
    def is_alarmed(self) -> bool:
        """Whether something severe is in force."""
        return any(notice.severity == ALARM for notice in self.notices)

    def hold(self, found: Iterable[tuple[str, Alarm]]) -> None:
        """Take everything that is in force now, each with the bot it is about."""
        time_ms, keys = now_ms(), set()
        for bot, alarm in found:
            key = (bot, alarm.name, alarm.coin)
            keys.add(key)
            self._say(key, bot, alarm, time_ms)
        for key in self._told.keys() - keys:
            notice = self._told.pop(key).notice
            self.tell(f"{key[0]}: over: {notice.text}", notice.severity)

    def tell(self, text: str, severity: str = ALARM) -> None:
        """Say something once."""
        log.log(_LEVELS[severity], "%s", text)
        if self._send is not None and severity != INFO:
            self._send(text)

    def _say(self, key: tuple[str, str, str | None], bot: str, alarm: Alarm, time_ms: int) -> None:
        severity, remedy = TABLE[alarm.name]
        told = self._told.get(key)
        if told is None:
            notice = ActiveNotice(alarm.name, severity, time_ms, alarm.text, remedy, alarm.coin)
            self._told[key] = _Told(notice, time_ms + _FIRST_AGAIN_MS)
        elif time_ms < told.again_ms:
            told.notice = ActiveNotice(alarm.name, severity, told.notice.since_ms, alarm.text, remedy, alarm.coin)
            return
        else:
            told.wait_ms = min(2 * told.wait_ms, _LONGEST_AGAIN_MS)
            told.again_ms = time_ms + told.wait_ms
        self.tell(f"{bot}: {alarm.text} ({remedy})", severity)


@dataclass(frozen=True)
class TelegramChat:
    """Where Freqtrade's own messages go: ``telegram`` of its configuration."""

    token: str = field(repr=False)
    chat_id: str
    url: str = "https://api.telegram.org"


class Telegram:
    """Sends messages one after the other; those that cannot be sent are in the log only."""

    def __init__(self, chat: TelegramChat) -> None:
        self._chat = chat
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)

    def send(self, text: str) -> None:
        """Queue a message; one too many is dropped."""
        if not self._waiting.full():
            self._waiting.put_nowait(text)

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Send until cancelled."""
        while True:
            text = await self._waiting.get()
            await self._post(session, text)
            self._waiting.task_done()
            await asyncio.sleep(_BETWEEN_S)

    async def flush(self, seconds: float) -> None:
        """Wait until what is queued has been sent, but not for long."""
        try:
            async with asyncio.timeout(seconds):
                await self._waiting.join()
        except TimeoutError:
            log.warning("%d messages were not sent", self._waiting.qsize())

    async def _post(self, session: aiohttp.ClientSession, text: str) -> None:
        address = f"{self._chat.url}/bot{self._chat.token}/sendMessage"
        try:
            async with session.post(
                address, json={"chat_id": self._chat.chat_id, "text": text}, timeout=aiohttp.ClientTimeout(total=10)
            ) as answer:
                if answer.status != 200:
                    log.warning("Telegram answers %d: %s", answer.status, (await answer.text())[:200])
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # The text of the error may hold the address, and the address holds the token.
            log.warning("Telegram does not answer: %s", type(error).__name__)
