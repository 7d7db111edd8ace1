"""The recording of one coin: its events become rows, each once, and its silences become gaps."""

from collections.abc import Iterable, Sequence
from time import monotonic

from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Trade
from market_making.recording.collection.recorder import Recorder
from market_making.recording.collection.remembered import RememberedTrades
from market_making.recording.store.rows import book_row, context_row, quote_row, trade_row
from market_making.recording.streams import Stream

EVENT_STREAMS = (Stream.TRADES, Stream.BBO, Stream.BOOK)
FAST_STREAMS = (Stream.BOOK_FAST,)
CONNECTIONS = (EVENT_STREAMS, FAST_STREAMS)


class GapTracker:
    """Since when, and until when, streams that share a connection were received.

    A connection delivers in order, so a quote or a book stamped T proves that nothing before T is missing since the
    frame before. While the connection is down, the gap is written piece by piece: a reader knows of it at once.

    `gaps` counts how often something was lost since the start.

    The pieces end by a clock that may be wrong, events by the exchange's. So an open gap is ended by any event newer
    than the last one, whatever pieces are written; and those reach no further than this machine's monotonic clock has
    run since a time that is known.
    """

    def __init__(self, recorder: Recorder, coin: str, streams: tuple[Stream, ...], last_ms: int | None) -> None:
        self.gaps = 0
        self._recorder = recorder
        self._coin = coin
        self._streams = streams
        self._event_ms = last_ms
        self._told_ms = last_ms
        self._clock: tuple[int, float] | None = None
        self._reason: str | None = "start"

    @property
    def is_open(self) -> bool:
        """Whether events may be missing from the last frame on."""
        return self._reason is not None

    @property
    def missing(self) -> str:
        """Why events may be missing from the last frame on; empty if none are."""
        if self._reason is None:
            return ""
        return f"{', '.join(self._streams)}: {self._reason}"

    def seen(self, time_ms: int) -> None:
        """A quote or a book was received: an open gap ends here, unless the event is older than the gap."""
        if self._event_ms is not None and time_ms <= self._event_ms:
            return
        if self._reason is not None:
            if self._told_ms is None or time_ms > self._told_ms:
                self._write(time_ms)
            self._reason = None
        self._event_ms = self._told_ms = time_ms
        self._clock = time_ms, monotonic()

    def lost(self, reason: str) -> None:
        """From the last frame on, events may be missing."""
        if self._reason is None:
            self._reason = reason
            self.gaps += 1

    def progress(self, now_ms: int) -> None:
        """Write the part of an open gap that has passed."""
        if self._reason is None or self._told_ms is None or now_ms <= self._told_ms:
            return
        end_ms = min(now_ms, self._least_ms(now_ms))
        if end_ms > self._told_ms:
            self._write(end_ms)
            self._told_ms = end_ms

    def end(self) -> None:
        """Mark the end of the recording, so that a reader can tell a planned stop from a crash."""
        if self._told_ms is not None:
            self._reason = "stop"
            self._write(self._told_ms)

    def _least_ms(self, now_ms: int) -> int:
        """What the exchange's clock shows at least: the time of the last event, and what has passed since it came.

        Before the first event of this run, now is believed once.
        """
        if self._clock is None:
            self._clock = now_ms, monotonic()
        time_ms, at_s = self._clock
        return time_ms + int((monotonic() - at_s) * 1e3)

    def _write(self, end_ms: int) -> None:
        start_ms = end_ms if self._told_ms is None else self._told_ms
        for stream in self._streams:
            self._recorder.add_gap(self._coin, stream, start_ms, end_ms, self._reason or "")


class CoinRecording:
    """Events of one coin on their way to the recorder.

    Parameters
    ----------
    coin : str
        The venue's name.
    recorder : Recorder
        Takes the rows.
    last_ms : int or None
        Time of the last event that is already recorded; the gap since then is recorded too.
    known_trades : iterable of (int, str)
        Times and ids of the last recorded trades, which a back-log may repeat.
    connections : sequence of tuple of Stream
        Streams that share a connection, and so their gaps.
    """

    def __init__(
        self,
        coin: str,
        recorder: Recorder,
        *,
        last_ms: int | None = None,
        known_trades: Iterable[tuple[int, str]] = (),
        connections: Sequence[tuple[Stream, ...]] = CONNECTIONS,
    ) -> None:
        self.coin = coin
        self.gap_trackers = tuple(GapTracker(recorder, coin, streams, last_ms) for streams in connections)
        pairs = zip(connections, self.gap_trackers, strict=True)
        self._gap_tracker = {stream: tracker for streams, tracker in pairs for stream in streams}
        self._recorder = recorder
        self._trades = RememberedTrades(known_trades)
        self._quote: BestQuote | None = None
        self._books: dict[Stream, BookSnapshot] = {}

    @property
    def gaps(self) -> int:
        """How often a connection lost events of the coin since the start."""
        return sum(tracker.gaps for tracker in self.gap_trackers)

    @property
    def missing(self) -> str:
        """What is not received at present, and why; empty if all is."""
        return "; ".join(filter(None, (tracker.missing for tracker in self.gap_trackers)))

    def gap_tracker(self, stream: Stream) -> GapTracker:
        """What was received of the streams that share this one's connection."""
        return self._gap_tracker[stream]

    def quote(self, quote: BestQuote, local_ms: int) -> None:
        """Record a best quote, unless it is the one before once more."""
        self._gap_tracker[Stream.BBO].seen(quote.time_ms)
        if quote != self._quote:
            self._quote = quote
            self._recorder.add(self.coin, Stream.BBO, quote_row(quote, local_ms))

    def book(self, book: BookSnapshot, local_ms: int, stream: Stream) -> None:
        """Record a book, unless it is the one before once more."""
        self._gap_tracker[stream].seen(book.time_ms)
        if book != self._books.get(stream):
            self._books[stream] = book
            self._recorder.add(self.coin, stream, book_row(book, local_ms, stream))

    def trades(self, trades: Iterable[Trade], local_ms: int, *, replayed_until_ms: float) -> None:
        """Record trades not seen before; those up to `replayed_until_ms` are marked as part of a back-log."""
        for trade in trades:
            if not self._trades.is_new(trade.time_ms, trade.trade_id):
                continue
            replayed = trade.time_ms <= replayed_until_ms
            self._recorder.add(self.coin, Stream.TRADES, trade_row(trade, local_ms, replayed=replayed))

    def context(self, context: AssetContext, exchange_ms: int, local_ms: int) -> None:
        """Record funding, prices and open interest."""
        self._recorder.add(self.coin, Stream.CONTEXT, context_row(context, exchange_ms, local_ms))
