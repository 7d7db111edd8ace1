"""The official SDK trades on the local venue as it would on the real one."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account import Account as Key
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.error import ClientError
from hyperliquid.utils.types import Cloid

PATIENCE_S = 10.0
ALO = {"limit": {"tif": "Alo"}}


class Inbox:
    """Messages of one subscription, to be waited for."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._arrived = threading.Condition()

    def __call__(self, message: Any) -> None:
        with self._arrived:
            self.messages.append(message["data"])
            self._arrived.notify_all()

    def wait_for(self, wanted: Callable[[Any], bool]) -> Any:
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(map(wanted, self.messages)), PATIENCE_S), self.messages
            return next(message for message in self.messages if wanted(message))


@pytest.fixture
def info(venue: Any) -> Iterator[Info]:
    info = Info(venue.base_url, skip_ws=True)
    yield info
    info.session.close()


@pytest.fixture
def stream(venue: Any) -> Iterator[Info]:
    """With a websocket. The venue ends it: the SDK's own close can leave its thread waiting for ten seconds."""
    info = Info(venue.base_url)
    yield info
    info.ws_manager.ws.send('{"method":"subscribe","subscription":{"type":"trades","coin":"NOT LISTED"}}')
    info.ws_manager.join(PATIENCE_S)
    assert not info.ws_manager.is_alive()
    info.ws_manager.stop()
    info.session.close()


@pytest.fixture
def client(venue: Any) -> Iterator[Exchange]:
    client = Exchange(venue.other, venue.base_url)
    yield client
    for order in client.info.open_orders(venue.other.address):
        client.cancel(order["coin"], order["oid"])
    client.session.close()
    client.info.session.close()


def status(answer: Any) -> Any:
    return answer["response"]["data"]["statuses"][0]


def test_orders_are_placed_modified_and_cancelled(client: Exchange, info: Info, venue: Any):
    """Order, modify and cancel by id or client id, with the state of the order asked for between the steps."""
    cloid, address = Cloid.from_int(time.time_ns()), venue.other.address
    oid = status(client.order("ETH", True, 0.1, 2999.5, ALO, cloid=cloid))["resting"]["oid"]
    assert info.query_order_by_oid(address, oid)["order"]["status"] == "open"
    new = status(client.modify_order(oid, "ETH", True, 0.2, 2999.4, ALO, cloid=cloid))["resting"]["oid"]
    assert info.query_order_by_oid(address, oid)["order"]["status"] == "canceled"
    shown = info.query_order_by_cloid(address, cloid)["order"]["order"]
    assert (shown["oid"], shown["sz"], shown["limitPx"]) == (new, "0.2", "2999.4")
    assert [order["oid"] for order in info.open_orders(address)] == [new]
    assert status(client.cancel_by_cloid("ETH", cloid)) == "success"
    assert info.open_orders(address) == info.frontend_open_orders(address) == []
    assert info.query_order_by_oid(address, 1)["status"] == "unknownOid"


def test_a_batch_is_answered_item_by_item(client: Exchange):
    """One bad order of a batch does not keep the others from being accepted, and a batch can be cancelled."""
    wire = {"coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": 2999.5, "order_type": ALO, "reduce_only": False}
    answer = client.bulk_orders([wire, {**wire, "limit_px": 3001.0}, {**wire, "limit_px": 2999.4}])
    first, second, third = answer["response"]["data"]["statuses"]
    assert second["error"].startswith("Post only order would have immediately matched, bbo was")
    cancels = [{"coin": "ETH", "oid": item["resting"]["oid"]} for item in (first, third)]
    assert client.bulk_cancel(cancels)["response"]["data"]["statuses"] == ["success", "success"]


def test_a_position_is_opened_and_closed(client: Exchange, info: Info, venue: Any):
    """Market orders, leverage and margin work, and the account shows what they did."""
    address = venue.other.address
    assert client.update_leverage(5, "ETH", is_cross=False)["status"] == "ok"
    assert status(client.market_open("ETH", True, 0.5))["filled"]["totalSz"] == "0.5"
    assert client.update_isolated_margin(10, "ETH")["status"] == "ok"
    position = info.user_state(address)["assetPositions"][0]["position"]
    assert (position["coin"], position["szi"], position["entryPx"]) == ("ETH", "0.5", "3000.1")
    assert position["leverage"] == {"type": "isolated", "value": 5, "rawUsd": "-1190.04"}
    assert status(client.market_close("ETH"))["filled"]["totalSz"] == "0.5"
    assert info.user_state(address)["assetPositions"] == []
    newest = info.user_fills(address)[0]
    assert (newest["dir"], newest["closedPnl"], newest["crossed"]) == ("Close Long", "-0.1", True)
    assert newest in info.user_fills_by_time(address, newest["time"])


def test_every_stream_arrives(client: Exchange, stream: Info, venue: Any):
    """Books, quotes, trades, candles, mids, contexts and the account's own events reach their subscribers."""
    address = venue.other.address
    market = {kind: Inbox() for kind in ("l2Book", "bbo", "trades", "activeAssetCtx")}
    own = {kind: Inbox() for kind in ("userFills", "orderUpdates", "userEvents", "userFundings")}
    candles, mids = Inbox(), Inbox()
    for kind, inbox in market.items():
        stream.subscribe({"type": kind, "coin": "ETH"}, inbox)
    for kind, inbox in own.items():
        stream.subscribe({"type": kind, "user": address}, inbox)
    stream.subscribe({"type": "candle", "coin": "ETH", "interval": "1m"}, candles)
    stream.subscribe({"type": "allMids"}, mids)
    assert own["userFills"].wait_for(lambda data: data.get("isSnapshot"))["user"] == address.lower()
    oid = status(client.order("ETH", True, 0.3, 3000.0, ALO))["resting"]["oid"]

    opened = own["orderUpdates"].wait_for(lambda data: data[0]["order"]["oid"] == oid)[0]
    assert (opened["status"], opened["order"]["side"], opened["order"]["origSz"]) == ("open", "B", "0.3")
    assert market["bbo"].wait_for(lambda data: data["bbo"][0]["px"] == "3000")["bbo"][1]["px"] == "3000.1"
    assert own["orderUpdates"].wait_for(lambda data: data[0]["status"] == "filled")[0]["order"]["oid"] == oid
    (fill,) = own["userFills"].wait_for(lambda data: data["fills"] and data["fills"][0]["oid"] == oid)["fills"]
    assert (fill["px"], fill["sz"], fill["crossed"]) == ("3000.0", "0.3", False)
    assert own["userEvents"].wait_for(lambda data: "fills" in data)["fills"][0]["tid"] == fill["tid"]
    seen = market["trades"].wait_for(lambda data: any(trade["tid"] == fill["tid"] for trade in data))
    assert address.lower() in next(trade for trade in seen if trade["tid"] == fill["tid"])["users"]
    assert len(market["l2Book"].wait_for(lambda data: len(data["levels"][0]) == 20)["levels"][1]) == 20
    assert candles.wait_for(lambda data: data["s"] == "ETH")["i"] == "1m"
    assert mids.wait_for(lambda data: "ETH" in data["mids"])["mids"]["BTC"] == "100000"
    assert market["activeAssetCtx"].wait_for(lambda data: True)["ctx"]["markPx"] == "3000"
    client.market_close("ETH")


def test_a_subscription_to_trades_begins_with_the_last_ones(stream: Info):
    """The first message holds trades from before the subscription."""
    began_ms, trades = time.time() * 1000, Inbox()
    stream.subscribe({"type": "trades", "coin": "ETH"}, trades)
    first = trades.wait_for(bool)
    assert len(first) > 3
    assert first[0]["time"] < began_ms


def test_an_agent_trades_for_its_account(venue: Any, info: Info):
    """An agent's order belongs to the account, and a newly approved agent may trade, too."""
    agent = Exchange(venue.agent, venue.base_url, account_address=venue.key.address)
    owner = Exchange(venue.key, venue.base_url)
    answer, secret = owner.approve_agent("second")
    assert answer["status"] == "ok"
    second = Exchange(Key.from_key(secret), venue.base_url, account_address=venue.key.address)
    for trader in (agent, second):
        oid = status(trader.order("ETH", True, 0.1, 2999.0, ALO))["resting"]["oid"]
        assert [order["oid"] for order in info.open_orders(venue.key.address)] == [oid]
        assert status(trader.cancel("ETH", oid)) == "success"
        trader.session.close()
        trader.info.session.close()
    owner.session.close()
    owner.info.session.close()


def test_a_stranger_and_a_tampered_order_are_refused(venue: Any, client: Exchange, monkeypatch: pytest.MonkeyPatch):
    """Whoever did not sign exactly this action gets the exchange's words for an unknown wallet."""
    stranger = Exchange(Key.create(), venue.base_url)
    assert "does not exist" in stranger.order("ETH", True, 0.1, 2999.0, ALO)["response"]
    stranger.session.close()
    stranger.info.session.close()
    post = client.post

    def tamper(path: str, payload: Any) -> Any:
        payload["action"]["orders"][0]["s"] = "5"
        return post(path, payload)

    monkeypatch.setattr(client, "post", tamper)
    answer = client.order("ETH", True, 0.1, 2999.0, ALO)
    assert answer["status"] == "err"
    assert answer["response"].startswith("User or API Wallet 0x")


def test_an_action_that_comes_too_late_is_refused(client: Exchange):
    """expiresAfter in the past: nothing is placed."""
    client.set_expires_after(int(time.time() * 1000) - 1)
    answer = client.order("ETH", True, 0.1, 2999.0, ALO)
    client.set_expires_after(None)
    assert (answer["status"], "expire" in answer["response"]) == ("err", True)


def test_questions_are_answered(info: Info, venue: Any):
    """The SDK's queries of market and account return what its users rely on."""
    address = venue.other.address
    now_ms = int(time.time() * 1000)
    assert info.all_mids()["BTC"] == "100000"
    assert info.meta()["universe"][1]["name"] == "ETH"
    assert info.meta_and_asset_ctxs()[1][1]["oraclePx"] == "3000"
    assert len(info.candles_snapshot("ETH", "1m", now_ms - 120_000, now_ms)) >= 2
    assert info.funding_history("ETH", now_ms - 3 * 3_600_000)[-1]["fundingRate"] == "0.0000125"
    assert info.user_fees(address)["userAddRate"] == "0.00015"
    assert info.user_role(venue.agent.address) == {"role": "agent", "data": {"user": venue.key.address.lower()}}
    assert info.user_rate_limit(address)["nRequestsCap"] >= 10_000
    assert info.spot_user_state(address) == {"balances": []}
    assert {order["status"] for order in info.historical_orders(address)} <= {
        "open", "filled", "canceled", "badAloPxRejected"
    }  # fmt: skip


@pytest.mark.parametrize("request_body", [{"type": "dance"}, {"type": "l2Book", "coin": "NOPE"}, {"type": "userFills"}])
def test_a_question_that_makes_no_sense_is_unprocessable(info: Info, request_body: dict[str, Any]):
    """Unknown types, coins and missing fields are answered by HTTP 422."""
    with pytest.raises(ClientError) as caught:
        info.post("/info", request_body)
    assert caught.value.status_code == 422
