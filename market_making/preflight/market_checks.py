"""Checks of the markets: listed, large enough orders, a calibration that may be quoted from, and a coin that earns."""

from collections.abc import Iterator
from functools import partial
from math import log10

from calibration.publication.parameters import Parameters, read_parameters
from market_making.market.errors import MarketMakingError
from market_making.preflight.outcome import Outcome, attempted, judged, passed, unknown
from market_making.preflight.subject import Subject
from market_making.quoting.risk.toxicity import expected_income

_SMALLEST_ORDER = 10.0
_RESERVED = 1.05  # Freqtrade's own margin on an exchange's minimum
_NEAR = 0.02


def market_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield every check of every market of the whitelist."""
    yield _minimum(subject)
    for pair in subject.pairs:
        coin = pair.split("/", maxsplit=1)[0]
        yield attempted(f"listed-{coin}", partial(_listed, subject, coin))
        yield attempted(f"price-grid-{coin}", partial(_grid, subject, coin))
        yield from _calibration(subject, pair, coin)


def _minimum(subject: Subject) -> Outcome:
    size, stoploss = subject.settings.model.order_notional, float(subject.config.get("stoploss") or -0.10)
    least = _SMALLEST_ORDER * _RESERVED / (1 + stoploss)
    reason = f"orders are worth {size:g}, Freqtrade's smallest is {least:.1f}"
    return judged("minimum-order", size >= least, reason, "raise market_making.model.order_notional")


def _listed(subject: Subject, coin: str) -> Outcome:
    name = f"listed-{coin}"
    meta = subject.answers.get("meta")
    if meta is None:
        return unknown(name, "the exchange did not tell its markets", "check the network and market_making.url")
    listed = {str(entry["name"]): bool(entry.get("isDelisted")) for entry in meta["universe"]}
    reason = f"{coin} is {'delisted' if listed.get(coin) else 'listed' if coin in listed else 'not listed'}"
    return judged(name, listed.get(coin) is False, reason, "correct exchange.pair_whitelist")


def _grid(subject: Subject, coin: str) -> Outcome:
    """Near a power of ten the tick changes tenfold, and Freqtrade keeps the grid it has loaded."""
    name = f"price-grid-{coin}"
    mid = _mid(subject, coin)
    if mid is None:
        return unknown(name, f"the price of {coin} is not known", "check the network and market_making.url")
    distance = abs(10 ** (log10(mid) - round(log10(mid))) - 1)
    reason = f"the price {mid:g} is {100 * distance:.1f} % from a power of ten, where the tick changes"
    return judged(name, distance > _NEAR, reason, "restart the bot when the price has crossed, or force this check")


def _mid(subject: Subject, coin: str) -> float | None:
    """The exchange's mid of a coin; None where it did not tell one."""
    mids = subject.answers.get("allMids")
    text = mids.get(coin) if isinstance(mids, dict) else None
    return float(text) if isinstance(text, str) else None


def _calibration(subject: Subject, pair: str, coin: str) -> Iterator[Outcome]:
    name, settings, mid = f"calibration-{coin}", subject.settings, _mid(subject, coin)
    try:
        parameters = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=subject.now_ms)
        parameters.require_good()
        if mid is not None:
            parameters.require_market(pair, mid)
    except MarketMakingError as error:
        yield judged(name, False, str(error), f"mm calibrate --coin {coin}")
        return
    age_s = (subject.now_ms - parameters.created_ms) / 1e3
    yield passed(name, f"{parameters.quality.status}, {age_s:.0f} s old, from {parameters.quality.events} events")
    yield _profitable(subject, coin, parameters)


def _profitable(subject: Subject, coin: str, parameters: Parameters) -> Outcome:
    fee = subject.settings.model.maker_fee if subject.settings.has_own_fee else parameters.model.maker_fee
    income = expected_income(parameters.order_flow(), parameters.market.mid, fee)
    per_hour = 3600 * sum(income) * parameters.model.order_size
    reason = f"the model expects {per_hour:+.2f} per hour at {1e4 * fee:g} bps; the regime is {parameters.regime.state}"
    good = per_hour > 0 and parameters.regime.state != "pause"
    return judged(f"profitable-{coin}", good, reason, "choose another coin (mm scan), or force this check")
