"""Random settings of two strategies and random latencies, in which every rule of desk and loop has its turn."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.depth_aware import DepthAwareQuoter, DepthAwareSettings
from market_making.quoting.quote import Quoter
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.result import ReplayResult
from market_making.settings.settings import Settings
from market_making.trading.strategy_model import StrategyModel

EDGE = {"wake": 0.7, "cancel_first": 0.7, "fresh": 0.7, "address_budget": 0.5, "leverage_once": 0.5}


def random_model(random: Random) -> StrategyModel:
    """`MarketMaking` with model, rules, edge, budget and limits at random."""
    settings = _random_section(random)
    model = settings.model.cartea_jaimungal()
    if random.random() < 0.3:
        model = replace(model, session_s=random.choice([120.0, 600.0, 3600.0]))
    return _with_factors("MarketMaking", cartea_jaimungal_quoter(model), settings, random)


def random_tiers(random: Random) -> StrategyModel:
    """`DepthAware` with the same, and tiers near and far, few and many, of books that are deep enough or hardly so."""
    settings = _random_section(random)
    tiers = DepthAwareSettings(
        tiers=random.choice([2, 5, 8, 12, 15, 32]),
        near_share=random.choice([0.7, 0.4, 0.95]),
        side_size=random.choice([1.0, 3.0, settings.model.maximum_inventory]),
        smallest_size=random.choice([0.1, settings.model.smallest_lots, 0.8]),
        maximum_inventory=settings.model.maximum_inventory,
        skew_from=random.choice([0.0, 0.1, 0.3]),
        widen_from=0.3,
        one_sided_from=random.choice([0.3, 0.5, 1.0]),
        skew_strength=random.choice([0.0, 0.1, 0.5]),
        least_notional=random.choice([0.0, 1_000.0, 20_000.0, 100_000.0, 300_000.0]),
        funding_holding_s=random.choice([0.0, 600.0, 86_400.0]),
        maker_fee=settings.model.maker_fee,
        minimum_edge_bps=random.choice([0.0, 0.0, 0.5, 5.0]),
    )
    model = _with_factors("DepthAware", DepthAwareQuoter(tiers), settings, random)
    return replace(model, needs_deep_book=random.random() < 0.8)


def _with_factors(name: str, quoter: Quoter, settings: Settings, random: Random) -> StrategyModel:
    return StrategyModel(
        name,
        quoter,
        settings,
        depth_factor=random.choice([0.5, 1.0, 1.3]),
        inventory_share=random.choice([1.0, 0.6]),
        orders_before_flat=random.choice([400, 4]),
    )


def _random_section(random: Random) -> Settings:
    widen, pause = random.choice([(1000.0, 1000.0), (1.0, 2.0), (0.5, 1000.0), (2.0, 4.0)])
    section = {
        "sides": random.choice(["alternate", "alternate", "long_only", "short_only"]),
        "model": {
            "order_notional": random.choice([15.0, 20.0, 50.0, 200.0, 1000.0]),
            "maximum_inventory": random.choice([1, 2, 3, 5]),
            "widen_toxicity": widen,
            "pause_toxicity": pause,
            "drift_weight": random.choice([0.0, 0.3]),
            "maker_fee": random.choice([0.00015, 0.0, -0.00002]),
        },
        "quote": {
            "maximum_half_spread_bps": random.choice([0.6, 1.0, 1.5, 3.0]),
            "minimum_half_spread_bps": random.choice([0.0, 0.3]),
            "tolerance_bps": random.choice([0.1, 0.25, 0.5]),
            "minimum_life_s": random.choice([0.0, 2.0, 5.0]),
            "anchor": random.random() < 0.8,
            "actions_per_minute": random.choice([5, 20, 60, 600]),
        },
        "calibration": {"minimum_exposure_s": 30.0, "valid_for_s": random.choice([120, 20, 60])},
        "risk": {"daily_loss": random.choice([0.02, 0.3, 50.0]), "drawdown": random.choice([0.05, 100.0])},
        "edge": {name: random.random() < share for name, share in EDGE.items()},
    }
    return Settings.from_section(section)


def random_lags(random: Random) -> Callable[[], LagProfile]:
    """Constant latencies, or some that differ from loop to loop."""
    constant = Lags(
        feed_ms=random.choice([0, 10, 50, 120]),
        decide_ms=random.choice([0, 30, 50]),
        entry_ms=random.choice([0, 20, 50, 200]),
        response_ms=random.choice([0, 50, 60]),
        period_ms=random.choice([250, 1000, 2000]),
        pause_ms=random.choice([0, 20]),
    )
    if random.random() < 0.5:
        return lambda: LagProfile(constant)
    draws = np.random.default_rng(random.randrange(1000))
    names = ("feed_ms", "entry_ms", "response_ms", "decide_ms")
    measured = {name: draws.integers(5, 300, 50).astype(float) for name in names}
    return lambda: LagProfile(Lags(), measured)


def said(result: ReplayResult) -> list[object]:
    """Everything a result says but how long it took, and its cash, which is added up in another order."""
    return [
        (
            [column.tolist() for column in (*session.fills, *session.orders, *session.touch, *session.fundings)],
            (session.start_ms, session.end_ms, session.decisions, session.plans, session.events, session.withheld),
            (session.position, round(session.quoting_s, 6)),
        )
        for session in result.sessions
    ]
