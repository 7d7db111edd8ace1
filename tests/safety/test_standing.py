"""What a bot was told holds until it is told otherwise; what nobody can read means stopped."""

import pytest

from market_making.safety.standing import SUFFIX, Standing, read_standing, write_standing


@pytest.mark.parametrize("standing", Standing)
def test_a_standing_comes_back_as_it_was_written(tmp_path, standing):
    folder = tmp_path / "made_on_demand"
    assert read_standing(folder, "maker") is Standing.RUNNING
    write_standing(folder, "maker", standing)
    assert read_standing(folder, "maker") is standing
    assert read_standing(folder, "other") is Standing.RUNNING
    write_standing(folder, "maker", Standing.RUNNING)
    assert read_standing(folder, "maker") is Standing.RUNNING


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"standing": "dancing"}'])
def test_a_file_that_cannot_be_read_means_stopped(tmp_path, content):
    (tmp_path / f"maker{SUFFIX}").write_bytes(content)
    assert read_standing(tmp_path, "maker") is Standing.STOPPED
