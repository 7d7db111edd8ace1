"""The history: every row once, in files of the promised form, and nothing looks ahead."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from calibration.flow.calibrate import Calibration, calibrate
from calibration.publication.history import SCHEMA, SEGMENTS_A_DAY, HistoryWriter, history_row, read_history, row_flow
from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.settings.settings import Settings

DAY_MS = 86_400_000
MIDNIGHT = 19_675 * DAY_MS


@pytest.fixture(scope="module")
def calibration(half_hour, increments) -> Calibration:
    """Any calibration."""
    return calibrate(half_hour, increments, Settings())


def write(folder: Path, calibration: Calibration, times: list[int], rows_per_segment: int = 2) -> None:
    """Append the same calibration at these times."""
    writer = HistoryWriter(folder, "ETH", rows_per_segment)
    for time_ms in times:
        writer.append(replace(calibration, created_ms=time_ms))
        writer.merge()
    writer.flush()


def test_rows_come_back_as_they_were_written(tmp_path, calibration):
    """Every column of a row survives, in the promised order."""
    write(tmp_path, calibration, [MIDNIGHT + 5])
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    expected = history_row(replace(calibration, created_ms=MIDNIGHT + 5))
    assert {name: history.column(name)[0] for name in SCHEMA.names} == expected
    assert row_flow(expected) == calibration.order_flow()


def test_columns_and_file_names_are_those_other_programs_rely_on(tmp_path, calibration):
    """Names of the columns, and a date first in the name of every file."""
    write(tmp_path, calibration, [MIDNIGHT - 1, MIDNIGHT])
    files = sorted((tmp_path / "history" / "ETH").iterdir())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d(-\d+)*\.parquet", file.name) for file in files)
    assert len(files) == 2
    names = {"created_ms", "window_end_ms", "exposure_s", "mid", "half_spread", "volatility", "status"}
    for side in ("buy", "sell"):
        for name in (
            "arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill",
        ):  # fmt: skip
            names |= {f"{name}_{side}{suffix}" for suffix in ("", "_low", "_high", "_n")}
    assert set(pq.read_schema(files[0]).names) == names


def test_as_of_gives_the_newest_row_that_was_published_by_then(tmp_path, calibration):
    """At the very millisecond of a row it is known, a millisecond earlier it is not."""
    write(tmp_path, calibration, [MIDNIGHT + 1000, MIDNIGHT + 3000])
    history = read_history(tmp_path, "ETH", MIDNIGHT, MIDNIGHT + DAY_MS)
    assert [history.as_of(MIDNIGHT + t)["created_ms"] - MIDNIGHT for t in (1000, 2999, 3000, 9999)] == [
        1000,
        1000,
        3000,
        3000,
    ]
    with pytest.raises(NotEnoughData, match="0 calibrations up to"):
        history.as_of(MIDNIGHT + 999)


def test_segments_are_merged_and_nothing_is_lost_or_doubled(tmp_path, calibration):
    """Many rows of two days, some written twice, are read once each, from few files."""
    times = [MIDNIGHT + 15_000 * k for k in range(-40, 60)]
    write(tmp_path, calibration, times)
    write(tmp_path, calibration, times[30:50], rows_per_segment=7)
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    assert history.column("created_ms").tolist() == times
    assert len(list((tmp_path / "history" / "ETH").iterdir())) <= 2 * (SEGMENTS_A_DAY + 1)


def test_only_the_asked_for_time_is_read(tmp_path, calibration):
    """Both ends are included; a coin without history has none."""
    write(tmp_path, calibration, [MIDNIGHT + k for k in (0, 10, 20, 30)])
    history = read_history(tmp_path, "ETH", MIDNIGHT + 10, MIDNIGHT + 20)
    assert (history.column("created_ms") - MIDNIGHT).tolist() == [10, 20]
    assert len(read_history(tmp_path, "BTC", 0, 2 * MIDNIGHT)) == 0


def test_a_foreign_file_is_refused_by_name(tmp_path, calibration):
    """A file that is no parquet is named in the message."""
    write(tmp_path, calibration, [MIDNIGHT])
    (tmp_path / "history" / "ETH" / "2023-11-14-x.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(MalformedMessage, match=r"2023-11-14-x\.parquet"):
        read_history(tmp_path, "ETH", MIDNIGHT - DAY_MS, MIDNIGHT + DAY_MS)


def test_the_first_segment_is_shorter_by_its_offset(tmp_path, calibration):
    """Coins with different offsets write in different cycles."""
    written = []
    for offset in range(3):
        writer = HistoryWriter(tmp_path / str(offset), "ETH", 3, offset)
        counts = []
        for k in range(6):
            writer.append(replace(calibration, created_ms=MIDNIGHT + k))
            counts.append(len(read_history(tmp_path / str(offset), "ETH", 0, 2 * MIDNIGHT)))
        written.append(counts)
    assert written == [[0, 0, 3, 3, 3, 6], [0, 2, 2, 2, 5, 5], [1, 1, 1, 4, 4, 4]]


def test_a_plain_parquet_reader_reads_the_folder(tmp_path, calibration):
    """Another program needs nothing of ours to read a history."""
    write(tmp_path, calibration, [MIDNIGHT - 1, MIDNIGHT])
    code = f"import pyarrow.parquet as pq; print(pq.read_table({str(tmp_path / 'history' / 'ETH')!r}).num_rows)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "2"
    assert np.isfinite(read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT).column("mid")).all()
