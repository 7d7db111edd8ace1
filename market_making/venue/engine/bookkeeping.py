"""Turning executions into money, fills, public trades and notices."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from market_making.hyperliquid.accounts import Fill, FundingPayment, Liquidation
from market_making.market.events import Trade
from market_making.market.names import USDC
from market_making.market.sides import Direction, Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.position import MICRO, ZERO
from market_making.venue.engine.charges import Charges
from market_making.venue.engine.notices import FillNotice, FundingNotice, Notice, OrderNotice, TradesNotice
from market_making.venue.order_book.book_side import Execution
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order

FIRST_TRADE_ID = 900_000_000_000_001
OUTSIDER = "0x" + "0" * 40
BUILDER_FEE_UNIT = Decimal("0.00001")  # a tenth of a basis point


class _Taken(NamedTuple):
    """What a fill moved: the position or balance before it, profit [USDC], fee with its builder's part, its token."""

    start: Decimal
    realised: Decimal
    fee: Decimal
    builder_fee: Decimal
    token: str


class Bookkeeper:
    """Books executions to the accounts and tells about them.

    Parameters
    ----------
    charges : Charges
        Fees.
    tell : Callable[[Notice], None]
        Receives the notices.
    """

    def __init__(self, charges: Charges, tell: Callable[[Notice], None]) -> None:
        self._charges = charges
        self._tell = tell
        self._trade_ids = count(FIRST_TRADE_ID)
        self._transactions = count(1)

    def new_hash(self) -> str:
        """Hash of the next transaction."""
        return f"0x{next(self._transactions):064x}"

    def new_trade_id(self) -> int:
        """Identity of the next trade."""
        return next(self._trade_ids)

    def fill(
        self, account: Account, order: Order, execution: Execution, trade: Trade, liquidation: Liquidation | None
    ) -> None:
        """Book one execution for one of its orders.

        `order.lots` is already what remains; `trade` is the public trade of the execution, `liquidation` what its
        aggressor was forced by.
        """
        size, price = order.size(execution.lots), Decimal(repr(execution.price))
        notional, is_maker = size * price, execution.maker is order
        taken = self._take(account, order, execution, is_maker=is_maker)
        account.budget.volume += self._charges.earned(order.coin, notional)
        account.statistics.builder_fees += taken.builder_fee
        account.statistics.filled(order.coin, order.side, notional, trade.time_ms, is_maker=is_maker)
        order.filled_notional += notional
        fill = Fill(
            coin=order.coin, side=order.side, price=price, size=size, time_ms=trade.time_ms,
            start_size=taken.start, closed_pnl=taken.realised, oid=order.oid, cloid=order.cloid,
            is_taker=not is_maker, fee=taken.fee, builder_fee=taken.builder_fee, trade_id=int(trade.trade_id),
            hash=trade.hash, liquidation=liquidation, crossed=is_maker and OUTSIDER in (trade.buyer, trade.seller),
            fee_token=taken.token, is_spot=order.tokens is not None,
        )  # fmt: skip
        account.fills.append(fill)
        self._tell(FillNotice(account.address, fill))
        if order.lots:
            self._tell(OrderNotice(account.address, order.state()))

    def _take(self, account: Account, order: Order, execution: Execution, *, is_maker: bool) -> "_Taken":
        """Move what a fill brings and costs."""
        size, price = order.size(execution.lots), Decimal(repr(execution.price))
        rate = self._charges.rate(order.coin, is_maker=is_maker)
        if order.tokens is not None:
            start = account.spot.total(order.tokens.base)
            spot = account.spot.trade(order.tokens, order.side, size, price, rate)
            if order.side is Side.ASK and account.spot.total(order.tokens.base) < order.instrument.lot:
                account.statistics.round_trips += 1
            return _Taken(start, spot.realised, spot.fee, ZERO, spot.token)
        start, builder_fee = account.position(order.coin).size, self._builder_fee(order, size * price)
        fee = (size * price * rate).quantize(MICRO) + builder_fee
        lots = execution.lots if order.side is Side.BID else -execution.lots
        return _Taken(start, account.trade(order.coin, lots, price, fee), fee, builder_fee, USDC)

    def take_over(
        self, account: Account, coin: ListedCoin, oid: int, now_ms: int, liquidation: Liquidation | None = None
    ) -> Trade:
        """Take a position away at the mark price, without a fee; return the public trade.

        The liquidator takes it, or without a liquidation the exchange settles it.
        """
        position, price = account.position(coin.listing.coin), coin.mark or ZERO
        start, lots = position.size, position.lots
        side, direction = (Side.ASK, Direction.SELL) if lots > 0 else (Side.BID, Direction.BUY)
        buyer, seller = (account.address, OUTSIDER) if side is Side.BID else (OUTSIDER, account.address)
        trade = Trade(
            coin.listing.coin, now_ms, direction, float(price), float(abs(start)), str(self.new_trade_id()),
            self.new_hash(), buyer, seller,
        )  # fmt: skip
        realised = account.trade(coin.listing.coin, -lots, price, ZERO)
        fill = Fill(
            coin=coin.listing.coin, side=side, price=price, size=abs(start), time_ms=now_ms, start_size=start,
            closed_pnl=realised, oid=oid, cloid=None, is_taker=True, fee=ZERO, builder_fee=ZERO,
            trade_id=int(trade.trade_id), hash=trade.hash, liquidation=liquidation, is_settlement=liquidation is None,
        )  # fmt: skip
        account.fills.append(fill)
        self._tell(FillNotice(account.address, fill))
        return trade

    def _builder_fee(self, order: Order, notional: Decimal) -> Decimal:
        if order.builder is None:
            return ZERO
        return (notional * order.builder.tenths_of_bps * BUILDER_FEE_UNIT).quantize(MICRO)

    def trade_of_taker(self, order: Order, execution: Execution, transaction: str, now_ms: int) -> Trade:
        """The public trade of an own aggressor."""
        maker = OUTSIDER if execution.maker is None else execution.maker.owner
        buyer, seller = (order.owner, maker) if order.side is Side.BID else (maker, order.owner)
        size = float(order.size(execution.lots))
        trade_id = str(self.new_trade_id())
        return Trade(order.coin, now_ms, order.direction, execution.price, size, trade_id, transaction, buyer, seller)

    def trade_of_maker(self, order: Order, execution: Execution, cause: Trade) -> Trade:
        """The public trade of an own order that the source's market has hit."""
        size = float(order.size(execution.lots))
        trade = cause._replace(price=execution.price, size=size, trade_id=str(self.new_trade_id()))
        return trade._replace(buyer=order.owner) if order.side is Side.BID else trade._replace(seller=order.owner)

    def crossing(self, order: Order, now_ms: int) -> Trade:
        """The aggressor nobody printed: an external quote that crosses an own order."""
        direction = Direction.SELL if order.side is Side.BID else Direction.BUY
        return Trade(order.coin, now_ms, direction, order.price, 0.0, "0", self.new_hash(), OUTSIDER, OUTSIDER)

    def publish(self, coin: ListedCoin, trades: list[Trade]) -> None:
        """Tell everybody about trades."""
        if trades:
            coin.trades.extend(trades)
            self._tell(TradesNotice(tuple(trades)))

    def pay_funding(self, account: Account, coin: ListedCoin, rate: Decimal, time_ms: int) -> None:
        """Let the position of an account pay (or receive) the funding of an hour."""
        position = account.position(coin.listing.coin)
        if not position.lots or coin.mark is None:
            return
        amount = -(position.value(coin.mark) * rate).quantize(MICRO)
        payment = FundingPayment(coin.listing.coin, time_ms, amount, position.size, rate)
        account.pay_funding(payment)
        self._tell(FundingNotice(account.address, payment))
