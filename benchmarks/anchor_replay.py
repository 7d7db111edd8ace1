"""What quotes anchored at the imbalance earn in a replay, beside what the calibration said they would.

`market_making/simulation/led_market.py` is recorded, an hour a seed, with sizes that tell where mid goes (ρ 0.9) and
with sizes that tell nothing. The calibrator judges the imbalance from the recording as it goes (as `mm calibrate
--backfill` does): nobody switches anything on. The second half hour is then replayed on hftbacktest by the bot itself,
with the shipped rules of re-quoting, from the same calibrations: around mid (β taken out of them) 2 bp beyond the
half-spread, and as published 2 and 2.5 bp beyond it. A fill is marked at mid a second later. An anchored quote is
filled more or less often than one around mid, and whoever stands further away makes more per fill; so the last figure
compares at as many fills, between the two anchored depths. 95 % intervals are those of the hours.

    python benchmarks/anchor_replay.py [HOURS]      # default 8
"""

import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy.special import stdtrit

from calibration.backfill import backfill
from calibration.publication.history import ANCHOR_GAIN, RESPONSE, History, read_history
from market_making.market.instrument import FixedTick, Instrument
from market_making.market.tape import FloatArray, QuoteTape, Tape
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.recording.store.segments import write_segment
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.sessions import Span
from market_making.settings.settings import Settings
from market_making.simulation.led_market import LedMarket
from market_making.trading.strategy_model import StrategyModel

START_MS, HOUR_S, HALF_MS, MARK_MS = 1_757_014_200_000, 3600, 1_800_000, 1_000
TELLING, TICK, DEPTH_BPS, WIDER_BPS = 0.9, 0.01, 2.0, 2.5
USUAL_AGE_S = 0.45


class Half(NamedTuple):
    """The replayed half of an hour.

    `used` is the share of calibrations that anchor, `said` the gain they tell [bps]; `nets` and `fills` are the mean
    net [bps] and the number of fills around mid, anchored, and anchored further away.
    """

    used: float
    said: float
    nets: tuple[float, ...]
    fills: tuple[int, ...]

    @property
    def income(self) -> float:
        """What the anchored quotes make more than those around mid, all fills together [share]."""
        return self.nets[1] * self.fills[1] / (self.nets[0] * self.fills[0]) - 1

    @property
    def per_fill(self) -> float:
        """What they make more per fill where they are filled as often [bps]."""
        plain, near, far = np.log(self.fills)
        share = (plain - near) / (far - near)
        return self.nets[1] + share * (self.nets[2] - self.nets[1]) - self.nets[0]


def market(telling: float) -> LedMarket:
    """A market whose mid is 0.6 s late."""
    return LedMarket(lead_s=0.6, telling=telling, volatility=0.3)


def recorded(root: Path, tape: Tape) -> QuoteTape:
    """Write a tape into a tick store, prices on the grid; return its quotes."""
    quotes, trades = tape.quotes, tape.trades
    outwards = quotes._replace(
        time_ms=quotes.time_ms + START_MS,
        bid_price=np.floor(quotes.bid_price / TICK) * TICK,
        ask_price=np.ceil(quotes.ask_price / TICK) * TICK,
    )
    columns = outwards._asdict()
    stamps = columns.pop("time_ms")
    columns = {"exchange_ms": stamps, "local_ms": stamps + 50} | columns
    write_segment(root, "hyperliquid", "ETH", Stream.BBO, pa.table(columns).cast(SCHEMAS[Stream.BBO]))
    count, stamps = len(trades.time_ms), trades.time_ms + START_MS
    rows = {
        "exchange_ms": stamps,
        "local_ms": stamps + 50,
        "side": np.where(trades.sign > 0, "buy", "sell").tolist(),
        "price": np.rint(trades.price / TICK) * TICK,
        "size": trades.size,
        "trade_id": [str(number) for number in range(count)],
        "hash": [f"0x{number + 1:x}" for number in trades.order],
        "buyer": ["0xa"] * count,
        "seller": ["0xb"] * count,
        "replayed": [False] * count,
    }
    write_segment(root, "hyperliquid", "ETH", Stream.TRADES, pa.table(rows).cast(SCHEMAS[Stream.TRADES]))
    return outwards


def settings_of(folder: Path, truth: LedMarket, beyond_bps: float = DEPTH_BPS) -> Settings:
    """A bot that stands so far beyond the half-spread, whatever its model and its budget say."""
    depth_bps = 1e4 * truth.half_spread / truth.price + beyond_bps
    bounds = {"minimum_half_spread_bps": depth_bps, "maximum_half_spread_bps": depth_bps}
    return Settings.from_section(
        {
            "market_data": str(folder / "data"),
            "parameters": str(folder / "parameters"),
            "sides": "alternate",
            "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
            "quote": {**bounds, "actions_per_minute": 100_000.0},
            "edge": {"address_budget": False},
            "risk": {"daily_loss": 1e6, "drawdown": 1e6},
        }
    )


def without_anchor(history: History) -> History:
    """The same calibrations, quotes around mid."""
    column = history.table.schema.get_field_index(RESPONSE)
    nothing = pa.nulls(len(history), pa.float64())
    return History(history.table.set_column(column, history.table.schema.field(column), nothing))


def net_per_fill(tape: SessionTape, setup: ReplaySetup, quotes: QuoteTape) -> FloatArray:
    """What each fill makes within the next second [bps]."""
    (session,) = replay(setup, [tape]).sessions
    fills = session.fills
    after = quotes.mid[np.searchsorted(quotes.time_ms, fills.time_ms + MARK_MS, side="right") - 1]
    net: FloatArray = fills.sign * (after - fills.price) / fills.price * 1e4
    return net


def half_hour(truth: LedMarket, seed: int) -> Half:
    """One hour, its second half replayed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tape, _ = truth.simulate(seed=seed, seconds=HOUR_S)
        quotes = recorded(folder / "data", tape)
        instrument = Instrument("ETH", "ETH/USDC:USDC", FixedTick(Decimal(str(TICK))), Decimal("0.0001"))
        span = Span(START_MS + HALF_MS, START_MS + 1000 * HOUR_S - 2 * MARK_MS)
        settings = settings_of(folder, truth)
        backfill("ETH", settings, start_ms=span.start_ms, end_ms=span.end_ms)
        history = read_history(settings.parameters, "ETH", span.start_ms, span.end_ms)
        session = TapeCache(TickStore(settings.market_data), folder / "tapes").session(instrument, span)
        nets = []
        for beyond_bps, each in ((DEPTH_BPS, without_anchor(history)), (DEPTH_BPS, history), (WIDER_BPS, history)):
            own = settings_of(folder, truth, beyond_bps)
            model = StrategyModel("MarketMaking", cartea_jaimungal_quoter(own.model.cartea_jaimungal()), own)
            nets.append(net_per_fill(session, ReplaySetup(model, instrument, each, HftbacktestEngine), quotes))
        used = float(np.mean(history.column(RESPONSE, missing=0.0) != 0))
        said = float(np.nanmean(history.column(ANCHOR_GAIN[0]))) / truth.price * 1e4
    return Half(used, said, tuple(float(net.mean()) for net in nets), tuple(map(len, nets)))


def interval(values: list[float]) -> str:
    """Mean and half the width of its interval."""
    width = float(stdtrit(max(len(values) - 1, 1), 0.975) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return f"{np.mean(values):+.3f} ± {width:.3f}"


def main() -> None:
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for telling in (TELLING, 0.0):
        truth = market(telling)
        bps = 1e4 / truth.price
        true = truth.imbalance_gain(DEPTH_BPS / bps, USUAL_AGE_S)
        beta = bps * truth.imbalance_response
        print(f"sizes tell {telling:g}: β {beta:.2f} bp, truth {bps * true:+.3f} bp per fill at an age of "
              f"{USUAL_AGE_S} s; {hours} hours", flush=True)  # fmt: skip
        halves = [half_hour(truth, seed) for seed in range(hours)]
        nets, fills = (np.mean([getattr(half, part) for half in halves], axis=0) for part in ("nets", "fills"))
        print(f"  used {np.mean([half.used for half in halves]):.0%} of the time, said "
              f"{np.mean([half.said for half in halves]):+.3f} bp per fill")  # fmt: skip
        for name, net, count in zip(("around mid", "anchored", "anchored, further away"), nets, fills, strict=True):
            print(f"  {name}: {net:+.3f} bp per fill, {count:.0f} fills")
        if np.mean([half.used for half in halves]) > 0:
            print(f"  income: {interval([half.income for half in halves])}; per fill at as many fills: "
                  f"{interval([half.per_fill for half in halves])} bp", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
