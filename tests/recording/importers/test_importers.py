"""Foreign formats in, the same rows out; interruptions, repetitions and nonsense cost nothing but themselves."""

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market_making.recording.importers import IMPORTERS
from market_making.recording.importers.hftbacktest import import_hftbacktest
from market_making.recording.importers.hyperliquid_archive import import_hyperliquid_archive
from market_making.recording.importers.hyperliquid_fills import import_hyperliquid_fills
from market_making.recording.importers.prior_art import import_prior_art
from market_making.recording.importers.tardis import import_tardis
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

ARCHIVE_LINE = (
    '{"time":"2026-04-01T00:00:12.669126791","ver_num":1,"raw":{"channel":"l2Book","data":{"coin":"SOL",'
    '"time":1775001612017,"levels":[[{"px":"83.141","sz":"18.41","n":1},{"px":"83.137","sz":"0.14","n":1}],'
    '[{"px":"83.158","sz":"9.04","n":2}]]}}}'
)
FILL = {
    "coin": "MON",
    "px": "0.032693",
    "sz": "33983.0",
    "side": "B",
    "time": 1764059598111,
    "hash": "0xa95532d3",
    "oid": 248252470514,
    "crossed": True,
    "tid": 128259158939093,
}


def lz4(path: Path, text: str) -> Path:
    """A file as the archive has it: one lz4 frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.CompressedOutputStream(str(path), "lz4") as file:
        file.write(text.encode())
    return path


def gz(path: Path, text: str) -> Path:
    """A gzip file."""
    with gzip.open(path, "wt") as file:
        file.write(text)
    return path


def rows(root: Path, coin: str, stream: Stream, venue: str = "hyperliquid") -> list[dict]:
    """Everything imported of a stream."""
    return TickStore(root, venue).read(coin, stream, 0, 2**42).to_pylist()


def test_a_line_of_the_archive_is_a_book(tmp_path):
    """A real line: exchange time from the message, local time from the recorder, other channels ignored."""
    other = ARCHIVE_LINE.replace("l2Book", "trades")
    lz4(tmp_path / "a/market_data/20260401/0/l2Book/SOL.lz4", f"{ARCHIVE_LINE}\n{other}\n")
    report = import_hyperliquid_archive([tmp_path / "a"], tmp_path / "store")
    assert (report.files, report.rows[Stream.BOOK], report.ignored, report.malformed) == (1, 1, 1, 0)
    (row,) = rows(tmp_path / "store", "SOL", Stream.BOOK)
    assert (row["exchange_ms"], row["local_ms"]) == (1775001612017, 1775001612669)
    assert (row["bid_price_1"], row["ask_size_0"], row["ask_price_1"]) == (83.137, 9.04, None)


def test_asset_contexts_of_the_archive_are_read_by_the_names_of_their_columns(tmp_path):
    """A column more, or another order, changes nothing; an empty mid is null."""
    text = (
        "new,time,coin,mark_px,funding,open_interest,oracle_px,mid_px\n"
        "x,2024-05-20T00:01:00Z,BTC,100.5,0.0000125,10,100,\n"
        "y,2024-05-20T00:01:00Z,PURR/USDC,1,0,1,1,1\n"
        "z,not a time,BTC,1,0,1,1,1\n"
    )
    report = import_hyperliquid_archive([lz4(tmp_path / "20240520.csv.lz4", text)], tmp_path / "store")
    (row,) = rows(tmp_path / "store", "BTC", Stream.CONTEXT)
    assert (row["mark_price"], row["funding"], row["mid_price"]) == (100.5, 0.0000125, None)
    assert (report.ignored, report.malformed) == (1, 1)


def test_fills_by_block_keep_the_side_that_crossed(tmp_path):
    """Of the two fills of a trade the taker's is the print, and both users are known."""
    maker = {**FILL, "side": "A", "crossed": False}
    block = {
        "local_time": "2025-11-25T08:33:18.508962742",
        "block_time": "2025-11-25T08:33:18.111517886",
        "events": [["0xmaker", maker], ["0xtaker", FILL]],
    }
    path = lz4(tmp_path / "8.lz4", json.dumps(block) + "\n" + json.dumps({**block, "events": []}) + "\n")
    import_hyperliquid_fills([path], tmp_path / "store")
    (row,) = rows(tmp_path / "store", "MON", Stream.TRADES)
    assert row == {
        "exchange_ms": 1764059598111,
        "local_ms": 1764059598508,
        "side": "buy",
        "price": 0.032693,
        "size": 33983.0,
        "trade_id": "128259158939093",
        "hash": "0xa95532d3",
        "buyer": "0xtaker",
        "seller": "0xmaker",
        "replayed": False,
    }


def test_fills_of_other_kinds_of_markets_lie_where_the_collector_puts_them_or_nowhere(tmp_path):
    """A perpetual of a dex under the name of its files; spot and outcomes are numbers that nobody can read, counted."""
    lines = []
    for number, coin in enumerate(("xyz:NVDA", "@151", "PURR/USDC", "#250", "MON")):
        fill = FILL | {"coin": coin, "tid": number}
        events = [["0xmaker", {**fill, "side": "A", "crossed": False}], ["0xtaker", fill]]
        lines.append({"local_time": "2025-11-25T08:33:18.508962742", "events": events})
    path = lz4(tmp_path / "8.lz4", "\n".join(map(json.dumps, lines)))
    report = import_hyperliquid_fills([path], tmp_path / "store")
    folders = {each.name for each in (tmp_path / "store" / "hyperliquid").iterdir() if not each.name.startswith(".")}
    assert (folders, report.ignored) == ({"xyz-NVDA", "MON"}, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"dir": "Net Child Vaults"},
        {"dir": "Auto-Deleveraging", "hash": "0x" + "0" * 64},
        {"dir": "Settlement"},
        {"dir": "Spot Dust Conversion", "tid": 0},
        {"dir": "Close Long", "liquidation": {"liquidatedUser": "0xtaker", "markPx": "0.0327", "method": "backstop"}},
    ],
    ids=lambda change: change["dir"],
)
@pytest.mark.parametrize("teller", [0, 1], ids=["maker", "taker"])
def test_what_the_exchange_books_without_the_book_is_no_trade(tmp_path, change, teller):
    """A netting, a settlement, a deleveraging, a vault that takes a position over: counted, as either side tells it."""
    users = [["0xmaker", FILL | {"side": "A", "crossed": False}], ["0xtaker", dict(FILL)]]
    users[teller][1] |= change
    if "tid" in change:
        users[1 - teller][1]["tid"] = change["tid"]
    lines = [
        {"local_time": "2025-11-25T08:33:18.508962742", "events": users},
        {"local_time": "2025-11-25T08:33:19.508962742", "events": [["0xtaker", FILL | {"dir": "Open Long", "tid": 7}]]},
    ]
    path = lz4(tmp_path / "8.lz4", "\n".join(map(json.dumps, lines)))
    report = import_hyperliquid_fills([path], tmp_path / "store")
    (row,) = rows(tmp_path / "store", "MON", Stream.TRADES)
    assert (row["trade_id"], report.ignored, report.malformed) == ("7", 1, 0)


def test_a_liquidation_that_went_through_the_book_is_a_trade(tmp_path):
    """Its taker was made to sell, its makers were filled as by anybody."""
    liquidation = {"liquidatedUser": "0xtaker", "markPx": "0.0327", "method": "market"}
    line = ["0xtaker", FILL | {"dir": "Liquidated Cross Long", "side": "A", "liquidation": liquidation}]
    report = import_hyperliquid_fills([lz4(tmp_path / "8.lz4", json.dumps(line))], tmp_path / "store")
    (row,) = rows(tmp_path / "store", "MON", Stream.TRADES)
    assert (row["side"], report.ignored) == ("sell", 0)


def test_the_older_forms_of_fills_are_read_too(tmp_path):
    """One fill a line, and one trade a line with both sides."""
    trade = {
        "coin": "AAVE",
        "side": "A",
        "time": "2025-05-25T13:59:59.974190721",
        "px": "264.56",
        "sz": "0.06",
        "hash": "0x84a0",
        "side_info": [{"user": "0xbuyer"}, {"user": "0xseller"}],
    }
    lines = [["0xtaker", FILL], ["0xmaker", {**FILL, "crossed": False}], trade]
    import_hyperliquid_fills([lz4(tmp_path / "x.lz4", "\n".join(map(json.dumps, lines)))], tmp_path / "store")
    (fill,) = rows(tmp_path / "store", "MON", Stream.TRADES)
    assert (fill["buyer"], fill["seller"]) == ("0xtaker", None)
    (old,) = rows(tmp_path / "store", "AAVE", Stream.TRADES)
    assert (old["exchange_ms"], old["side"], old["seller"]) == (1748181599974, "sell", "0xseller")


TARDIS = {
    "trades.csv.gz": (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "hyperliquid,BTC,1735689600000500,1735689600100000,7,sell,93000.5,0.1\n"
        "hyperliquid,BTC,1735689600000500,1735689600100000,8,unknown,93000.5,0.1\n"
        "hyperliquid,BTC,never,1735689600100000,9,buy,93000.5,0.1\n"
        "hyperliquid,BTC,1\n"
    ),
    "quotes.csv.gz": (
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        "hyperliquid,BTC,1735689600000500,1735689600100000,2,93001,93000,\n"
    ),
    "snapshots.csv.gz": (
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n"
        "hyperliquid,BTC,1735689600000500,1735689600100000,93001,2,93000,3\n"
    ),
    "ticker.csv.gz": (
        "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,"
        "open_interest,last_price,index_price,mark_price\n"
        "hyperliquid,BTC,1735689600000500,1735689600100000,,0.0001,,5,93000,93002,93001\n"
    ),
}


def test_the_kinds_of_tardis_files_are_told_by_their_headers(tmp_path):
    """Microseconds become milliseconds; an unknown aggressor is ignored; faults name file and line."""
    for name, text in TARDIS.items():
        gz(tmp_path / name, text)
    report = import_tardis([tmp_path], tmp_path / "store")
    (trade,) = rows(tmp_path / "store", "BTC", Stream.TRADES)
    assert (trade["exchange_ms"], trade["local_ms"], trade["side"], trade["trade_id"]) == (
        1735689600000,
        1735689600100,
        "sell",
        "7",
    )
    (quote,) = rows(tmp_path / "store", "BTC", Stream.BBO)
    assert (quote["bid_price"], quote["bid_size"], quote["ask_price"], quote["ask_size"]) == (
        93000.0,
        None,
        93001.0,
        2.0,
    )
    (book,) = rows(tmp_path / "store", "BTC", Stream.BOOK)
    assert (book["bid_price_0"], book["ask_size_0"]) == (93000.0, 2.0)
    (context,) = rows(tmp_path / "store", "BTC", Stream.CONTEXT)
    assert (context["mark_price"], context["oracle_price"], context["open_interest"]) == (93001.0, 93002.0, 5.0)
    assert (report.files, report.ignored, report.malformed) == (4, 1, 2)
    assert report.faults[0].startswith(f"{tmp_path / 'trades.csv.gz'}:4: ")
    assert report.faults[1].endswith(":5: 3 values, the header has 8")


def updates(*messages: tuple[int, str, list[tuple[str, float, float]]], exchange: str = "binance") -> str:
    """An incremental book file."""
    lines = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    for time, snapshot, changes in messages:
        stamp = f"{1735689600000 + time}000"
        lines += [f"{exchange},BTC,{stamp},{stamp},{snapshot},{side},{price},{size}" for side, price, size in changes]
    return "\n".join(lines)


def test_incremental_books_become_snapshots(tmp_path):
    """Updates before the first snapshot are ignored, zero removes, a snapshot after updates replaces."""
    text = updates(
        (1, "false", [("bid", 1.0, 1.0)]),
        (2, "true", [("bid", 100.0, 1.0), ("bid", 99.0, 2.0), ("ask", 101.0, 1.0)]),
        (3, "false", [("bid", 100.0, 0), ("ask", 100.5, 4.0)]),
        (4, "true", [("bid", 90.0, 1.0), ("ask", 91.0, 1.0)]),
    )
    report = import_tardis([gz(tmp_path / "book.csv.gz", text)], tmp_path / "store")
    books = rows(tmp_path / "store", "BTC", Stream.BOOK, "binance")
    tops = [(row["bid_price_0"], row["bid_price_1"], row["ask_price_0"], row["ask_price_1"]) for row in books]
    assert tops == [(100.0, 99.0, 101.0, None), (99.0, None, 100.5, 101.0), (90.0, None, 91.0, None)]
    assert report.ignored == 1


def test_the_books_of_a_file_with_several_symbols_are_kept_apart(tmp_path):
    """A coin's book is the same alone and in one file with another, message by message between its own."""
    btc = updates(
        (1, "true", [("bid", 100.0, 1.0)]),
        (2, "true", [("ask", 101.0, 1.0)]),
        (5, "false", [("bid", 99.0, 2.0)]),
        (7, "true", [("bid", 90.0, 1.0), ("ask", 91.0, 1.0)]),
    )
    eth = updates(
        (1, "true", [("bid", 10.0, 1.0), ("ask", 11.0, 1.0)]),
        (3, "false", [("bid", 10.5, 1.0)]),
        (7, "false", [("ask", 11.0, 0)]),
    ).replace("BTC", "ETH")
    header, *lines = btc.splitlines()
    mixed = sorted([*lines, *eth.splitlines()[1:]], key=lambda line: line.split(",")[3])
    for name, text in (("btc", btc), ("eth", eth), ("mixed", "\n".join([header, *mixed]))):
        import_tardis([gz(tmp_path / f"{name}.csv.gz", text)], tmp_path / name)
    for coin in ("BTC", "ETH"):
        alone = rows(tmp_path / coin.lower(), coin, Stream.BOOK, "binance")
        assert rows(tmp_path / "mixed", coin, Stream.BOOK, "binance") == alone


def test_every_incremental_message_of_hyperliquid_is_a_snapshot(tmp_path):
    """Nothing of the message before survives."""
    messages = [(time, "true", [("bid", 100.0 - time, 1.0), ("ask", 101.0, 1.0)]) for time in (1, 2)]
    path = gz(tmp_path / "book.csv.gz", updates(*messages, exchange="hyperliquid"))
    import_tardis([path], tmp_path / "store")
    assert [row["bid_price_1"] for row in rows(tmp_path / "store", "BTC", Stream.BOOK)] == [None, None]


def test_a_file_of_another_kind_is_reported_not_imported(tmp_path):
    """Unknown columns are named."""
    report = import_tardis([gz(tmp_path / "x.csv.gz", "a,b\n1,2\n")], tmp_path / "store")
    assert (report.files, report.files_torn) == (0, 1)
    assert "unknown columns ['a', 'b']" in report.faults[0]


def test_a_capture_reads_as_the_wire(tmp_path):
    """Nanoseconds and messages; what is older than the capture is back-log; nonsense is counted."""
    quote = '{"coin":"ETH","time":1757015216253,"bbo":[{"px":"1","sz":"2","n":1},null]}'
    trade = '{"coin":"ETH","side":"B","px":"1","sz":"1","time":1757015210000,"hash":"0x","tid":5,"users":["b","s"]}'
    lines = [
        f'1757015216875000000 {{"channel":"bbo","data":{quote}}}',
        f'1757015216876000000 {{"channel":"trades","data":[{trade}]}}',
        '1757015216877000000 {"channel":"pong"}',
        '1757015216877000000 {"channel":"bbo"}',
        "nonsense",
    ]
    report = import_hftbacktest([gz(tmp_path / "c.gz", "\n".join(lines))], tmp_path / "store")
    (row,) = rows(tmp_path / "store", "ETH", Stream.BBO)
    assert (row["local_ms"], row["bid_size"], row["ask_price"]) == (1757015216875, 2.0, None)
    assert rows(tmp_path / "store", "ETH", Stream.TRADES)[0]["replayed"]
    assert (report.ignored, report.malformed) == (1, 2)


def test_the_earlier_collector_s_halves_become_quotes(tmp_path):
    """A bid and an ask of one time are one quote; a half without its other half is one-sided."""
    text = (
        "timestamp,price,size,side,exchange_timestamp\n"
        "1756904112.8,100,1,bid,1756904112212\n1756904112.8,101,2,ask,1756904112212\n"
        "1756904112.9,99,1,bid,1756904112300\n1756904113.0,98,1,bid,1756904112400\n"
        "1756904113.0,99,3,ask,1756904112400\n1756904113.0,99,3,middle,1756904112400\n"
    )
    path = tmp_path / "prices_BTC.csv"
    path.write_text(text)
    report = import_prior_art([path], tmp_path / "store")
    quotes = rows(tmp_path / "store", "BTC", Stream.BBO)
    assert [(row["bid_price"], row["ask_price"]) for row in quotes] == [(100.0, 101.0), (99.0, None), (98.0, 99.0)]
    assert report.faults[0].startswith(f"{path}:7: ")


def test_a_second_import_changes_nothing(tmp_path):
    """A file that was imported is known by its content, wherever it lies now."""
    store = tmp_path / "store"
    path = lz4(tmp_path / "SOL.lz4", ARCHIVE_LINE)
    import_hyperliquid_archive([path], store)
    before = sorted(store.rglob("*"))
    moved = path.rename(tmp_path / "other.lz4")
    report = import_hyperliquid_archive([moved], store)
    assert (report.files, report.files_known) == (0, 1)
    assert sorted(store.rglob("*")) == before


@pytest.mark.parametrize("moment", [2, 3, 4])
def test_an_interrupted_import_starts_again_without_doubling(tmp_path, monkeypatch, moment):
    """Whenever it was interrupted, nothing is left of the first attempt, and the second gives every row once."""
    monkeypatch.setattr("market_making.recording.importers.importing.SEGMENT_ROWS", 10)
    monkeypatch.setattr("market_making.recording.importers.importing.PROGRESS_ROWS", 7)
    lines = [ARCHIVE_LINE.replace("1775001612017", str(1775001612017 + number)) for number in range(35)]
    path = lz4(tmp_path / "SOL.lz4", "\n".join(lines))
    told = []

    def interrupt(file: Path, done: int, size: int) -> None:
        told.append((file, done, size))
        if len(told) == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_hyperliquid_archive([path], tmp_path / "store", progress=interrupt)
    assert rows(tmp_path / "store", "SOL", Stream.BOOK) == []
    report = import_hyperliquid_archive([path], tmp_path / "store", progress=lambda *_: None)
    assert report.rows[Stream.BOOK] == len(rows(tmp_path / "store", "SOL", Stream.BOOK)) == 35


def test_a_killed_import_is_completed_by_the_next(tmp_path, monkeypatch):
    """Segments that a killed import left, because it could not take them back, are written again, not added to."""
    monkeypatch.setattr("market_making.recording.importers.importing.SEGMENT_ROWS", 10)
    lines = [ARCHIVE_LINE.replace("1775001612017", str(1775001612017 + number)) for number in range(35)]
    path = lz4(tmp_path / "SOL.lz4", "\n".join(lines))
    import_hyperliquid_archive([path], tmp_path / "store")
    next((tmp_path / "store/hyperliquid/.imports").iterdir()).unlink()
    sorted((tmp_path / "store").rglob("book-*.parquet"))[-1].unlink()
    import_hyperliquid_archive([path], tmp_path / "store")
    assert len(rows(tmp_path / "store", "SOL", Stream.BOOK)) == 35


def test_nothing_of_a_torn_file_is_imported_and_it_is_named(tmp_path, monkeypatch):
    """The other files are; once it is whole, every row of it is there once."""
    monkeypatch.setattr("market_making.recording.importers.importing.SEGMENT_ROWS", 1000)
    lines = [ARCHIVE_LINE.replace("1775001612017", str(1775001612017 + number)) for number in range(20_000)]
    path = lz4(tmp_path / "in/SOL.lz4", "\n".join(lines))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    lz4(tmp_path / "in/ETH.lz4", ARCHIVE_LINE.replace("SOL", "ETH"))
    for _ in range(2):
        report = import_hyperliquid_archive([tmp_path / "in"], tmp_path / "store")
        assert report.files_torn == 1
        assert "SOL.lz4" in report.faults[-1]
        assert rows(tmp_path / "store", "SOL", Stream.BOOK) == []
    assert len(rows(tmp_path / "store", "ETH", Stream.BOOK)) == 1
    path.write_bytes(whole)
    import_hyperliquid_archive([tmp_path / "in"], tmp_path / "store")
    assert len(rows(tmp_path / "store", "SOL", Stream.BOOK)) == 20_000


def test_every_format_of_the_command_line_has_its_importer():
    """The five names that users type."""
    assert set(IMPORTERS) == {"hyperliquid-archive", "hyperliquid-fills", "tardis", "hftbacktest", "prior-art"}


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    """A typing error is not an empty import."""
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        import_tardis([tmp_path / "nothing"], tmp_path)


def test_real_captures_in_two_formats_give_the_same_books(recordings, tmp_path):
    """The same market, recorded once: as a capture and in the archive's form, and as a store by other hands."""
    raw = recordings / "raw"
    import_hftbacktest([raw / "hftbacktest_ws"], tmp_path / "capture")
    import_hyperliquid_archive([raw / "archive_format"], tmp_path / "archive")
    captured = TickStore(tmp_path / "capture").read("BTC", Stream.BOOK, 0, 2**42)
    archived = TickStore(tmp_path / "archive").read("BTC", Stream.BOOK, 0, 2**42)
    reference = TickStore(recordings).read("BTC", Stream.BOOK, *day(captured))
    assert len(captured) == 46
    assert captured.drop(["local_ms"]).equals(archived.drop(["local_ms"]))
    assert captured.drop(["local_ms"]).equals(reference.drop(["local_ms"]))


def test_real_files_of_the_earlier_collector_agree_with_the_recordings(recordings, tmp_path):
    """Quotes and trades, imported anew, are those that others have extracted from the same files."""
    report = import_prior_art([recordings / "raw" / "prior_art_csv"], tmp_path)
    assert report.malformed == 0
    for stream, columns in (
        (Stream.BBO, ("exchange_ms", "bid_price", "ask_size")),
        (Stream.TRADES, ("trade_id", "side")),
    ):
        imported = TickStore(tmp_path).read("BTC", stream, 0, 2**42)
        reference = TickStore(recordings).read("BTC", stream, *day(imported))
        known = set(zip(*(reference[name].to_pylist() for name in columns), strict=True))
        ours = set(zip(*(imported[name].to_pylist() for name in columns), strict=True))
        assert ours <= known
        assert len(ours) > 100


def day(table: pa.Table) -> tuple[int, int]:
    """Window from just before the first to the last row."""
    times = table["exchange_ms"].to_numpy()
    return int(times[0]) - 1, int(times[-1])


def whole_files(folder: Path) -> dict[str, list[Path]]:
    """A good file of each kind and format, without its compression."""
    folder.mkdir()
    block = {
        "local_time": "2025-11-25T08:33:18.508962742",
        "events": [["0xmaker", {**FILL, "side": "A", "crossed": False}], ["0xtaker", FILL]],
    }
    quote = '{"coin":"ETH","time":1757015216253,"bbo":[{"px":"1","sz":"2","n":1},null]}'
    texts = {
        "hyperliquid-archive": {
            "SOL.jsonl": ARCHIVE_LINE,
            "ctx.csv": "time,coin,mark_px,funding,open_interest,"
            "oracle_px,mid_px\n2024-05-20T00:01:00Z,BTC,100.5,0.0000125,10,100,\n",
        },
        "hyperliquid-fills": {"f.jsonl": json.dumps(block)},
        "tardis": {name.removesuffix(".gz"): text for name, text in TARDIS.items()}
        | {"book.csv": updates((2, "true", [("bid", 100.0, 1.0), ("ask", 101.0, 1.0)]), (3, "false", [("bid", 9, 0)]))},
        "hftbacktest": {"c.txt": f'1757015216875000000 {{"channel":"bbo","data":{quote}}}'},
        "prior-art": {
            "prices_BTC.csv": "timestamp,price,size,side,exchange_timestamp\n1756904112.8,100,1,bid,1756904112212",
            "trades_BTC.csv": "timestamp,price,size,side,trade_id,exchange_timestamp\n1.5,1,1,buy,7,1756904102005",
            "orderbooks_BTC.csv": "timestamp,exchange_timestamp,bid_price_0,bid_size_0\n1.5,1756904102005,1,2",
        },
    }
    for name, files in texts.items():
        for file, text in files.items():
            (folder / f"{name}-{file}").write_text(text)
    return {name: sorted(folder.glob(f"{name}-*")) for name in texts}


def test_a_file_of_another_format_is_told_in_words(tmp_path):
    """What is missing, not the name of an exception."""
    path = tmp_path / "other.csv"
    path.write_text("time,price\n2025-09-04T19:00:00Z,1\n")
    report = IMPORTERS["hyperliquid-archive"]([path], str(tmp_path / "out"))
    assert report.faults == [f"{path}:2: there is no 'coin'"]


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_files_with_random_faults_are_imported_as_far_as_they_make_sense(tmp_path, name):
    """Bytes changed, cut and doubled at random: no exception, and what was written reads back as finite numbers."""
    chance = random.Random(name)
    for good in whole_files(tmp_path / "good")[name]:
        for number in range(60):
            content = bytearray(good.read_bytes() * 2)
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(content))
                piece = chance.choice([b"", b"nan", b"-", b"\n", b",", b"null", b"[]", b"9" * 30, b"\xff", b'"', b"/"])
                content[place : place + chance.randint(0, 3)] = piece
            bad = tmp_path / f"{number}-{good.name}"
            bad.write_bytes(content)
            report = IMPORTERS[name]([bad], tmp_path / "store")
            assert report.files + report.files_torn + report.files_known == 1
    for venue in sorted(path.name for path in (tmp_path / "store").iterdir()):
        store = TickStore(tmp_path / "store", venue)
        for coin in store.coins():
            for stream in Stream:
                table = store.read(coin, stream, 0, 2**60)
                for column in (column for column in table.columns if pa.types.is_floating(column.type)):
                    assert pc.all(pc.is_finite(column)).as_py() in (True, None)
