"""What the views of the page show, as documents of plain values.

Nothing is computed anew here: prices, terms, reasons and money are those that the bot has written. No document holds an
address, a path of a database, or anything of the configuration.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from market_making.market.errors import NotEnoughData
from market_making.quoting.terms import NAMES
from market_making.safety.findings import SILENT_MS
from market_making.safety.overview import Overview, name_of
from market_making.safety.state_file import BotState, PairState, SidecarState

MOST_PAIRS = 50


def header(seen: Overview, venue: str) -> dict[str, Any]:
    """What every view shows: which programs run, what is missing, and the notices in force."""
    states: list[BotState | SidecarState] = [*seen.sidecars, *seen.bots]
    return {
        "now_ms": seen.now_ms,
        "venue": venue,
        "programs": [_program(state, seen.now_ms) for state in states],
        "missing": [missing._asdict() for missing in seen.missing],
        "notices": [{"source": source, **asdict(notice)} for source, notice in seen.notices],
        "kill": None if seen.kill is None else asdict(seen.kill),
    }


def _program(state: BotState | SidecarState, now_ms: int) -> dict[str, Any]:
    age_ms = now_ms - state.written_ms
    runs = "stopped" if state.stopped else "silent" if age_ms > SILENT_MS else "runs"
    said = {"name": name_of(state), "kind": state.kind, "runs": runs, "age_ms": age_ms, "loop_ms": state.loop_ms}
    if isinstance(state, BotState):
        return said | {"mode": state.mode, "coins": len(state.pairs)}
    return said | {"coins": len(state.coins), "figures": dict(state.figures), "failures": list(state.failures)}


def coins_view(seen: Overview) -> dict[str, Any]:
    """All pairs of all bots that have not ended, and the coins that are calibrated."""
    rows = [_row(bot, pair, seen.now_ms) for bot in seen.bots if not bot.stopped for pair in bot.pairs]
    calibrated = {coin.coin: coin for state in seen.sidecars if state.kind == "calibrator" for coin in state.coins}
    quoted = {row["coin"] for row in rows}
    idle = [asdict(coin) for name, coin in calibrated.items() if name not in quoted]
    return {"pairs": rows[:MOST_PAIRS], "left_out": max(len(rows) - MOST_PAIRS, 0), "calibrated": idle[:MOST_PAIRS]}


def _row(bot: BotState, pair: PairState, now_ms: int) -> dict[str, Any]:
    names = ("pair", "coin", "quoting", "reason", "detail", "since_ms", "mid", "tick", "inventory", "maximum_inventory")
    return {
        **{name: getattr(pair, name) for name in names},
        "bot": bot.bot,
        "mode": bot.mode,
        "age_ms": now_ms - bot.written_ms,
        "resting": _resting(pair),
        "day": pair.money.net,
        "fills": pair.money.fills,
        "calibration_age_ms": pair.calibration.age_ms(now_ms),
    }


def pair_view(seen: Overview, bot: str, pair: str) -> dict[str, Any]:
    """One pair: its quotes with their terms, its book, money and markouts.

    Raises
    ------
    NotEnoughData
        If no bot has written of it.
    """
    owner, state = _found(seen.bots, bot, pair)
    names = (
        "pair",
        "coin",
        "quoting",
        "reason",
        "detail",
        "since_ms",
        "mid",
        "fair_value",
        "tick",
        "lot",
        "coins",
        "inventory",
        "maximum_inventory",
        "volatility",
        "risk",
        "risk_detail",
        "leaving",
    )
    return {
        **{name: getattr(state, name) for name in names},
        "bot": owner.bot,
        "mode": owner.mode,
        "strategy": owner.strategy,
        "stopped": owner.stopped,
        "written_ms": owner.written_ms,
        "age_ms": seen.now_ms - owner.written_ms,
        "started_ms": owner.started_ms,
        "book": None if state.book is None else asdict(state.book),
        "bid": asdict(state.bid),
        "ask": asdict(state.ask),
        "resting": _resting(state),
        "calibration": asdict(state.calibration),
        "term_names": {term: short for term, (short, _) in NAMES.items()},
        "markouts": [asdict(markout) for markout in state.markouts],
        "money": asdict(state.money),
    }


def _found(bots: Iterable[BotState], bot: str, pair: str) -> tuple[BotState, PairState]:
    for owner in bots:
        for state in owner.pairs:
            if (owner.bot, state.pair) == (bot, pair):
                return owner, state
    raise NotEnoughData(f"no bot called {bot!r} has written of {pair!r} here")


def _resting(pair: PairState) -> dict[str, Any] | None:
    order = pair.resting
    return None if order is None else {name: value for name, value in asdict(order).items() if name != "order_id"}


def safety_view(seen: Overview) -> dict[str, Any]:
    """Limits of every bot, risk rules that hold, and the guard."""
    return {
        "accounts": [_account(bot, seen.now_ms) for bot in seen.bots if not bot.stopped],
        "guards": [
            {**_program(state, seen.now_ms), "coins": [asdict(coin) for coin in state.coins]}
            for state in seen.sidecars
            if state.kind == "guard"
        ],
    }


def _account(bot: BotState, now_ms: int) -> dict[str, Any]:
    account = bot.account
    return {
        "bot": bot.bot,
        "mode": bot.mode,
        "leg": bot.leg,
        "age_ms": now_ms - bot.written_ms,
        "equity": account.equity,
        "actions_left": account.actions_left,
        "hours_left": account.hours_left,
        "weight_per_minute": account.weight_per_minute,
        "loop_ms": bot.loop_ms,
        "longest_loop_ms": bot.longest_loop_ms,
        "money": asdict(account.money),
        "risk": [{"pair": pair.pair, "detail": pair.risk_detail} for pair in bot.pairs if pair.risk],
    }
