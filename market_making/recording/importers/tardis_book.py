"""Tardis' incremental books as snapshots: the rows of one message change the book, then its top is a row."""

from collections.abc import Iterator
from heapq import nlargest, nsmallest
from itertools import groupby

from market_making.market.errors import MalformedMessage
from market_making.recording.importers.importing import Entry, ImportReport
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.values import positive_number, scaled_ms
from market_making.recording.store.rows import LEVELS
from market_making.recording.streams import Stream

US_PER_MS = 1000
DEPTH = LEVELS[Stream.BOOK]

Fields = dict[str, str]
Sides = dict[str, dict[float, float]]


class BookUpdates:
    """The books of a file's coins while their updates are read: a file of grouped symbols holds many.

    A message that is a snapshot replaces its coin's book; updates before the first are ignored, an amount of zero
    removes a level.
    """

    def __init__(self, source: SourceFile, report: ImportReport) -> None:
        self._source = source
        self._report = report
        self._books: dict[str, Sides] = {}
        self._in_snapshot: set[str] = set()

    def read(self, records: Iterator[Fields]) -> Iterator[Entry]:
        """One book row for each message, that is for each group of equal local times."""
        for (symbol, _), message in groupby(records, key=lambda fields: (fields["symbol"], fields["local_timestamp"])):
            rows = list(message)
            try:
                self._apply(symbol, rows)
                times = [scaled_ms(rows[-1][name], US_PER_MS) for name in ("timestamp", "local_timestamp")]
            except (MalformedMessage, KeyError, ValueError) as error:
                self._report.fault(self._source, repr(error))
                continue
            if symbol not in self._books:
                self._report.ignored += len(rows)
            else:
                yield symbol, Stream.BOOK, (*times, *self._top(self._books[symbol]))

    def _apply(self, symbol: str, rows: list[Fields]) -> None:
        changes = [(fields["side"], positive_number(fields["price"]), _amount(fields["amount"])) for fields in rows]
        unknown = {side for side, _, _ in changes} - {"bid", "ask"}
        if unknown:
            raise MalformedMessage(f"side must be bid or ask, saw {unknown}")
        snapshot = rows[0]["is_snapshot"] == "true"
        # A snapshot of another venue may be spread over several messages; of Hyperliquid every message is one.
        if snapshot and (symbol not in self._in_snapshot or rows[0]["exchange"] == "hyperliquid"):
            self._books[symbol] = {"bid": {}, "ask": {}}
        if snapshot:
            self._in_snapshot.add(symbol)
        else:
            self._in_snapshot.discard(symbol)
        sides = self._books.get(symbol)
        if sides is None:
            return
        for side, price, amount in changes:
            if amount > 0:
                sides[side][price] = amount
            else:
                sides[side].pop(price, None)

    def _top(self, sides: Sides) -> list[float | None]:
        bids = nlargest(DEPTH, sides["bid"].items())
        asks = nsmallest(DEPTH, sides["ask"].items())
        values: list[float | None] = []
        for level in range(DEPTH):
            values += bids[level] if level < len(bids) else (None, None)
            values += asks[level] if level < len(asks) else (None, None)
        return values


def _amount(text: str) -> float:
    """Size of a level; zero means that it is gone."""
    return 0.0 if text in ("0", "0.0") else positive_number(text)
