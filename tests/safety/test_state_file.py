"""State files come back as they were written, and a reader never sees a part of one."""

import threading
from dataclasses import replace

import orjson
import pytest

from market_making.market.errors import MalformedMessage
from market_making.market.reasons import Reason
from market_making.safety.state_file import (
    ActiveNotice,
    BookState,
    BotState,
    CoinState,
    PairState,
    QuoteState,
    SidecarState,
    masked,
    read_state,
    read_states,
    write_state,
)
from tests.length import often

BOT = BotState(
    bot="maker",
    run="1",
    pid=7,
    mode="live",
    strategy="MarketMaking",
    started_ms=1,
    written_ms=2,
    loop=3,
    loop_ms=4.5,
    pairs=(
        PairState(
            "ETH/USDC:USDC",
            "ETH",
            quoting=False,
            reason=Reason.PARAMETERS_STALE,
            book=BookState(5, ((1.0, 2.0),), ((3.0, 4.0),)),
            bid=QuoteState(1.0, 2.0, 3.0, {"room": 2.0}),
        ),
    ),
    notices=(ActiveNotice("not_quoting", "warning", 1, "text", "remedy"),),
)
COLLECTOR = SidecarState("collector", "collector", 1, 2, 3, coins=(CoinState("ETH", 5),), figures={"rows_per_s": 2.0})


@pytest.mark.parametrize("state", [BOT, COLLECTOR])
def test_a_state_comes_back_as_it_was_written(state, tmp_path):
    """Writing and reading is the identity, enums and nested parts included; later keys are ignored."""
    write_state(tmp_path, "x", state)
    assert read_state(tmp_path / "x.json") == state
    document = orjson.loads((tmp_path / "x.json").read_bytes())
    (tmp_path / "x.json").write_bytes(orjson.dumps(document | {"later": 1, "schema": "1.7"}))
    assert replace(read_state(tmp_path / "x.json"), schema="1.0") == state


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"schema": "2.0"}', b'{"schema": "1.0", "kind": "bot"}', b"null"])
def test_what_is_no_state_file_is_refused_and_left_out(text, tmp_path):
    """A torn or foreign file is an error by itself and no obstacle to reading the others."""
    (tmp_path / "a.json").write_bytes(text)
    write_state(tmp_path, "b", BOT)
    with pytest.raises(MalformedMessage):
        read_state(tmp_path / "a.json")
    assert read_states(tmp_path) == [BOT]


@pytest.mark.slow
def test_readers_see_whole_documents_that_never_go_back(tmp_path):
    """Thousands of writes under two readers: none torn, none older than one seen before."""
    write_state(tmp_path, "x", BOT)
    done, seen = threading.Event(), ([], [])

    def read(found):
        while not done.is_set():
            found.append(read_state(tmp_path / "x.json").loop)

    readers = [threading.Thread(target=read, args=(found,)) for found in seen]
    for reader in readers:
        reader.start()
    for loop in range(3, 3 + often(10_000, 2_000)):
        write_state(tmp_path, "x", replace(BOT, loop=loop))
    done.set()
    for reader, found in zip(readers, seen, strict=True):
        reader.join()
        assert len(found) > 100
        assert found == sorted(found)


def test_an_address_is_masked():
    """Neither an address nor its absence tells a whole address."""
    assert masked("0x" + "ab" * 20) == "0xabab…abab"
    assert masked(None) is None
