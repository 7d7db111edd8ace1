"""The risk rules: single thresholds, and laws over thousands of generated histories against an independent account."""

import dataclasses
import json
import math

import numpy as np
import pytest

from market_making.market.errors import ConfigurationError, MalformedMessage
from market_making.market.reasons import Because, Reason
from market_making.quoting.readings.observations import RiskLevel
from market_making.quoting.readings.observer import Observer, ObserverSettings
from market_making.quoting.risk.breakers import SpikeBreaker
from market_making.quoting.risk.rules import NO_OBJECTION, Reading, RiskLimits, RiskState, Verdict, verdict

LIMITS = RiskLimits(largest_position=1_000.0, daily_loss=50.0, drawdown=80.0)
DAY = 86_400_000
CALM = Reading(time_ms=DAY, mid=100.0, position=0.0, equity=1_000.0, volatility=1.0, data_ms=DAY)


def at(time_ms: int, **changes: float) -> Reading:
    """A calm reading at a time, but for what is given."""
    return CALM._replace(time_ms=time_ms, data_ms=time_ms, **changes)


def after(*readings: Reading, state: RiskState = RiskState(), limits: RiskLimits = LIMITS) -> RiskState:  # noqa: B008 - immutable
    """The state after some readings."""
    for reading in readings:
        state = state.seen(reading, limits)
    return state


def closed(state: RiskState, reading: Reading, limits: RiskLimits = LIMITS) -> tuple[bool, bool]:
    """Whether bid and ask are closed."""
    return sides(verdict(state, reading, limits), reading.position)


def sides(says: Verdict, position: float) -> tuple[bool, bool]:
    """Whether bid and ask are closed; without a position both would make it grow."""
    grows, reduces = says.growing is not None, says.reducing is not None
    return (grows if position >= 0 else reduces), (grows if position <= 0 else reduces)


def test_a_calm_market_is_quoted_on_both_sides():
    """No reason, no worry."""
    assert verdict(after(CALM), CALM, LIMITS) == NO_OBJECTION


@pytest.mark.parametrize(
    ("positions", "sides", "level", "leaving"),
    [
        ((590.0,), (False, False), RiskLevel.NORMAL, False),
        ((700.0,), (False, False), RiskLevel.MEDIUM, False),
        ((800.0,), (True, False), RiskLevel.HIGH, False),
        ((800.0, 610.0), (True, False), RiskLevel.HIGH, False),
        ((800.0, 590.0), (False, False), RiskLevel.NORMAL, False),
        ((-900.0,), (False, True), RiskLevel.CRITICAL, True),
        ((1_200.0,), (True, False), RiskLevel.CRITICAL, True),
    ],
)
def test_a_large_position_closes_the_growing_side(positions, sides, level, leaving):
    """One-sided from 80 % until under 60 %, to be left from 90 %."""
    readings = [at(DAY + step, position=position) for step, position in enumerate(positions)]
    state = after(*readings)
    assert closed(state, readings[-1]) == sides
    assert verdict(state, readings[-1], LIMITS)[1:] == (level, leaving, False, 1.0, 0)


def test_the_daily_loss_is_forgotten_at_midnight_utc():
    """It latches within the day even if the money comes back; the new day starts from its first value."""
    lost = after(CALM, at(DAY + 1, equity=949.0), at(DAY + 2, equity=1_000.0))
    assert closed(lost, at(DAY + 2)) == (True, True)
    assert not closed(after(at(2 * DAY, equity=949.0), state=lost), at(2 * DAY))[0]
    fresh = after(at(2 * DAY, equity=949.0), at(2 * DAY + 1, equity=920.0), state=after(CALM))
    assert not fresh.equity.lost_today


def test_a_loss_of_exactly_the_limit_is_none():
    """Money added up in another order is off by rounding, which must not stop a bot for ever."""
    start = 0.1 + 0.2
    limits = dataclasses.replace(LIMITS, daily_loss=0.1, drawdown=0.1)
    state = after(at(DAY, equity=start), at(DAY + 1, equity=0.2 - 1e-17), limits=limits)
    assert not state.equity.lost_today
    assert not state.equity.drawn_down


def test_a_drawdown_stays_until_it_is_reset_by_hand():
    """Days and profits do not lift it; after the reset the present value is the peak."""
    readings = [at(day * DAY, equity=1_000.0 - 30.0 * day) for day in range(1, 5)]
    state = after(*readings, at(9 * DAY, equity=2_000.0))
    assert state.equity.drawn_down
    assert "by hand" in verdict(state, at(9 * DAY), LIMITS).growing.detail
    again = after(at(9 * DAY + 1, equity=1_950.0), state=state.reset(2_000.0))
    assert not again.equity.drawn_down
    assert again.equity.peak == 2_000.0


def test_after_a_loss_the_position_is_left_or_all_is_closed():
    """By choice: the reducing side stays and the position should be left, or neither side is quoted."""
    lost = after(CALM, at(DAY + 1, equity=900.0, position=300.0))
    long = at(DAY + 1, equity=900.0, position=300.0)
    assert closed(lost, long) == (True, False)
    assert verdict(lost, long, LIMITS).leaving
    stay = dataclasses.replace(LIMITS, leave_after_loss=False)
    assert closed(lost, long, stay) == (True, True)
    assert not verdict(lost, long, stay).leaving


def test_a_volatility_spike_closes_once_the_usual_is_known():
    """Not within the first ten minutes; beyond three times the slow average afterwards; until it is back."""
    early = after(CALM, at(DAY + 1_000, volatility=10.0))
    assert not early.spike.spiking
    calm = after(*(at(DAY + 1_000 * step) for step in range(700)))
    wild = after(at(DAY + 700_000, volatility=3.1), state=calm)
    assert closed(wild, at(DAY + 700_000)) == (True, True)
    assert not after(at(DAY + 701_000, volatility=1.5), state=wild).spike.spiking
    assert after(at(DAY + 701_000, volatility=math.nan), state=wild).spike == wild.spike


def test_a_lasting_change_of_volatility_becomes_usual():
    """After some half-lives of its memory the rule stops calling it a spike."""
    calm = after(*(at(DAY + 10_000 * step) for step in range(100)))
    wild = after(*(at(DAY + 10_000 * step, volatility=5.0) for step in range(100, 500)), state=calm)
    assert not wild.spike.spiking


@pytest.mark.parametrize(("first", "last", "spiking"), [(0.0, 1.0, False), (5.0, 4.0, True), (5.0, 2.5, False)])
def test_the_first_reading_is_not_the_usual_volatility(first, last, spiking):
    """Of ten minutes of readings it is one, whether it was too small or too large."""
    calm = after(*(at(DAY + 1_000 * step, volatility=1.0 if step else first) for step in range(700)))
    assert after(at(DAY + 700_000, volatility=last), state=calm).spike.spiking == spiking


def test_the_first_reading_after_a_silence_is_not_the_usual_volatility_either():
    """Hours without readings teach nothing, nor do they count as warm-up."""
    calm = after(*(at(DAY + 1_000 * step) for step in range(700)))
    resumed = after(at(DAY + 20_000_000, volatility=0.01), at(DAY + 20_001_000), state=calm)
    assert not resumed.spike.spiking
    early = after(CALM, at(DAY + 20_000_000), at(DAY + 20_001_000, volatility=10.0))
    assert not early.spike.spiking


def test_each_source_of_volatility_has_its_own_usual():
    """Where the observed one is missing for a while, the calibrated one, here five times as large, is no spike."""
    calm = after(*(at(DAY + 1_000 * step, volatility=5.0) for step in range(700)))
    both = after(*(at(DAY + 1_000 * step, is_observed=True) for step in range(700, 1_400)), state=calm)
    assert not both.spike.spiking
    missing = after(at(DAY + 1_400_000, volatility=5.0), state=both)
    assert not missing.spike.spiking
    assert after(at(DAY + 1_401_000, volatility=16.0), state=missing).spike.spiking
    assert not after(at(DAY + 1_401_000, is_observed=True), state=missing).spike.spiking
    assert after(at(DAY + 1_401_000, volatility=3.5, is_observed=True), state=missing).spike.spiking


def test_a_state_kept_before_there_were_two_sources_can_be_read():
    """Its average goes on as the calibrated one."""
    kept = dataclasses.asdict(after(CALM)) | {"spike": [1.0, DAY - 3_600_000, DAY, False]}
    state = RiskState.from_json(json.loads(json.dumps(kept)))
    assert after(at(DAY + 1_000, volatility=3.1), state=state).spike.spiking
    fresh = RiskState.from_json(kept | {"spike": [0.0, -1, -1, False]})
    assert after(CALM, state=fresh).spike == after(CALM).spike


def watched_spikes(seed: int, hours: float, every_s: int, jump: float = 1.0) -> list[bool]:
    """Whether volatility spikes on a random walk read as a bot reads it, `jump` times as wild in its last half hour."""
    rng = np.random.default_rng(seed)
    steps = round(hours * 3_600 / every_s)
    sigma = np.full(steps, 1e-4 * every_s**0.5)
    sigma[steps - 1_800 // every_s :] *= jump
    observer, spike, spiking = Observer(), SpikeBreaker(), []
    for step, mid in enumerate(100 * np.exp(np.cumsum(rng.normal(0, sigma)))):
        observer.seen(DAY + 1_000 * every_s * step, float(mid), ObserverSettings())
        if observer.volatility is not None:
            now_ms = DAY + 1_000 * every_s * step
            spike = spike.seen(
                now_ms, observer.volatility, ratio=3.0, warm_up_ms=600_000, memory_ms=1_800_000, is_observed=True
            )
        spiking.append(spike.spiking)
    return spiking


@pytest.mark.parametrize("every_s", [2, 5])
def test_six_calm_hours_have_no_spike(every_s):
    """The noise of the reading is far from a factor of three."""
    assert not any(any(watched_spikes(seed, 6.0, every_s)) for seed in range(3))


@pytest.mark.parametrize(("every_s", "jump", "within_s"), [(1, 5.0, 60), (1, 8.0, 20), (5, 8.0, 90)])
def test_a_jump_of_volatility_is_a_spike(every_s, jump, within_s):
    """Soon, and not before it happens."""
    for seed in range(3):
        spiking = watched_spikes(seed, 1.5, every_s, jump)
        assert 3_600 <= spiking.index(True) * every_s <= 3_600 + within_s


def test_a_large_move_pauses():
    """More than 1 % within ten seconds, either way, for 300 s; the same move over a minute does not."""
    for mid in (101.1, 98.9):
        fast = after(CALM, at(DAY + 9_000, mid=mid))
        assert closed(fast, at(DAY + 9_000 + 299_999)) == (True, True)
        assert closed(fast, at(DAY + 9_000 + 300_000)) == (False, False)
    slow = after(*(at(DAY + 10_000 * step, mid=100.0 + 0.3 * step) for step in range(7)))
    assert closed(slow, at(DAY + 60_001)) == (False, False)


def test_interface_errors_pause():
    """The sixth within a minute, for two minutes."""
    state = after(CALM)
    for step in range(5):
        state = state.failed(DAY + 1_000 * step, LIMITS)
    assert closed(state, at(DAY + 5_000)) == (False, False)
    assert closed(state.failed(DAY + 60_000, LIMITS), at(DAY + 60_000)) == (False, False)
    state = state.failed(DAY + 5_000, LIMITS)
    assert closed(state, at(DAY + 124_999)) == (True, True)
    assert closed(state, at(DAY + 125_000)) == (False, False)


def test_taker_volume_pauses_with_hysteresis_and_rolls_off():
    """Beyond 20 % of a day's volume, until under 15 % or forgotten; a first small fill proves nothing."""
    state = after(CALM).traded(DAY, 100.0, is_taker=True)
    assert not after(at(DAY), state=state).taker.paused
    state = state.traded(DAY, 7_000.0, is_taker=False).traded(DAY, 1_800.0, is_taker=True)
    state = after(at(DAY), state=state)
    assert state.taker.paused
    milder = after(at(DAY + 1), state=state.traded(DAY + 1, 2_000.0, is_taker=False))
    assert milder.taker.share(0) < 0.2
    assert milder.taker.paused
    assert not after(at(DAY + 1), state=milder.traded(DAY + 1, 4_000.0, is_taker=False)).taker.paused
    assert after(at(DAY + 23 * 3_600_000), state=state).taker.paused
    assert not after(at(2 * DAY), state=state).taker.paused


def test_losing_fills_fade_then_pause_then_resume():
    """Three fade, five pause for a minute, after which three are remembered; one winner ends the series."""
    state = after(CALM)
    for _ in range(3):
        state = state.judged(DAY, LIMITS, losing=True)
    says = verdict(state, CALM, LIMITS)
    assert says == Verdict(level=RiskLevel.MEDIUM, depth_factor=1.5, losing_fills=3)
    for _ in range(2):
        state = state.judged(DAY, LIMITS, losing=True)
    assert closed(state, CALM) == (True, True)
    resumed = after(at(DAY + 60_000), state=state)
    assert closed(resumed, at(DAY + 60_000)) == (False, False)
    assert resumed.losing.losses == 3
    assert resumed.judged(DAY + 60_001, LIMITS, losing=False).losing.losses == 0


def test_stale_data_closes_both_sides():
    """Even the side that reduces the position: no price is known to be right."""
    stale = at(DAY, position=900.0)._replace(data_ms=DAY - 3_001)
    assert closed(after(stale), stale) == (True, True)
    assert verdict(after(stale), stale, LIMITS).reducing == (Reason.BOOK_STALE, "the data is 3.0 s old")


def test_a_verdict_counts_by_its_first_reason_and_tells_all():
    """One reason to group by, the text of every rule that applies."""
    reading = at(DAY + 1, position=950.0, equity=940.0)
    says = verdict(after(CALM, reading), reading, LIMITS)
    assert [because.reason for because in says.reasons] == [Reason.DAILY_LOSS, Reason.POSITION_LARGE]
    text = "the loss limit of the day is reached; the position is 95 % of the largest"
    assert says.growing == Because(Reason.DAILY_LOSS, text)
    more = says.restrained(Because(Reason.RISK_UNSAVED, "the disk is full"))
    assert more.growing == Because(Reason.DAILY_LOSS, f"{text}; the disk is full")
    assert NO_OBJECTION.restrained(Because(Reason.RISK_UNSAVED, "the disk is full")).level is RiskLevel.HIGH


def test_blind_rules_refuse_to_judge():
    """An unknown equity is an error, not a good day."""
    with pytest.raises(MalformedMessage, match="equity"):
        after(CALM._replace(equity=math.nan))


@pytest.mark.parametrize("wrong", [{"daily_loss": 0.0}, {"drawdown": math.nan}, {"taker_resume": 0.3}, {"fade_at": 9}])
def test_limits_out_of_order_are_refused(wrong):
    """With the key."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        dataclasses.replace(LIMITS, **wrong)


class Account:
    """The rules once more, from the whole history instead of a state."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.errors: list[int] = []
        self.trades: list[tuple[int, float, bool]] = []

    def loss_today(self) -> bool:
        today = [r.equity for r in self.readings if r.time_ms // DAY == self.readings[-1].time_ms // DAY]
        return any(today[0] - equity > 50.0 for equity in today)

    def drawn_down(self) -> bool:
        equity = np.array([r.equity for r in self.readings])
        return bool((np.maximum.accumulate(equity) - equity > 80.0).any())

    def moved(self) -> bool:
        now = self.readings[-1].time_ms
        for i, late in enumerate(self.readings):
            window = [r.mid for r in self.readings[: i + 1] if late.time_ms - r.time_ms <= 10_000]
            far = max(late.mid / min(window), max(window) / late.mid) - 1 > 0.01
            if far and late.time_ms <= now < late.time_ms + 300_000:
                return True
        return False

    def failing(self) -> bool:
        now = self.readings[-1].time_ms
        return any(
            sum(time - 60_000 < other <= time for other in self.errors[: i + 1]) > 5 and now < time + 120_000
            for i, time in enumerate(self.errors)
        )


def step(rng: np.random.Generator, state: RiskState, account: Account, reading: Reading) -> RiskState:
    """One random event and the reading after it, for the machine and for the account."""
    for _ in range(rng.integers(0, 4)):
        state = state.failed(reading.time_ms, LIMITS)
        account.errors.append(reading.time_ms)
    if rng.random() < 0.3:
        state = state.judged(reading.time_ms, LIMITS, losing=bool(rng.random() < 0.7))
    if rng.random() < 0.3:
        state = state.traded(reading.time_ms, float(rng.uniform(10, 2_000)), is_taker=bool(rng.random() < 0.2))
    account.readings.append(reading)
    return state.seen(reading, LIMITS)


def random_reading(rng: np.random.Generator, before: Reading) -> Reading:
    """A later reading: usually seconds, sometimes hours later."""
    time_ms = before.time_ms + int(rng.choice([500, 5_000, 60_000, 5 * 3_600_000], p=[0.4, 0.4, 0.17, 0.03]))
    return Reading(
        time_ms,
        before.mid * float(np.exp(rng.normal(0, 0.003))),
        float(np.clip(before.position + rng.normal(0, 200), -1_100, 1_100)),
        before.equity + float(rng.normal(0, 12)),
        float(np.exp(rng.normal(0, 0.5))),
        time_ms - int(rng.choice([0, 1_000, 4_000], p=[0.8, 0.15, 0.05])),
    )


def check_laws(state: RiskState, account: Account, reading: Reading) -> None:
    """What must hold after every event."""
    says = verdict(state, reading, LIMITS)
    bid, ask = sides(says, reading.position)
    if reading.time_ms - reading.data_ms > 3_000:
        assert bid
        assert ask
        return
    growing, reducing = (bid, ask) if reading.position > 0 else (ask, bid)
    assert not reducing
    if abs(reading.position) >= 800:
        assert growing
    assert says.leaving == (abs(reading.position) >= 900 or account.loss_today() or account.drawn_down())
    assert state.equity.lost_today == account.loss_today()
    assert state.equity.drawn_down == account.drawn_down()
    assert (reading.time_ms < state.move.until_ms) == account.moved()
    assert (reading.time_ms < state.errors.until_ms) == account.failing()
    if account.moved() or account.failing() or account.loss_today() or account.drawn_down():
        assert growing


@pytest.mark.slow
def test_ten_thousand_histories_keep_the_laws():
    """The reducing side stays open, limits close the growing one, and every latch agrees with the whole history."""
    for seed in range(10_000):
        rng = np.random.default_rng(seed)
        state, account, reading = RiskState(), Account(), CALM
        for _ in range(int(rng.integers(2, 14))):
            reading = random_reading(rng, reading)
            state = step(rng, state, account, reading)
            check_laws(state, account, reading)


def test_a_state_survives_as_json():
    """Written, read back and continued, a history ends as if it had never been interrupted."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        state, account, reading = RiskState(), Account(), CALM
        for _ in range(12):
            reading = random_reading(rng, reading)
            state = step(rng, state, account, reading)
            restored = RiskState.from_json(json.loads(json.dumps(dataclasses.asdict(state), allow_nan=False)))
            assert restored == state
            state = restored
