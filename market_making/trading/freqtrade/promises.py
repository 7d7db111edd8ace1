"""What the strategy relies on in Freqtrade's configuration, checked in its effective value before any order.

Freqtrade lets a configuration override a strategy's attributes without a word. Some overrides turn orders into taker
orders, leave orders behind, or stop the position from ever being offered. Each promise names a key, what it must be,
and what would happen otherwise. A key that is not listed is harmless and stays the user's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freqtrade.enums import TRADE_MODES
from freqtrade.strategy import IStrategy

from market_making.market.errors import ConfigurationError
from market_making.safety.claim import port_fault, require_writable
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.halts import ONLY_CHECKED

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_KEY = re.compile("(0x)?[0-9a-fA-F]{64}")
_NO_ADDRESS = "0x" + "0" * 40
_MINUTE_S = {"minutes": 60.0, "seconds": 1.0}
_SHORTEST_TIMEOUT_S = 60.0
_LONGEST_LOOP_S = 5.0


@dataclass(frozen=True)
class Promise:
    """A setting that must keep its value: dotted `key`, what is `needed`, and what happens otherwise (`why`)."""

    key: str
    holds: Callable[[Any], bool]
    needed: str
    why: str
    default: Any = None

    @property
    def is_attribute(self) -> bool:
        """Whether Freqtrade takes it from the strategy unless the configuration overrides it."""
        return hasattr(IStrategy, self.key.split(".", maxsplit=1)[0])

    def broken_by(self, strategy: Any, config: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the effective value, or None."""
        seen = effective(self.key, strategy, config, self.default)
        return None if self.holds(seen) else f"{self.key} must be {self.needed}, got {seen!r}: {self.why}"


def effective(key: str, strategy: Any, config: Mapping[str, Any], default: Any = None) -> Any:
    """Return what Freqtrade will use: the configuration's value, else the strategy's attribute, else the default."""
    first, *rest = key.split(".")
    value = config[first] if config.get(first) is not None else getattr(strategy, first, None)
    for name in rest:
        value = value.get(name) if isinstance(value, Mapping) else None
    return default if value is None else value


def _is(wanted: Any) -> Callable[[Any], bool]:
    return lambda seen: type(seen) is type(wanted) and bool(seen == wanted)


def _at_most(limit: float) -> Callable[[Any], bool]:
    return lambda seen: isinstance(seen, int | float) and seen <= limit


PROMISES = (
    Promise(
        "position_adjustment_enable", _is(True), "true", "a position would be bought and never offered again", False
    ),
    Promise(
        "max_entry_position_adjustment", lambda seen: seen == -1, "-1", "a position could not be added to any more", -1
    ),
    Promise("process_only_new_candles", _is(False), "false", "quotes would follow the market once per candle"),
    Promise("order_types.entry", _is("limit"), '"limit"', "entries would pay the taker fee"),
    Promise("order_types.exit", _is("limit"), '"limit"', "exits would pay the taker fee"),
    Promise(
        "unfilledtimeout.exit_timeout_count",
        lambda seen: seen == 0,
        "0",
        "after so many re-quotes an exit would become a market order",
        0,
    ),
    Promise(
        "cancel_open_orders_on_exit", _is(True), "true", "a stopped bot would leave its orders resting", default=False
    ),
    Promise("entry_pricing.price_side", _is("same"), '"same"', "entries would be priced at the other side"),
    Promise("exit_pricing.price_side", _is("same"), '"same"', "exits would be priced at the other side"),
    Promise("entry_pricing.use_order_book", _is(True), "true", "entries would be checked against an old ticker"),
    Promise("exit_pricing.use_order_book", _is(True), "true", "exits would be checked against an old ticker"),
    Promise("entry_pricing.order_book_top", lambda seen: seen == 1, "1", "entries would be priced deep in the book", 1),
    Promise("exit_pricing.order_book_top", lambda seen: seen == 1, "1", "exits would be priced deep in the book", 1),
    Promise(
        "entry_pricing.check_depth_of_market.enabled",
        _is(False),
        "false",
        "Freqtrade would drop entries without a word",
        False,
    ),
    Promise(
        "ignore_buying_expired_candle_after",
        lambda seen: seen == 0,
        "0",
        "Freqtrade would drop entries late in a candle",
        0,
    ),
    Promise(
        "internals.process_throttle_secs",
        _at_most(_LONGEST_LOOP_S),
        f"at most {_LONGEST_LOOP_S:g}",
        "a stale quote would rest as long",
        5,
    ),
)


def broken_promises(strategy: Any, config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Say what in a configuration takes away what the strategy relies on; one sentence each."""
    trading = config.get("runmode") in TRADE_MODES
    for promise in PROMISES:
        # What is not an attribute of the strategy is about orders of a running bot; a backtest makes none.
        broken = promise.broken_by(strategy, config) if trading or promise.is_attribute else None
        if broken:
            yield broken
    if trading:
        yield from _numbers(strategy, config, settings)
        yield from _surroundings(config, settings)


def _numbers(strategy: Any, config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """Settings that must fit each other."""
    ratio, widest = config.get("custom_price_max_distance_ratio", 0.02), settings.quote.maximum_half_spread_bps / 1e4
    if ratio < 2 * widest:
        yield (
            f"custom_price_max_distance_ratio must be at least {2 * widest:g}, got {ratio!r}: "
            "Freqtrade would move quotes towards the market"
        )
    timeout = effective("unfilledtimeout", strategy, config, {})
    for kind in ("entry", "exit"):
        seconds = timeout.get(kind, 600) * _MINUTE_S.get(timeout.get("unit", "minutes"), 60.0)
        if seconds < _SHORTEST_TIMEOUT_S:
            yield (
                f"unfilledtimeout.{kind} must be at least {_SHORTEST_TIMEOUT_S:g} s, got {seconds:g} s: "
                "Freqtrade would cancel quotes that the plan keeps"
            )
    leverage, size = settings.leverage, settings.model.order_notional
    smallest = settings.smallest_safe_notional
    if config.get("trading_mode") == "futures" and leverage > 1 and size < smallest:
        yield (
            f"market_making.model.order_notional must be at least {smallest:g} at leverage {leverage:g}, got {size:g}: "
            "Freqtrade could neither cancel nor stop a partly filled order"
        )
    stoploss = effective("stoploss", strategy, config)
    if not isinstance(stoploss, int | float) or not -1 < stoploss < 0:
        yield f"stoploss must lie between -1 and 0, got {stoploss!r}: a position would have no stop"


def _surroundings(config: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    """What must be there before Freqtrade goes on."""
    pairs = config.get("exchange", {}).get("pair_whitelist")
    static = all(entry.get("method") == "StaticPairList" for entry in config.get("pairlists", ()))
    if static and not pairs:
        yield "exchange.pair_whitelist must name at least one pair, got none: the bot would idle for ever"
    places = effective("max_open_trades", None, config, 0)
    if static and pairs and 0 <= places < len(pairs):
        yield (
            f"max_open_trades must be at least {len(pairs)}, the number of pairs, got {places:g}: "
            "Freqtrade would drop the entries of the others"
        )
    if not config.get(ONLY_CHECKED):
        yield from _port(config.get("api_server", {}))
    yield from _database(str(config.get("db_url", "")))
    for folder in (settings.state, settings.decisions, settings.risk.state):
        try:
            require_writable(folder)
        except ConfigurationError as error:
            yield str(error)


def _database(url: str) -> Iterator[str]:
    """Freqtrade would only say that it cannot open the database."""
    _, is_file, name = url.partition("sqlite:///")
    folder = Path(name).absolute().parent
    if is_file and name and not folder.is_dir():
        yield (
            f'db_url must name a file in a folder that exists, got "{url}": there is no {folder}; '
            "a relative path starts where the bot is started"
        )


def _port(server: Mapping[str, Any]) -> Iterator[str]:
    """Freqtrade waits for ever where its API's port is taken, before it trades."""
    if not server.get("enabled"):
        return
    host, port = str(server.get("listen_ip_address", "127.0.0.1")), int(server.get("listen_port", 8080))
    if fault := port_fault(host, port):
        yield (
            f"api_server.listen_port must be free, got {port} on {host}: {fault}; Freqtrade would wait for it for ever"
        )


def misplaced_keys(address: str | None, key: str | None) -> Iterator[str]:
    """Say what is wrong with the account's address and the key that signs for it; a key itself is never shown."""
    if not _ADDRESS.fullmatch(address or ""):
        yield f"exchange.walletAddress must be 0x and 40 hexadecimal digits, got {len(address or '')} characters"
    elif address == _NO_ADDRESS:
        yield "exchange.walletAddress must be your account, got the placeholder of the example"
    if not _KEY.fullmatch(key or ""):
        seen = "the placeholder of the example" if "…" in (key or "") else f"{len(key or '')} characters"
        yield f"exchange.privateKey must be 64 hexadecimal digits, the key of an API wallet, got {seen}"
