"""An order of a client, from the moment the venue accepts it to its end."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from market_making.hyperliquid.accounts import Liquidation
from market_making.hyperliquid.actions import Builder
from market_making.hyperliquid.orders import OrderState, TimeInForce, Trigger
from market_making.market.identity import SpotTokens
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side


class Status(StrEnum):
    """State of an order, as the wire spells it."""

    OPEN = "open"
    FILLED = "filled"
    TRIGGERED = "triggered"
    CANCELLED = "canceled"
    SELF_TRADE = "selfTradeCanceled"
    REDUCE_ONLY_CANCELLED = "reduceOnlyCanceled"
    SIBLING_FILLED = "siblingFilledCanceled"
    SCHEDULED = "scheduledCancel"
    INTERNAL = "internalCancel"
    MARGIN_CANCELLED = "marginCanceled"
    LIQUIDATED = "liquidatedCanceled"
    INTEREST_CAP_CANCELLED = "openInterestCapCanceled"
    DELISTED = "delistedCanceled"
    VAULT_WITHDRAWAL = "vaultWithdrawalCanceled"
    REJECTED = "rejected"
    BAD_ALO = "badAloPxRejected"
    NO_MATCH = "iocCancelRejected"
    NO_LIQUIDITY = "marketOrderNoLiquidityRejected"
    NO_MARGIN = "perpMarginRejected"
    NO_SPOT_BALANCE = "insufficientSpotBalanceRejected"
    REDUCE_ONLY = "reduceOnlyRejected"
    BAD_TRIGGER = "badTriggerPxRejected"
    TICK = "tickRejected"
    MINIMUM = "minTradeNtlRejected"
    INCREASE_AT_CAP = "positionIncreaseAtOpenInterestCapRejected"
    FLIP_AT_CAP = "positionFlipAtOpenInterestCapRejected"


@dataclass(slots=True, eq=False)
class Order:
    """One order; `lots` is what remains [lots of the coin], `ahead` its place in the queue (see `BookSide`).

    `history` holds what was told about it when its status changed.
    """

    oid: int
    owner: str
    instrument: Instrument
    side: Side
    price: float
    lots: int
    original_lots: int
    placed_ms: int
    tif: TimeInForce | None
    reduce_only: bool = False
    trigger: Trigger | None = None
    cloid: str | None = None
    builder: Builder | None = None
    tokens: SpotTokens | None = None
    liquidation: Liquidation | None = None
    ahead: int | None = None
    status: Status = Status.OPEN
    status_ms: int = 0
    waits_for_parent: bool = False
    whole_position: bool = False
    is_resting: bool = False
    filled_notional: Decimal = Decimal(0)
    children: list["Order"] = field(default_factory=list)
    siblings: list["Order"] = field(default_factory=list)
    history: list[OrderState] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether it may still be filled."""
        return self.status in (Status.OPEN, Status.TRIGGERED)

    @property
    def waits_for_mark(self) -> bool:
        """Whether it is a trigger order that has not been triggered."""
        return self.trigger is not None and self.status is Status.OPEN and not self.is_resting

    @property
    def coin(self) -> str:
        """The coin it trades."""
        return self.instrument.coin

    @property
    def direction(self) -> Direction:
        """What it does when it takes: a bid buys."""
        return Direction.BUY if self.side is Side.BID else Direction.SELL

    @property
    def filled_lots(self) -> int:
        """What has been filled [lots]."""
        return self.original_lots - self.lots

    @property
    def average_price(self) -> Decimal:
        """Mean price of its fills; only of an order that has some."""
        return self.filled_notional / self.size(self.filled_lots)

    def note(self, state: OrderState) -> None:
        """Keep what the venue tells about it, once per status."""
        if not self.history or self.history[-1].status != state.status:
            self.history.append(state)

    def size(self, lots: int) -> Decimal:
        """A number of lots in coins."""
        return lots * self.instrument.lot

    def state(self) -> OrderState:
        """What the venue tells about it."""
        return OrderState(
            coin=self.coin,
            side=self.side,
            price=Decimal(repr(self.price)),
            size=self.size(self.lots),
            original_size=self.size(self.original_lots),
            oid=self.oid,
            time_ms=self.placed_ms,
            status=self.status.value,
            status_ms=self.status_ms,
            tif=self.tif,
            reduce_only=self.reduce_only,
            trigger=self.trigger,
            cloid=self.cloid,
            children=tuple(child.state() for child in self.children),
            whole_position=self.whole_position,
        )
