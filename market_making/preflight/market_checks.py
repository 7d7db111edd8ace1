"""Checks of the markets: listed, large enough orders, a calibration that may be quoted from, and a coin that earns."""

from collections.abc import Iterator
from functools import partial
from math import log10

from calibration.publication.parameters import Parameters, read_parameters
from calibration.scanning import MINIMUM_PER_HOUR
from market_making.hyperliquid.fees import AccountFees
from market_making.hyperliquid.listings import not_listed
from market_making.hyperliquid.numbers import from_wire
from market_making.market.errors import MalformedMessage, MarketMakingError
from market_making.market.names import Names
from market_making.market.smallest_order import smallest_notional
from market_making.preflight.outcome import Outcome, attempted, judged, passed, unknown
from market_making.preflight.subject import Subject
from market_making.quoting.risk.toxicity import expected_income

_SMALLEST_ORDER = 10.0
_NEAR = 0.02
_NO_MARKETS = "the exchange did not tell its markets"
_NETWORK = "check the network and market_making.url"


def market_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield every check of every market of the whitelist."""
    yield _minimum(subject)
    for name in subject.choice.missing:
        yield _not_listed(subject, name)
    for names in subject.choice.chosen:
        yield _listed(subject, names)
        if subject.account is not None:
            yield attempted(f"fee-{names.key}", partial(_fee, subject, names))
        yield attempted(f"price-grid-{names.key}", partial(_grid, subject, names))
        yield from _calibration(subject, names)


def _minimum(subject: Subject) -> Outcome:
    size, stoploss = subject.settings.model.order_notional, float(subject.config.get("stoploss") or -0.10)
    least = smallest_notional(_SMALLEST_ORDER, stoploss, subject.config.get("amount_reserve_percent"))
    reason = f"orders are worth {size:g}, Freqtrade's smallest is {least:.2f}"
    return judged("minimum-order", size >= least, reason, "raise market_making.model.order_notional")


def _not_listed(subject: Subject, name: str) -> Outcome:
    if subject.markets is None:
        return unknown(f"listed-{name}", _NO_MARKETS, _NETWORK)
    return judged(f"listed-{name}", False, not_listed((name,), subject.markets), "correct exchange.pair_whitelist")


def _listed(subject: Subject, names: Names) -> Outcome:
    name = f"listed-{names.key}"
    if subject.markets is None:
        return unknown(name, _NO_MARKETS, _NETWORK)
    market = subject.markets.named(names.pair)
    objection = "not listed" if market is None else market.objection
    if not objection and names.wire in (subject.answers.get("perpsAtOpenInterestCap") or ()):
        text = f"{names.wire}: at its cap of open interest, no order can open a position"
        return judged(name, False, text, "wait, or choose another market in exchange.pair_whitelist")
    return judged(name, not objection, f"{names.wire}: {objection or 'listed'}", "correct exchange.pair_whitelist")


def _fee(subject: Subject, names: Names) -> Outcome:
    """Whether the maker fee that is used is what the account pays on this market, or more."""
    name, market = f"fee-{names.key}", subject.markets and subject.markets.named(names.pair)
    if not market:
        return unknown(name, _NO_MARKETS, _NETWORK)
    fee, settings = AccountFees.parse(subject.answers["userFees"]).on(market).maker, subject.settings
    own = settings.own_fee(names)
    used = fee if own is None else own
    reason = f"the account pays {1e4 * fee:g} bps on {names.wire}, used is {1e4 * used:g} bps"
    return judged(name, used >= fee - 1e-9, reason, "remove the configured maker fee: it is asked for")


def _grid(subject: Subject, names: Names) -> Outcome:
    """Near a power of ten the tick changes tenfold, and Freqtrade keeps the grid it has loaded."""
    name, coin = f"price-grid-{names.key}", names.wire
    mid = _mid(subject, names)
    if mid is None:
        return unknown(name, f"the price of {coin} is not known", _NETWORK)
    distance = abs(10 ** (log10(mid) - round(log10(mid))) - 1)
    reason = f"the price {mid:g} is {100 * distance:.1f} % from a power of ten, where the tick changes"
    return judged(name, distance > _NEAR, reason, "restart the bot when the price has crossed, or force this check")


def _mid(subject: Subject, names: Names) -> float | None:
    """The exchange's mid of a coin; None where it did not tell one."""
    mids = subject.answers.get("allMids")
    text = mids.get(names.wire) if isinstance(mids, dict) else None
    try:
        return from_wire(text)
    except MalformedMessage:
        return None


def _calibration(subject: Subject, names: Names) -> Iterator[Outcome]:
    coin, settings, mid = names.key, subject.settings, _mid(subject, names)
    name = f"calibration-{coin}"
    try:
        parameters = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=subject.now_ms)
        parameters.require_good()
        if mid is not None:
            parameters.require_market(names.pair, mid, names.wire)
    except MarketMakingError as error:
        yield judged(name, False, str(error), f"mm calibrate --coin {coin}{subject.as_typed}")
        return
    age_s = (subject.now_ms - parameters.created_ms) / 1e3
    yield passed(name, f"{parameters.quality.status}, {age_s:.0f} s old, from {parameters.quality.events} events")
    yield _profitable(subject, names, parameters)


def _profitable(subject: Subject, names: Names, parameters: Parameters) -> Outcome:
    own = subject.settings.own_fee(names)
    fee = parameters.model.maker_fee if own is None else own
    income = expected_income(parameters.order_flow(), parameters.market.mid, fee)
    per_hour = 3600 * sum(income) * parameters.model.order_size
    expected = f"the model expects {per_hour:+.2f} per hour at {1e4 * fee:g} bps, needed is {MINIMUM_PER_HOUR:g}"
    reason = f"{expected}; the regime is {parameters.regime.state}"
    good = per_hour >= MINIMUM_PER_HOUR and parameters.regime.state != "pause"
    return judged(f"profitable-{names.key}", good, reason, "choose another coin (mm scan), or force this check")
