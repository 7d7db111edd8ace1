"""Numbers for Prometheus, from the same state files as the page: one address for all programs of a machine.

A program that trades serves nothing: its state file says all there is. Units are in the names: seconds, bps, lots,
quote currency. What is not known is left out, so a missing value is never taken for zero.
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from market_making.safety.overview import Overview, name_of
from market_making.safety.state_file import BotState, PairState, SidecarState

_BOT, _PAIR = ("bot", "mode"), ("bot", "coin")
# Name: what it is, and the labels beside those of a program.
FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "mm_program_age_seconds": ("Since a program wrote its state file [s]", ("program", "kind")),
    "mm_program_stopped": ("1: the program has ended in order", ("program", "kind")),
    "mm_program_loop_seconds": ("Length of the program's last loop [s]", ("program", "kind")),
    "mm_program_failures": ("What a program says has failed", ("program", "kind")),
    "mm_figure": ("What a collector, calibrator or guard counts, by name and unit", ("program", "name")),
    "mm_equity": ("Equity of the account [quote currency]", _BOT),
    "mm_actions_left": ("Actions the address has left", _BOT),
    "mm_actions_left_hours": ("How long they last [h]", _BOT),
    "mm_weight_per_minute": ("Request weight of the last minute, of 1,200", _BOT),
    "mm_day_result": ("Result since 00:00 UTC by part; net is their sum [quote currency]", ("bot", "coin", "part")),
    "mm_fills_today": ("Fills since 00:00 UTC", _PAIR),
    "mm_volume_today": ("Volume since 00:00 UTC [quote currency]", _PAIR),
    "mm_quoting": ("1: an order is wanted", _PAIR),
    "mm_not_quoting": ("1 by the reason why no order is wanted", ("bot", "coin", "reason")),
    "mm_mid": ("Mid of the last plan [price]", _PAIR),
    "mm_resting_price": ("Price of the resting order [price]", ("bot", "coin", "side")),
    "mm_depth_bps": ("Distance of the model's quote from mid [bps]", ("bot", "coin", "side")),
    "mm_depth_term_bps": ("Part of that distance [bps]", ("bot", "coin", "side", "term")),
    "mm_inventory_lots": ("Inventory [lots]", _PAIR),
    "mm_inventory_bound_lots": ("Its bound [lots]", _PAIR),
    "mm_calibration_age_seconds": ("Age of the calibration that is quoted from [s]", _PAIR),
    "mm_markout_bps": ("Move of mid in the bot's favour after own fills [bps]", ("bot", "coin", "horizon_s")),
    "mm_coin_age_seconds": ("Age of a coin's newest data or calibration [s]", ("program", "coin")),
    "mm_notice": ("1: a notice is in force", ("notice", "severity", "source", "pair")),
    "mm_kill_switch": ("1: the kill switch is on", ()),
}
_PARTS = ("net", "spread", "adverse_selection", "inventory", "funding", "fees")
_Row = tuple[str, tuple[str, ...], float | None]


def exposition(seen: Overview) -> bytes:
    """Return everything in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(seen))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, seen: Overview) -> None:
        self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family per name."""
        families = {
            name: GaugeMetricFamily(name, text, labels=list(labels)) for name, (text, labels) in FAMILIES.items()
        }
        for name, labels, value in _rows(self._seen):
            if value is not None:
                families[name].add_metric(list(labels), value)
        yield from families.values()


def _rows(seen: Overview) -> Iterator[_Row]:
    states: list[BotState | SidecarState] = [*seen.sidecars, *seen.bots]
    for state in states:
        yield from _program(state, seen.now_ms)
    for bot in seen.bots:
        if not bot.stopped:
            yield from _bot(bot, seen.now_ms)
    for source, notice in seen.notices:
        yield "mm_notice", (notice.name, notice.severity, source, notice.pair or ""), 1.0
    yield "mm_kill_switch", (), float(seen.kill is not None)


def _program(state: BotState | SidecarState, now_ms: int) -> Iterator[_Row]:
    labels = (name_of(state), state.kind)
    yield "mm_program_age_seconds", labels, (now_ms - state.written_ms) / 1e3
    yield "mm_program_stopped", labels, float(state.stopped)
    yield "mm_program_loop_seconds", labels, state.loop_ms / 1e3
    if isinstance(state, SidecarState):
        yield "mm_program_failures", labels, float(len(state.failures))
        for name, value in state.figures.items():
            yield "mm_figure", (state.name, name), value
        for coin in state.coins:
            age = None if coin.age_ms is None else coin.age_ms / 1e3
            yield "mm_coin_age_seconds", (state.name, coin.coin), age


def _bot(bot: BotState, now_ms: int) -> Iterator[_Row]:
    account, labels = bot.account, (bot.bot, bot.mode)
    left = account.actions_left
    yield "mm_equity", labels, account.equity
    yield "mm_actions_left", labels, None if left is None else float(left)
    yield "mm_actions_left_hours", labels, account.hours_left
    yield "mm_weight_per_minute", labels, account.weight_per_minute
    for pair in bot.pairs:
        yield from _pair(bot.bot, pair, now_ms)
        yield from _sides(bot.bot, pair)


def _pair(bot: str, pair: PairState, now_ms: int) -> Iterator[_Row]:
    labels, money, age_ms = (bot, pair.coin), pair.money, pair.calibration.age_ms(now_ms)
    yield "mm_quoting", labels, float(pair.quoting)
    if not pair.quoting:
        yield "mm_not_quoting", (*labels, str(pair.reason or "unknown")), 1.0
    yield "mm_mid", labels, pair.mid
    yield "mm_inventory_lots", labels, pair.inventory
    yield "mm_inventory_bound_lots", labels, pair.maximum_inventory
    yield "mm_calibration_age_seconds", labels, None if age_ms is None else age_ms / 1e3
    yield "mm_fills_today", labels, float(money.fills)
    yield "mm_volume_today", labels, money.volume
    for part in _PARTS:
        yield "mm_day_result", (*labels, part), getattr(money, part)
    for markout in (each for each in pair.markouts if each.n):
        yield "mm_markout_bps", (*labels, f"{markout.horizon_s:g}"), markout.value_bps


def _sides(bot: str, pair: PairState) -> Iterator[_Row]:
    if pair.resting is not None:
        yield "mm_resting_price", (bot, pair.coin, pair.resting.side), pair.resting.price
    if not pair.mid:
        return
    for side, quote in (("bid", pair.bid), ("ask", pair.ask)):
        labels = (bot, pair.coin, side)
        yield "mm_depth_bps", labels, None if quote.depth is None else 1e4 * quote.depth / pair.mid
        for term, value in quote.terms.items():
            yield "mm_depth_term_bps", (*labels, term), 1e4 * value / pair.mid


def families_in(text: str) -> Iterable[str]:
    """Names of the families of an exposition that have a value."""
    return {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if line and line[0] != "#"}
