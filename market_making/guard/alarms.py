"""Who hears what: the guard's conditions, the log, and Freqtrade's Telegram chat.

The conditions are rows like those of `market_making.safety.notices`, but what they find is in no document: the guard
sees it itself, and its state file tells `mm status`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from market_making.guard.watch import Alarm
from market_making.safety.condition import Condition, Severity
from market_making.safety.findings import Finding
from market_making.safety.notice_tracker import NoticeTracker, Telling
from market_making.safety.notices import Sighting
from market_making.safety.state_file import ActiveNotice

_LEVELS = {Severity.ALARM: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.INFO: logging.INFO}
_BETWEEN_S = 1.1  # Telegram takes one message a second from one sender to one chat
_MOST_WAITING = 50

log = logging.getLogger(__name__)


def _seen_live(_: Any, __: int) -> Iterator[Finding]:
    return iter(())


def _row(name: str, severity: Severity, sentence: str, over: str, remedy: str) -> Condition:
    return Condition(f"guard_{name}", severity, _seen_live, sentence, over, remedy, kind="guard")


_ROWS = (
    (
        "kill_switch",
        Severity.WARNING,
        "{bot}: {detail}.",
        "{bot}: the kill switch is off.",
        "Let the bots quote again with `mm stop --resume`.",
    ),
    (
        "bot_silent",
        Severity.ALARM,
        "{bot}: {detail}. Its orders are cancelled.",
        "{bot} loops again.",
        "Look at the end of its log, and start it again.",
    ),
    (
        "position_unwatched",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: the position is gone or watched again.",
        "Start the bot, or leave the position with `mm stop --flatten`.",
    ),
    (
        "position_unknown",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: account and books agree again.",
        "Find out who else trades on this account. Close it by hand, or with `mm stop --flatten`.",
    ),
    (
        "order_unknown",
        Severity.ALARM,
        "{bot}: {detail}. It is cancelled.",
        "{bot}: the unknown order is gone.",
        "Find out who else trades on this account.",
    ),
    (
        "books_unreadable",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: the database can be read again.",
        "Check db_url of the configuration, and who may read the file.",
    ),
    (
        "state_missing",
        Severity.WARNING,
        "{bot}: {detail}.",
        "{bot} has written its state file.",
        "Check that bot and guard use the same state folder and bot_name.",
    ),
    (
        "account_unseen",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: the account is seen again.",
        "Check the network and the address of the exchange.",
    ),
    (
        "actions_refused",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: the exchange obeys again.",
        "If an API wallet does not exist or has expired, renew it at the exchange and check walletAddress.",
    ),
    (
        "signer_refused",
        Severity.ALARM,
        "{bot}: {detail}.",
        "{bot}: the key may trade for the account.",
        "Give the key of an API wallet of this account.",
    ),
    (
        "budget_reserved",
        Severity.WARNING,
        "{bot}: {detail}. The quote guard is off.",
        "{bot}: the quote guard is on again.",
        "Trade or buy actions.",
    ),
    (
        "socket_lost",
        Severity.WARNING,
        "{bot}: {detail}. The quote guard is off.",
        "{bot}: the websocket is there again.",
        "It connects by itself. If it does not, check the network.",
    ),
    (
        "rate_limited",
        Severity.WARNING,
        "{bot}: {detail}.",
        "{bot}: the exchange answers as usual.",
        "Run fewer bots on this IP address.",
    ),
    (
        "clock_wrong",
        Severity.WARNING,
        "{detail}. The guard takes parameters for stale only if they are by both clocks.",
        "The clocks of this machine and of the exchange agree again.",
        "Set this machine's clock (NTP).",
    ),
    (
        "leader_lost",
        Severity.WARNING,
        "{detail}. Quotes are judged by the exchange's own mid.",
        "The leader is followed again.",
        "Start the guard again; without guard.leader it does not need the other venue.",
    ),
    (
        "record_unwritten",
        Severity.WARNING,
        "{bot}: {detail}.",
        "{bot}: the record is written again.",
        "Make room on the disk.",
    ),
)
TABLE = {row[0]: _row(*row) for row in _ROWS}


class Alarms:
    """Says a condition once when it begins, again with growing pauses, and once when it ends.

    Parameters
    ----------
    send : Callable[[str], None] or None
        Takes the messages for people beside the log.
    """

    def __init__(self, send: Callable[[str], None] | None = None) -> None:
        self._send = send
        self._tracker = NoticeTracker()

    @property
    def notices(self) -> tuple[ActiveNotice, ...]:
        """What is in force."""
        return self._tracker.active

    @property
    def is_alarmed(self) -> bool:
        """Whether something severe is in force."""
        return any(notice.severity == Severity.ALARM for notice in self.notices)

    def hold(self, found: Iterable[tuple[str, Alarm]], now_ms: int) -> None:
        """Take everything that is seen now, each with the bot it is about."""
        seen = [
            Sighting(
                TABLE[alarm.name],
                Finding(bot if alarm.coin is None else f"{bot} {alarm.coin}", {"bot": bot, "detail": alarm.text}),
            )
            for bot, alarm in found
        ]
        for said in self._tracker.update(seen, now_ms):
            is_over = said.telling is Telling.OVER
            severity = Severity.INFO if is_over else Severity(said.notice.severity)
            self._say(said.text if is_over else f"{said.text} {said.notice.remedy}", severity)

    def tell(self, text: str) -> None:
        """Say once what was done."""
        self._say(text, Severity.WARNING)

    def _say(self, text: str, severity: Severity) -> None:
        log.log(_LEVELS[severity], "%s", text)
        if self._send is not None:
            self._send(text)


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

    async def run(self) -> None:
        """Send until cancelled, through the proxy that Freqtrade's own messages take (``HTTPS_PROXY``)."""
        async with aiohttp.ClientSession(trust_env=True) as session:
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
