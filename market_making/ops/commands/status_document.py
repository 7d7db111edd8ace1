"""What `mm status --json` prints."""

from dataclasses import asdict
from typing import Any

from market_making.recording.collection.status import StoreStatus
from market_making.safety.leg_pair import LegPair, leg_pairs
from market_making.safety.overview import Overview
from market_making.safety.state_file import BotState, PairState, SidecarState


def as_document(seen: Overview, store: StoreStatus, venue: str) -> dict[str, Any]:
    """What is printed with ``--json``; a program that has never run is null."""
    return {
        "collector": _sidecar(seen.sidecar("collector", venue), seen.now_ms),
        "calibrator": _sidecar(seen.sidecar("calibrator", venue), seen.now_ms),
        "bots": [_bot(bot, seen.now_ms) for bot in seen.bots],
        "legs": [_legs(both) for both in leg_pairs(seen.bots)],
        "notices": [{"source": source, **asdict(notice)} for source, notice in seen.notices],
        "kill_switch": None if seen.kill is None else asdict(seen.kill),
        "missing": [missing._asdict() for missing in seen.missing],
        **store.as_json(),
    }


def _sidecar(state: SidecarState | None, at_ms: int) -> dict[str, Any] | None:
    if state is None:
        return None
    coins = [asdict(coin) for coin in state.coins]
    told = {"pid": state.pid, "stopped": state.stopped, "loop_ms": state.loop_ms, "failures": list(state.failures)}
    return {"age_ms": at_ms - state.written_ms, **told, **state.figures, "coins": coins}


def _bot(bot: BotState, at_ms: int) -> dict[str, Any]:
    names = ("bot", "run", "pid", "mode", "strategy", "role", "leg", "stopped", "killed", "loop_ms")
    return {
        **{name: getattr(bot, name) for name in names},
        "age_ms": at_ms - bot.written_ms,
        "day_result": bot.account.money.net,
        "actions_left": bot.account.actions_left,
        "pairs": [_pair(pair, at_ms) for pair in bot.pairs],
    }


def _legs(both: LegPair) -> dict[str, Any]:
    """Both legs as one market maker."""
    transfer = both.transfer
    return {
        "long": both.long.bot,
        "short": both.short.bot,
        "day_result": both.money.net,
        "money": asdict(both.money),
        "equity": both.equity,
        "transfer": None if transfer is None else transfer._asdict(),
        "coins": [{"coin": each.coin, "net": each.net, "gross": each.gross} for each in both.coins],
    }


def _pair(pair: PairState, at_ms: int) -> dict[str, Any]:
    names = (
        "pair",
        "coin",
        "quoting",
        "reason",
        "detail",
        "since_ms",
        "inventory",
        "maximum_inventory",
        "coins",
        "mid",
    )
    return {
        **{name: getattr(pair, name) for name in names},
        "day_result": pair.money.net,
        "fills": pair.money.fills,
        "resting": None if pair.resting is None else asdict(pair.resting),
        "calibration_age_ms": pair.calibration.age_ms(at_ms),
    }
