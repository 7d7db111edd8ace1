"""The maker fee is that of the account that trades, unless the configuration names one."""

import json
import logging
from pathlib import Path

import pytest

from calibration.fee_tier import FeeTier
from market_making.market.errors import MalformedMessage
from market_making.market.identity import Dex, Market, SpotTokens
from market_making.market.instrument import Listing
from market_making.market.timetable import Timetable
from market_making.ops.commands.options import load_settings
from market_making.recording.store.market_file import write_market
from market_making.recording.store.storage import open_storage
from market_making.settings.sections import ModelSettings
from market_making.settings.settings import Settings
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread

BASE, TIER = 0.00015, 0.00008
HOUR_S = 3600.0
SILENT = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def url():
    """An exchange at which everybody has reached a better tier."""
    with VenueThread(PuppetMarket(), maker_fee=TIER) as venue:
        yield venue.url


def asked(settings: Settings) -> Settings:
    """The settings after the exchange was asked, if it is to be."""
    tier = FeeTier(settings)
    tier.ask()
    return tier.settings


def configured(url: str, **changes: object) -> Settings:
    return Settings(url=url, account=ADDRESS).model_copy(update=changes)


def test_the_exchange_is_asked_for_the_tier(url, caplog):
    """An account without a configured fee pays what the exchange says, and nothing else changes."""
    settings = configured(url)
    with caplog.at_level(logging.INFO):
        applied = asked(settings)
    assert "on perpetuals is 0.8 bps" in caplog.text
    assert ADDRESS not in caplog.text  # a log may be shown to others
    assert applied.model.maker_fee == TIER
    assert applied.with_maker_fee(BASE) == settings.with_maker_fee(BASE)


@pytest.mark.parametrize(
    "changes",
    [{"account": None}, {"venue": "binance"}, {"model": ModelSettings(maker_fee=BASE)}],
    ids=["no account", "another venue", "a fee of its own"],
)
def test_nobody_is_asked_where_the_fee_is_settled(url, changes):
    """Without an account, at another venue, or with a fee in the configuration, that fee holds."""
    settings = configured(url, **changes)
    assert asked(settings) is settings


def test_the_last_known_fee_stays_while_the_exchange_is_silent(url, caplog):
    """It is asked again sooner than after an answer; the base fee is the highest, so not knowing never flatters."""
    clock = [3 * HOUR_S]
    timetable, tier = Timetable(lambda: clock[0]), FeeTier(configured(SILENT))
    with caplog.at_level(logging.WARNING):
        tier.keep_asking(timetable)
        assert tier.settings.model.maker_fee == BASE
        timetable.run_pending()
        assert caplog.text.count("does not tell the fee") == 1
        clock[0] += 301
        timetable.run_pending()
        assert caplog.text.count("does not tell the fee") == 2
    tier.settings = tier.settings.model_copy(update={"url": url})
    clock[0] += 300
    timetable.run_pending()
    assert tier.settings.model.maker_fee == TIER
    assert timetable.wait_s > 2000
    tier.settings = tier.settings.model_copy(update={"url": SILENT})
    clock[0] += HOUR_S
    timetable.run_pending()
    assert tier.settings.model.maker_fee == TIER
    assert timetable.wait_s <= 300


def test_an_answer_is_asked_for_again_within_the_hour(url):
    """A tier that was reached since holds from then on."""
    clock = [3 * HOUR_S]
    timetable, tier = Timetable(lambda: clock[0]), FeeTier(configured(url))
    tier.keep_asking(timetable)
    tier.settings = tier.settings.with_maker_fee(BASE)
    clock[0] += HOUR_S
    timetable.run_pending()
    assert tier.settings.model.maker_fee == TIER


def test_the_wallet_of_the_configuration_is_the_account(tmp_path: Path, url):
    """As Freqtrade names it; an address of zeros, as in the example, is none."""
    for wallet, expected in ((ADDRESS, TIER), ("0x" + "0" * 40, BASE)):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"exchange": {"walletAddress": wallet}, "market_making": {"url": url}}))
        settings = load_settings((path,))
        assert asked(settings).model.maker_fee == expected


PAYS_BPS = {"ETH": 0.8, "xyz-NVDA": 0.16, "xyz-GOLD": 1.6, "UBTC_USDC": 4.0}
DEX = Dex("xyz", 1)
MARKETS = (
    Market.perpetual(Listing("ETH", 4), 0),
    Market.perpetual(Listing("xyz:NVDA", 3, growth=True, fee_scale=1.0), 0, DEX),
    Market.perpetual(Listing("xyz:GOLD", 3, fee_scale=1.0), 1, DEX),
    Market.perpetual(Listing("xyz:ODD", 3), 2, DEX),
    Market.spot(Listing("@142", 5), 142, SpotTokens("UBTC", "USDC"), "BTC/USDC"),
)


@pytest.fixture
def recorded(tmp_path):
    """A store that has begun to record a market of each kind."""
    for market in MARKETS:
        write_market(open_storage(tmp_path), "hyperliquid", market)
    return Settings(market_data=tmp_path)


@pytest.mark.parametrize(("coin", "bps"), PAYS_BPS.items())
def test_one_account_pays_another_fee_on_each_market(recorded, url, coin, bps):
    """Of the account's tier; what a market makes of it stands in its listing."""
    tier = FeeTier(recorded.model_copy(update={"url": url, "account": ADDRESS}))
    tier.ask()
    assert 1e4 * tier.settings_of(coin).model.maker_fee == pytest.approx(bps)


def test_a_market_that_does_not_tell_its_scale_has_no_fee(recorded):
    """Its deployer may take anything; a fee in the configuration holds all the same."""
    with pytest.raises(MalformedMessage, match="deployerFeeScale"):
        FeeTier(recorded).fee_of("xyz-ODD")
    fixed = recorded.model_copy(update={"model": ModelSettings(maker_fees={"XYZ-ODD/USDC:USDC": 0.0002})})
    assert FeeTier(fixed).fee_of("xyz-ODD") == 0.0002
    assert FeeTier(fixed).fee_of("ETH") == BASE


def test_without_an_account_the_fees_are_those_of_the_base_tier(recorded):
    """The highest there are."""
    tier = FeeTier(recorded)
    assert [1e4 * tier.fee_of(coin) for coin in PAYS_BPS] == pytest.approx([1.5, 0.3, 3.0, 4.0])
