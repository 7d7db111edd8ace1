"""A cycle: files while there is data, none without; one at a time and in hindsight the same numbers."""

import contextlib
import gc
import logging
import shutil
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from calibration.backfill import backfill, calibrate_once
from calibration.calibrator import ROWS_PER_SEGMENT, Calibrator
from calibration.estimators.shadow_quote import Timing
from calibration.flow.calibrate import calibrate
from calibration.observation.increments import infer_increments
from calibration.publication.history import ROWS_KEPT, SEGMENTS_A_DAY, HistoryWriter, read_history
from calibration.publication.parameters import Parameters, read_parameters
from calibration.volatility.training import TrainedVolatility
from market_making.market.errors import DataError, NotEnoughData, StaleParameters, UnknownCoin
from market_making.market.tape import Tape
from market_making.recording.store.segments import write_segment
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream
from market_making.settings.sections import CalibrationSettings, Horizon
from market_making.settings.settings import Settings
from market_making.simulation.led_market import LedMarket
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape
from tests.calibration.conftest import SECONDS, START, record, record_quotes


def test_every_coin_gets_a_file_that_can_be_quoted_from(settings):
    """After a cycle the files of both coins are readable, complete, and expire when they say."""
    calibrator = Calibrator(settings)
    now_ms = START + 900_000
    assert calibrator.cycle(now_ms) == 2
    for coin in settings.coins:
        parameters = read_parameters(settings.parameters, coin, venue="hyperliquid", now_ms=now_ms)
        assert parameters.created_ms == now_ms
        assert 0 <= now_ms - parameters.window.end_ms < 2_000
        assert parameters.window.exposure_s == pytest.approx(600, abs=1)
        assert (parameters.model.order_size * parameters.market.mid) == pytest.approx(100, rel=0.5)
        assert parameters.hjb.inventory == list(range(-3, 4))
        assert parameters.hjb.bid_depth[0][-1] is None
        with pytest.raises(StaleParameters):
            read_parameters(settings.parameters, coin, venue="hyperliquid", now_ms=now_ms + 61_000)


def test_the_identity_of_a_calibration_is_its_content(settings):
    """The same data give the same identity, other data another."""
    first = calibrate_once("ETH", START + 900_000, settings)
    again = calibrate_once("ETH", START + 900_000, settings)
    later = calibrate_once("ETH", START + 915_000, settings)
    assert first.calibration_id == again.calibration_id != later.calibration_id
    assert len(first.calibration_id) == 12


def test_a_dead_collector_leaves_no_fresh_file(settings, caplog):
    """When the newest quote is older than the limit the coin is refused with its age, and the old file stays."""
    calibrator = Calibrator(settings)
    end_ms = START + SECONDS * 1000
    calibrator.cycle(end_ms)
    before = (settings.parameters / "ETH.json").read_bytes()
    with caplog.at_level(logging.WARNING):
        assert calibrator.cycle(end_ms + 45_000) == 0
    assert "ETH is not calibrated: the newest quote is 45 s old, limit 30 s" in caplog.text
    assert (settings.parameters / "ETH.json").read_bytes() == before


def test_hindsight_ends_where_the_recording_does(settings):
    """A row more than the limit after the newest quote would be one that the service did not write."""
    end_ms = START + SECONDS * 1000
    backfill("ETH", settings, start_ms=end_ms - 60_000, end_ms=end_ms + 300_000)
    created = read_history(settings.parameters, "ETH", 0, 2 * START).column("created_ms")
    assert end_ms + 15_000 < created[-1] <= end_ms + 30_000
    with pytest.raises(NotEnoughData, match="the newest quote is 60 s old, limit 30 s"):
        calibrate_once("ETH", end_ms + 60_000, settings)


def test_a_coin_without_data_does_not_stop_the_others(settings, caplog):
    """An unknown coin is logged with its name, the others are published."""
    calibrator = Calibrator(settings.model_copy(update={"coins": ("NONE", "ETH")}))
    with caplog.at_level(logging.WARNING):
        assert calibrator.cycle(START + 900_000) == 1
    assert "NONE is not calibrated" in caplog.text


def test_the_service_publishes_what_one_calibration_would(settings):
    """The first cycle of the service and a single calibration at the same time give the same numbers."""
    now_ms = START + 900_000
    Calibrator(settings).cycle(now_ms)
    served = read_parameters(settings.parameters, "ETH", venue="hyperliquid", now_ms=now_ms)
    assert calibrate_once("ETH", now_ms, settings) == served


def test_hindsight_knows_no_more_than_the_service_did(settings, tmp_path):
    """Rows of a backfill equal those the service wrote cycle by cycle."""
    calibrator = Calibrator(settings)
    times = range((START + 510_000) // 15_000 * 15_000, START + 800_000, 15_000)
    for now_ms in times:
        calibrator.cycle(now_ms)
    calibrator.close()
    served = read_history(settings.parameters, "SOL", 0, 2 * START)
    again = settings.model_copy(update={"parameters": tmp_path / "again"})
    written = backfill("SOL", again, start_ms=times[0], end_ms=times[-1], every_s=15)
    filled = read_history(again.parameters, "SOL", 0, 2 * START)
    assert written == (len(served), len(times), "")
    assert len(served) == len(times)
    assert filled.table.equals(served.table)


@pytest.mark.parametrize("prices", [(150.0, 90.0), (90.0, 150.0)])
def test_a_tick_that_changes_with_the_price_is_noticed(settings, tmp_path, prices):
    """Over a power of ten the service takes the new tick without a restart; no row of a backfill knows it before."""
    truth = default_truths(["SOL"])[0]
    parts = [
        simulate_tape(replace(truth, start_price=price), seed=n, seconds=900, start_ms=START + 900_000 * n)
        for n, price in enumerate(prices)
    ]
    store, change_ms, end_ms = tmp_path / "store", START + 900_000, START + 1_790_000
    for part in parts:
        record(store, "SOL", part)
    settings = settings.model_copy(update={"coins": ("SOL",), "market_data": store})
    calibrator = Calibrator(settings)
    times = range((START + 510_000) // 15_000 * 15_000, end_ms, 15_000)
    for now_ms in times:
        calibrator.cycle(now_ms)
    calibrator.close()
    served = read_history(settings.parameters, "SOL", 0, 2 * START)
    last = calibrate_once("SOL", times[-1], settings.model_copy(update={"parameters": tmp_path / "once"}))
    published = read_parameters(settings.parameters, "SOL", venue="hyperliquid", now_ms=times[-1])
    assert published.market.tick == last.market.tick == pytest.approx(10.0 ** (np.floor(np.log10(prices[1])) - 4))
    for stop_ms in (change_ms - 1, times[-1]):
        again = settings.model_copy(update={"parameters": tmp_path / str(stop_ms)})
        backfill("SOL", again, start_ms=times[0], end_ms=stop_ms, every_s=15)
        filled = read_history(again.parameters, "SOL", 0, 2 * START)
        assert filled.table.equals(served.table.slice(0, len(filled)))


def test_a_backfill_reports_its_progress_and_skips_times_without_data(settings):
    """Rows begin when enough was observed; progress ends at one."""
    shares: list[float] = []
    written = backfill(
        "ETH", settings, start_ms=START - 600_000, end_ms=START + 600_000, every_s=60, on_progress=shares.append
    )
    created = read_history(settings.parameters, "ETH", 0, 2 * START).column("created_ms")
    assert written.rows == len(created) < written.times
    assert "need 300 s" in written.refusal
    assert created[0] >= START + 300_000
    assert shares[-1] == 1.0


@pytest.mark.parametrize("at", [START - 5_000, START + 100_000])
def test_too_little_data_is_refused_with_its_counts(settings, at):
    """Before and shortly after the first event a calibration says what it saw and what it needs."""
    with pytest.raises(NotEnoughData, match=r"\d+ (quotes|market orders)"):
        calibrate_once("ETH", at, settings)
    with pytest.raises(NotEnoughData, match=r"ETH"):
        backfill("ETH", settings, start_ms=at - 100, end_ms=at, every_s=0.1)
    with pytest.raises(UnknownCoin):
        calibrate_once("NONE", at, settings)


def test_a_cycle_publishes_what_was_read_before_it(settings, tmp_path):
    """Read in any number of steps, seconds before the cycle or in it: only the newest events may be missing."""
    plain = Calibrator(settings)
    other = settings.model_copy(update={"parameters": tmp_path / "ahead"})
    ahead = Calibrator(other)
    for now_ms in range(START + 900_000, START + 990_000, 15_000):
        for early_ms in (9_000, 2_000, 0):
            at_s = (now_ms - early_ms) / 1e3
            assert sorted(ahead.read_on(lambda at_s=at_s: at_s, lambda: False)) == ["ETH", "SOL"]
        assert plain.cycle(now_ms) == ahead.cycle(now_ms, settings.coins) == 2
        for coin in settings.coins:
            files = [(folder / f"{coin}.json").read_bytes() for folder in (settings.parameters, other.parameters)]
            assert files[0] == files[1]
    later_ms = now_ms + 15_000
    ahead.read_on(lambda: later_ms / 1e3 - 2, lambda: False)
    ahead.cycle(later_ms, settings.coins)
    for coin in settings.coins:
        window = read_parameters(other.parameters, coin, venue="hyperliquid", now_ms=later_ms).window
        assert window.start_ms == later_ms - 600_000
        assert later_ms - 4_000 < window.end_ms <= later_ms - 2_000


def test_every_coin_has_its_turn_where_there_is_no_time_for_all(settings, caplog):
    """Reading goes on with the coin read longest ago; a coin that nobody records is told of and stops nobody."""
    calibrator = Calibrator(settings.model_copy(update={"coins": ("NONE", "ETH", "SOL")}))
    now_s = START / 1e3 + 900
    assert calibrator.read_on(lambda: now_s, lambda: True) == []
    turns = []
    for turn in range(6):
        answers = iter([False, True])
        turns += calibrator.read_on(lambda turn=turn: now_s + turn, lambda answers=answers: next(answers))
    assert turns == ["ETH", "SOL"] * 3
    assert calibrator.cycle(round((now_s + 6) * 1e3), ["ETH", "SOL"]) == 2
    assert "NONE is not calibrated" in caplog.text
    assert {state.coin: state.status for state in calibrator.coin_states(0)}["NONE"] == "refused"


def test_a_coin_whose_recording_begins_later_is_taken_in(settings, root, tmp_path):
    """Wanted by the pair that Freqtrade trades: its folder is called as the exchange writes it."""
    store = tmp_path / "later"
    shutil.copytree(root / settings.venue / "ETH", store / settings.venue / "ETH")
    wanted = {"coins": (), "pairs": ("ETH/USDC:USDC", "KPEPE/USDC:USDC"), "market_data": store}
    calibrator, now_ms = Calibrator(settings.model_copy(update=wanted)), START + 900_000
    assert calibrator.cycle(now_ms) == 1
    shutil.copytree(root / settings.venue / "SOL", store / settings.venue / "kPEPE")
    assert calibrator.cycle(now_ms + 1) == 2
    published = read_parameters(settings.parameters, "kPEPE", venue=settings.venue, now_ms=None)
    assert (published.coin, published.pair) == ("kPEPE", "KPEPE/USDC:USDC")


def test_no_cycle_waits_for_the_histories(settings):
    """They are written after it, and are whole when the service ends."""
    calibrator, times = Calibrator(settings), [START + 600_000 + 5_000 * number for number in range(ROWS_PER_SEGMENT)]
    folder = settings.parameters / "history"
    for now_ms in times:
        before = sorted(folder.rglob("*.parquet"))
        calibrator.cycle(now_ms)
        assert sorted(folder.rglob("*.parquet")) == before
        calibrator.record_histories()
    assert sorted(folder.rglob("*.parquet")), "the coins have their turns in different cycles"
    calibrator.close()
    for coin in settings.coins:
        assert read_history(settings.parameters, coin, 0, 2 * START).column("created_ms").tolist() == times


def test_a_history_that_cannot_be_written_is_told_whoever_asked_for_it(settings, monkeypatch):
    """After a cycle, as the service asks, or before the next one."""

    def refused(self, parameters):
        raise OSError("the disk is full")

    monkeypatch.setattr(HistoryWriter, "append", refused)
    calibrator = Calibrator(settings)
    calibrator.cycle(START + 600_000)
    assert calibrator.failures == ()
    calibrator.cycle(START + 605_000)
    assert len([failure for failure in calibrator.failures if "history" in failure]) == 2
    calibrator.record_histories()
    assert len(calibrator.failures) == 4


def test_a_history_that_cannot_be_merged_stops_nobody(settings, caplog):
    """A foreign file among the segments of one coin is told of; the others are merged and the service goes on."""
    calibrator = Calibrator(settings)
    for number in range(ROWS_PER_SEGMENT * (SEGMENTS_A_DAY + 2)):
        calibrator.cycle(START + 600_000 + 5_000 * number)
    folder = settings.parameters / "history"
    (folder / "ETH" / "2023-11-14-1.parquet").write_bytes(b"nonsense")
    calibrator.merge_histories(lambda: False)
    assert "the history of ETH is not merged" in caplog.text
    assert len(list((folder / "SOL").iterdir())) == 1
    assert len(list((folder / "ETH").iterdir())) > SEGMENTS_A_DAY


def test_between_cycles_the_shadow_maker_is_replayed_for_those_that_waited_longest(settings):
    """One of two coins in a turn, and none again within half a minute; with the timing of the bot's record."""
    timing = Timing(0.0, 400.0, 1100.0, 700.0, 400.0, 120.0)
    calibrator, now_ms = Calibrator(settings, lambda: timing), START + 600_000
    calibrator.cycle(now_ms)
    replayed: list[list[int]] = []
    for age_ms in (15_000, 30_000, 30_000, 45_000):
        calibrator.cycle(now_ms + age_ms)
        calibrator.replay_on(now_ms + age_ms, lambda: False)
        files = [
            read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=None) for coin in ("ETH", "SOL")
        ]
        assert {file.shadow.timing.source for file in files} == {"record"}
        replayed.append([round(calibrator._previous[coin].shadow.age_s(now_ms)) for coin in ("ETH", "SOL")])
    assert replayed[0] == [0, 0]
    assert sorted(replayed[1]) == [-30, 0]
    assert replayed[2] == replayed[3] == [-30, -30]


def test_a_leader_that_is_recorded_is_judged_between_cycles(settings, tmp_path):
    """Its lead and γ are in the file, as in one calibration; where it is not recorded, or is itself, there is none."""
    truth, root = LedMarket(lead_s=0.6), tmp_path / "both"
    tape, leader = truth.simulate(seed=1, seconds=700)
    tape, leader = shifted(tape, START), leader._replace(time_ms=leader.time_ms + START)
    record(root, "ETH", tape)
    record(root, "SOL", tape)
    record_quotes(root, "binanceusdm", "ETH", leader)
    calibration = settings.calibration.model_copy(update={"leader": "binanceusdm"})
    settings = settings.model_copy(update={"market_data": root, "calibration": calibration})
    calibrator, now_ms = Calibrator(settings), START + 620_000
    for later_ms in (0, 31_000, 62_000, 63_000):
        calibrator.cycle(now_ms + later_ms)
        calibrator.replay_on(now_ms + later_ms, lambda: False)
    found = {
        coin: read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=None).fair_value
        for coin in settings.coins
    }
    assert found["SOL"].leader is None
    assert found["ETH"].leader.name == "ETH of binanceusdm"
    assert found["ETH"].leader.lead_s.value == pytest.approx(0.6, abs=0.1)
    assert found["ETH"].leader.response.value == pytest.approx(0.6, abs=0.1)
    assert not found["ETH"].used
    once = calibrate_once("ETH", now_ms + 62_000, settings.model_copy(update={"parameters": tmp_path / "once"}))
    assert once.fair_value.leader.name == "ETH of binanceusdm"
    itself = settings.model_copy(update={"calibration": calibration.model_copy(update={"leader": settings.venue})})
    assert calibrate_once("ETH", now_ms, itself).fair_value.leader is None


def shifted(tape: Tape, by_ms: int) -> Tape:
    """The same tape later."""
    quotes, trades = (part._replace(time_ms=part.time_ms + by_ms) for part in (tape.quotes, tape.trades))
    return Tape(quotes, trades, tape.gaps, tape.start_ms + by_ms, tape.end_ms + by_ms)


def test_one_torn_file_of_one_coin_stops_nobody(settings, root, tmp_path, caplog):
    """A segment of announced funding that cannot be read is told of, and its coin is calibrated without it."""
    store = tmp_path / "store"
    shutil.copytree(root, store)
    (store / "hyperliquid" / "ETH" / "2023-11-14" / "context.parquet").write_bytes(b"PAR1 torn")
    calibrator = Calibrator(settings.model_copy(update={"market_data": store}))
    now_ms = START + 900_000
    reached = calibrator.read_on(lambda: now_ms / 1e3, lambda: False)
    assert calibrator.cycle(now_ms, reached) == 2
    assert "the funding of ETH is taken to be 0 per hour" in caplog.text


def test_a_recording_that_is_away_stops_nobody_and_is_read_again(settings, tmp_path, caplog):
    """As on a network disk: the coins are refused with the cause until it is back."""
    away = tmp_path / "away"
    shutil.copytree(settings.market_data, tmp_path / "ticks")
    calibrator, now_ms = Calibrator(settings.model_copy(update={"market_data": tmp_path / "ticks"})), START + 900_000
    assert calibrator.cycle(now_ms) == 2
    (tmp_path / "ticks").rename(away)
    (tmp_path / "ticks").touch()
    assert calibrator.cycle(now_ms + 1_000) == 0
    assert "what is recorded of ETH cannot be read" in caplog.text
    (tmp_path / "ticks").unlink()
    away.rename(tmp_path / "ticks")
    assert calibrator.cycle(now_ms + 2_000) == 2


def test_one_file_that_cannot_be_written_stops_nobody(settings, caplog):
    """The others are published, remembered and recorded; the coin is written again when it can be."""
    blocked = settings.parameters / "ETH.json"
    blocked.mkdir(parents=True)
    calibrator = Calibrator(settings)
    now_ms = START + 900_000
    calibrator.cycle(now_ms)
    assert "the parameters of ETH are not written" in caplog.text
    assert (settings.parameters / "SOL.json").exists()
    blocked.rmdir()
    calibrator.cycle(now_ms + 15_000)
    calibrator.close()
    rows = {coin: read_history(settings.parameters, coin, 0, 2 * START) for coin in settings.coins}
    assert [len(rows["ETH"]), len(rows["SOL"])] == [1, 2]
    assert read_parameters(settings.parameters, "ETH", venue="hyperliquid", now_ms=now_ms + 15_000)


def test_files_wait_neither_for_what_is_estimated_meanwhile_nor_for_garbage(settings, monkeypatch):
    """A thread that comes back from the disk has its turn within a millisecond while files are written, not after."""
    write, usual, seen = Parameters.write, sys.getswitchinterval(), []

    def watched(document, folder):
        seen.append((sys.getswitchinterval(), gc.isenabled()))
        return write(document, folder)

    monkeypatch.setattr(Parameters, "write", watched)
    calibrator = Calibrator(settings)
    assert calibrator.cycle(START + 900_000) == 2
    assert [(turn_s <= 0.001, collects) for turn_s, collects in seen] == [(True, False)] * 2
    monkeypatch.setattr(Parameters, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        calibrator.cycle(START + 915_000)
    assert sys.getswitchinterval() == usual > 0.001
    assert gc.isenabled()


def test_a_full_disk_loses_no_row_of_the_history(settings, monkeypatch):
    """Rows wait in memory until they can be written, an hour of them."""
    calibrator, history = Calibrator(settings), HistoryWriter(settings.parameters, "X", 4)
    calibrator.cycle(START + 900_000)
    document = read_parameters(settings.parameters, "ETH", venue="hyperliquid", now_ms=None)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(LocalStorage, "publish", full)
        for number in range(ROWS_KEPT + 10):
            with contextlib.suppress(OSError):
                history.append(document.model_copy(update={"created_ms": number}))
    history.append(document.model_copy(update={"created_ms": ROWS_KEPT + 10}))
    created = read_history(settings.parameters, "X", 0, START).column("created_ms")
    assert created.tolist() == list(range(11, ROWS_KEPT + 11))


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "WLFI"])
def test_recorded_coins_calibrate_and_backfill(recordings, tmp_path, coin):
    """Every recorded coin has a calibration at its end and rows before it; the early session is too short."""
    settings = Settings(market_data=recordings, parameters=tmp_path)
    first_ms, end_ms = TickStore(recordings).extent(coin)
    parameters = calibrate_once(coin, end_ms, settings)
    assert parameters.quality.status == "ok"
    for flow in (parameters.buy, parameters.sell):
        assert 0.1 < flow.fill_decay.value * parameters.market.mid / 1e4 < 5
        assert flow.arrival_rate.low > 0
    assert backfill(coin, settings, start_ms=end_ms - 600_000, end_ms=end_ms, every_s=60).rows == 10
    with pytest.raises(DataError, match=coin):
        calibrate_once(coin, first_ms + 60_000, settings)


@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL", "WLFI"])
def test_impact_agrees_between_the_halves_of_a_recording(recordings, coin):
    """Adverse selection has the same sign and order of magnitude in both, that of fills agrees within a factor of 3."""
    store = TickStore(recordings)
    end_ms = store.extent(coin)[1]
    settings = Settings(calibration=CalibrationSettings(minimum_exposure_s=300))
    halves = []
    for start_ms in (end_ms - 1_320_000, end_ms - 660_000):
        tape = store.tape(coin, start_ms, start_ms + 660_000)
        halves.append(calibrate(tape, infer_increments(tape.quotes), settings).flows)
    for one, other in zip(*halves, strict=True):
        for name, factor in (("adverse_selection", 10.0), ("adverse_selection_on_fill", 3.0)):
            first, second = getattr(one, name).value, getattr(other, name).value
            assert min(first, second) > 0
            assert max(first, second) < factor * min(first, second)


def test_who_is_paid_to_be_short_quotes_to_be_short(settings, root):
    """A recorded funding rate reaches the file per second, and moves both quotes down."""
    neutral = calibrate_once("ETH", START + 900_000, settings)
    stamp = np.array([START + 800_000, START + 890_000, START + 950_000])
    table = pa.table({"exchange_ms": stamp, "local_ms": stamp, "funding": [0.0, 3.6, -3.6]})
    absent = {
        name: pa.nulls(3, pa.float64()) for name in SCHEMAS[Stream.CONTEXT].names if name not in table.column_names
    }
    for name, column in absent.items():
        table = table.append_column(name, column)
    names = SCHEMAS[Stream.CONTEXT].names
    paths = write_segment(root, "hyperliquid", "ETH", Stream.CONTEXT, table.select(names).cast(SCHEMAS[Stream.CONTEXT]))
    try:
        paid = calibrate_once("ETH", START + 900_000, settings)
    finally:
        for path in paths:
            (root / path).unlink()
    assert paid.market.funding_rate == pytest.approx(1e-3)
    middle = len(paid.hjb.inventory) // 2
    assert paid.hjb.ask_depth[0][middle] < neutral.hjb.ask_depth[0][middle]
    assert paid.hjb.bid_depth[0][middle] > neutral.hjb.bid_depth[0][middle]


def test_a_backfill_knows_the_funding_that_was_announced_by_then(settings, root, caplog):
    """As in the service: the last within two hours, nothing before it was announced, 0 where it cannot be read."""
    names = SCHEMAS[Stream.CONTEXT].names
    stamp = [START + 700_000, START + 800_000, START + 850_000]
    rows = [
        {"exchange_ms": at, "local_ms": at, "funding": rate} for at, rate in zip(stamp, (3.6, None, 7.2), strict=True)
    ]
    table = pa.Table.from_pylist([dict.fromkeys(names) | row for row in rows], schema=SCHEMAS[Stream.CONTEXT])
    paths = [root / path for path in write_segment(root, "hyperliquid", "ETH", Stream.CONTEXT, table)]
    try:
        backfill("ETH", settings, start_ms=START + 600_000, end_ms=START + 900_000, every_s=50)
        history = read_history(settings.parameters, "ETH", 0, 2 * START)
        paths[0].write_bytes(b"torn")
        again = settings.model_copy(update={"parameters": settings.parameters / "again"})
        backfill("ETH", again, start_ms=START + 880_000, end_ms=START + 900_000, every_s=10)
    finally:
        for path in paths:
            path.unlink()
    times = history.column("created_ms")
    expected = np.select([times >= stamp[2], times >= stamp[0]], [2e-3, 1e-3], 0.0)
    assert history.column("funding_rate") == pytest.approx(expected)
    assert "the funding of ETH is taken to be 0" in caplog.text
    assert read_history(again.parameters, "ETH", 0, 2 * START).column("funding_rate").tolist() == [0.0] * 3


def test_a_session_publishes_the_whole_table(settings):
    """With a planned end the file holds h and depths for every time left, from the end to the start of the session."""
    model = settings.model.model_copy(
        update={"horizon": Horizon(mode="session", seconds=3600.0), "terminal_penalty": 0.01}
    )
    parameters = calibrate_once("ETH", START + 900_000, settings.model_copy(update={"model": model}))
    table = parameters.hjb
    assert parameters.model.horizon.seconds == 3600.0
    assert (table.time_left_s[0], table.time_left_s[-1]) == (0.0, 3600.0)
    assert len(table.h) == len(table.time_left_s) == len(table.bid_depth)
    assert table.h[0] == pytest.approx([-0.01 * q**2 for q in table.inventory])


def test_a_trained_forecast_reaches_the_published_volatility_and_a_bad_one_does_not(tmp_path, caplog):
    """The service blends a forecast that won; without one, or with one that lost, the statistical estimate stands."""
    record(tmp_path, "ETH", simulate_tape(default_truths(["ETH"])[0], seed=7, seconds=1800, start_ms=START))
    settings = Settings(coins=("ETH",), market_data=tmp_path, parameters=tmp_path / "parameters")
    trained = TrainedVolatility(
        coin="ETH", first_ms=0, last_ms=1, constant=0.0, weights=(0.0, 0.0, 0.0), correction=1.0,
        judged=1, qlike=0.1, qlike_ewma=0.2,
    )  # fmt: skip

    def published() -> float:
        Calibrator(settings).cycle(START + 1_800_000)
        return read_parameters(settings.parameters, "ETH", venue="hyperliquid", now_ms=None).market.volatility

    statistical = published()
    trained.write(settings.parameters)
    assert published() == pytest.approx(statistical * 2.5**0.5)
    trained.model_copy(update={"qlike": 0.3}).write(settings.parameters)
    assert published() == statistical
    assert "no forecast of volatility for ETH" in caplog.text
