"""The state file of each program, ``<folder>/<name>.json``: what it is doing now, for people and other programs.

Written every loop and atomically, so a reader sees the old document or the new one. It need not survive a power cut,
so it is not synced. It holds no secret, and of an account only a masked address. A reader takes the age of a document
from `written_ms`. Prices are [price], sizes [coins], inventories [lots], times UTC [ms].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from market_making.market.durable_file import replace_file
from market_making.market.errors import MalformedMessage
from market_making.market.reasons import Reason

SCHEMA = "1.0"
FOLDER = "state"


@dataclass(frozen=True)
class QuoteState:
    """One side of the model's quote: price, depth and size, and the terms that sum to the depth; or why it is withheld.

    `terms` maps the name of a term to its share of the depth [price]; terms of zero are left out.
    """

    price: float | None = None
    depth: float | None = None
    size_lots: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True)
class RestingState:
    """The order that rests, from the terms it was priced with; `planned_mid` is the mid it was priced from."""

    side: str
    price: float
    size: float
    filled: float
    order_id: str
    placed_ms: int
    tag: str = ""
    planned_mid: float | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BookState:
    """Up to five levels a side, best first, each (price, size); `exchange_ms` is the exchange's time of the book."""

    exchange_ms: int
    bids: tuple[tuple[float, float], ...] = ()
    asks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class MarkoutState:
    """Mean signed move of mid after own fills at one horizon [bps], with its 95 % interval and the number of fills."""

    horizon_s: float
    value_bps: float
    low_bps: float | None
    high_bps: float | None
    n: int


@dataclass(frozen=True)
class MoneyState:
    """Result of the day (UTC), split so that net = spread + adverse selection + inventory + funding − fees."""

    net: float = 0.0
    spread: float = 0.0
    adverse_selection: float = 0.0
    inventory: float = 0.0
    funding: float = 0.0
    fees: float = 0.0
    fills: int = 0
    volume: float = 0.0


@dataclass(frozen=True)
class CalibrationState:
    """The parameter file a pair is quoted from.

    `own_table` says that the bot solves its own table, `why` which settings of the calibrator are not the bot's.
    """

    calibration_id: str | None = None
    created_ms: int | None = None
    valid_until_ms: int | None = None
    status: str | None = None
    regime: str | None = None
    flags: tuple[str, ...] = ()
    own_table: bool = False
    why: str = ""

    def age_ms(self, now_ms: int) -> int | None:
        """Its age [ms], if there is one."""
        return None if self.created_ms is None else now_ms - self.created_ms


@dataclass(frozen=True)
class PairState:
    """One pair in the last loop. `reason` and `detail` say why no order is wanted, since `since_ms`.

    `risk` are the risk rules that hold, `risk_detail` the same in words with figures.
    """

    pair: str
    coin: str
    quoting: bool
    reason: Reason | None = None
    detail: str = ""
    since_ms: int = 0
    mid: float | None = None
    fair_value: float | None = None
    tick: float | None = None
    lot: float | None = None
    book: BookState | None = None
    bid: QuoteState = QuoteState()
    ask: QuoteState = QuoteState()
    resting: RestingState | None = None
    coins: float = 0.0
    inventory: float = 0.0
    maximum_inventory: float = 0.0
    volatility: float | None = None
    calibration: CalibrationState = CalibrationState()
    markouts: tuple[MarkoutState, ...] = ()
    money: MoneyState = MoneyState()
    risk: tuple[Reason, ...] = ()
    risk_detail: str = ""
    leaving: bool = False
    fills: int = 0


@dataclass(frozen=True)
class AccountState:
    """The account, as far as the bot knows; `address` is masked. None where a value is not known.

    `other_leg` is what the account of the other leg is worth.
    """

    address: str | None = None
    equity: float | None = None
    actions_used: int | None = None
    actions_limit: int | None = None
    hours_left: float | None = None
    weight_per_minute: float | None = None
    money: MoneyState = MoneyState()
    other_leg: float | None = None

    @property
    def actions_left(self) -> int | None:
        """How many actions the address has left, if that is known."""
        used, limit = self.actions_used, self.actions_limit
        return None if used is None or limit is None else limit - used


@dataclass(frozen=True)
class ActiveNotice:
    """A condition in force: its name in the table of notices, since when, and the sentence with figures."""

    name: str
    severity: str
    since_ms: int
    text: str
    remedy: str
    pair: str | None = None


@dataclass(frozen=True)
class BotState:
    """The state file of a bot.

    `unwritable` maps what could not be written in the last loop (state, decisions) to the reason; `stopped` says that
    the bot has ended in order and this is its last word.
    """

    bot: str
    run: str
    pid: int
    mode: str
    strategy: str
    started_ms: int
    written_ms: int
    loop: int
    loop_ms: float
    longest_loop_ms: float = 0.0
    venue: str = ""
    role: str = ""
    leg: str | None = None
    database: str | None = None
    pairs: tuple[PairState, ...] = ()
    account: AccountState = AccountState()
    notices: tuple[ActiveNotice, ...] = ()
    killed: bool = False
    unwritable: Mapping[str, str] = field(default_factory=dict)
    stopped: bool = False
    kind: str = "bot"
    schema: str = SCHEMA


@dataclass(frozen=True)
class CoinState:
    """One coin of a collector or calibrator: age of its newest data or calibration, and what is wrong with it."""

    coin: str
    age_ms: int | None = None
    status: str = ""
    detail: str = ""
    rows_per_s: float | None = None
    gaps: int | None = None


@dataclass(frozen=True)
class SidecarState:
    """The state file of a collector, a calibrator or a guard (`kind`); `figures` are numbers by name and unit.

    `stopped` says that the program has ended in order and this is its last word.
    """

    name: str
    kind: str
    pid: int
    started_ms: int
    written_ms: int
    loop_ms: float = 0.0
    venue: str = ""
    coins: tuple[CoinState, ...] = ()
    figures: Mapping[str, float | None] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    notices: tuple[ActiveNotice, ...] = ()
    stopped: bool = False
    schema: str = SCHEMA


_BOT = TypeAdapter(BotState)
_SIDECAR = TypeAdapter(SidecarState)


def write_state(folder: Path, name: str, state: BotState | SidecarState) -> None:
    """Replace ``<folder>/<name>.json``; a reader sees the old document or the new one.

    Raises
    ------
    OSError
        If it cannot be written; the caller goes on without it.
    """
    replace_file(folder / f"{name}.json", orjson.dumps(state, option=orjson.OPT_NON_STR_KEYS))


def read_state(path: Path) -> BotState | SidecarState:
    """Read one state file; keys of a later minor schema are ignored.

    Raises
    ------
    MalformedMessage
        If it is torn, of another major schema, or not a state file.
    OSError
        If it cannot be read.
    """
    try:
        document: dict[str, Any] = orjson.loads(path.read_bytes())
        if str(document["schema"]).split(".")[0] != SCHEMA.split(".", maxsplit=1)[0]:
            raise MalformedMessage(f"{path} has schema {document['schema']}, this program reads {SCHEMA}")
        adapter = _BOT if document.get("kind") == "bot" else _SIDECAR
        return adapter.validate_python(document)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise MalformedMessage(f"{path} is not a state file: {error}") from None


def read_states(folder: Path) -> list[BotState | SidecarState]:
    """Read every state file of a folder that can be read, by name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read_state(path))
        except (MalformedMessage, OSError):
            continue
    return found


def masked(address: str | None) -> str | None:
    """An address with its middle left out, so that a file may be shown to others."""
    return None if not address else f"{address[:6]}…{address[-4:]}"
