"""Seeded schedules of faults: what rests or stands on the account that the bot's books do not explain.

Usage: ``python benchmarks/fault_schedules.py [--seeds FIRST:END] [--workers N] [--folder DIR] [--json FILE]``.
A run that was interrupted goes on where it ended if it is given the same file; seeds that the file has are not played.
Each schedule is stock Freqtrade in live mode on the local exchange beside `mm guard`, restarted when it ends. Kills at
every stage of a create, frozen processes, lost, late and doubled answers, outages, a full disk, a wrong clock; with
leverage 1 and 3, first fills of 1, 5 and 11 USDC, and somebody who trades through what rests meanwhile. Ten times a
second the venue's account is held against the bot's database. Promised: nothing is unknown 5 s after the exchange
answers again, or 10 s after only the bot fell ill. A seed plays the same schedule again; its logs are in the folder.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.schedules.books import Unknown  # noqa: E402
from tests.schedules.drawing import draw  # noqa: E402
from tests.schedules.forge import Forge  # noqa: E402
from tests.schedules.player import Outcome, play  # noqa: E402

_forge: list[Forge] = []


def _begin() -> None:
    os.environ["NO_PROXY"] = "127.0.0.1"
    os.environ["PYTHONPATH"] = str(ROOT)
    _forge.append(Forge())


def _play(seed: int, folder: Path) -> Outcome:
    return play(_forge[0], seed, folder / str(seed))


def _line(outcome: Outcome) -> str:
    verdict = "ok  " if not outcome.failures else "FAIL"
    worst = f"clean after {outcome.clean_s:4.1f} s, {outcome.usdc_seconds:6.0f} USDC·s, {outcome.restarts} restarts"
    quoting = "" if outcome.is_quoting else ", quotes not yet again"
    return f"{verdict} {outcome.seed:4d} {outcome.name}: {worst}{quoting} {'; '.join(outcome.failures)}".rstrip()


def _summary(outcomes: Iterable[Outcome]) -> None:
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[draw(outcome.seed).kind].append(outcome)
    print(
        f"\n{'kind':9}{'n':>5}{'hit':>5}{'failed':>8}{'with unknown':>14}{'clean after, worst':>20}{'worst USDC·s':>14}"
    )
    total = [outcome for found in kinds.values() for outcome in found]
    for kind, found in (*sorted(kinds.items()), ("all", total)):
        hits, failed = sum(each.is_hit for each in found), sum(bool(each.failures) for each in found)
        unknown = sum(bool(each.unknown) for each in found)
        clean_s, worst = max(each.clean_s for each in found), max(each.usdc_seconds for each in found)
        print(f"{kind:9}{len(found):5}{hits:5}{failed:8}{unknown:14}{clean_s:18.1f} s{worst:14.0f}")
    quoting = sum(each.is_quoting for each in total)
    print(f"\nquoting again when the look ended: {quoting} of {len(total)}")
    for outcome in sorted(total, key=lambda each: each.seed):
        if outcome.failures:
            print(_line(outcome))


def _read(file: Path | None) -> list[Outcome]:
    """What an earlier run has written; nothing where there was none."""
    if file is None or not file.is_file():
        return []
    outcomes = []
    for row in json.loads(file.read_text()):
        unknown = tuple(Unknown(*each) for each in row.pop("unknown"))
        outcomes.append(Outcome(**row | {"failures": tuple(row["failures"]), "unknown": unknown}))
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0:37", metavar="FIRST:END")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    first, end = map(int, options.seeds.split(":"))
    folder = options.folder or Path(mkdtemp(prefix="schedules-"))
    print(f"logs in {folder}", flush=True)
    outcomes, began = _read(options.json), time.monotonic()
    seeds = sorted(set(range(first, end)) - {outcome.seed for outcome in outcomes})
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context, initializer=_begin) as pool:
        played = [pool.submit(_play, seed, folder) for seed in seeds]
        for each in as_completed(played):
            outcomes.append(each.result())
            print(_line(outcomes[-1]), flush=True)
            if options.json is not None:
                options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes]))
    _summary(outcomes)
    print(f"took {(time.monotonic() - began) / 60:.1f} min")
    sys.exit(any(outcome.failures for outcome in outcomes))


if __name__ == "__main__":
    main()
