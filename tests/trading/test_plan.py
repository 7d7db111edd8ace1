"""Laws of the plan: whatever the model says, at most one order, valid, not crossing, within the bounds."""

from dataclasses import replace
from math import exp, isfinite, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.models import depth_aware, glft
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.depth_aware import DepthAwareSettings
from market_making.quoting.models.glft import GlftSettings
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.risk.toxicity import WIDEN_FACTOR, Regime
from market_making.quoting.terms import Terms
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.role import Role
from market_making.trading.actions.budget import Patience
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.legs.sides import OtherLeg
from market_making.trading.plan import Planner
from market_making.trading.rules import Restraints, closed_sides

from .conftest import FLOW, MARKET, RULES

FREE = Restraints()
ETH = Instrument.hyperliquid("ETH", 4)
LOT = 0.0333
MODEL = cartea_jaimungal_quoter(CarteaJaimungalSettings(pause_toxicity=10.0, widen_toxicity=10.0))

SAYS_NO = Withheld(Reason.MODEL_WITHHOLDS, "the model says no")

depths = st.floats(min_value=-20.0, max_value=200.0) | st.sampled_from([nan, float("inf"), -float("inf")])
sizes = st.floats(min_value=-1.0, max_value=5.0) | st.just(nan)
terms = st.builds(Terms, level=depths)
offers = st.builds(Quote, price=st.just(nan), terms=terms, size=sizes) | st.just(
    Withheld(Reason.MODEL_WITHHOLDS, "the model says no")
)
prices = st.integers(min_value=10_000, max_value=40_000).map(lambda tenths: tenths / 10)
holdings = st.builds(
    Holding,
    coins=st.floats(min_value=-0.2, max_value=0.2),
    resting=st.none()
    | st.builds(
        RestingOrder,
        order_id=st.just("1"),
        side=st.sampled_from(Side),
        price=prices,
        remaining=st.floats(min_value=0.0001, max_value=0.2),
        filled=st.floats(min_value=0, max_value=0.1),
        placed_ms=st.integers(min_value=990_000, max_value=1_000_000),
    ),
)
LOCKED = Because(Reason.PAIR_LOCKED, "locked")
locks, flags = st.sampled_from([None, LOCKED]), st.booleans()
restraints = st.builds(Restraints, leaving=flags, saving=flags)


def locked(restraint: Restraints, holding: Holding, lock: Because | None) -> Restraints:
    """The same, and what is held may not grow if there is a lock."""
    return replace(restraint, closed=closed_sides(holding, lock))


@st.composite
def planners(draw) -> Planner:
    """Any model in any market in any role."""
    bid = draw(prices)
    market = MarketView(bid, 1.0, ETH.next_above(bid + draw(st.floats(0, 5))), 1.0, 1_000_000)
    quotes = Quotes(Sides(draw(offers), draw(offers)))
    rules = replace(RULES, role=draw(st.sampled_from(Role)), bounds=DepthBounds(0.0, draw(st.floats(0.1, 100))))
    other = draw(st.none() | st.floats(min_value=-0.1, max_value=0.1)) if rules.role.leg else 0.0
    return Planner(ETH, market, FLOW, lambda *_: quotes, LOT, rules, 1_000_000, other)


@given(planners(), holdings, restraints, locks)
@settings(max_examples=500)
def test_an_order_is_valid_and_never_crosses(planner, holding, restraint, lock):
    """The price exists on the exchange, is at least a tick inside the opposite side, and the size is whole lots."""
    order = planner.plan(holding, locked(restraint, holding, lock)).order
    if order is None:
        return
    market = planner.market
    assert ETH.is_valid_price(order.price)
    assert order.price < market.ask_price if order.side is Side.BID else order.price > market.bid_price
    assert order.size > 0
    assert ETH.size(order.size) == order.size
    assert order.size * order.price >= ETH.minimum_notional


@given(planners(), holdings, restraints, locks)
@settings(max_examples=500)
def test_a_position_never_passes_its_bound_or_flips(planner, holding, restraint, lock):
    """An order that closes is no larger than the position; one that opens stays within the inventory bound."""
    order = planner.plan(holding, locked(restraint, holding, lock)).order
    if order is None:
        return
    if not order.grows:
        assert order.size <= abs(holding.coins) + 1e-12
        return
    assert holding.grows_with(order.side)
    net = holding.coins + (planner.other_leg or 0.0)
    after = net + (order.size if order.side is Side.BID else -order.size)
    bound = planner.rules.maximum_inventory * planner.lot + 1e-9
    assert after <= bound if order.side is Side.BID else after >= -bound


@given(planners(), holdings, restraints, locks)
@settings(max_examples=300)
def test_nothing_is_opened_against_the_role_or_a_restraint(planner, holding, restraint, lock):
    """No position is opened on a side the role does not have, while locked, while leaving or without the other leg."""
    order = planner.plan(holding, locked(restraint, holding, lock)).order
    if order is not None and order.grows:
        assert planner.rules.role.opens_with(order.side)
        assert lock is None
        assert not restraint.leaving
        assert planner.other_leg is not None


@given(planners(), holdings, restraints, locks)
@settings(max_examples=300)
def test_a_withheld_side_has_no_order_and_a_reason(planner, holding, restraint, lock):
    """What the model withholds, or gives no number for, is not quoted unless it leaves; the plan says why not."""
    plan = planner.plan(holding, locked(restraint, holding, lock))
    quotes = planner.quoter(planner.market, 0.0, FLOW, 0)
    if plan.order is None:
        assert plan.detail
        assert not plan.keep
    elif not restraint.leaving:
        quote = quotes.of(plan.order.side)
        assert quote is not None
        assert isfinite(quote.depth)
        assert isfinite(quote.size)


@given(planners(), holdings)
@settings(max_examples=300)
def test_an_order_at_its_planned_price_is_kept(planner, holding):
    """What was just placed as planned stays, whatever the model and the market: the plan does not chase itself."""
    order = planner.plan(holding, FREE).order
    if order is None:
        return
    resting = RestingOrder("2", order.side, order.price, order.size, 0.0, planner.now_ms)
    again = planner.plan(Holding(holding.coins, resting), FREE)
    assert again.keep
    assert again.order == order


def rest(planner, side, bps, *, age_ms=60_000):
    """A holding whose order is `bps` closer to mid than planned."""
    order = planner.plan(Holding(), FREE).order
    assert order.side is side
    sign = 1 if side is Side.BID else -1
    price = order.price + sign * bps / 1e4 * planner.market.mid
    return Holding(0.0, RestingOrder("1", side, price, order.size, 0.0, planner.now_ms - age_ms))


@pytest.mark.parametrize("bps", [-0.45, 0.0, 0.45])
def test_a_price_within_tolerance_is_kept(planner, bps):
    """A resting order less than the tolerance off keeps its place in the queue."""
    assert planner.plan(rest(planner, Side.BID, bps), FREE).keep


@pytest.mark.parametrize(("age_ms", "saving"), [(60_000, False), (0, False), (60_000, True)])
def test_an_order_too_close_to_mid_is_cancelled_at_once(planner, age_ms, saving):
    """Being picked off is a risk: neither a short life nor an empty action budget keeps such an order."""
    holding = rest(planner, Side.BID, +1.0, age_ms=age_ms)
    assert not planner.plan(holding, Restraints(saving=saving)).keep


@pytest.mark.parametrize(
    ("age_ms", "saving", "kept"), [(60_000, False, False), (500, False, True), (60_000, True, True)]
)
def test_an_order_too_far_from_mid_waits_for_its_life_and_the_budget(planner, age_ms, saving, kept):
    """A quote that only became less likely to fill is moved when it is old enough and an action is left."""
    plan = planner.plan(rest(planner, Side.BID, -1.0, age_ms=age_ms), Restraints(saving=saving))
    assert plan.keep is kept


def test_an_order_is_moved_when_that_gains_more_than_its_two_actions_cost(planner):
    """What the better price earns for as long as the order has rested, by the model's own rate of fills."""
    holding = rest(planner, Side.BID, -1.0)
    order, resting = planner.plan(Holding(), FREE).order, holding.resting

    def earned(price):
        decay = planner.flow.fill_decay.sell
        return planner.flow.fill_intensity.sell / decay * exp(-decay * (planner.market.mid - price))

    worth = (earned(order.price) - earned(resting.price)) * order.size * 60
    for price, reason in ((0.45 * worth, Reason.TOO_FAR), (0.55 * worth, Reason.SAVING_ACTIONS)):
        plan = planner.plan(holding, Restraints(patience=Patience(action_price=price)))
        assert (plan.keep, plan.reason) == (reason is Reason.SAVING_ACTIONS, reason)


def test_with_a_position_the_reducing_side_is_quoted(planner):
    """In a symmetric market a long position rests the ask and a short one the bid."""
    for coins, side in ((LOT, Side.ASK), (-LOT, Side.BID), (2 * LOT, Side.ASK)):
        order = planner.plan(Holding(coins), FREE).order
        assert order.side is side
        assert not order.grows


def test_a_slightly_better_adding_side_does_not_keep_a_position(planner):
    """Without a skew of the model the sides differ by chance; a position ends unless adding is clearly worth more."""
    for ask_depth, side in ((0.55, Side.ASK), (0.75, Side.BID)):
        wishes = Quotes(Sides(bid=Quote(nan, Terms(level=0.5)), ask=Quote(nan, Terms(level=ask_depth))))
        chooser = replace(planner, quoter=lambda *_, wishes=wishes: wishes)
        assert chooser.plan(Holding(LOT), FREE).order.side is side
        assert chooser.plan(Holding(), FREE).order.side is Side.BID


def test_a_closed_side_has_no_order_even_to_leave(planner):
    """With no price known to be right nothing is offered, also where the position should be left."""
    stale = Because(Reason.BOOK_STALE, "the data is 4.0 s old")
    for held in (0.0, LOT, -LOT):
        closed = closed_sides(Holding(held), stale, stale)
        plan = planner.plan(Holding(held), Restraints(closed, leaving=held != 0))
        assert plan.order is None
        assert plan.because == stale


@pytest.mark.parametrize(
    ("role", "held", "reason"),
    [
        (Role.LONG_ONLY, 0.0, Reason.TOXIC_FLOW),
        (Role.SHORT_ONLY, 0.0, Reason.THIN_BOOK),
        (Role.ALTERNATE, LOT, Reason.THIN_BOOK),
        (Role.ALTERNATE, -LOT, Reason.TOXIC_FLOW),
    ],
)
def test_two_reasons_count_as_that_of_the_side_that_matters(with_role, role, held, reason):
    """The side the bot opens with, or the one that reduces what it holds; the text tells both."""
    quotes = Quotes(Sides(Withheld(Reason.TOXIC_FLOW, "toxic"), Withheld(Reason.THIN_BOOK, "thin")))
    plan = with_role(role, quoter=lambda *_: quotes).plan(Holding(held), FREE)
    assert plan.because == (reason, "bid: toxic; ask: thin")


def test_a_hedge_rests_at_the_touch_whatever_widens_the_quotes(planner):
    """A part of the position, at the best ask, though depths are doubled, faded and bounded from below."""
    offer = Quotes(
        Sides(bid=Withheld(Reason.MODEL_WITHHOLDS, "hedging"), ask=Quote(nan, Terms(level=0.05), 1.1)), hedging=True
    )
    rules = replace(planner.rules, depth_factor=2.0, bounds=DepthBounds(5.0, 50.0))
    hedging = replace(planner, quoter=lambda *_: offer, rules=rules, regime=Regime.WIDEN)
    order = hedging.plan(Holding(2 * LOT), Restraints(depth_factor=1.5)).order
    assert order.price == MARKET.ask_price
    assert order.size == pytest.approx(1.1 * LOT, abs=1e-4)
    assert not order.closes


def test_the_model_may_prefer_to_add(planner):
    """A bid much closer than the ask says that adding is worth more than leaving, and a small position adds."""
    wishes = Quotes(Sides(bid=Quote(nan, Terms(level=0.5)), ask=Quote(nan, Terms(level=2.0))))
    order = replace(planner, quoter=lambda *_: wishes).plan(Holding(LOT * 0.5), FREE).order
    assert order.side is Side.BID
    assert order.grows


def test_a_long_only_bot_without_a_position_rests_the_bid(with_role):
    """Each role opens on its own side only."""
    assert with_role(Role.LONG_ONLY).plan(Holding(), FREE).order.side is Side.BID
    assert with_role(Role.SHORT_ONLY).plan(Holding(), FREE).order.side is Side.ASK


def test_a_partly_filled_order_does_not_flip_the_side_back_and_forth(planner):
    """A small partial fill leaves the rest of the order where it is."""
    order = planner.plan(Holding(), FREE).order
    resting = RestingOrder("1", order.side, order.price, order.size * 0.97, order.size * 0.03, 0)
    assert planner.plan(Holding(resting.filled, resting), FREE).order.side is order.side


def test_a_remainder_too_small_to_trade_is_closed_with_the_rest(planner):
    """A position of one lot and a bit is closed whole rather than leaving dust behind."""
    order = planner.plan(Holding(LOT + 0.002), FREE).order
    assert order.closes
    assert order.size == pytest.approx(LOT + 0.002, abs=1e-4)


@given(planners(), holdings, restraints, locks)
@settings(max_examples=500)
def test_leaving_joins_the_touch_with_the_whole_position(planner, holding, restraint, lock):
    """Whatever the model says, in any role and with any restraint, unless the exchange's smallest order forbids it."""
    side = Side.ASK if holding.coins > 0 else Side.BID
    touch = planner.market.ask_price if side is Side.ASK else planner.market.bid_price
    whole = ETH.size(abs(holding.coins))
    order = planner.plan(holding, replace(locked(restraint, holding, lock), leaving=True)).order
    if holding.coins == 0 or whole * touch < ETH.minimum_notional:
        assert order is None
    else:
        assert (order.side, order.price, order.size, order.grows, order.closes) == (side, touch, whole, False, True)


@given(planners(), holdings, restraints, locks)
@settings(max_examples=500)
def test_leaving_keeps_only_the_whole_position_at_the_touch(planner, holding, restraint, lock):
    """Neither a short life nor an empty action budget keeps an order further away, or a part of the position."""
    resting, leaving = holding.resting, replace(locked(restraint, holding, lock), leaving=True)
    order = planner.plan(Holding(holding.coins), leaving).order
    keep = planner.plan(holding, leaving).keep
    if order is None or resting is None or resting.side is not order.side:
        assert not keep
        return
    is_there = abs(resting.price - order.price) / planner.market.mid * 1e4 <= planner.rules.tolerance_bps
    is_whole = resting.remaining <= order.size * 1.25 and order.size <= resting.remaining * 1.25
    assert keep is (is_there and is_whole)


@pytest.mark.parametrize(("bps", "share"), [(10.0, 1.0), (0.0, 0.5)])
def test_leaving_moves_a_young_order_without_a_budget(planner, bps, share):
    """One that was left behind by the price, or offers half of the position."""
    price = MARKET.ask_price * (1 + bps / 1e4)
    resting = RestingOrder("1", Side.ASK, price, share * 3 * LOT, 0.0, planner.now_ms)
    assert not planner.plan(Holding(3 * LOT, resting), Restraints(leaving=True, saving=True)).keep


DEPTH_AWARE = depth_aware.quoter(DepthAwareSettings(least_notional=20_000.0))
GLFT = glft.quoter(GlftSettings())
NO_FILLS = replace(FLOW, fill_intensity=Directions(0.0, 0.0))
PAUSED = cartea_jaimungal_quoter(CarteaJaimungalSettings(pause_toxicity=0.01, widen_toxicity=0.001))


@pytest.mark.parametrize(
    ("quoter", "flow", "other_leg"),
    [(DEPTH_AWARE, FLOW, 0.0), (GLFT, NO_FILLS, 0.0), (PAUSED, FLOW, -2 * LOT), (MODEL, FLOW, -5 * LOT)],
    ids=["thin book", "no fills", "toxic and net flat", "net bound"],
)
def test_a_model_that_withholds_does_not_stop_leaving(with_role, quoter, flow, other_leg):
    """No model of ours keeps a position that must be left, though each withholds the side otherwise."""
    held = Holding(2 * LOT)
    planner = with_role(Role.LONG_LEG, quoter=quoter, flow=flow, other_leg=other_leg)
    assert planner.plan(held, FREE).quotes.ask is None
    assert planner.plan(held, Restraints(leaving=True)).order.closes


@pytest.mark.parametrize(
    ("own", "other", "role", "side"),
    [
        (0.0, 0.0, Role.LONG_LEG, Side.BID),
        (0.0, 0.0, Role.SHORT_LEG, Side.ASK),
        (LOT, 0.0, Role.LONG_LEG, Side.ASK),
        (0.0, LOT, Role.SHORT_LEG, Side.BID),
        (0.0, -LOT, Role.LONG_LEG, Side.ASK),
        (-LOT, 0.0, Role.SHORT_LEG, Side.BID),
        (LOT, -LOT, Role.LONG_LEG, Side.ASK),
        (-LOT, LOT, Role.SHORT_LEG, Side.BID),
        (2 * LOT, LOT, Role.LONG_LEG, Side.ASK),
        (3 * LOT, 0.0, Role.LONG_LEG, Side.ASK),
    ],
)
def test_two_legs_rest_opposite_sides(with_role, own, other, role, side):
    """The leg that holds something leaves it, and the other takes the opposite side."""
    assert with_role(role, other_leg=other).plan(Holding(own), FREE).order.side is side


def test_a_leg_keeps_its_side_or_turns_whatever_its_order_has_cost(with_role):
    """Neither a young order nor a spent budget keeps a leg on a side that the other one needs."""
    short = with_role(Role.SHORT_LEG)
    bid = RestingOrder("1", Side.BID, 2998.0, LOT, 0.0, short.now_ms - 100)
    saving = Restraints(saving=True)
    flat, told = Holding(0.0, bid, 1), OtherLeg(None)
    assert replace(short, other_leg=0.0, beside=told).plan(flat, saving).order.side is Side.BID  # nobody needs it
    turned = replace(short, other_leg=-LOT, beside=told).plan(flat, saving)
    assert (turned.order.side, turned.keep) == (Side.ASK, False)


def test_a_leg_waits_until_the_other_has_left_its_side(with_role):
    """Never both on one side; only a position that must be left does not wait."""
    long = with_role(Role.LONG_LEG, other_leg=0.0, beside=OtherLeg(Side.ASK))
    plan = long.plan(Holding(LOT), FREE)
    assert (plan.order, plan.reason) == (None, Reason.OTHER_LEG_TURNS)
    assert plan.sides == (Side.BID, Side.ASK)
    assert long.plan(Holding(LOT), Restraints(leaving=True)).order.closes
    assert replace(long, beside=OtherLeg(None)).plan(Holding(LOT), FREE).order.side is Side.ASK


def test_a_leg_without_the_other_only_reduces(with_role):
    """A leg that cannot hear the other opens nothing and leaves what it holds."""
    alone = with_role(Role.LONG_LEG, other_leg=None)
    assert alone.plan(Holding(), FREE).order is None
    assert alone.plan(Holding(LOT), FREE).order.side is Side.ASK


@pytest.mark.parametrize("held", [0.0, LOT, -LOT])
def test_a_calibration_that_says_pause_only_leaves(planner, held):
    """Whatever the model thinks of the flow: nothing is opened, and what is held is offered."""
    plan = replace(planner, regime=Regime.PAUSE).plan(Holding(held), Restraints())
    if held == 0:
        assert plan.order is None
        assert plan.reason is Reason.CALIBRATION_PAUSE
        assert "the calibration says pause" in plan.detail
    else:
        assert plan.order.side is (Side.ASK if held > 0 else Side.BID)
        assert not plan.order.grows


def depth_of(planner, **settings):
    """The depth of the planned order with these thresholds of the model's own."""
    model = cartea_jaimungal_quoter(CarteaJaimungalSettings(**settings))
    return replace(planner, quoter=model).plan(Holding(), Restraints()).order.terms.model_depth


def test_a_calibration_that_says_widen_widens_once(planner):
    """By the factor of the model if it would quote, not again if it widens already; every model alike."""
    quotes = {"widen_toxicity": 10.0, "pause_toxicity": 10.0}
    widens = {"widen_toxicity": 0.1, "pause_toxicity": 10.0}
    usual, own = depth_of(planner, **quotes), depth_of(planner, **widens)
    cautious = replace(planner, regime=Regime.WIDEN)
    assert own == pytest.approx(WIDEN_FACTOR * usual)
    assert depth_of(cautious, **quotes) == depth_of(cautious, **widens) == pytest.approx(own)


def test_a_demonstration_without_a_gate_quotes_whatever_the_calibration_says_about_toxicity(planner):
    """With thresholds out of reach for bot and calibrator, a wide quote still stays within the largest half-spread."""
    settings = CarteaJaimungalSettings(widen_toxicity=1000, pause_toxicity=1000)
    rules = replace(planner.rules, bounds=DepthBounds(0.0, 1.5))
    showy = replace(planner, quoter=cartea_jaimungal_quoter(settings), rules=rules, regime=Regime.WIDEN)
    order = showy.plan(Holding(), Restraints()).order
    assert planner.market.mid - order.price <= 1.5e-4 * planner.market.mid + 0.1


def test_losing_fills_move_the_quotes_away(planner):
    """The factor of the risk rules multiplies the model's depth."""
    usual, faded = (planner.plan(Holding(), Restraints(depth_factor=factor)).order for factor in (1.0, 1.5))
    assert faded.terms.model_depth == pytest.approx(1.5 * usual.terms.model_depth)
    assert faded.price < usual.price
    knows = replace(planner, quoter=lambda *asked: replace(planner.quoter(*asked), answers_losses=True))
    assert knows.plan(Holding(), Restraints(depth_factor=1.5)).order == usual
