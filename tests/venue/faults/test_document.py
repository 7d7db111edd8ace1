"""Fault schedules as documents: what is read back is what was written, and what is wrong is named."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from market_making.market.errors import ConfigurationError
from market_making.venue.faults.document import EFFECTS, Faults
from market_making.venue.faults.presets import PRESETS, read_faults

SWALLOW = {"fault": "swallow", "action": "order"}


def one(**entry: Any) -> dict[str, Any]:
    return {"faults": [entry]}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_reads_back_as_itself(name: str):
    """The document of a schedule is the schedule, also through JSON."""
    faults = read_faults(name)
    assert len(faults.faults) == len(PRESETS[name])
    assert Faults.parse(orjson.loads(orjson.dumps(faults.document()))) == faults


def test_every_field_survives_the_document():
    """No key is lost on the way out and in again."""
    entry = {
        "fault": "swallow", "executed": False, "action": ["cancel", "order"], "user": "0x" + "a" * 40, "coin": "ETH",
        "side": "buy", "oid": 7, "from_s": 1.5, "until_s": 3.0, "repeat_s": 9.0, "probability": 0.25, "skip": 2,
        "times": 3, "per_order": True,
    }  # fmt: skip
    assert Faults.parse(one(**entry)).document() == one(**entry)


def test_the_presets_use_every_kind_of_fault_but_the_literal_answer():
    """Whatever the schedules can say, a user can see happen by name."""
    used = {entry["fault"] for entries in PRESETS.values() for entry in entries}
    assert used == set(EFFECTS) - {"content"}


@pytest.mark.parametrize(("document", "words"), [
    ([], 'one list "faults"'),
    ({"faults": [1]}, r"faults\[0\]: must be an object"),
    (one(fault="explode"), "fault must be one of refuse, .*got 'explode'"),
    (one(fault="swallow"), "needs exactly one of info or action"),
    (one(**SWALLOW, info="any"), "needs exactly one of info or action"),
    (one(fault="drop", action="order"), "needs exactly one of stream"),
    (one(fault="refuse", info="l2Book"), "needs exactly one of action"),
    (one(**SWALLOW, sides="buy"), "unknown key 'sides'; there are"),
    (one(**SWALLOW, side="bid"), "side must be buy or sell, got 'bid'"),
    (one(**SWALLOW, probability=1.5), "probability must be between 0 and 1, got 1.5"),
    (one(**SWALLOW, probability="often"), "probability must be a number"),
    (one(**SWALLOW, from_s=5, until_s=5), "until_s must be above from_s"),
    (one(**SWALLOW, times=-1), "times must be a whole number"),
    (one(**SWALLOW, every_s=3), "every_s belongs to faults that strike the venue itself"),
    (one(fault="status", info="any"), "code is missing"),
    (one(fault="status", info="any", code=200), "code must be an HTTP status from 400 to 599, got 200"),
    (one(fault="cancel", status="gone"), "status must be one of marginCanceled"),
    (one(fault="cancel", action="order"), "strikes the venue itself; action must be left out"),
    (one(fault="trade", notional=0), "notional must be above zero"),
    (one(fault="trade", direction="up"), "direction must be buy or sell"),
    (one(fault="null", info=[]), "a type must be text"),
    (one(fault="clock", offset_ms=1.5), "offset_ms must be a whole number"),
])  # fmt: skip
def test_what_is_wrong_is_named(document: Any, words: str):
    """The message says which fault, which key, what was seen and what is accepted."""
    with pytest.raises(ConfigurationError, match=words):
        Faults.parse(document)


def test_a_file_or_a_name(tmp_path: Path):
    """A file is read as a document; a name nobody knows is answered with those there are."""
    path = tmp_path / "mine.json"
    path.write_bytes(orjson.dumps(one(**SWALLOW)))
    assert read_faults(str(path)).document() == one(**SWALLOW)
    path.write_text("{")
    with pytest.raises(ConfigurationError, match=r"mine\.json"):
        read_faults(str(path))
    with pytest.raises(ConfigurationError, match="a file or one of on-request, lost-answers"):
        read_faults("nothing")
