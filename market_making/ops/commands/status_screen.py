"""The screen of `mm status`: programs, pairs, notices with what to do, what is recorded."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from market_making.ops.commands.options import ago
from market_making.recording.collection.status import StoreStatus
from market_making.safety.findings import SILENT_MS
from market_making.safety.leg_pair import LegPair, leg_pairs
from market_making.safety.notices import State
from market_making.safety.overview import Missing, Overview, Said, name_of
from market_making.safety.state_file import BotState, PairState, SidecarState

_STYLES = {"alarm": "bold red", "warning": "yellow", "info": "cyan"}
# Of the figures of a sidecar those that fit on a line.
_FIGURES = {
    "rows_per_s": "{:,.1f} rows/s",
    "waiting_bytes": "{:,.0f} bytes waiting",
    "dropped": "{:,.0f} rows lost",
    "coins": "coins: {:.0f}",
}


def screen(seen: Overview, store: StoreStatus, venue: str, root: str) -> RenderableType:
    """Everything, the most urgent first; the tables of what is recorded come last, where a small screen cuts."""
    return Group(*_parts(seen, store, venue, root))


def _parts(seen: Overview, store: StoreStatus, venue: str, root: str) -> Iterator[RenderableType]:
    at = datetime.fromtimestamp(seen.now_ms / 1e3, UTC)
    yield Text(f"{venue}, {at:%Y-%m-%d %H:%M:%S} UTC", style="bold")
    if seen.kill is not None:
        yield Text(f"The kill switch is on{_by(seen.kill.by)}: `mm stop --resume` ends it.", style=_STYLES["alarm"])
    for said in seen.notices:
        yield from _notice(said)
    if not seen.notices and seen.runs:
        yield Text("No notice is in force.", style="green")
    for missing in seen.missing:
        yield from _missing(missing)
    if seen.sidecars or seen.bots:
        yield _programs(seen)
    if any(bot.pairs and not bot.stopped for bot in seen.bots):
        yield _pairs(seen)
    yield from (_legs(both) for both in leg_pairs(seen.bots) if not (both.long.stopped and both.short.stopped))
    yield _recorded(store, root)


def _by(whom: str) -> str:
    return f" (by {whom})" if whom else ""


def _notice(said: Said) -> Iterator[RenderableType]:
    source, notice = said
    line = Text.assemble((notice.severity.upper(), _STYLES[notice.severity]), f" {source}: ", notice.text)
    yield line
    yield Padding(Text(notice.remedy, style="dim"), (0, 0, 0, 4))


def _missing(missing: Missing) -> Iterator[RenderableType]:
    yield Text(f"{missing.text[0].upper()}{missing.text[1:]}. This starts it:")
    yield Padding(Text(missing.command, style="bold"), (0, 0, 0, 4))


def _table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", expand=False)
    for column in columns:
        table.add_column(Text(column), justify="right" if column in right else "left")
    return table


def _programs(seen: Overview) -> RenderableType:
    table = _table("programs", "program", "runs", "wrote", "says", right=("wrote",))
    states: tuple[State, ...] = (*seen.sidecars, *seen.bots)
    for state in states:
        age_ms = seen.now_ms - state.written_ms
        table.add_row(Text(name_of(state)), _runs(state, age_ms), ago(age_ms / 1e3), Text(_says(state)))
    return table


def _runs(state: State, age_ms: int) -> Text:
    if state.stopped:
        return Text("stopped", style="dim")
    return Text("silent", style=_STYLES["alarm"]) if age_ms > SILENT_MS else Text("yes", style="green")


def _says(state: State) -> str:
    if isinstance(state, SidecarState):
        figures = (text.format(state.figures[name]) for name, text in _FIGURES.items() if state.figures.get(name))
        return ", ".join([*figures, *state.failures])
    parts = [state.mode, f"loop {state.loop_ms:.0f} ms", f"today {state.account.money.net:+.2f} quote"]
    if state.account.hours_left is not None:
        parts.append(f"actions for {state.account.hours_left:.0f} h")
    return ", ".join(parts)


def _pairs(seen: Overview) -> RenderableType:
    columns = ("bot", "coin", "quotes", "order", "inventory [lots]", "calibrated", "fills", "today [quote]")
    table = _table("pairs", *columns, right=columns[4:])
    for bot in seen.bots:
        for pair in () if bot.stopped else bot.pairs:
            created_ms = pair.calibration.created_ms
            table.add_row(
                Text(bot.bot),
                Text(pair.coin),
                _quotes(bot, pair, seen.now_ms),
                Text(_order(pair)),
                f"{pair.inventory:.2f} of {pair.maximum_inventory:g}",
                "none" if created_ms is None else ago((seen.now_ms - created_ms) / 1e3),
                f"{pair.money.fills}",
                f"{pair.money.net:+.2f}",
            )
    return table


def _legs(both: LegPair) -> RenderableType:
    """Both legs as one market maker, with the transfer that makes their capital equal."""
    columns = ("coin", "bid", "ask", "net [coins]", "gross [coins]", "fills", "today [quote]")
    table = _table(f"two legs: {both.name}", *columns, right=columns[3:])
    for each in both.coins:
        resting = {order.side: f"{order.price:g}" for order in (each.long.resting, each.short.resting) if order}
        figures = f"{each.net:+g}", f"{each.gross:g}", f"{each.long.money.fills + each.short.money.fills}"
        day = f"{each.long.money.net + each.short.money.net:+.2f}"
        table.add_row(Text(each.coin), resting.get("bid", "none"), resting.get("ask", "none"), *figures, day)
    worth = (f"{leg} {_worth(bot)}" for leg, bot in (("long", both.long), ("short", both.short)))
    transfer = both.transfer
    mend = "" if transfer is None else f"; to make them equal, {transfer.sentence}"
    style = _STYLES["warning"] if transfer is not None and transfer.is_due else ""
    return Group(table, Text(f"Capital: {', '.join(worth)}{mend}.", style=style))


def _worth(bot: BotState) -> str:
    equity = bot.account.equity
    return "not known" if equity is None else f"{equity:,.2f} USDC"


def _quotes(bot: BotState, pair: PairState, now_ms: int) -> Text:
    if now_ms - bot.written_ms > SILENT_MS:
        return Text("unknown", style=_STYLES["alarm"])
    if pair.quoting:
        return Text("exiting" if pair.leaving else "yes", style=_STYLES["warning"] if pair.leaving else "green")
    return Text(f"no: {pair.detail or pair.reason or 'no reason is known'}", style=_STYLES["warning"])


def _order(pair: PairState) -> str:
    resting = pair.resting
    return "none" if resting is None else f"{resting.side} {resting.size:g} at {resting.price:g}"


def _recorded(store: StoreStatus, root: str) -> RenderableType:
    if not store.coins:
        return Text(f"Nothing was recorded in {root}.")
    columns = ("coin", "stream", "rows", "newest", "gaps", "size")
    table = _table(f"the last recorded day in {root}", *columns, right=columns[2:])
    for coin, streams in store.coins.items():
        for stream, stands in streams.items():
            age, size = ago(stands.age_ms / 1e3), f"{stands.bytes / 1e6:.1f} MB"
            table.add_row(coin, str(stream), f"{stands.rows:,}", age, str(stands.gaps), size)
    return Group(table, Text(f"The exchange's clock: {_beside(store.clock_offset_ms)}."))


def _beside(offset_ms: float | None) -> str:
    if offset_ms is None:
        return "not measured within the last minute"
    return f"{abs(round(offset_ms))} ms {'ahead of' if offset_ms >= 0 else 'behind'} this machine's"
