"""Checks of the account at Hyperliquid: who may sign for it, its mode, fee, actions, orders and positions."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from eth_account import Account

from market_making.hyperliquid.address_limit import read_address_limit
from market_making.hyperliquid.balances import parse_balances
from market_making.hyperliquid.fees import AccountFees
from market_making.market.identity import Market, Markets
from market_making.preflight.funds import funds
from market_making.preflight.outcome import Outcome, attempted, judged, passed
from market_making.preflight.subject import Subject, owner_of
from market_making.safety.books import BotBooks, read_books

_SOON_MS = 3 * 86_400_000
_RESERVE = 500
_SAME_COINS = 1e-9
_FEE_SHARE = 0.001  # of what is bought at most so much is paid as a fee, in the bought coins: 7 bps, and some room
_NO_ACCOUNT = "no account is configured: set exchange.walletAddress in the private file"


def account_checks(subject: Subject) -> Iterator[Outcome]:
    """Yield every check of the account; a dry run without an account needs none."""
    if subject.account is None:
        if subject.is_live:
            yield judged("account", False, _NO_ACCOUNT, "put your address into user_data/config-private.json")
        else:
            yield passed("account", "a dry run needs no account")
        return
    for name, check in (
        ("signer", _signer),
        ("account-mode", _mode),
        ("fee-tier", _fee),
        ("action-budget", _budget),
        ("open-orders", _orders),
        ("positions", _positions),
        ("funds", funds),
    ):
        yield attempted(name, partial(check, subject, name))


def _signer(subject: Subject, name: str) -> Outcome:
    """Whether the key may trade for the account, and until when."""
    key = str(subject.config.get("exchange", {}).get("privateKey", ""))
    if not key:
        if not subject.is_live:
            return passed(name, "a dry run signs nothing")
        return judged(
            name, False, "exchange.privateKey is missing", "put the key of an API wallet into the private file"
        )
    try:
        address = str(Account.from_key(key).address).lower()
    except (ValueError, TypeError):
        remedy = "copy the 64 hexadecimal digits of the API wallet's key into the private file"
        return judged(name, False, "exchange.privateKey is no key", remedy)
    return _vault(subject) or _wallet(subject, name, address)


def _wallet(subject: Subject, name: str, address: str) -> Outcome:
    """Whether the address of the key may trade for the account."""
    if address in (str(subject.account).lower(), owner_of(subject.answers)):
        return passed(name, "the account's own key signs; an API wallet, which cannot withdraw, would be safer")
    agents = {str(agent["address"]).lower(): int(agent["validUntil"]) for agent in subject.answers["extraAgents"]}
    if address not in agents:
        remedy = "approve the API wallet for this account on the exchange's API page, or correct exchange.walletAddress"
        return judged(name, False, f"{address[:6]}… is no valid API wallet of {str(subject.account)[:6]}…", remedy)
    until = datetime.fromtimestamp(agents[address] / 1e3, UTC)
    is_long = agents[address] - subject.now_ms > _SOON_MS
    return judged(
        name, is_long, f"the API wallet is valid until {until:%Y-%m-%d %H:%M} UTC", "approve a new API wallet"
    )


def _vault(subject: Subject) -> Outcome | None:
    """What is wrong with the address that ccxt is told to sign for; None if nothing is."""
    section = subject.config.get("exchange", {}).get("ccxt_config", {})
    vault = str(section.get("options", {}).get("vaultAddress") or "").lower()
    wanted = "" if owner_of(subject.answers) is None else str(subject.account).lower()
    if vault.removeprefix("0x") == wanted.removeprefix("0x"):
        return None
    key = "exchange.ccxt_config.options.vaultAddress"
    if not wanted:
        return judged("signer", False, f"{key} is set, but the account is no sub-account or vault", f"remove {key}")
    reason = f"the account is a sub-account or vault, and {key} is {vault or 'not set'}: orders would go elsewhere"
    return judged("signer", False, reason, f"set {key} to the address in exchange.walletAddress")


def _mode(subject: Subject, name: str) -> Outcome:
    """How collateral is kept; of the two readings of a unified account's value the bot takes the worse."""
    mode = str(subject.answers["userAbstraction"])
    known = ("default", "disabled", "dexAbstraction", "unifiedAccount", "portfolioMargin")
    reason = f"the account's mode is {mode}"
    return judged(name, mode in known[:3], reason, "switch the account to the standard mode, or force this check")


def _fee(subject: Subject, name: str) -> Outcome:
    """What the account pays in general; what each market makes of it is a check of the market."""
    fees = AccountFees.parse(subject.answers["userFees"])
    perpetual, spot = fees.on_main().maker, fees.spot.maker * (1 - fees.referral_discount)
    return passed(name, f"the account's maker fee is {1e4 * perpetual:g} bps, on spot {1e4 * spot:g} bps")


def _budget(subject: Subject, name: str) -> Outcome:
    """How many hours the account's actions last at the rate the bot may use."""
    left = read_address_limit(subject.answers["userRateLimit"]).left
    hours = max(left - _RESERVE, 0) / (60 * subject.settings.quote.actions_per_minute)
    reason = f"{left} actions are left, {hours:.1f} hours at {subject.settings.quote.actions_per_minute:g} per minute"
    return judged(name, left > 2 * _RESERVE, reason, "trade volume or buy actions: each USDC traded earns one")


def _orders(subject: Subject, name: str) -> Outcome:
    """Whether the bot's database knows every open order."""
    orders = [int(order["oid"]) for order in subject.answers["openOrders"]]
    books = _books(subject)
    foreign = [oid for oid in orders if oid not in books.open and oid not in books.stops]
    reason = f"{len(foreign)} of {len(orders)} open orders are in no database of this bot"
    return judged(name, not foreign, reason, "cancel them on the exchange's page, or wait until mm guard has")


def _positions(subject: Subject, name: str) -> Outcome:
    """Whether the bot's database and the account hold the same, and the wallet all tokens that the database has."""
    held = {each["position"]["coin"]: float(each["position"]["szi"]) for each in _entries(subject) if each}
    markets, books = subject.markets or Markets(()), _books(subject)
    known = [(markets.named(pair), pair, coins) for pair, coins in books.coins.items()]
    spot = [(market, coins) for market, _, coins in known if market is not None and market.tokens is not None]
    booked = {market.wire if market else pair: coins
              for market, pair, coins in known if market is None or market.tokens is None}  # fmt: skip
    names = sorted(held.keys() | booked.keys())
    differing = [coin for coin in names if abs(held.get(coin, 0.0) - booked.get(coin, 0.0)) > _SAME_COINS]
    differing += [market.names.key for market, coins in spot if _lacks(subject, market, coins)]
    reason = f"positions that account and database have differently: {', '.join(differing) or 'none'}"
    return judged(name, not differing, reason, "close them on the exchange's page before the bot starts")


def _lacks(subject: Subject, market: Market, booked: float) -> bool:
    """Whether the wallet has less of a token than is booked; more is somebody else's, and fees are paid in it."""
    wallet = parse_balances(subject.answers["spotClearinghouseState"])
    held = wallet.get(market.tokens.base, 0.0) if market.tokens is not None else 0.0
    return booked - held > max(_FEE_SHARE * booked, float(market.instrument.lot) / 2)


def _books(subject: Subject) -> BotBooks:
    """What the bot's database says; one that does not exist yet knows nothing."""
    path = database_of(subject)
    return BotBooks() if path is None or not path.exists() else read_books(path, ())


def _entries(subject: Subject) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = subject.answers["clearinghouseState"]["assetPositions"]
    return entries


def database_of(subject: Subject) -> Path | None:
    """File of the bot's database; None for one in memory."""
    url = urlparse(str(subject.config.get("db_url", "sqlite:///tradesv3.sqlite")))
    return Path(unquote(url.path[1:])) if url.path else None
