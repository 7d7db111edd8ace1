"""Checks of the markets: listed, large enough orders, a calibration that may be quoted from, and a coin that earns."""

from collections.abc import Iterator
from math import log10

from calibration.publication.parameters import Parameters, read_parameters
from market_making.market.errors import MarketMakingError
from market_making.preflight.outcome import Outcome, judged, passed, unknown
from market_making.preflight.subject import Subject
from market_making.quoting.risk.toxicity import expected_income

_SMALLEST_ORDER = 10.0
_RESERVED = 1.05  # Freqtrade's own margin on an exchange's minimum
_NEAR = 0.02


def market_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield every check of every market of the whitelist."""
    yield _minimum(subject)
    mids = subject.answers.get("allMids") or {}
    for pair in subject.pairs:
        coin = pair.split("/", maxsplit=1)[0]
        yield _listed(subject, coin)
        yield _grid(coin, mids)
        yield from _calibration(subject, pair, coin, mids)


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


def _grid(coin: str, mids: dict[str, str]) -> Outcome:
    """Near a power of ten the tick changes tenfold, and Freqtrade keeps the grid it has loaded."""
    name = f"price-grid-{coin}"
    if coin not in mids:
        return unknown(name, f"the price of {coin} is not known", "check the network and market_making.url")
    mid = float(mids[coin])
    distance = abs(10 ** (log10(mid) - round(log10(mid))) - 1)
    reason = f"the price {mid:g} is {100 * distance:.1f} % from a power of ten, where the tick changes"
    return judged(name, distance > _NEAR, reason, "restart the bot when the price has crossed, or force this check")


def _calibration(subject: Subject, pair: str, coin: str, mids: dict[str, str]) -> Iterator[Outcome]:
    name, settings = f"calibration-{coin}", subject.settings
    try:
        parameters = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=subject.now_ms)
        parameters.require_good()
        if coin in mids:
            parameters.require_market(pair, float(mids[coin]))
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
