"""The exchange's public fills as trades, in the three forms in which its nodes have written them.

By block (since July 2025; each trade is there twice, for its maker and its taker, with one ``tid``)::

    {"local_time":"2025-11-25T08:33:18.508962742","block_time":"2025-11-25T08:33:18.111517886",
     "block_number":807847463,"events":[["0x638b…",{"coin":"MON","px":"0.032693","sz":"33983.0","side":"B",
     "time":1764059598111,"hash":"0xa955…","crossed":true,"tid":128259158939093,"oid":248252470514}]]}

By fill (May to July 2025): ``["0xwallet", {fill}]``. By trade (March to June 2025, without an id)::

    {"coin":"AAVE","side":"B","time":"2025-05-25T13:59:59.974190721","px":"264.56","sz":"0.06","hash":"0x84a0…",
     "side_info":[{"user":"0xdbe2…"},{"user":"0xf1d4…"}]}

Only the fill of the taker (``crossed``) becomes a trade: its side is the aggressor's. What the exchange books between
accounts without the book (``dir``, or the method of a liquidation, tells) is no trade and counted as ignored. The first
fills of an hour's file may belong to the hour before.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from market_making.hyperliquid.market_data import DIRECTION_OF
from market_making.hyperliquid.numbers import milliseconds, positive
from market_making.market.errors import MalformedMessage
from market_making.market.events import Trade
from market_making.market.names import file_key
from market_making.market.sides import Direction
from market_making.recording.importers.importing import Entry, Format, ImportReport, Progress, run_import
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.values import iso_ms
from market_making.recording.store.rows import trade_row
from market_making.recording.streams import Stream

_BOOKED = frozenset({"Auto-Deleveraging", "Net Child Vaults", "Settlement", "Spot Dust Conversion"})
_TAKEN_OVER = "backstop"  # the method of a liquidation whose position goes to the liquidator vault


def import_hyperliquid_fills(
    paths: Iterable[Path], root: Path | str, *, venue: str = "hyperliquid", progress: Progress | None = None
) -> ImportReport:
    """Import the fills of all coins as `Stream.TRADES`; see `run_import`."""
    kind = Format("hyperliquid-fills", (".lz4", ".jsonl"), _read, lambda _: venue)
    return run_import(kind, paths, root, progress=progress)


def _read(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    for line in source.lines():
        try:
            for folder, trade, local_ms in _trades(orjson.loads(line)):
                yield folder, Stream.TRADES, trade_row(trade, local_ms, replayed=False)
        except (MalformedMessage, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            report.fault(source, error)


def _folder_of(coin: str) -> str:
    """Name of a perpetual's folder, as the collector has it; none for spot and outcomes.

    These are numbers here, ``@151`` and ``#250``, or a pair. Which token a number means is only in the exchange's list.
    """
    return "" if coin.startswith(("@", "#")) or "/" in coin else file_key(coin)


def _trades(record: Any) -> list[tuple[str, Trade, int]]:
    """Trades of one line, each with its folder and the time at which the node had it."""
    if isinstance(record, list):
        return [(folder, trade, trade.time_ms) for folder, trade in _pair([record])]
    if "events" in record:
        local_ms = iso_ms(record["local_time"])
        return [(folder, trade, local_ms) for folder, trade in _pair(record["events"])]
    trade = _from_sides(record)
    return [(_folder_of(trade.coin), trade, trade.time_ms)]


def _pair(events: list[Any]) -> list[tuple[str, Trade]]:
    """Folders and trades of the takers' fills; the maker is who else has the same trade id in the block."""
    makers = {fill["tid"]: user for user, fill in events if not fill["crossed"]}
    booked = {fill["tid"] for _, fill in events if _is_booked(fill)}
    trades = [_from_fill(fill, user, makers.get(fill["tid"], "")) for user, fill in events if fill["crossed"]]
    taken = [fill["tid"] for _, fill in events if fill["crossed"]]
    return [("" if tid in booked else _folder_of(trade.coin), trade) for tid, trade in zip(taken, trades, strict=True)]


def _is_booked(fill: dict[str, Any]) -> bool:
    """Whether the exchange has booked it between two accounts, and no order met another."""
    liquidation = fill.get("liquidation") or {}
    return fill.get("dir") in _BOOKED or liquidation.get("method") == _TAKEN_OVER


def _from_fill(fill: dict[str, Any], taker: str, maker: str) -> Trade:
    direction = DIRECTION_OF[fill["side"]]
    buyer, seller = (taker, maker) if direction is Direction.BUY else (maker, taker)
    return Trade(
        coin=_text(fill["coin"]),
        time_ms=milliseconds(fill["time"]),
        direction=direction,
        price=positive(fill["px"], "px"),
        size=positive(fill["sz"], "sz"),
        trade_id=str(fill["tid"]),
        hash=_text(fill.get("hash") or ""),
        buyer=_text(buyer),
        seller=_text(seller),
    )


def _from_sides(record: dict[str, Any]) -> Trade:
    buyer, seller = (side["user"] for side in record["side_info"])
    return Trade(
        coin=_text(record["coin"]),
        time_ms=iso_ms(record["time"]),
        direction=DIRECTION_OF[record["side"]],
        price=positive(record["px"], "px"),
        size=positive(record["sz"], "sz"),
        trade_id="",
        hash=_text(record.get("hash") or ""),
        buyer=_text(buyer),
        seller=_text(seller),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedMessage(f"text is needed, saw {value!r:.80}")
    return value
