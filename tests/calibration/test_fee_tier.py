"""The maker fee is that of the account that trades, unless the configuration names one."""

import json
import logging
from pathlib import Path

import pytest

from calibration.fee_tier import FeeTier
from market_making.ops.commands.options import load_settings
from market_making.settings.settings import ModelSettings, Settings
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread

BASE, TIER = 0.00015, 0.00008
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def url():
    """An exchange at which everybody has reached a better tier."""
    with VenueThread(PuppetMarket(), maker_fee=TIER) as venue:
        yield venue.url


def configured(url: str, **changes: object) -> Settings:
    return Settings(url=url, account=ADDRESS).model_copy(update=changes)


def test_the_exchange_is_asked_for_the_tier(url):
    """An account without a configured fee pays what the exchange says, and nothing else changes."""
    settings = configured(url)
    applied = FeeTier(settings).applied(0.0)
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
    assert FeeTier(settings).applied(0.0) is settings


def test_the_last_known_fee_stays_while_the_exchange_is_silent(url, caplog):
    """It is asked again sooner than after an answer; the base fee is the highest, so not knowing never flatters."""
    tier = FeeTier(configured("http://127.0.0.1:9"))
    with caplog.at_level(logging.WARNING):
        assert tier.applied(0.0).model.maker_fee == BASE
        assert tier.applied(1.0).model.maker_fee == BASE
    assert caplog.text.count("does not tell the fee") == 1
    known = FeeTier(configured(url))
    known.applied(0.0)
    known._settings = known._settings.model_copy(update={"url": "http://127.0.0.1:9"})
    assert known.applied(HOUR_S).model.maker_fee == TIER
    known._settings = known._settings.model_copy(update={"url": url})
    assert known.applied(HOUR_S + 400).model.maker_fee == TIER


def test_the_wallet_of_the_configuration_is_the_account(tmp_path: Path, url):
    """As Freqtrade names it; an address of zeros, as in the example, is none."""
    for wallet, expected in ((ADDRESS, TIER), ("0x" + "0" * 40, BASE)):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({"exchange": {"walletAddress": wallet}, "market_making": {"url": url}}))
        settings = load_settings((path,))
        assert FeeTier(settings).applied(0.0).model.maker_fee == expected
