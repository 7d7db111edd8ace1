"""A parameter file belongs to one market: venue, coin, pair, and a mid near the book's."""

import math
from dataclasses import replace

import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as some

from calibration.estimators.activity import Activity
from calibration.estimators.estimate import Estimate
from calibration.estimators.fair_value import Gain
from calibration.flow.calibrate import calibrate
from calibration.publication.document import PublishedEstimate
from calibration.publication.parameters import Parameters, read_parameters
from calibration.publication.publish import parameters as published
from calibration.publication.publish import solve
from market_making.market.errors import InvalidParameters
from market_making.market.reasons import Reason
from market_making.recording.other_venues.venues import pair_of
from market_making.settings.settings import Settings
from tests.puppet_market import parameters

PAIR = "ETH/USDC:USDC"


@pytest.mark.parametrize("changes", [{"venue": "binance"}, {"coin": "BTC"}])
def test_another_venue_or_coin_is_refused(tmp_path, changes):
    """Whoever copied the file there is told what it is for."""
    path = parameters(**changes).write(tmp_path)
    path.replace(tmp_path / "ETH.json")
    with pytest.raises(InvalidParameters, match=r"for ETH on hyperliquid, got (ETH on binance|BTC on hyperliquid)"):
        read_parameters(tmp_path, "ETH", venue="hyperliquid", now_ms=None)


def test_another_pair_is_refused():
    """ETH against another currency is another market."""
    with pytest.raises(InvalidParameters, match="must be for ETH/USDC, got those for ETH/USDC:USDC") as refusal:
        parameters().require_market("ETH/USDC", 3000.0)
    assert refusal.value.reason is Reason.PARAMETERS_INVALID


@given(some.floats(0.91, 1.09))
def test_what_a_market_moves_within_a_minute_is_let_through(factor):
    """The worst minute of an ordinary year is no other market."""
    document = parameters()
    assert document.require_market(PAIR, 3000.0 * factor) is document


@pytest.mark.parametrize("mid", [0.003, 3.0, 2690.0, 3310.0, 3e6, 0.0, -3000.0, math.nan, math.inf])
def test_the_price_of_another_market_is_refused(mid):
    """A thousandth of a coin, another coin, another network, or no price at all."""
    with pytest.raises(InvalidParameters, match=r"made at 3000 and its book stands at .* limit 10 %") as refusal:
        parameters().require_market(PAIR, mid)
    assert refusal.value.reason is Reason.PARAMETERS_INVALID


def test_a_file_that_is_valid_for_longer_may_be_further_off():
    """By the square root of time, as prices move."""
    minutes = parameters()
    hour = minutes.model_copy(update={"valid_until_ms": minutes.created_ms + 3_600_000})
    assert hour.require_market(PAIR, 3000 * 1.7) is hour
    with pytest.raises(InvalidParameters, match="limit 77 %"):
        hour.require_market(PAIR, 3000 * 1.8)
    second = minutes.model_copy(update={"valid_until_ms": minutes.created_ms + 1000})
    assert second.require_market(PAIR, 3000 * 1.09) is second


@pytest.mark.parametrize("coin", ["ETH", "kPEPE", "xyz:TSLA", "HYPE"])
def test_the_published_pair_is_what_the_exchanges_client_calls_the_market(coin):
    """Else a bot would refuse the file of its own market."""
    market = ccxt.hyperliquid().parse_market({"name": coin, "szDecimals": "1", "markPx": "1.0", "baseId": "5"})
    assert pair_of("hyperliquid", coin) == market["symbol"]
    assert market["baseName"] == coin


@pytest.mark.parametrize(
    ("venue", "coin", "pairs", "expected"),
    [
        ("hyperliquid", "ETH", (), "ETH/USDC:USDC"),
        ("binance", "ETH", (), "ETH/USDT"),
        ("binance", "ETH", ("BTC/USDC", "ETH/USDC"), "ETH/USDC"),
        ("hyperliquid", "kPEPE", ("KPEPE/USDC:USDC",), "KPEPE/USDC:USDC"),
    ],
)
def test_the_pair_is_the_configured_one_or_the_usual_one(half_hour, increments, venue, coin, pairs, expected):
    """Only the whitelist knows that a coin is quoted against another currency."""
    settings = Settings(venue=venue, pairs=pairs)
    (result,) = solve([calibrate(half_hour, increments, settings)], [settings])
    assert published(coin, result, settings).pair == expected


def test_coins_of_different_fees_are_solved_each_at_its_own(half_hour, increments):
    """In the order given, and as if each were alone."""
    fees = [0.00015, 0.00003, 0.0004, 0.00003]
    settings = [Settings().with_maker_fee(fee) for fee in fees]
    calibrations = [calibrate(half_hour, increments, each) for each in settings]
    together = solve(calibrations, settings)
    for each, alone, found in zip(settings, calibrations, together, strict=True):
        assert published("ETH", found, each).hjb == published("ETH", solve([alone], [each])[0], each).hjb
    assert together[1].table.depths.ask[0, 3] < together[0].table.depths.ask[0, 3] < together[2].table.depths.ask[0, 3]


def test_a_file_of_another_market_than_orders_go_to_is_refused():
    """ccxt may give a spot market's name to another one; the venue's own name tells them apart."""
    document = parameters().model_copy(update={"wire": "@351"})
    assert document.require_market(PAIR, 3000.0, "@351") is document
    with pytest.raises(InvalidParameters, match=r"be for @350, .*, got those for @351"):
        document.require_market(PAIR, 3000.0, "@350")
    assert parameters().require_market(PAIR, 3000.0, "ETH").wire is None


def test_the_activity_is_published_with_its_interval_and_an_older_file_has_none(half_hour, increments):
    """A file of schema 1.0 is read as it was written; the one of today says how busy the market is."""
    settings = Settings()
    calibration = calibrate(half_hour, increments, settings)
    (result,) = solve([replace(calibration, activity=Activity(1.5, 0.9, 2.5))], [settings])
    document = published("ETH", result, settings)
    now = document.market.activity
    assert (now.low, now.value, now.high) == (0.9, 1.5, 2.5)
    older = document.model_dump(by_alias=True)
    older["schema"] = "1.0"
    del older["market"]["activity"]
    read = Parameters.model_validate(older)
    assert read.market.activity is None
    assert read.order_flow() == document.order_flow()


def test_the_fair_value_is_published_and_an_older_file_has_none(half_hour, increments):
    """β with its interval, the age it was judged at, what it gains; used only where that is sure."""
    settings = Settings()
    calibration = calibrate(half_hour, increments, settings)
    sure = calibration.anchor._replace(gain=Gain(450, Estimate(0.02, 0.01, 0.03, 20), 30, 20))
    for anchor, is_used in ((calibration.anchor, False), (sure, True)):
        (result,) = solve([replace(calibration, anchor=anchor)], [settings])
        found = published("ETH", result, settings).fair_value
        assert found.imbalance == PublishedEstimate.of(anchor.imbalance)
        assert found.imbalance.low < found.imbalance.value < found.imbalance.high
        assert (found.age_ms, found.age_source, found.leader) == (450, "usual", None)
        assert (found.fills, found.fills_around_mid) == (anchor.gain.anchored, anchor.gain.plain)
        assert found.used is is_used
        assert found.response == (anchor.imbalance.value if is_used else 0.0)
    older = published("ETH", result, settings).model_dump(by_alias=True)
    older["schema"] = "1.2"
    del older["fair_value"]
    assert Parameters.model_validate(older).fair_value is None
