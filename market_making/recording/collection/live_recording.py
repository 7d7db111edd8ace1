"""Hands the frames of all connections to the recording of their coin."""

import logging
from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from market_making.hyperliquid.contexts import CONTEXT, EVERY_CONTEXT, EveryContext
from market_making.hyperliquid.directory import Directory
from market_making.hyperliquid.feed import Receipt
from market_making.hyperliquid.market_data import Frame, Subscription
from market_making.market.errors import MalformedMessage
from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Trade
from market_making.market.identity import Kind, Market
from market_making.recording.collection.coin_recording import CoinRecording
from market_making.recording.streams import Stream

REPORTED_MALFORMED = 20

log = logging.getLogger(__name__)


class Recording(Protocol):
    """What a collector needs of the recording of its coins, for any venue."""

    @property
    def recordings(self) -> Mapping[str, CoinRecording]:
        """The recording of each coin."""
        ...

    @property
    def malformed_messages(self) -> int:
        """Messages that could not be read."""
        ...

    def progress(self, local_ms: int) -> None:
        """Write what has passed of the gaps that are open."""
        ...

    def end(self) -> None:
        """Mark the end of the recording of every coin."""
        ...


class LiveRecording:
    """The listener of every connection of a collector.

    Parameters
    ----------
    recordings : mapping of str to CoinRecording
        One per coin, by its name on the wire.
    directory : Directory
        Tells what is tradable and what the exchange's clock shows.
    markets : sequence of Market
        What is recorded.
    """

    def __init__(
        self, recordings: Mapping[str, CoinRecording], directory: Directory, markets: Sequence[Market] = ()
    ) -> None:
        self.malformed_messages = 0
        self._markets = [market for market in markets if market.kind is Kind.PERPETUAL]
        self._recordings = recordings
        self._directory = directory

    @property
    def recordings(self) -> Mapping[str, CoinRecording]:
        """The recording of each coin, by the name of its folder."""
        return {recording.coin: recording for recording in self._recordings.values()}

    async def tradable(self) -> Set[str]:
        """Coins that may be subscribed to now."""
        return await self._directory.tradable()

    def received(self, frame: Frame, reception: Receipt) -> None:
        """Record a frame."""
        local_ms = reception.local_ms
        if isinstance(frame, BestQuote):
            self._recordings[frame.coin].quote(frame, local_ms)
        elif isinstance(frame, BookSnapshot):
            stream = Stream.BOOK_FAST if reception.fast else Stream.BOOK
            self._recordings[frame.coin].book(frame, local_ms, stream)
        elif isinstance(frame, EveryContext):
            self._every_context(frame, local_ms)
        elif isinstance(frame, AssetContext):
            self._recordings[frame.coin].context(frame, self._directory.exchange_ms(local_ms), local_ms)
        elif frame and isinstance(frame[0], Trade):
            since_ms = reception.first_since_ms
            until_ms = float("-inf") if since_ms is None else self._directory.exchange_ms(since_ms)
            coin = frame[0].coin
            trades = [trade for trade in frame if isinstance(trade, Trade) and trade.coin == coin]
            self._recordings[coin].trades(trades, local_ms, replayed_until_ms=until_ms)

    def _every_context(self, frame: EveryContext, local_ms: int) -> None:
        """Record the contexts of what is recorded; one that cannot be read costs no other."""
        exchange_ms = self._directory.exchange_ms(local_ms)
        for market in self._markets:
            try:
                context = frame.of(market.dex.name, market.place, market.wire)
            except MalformedMessage as error:
                self.malformed(error)
                continue
            if context is not None:
                self._recordings[market.wire].context(context, exchange_ms, local_ms)

    def malformed(self, error: MalformedMessage) -> None:
        """Count a message that could not be read."""
        self.malformed_messages += 1
        if self.malformed_messages <= REPORTED_MALFORMED:
            log.error("message %d that cannot be read: %s", self.malformed_messages, error)

    def lost(self, subscription: Subscription, reason: str) -> None:
        """Open a gap of the streams that share the subscription's connection."""
        if subscription.channel not in (CONTEXT, EVERY_CONTEXT):
            stream = Stream.BOOK_FAST if subscription.fast else Stream.BOOK
            self._recordings[subscription.coin].gap_tracker(stream).lost(reason)

    def progress(self, local_ms: int) -> None:
        """Write what has passed of the gaps that are open."""
        for recording in self._recordings.values():
            for tracker in recording.gap_trackers:
                tracker.progress(self._directory.exchange_ms(local_ms))

    def end(self) -> None:
        """Mark the end of the recording of every coin."""
        for recording in self._recordings.values():
            for tracker in recording.gap_trackers:
                tracker.end()
