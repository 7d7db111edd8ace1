"""A ranking of coins: right about those that pay, and about those that do not."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import spearmanr

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.scanning.candidates import MarketTerms, Unknown
from calibration.scanning.coin_panel import CoinPanel
from calibration.scanning.scan import scan
from market_making.hyperliquid.fees import TIERS
from market_making.market.sides import Directions, Sides
from market_making.quoting.risk.toxicity import Regime
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths, toxic_truth
from market_making.simulation.simulation import simulate_tape

SETTINGS = Settings(sides="long_leg")  # both sides at a time, as the closed forms have it
FEE = SETTINGS.model.maker_fee
HOURS_2 = 7_200.0


def with_model(**changes):
    """Settings with another model section."""
    return SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update=changes)})


def net(prospects):
    """Expected earnings by coin."""
    return {prospect.coin: prospect.figures.net_per_hour for prospect in prospects}


def market_orders(tape, truth):
    """Direction, reach from the mid just before it [price] and that mid, of each market order of a simulated tape."""
    trades = tape.trades
    first = np.flatnonzero(np.r_[True, np.diff(trades.order) != 0])
    far = np.maximum.reduceat(trades.sign * trades.price, first) * trades.sign[first]
    before = np.searchsorted(tape.quotes.time_ms, trades.time_ms[first], side="left") - 1
    mid = tape.quotes.mid[before]
    sign = trades.sign[first]
    return sign, sign * (far - mid) + truth.tick / 4, mid


def traded(truth, depths, seed):
    """Money an hour [quote currency] of quotes held at these depths from mid, in lots, marked at the end.

    Nothing of the model is used: orders of a fresh market hit whatever they reach.
    """
    tape = simulate_tape(truth, seed=seed, seconds=HOURS_2)
    half, bound = truth.half_spread, len(depths.ask) // 2
    ask, bid = (half + np.rint((depth - half) / truth.tick) * truth.tick for depth in (depths.ask, depths.bid))
    cash, q = 0.0, 0
    for sign, reach, mid in zip(*(column.tolist() for column in market_orders(tape, truth)), strict=True):
        if sign > 0 and q > -bound and reach >= ask[q + bound]:
            cash, q = cash + (mid + ask[q + bound]) * (1 - FEE), q - 1
        elif sign < 0 and q < bound and reach >= bid[q + bound]:
            cash, q = cash - (mid - bid[q + bound]) * (1 + FEE), q + 1
    wealth = cash + q * tape.quotes.mid[-1]
    return wealth / HOURS_2 * 3_600 * SETTINGS.model.order_notional / truth.start_price


@pytest.fixture(scope="module")
def prospects(candidates):
    """The universe, ranked."""
    return scan(candidates, SETTINGS)


@pytest.fixture(scope="module")
def experience(universe, candidates):
    """What the quotes of each coin truly brought in two hours of a market they were not calibrated on."""
    field = CoinPanel(candidates, SETTINGS)
    shown = field.shown(np.full(len(candidates), FEE))
    return {
        truth.coin: traded(truth, shown.depths.map(lambda depth, coin=coin: depth[:, coin]), seed=99)
        for coin, truth in enumerate(universe)
    }


def test_the_ranking_is_that_of_the_truth(universe, candidates, prospects, know):
    """The same quotes evaluated under the true parameters: rank correlation of all coins, and of those that pay."""
    known = [know(truth, one.deepest) for truth, one in zip(universe, candidates, strict=True)]
    truth = {p.coin: p.figures.net_per_hour for p in scan(known, SETTINGS) if p.figures}
    estimated = net(prospects)
    assert len(truth) >= 36
    assert spearmanr([estimated[coin] for coin in truth], list(truth.values())).statistic > 0.97
    pays = [p.coin for p in prospects if not p.refused]
    assert spearmanr([estimated[coin] for coin in pays], [truth[coin] for coin in pays]).statistic > 0.97


def test_the_ranking_is_that_of_experience(prospects, experience):
    """Quotes that trade in a fresh market earn in the order the scan foretold, and about as much."""
    estimated = net(prospects)
    coins = list(estimated)
    assert spearmanr([estimated[c] for c in coins], [experience[c] for c in coins]).statistic > 0.95
    pays = [prospect.coin for prospect in prospects if not prospect.refused]
    assert len(pays) > 20
    assert sum(experience[c] for c in pays) == pytest.approx(sum(estimated[c] for c in pays), rel=0.05)


def test_what_truly_loses_is_refused_and_what_is_recommended_truly_earns(prospects, experience):
    """Every coin with a loss in experience is refused; no refused coin is among the better half."""
    assert {coin for coin, money in experience.items() if money <= 0} <= {p.coin for p in prospects if p.refused}
    for coin in ("ETH", "BTC", "SOL", "HYPE"):
        assert experience[coin] < 0
        assert next(p for p in prospects if p.coin == coin).figures.high < 0
    best = sorted(experience, key=experience.__getitem__)[len(experience) // 2 :]
    assert not {p.coin for p in prospects if p.refused} & set(best)


def test_coins_that_pay_come_first_and_the_best_of_them_on_top(prospects):
    """Then the refused ones, best first."""
    assert [p.refused for p in prospects] == sorted(p.refused for p in prospects)
    for refused in (False, True):
        nets = [p.figures.net_per_hour for p in prospects if p.refused is refused]
        assert nets == sorted(nets, reverse=True)


def test_intervals_hold_the_truth(universe, candidates, know):
    """The earnings of the very quotes that are shown, under the true parameters, lie in about 95 % of the intervals."""
    inside = []
    for truth, candidate in list(zip(universe, candidates, strict=True))[:36]:
        figures = CoinPanel([candidate], SETTINGS).figures(0.1)[0]
        shown = CoinPanel([candidate], SETTINGS).shown(np.array([FEE]))
        fills = CoinPanel([know(truth)], SETTINGS).shown(np.array([FEE])).fills
        money = CoinPanel([candidate], SETTINGS).earnings(shown._replace(fills=fills)).money[0]
        true = money * 3_600 * SETTINGS.model.order_notional / truth.start_price
        inside.append(figures.low <= true <= figures.high)
    assert sum(inside) >= 31  # 36 of 95 %: fewer by chance in one of a hundred universes


def test_twice_the_lot_earns_twice_the_money(candidates, prospects):
    """Money, noise, turnover and capital double; fees, toxicity and inventory in lots stay."""
    doubled = {p.coin: p.figures for p in scan(candidates, with_model(order_notional=200.0), 0.2)}
    for prospect in prospects:
        one, two = prospect.figures, doubled[prospect.coin]
        for name in ("net_per_hour", "low", "high", "noise_per_hour", "turnover_per_hour", "capital"):
            assert getattr(two, name) == pytest.approx(2 * getattr(one, name), rel=1e-9)
        for name in ("toxicity", "inventory_sd", "inventory_95", "fills_per_hour", "bid_depth_bps"):
            assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-9)


def test_a_higher_fee_never_earns_more(candidates):
    """Neither for one coin, nor for one more of them."""
    fees = (-3e-4, -1e-4, 0.0, 1e-4, 1.5e-4, 3e-4, 6e-4)
    scans = [scan(candidates, with_model(maker_fee=fee)) for fee in fees]
    for cheap, dear in pairwise(scans):
        before, after = net(cheap), net(dear)
        assert all(after[coin] <= before[coin] + 1e-9 for coin in before)
        assert {p.coin for p in dear if not p.refused} <= {p.coin for p in cheap if not p.refused}


def test_the_break_even_fee_is_where_a_coin_stops_paying(candidates):
    """A hundredth of a basis point less and it pays, more and it does not."""
    field = CoinPanel(candidates, SETTINGS)
    end = field.break_even(0.1)
    assert np.isfinite(end).all()
    assert field.pays(end - 1e-6, 0.1).all()
    assert not field.pays(end + 1e-6, 0.1).any()


def test_coins_are_refused_from_their_break_even_fee_on(prospects):
    """What is recommended at this fee breaks even above it; what earns too little, below it."""
    for prospect in prospects:
        assert prospect.refused == (prospect.figures.break_even_fee_bps < 1e4 * FEE)


def test_the_unit_of_price_does_not_matter(candidates):
    """A coin split into a thousand earns the same money from orders of the same value."""
    one = candidates[0]
    price = {"fill_decay": 1e3, "adverse_selection": 1e-3, "adverse_selection_on_fill": 1e-3}

    def rescaled(estimate, unit):
        return replace(estimate, value=estimate.value * unit, low=estimate.low * unit, high=estimate.high * unit)

    flows = one.flows.map(
        lambda flow: replace(flow, **{name: rescaled(getattr(flow, name), unit) for name, unit in price.items()})
    )
    market = {name: getattr(one, name) * 1e-3 for name in ("mid", "tick", "half_spread", "volatility")}
    split = replace(one, flows=flows, deepest=one.deepest.map(lambda depth: depth * 1e-3), **market)
    before, after = (scan([coin], SETTINGS)[0].document() for coin in (one, split))
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert after[name] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


def test_swapping_buys_and_sells_changes_nothing_but_the_sides(candidates):
    """The same earnings and break-even fee; bid and ask change places. Intervals differ by their draws only."""
    one = candidates[3]
    swapped = replace(one, flows=Directions(one.flows.sell, one.flows.buy), deepest=Directions(*one.deepest[::-1]))
    before, after = (scan([coin], SETTINGS)[0].figures for coin in (one, swapped))
    assert after.net_per_hour == pytest.approx(before.net_per_hour, rel=1e-3)
    assert after.break_even_fee_bps == pytest.approx(before.break_even_fee_bps, abs=0.05)
    assert after.ask_depth_bps == pytest.approx(before.bid_depth_bps, rel=1e-3)
    assert (after.low, after.high) == pytest.approx((before.low, before.high), rel=0.02)


def test_less_certain_estimates_give_a_wider_interval(know):
    """And estimates without uncertainty none at all."""
    sure = know(default_truths(["ETH"])[0])
    figures = scan([sure], SETTINGS)[0].figures
    assert figures.low == pytest.approx(figures.high)
    widths = []
    for share in (0.05, 0.1, 0.2):
        wide = sure.flows.map(
            lambda flow, share=share: replace(
                flow, fill_decay=replace(flow.fill_decay, low=flow.fill_decay.value * (1 - share),
                                         high=flow.fill_decay.value * (1 + share))
            )
        )  # fmt: skip
        figures = scan([replace(sure, flows=wide)], SETTINGS)[0].figures
        widths.append(figures.high - figures.low)
    assert 0 < widths[0] < widths[1] < widths[2]


def test_quotes_beyond_what_was_seen_are_refused(know):
    """The same market pays where orders were seen to reach its best quote, and is refused where they were not."""
    coin = know(default_truths(["ETH"])[0])
    best = scan([coin], SETTINGS)[0]
    assert not best.refused
    near = coin.deepest.map(lambda _: 0.6 * best.figures.bid_depth_bps * coin.mid / 1e4)
    refused = scan([replace(coin, deepest=near)], SETTINGS)[0]
    assert refused.refused
    assert refused.state is Regime.PAUSE
    assert "only 5 market sells reached" in refused.reason
    assert 0 < refused.figures.net_per_hour < best.figures.net_per_hour


def test_a_depth_that_loses_even_at_its_furthest_is_named(calibrate):
    """Where the toxicity gate is off, a market without a paying depth is refused for that."""
    lax = with_model(widen_toxicity=50.0, pause_toxicity=50.0)
    prospect = scan([calibrate(toxic_truth("ETH"))], lax)[0]
    assert prospect.refused
    assert "pays: even" in prospect.reason


def test_a_minimum_is_asked_of_every_coin(candidates, prospects):
    """Who earns less than it is refused, and told how much was needed."""
    rest = scan(candidates, SETTINGS, minimum_per_hour=10.0)
    assert {p.coin for p in rest if not p.refused} == {
        p.coin for p in prospects if not p.refused and p.figures.net_per_hour > 10
    }
    assert sum("it must earn 10.00" in prospect.reason for prospect in rest) > 5


def test_actions_that_volume_does_not_earn_must_be_paid_for(know):
    """Small orders turn over too little for the actions they take; their price is part of what is needed."""
    small = with_model(order_notional=1.0)
    prospect = scan([know(default_truths(["ETH"])[0])], small, 0.0)[0]
    assert prospect.figures.action_cost_per_hour > prospect.figures.net_per_hour > 0
    assert prospect.refused
    assert "for actions" in prospect.reason


@pytest.mark.parametrize("objection", ["the calibration is bad: too_few_orders_buy", "ETH.json expired 34 s ago"])
def test_a_calibration_that_must_not_be_used_refuses_the_best_coin(candidates, objection):
    """Its figures are shown, its reason is the objection."""
    prospect = scan([replace(candidates[0], objection=objection)], SETTINGS)[0]
    assert prospect.refused
    assert prospect.reason == objection
    assert prospect.figures.net_per_hour > 1


def test_a_coin_without_orders_on_a_side_does_not_spoil_the_others(candidates, prospects):
    """It is listed with what is missing; the others are ranked as if it was not there."""
    nothing = Estimate(0.0, 0.0, 0.0, 0, EstimateSource.PRIOR)
    flows = candidates[0].flows
    dead = replace(candidates[0], coin="DEAD", flows=flows._replace(buy=replace(flows.buy, fill_intensity=nothing)))
    broken = replace(candidates[0], coin="BROKEN", flows=flows._replace(buy=replace(flows.buy, fill_decay=nothing)))
    unknown = Unknown("NEW", "12 market orders in 300 s, need 600 s")
    together = scan([broken, dead, unknown, *candidates], SETTINGS)
    last = {prospect.coin: prospect for prospect in together if prospect.coin in ("DEAD", "BROKEN", "NEW")}
    others = [prospect for prospect in together if prospect.coin not in last]
    assert [(p.coin, p.reason) for p in others] == [(p.coin, p.reason) for p in prospects]
    assert net(others) == pytest.approx(net(prospects))
    assert all(prospect.refused for prospect in last.values())
    assert "stationary" in last["DEAD"].reason
    assert "decay" in last["BROKEN"].reason
    assert last["NEW"].reason == unknown.reason
    assert last["NEW"].document()["net_per_hour"] is None


def test_nothing_to_scan_is_an_empty_ranking():
    """No coin, no prospect."""
    assert scan([], SETTINGS) == []


def test_guessed_fills_are_quoted_with_more_distance(know):
    """A decay that is only a prior widens the quotes, as the calibrator would."""
    coin = know(default_truths(["ETH"])[0])
    guessed = coin.flows.map(
        lambda flow: replace(flow, fill_decay=replace(flow.fill_decay, source=EstimateSource.PRIOR))
    )
    sure, wide = (scan([one], SETTINGS)[0].figures for one in (coin, replace(coin, flows=guessed)))
    assert wide.state is Regime.WIDEN
    assert Sides(wide.bid_depth_bps, wide.ask_depth_bps) == pytest.approx(
        (1.5 * sure.bid_depth_bps, 1.5 * sure.ask_depth_bps)
    )
    assert wide.net_per_hour < sure.net_per_hour


def test_each_market_is_judged_at_its_own_fee(candidates):
    """As if every market had it; the dearest fee refuses what the cheapest recommends."""
    fees = [0.00003, 0.0004]
    own = [replace(coin, terms=MarketTerms(fees[place % 2])) for place, coin in enumerate(candidates)]
    mixed = {prospect.coin: prospect for prospect in scan(own, SETTINGS)}
    for place, fee in enumerate(fees):
        alone = {each.coin: each for each in scan(own[place::2], with_model(maker_fee=fee))}
        for coin, prospect in alone.items():
            assert mixed[coin].figures.maker_fee_bps == pytest.approx(1e4 * fee)
            assert mixed[coin].figures.net_per_hour == pytest.approx(prospect.figures.net_per_hour, rel=1e-9)
            assert mixed[coin].refused is prospect.refused
    assert {each.refused for each in mixed.values()} == {True, False}


def test_growth_mode_earns_a_tenth_of_the_actions(candidates):
    """So keeping quotes in place costs more there, at the same turnover."""
    busy = with_model(order_notional=20.0)
    (usual,) = scan([candidates[0]], busy)
    (growing,) = scan([replace(candidates[0], terms=MarketTerms(actions_earned=0.1))], busy)
    turnover = usual.figures.turnover_per_hour
    assert growing.figures.turnover_per_hour == turnover
    missing = [max(0.0, usual.figures.actions_per_hour - share * turnover) for share in (1.0, 0.1)]
    costs = [each.figures.action_cost_per_hour for each in (usual, growing)]
    assert costs == pytest.approx([0.0005 * each for each in missing])
    assert costs[1] > costs[0]


def test_the_tier_from_which_a_coin_pays_follows_from_the_fee_at_which_it_breaks_even(candidates):
    """The least volume whose fee is below it; none where even the last is not."""
    tiers = tuple((each.volume, each.fees.on_main().maker) for each in TIERS)
    told = scan([replace(coin, terms=MarketTerms(tier_fees=tiers)) for coin in candidates], SETTINGS)
    for each in told:
        paying = [volume for volume, fee in tiers if 1e4 * fee < each.figures.break_even_fee_bps]
        assert each.pays_from_volume == (paying[0] if paying else None)
        assert (each.pays_from_volume == 0) or each.refused
    assert len({each.pays_from_volume for each in told}) >= 2
    assert all(each.figures.net_per_100 == pytest.approx(each.figures.net_per_hour / 3) for each in told)
