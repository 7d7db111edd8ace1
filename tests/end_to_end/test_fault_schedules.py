"""Seeded schedules of faults: what the account has, the bot's books have, soon after whatever went wrong.

``FAULT_SCHEDULES=N`` plays the seeds from 0 to N instead of some; `benchmarks/fault_schedules.py` plays hundreds.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.schedules.drawing import Kind, Stage, Target, draw
from tests.schedules.forge import Forge
from tests.schedules.player import play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if os.environ.get("FAULT_SCHEDULES") else 280)]

AT_ONCE = 3
# An entry and an exit whose bot is killed while they are accepted, the exit then filled; an addition whose answer is
# lost, filled; a full disk.
SOME = (2, 14, 23, 32)


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    """Freqtrade and the guard, loaded once."""
    running = Forge()
    yield running
    running.close()


def test_every_schedule_ends_with_books_that_agree(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing unknown 5 s after the exchange answers again, or 10 s after only the bot fell ill."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    count = os.environ.get("FAULT_SCHEDULES")
    seeds = range(int(count)) if count else SOME
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda seed: play(forge, seed, tmp_path / str(seed)), seeds))
    failures = {f"{outcome.seed} {outcome.name}": outcome.failures for outcome in outcomes if outcome.failures}
    assert failures == {}


def test_the_seeds_go_through_every_kind_target_and_stage() -> None:
    """A seed is a schedule, always the same; a turn of them kills at each stage of each create."""
    plans = [draw(seed) for seed in range(300)]
    assert plans == [draw(seed) for seed in range(300)]
    assert {plan.kind for plan in plans} == set(Kind)
    kills = {(plan.target, plan.stage) for plan in plans[:37] if plan.kind is Kind.KILL}
    assert kills == {(target, stage) for target in Target for stage in Stage}
    assert {plan.leverage for plan in plans} == {1, 3}
    assert {plan.first_fill for plan in plans} == {None, 1.0, 5.0, 11.0}
    assert {plan.kind for plan in map(draw, SOME)} == {Kind.KILL, Kind.LOST, Kind.DISK}
