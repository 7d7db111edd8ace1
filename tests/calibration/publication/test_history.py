"""The history: every row once, in files of the promised form, and nothing looks ahead."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calibration.flow.calibrate import calibrate
from calibration.publication.history import (
    SCHEMA,
    SCHEMA_1_0,
    SEGMENTS_A_DAY,
    SINCE_1_1,
    SINCE_1_2,
    SINCE_1_3,
    HistoryWriter,
    history_row,
    read_history,
    row_flow,
)
from calibration.publication.parameters import Parameters
from calibration.publication.publish import parameters, solve
from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.settings.settings import Settings

DAY_MS = 86_400_000
MIDNIGHT = 19_675 * DAY_MS


@pytest.fixture(scope="module")
def document(half_hour, increments) -> Parameters:
    """Any published calibration, with a slope and a funding rate."""
    found = replace(calibrate(half_hour, increments, Settings()), funding_rate=1e-8)
    flows = found.flows.map(
        lambda flow: replace(flow, adverse_selection_slope=replace(flow.adverse_selection_slope, value=0.3, high=0.5))
    )
    return parameters("ETH", solve([replace(found, flows=flows)], [Settings()])[0], Settings())


def at(document: Parameters, time_ms: int) -> Parameters:
    """The same, published at another time."""
    return document.model_copy(update={"created_ms": time_ms})


def write(folder: Path, document: Parameters, times: list[int], rows_per_segment: int = 2) -> None:
    """Append the same calibration at these times."""
    writer = HistoryWriter(folder, "ETH", rows_per_segment)
    for time_ms in times:
        writer.append(at(document, time_ms))
        writer.merge()
    writer.flush()


def write_older(folder: Path, document: Parameters, times: list[int]) -> Path:
    """A segment as the schema before wrote it."""
    rows = [{name: history_row(at(document, time_ms))[name] for name in SCHEMA_1_0.names} for time_ms in times]
    path = folder / "history" / "ETH" / f"2023-11-14-{times[0]}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA_1_0), path, compression="none", use_dictionary=False)
    return path


def test_rows_come_back_as_they_were_written(tmp_path, document):
    """Every column of a row survives, and the models get from it what they get from the file, θ and funding too."""
    write(tmp_path, document, [MIDNIGHT + 5])
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    expected = history_row(at(document, MIDNIGHT + 5))
    assert {name: history.column(name)[0] for name in SCHEMA.names} == expected
    assert row_flow(history.as_of(2 * MIDNIGHT)) == document.order_flow()
    assert document.order_flow().adverse_selection_slope == (0.3, 0.3)
    assert history.column("calibration_id")[0] == document.calibration_id


def test_columns_and_file_names_are_those_other_programs_rely_on(tmp_path, document):
    """Names of the columns, and a date first in the name of every file."""
    write(tmp_path, document, [MIDNIGHT - 1, MIDNIGHT])
    files = sorted((tmp_path / "history" / "ETH").iterdir())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d(-\d+)*\.parquet", file.name) for file in files)
    assert len(files) == 2
    names = {"created_ms", "window_end_ms", "exposure_s", "mid", "half_spread", "volatility", "status"}
    names |= {"calibration_id", "funding_rate", "tick", "lot", "maker_fee", "regime", "flags"}
    names |= {
        f"{name}{suffix}"
        for name in ("activity", "age_cost", "imbalance", "anchor_gain")
        for suffix in ("", "_low", "_high")
    }
    names |= {"imbalance_response"}
    for side in ("buy", "sell"):
        for name in (
            "arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill",
            "adverse_selection_slope",
        ):  # fmt: skip
            names |= {f"{name}_{side}{suffix}" for suffix in ("", "_low", "_high", "_n")}
    schema = pq.read_schema(files[0])
    assert set(schema.names) == names
    assert schema.metadata[b"schema"] == b"1.3"


def test_as_of_gives_the_newest_row_that_was_published_by_then(tmp_path, document):
    """At the very millisecond of a row it is known, a millisecond earlier it is not."""
    write(tmp_path, document, [MIDNIGHT + 1000, MIDNIGHT + 3000])
    history = read_history(tmp_path, "ETH", MIDNIGHT, MIDNIGHT + DAY_MS)
    assert [history.as_of(MIDNIGHT + t)["created_ms"] - MIDNIGHT for t in (1000, 2999, 3000, 9999)] == [
        1000,
        1000,
        3000,
        3000,
    ]
    with pytest.raises(NotEnoughData, match="0 calibrations up to"):
        history.as_of(MIDNIGHT + 999)


def test_segments_are_merged_and_nothing_is_lost_or_doubled(tmp_path, document):
    """Many rows of two days, some written twice, are read once each, from few files."""
    times = [MIDNIGHT + 15_000 * k for k in range(-40, 60)]
    write(tmp_path, document, times)
    write(tmp_path, document, times[30:50], rows_per_segment=7)
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    assert history.column("created_ms").tolist() == times
    assert len(list((tmp_path / "history" / "ETH").iterdir())) <= 2 * (SEGMENTS_A_DAY + 1)


def test_only_the_asked_for_time_is_read(tmp_path, document):
    """Both ends are included; a coin without history has none."""
    write(tmp_path, document, [MIDNIGHT + k for k in (0, 10, 20, 30)])
    history = read_history(tmp_path, "ETH", MIDNIGHT + 10, MIDNIGHT + 20)
    assert (history.column("created_ms") - MIDNIGHT).tolist() == [10, 20]
    assert len(read_history(tmp_path, "BTC", 0, 2 * MIDNIGHT)) == 0


def test_a_foreign_file_is_refused_by_name(tmp_path, document):
    """A file that is no parquet is named in the message."""
    write(tmp_path, document, [MIDNIGHT])
    (tmp_path / "history" / "ETH" / "2023-11-14-x.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(MalformedMessage, match=r"2023-11-14-x\.parquet"):
        read_history(tmp_path, "ETH", MIDNIGHT - DAY_MS, MIDNIGHT + DAY_MS)


def test_rows_from_before_schema_1_1_are_read_as_they_are(tmp_path, document):
    """What they lack is null in the row, NaN, None or what is asked for in the column, and 0 for the models."""
    write_older(tmp_path, document, [MIDNIGHT + 1])
    write(tmp_path, document, [MIDNIGHT + 2])
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    old, new = (history.as_of(MIDNIGHT + time_ms) for time_ms in (1, 2))
    assert {name for name, value in old.items() if value is None} == {
        *SINCE_1_1.names,
        *SINCE_1_2.names,
        *SINCE_1_3.names,
    }
    assert None not in new.values()
    flow = document.order_flow()
    assert row_flow(old) == replace(flow, adverse_selection_slope=(0.0, 0.0), funding_rate=0.0)
    assert row_flow(new) == flow
    assert np.isnan(history.column("funding_rate")[0])
    assert history.column("funding_rate", missing=0.0).tolist() == [0.0, 1e-8]
    assert history.column("calibration_id").tolist() == [None, document.calibration_id]
    assert history.column("activity").tolist()[1] == document.market.activity.value


def test_segments_of_both_schemas_merge(tmp_path, document):
    """Not a row is lost, and no value of the old ones is made up."""
    old = [MIDNIGHT + 15_000 * k for k in range(40)]
    for k in range(0, 40, 2):
        write_older(tmp_path, document, old[k : k + 2])
    new = [old[-1] + 15_000 * k for k in range(1, 20)]
    write(tmp_path, document, new)
    history = read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)
    assert history.column("created_ms").tolist() == old + new
    assert history.column("tick", missing=-1.0).tolist() == [-1.0] * 40 + [document.market.tick] * 19
    assert len(list((tmp_path / "history" / "ETH").iterdir())) < 10


def test_a_file_that_lacks_what_every_history_has_is_refused(tmp_path, document):
    """The file and the column are named."""
    path = write_older(tmp_path, document, [MIDNIGHT])
    pq.write_table(pq.read_table(path, partitioning=None).drop(["mid"]), path)
    with pytest.raises(MalformedMessage, match=rf"{path.name} is not a segment .* it has no column mid"):
        read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT)


def test_columns_of_a_later_schema_are_ignored(tmp_path, document):
    """A newer calibrator may have written beside an older one."""
    write(tmp_path, document, [MIDNIGHT + 1])
    (path,) = (tmp_path / "history" / "ETH").iterdir()
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.append_column("later", pa.array([1.0])), path)
    assert read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT).table.column_names == SCHEMA.names


def test_the_first_segment_is_shorter_by_its_offset(tmp_path, document):
    """Coins with different offsets write in different cycles."""
    written = []
    for offset in range(3):
        writer = HistoryWriter(tmp_path / str(offset), "ETH", 3, offset)
        counts = []
        for k in range(6):
            writer.append(at(document, MIDNIGHT + k))
            counts.append(len(read_history(tmp_path / str(offset), "ETH", 0, 2 * MIDNIGHT)))
        written.append(counts)
    assert written == [[0, 0, 3, 3, 3, 6], [0, 2, 2, 2, 5, 5], [1, 1, 1, 4, 4, 4]]


def test_a_plain_parquet_reader_reads_the_folder(tmp_path, document):
    """Another program needs nothing of ours to read a history."""
    write(tmp_path, document, [MIDNIGHT - 1, MIDNIGHT])
    code = f"import pyarrow.parquet as pq; print(pq.read_table({str(tmp_path / 'history' / 'ETH')!r}).num_rows)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "2"
    assert np.isfinite(read_history(tmp_path, "ETH", 0, 2 * MIDNIGHT).column("mid")).all()
