"""The fee of an account on a market, against the exchange's worked table and against fills that were seen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from market_making.hyperliquid.balances import fee_fields
from market_making.hyperliquid.fees import BASE_TIER, AccountFees, Rates
from market_making.market.errors import MalformedMessage
from market_making.market.identity import MAIN_DEX, Dex, Market, SpotTokens
from market_making.market.instrument import Listing

BPS = 1e-4
TIER_0 = BASE_TIER
REFERRED = TIER_0._replace(referral_discount=0.04)
STAKED = AccountFees(Rates(1.425 * BPS, 4.275 * BPS), Rates(3.8 * BPS, 6.65 * BPS), 0.0)
ANSWER = fee_fields(BASE_TIER, Decimal(0), Decimal(0), "2026-11-26")
XYZ = Dex("xyz", 1)


def perpetual(coin, dex=XYZ, **listing):
    """A perpetual of a dex."""
    return Market.perpetual(Listing(coin, 2, **listing), 0, dex)


BTC = perpetual("BTC", MAIN_DEX)
SPOT = Market.spot(Listing("@142", 5), 142, SpotTokens("UBTC", "USDC"), "BTC/USDC")
STABLE = Market.spot(Listing("@166", 2), 166, SpotTokens("USDT0", "USDC", is_stable=True), "USDT/USDC")


@pytest.mark.parametrize(
    ("fees", "market", "maker", "taker"),
    [
        (TIER_0, BTC, 1.50, 4.50),
        (TIER_0, perpetual("xyz:NVDA", fee_scale=1.0, growth=True), 0.30, 0.90),
        (REFERRED, perpetual("xyz:NVDA", fee_scale=1.0, growth=True), 0.288, 0.864),
        (STAKED, perpetual("xyz:NVDA", fee_scale=1.0, growth=True), 0.285, 0.855),
        (TIER_0, perpetual("xyz:GOLD", fee_scale=1.0), 3.00, 9.00),
        (TIER_0, perpetual("para:ANSEM", Dex("para", 2), fee_scale=0.5), 2.25, 6.75),
        (TIER_0, perpetual("xyz:A", fee_scale=0.0, growth=True), 0.15, 0.45),
        (TIER_0, perpetual("xyz:B", fee_scale=9.99, growth=True), 2.997, 8.991),
        (TIER_0, SPOT, 4.00, 7.00),
        (TIER_0, STABLE, 0.80, 1.40),
    ],
)
def test_every_row_of_the_worked_table(fees, market, maker, taker):
    """In basis points."""
    rates = fees.on(market)
    assert rates.maker / BPS == pytest.approx(maker, rel=1e-9)
    assert rates.taker / BPS == pytest.approx(taker, rel=1e-9)


def test_fills_that_were_seen():
    """A taker with a referral, a maker with a rebate, and a taker on spot."""
    silver = perpetual("xyz:SILVER", fee_scale=1.0, growth=True)
    assert REFERRED.on(silver).taker / BPS == pytest.approx(1e4 * (0.670243 - 0.608401) / 715.767, abs=1e-3)
    rebate = TIER_0._replace(perpetual=Rates(-0.2 * BPS, 2.6 * BPS))
    assert rebate.on(silver).maker / BPS == pytest.approx(-0.0200)
    assert TIER_0.on(SPOT).taker / BPS == pytest.approx(7.00)


FLX = Dex("flx", 3, "USDH")
CRCL = perpetual("flx:CRCL", FLX, fee_scale=1.0, growth=True)


@pytest.mark.parametrize(
    ("fees", "market", "role", "paid", "value"),
    [
        (
            REFERRED,
            perpetual("HYPE", MAIN_DEX),
            "taker",
            0.012896 - 0.002424,
            33.209 * 0.73,
        ),  # the builder's part is in it
        (REFERRED, perpetual("HYPE", MAIN_DEX), "taker", 0.047504, 21.147 * 5.2),  # liquidated at the market
        (REFERRED, CRCL, "maker", 0.000282, 70.0 * 0.14),
        (TIER_0, BTC, "maker", 0.009997, 66653.0 * 0.001),  # against somebody who was liquidated
        (TIER_0, perpetual("PAXG", MAIN_DEX), "taker", 0.623774, 4065.0 * 0.341),  # a part of a TWAP order
        (TIER_0, SPOT, "taker", 0.00088689, 1.267),  # in the bought token
    ],
)
def test_fills_that_others_have_published(fees, market, role, paid, value):
    """Each fee as it was paid, to the sixth decimal to which the exchange rounds it."""
    assert getattr(fees.on(market), role) * value == pytest.approx(paid, abs=1e-6)


def test_a_taker_in_an_aligned_currency_paid_a_tenth_less():
    """USDH was one in February 2026; what is said here is then too much, never too little."""
    assert 0.9 * REFERRED.on(CRCL).taker * 55.877 * 0.27 == pytest.approx(0.001173, abs=1e-6)


@given(some.floats(0, 10), some.booleans(), some.floats(0, 0.5))
def test_a_deployer_never_makes_a_market_cheaper_and_never_turns_a_rebate(scale, growth, discount):
    """A scale below 1 is no discount."""
    fees = TIER_0._replace(referral_discount=discount)
    own = fees.on(perpetual("xyz:A", fee_scale=scale, growth=growth)).maker
    assert own >= fees.on_main().maker * (0.1 if growth else 1.0) * (1 - 1e-12)
    rebate = fees._replace(perpetual=Rates(-0.1 * BPS, 3 * BPS)).on(perpetual("xyz:A", fee_scale=scale)).maker
    assert rebate == pytest.approx(-0.1 * BPS)


def test_an_answer_is_read_as_the_venue_writes_it():
    """All five fields."""
    assert AccountFees.parse(ANSWER) == TIER_0
    assert AccountFees.parse(ANSWER).on_main() == AccountFees.parse(ANSWER).on(BTC)


@pytest.mark.parametrize(
    "missing", ["userAddRate", "userCrossRate", "userSpotAddRate", "userSpotCrossRate", "activeReferralDiscount"]
)
def test_without_a_field_no_fee_is_said(missing):
    """Neither a guess nor zero."""
    with pytest.raises(MalformedMessage, match=missing):
        AccountFees.parse({key: value for key, value in ANSWER.items() if key != missing})


@pytest.mark.parametrize(
    "wrong", [None, [], {}, ANSWER | {"userAddRate": 0.00015}, ANSWER | {"userAddRate": "0.5"},
              ANSWER | {"activeReferralDiscount": "4"}],
)  # fmt: skip
def test_nonsense_is_no_fee(wrong):
    """A number that is no text, a rate of half the value, a discount of 400 %."""
    with pytest.raises(MalformedMessage):
        AccountFees.parse(wrong)


def test_a_deployers_market_without_its_scale_has_no_fee():
    """It could be anything."""
    with pytest.raises(MalformedMessage, match="deployerFeeScale"):
        TIER_0.on(perpetual("xyz:NVDA", growth=True))
