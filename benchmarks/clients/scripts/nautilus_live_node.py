"""NautilusTrader's live node trades: ``MM_URL``, ``MM_KEY``, ``MM_COIN`` say where, as whom and what.

The node's own data and execution clients read markets and book, and reconcile orders, fills and positions; what the
strategy is told comes from their streams.
"""

import os
from typing import Any

from nautilus_trader.core import nautilus_pyo3 as nautilus

url, coin, key = os.environ["MM_URL"], os.environ["MM_COIN"], os.environ["MM_KEY"]
websocket = url.replace("http", "ws", 1) + "/ws"
instrument_id = nautilus.InstrumentId.from_str(f"{coin}-USD-PERP.HYPERLIQUID")
trader_id, account_id = nautilus.TraderId("TESTER-001"), nautilus.AccountId("HYPERLIQUID-001")
BUY, SELL = nautilus.OrderSide.BUY, nautilus.OrderSide.SELL


class RoundTrip(nautilus.trading.Strategy):  # type: ignore[misc]
    """One post-only order that rests, is moved and is canceled, one buy at the market, one sale that closes it."""

    def on_start(self) -> None:
        """Ask for the book and for quotes."""
        self.told: list[str] = []
        self.subscribe_book_deltas(instrument_id, nautilus.BookType.L2_MBP, managed=True)
        self.subscribe_quotes(instrument_id)

    def on_quote(self, quote: Any) -> None:
        """Place the post-only order as soon as there is a quote and a book."""
        book = self.cache.order_book(instrument_id)
        if self.told or book is None or book.best_bid_price() is None:
            return
        self.told.append("quoted")
        instrument, bid = self.cache.instrument(instrument_id), quote.bid_price.as_double()
        self.size = instrument.make_qty(50 / bid)
        price = instrument.make_price(0.98 * bid)
        self.submit_order(self.order_factory.limit(instrument_id, BUY, self.size, price, post_only=True))

    def on_order_accepted(self, event: Any) -> None:
        """Move the order that rests; an order at the market is accepted too, and fills."""
        if self.told == ["quoted"]:
            self.told.append("accepted")
            order, instrument = self.cache.order(event.client_order_id), self.cache.instrument(instrument_id)
            self.modify_order(event.client_order_id, price=instrument.make_price(0.99 * order.price.as_double()))

    def on_order_updated(self, event: Any) -> None:
        """Cancel the order that was moved and still rests."""
        self.told.append("moved")
        assert self.cache.is_order_open(event.client_order_id)
        self.cancel_order(event.client_order_id)

    def on_order_canceled(self, _event: Any) -> None:
        """Buy at the market."""
        self.told.append("canceled")
        self.submit_order(self.order_factory.market(instrument_id, BUY, self.size))

    def on_position_opened(self, _event: Any) -> None:
        """Sell what was bought."""
        self.told.append("opened")
        self.submit_order(self.order_factory.market(instrument_id, SELL, self.size, reduce_only=True))

    def on_position_closed(self, _event: Any) -> None:
        """End."""
        self.told.append("closed")
        self.shutdown_system("done")


addresses = {"base_url_http": f"{url}/info", "base_url_ws": websocket}
trading = nautilus.HyperliquidExecClientConfig(private_key=key, base_url_exchange=f"{url}/exchange", **addresses)
node = (
    nautilus.live.LiveNode.builder("TESTER-001", trader_id, nautilus.common.Environment.LIVE)
    .with_logging(nautilus.common.LoggerConfig(stdout_level=nautilus.common.LogLevel.WARNING))
    .with_delay_post_stop_secs(1)
    .add_data_client(None, nautilus.HyperliquidDataClientFactory(), nautilus.HyperliquidDataClientConfig(**addresses))
    .add_exec_client(
        None,
        nautilus.HyperliquidExecutionClientFactory(),
        nautilus.HyperliquidExecFactoryConfig(trader_id, account_id, trading),
    )
    .build()
)
strategy = RoundTrip(nautilus.trading.StrategyConfig())
node.add_strategy(strategy)
node.run()
assert strategy.told == ["quoted", "accepted", "moved", "canceled", "opened", "closed"], strategy.told
print("done")
