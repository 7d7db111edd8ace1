"""Pairs to plan for: each of the nine variants with random settings, markets, flows, inventories, rules and restraints.

Drawn with a seed, so that the prices of ``golden_prices.json`` can be asked for again.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from market_making.market.events import Level
from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Directions, Sides
from market_making.quoting.models import avellaneda_stoikov, depth_aware, glft, hedged_ladder, ladders, trend_skew
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.hedges import ActiveHedge
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView, Quoter
from market_making.quoting.readings.observations import Balances, Observations, RiskLevel
from market_making.quoting.risk.toxicity import Regime
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.role import Role
from market_making.trading.holding import Holding
from market_making.trading.plan import Planner
from market_making.trading.rules import QuotingRules, Restraints, closed_sides

INSTRUMENTS = (
    (Instrument.hyperliquid("ETH", 4), 3000.0),
    (Instrument.hyperliquid("BTC", 5), 100_000.0),
    (Instrument.hyperliquid("DOGE", 0), 0.25),
    (Instrument.hyperliquid("SOL", 2), 150.0),
)
ORDER_NOTIONAL = 100.0


class Case(NamedTuple):
    """A plan to make."""

    planner: Planner
    holding: Holding
    restraints: Restraints


def cartea_jaimungal(rng: np.random.Generator, mid: float) -> Quoter:
    """Stationary or with sessions, with its own gate or without."""
    scale = mid / 1e4
    widen, pause = ((0.5, 1.5), (0.5, 10.0), (10.0, 10.0))[int(rng.integers(3))]
    return cartea_jaimungal_quoter(
        CarteaJaimungalSettings(
            maximum_inventory=3,
            running_penalty=None if rng.random() < 0.5 else float(rng.uniform(0.0, 0.05)) * scale,
            terminal_penalty=float(rng.uniform(0, 0.5)) * scale,
            maker_fee=float(rng.choice([0.00015, 0.0, -0.0001, 0.001])),
            drift_weight=float(rng.choice([0.0, 0.3])),
            session_s=None if rng.random() < 0.7 else 600.0,
            widen_toxicity=widen,
            pause_toxicity=pause,
        )
    )


def stoikov(rng: np.random.Generator, mid: float) -> Quoter:
    """With and without a tilt, a least spread and an edge."""
    settings = avellaneda_stoikov.AvellanedaStoikovSettings(
        risk_aversion=float(rng.uniform(0.001, 1.0)),
        order_notional=ORDER_NOTIONAL,
        horizon_s=float(rng.uniform(10, 600)),
        maximum_inventory=3,
        minimum_edge_bps=float(rng.choice([0.0, 2.0])),
        minimum_spread_bps=float(rng.choice([0.0, 8.0])),
        tilt_bps=float(rng.choice([0.0, 1.5])),
    )
    return avellaneda_stoikov.quoter(settings)


def closed_form(rng: np.random.Generator, mid: float) -> Quoter:
    """Both objectives."""
    settings = glft.GlftSettings(
        risk_aversion=float(rng.uniform(0.001, 1.0)),
        order_notional=ORDER_NOTIONAL,
        objective="penalised" if rng.random() < 0.5 else "exponential",
    )
    return glft.quoter(settings)


def ladder(shape: LadderShape | None) -> Callable[[np.random.Generator, float], Quoter]:
    """A ladder that hedges itself."""

    def make(rng: np.random.Generator, mid: float) -> Quoter:
        settings = ladders.LadderSettings(
            shape=shape,
            start=Balances(3, 3),
            up_range=0.003,
            down_range=0.003,
            step_bps=float(rng.uniform(1, 10)),
            live_orders=12,
            smallest_size=0.13,
        )
        return hedged_ladder.quoter(settings, ActiveHedge.beyond(float(rng.uniform(0.3, 0.9))))

    return make


def trend(rng: np.random.Generator, mid: float) -> Quoter:
    """All knobs of its formula."""
    settings = trend_skew.TrendSkewSettings(
        base_bps=float(rng.uniform(0.5, 10)),
        maximum_bps=float(rng.choice([5.0, 20.0])),
        volatility_factor=float(rng.uniform(0, 2)),
        skew_factor=float(rng.uniform(0, 2)),
        holding_s=float(rng.uniform(5, 600)),
    )
    return trend_skew.quoter(settings)


def tiers(rng: np.random.Generator, mid: float) -> Quoter:
    """Few and many tiers, one-sided early and late."""
    settings = depth_aware.DepthAwareSettings(
        tiers=int(rng.integers(5, 16)),
        smallest_size=0.13,
        skew_strength=float(rng.uniform(0, 0.5)),
        one_sided_from=float(rng.choice([0.5, 1.0])),
        least_notional=20_000.0,
        minimum_edge_bps=float(rng.choice([0.0, 3.0])),
    )
    return depth_aware.quoter(settings)


VARIANTS: dict[str, Callable[[np.random.Generator, float], Quoter]] = {
    "MarketMaking": cartea_jaimungal,
    "AvellanedaStoikov": stoikov,
    "Glft": closed_form,
    "LadderSpot": ladder(LadderShape.SPOT),
    "LadderCurve": ladder(LadderShape.CURVE),
    "LadderBidAsk": ladder(LadderShape.BID_ASK),
    "LadderAuto": ladder(None),
    "TrendSkew": trend,
    "DepthAware": tiers,
}


def flow_near(rng: np.random.Generator, mid: float) -> OrderFlow:
    """Orders that walk some basis points, with adverse selection that grows with the depth they reach."""
    bps = mid / 1e4

    def both(low: float, high: float) -> Directions[float]:
        return Directions(float(rng.uniform(low, high)), float(rng.uniform(low, high)))

    walked = both(0.5, 6.0).map(lambda mean: mean * bps)
    on_fill = Directions(*(share * mean for share, mean in zip(both(0.0, 1.2), walked, strict=True)))
    return OrderFlow(
        arrival_rate=both(0.05, 2.0),
        fill_intensity=both(0.02, 1.0),
        fill_decay=walked.map(lambda mean: 1 / mean),
        adverse_selection=on_fill.map(lambda move: 0.3 * move),
        adverse_selection_on_fill=on_fill,
        adverse_selection_slope=both(0.0, 0.7) if rng.random() < 0.6 else Directions(0.0, 0.0),
        volatility=float(rng.uniform(0.05, 3.0)) * bps,
        half_spread=float(rng.uniform(0.05, 2.0)) * bps,
        funding_rate=float(rng.choice([0.0, 1e-8, -1e-7])),
    )


def market_near(rng: np.random.Generator, instrument: Instrument, price: float) -> MarketView:
    """A book with twenty levels, some ticks wide, with everything a model may have observed."""
    bid = instrument.bid_price(price * float(np.exp(rng.normal(0, 0.1))))
    ask = bid
    for _ in range(int(rng.choice([1, 1, 2, 5, 20]))):
        ask = instrument.next_above(ask)
    tick = instrument.tick(bid)
    sizes = rng.uniform(20, 3000, 40) / bid * float(rng.choice([1.0, 10.0, 40.0]))
    bids = tuple(Level(bid - i * tick, float(size)) for i, size in enumerate(sizes[:20]))
    asks = tuple(Level(ask + i * tick, float(size)) for i, size in enumerate(sizes[20:]))
    losing = int(rng.choice([0, 0, 2, 3, 5]))
    volatility = None if rng.random() < 0.3 else float(rng.uniform(0.05, 3.0)) * bid / 1e4
    observations = Observations(
        bids=bids,
        asks=asks,
        bias=float(rng.uniform(-1, 1)) if rng.random() < 0.7 else 0.0,
        volatility=volatility,
        usual_volatility=None if volatility is None or rng.random() < 0.5 else volatility * float(rng.uniform(0.3, 3)),
        ladder_shape=list(LadderShape)[int(rng.integers(3))] if rng.random() < 0.5 else None,
        markout_factors=Sides(*(float(rng.choice([0.9, 1.0, 1.0, 1.25, 1.5, np.inf])) for _ in range(2))),
        recent_capture_bps=None if rng.random() < 0.5 else float(rng.uniform(-5, 5)),
        losing_fills=losing,
        risk_level=RiskLevel(int(rng.integers(4))),
        margin_used=float(rng.uniform(0, 1)),
        hedging=bool(rng.random() < 0.3),
    )
    return MarketView(bid, bids[0].size, ask, asks[0].size, 1_000_000, observations)


def rules_near(rng: np.random.Generator) -> QuotingRules:
    """Every role; wide, narrow and tight bounds; the user's factor."""
    return QuotingRules(
        role=list(Role)[int(rng.integers(len(Role)))] if rng.random() < 0.5 else Role.ALTERNATE,
        maximum_inventory=3,
        bounds=DepthBounds(float(rng.choice([0.0, 0.0, 4.0])), float(rng.choice([50.0, 50.0, 6.0]))),
        tolerance_bps=0.5,
        minimum_life_ms=2000.0,
        smallest_notional=11.8,
        depth_factor=1.0 if rng.random() < 0.5 else float(rng.uniform(0.5, 2.0)),
    )


def make_restraints(rng: np.random.Generator, holding: Holding, losing_fills: int) -> Restraints:
    """What the risk rules and the budget say; they fade where the model is told of losing fills."""
    leaving, saving = bool(rng.random() < 0.15), bool(rng.random() < 0.1)
    locked = Because(Reason.PAIR_LOCKED, "locked") if rng.random() < 0.1 else None
    fade = 1.5 if losing_fills >= 3 else 1.0
    return Restraints(closed_sides(holding, locked), leaving, saving, fade)


def cases(name: str, count: int) -> Iterator[Case]:
    """So many cases of one variant, always the same."""
    rng = np.random.default_rng(sorted(VARIANTS).index(name))
    for _ in range(count):
        instrument, price = INSTRUMENTS[int(rng.integers(len(INSTRUMENTS)))]
        market = market_near(rng, instrument, price)
        flow, rules = flow_near(rng, market.mid), rules_near(rng)
        lot = ORDER_NOTIONAL / market.mid
        coins = 0.0 if rng.random() < 0.3 else instrument.size(float(rng.uniform(0, 3.5)) * lot)
        coins = coins if rng.random() < 0.5 else -coins
        if rng.random() < 0.3:
            coins = float(rng.integers(-3, 4)) * instrument.size(lot)
        planner = Planner(
            instrument=instrument,
            market=market,
            flow=flow,
            quoter=VARIANTS[name](rng, market.mid),
            lot=lot,
            rules=rules,
            now_ms=1_000_000 + int(rng.integers(600_000)),
            other_leg=float(rng.uniform(-2, 2)) * lot if rules.role.leg is not None and rng.random() < 0.8 else 0.0,
            regime=list(Regime)[int(rng.choice([0, 0, 0, 1, 1, 2]))],
        )
        held = Holding(coins)
        yield Case(planner, held, make_restraints(rng, held, market.observations.losing_fills))
