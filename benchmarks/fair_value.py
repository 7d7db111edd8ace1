"""What a quote gains per fill if it is anchored at mid + β·imbalance (+ γ·the leader's last second) and not at mid.

`calibration/estimators/fair_value.py` fits β and γ every minute on what came before and looks at what came after. First
simulated markets whose lead is known (`market_making/simulation/led_market.py`), an hour each: the lead that is found,
γ, and the gain per fill at each age of the quote, each beside its truth. Then a leader that is noise: how often
something is sure that is not there. Given a tick store, each session of its coins, quotes 1 bp beyond the mean
half-spread: the gain per fill in bp with its 95 % interval, and the fills of both. A gain counts where its interval
lies above 0 and ten fills of each stand behind it (*).

    python benchmarks/fair_value.py [STORE [LEADER]]      # BTC leads if no coin is named
"""

import sys

import numpy as np
from forecast_skill import sessions

from calibration.estimators.fair_value import AGES_MS, Gain
from calibration.flow.fair_value import DEPTH_BPS, FairValue, fair_value
from calibration.observation.increments import infer_increments
from market_making.market.clock import utc_text
from market_making.market.tape import QuoteTape, Tape
from market_making.recording.store.tick_store import TickStore
from market_making.simulation.led_market import LedMarket

FEWEST_QUOTES = 1500
LEADS_S = (0.1, 0.3, 0.6, 1.0)
RUNS, NOISE_RUNS = 40, 40


def told(gain: Gain, bp: float) -> str:
    """Gain in bp with its interval and fills, a star where it is sure."""
    if gain.per_fill is None:
        return f"- ({gain.plain} -> {gain.anchored})"
    width = (gain.per_fill.high - gain.per_fill.value) / bp
    star = "*" if gain.is_sure else ""
    return f"{gain.per_fill.value / bp:+.2f} ± {width:.2f}{star} ({gain.plain} -> {gain.anchored})"


def report(name: str, found: FairValue) -> None:
    """Print a line an age."""
    bp = found.mid / 1e4
    response = "" if found.response is None else f", γ {found.response.value:.2f}"
    print(f"{name}: β {found.imbalance.value / bp:.2f} bp per unit of imbalance{response}, {found.orders} orders; "
          f"{lead_text(found)}")  # fmt: skip
    for row, age_ms in enumerate(AGES_MS):
        line = "; ".join(f"{kind} {told(rows[row], bp)}" for kind, rows in found.gains.items())
        print(f"   {age_ms / 1e3:4.2f} s  {line}")


def lead_text(found: FairValue) -> str:
    """How far the leader is ahead."""
    if found.lead is None:
        return "no lead found"
    lead = found.lead.lead_s
    return f"lead {lead.value:.2f} s [{lead.low:.2f}, {lead.high:.2f}], correlation {found.lead.correlation:.2f}"


def led() -> None:
    """Markets whose lead is known: what is found beside what is true."""
    for lead_s in LEADS_S:
        truth = LedMarket(lead_s=lead_s)
        depth = truth.price * DEPTH_BPS / 1e4
        true = np.array([truth.gain(depth, age_ms / 1e3, truth.response) for age_ms in AGES_MS]) * 1e4 / truth.price
        leads, responses, gained, held = [], [], [], []
        for seed in range(RUNS):
            tape, leader = truth.simulate(seed=seed, seconds=3600)
            found = fair_value(tape, truth.tick, leader)
            leads.append(found.lead.lead_s.value if found.lead is not None else np.nan)
            responses.append(found.response.value if found.response is not None else np.nan)
            bounds = np.array([interval(gain) for gain in found.gains["leader"]])
            bounds *= 1e4 / truth.price
            gained.append(bounds[:, 1])
            held.append((bounds[:, 0] <= true) & (true <= bounds[:, 2]))
        print(f"a lead of {lead_s} s, {RUNS} hours: found {np.min(leads):.2f} to {np.max(leads):.2f} s; γ "
              f"{np.mean(responses):.3f} ± {np.std(responses):.3f}, truth {truth.response:.3f}")  # fmt: skip
        for row, age_ms in enumerate(AGES_MS):
            mean, error = np.mean(gained, axis=0)[row], 1.96 * np.std(gained, axis=0)[row] / np.sqrt(RUNS)
            print(f"   {age_ms / 1e3:4.2f} s  gain {mean:+.3f} ± {error:.3f} bp, truth {true[row]:+.3f}; intervals of "
                  f"an hour hold it {np.mean(held, axis=0)[row]:.0%}")  # fmt: skip


def interval(gain: Gain) -> tuple[float, float, float]:
    """Low, value and high [price]."""
    if gain.per_fill is None:
        return (np.nan,) * 3
    return gain.per_fill.low, gain.per_fill.value, gain.per_fill.high


def noise() -> None:
    """A leader that has nothing to do with the market: how often something is found."""
    truth = LedMarket(lead_s=0.0)
    leads, sure = 0, []
    for seed in range(NOISE_RUNS):
        tape, _ = truth.simulate(seed=seed, seconds=1800)
        _, stranger = truth.simulate(seed=1000 + seed, seconds=1800)
        found = fair_value(tape, truth.tick, stranger)
        leads += found.lead is not None
        sure += [gain.is_sure for kind in ("imbalance", "leader") for gain in found.gains[kind]]
    print(
        f"a leader that is noise, {NOISE_RUNS} half hours: a lead found {leads} times, a gain sure {np.mean(sure):.1%}"
    )


def recorded(root: str, leading: str) -> None:
    """Sessions of a tick store."""
    store = TickStore(root)
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) >= FEWEST_QUOTES:
                tick = infer_increments(tape.quotes).tick
                report(
                    f"{coin} {utc_text(tape.start_ms)}", fair_value(tape, tick, leader_of(store, coin, leading, tape))
                )


def leader_of(store: TickStore, coin: str, leading: str, tape: Tape) -> QuoteTape | None:
    """Quotes of the leading coin at the same time."""
    if coin == leading:
        return None
    quotes = store.tape(leading, tape.start_ms, tape.end_ms).quotes
    return quotes if len(quotes.time_ms) else None


def main() -> None:
    led()
    noise()
    if len(sys.argv) > 1:
        recorded(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "BTC")


if __name__ == "__main__":
    main()
