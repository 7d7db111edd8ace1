"""The cache is never newer or older than the file."""

import time

import pytest

from calibration.publication.parameter_cache import ParameterCache
from market_making.market.errors import InvalidParameters, MissingParameters, StaleParameters
from tests.puppet_market import parameters


@pytest.fixture
def cache(tmp_path):
    """A cache over a folder with ETH in it."""
    parameters().write(tmp_path)
    return ParameterCache(tmp_path, "hyperliquid")


def now_ms():
    """Unix time."""
    return int(time.time() * 1e3)


def test_an_unchanged_file_is_not_parsed_again(cache):
    """The same object comes back."""
    assert cache.read("ETH", now_ms()) is cache.read("ETH", now_ms())


def test_a_replaced_file_is_read(cache, tmp_path):
    """A new calibration is seen at once."""
    cache.read("ETH", now_ms())
    parameters(calibration_id="second").write(tmp_path)
    assert cache.read("ETH", now_ms()).calibration_id == "second"


def test_a_known_file_expires_all_the_same(cache):
    """Age is checked at every reading, whether or not the file has changed."""
    cache.read("ETH", now_ms())
    with pytest.raises(StaleParameters):
        cache.read("ETH", now_ms() + 61_000)


def test_a_file_that_is_torn_or_gone_is_refused(cache, tmp_path):
    """What was read before does not stand in for it."""
    cache.read("ETH", now_ms())
    path = tmp_path / "ETH.json"
    path.write_text("{")
    with pytest.raises(InvalidParameters):
        cache.read("ETH", now_ms())
    path.unlink()
    with pytest.raises(MissingParameters):
        cache.read("ETH", now_ms())
