"""Does the bot's own book agree with the venue's? Freqtrade's database against what the venue filled."""

import contextlib
import sqlite3
from pathlib import Path

_TOLERANCE = 1e-9


def unaccounted(database: Path, positions: dict[str, float], filled_orders: set[int]) -> list[str]:
    """What the venue knows and the bot does not, or the reverse; empty when the two books agree.

    A filled order must stand in the bot's database, and its open trades must add up to the venue's position.
    """
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        known = {row[0] for row in connection.execute("SELECT order_id FROM orders")}
        held = dict(
            connection.execute(
                "SELECT substr(pair, 1, instr(pair, '/') - 1), sum(CASE WHEN is_short THEN -amount ELSE amount END) "
                "FROM trades WHERE is_open GROUP BY 1"
            )
        )
    findings = [
        f"order {order} was filled at the venue and is unknown to the bot"
        for order in sorted(filled_orders)
        if str(order) not in known
    ]
    for coin in sorted(set(held) | set(positions)):
        ours, theirs = held.get(coin) or 0.0, positions.get(coin, 0.0)
        if abs(ours - theirs) > _TOLERANCE:
            findings.append(f"{coin}: the bot holds {ours:g}, the venue says {theirs:g}")
    return findings
