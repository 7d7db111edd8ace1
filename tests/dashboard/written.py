"""State files, decision logs and calibrations as the programs write them, for a page to show."""

import json
from pathlib import Path

from market_making.market.reasons import Reason
from market_making.safety.state_file import (
    AccountState,
    BookState,
    BotState,
    CalibrationState,
    MarkoutState,
    MoneyState,
    PairState,
    QuoteState,
    RestingState,
    SidecarState,
    write_state,
)
from market_making.settings.settings import Settings

PAIR = "ETH/USDC:USDC"
TERMS = {"room": 0.342, "adverse_selection": 2.773, "fee": 2.881, "inventory": 7.199, "tick": 0.005}
MID = 3000.0
PRICE = MID - sum(TERMS.values())


def pair_state(coin: str, now_ms: int, **changes) -> PairState:
    """A pair whose bid rests."""
    known = {
        "quoting": True,
        "mid": MID,
        "fair_value": MID,
        "tick": 0.1,
        "lot": 0.0333,
        "book": BookState(now_ms, ((2999.9, 1.0), (2999.8, 2.0)), ((3000.1, 1.5), (3000.2, 2.5))),
        "bid": QuoteState(PRICE, MID - PRICE, 1.0, TERMS),
        "ask": QuoteState(3013.2, 13.2, 1.0, TERMS, Reason.AT_BOUND, "the bound is reached"),
        "resting": RestingState("bid", PRICE, 0.0333, 0.0, "123", now_ms, "open", MID, TERMS),
        "inventory": 1.0,
        "maximum_inventory": 3.0,
        "calibration": CalibrationState("abc", now_ms - 5_000, now_ms + 55_000, "ok", "quote"),
        "markouts": (MarkoutState(1.0, -0.4, -1.1, 0.3, 20), MarkoutState(10.0, 0.2, None, None, 1)),
        "money": MoneyState(0.1, 0.5, -0.2, -0.1, 0.0, 0.1, 4, 400.0),
    } | changes
    return PairState(f"{coin}/USDC:USDC", coin, **known)


def bot_state(now_ms: int, pairs: tuple[PairState, ...], name: str = "bot", **changes) -> BotState:
    """A bot that runs."""
    known = {
        "venue": "hyperliquid",
        "database": "/home/somebody/secret-place/live.sqlite",
        "pairs": pairs,
        "account": AccountState("0xa5a5…a5a5", 1000.0, 9_000, 10_000, 1.5, 120.0, MoneyState(net=0.1)),
    } | changes
    return BotState(name, "run-1", 1, "live", "MarketMaking", now_ms - 60_000, now_ms, 60, 50.0, **known)


def sidecar(kind: str, now_ms: int) -> SidecarState:
    """A collector or calibrator that runs."""
    return SidecarState(kind, kind, 2, now_ms - 60_000, now_ms, venue="hyperliquid", figures={"coins": 1.0})


def write_all(folder: Path, now_ms: int, coins: tuple[str, ...] = ("ETH",), **changes) -> Settings:
    """A whole system's files below `folder`; returns the settings that point at them."""
    settings = Settings.from_section({}, user_data=folder)
    settings.state.mkdir(parents=True, exist_ok=True)
    for kind in ("collector", "calibrator"):
        write_state(settings.state, kind, sidecar(kind, now_ms))
    pairs = tuple(pair_state(coin, now_ms, **changes) for coin in coins)
    write_state(settings.state, "bot", bot_state(now_ms, pairs))
    return settings


def write_decisions(settings: Settings, lines: list[dict], bot: str = "bot", day: str = "2026-11-26") -> None:
    """A bot's decision log."""
    settings.decisions.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps({"run": "run-1", "pair": PAIR, "coin": "ETH"} | line) + "\n" for line in lines)
    (settings.decisions / f"{bot}-{day}.jsonl").write_text(text)
