"""A bot learns from the guard's record who has cancelled its order, whatever else is in the file."""

import orjson
import pytest

from market_making.market.reasons import Because, Reason
from market_making.safety.guard_record import cancelled_by_guard, record_path

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS + 1_000


def line(event, order_id="77", **changes):
    given = {"event": event, "order_id": order_id, "reason": "guard", "detail": "too close"}
    return orjson.dumps(given | changes)


@pytest.mark.parametrize(("lines", "expected"), [
    ([], None),
    ([line("cancel")], Reason.GUARD),
    ([line("cancel"), line("cancelled")], Reason.GUARD),
    ([line("cancel"), line("gone")], None),
    ([line("cancel"), line("refused"), line("cancel")], Reason.GUARD),
    ([line("cancelled", "7"), line("cancelled", "770")], None),
    ([b"77", b"[77]", b'{"order_id": "77"}'], None),
    ([line("cancelled", reason="dancing")], None),
    ([line("cancelled"), b"torn 77 {"], Reason.GUARD),
])  # fmt: skip
def test_the_last_line_about_the_order_decides(tmp_path, lines, expected):
    record_path(tmp_path, NOW_MS).write_bytes(b"\n".join(lines))
    because = cancelled_by_guard(tmp_path, "77", NOW_MS)
    assert because == (None if expected is None else Because(expected, "too close"))


def test_yesterdays_file_is_read_too_and_only_the_end_of_a_large_one(tmp_path):
    record_path(tmp_path, NOW_MS - 2_000).write_bytes(line("cancelled"))
    assert cancelled_by_guard(tmp_path, "77", NOW_MS) is not None
    record_path(tmp_path, NOW_MS).write_bytes(b"\n".join([line("cancelled", "5"), *[line("gone", "6")] * 2_000]))
    assert cancelled_by_guard(tmp_path, "6", NOW_MS) is None
    assert cancelled_by_guard(tmp_path, "5", NOW_MS) is None
    assert cancelled_by_guard(tmp_path / "missing", "5", NOW_MS) is None
