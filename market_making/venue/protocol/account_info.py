"""Answers to the questions of ``/info`` that name a user."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from market_making.hyperliquid.accounts import account_fields, fill_fields, funding_delta, liquidation_delta
from market_making.hyperliquid.balances import fee_fields, rate_limit_fields, spot_fields
from market_making.hyperliquid.fees import AccountFees
from market_making.hyperliquid.orders import basic_order, full_order, order_with_status, read_order_key
from market_making.hyperliquid.signing import read_address
from market_making.market.errors import MalformedMessage
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.budget import ActionBudget
from market_making.venue.accounts.purse import Purse
from market_making.venue.engine.state import State
from market_making.venue.order_book.order import Order
from market_making.venue.protocol.account_view import (
    account_state,
    asset_data,
    history_fields,
    referral_fields,
    spot_balances,
)
from market_making.venue.protocol.listings import ListingAnswers

MOST_FILLS = 2_000
MOST_FUNDINGS = 500

Request = dict[str, Any]


def read_period(request: Request, now_ms: int) -> tuple[int, int]:
    """Read ``startTime`` and ``endTime`` of a question.

    Raises
    ------
    MalformedMessage
        If one is no integer.
    """
    start, end = request.get("startTime", 0), request.get("endTime")
    end = now_ms if end is None else end
    if type(start) is not int or type(end) is not int:
        raise MalformedMessage(f"startTime and endTime must be integers, got {start!r:.40} and {end!r:.40}")
    return start, end


class AccountInfo:
    """Answers questions about accounts.

    Parameters
    ----------
    state : State
        What is asked about.
    listings : ListingAnswers
        Dexes and tokens.
    fees : AccountFees
        What every account pays.
    """

    def __init__(self, state: State, listings: ListingAnswers, fees: AccountFees) -> None:
        self._state = state
        self._listings = listings
        self._fees = fees
        self.answers: dict[str, Callable[[Request], Any]] = {
            "userAbstraction": lambda request: self._user(request) and self._state.config.abstraction,
            "clearinghouseState": lambda request: self.clearinghouse(self._user(request), listings.dex(request)),
            "spotClearinghouseState": lambda request: self.spot(self._user(request)),
            "orderStatus": self._order_status,
            "openOrders": lambda request: [basic_order(order.state()) for order in self._open(request)],
            "frontendOpenOrders": lambda request: [full_order(order.state()) for order in self._open(request)],
            "historicalOrders": self._historical_orders,
            "userFills": self._user_fills,
            "userFillsByTime": self._user_fills_by_time,
            "userFunding": self._user_funding,
            "userNonFundingLedgerUpdates": self._ledger_updates,
            "userFees": self._user_fees,
            "userRateLimit": self._user_rate_limit,
            "userRole": self._user_role,
            "vaultDetails": self._vault_details,
            "maxBuilderFee": self._maximum_builder_fee,
            "extraAgents": self._extra_agents,
            "subAccounts": self._sub_accounts,
            "activeAssetData": self._active_asset_data,
            "portfolio": lambda request: history_fields(self._account(request), self._state),
            "referral": lambda request: referral_fields(self._account(request)),
            "userVaultEquities": lambda request: self._user(request) and [],
        }

    def account(self, address: str) -> Account:
        """An account by address; one that never deposited is empty."""
        return self._state.accounts.get(address) or Account(address, Purse(Decimal(0)), ActionBudget(0))

    def clearinghouse(self, address: str, dex: str = "") -> dict[str, Any]:
        """``clearinghouseState`` of an address on a dex."""
        return account_fields(account_state(self.account(address), self._state, dex))

    def spot(self, address: str) -> dict[str, Any]:
        """``spotClearinghouseState`` of an address."""
        return spot_fields(spot_balances(self.account(address), self._state, self._listings.token_index))

    def asset_data(self, address: str, coin: str) -> dict[str, Any]:
        """``activeAssetData`` of an address in a perpetual that is listed."""
        return asset_data(self.account(address), self._state.by_name[coin], self._state.prices)

    def overview(self, address: str) -> dict[str, Any]:
        """What ``webData2`` tells about an account."""
        return {
            "clearinghouseState": self.clearinghouse(address),
            "leadingVaults": [],
            "totalVaultEquity": "0.0",
            "openOrders": [full_order(order.state()) for order in self._shown(self.account(address))],
            **self.identity(address),
            "twapStates": [],
        }

    def identity(self, address: str) -> dict[str, Any]:
        """Who an account is and who signs for it, as ``webData2`` and ``webData3`` tell it."""
        account = self.account(address)
        unnamed = [(key, agent) for key, agent in account.agents.items() if not agent.name]
        agent_address, agent = unnamed[0] if unnamed else (None, None)
        return {
            "agentAddress": agent_address,
            "agentValidUntil": None if agent is None else agent.valid_until_ms,
            "cumLedger": str(account.total("deposits")),
            "isVault": account.leader is not None,
            "user": address,
        }

    def _user(self, request: Request) -> str:
        return read_address(request.get("user"), "user")

    def _account(self, request: Request) -> Account:
        return self.account(self._user(request))

    def _order_status(self, request: Request) -> Any:
        order = self._state.find(self._account(request), read_order_key(request.get("oid")))
        if order is None:
            return {"status": "unknownOid"}
        return {"status": "order", "order": order_with_status(order.state(), full_order(order.state()))}

    def _open(self, request: Request) -> list[Order]:
        """Those of a dex; the orders in spot are told with those of the main one."""
        dex = self._listings.dex(request)
        shown = self._shown(self._account(request))
        return [order for order in shown if self._state.by_name[order.coin].market.dex.name == dex]

    def _shown(self, account: Account) -> list[Order]:
        """Open orders, the newest first; one that waits for its parent is shown inside the parent."""
        return [order for order in reversed(account.open_orders.values()) if not order.waits_for_parent]

    def _historical_orders(self, request: Request) -> Any:
        """An entry for each status an order has had, the newest first."""
        account = self._account(request)
        states = [
            state
            for order in (*account.finished_orders, *account.open_orders.values())
            for state in (*order.history[:-1], order.state())
        ]
        newest_first = sorted(reversed(states), key=lambda state: state.status_ms, reverse=True)[:MOST_FILLS]
        return [order_with_status(state, full_order(state)) for state in newest_first]

    def _user_fills(self, request: Request) -> Any:
        return [fill_fields(fill) for fill in list(self._account(request).fills)[: -MOST_FILLS - 1 : -1]]

    def _user_fills_by_time(self, request: Request) -> Any:
        start_ms, end_ms = read_period(request, self._state.now_ms)
        fills = [fill for fill in self._account(request).fills if start_ms <= fill.time_ms <= end_ms]
        return [fill_fields(fill) for fill in fills[:MOST_FILLS]]

    def _user_funding(self, request: Request) -> Any:
        start_ms, end_ms = read_period(request, self._state.now_ms)
        payments = [item for item in self._account(request).fundings if start_ms <= item.time_ms <= end_ms]
        return [funding_delta(payment) for payment in payments[:MOST_FUNDINGS]]

    def _ledger_updates(self, request: Request) -> Any:
        start_ms, end_ms = read_period(request, self._state.now_ms)
        events = [event for event in self._account(request).liquidations if start_ms <= event.time_ms <= end_ms]
        return [liquidation_delta(event) for event in events]

    def _user_fees(self, request: Request) -> Any:
        done = self._account(request).statistics
        day = datetime.fromtimestamp(self._state.now_ms / 1000, UTC).date().isoformat()
        return fee_fields(self._fees, done.maker_volume, done.taker_volume, day)

    def _user_rate_limit(self, request: Request) -> Any:
        budget = self._account(request).budget
        return rate_limit_fields(budget.volume, budget.used, budget.reserved, budget.cap)

    def _user_role(self, request: Request) -> Any:
        address, accounts = self._user(request), self._state.accounts
        account = accounts.get(address)
        if account is not None and account.master is not None:
            return {"role": "subAccount", "data": {"master": account.master}}
        if account is not None:
            return {"role": "user" if account.leader is None else "vault"}
        valid = (item for item in accounts.values() if item.acts_here(address, self._state.now_ms))
        principal = next(valid, None)
        if principal is not None:
            return {"role": "agent", "data": {"user": principal.address}}
        return {"role": "missing"}

    def _vault_details(self, request: Request) -> Any:
        """Of a vault whose leader is known; null for any other address."""
        account = self._state.accounts.get(read_address(request.get("vaultAddress"), "vaultAddress"))
        if account is None or account.leader is None:
            return None
        return {"name": "a vault", "vaultAddress": account.address, "leader": account.leader}

    def _maximum_builder_fee(self, request: Request) -> Any:
        builder = read_address(request.get("builder"), "builder")
        return int(self._account(request).builders.get(builder, Decimal(0)) * 1000)

    def _extra_agents(self, request: Request) -> Any:
        """Agents with a name that are valid."""
        agents = self._account(request).agents.items()
        return [
            {"name": agent.name, "address": address, "validUntil": agent.valid_until_ms}
            for address, agent in agents
            if agent.name and self._state.now_ms < agent.valid_until_ms
        ]

    def _sub_accounts(self, request: Request) -> Any:
        master = self._user(request)
        owned = [account for account in self._state.accounts.values() if account.master == master]
        return [
            {
                "name": f"sub{number}",
                "subAccountUser": account.address,
                "master": master,
                "clearinghouseState": self.clearinghouse(account.address),
                "spotState": self.spot(account.address),
            }
            for number, account in enumerate(owned, 1)
        ] or None

    def _active_asset_data(self, request: Request) -> Any:
        coin = request.get("coin")
        if coin not in self._state.by_name or self._state.by_name[coin].is_spot:
            raise MalformedMessage(f"coin {coin!r:.60} is no perpetual that is listed")
        return self.asset_data(self._user(request), str(coin))
