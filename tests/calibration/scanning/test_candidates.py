"""Coins of a scan, from recorded events and from published files."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.observations import observe
from calibration.publication.publish import parameters, solve
from calibration.scanning.candidates import (
    ENOUGH_REACHED,
    Candidate,
    Unknown,
    candidate_of,
    candidate_of_parameters,
    candidates_from_files,
    candidates_from_store,
)
from market_making.market.sides import Direction
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

TRUTH = default_truths(["ETH"])[0]
SETTINGS = Settings()


@pytest.fixture(scope="module")
def window():
    """Half an hour of a market, and its calibration."""
    observed = observe(simulate_tape(TRUTH, seed=5, seconds=1_800.0), TRUTH.tick)
    return observed, calibrate_observed(observed, Increments(TRUTH.tick, float(TRUTH.instrument.lot)), SETTINGS)


@pytest.fixture
def published(window):
    """The file that calibration would be published as."""
    return parameters("ETH", solve([window[1]], [SETTINGS])[0], SETTINGS)


@pytest.fixture
def folder(tmp_path, published):
    """Settings whose folder holds that file."""
    published.write(tmp_path)
    return SETTINGS.model_copy(update={"parameters": tmp_path})


@pytest.mark.parametrize("direction", Direction)
def test_a_depth_is_supported_by_the_orders_that_reached_it(window, direction):
    """Exactly five orders of the direction went as deep or deeper."""
    observed, calibration = window
    deepest = candidate_of("ETH", calibration, observed.orders).deepest.of(direction)
    assert (observed.orders.of(direction).reach >= deepest).sum() >= ENOUGH_REACHED
    assert (observed.orders.of(direction).reach > deepest).sum() < ENOUGH_REACHED


def test_without_orders_only_the_touch_is_supported(window):
    """No order, no depth beyond the half-spread."""
    observed, calibration = window
    nothing = observed.orders.where(np.zeros(len(observed.orders), dtype=bool))
    assert set(candidate_of("ETH", calibration, nothing).deepest) == {calibration.half_spread}


def test_a_file_tells_the_same_as_the_window_it_was_made_from(window, published):
    """Estimates and market are equal; the supported depth, known from the fit only, is near."""
    observed, calibration = window
    made, read = candidate_of("ETH", calibration, observed.orders), candidate_of_parameters(published)
    assert replace(read, deepest=made.deepest, terms=made.terms) == made
    assert read.terms.maker_fee == published.model.maker_fee
    assert read.order_flow() == calibration.order_flow()
    for one, other in zip(read.deepest, made.deepest, strict=True):
        assert one == pytest.approx(other, rel=0.25)


def test_files_of_a_folder_are_the_coins_of_a_scan(folder, published):
    """All of them without a choice; a coin that has no file is listed with what to do."""
    now_ms = published.created_ms
    (found,) = candidates_from_files((), folder, now_ms)
    assert isinstance(found, Candidate)
    assert (found.coin, found.objection) == ("ETH", "")
    _, missing = candidates_from_files(("ETH", "BTC"), folder, now_ms)
    assert isinstance(missing, Unknown)
    assert "mm calibrate" in missing.reason


def test_an_expired_file_is_shown_but_must_not_be_used(folder, published):
    """The figures are there, with the age as the objection."""
    (found,) = candidates_from_files((), folder, published.valid_until_ms + 34_000)
    assert isinstance(found, Candidate)
    assert "expired 34 s ago" in found.objection


@pytest.mark.parametrize("text", ["", "{", '{"schema": "2.0"}'])
def test_a_torn_file_is_listed_with_the_reason(folder, text):
    """It does not end the scan."""
    (folder.parameters / "SOL.json").write_text(text)
    found = {coin.coin: coin for coin in candidates_from_files((), folder, 0)}
    assert isinstance(found["SOL"], Unknown)
    assert "SOL.json" in found["SOL"].reason


def test_a_bad_calibration_is_an_objection(window):
    """With the flags that made it bad."""
    observed, calibration = window
    bad = replace(calibration, quality=calibration.quality._replace(status="bad", flags=("too_few_orders_buy",)))
    assert "too_few_orders_buy" in candidate_of("ETH", bad, observed.orders).objection


def test_recorded_coins_are_calibrated_from_their_own_last_window(recordings):
    """Every coin of a real recording is found, at its own end, and nothing is written."""
    settings = SETTINGS.model_copy(update={"market_data": recordings, "parameters": recordings / "nowhere"})
    found = {coin.coin: coin for coin in candidates_from_store((), settings)}
    assert {"BTC", "ETH", "SOL"} <= found.keys()
    assert all(isinstance(coin, Candidate) for coin in found.values())
    assert not settings.parameters.exists()
    only = candidates_from_store(("ETH",), settings)
    assert [coin.coin for coin in only] == ["ETH"]


def test_a_coin_that_is_not_recorded_is_listed(tmp_path):
    """An empty store has no coins; a coin asked for is named with what is missing."""
    settings = SETTINGS.model_copy(update={"market_data": tmp_path})
    assert candidates_from_store((), settings) == []
    (unknown,) = candidates_from_store(("ETH",), settings)
    assert isinstance(unknown, Unknown)
    assert "ETH" in unknown.reason
