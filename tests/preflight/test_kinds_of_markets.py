"""`mm check` of a bot on another dex and on spot, with the answers of the local venue."""

import asyncio
import time
from contextlib import closing
from sqlite3 import connect

import pytest
import requests
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.hyperliquid import information
from market_making.preflight.account_checks import account_checks
from market_making.preflight.market_checks import market_checks
from market_making.preflight.outcome import Result
from market_making.preflight.subject import Subject, answers_of
from market_making.settings.settings import Settings
from market_making.simulation.known_markets import market_called
from market_making.venue.faults.document import Faults
from tests.guard.test_kinds_of_markets import KindsMarket
from tests.polling import until
from tests.puppet_market import ADDRESS, KEY, VenueThread

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NVDA, HYPE = market_called("xyz:NVDA"), market_called("HYPE/USDC")
NAMES = ("open-orders", "positions", "funds")


@pytest.fixture(scope="module")
def venue():
    with VenueThread(KindsMarket(), starting_balance=150.0) as running:
        yield running


def checked(venue, tmp_path, *markets, **answers):
    """Every check of the account by name, where the bot trades these markets."""
    coins = tuple(market.key for market in markets)
    settings = Settings(url=venue.url, account=ADDRESS, coins=coins, parameters=tmp_path, state=tmp_path)
    found, _, error = asyncio.run(answers_of(settings))
    assert not error
    exchange = {"walletAddress": ADDRESS, "privateKey": KEY, "pair_whitelist": [market.pair for market in markets]}
    config = {"dry_run": False, "db_url": f"sqlite:///{tmp_path}/live.sqlite", "exchange": exchange}
    subject = Subject(config, settings, round(time.time() * 1e3), answers=found | answers)
    return {each.name: each for each in account_checks(subject)}


def results(outcomes):
    return [outcomes[name].result for name in NAMES]


@pytest.mark.parametrize("market", [market_called("ETH"), NVDA, HYPE], ids=lambda market: market.key)
def test_an_order_on_any_dex_that_no_database_knows_is_found(venue, tmp_path, market):
    """Whatever the bot trades: the account is one."""
    assert results(checked(venue, tmp_path, market)) == [Result.PASSED] * 3
    exchange = Exchange(Account.from_key(KEY), venue.url, account_address=ADDRESS, perp_dexs=["", "xyz"])
    answer = exchange.order(NVDA.wire, True, 0.01, 2900.0, {"limit": {"tif": "Alo"}})
    oid = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    found = checked(venue, tmp_path, market)
    exchange.cancel(NVDA.wire, oid)
    assert results(found) == [Result.FAILED, Result.PASSED, Result.PASSED]


def test_tokens_that_the_database_has_and_the_wallet_lacks_are_found(venue, tmp_path):
    """More of them in the wallet is somebody else's business."""
    with closing(connect(tmp_path / "live.sqlite")) as database:
        database.execute(
            "CREATE TABLE orders (order_id, ft_is_open, ft_pair, ft_order_side, ft_price, ft_amount, filled)"
        )
        database.execute("CREATE TABLE trades (pair, amount, is_short, is_open, leverage)")
        database.execute("INSERT INTO trades VALUES (?, 0.5, 0, 1, 1.0)", (HYPE.pair,))
        database.commit()
    for held, result in (("0.0", Result.FAILED), ("0.4997", Result.PASSED), ("7.0", Result.PASSED)):
        wallet = {"balances": [{"coin": "HYPE", "total": held}, {"coin": "USDC", "total": "150"}]}
        found = checked(venue, tmp_path, HYPE, spotClearinghouseState=wallet)
        assert found["positions"].result is result
    assert "HYPE_USDC" in checked(venue, tmp_path, HYPE)["positions"].reason


def test_each_place_needs_money_of_its_own(venue, tmp_path):
    """What lies on the main dex buys nothing on another, and nothing on spot."""
    poor = {"marginSummary": {"accountValue": "3.0"}, "assetPositions": []}
    found = checked(venue, tmp_path, NVDA, dexes={"xyz": poor})["funds"]
    assert (found.result, "move USDC to dex xyz" in found.remedy) == (Result.FAILED, True)
    found = checked(venue, tmp_path, HYPE, spotClearinghouseState={"balances": []})["funds"]
    assert (found.result, "move USDC to spot" in found.remedy) == (Result.FAILED, True)
    assert checked(venue, tmp_path, NVDA, dexes={})["funds"].result is Result.UNKNOWN


def test_where_a_dex_does_not_answer_the_account_is_not_known(venue, tmp_path, monkeypatch):
    """Half of the orders and positions are none."""
    settings = Settings(url=venue.url, account=ADDRESS, parameters=tmp_path, state=tmp_path)

    async def ask(session, url, question):
        if question.get("dex") == "xyz":
            raise TimeoutError
        return await information.ask(session, url, question)

    monkeypatch.setattr("market_making.preflight.subject.ask", ask)
    found, _, error = asyncio.run(answers_of(settings))
    assert "dex xyz" in error
    assert found["openOrders"] is None
    subject = Subject({"dry_run": False, "exchange": {}}, settings, 0, answers=found)
    outcomes = {each.name: each.result for each in account_checks(subject)}
    assert outcomes["open-orders"] is outcomes["positions"] is Result.UNKNOWN


def test_a_market_at_its_cap_of_open_interest_is_found(tmp_path):
    """Another one of the same dex is not."""
    with VenueThread(KindsMarket(), faults=Faults()) as venue:
        venue.inject({"fault": "cap", "coin": NVDA.wire, "seconds": 60})
        until(lambda: requests.get(f"{venue.url}/faults", timeout=5).json()["strikes"], 10, "the cap")
        settings = Settings(
            url=venue.url, account=ADDRESS, coins=(NVDA.key, "ETH"), parameters=tmp_path, state=tmp_path
        )
        found, _, _ = asyncio.run(answers_of(settings))
    config = {"dry_run": False, "exchange": {"pair_whitelist": [NVDA.pair, "ETH/USDC:USDC"]}}
    subject = Subject(config, settings, round(time.time() * 1e3), answers=found)
    outcomes = {each.name: each for each in market_checks(subject)}
    assert outcomes[f"listed-{NVDA.key}"].result is Result.FAILED
    assert "cap of open interest" in outcomes[f"listed-{NVDA.key}"].reason
    assert outcomes["listed-ETH"].result is Result.PASSED
