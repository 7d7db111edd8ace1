"""What a study found: one document, and two tables in parquet."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from market_making.market.durable_file import replace_file
from market_making.market.errors import ConfigurationError
from market_making.recording.store.segments import DAY_MS, day_number
from market_making.replay.study.outcome import Outcome
from market_making.replay.study.study import Judged, Study

TRIALS, HELD_OUT, DOCUMENT = "trials.parquet", "held_out.parquet", "study.json"
_NOTES = ("net_per_hour", "low", "high", "net_bps", "fills", "processor_s", "error")


class Winner(NamedTuple):
    """What a study leaves to others: strategy, coins, the winner's parameters, and the last day of its search."""

    strategy: str
    coins: tuple[str, ...]
    parameters: dict[str, Any]
    last_day: str

    @property
    def free_ms(self) -> int:
        """Where the days begin that the search has not seen [ms]."""
        return (day_number(self.last_day) + 1) * DAY_MS


def winner_of(folder: Path) -> Winner:
    """The winner of a study that has ended.

    Raises
    ------
    ConfigurationError
        If the folder holds none.
    """
    try:
        said = orjson.loads((folder / DOCUMENT).read_bytes())
        last = said["folds"][-1]
        return Winner(said["strategy"], tuple(said["coins"]), last["parameters"], max(last["train"]))
    except (OSError, KeyError, IndexError, TypeError, orjson.JSONDecodeError):
        raise ConfigurationError(f"{folder} must hold {DOCUMENT} of a study that has ended; run mm sweep") from None


def write_document(said: dict[str, Any], folder: Path) -> None:
    """Keep what `mm sweep --json` prints."""
    replace_file(folder / DOCUMENT, orjson.dumps(said, option=orjson.OPT_INDENT_2))


def write_tables(judged: Sequence[Judged], folder: Path) -> None:
    """Write one row a trial and one row a fold, whole or not at all.

    Parameters
    ----------
    judged : Sequence[Judged]
        Folds in their order.
    folder : Path
        Where `TRIALS` and `HELD_OUT` are written.
    """
    for name, rows in ((TRIALS, _trial_rows(judged)), (HELD_OUT, map(fold_row, judged))):
        buffer = BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows)), buffer, compression="zstd")
        replace_file(folder / name, buffer.getbuffer())


def _trial_rows(judged: Sequence[Judged]) -> Iterator[dict[str, Any]]:
    for place, each in enumerate(judged):
        for tried in each.tried:
            row: dict[str, Any] = {"fold": place, "trial": tried.number, "value": tried.value}
            row |= {name: tried.notes.get(name) for name in _NOTES}
            yield row | {f"parameter_{name}": value for name, value in tried.setting.items()}


def fold_row(each: Judged) -> dict[str, Any]:
    """A fold: its days, its winner, and what that earned afterwards beside the present values."""
    row: dict[str, Any] = {"train": list(each.fold.train), "held_out": list(each.fold.held_out)}
    row |= {"trial": each.winner.number, "parameters": dict(each.winner.setting), "value": each.winner.value}
    row |= {"searched_fills": each.winner.notes["fills"]}
    row |= {"trials": len(each.tried), "failed": sum(tried.value is None for tried in each.tried)}
    return row | _beside(each.held_out, each.present)


def document(study: Study, judged: Sequence[Judged], estimate_hours: float, spent_hours: float) -> dict[str, Any]:
    """What `mm sweep --json` prints; money per hour and coin in quote currency.

    Parameters
    ----------
    study : Study
        What was asked for.
    judged : Sequence[Judged]
        Its folds.
    estimate_hours, spent_hours : float
        Of this run: what was to be expected and what the trials took [core-hours].
    """
    together = Outcome.joined([each.held_out for each in judged]), Outcome.joined([each.present for each in judged])
    errors = [str(tried.notes["error"]) for each in judged for tried in each.tried if tried.value is None]
    return {
        "strategy": study.spec.strategy,
        "coins": list(study.spec.coins),
        "objective": study.spec.objective,
        "folds": [fold_row(each) for each in judged],
        "parameters": dict(judged[-1].winner.setting),
        "held_out": _beside(*together),
        "failed": len(errors),
        "errors": sorted(set(errors)),
        "estimate_core_hours": estimate_hours,
        "core_hours": spent_hours,
        "folder": str(study.folder),
    }


def _beside(winner: Outcome, present: Outcome) -> dict[str, Any]:
    net, usual, less = winner.net_per_hour, present.net_per_hour, winner.less(present)
    return {
        "net_per_hour": net.value,
        "low": net.low,
        "high": net.high,
        "fills": winner.fills,
        "net_bps": winner.net_bps,
        "present_per_hour": usual.value,
        "present_low": usual.low,
        "present_high": usual.high,
        "difference": less.value,
        "difference_low": less.low,
        "difference_high": less.high,
    }
